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

int32_t plus(Layer& l, int32_t a, int32_t b) { return l.plus(a, b); }
int32_t times(Layer& l, int32_t a, int32_t b) { return l.times(a, b); }
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

Tensors emit_add(Layer& l) { return {join(l, plus)}; }
Tensors emit_multiply(Layer& l) { return {join(l, times)}; }
Tensors emit_maximum(Layer& l) { return {join(l, larger)}; }
Tensors emit_minimum(Layer& l) { return {join(l, smaller)}; }
Tensors emit_subtract(Layer& l) { return {l.minus(l.input(0), l.input(1))}; }

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

Tensors emit_dot(Layer& l) {
  int32_t a = l.input(0), b = l.input(1);
  std::vector<int32_t> axes = l.config.at("axes").integers();
  if (axes.size() == 1) axes.push_back(axes[0]);
  l.refuse_if(axes.size() != 2, "expected two axes");
  const int at_a = l.axis(axes[0], l.rank(a)), at_b = l.axis(axes[1], l.rank(b));
  l.refuse_if(at_a == 0 || at_b == 0 || l.rank(a) > 3 || l.rank(b) > 3,
              "these ranks and axes are not supported");
  if (l.config.flag("normalize", false)) {
    a = normalized(l, a, at_a);
    b = normalized(l, b, at_b);
  }
  a = axis_last(l, a, at_a);
  b = axis_last(l, b, at_b);
  const bool flat_a = l.rank(a) == 2, flat_b = l.rank(b) == 2;
  if (flat_a) a = l.reshape(a, {kRest, 1, l.dim(a, 1)});
  if (flat_b) b = l.reshape(b, {kRest, 1, l.dim(b, 1)});
  const int32_t y = l.matmul(a, b, false, true);
  if (!flat_a && !flat_b) return {y};
  if (flat_a && flat_b) return {l.reshape(y, {kRest, 1})};
  return {l.reshape(y, {kRest, flat_a ? l.dim(y, 2) : l.dim(y, 1)})};
}

}  // namespace cygnet::keras
