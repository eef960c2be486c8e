// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "passes/layers.h"

namespace cygnet::passes {
namespace {

// An activation as a clamp.
struct Range {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool operator==(const Range&) const = default;
};

struct Known {
  Activation activation;
  Range range;
};
constexpr Known kKnown[] = {
    {Activation::NONE, {}},
    {Activation::RELU, {0, std::numeric_limits<float>::infinity()}},
    {Activation::RELU6, {0, 6}},
    {Activation::RELU_N1_TO_1, {-1, 1}},
};

std::optional<Range> range_of(Activation activation) {
  for (const Known& k : kKnown)
    if (k.activation == activation) return k.range;
  return std::nullopt;
}

std::optional<Activation> activation_of(const Patch& patch, int32_t n) {
  if (patch.is(n, Builtin::RELU)) return Activation::RELU;
  if (patch.is(n, Builtin::RELU6)) return Activation::RELU6;
  if (patch.is(n, Builtin::RELU_N1_TO_1)) return Activation::RELU_N1_TO_1;
  return std::nullopt;
}

// One clamp for first one activation, then the other; nothing where the format has none.
std::optional<Activation> both(Activation first, Activation then) {
  const auto a = range_of(first), b = range_of(then);
  if (!a || !b) return std::nullopt;
  const Range range{std::clamp(a->low, b->low, b->high), std::clamp(a->high, b->low, b->high)};
  for (const Known& k : kKnown)
    if (k.range == range) return k.activation;
  return std::nullopt;
}

// Whether each element of the result is one of operand 0, or 0, which every activation here keeps.
bool moves_elements(const Patch& patch, int32_t p) {
  if (p < 0) return false;
  switch (static_cast<Builtin>(patch.node(p).builtin)) {
    case Builtin::BATCH_TO_SPACE_ND:
    case Builtin::SPACE_TO_BATCH_ND:
    case Builtin::DEPTH_TO_SPACE:
    case Builtin::SPACE_TO_DEPTH:
    case Builtin::EXPAND_DIMS:
    case Builtin::SQUEEZE:
    case Builtin::RESHAPE:
    case Builtin::TRANSPOSE:
    case Builtin::SLICE:
    case Builtin::STRIDED_SLICE:
      return true;
    case Builtin::PAD:
    case Builtin::PADV2:
      return padding_value(patch, p) == 0.0f;
    default:
      return false;
  }
}

bool fuse(Patch& patch, int32_t n) {
  const auto activation = activation_of(patch, n);
  if (patch.node(n).inputs.empty() || patch.node(n).outputs.empty()) return false;
  const int32_t x = patch.node(n).inputs[0], y = patch.node(n).outputs[0];
  if (!activation || patch.type(x) != Type::float32 || patch.type(y) != Type::float32) return false;
  for (int32_t t = x; patch.single_use(t);) {
    const int32_t p = patch.producer(t);
    if (takes_activation(patch, p)) {
      const auto fused = both(fused_activation(patch, p), *activation);
      if (!fused || !set_activation(patch, p, *fused)) return false;
      patch.bypass(n);
      return true;
    }
    if (!moves_elements(patch, p)) return false;
    t = patch.node(p).inputs[0];
  }
  return false;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n)
    if (!patch.erased(n)) rewrites += fuse(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// RELU, RELU6 and RELU_N1_TO_1 become the fused activation of the operator before them, also where
/// operators that only move elements come between. LiteRT's kernels compute no other activation.
extern const Pass kFuseActivations;
const Pass kFuseActivations = {.name = "fuse-activations",
                               .summary = "activations, as part of the operator before them",
                               .level = PassLevel::safe,
                               .run = run};

}  // namespace cygnet::passes
