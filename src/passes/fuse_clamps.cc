// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

namespace cygnet::passes {
namespace {

std::optional<Activation> clamp_of(const Patch& patch, int32_t n) {
  if (patch.is(n, Builtin::RELU)) return Activation::RELU;
  if (patch.is(n, Builtin::RELU6)) return Activation::RELU6;
  if (patch.is(n, Builtin::RELU_N1_TO_1)) return Activation::RELU_N1_TO_1;
  return std::nullopt;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    const auto clamp = clamp_of(patch, n);
    if (!clamp) continue;
    const int32_t x = patch.node(n).inputs[0], y = patch.node(n).outputs[0];
    const int32_t p = patch.producer(x);
    if (p < 0 || patch.type(x) != Type::float32 || !patch.single_use(x) ||
        fused_activation(patch, p) != Activation::NONE || !set_activation(patch, p, *clamp))
      continue;
    patch.replace(y, x);
    patch.erase(n);
    ++rewrites;
  }
  return rewrites;
}

}  // namespace

/// RELU, RELU6 and RELU_N1_TO_1 become the fused activation of the operator in front.
extern const Pass kFuseClamps;
const Pass kFuseClamps = {.name = "fuse-clamps",
                          .summary = "RELU and the like as fused activations",
                          .level = PassLevel::safe,
                          .run = run};

}  // namespace cygnet::passes
