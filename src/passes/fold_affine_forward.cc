// SPDX-License-Identifier: Apache-2.0
#include "edit/grid.h"
#include "passes/match.h"

namespace cygnet::passes {
namespace {

// A constant operand of one value, or one for each of the last dimension's k elements.
bool per_channel(const Patch& patch, int32_t c, int32_t k) {
  if (!patch.constant(c) || patch.type(c) != Type::float32) return false;
  const Shape& s = patch.shape(c);
  return s.elements() == 1 || (s.rank >= 1 && s.elements() == k && s[s.rank - 1] == k);
}

double at(const Patch& patch, int32_t c, int32_t channel) {
  const auto list = patch.values<float>(c);
  return static_cast<double>(list[list.size() == 1 ? 0 : static_cast<size_t>(channel)]);
}

// Whether a sum in front of the operator stays a sum behind it: no zeros of a padding come between.
bool sums_pass(const Patch& patch, int32_t n) {
  if (patch.is(n, Builtin::FULLY_CONNECTED)) return true;
  const auto options = patch.options<schema::Conv2DOptions>(patch.node(n));
  const Shape& w = patch.shape(patch.node(n).inputs[1]);
  return options.padding == schema::Padding::VALID || (w[1] == 1 && w[2] == 1);
}

// What the operator in front does to each channel.
struct Affine {
  int32_t x = kAbsent, c = kAbsent;
  bool product = false;
};

Affine affine_in_front(Patch& patch, int32_t n, int32_t k) {
  const int32_t t = patch.node(n).inputs[0];
  if (!patch.single_use(t)) return {};
  for (Builtin op : {Builtin::MUL, Builtin::ADD}) {
    const int32_t p = plain(patch, t, op);
    if (p < 0 || (op == Builtin::ADD && !sums_pass(patch, n))) continue;
    for (size_t j = 0; j < 2; ++j) {
      const int32_t c = patch.node(p).inputs[j], x = patch.node(p).inputs[1 - j];
      if (!patch.constant(x) && per_channel(patch, c, k) && same_shape(patch, x, t) &&
          patch.shape(x).rank >= 1 && patch.shape(x)[patch.shape(x).rank - 1] == k)
        return {x, c, op == Builtin::MUL};
    }
  }
  return {};
}

// The bias behind the operator: its own plus the weights times the constant.
int32_t moved_bias(Patch& patch, int32_t weights, int32_t bias, int32_t c, int32_t k) {
  const auto w = patch.values<float>(weights);
  const int32_t units = patch.shape(weights)[0];
  std::vector<float> values;
  for (int32_t u = 0; u < units; ++u) {
    double sum = bias == kAbsent ? 0.0 : at(patch, bias, u);
    const auto row = static_cast<int64_t>(w.size()) / units;
    for (int64_t i = 0; i < row; ++i)
      sum += static_cast<double>(w[static_cast<size_t>(u * row + i)]) *
             at(patch, c, static_cast<int32_t>(i % k));
    values.push_back(static_cast<float>(sum));
  }
  const std::string name(patch.tensor(bias == kAbsent ? c : bias).name);
  return patch.constant<float>({units}, values, name);
}

bool fold(Patch& patch, int32_t n) {
  std::vector<int32_t> inputs(patch.node(n).inputs.begin(), patch.node(n).inputs.end());
  const int32_t weights = inputs[1];
  inputs.resize(3, kAbsent);
  if (!patch.constant(weights) || patch.type(weights) != Type::float32 ||
      patch.type(inputs[0]) != Type::float32 || patch.shape(weights).elements() == 0 ||
      patch.consumers(weights).size() != 1 ||
      (inputs[2] != kAbsent && !per_channel(patch, inputs[2], patch.shape(weights)[0])))
    return false;
  const int32_t k = patch.shape(weights)[patch.shape(weights).rank - 1];
  if (patch.is(n, Builtin::CONV_2D) && patch.shape(inputs[0])[patch.shape(inputs[0]).rank - 1] != k)
    return false;  // grouped
  const Affine affine = affine_in_front(patch, n, k);
  if (affine.x == kAbsent) return false;
  inputs[0] = affine.x;
  if (affine.product) {
    std::vector<float> values;
    const auto w = patch.values<float>(weights);
    for (size_t i = 0; i < w.size(); ++i) {
      const auto channel = static_cast<int32_t>(i % static_cast<size_t>(k));
      values.push_back(
          static_cast<float>(static_cast<double>(w[i]) * at(patch, affine.c, channel)));
      if (!std::isfinite(values.back())) return false;
    }
    const std::string name(patch.tensor(weights).name);
    const auto c = patch.values<float>(affine.c);
    const Shape shape = patch.shape(weights);
    const Grid grid = scaled_grid(patch.grid(weights), shape,
                                  std::vector<double>(c.begin(), c.end()), shape.rank - 1, values);
    inputs[1] = patch.constant<float>(shape, values, name);
    patch.set_grid(inputs[1], grid);
  } else {
    inputs[2] = moved_bias(patch, weights, inputs[2], affine.c, k);
  }
  patch.set_inputs_of(n, inputs);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n)
    if (patch.is(n, Builtin::FULLY_CONNECTED) || patch.is(n, Builtin::CONV_2D))
      rewrites += fold(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// A factor or an offset for each channel in front of FULLY_CONNECTED or CONV_2D moves into its
/// weights and bias: the scale and offset of a normalization, the range of the input image.
extern const Pass kFoldAffineForward;
const Pass kFoldAffineForward = {.name = "fold-affine-forward",
                                 .summary = "MUL and ADD in front of weights, folded into them",
                                 .level = PassLevel::fuse,
                                 .run = run};

}  // namespace cygnet::passes
