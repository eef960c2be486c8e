// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

namespace cygnet::passes {
namespace {

// t = scale · min(max(x/6 + 1/2, 0), 1) for some x.
struct HardSigmoid {
  int32_t x = kAbsent;
  double scale = 0;
};

// relu6(x + 3) is six times the hard sigmoid; the sum may carry the clamp as fused activation.
int32_t shifted(const Patch& patch, int32_t t, Builtin clamp, Activation fused, double shift) {
  const int32_t n = patch.producer(t, clamp);
  if (n >= 0) return beside_uniform(patch, patch.node(n).inputs[0], Builtin::ADD, shift);
  const int32_t sum = patch.producer(t, Builtin::ADD);
  if (sum < 0 || patch.type(t) != Type::float32 || fused_activation(patch, sum) != fused)
    return kAbsent;
  for (size_t k = 0; k < 2; ++k) {
    const auto c = patch.uniform(patch.node(sum).inputs[k]);
    if (c && near(*c, shift)) return patch.node(sum).inputs[1 - k];
  }
  return kAbsent;
}

HardSigmoid hard_sigmoid(const Patch& patch, int32_t t, int32_t x) {
  if (shifted(patch, t, Builtin::RELU6, Activation::RELU6, 3) == x) return {x, 6};
  const int32_t half = shifted(patch, t, Builtin::RELU_0_TO_1, Activation::NONE, 0.5);
  if (half == kAbsent || patch.producer(t, Builtin::RELU_0_TO_1) < 0) return {};
  const Product p = product_of(patch, half, x);
  if (p.factors == std::vector<int32_t>{x} && near(p.factor, 1.0 / 6)) return {x, 1};
  return {};
}

// What a factor may be the hard sigmoid of: the operand under the clamp and the shift, and that
// operand without a constant factor.
std::vector<int32_t> candidates(const Patch& patch, int32_t t) {
  const int32_t six = shifted(patch, t, Builtin::RELU6, Activation::RELU6, 3);
  if (six != kAbsent) return {six};
  const int32_t half = shifted(patch, t, Builtin::RELU_0_TO_1, Activation::NONE, 0.5);
  if (half == kAbsent) return {};
  std::vector<int32_t> list = product_of(patch, half).factors;
  const int32_t n = plain(patch, half, Builtin::MUL);
  if (n >= 0)
    for (int32_t i : patch.node(n).inputs)
      if (!patch.constant(i)) list.push_back(i);
  return list;
}

// x · hard_sigmoid(x), in whichever order the constants are multiplied in.
int32_t hard_swish_of(const Patch& patch, int32_t y) {
  for (int32_t gate : product_of(patch, y).factors)
    for (int32_t x : candidates(patch, gate)) {
      const Product p = product_of(patch, y, x);
      if (p.factors.size() != 2) continue;
      const int32_t other = p.factors[0] == x ? p.factors[1] : p.factors[0];
      if (p.factors[0] != x && p.factors[1] != x) continue;
      const HardSigmoid h = hard_sigmoid(patch, other, x);
      if (h.x == x && near(p.factor * h.scale, 1)) return x;
    }
  return kAbsent;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  if (!has(patch, Builtin::HARD_SWISH)) return 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (!patch.is(n, Builtin::MUL)) continue;
    const int32_t y = patch.node(n).outputs[0];
    const int32_t x = plain(patch, y, Builtin::MUL) < 0 ? kAbsent : hard_swish_of(patch, y);
    if (x == kAbsent || !same_shape(patch, x, y)) continue;
    const std::string name(patch.tensor(y).name);
    patch.replace(y, patch.add(Builtin::HARD_SWISH, {x}, NoOptions(), Results(name)));
    patch.erase(n);
    ++rewrites;
  }
  return rewrites;
}

}  // namespace

/// x · relu6(x + 3) / 6 and its other spellings → HARD_SWISH.
extern const Pass kRecognizeHardSwish;
const Pass kRecognizeHardSwish = {.name = "recognize-hard-swish",
                                  .summary = "x · relu6(x + 3) / 6 as HARD_SWISH",
                                  .level = PassLevel::fuse,
                                  .run = run};

}  // namespace cygnet::passes
