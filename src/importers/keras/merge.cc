// SPDX-License-Identifier: Apache-2.0
// Layers that join several tensors.
#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

// Dimensions of 1 behind the batch, until all have the same rank.
int32_t ranked(Layer& l, int32_t x, int rank) {
  if (l.rank(x) == rank || l.rank(x) == 0) return x;
  std::vector<int32_t> dims = l.dims_of(x);
  dims.insert(dims.begin() + 1, static_cast<size_t>(rank - l.rank(x)), 1);
  return l.reshape(x, dims);
}

int32_t join(Layer& l, int32_t (*two)(Layer&, int32_t, int32_t)) {
  int rank = 0;
  for (int32_t x : l.inputs) rank = std::max(rank, l.rank(x));
  int32_t y = ranked(l, l.input(0), rank);
  for (size_t i = 1; i < l.inputs.size(); ++i) y = two(l, y, ranked(l, l.inputs[i], rank));
  return y;
}

int32_t plus(Layer& l, int32_t a, int32_t b) {
  return l.plus(a, b);
}
int32_t minus(Layer& l, int32_t a, int32_t b) {
  return l.minus(a, b);
}
int32_t times(Layer& l, int32_t a, int32_t b) {
  return l.times(a, b);
}
int32_t larger(Layer& l, int32_t a, int32_t b) {
  return l.add(Builtin::MAXIMUM, {a, b}, schema::MaximumMinimumOptionsT());
}
int32_t smaller(Layer& l, int32_t a, int32_t b) {
  return l.add(Builtin::MINIMUM, {a, b}, schema::MaximumMinimumOptionsT());
}

int32_t normalized(Layer& l, int32_t x, int axis) {
  const int32_t sum = l.reduce(Builtin::SUM, l.times(x, x), {axis}, true);
  return l.times(x, l.add(Builtin::RSQRT, {larger(l, sum, l.e.scalar(1e-12f))}));
}

// Axis `a` moved to the end of x [B, ...].
int32_t axis_last(Layer& l, int32_t x, int a) {
  std::vector<int32_t> order;
  for (int d = 0; d < l.rank(x); ++d)
    if (d != a) order.push_back(d);
  order.push_back(a);
  return a == l.rank(x) - 1 ? x : l.transpose(x, order);
}

}  // namespace

Tensors emit_add(Layer& l) {
  return {join(l, plus)};
}
Tensors emit_multiply(Layer& l) {
  return {join(l, times)};
}
Tensors emit_maximum(Layer& l) {
  return {join(l, larger)};
}
Tensors emit_minimum(Layer& l) {
  return {join(l, smaller)};
}
Tensors emit_subtract(Layer& l) {
  l.refuse_if(l.inputs.size() != 2, "expected two inputs");
  return {join(l, minus)};
}

// a + scale·b, as InceptionResNetV2 has it.
Tensors emit_custom_scale(Layer& l) {
  const float scale = static_cast<float>(l.config.number("scale", 1));
  return {l.plus(l.input(0), l.times(l.input(1), scale))};
}

Tensors emit_average(Layer& l) {
  const int32_t sum = join(l, plus);
  return {l.times(sum, 1.0f / static_cast<float>(l.inputs.size()))};
}

Tensors emit_concatenate(Layer& l) {
  return {l.concatenate(l.inputs, l.axis(l.config.integer("axis", -1), l.rank(l.input())))};
}

// Σ over one axis of each: [B, ...a, K] · [B, ...b, K] → [B, ...a, ...b]
Tensors emit_dot(Layer& l) {
  int32_t a = l.input(0), b = l.input(1);
  std::vector<int32_t> axes = l.config.at("axes").integers();
  if (axes.size() == 1) axes.push_back(axes[0]);
  l.refuse_if(axes.size() != 2, "expected two axes");
  const int at_a = l.axis(axes[0], l.rank(a)), at_b = l.axis(axes[1], l.rank(b));
  l.refuse_if(at_a == 0 || at_b == 0, "the batch can't be summed");
  if (l.config.flag("normalize", false)) {
    a = normalized(l, a, at_a);
    b = normalized(l, b, at_b);
  }
  a = axis_last(l, a, at_a);
  b = axis_last(l, b, at_b);
  std::vector<int32_t> dims = {kRest};
  const auto flat = [&](int32_t x) {
    int64_t rows = 1;
    for (int d = 1; d + 1 < l.rank(x); ++d) {
      dims.push_back(l.dim(x, d));
      rows *= l.dim(x, d);
    }
    return l.rank(x) == 3 ? x : l.reshape(x, {kRest, static_cast<int32_t>(rows), l.dim(x, -1)});
  };
  const bool plain = l.rank(a) == 3 && l.rank(b) == 3;
  a = flat(a);
  b = flat(b);
  const int32_t y = l.matmul(a, b, false, true);
  if (dims.size() == 1) dims.push_back(1);
  l.refuse_if(dims.size() > static_cast<size_t>(kMaxRank), "too many dimensions");
  return {plain ? y : l.reshape(y, dims)};
}

}  // namespace cygnet::keras
