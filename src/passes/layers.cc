// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::passes {

bool is_layer(const Patch& patch, int32_t n) {
  if (!patch.is(n, Builtin::CONV_2D) && !patch.is(n, Builtin::DEPTHWISE_CONV_2D) &&
      !patch.is(n, Builtin::TRANSPOSE_CONV) && !patch.is(n, Builtin::FULLY_CONNECTED))
    return false;
  const auto inputs = patch.node(n).inputs;
  const size_t b = bias_operand(patch, n);
  if (patch.type(patch.node(n).outputs[0]) != Type::float32 || !patch.constant(inputs[1]) ||
      patch.type(inputs[1]) != Type::float32 || patch.shape(inputs[1]).elements() == 0)
    return false;
  return inputs.size() <= b || inputs[b] == kAbsent || patch.constant(inputs[b]);
}

size_t bias_operand(const Patch& patch, int32_t n) {
  return patch.is(n, Builtin::TRANSPOSE_CONV) ? 3 : 2;
}

int channel_axis(const Patch& patch, int32_t n) {
  return patch.is(n, Builtin::DEPTHWISE_CONV_2D) ? 3 : 0;
}

bool takes_activation(const Patch& patch, int32_t n) {
  if (n < 0 || patch.erased(n) || patch.node(n).outputs.empty() ||
      patch.type(patch.node(n).outputs[0]) != Type::float32)
    return false;
  switch (static_cast<Builtin>(patch.node(n).builtin)) {
    case Builtin::CONV_2D:
    case Builtin::DEPTHWISE_CONV_2D:
    case Builtin::TRANSPOSE_CONV:
    case Builtin::FULLY_CONNECTED:
    case Builtin::ADD:
    case Builtin::SUB:
    case Builtin::MUL:
    case Builtin::DIV:
    case Builtin::AVERAGE_POOL_2D:
    case Builtin::MAX_POOL_2D:
      return true;
    default:
      return false;
  }
}

std::optional<std::vector<int64_t>> paddings(const Patch& patch, int32_t n) {
  if (!patch.is(n, Builtin::PAD) && !patch.is(n, Builtin::PADV2)) return std::nullopt;
  return patch.integers(patch.node(n).inputs[1]);
}

std::optional<float> padding_value(const Patch& patch, int32_t n) {
  const auto inputs = patch.node(n).inputs;
  if (patch.type(inputs[0]) != Type::float32) return std::nullopt;
  if (inputs.size() < 3 || inputs[2] == kAbsent) return 0.0f;
  return patch.uniform(inputs[2]);
}

}  // namespace cygnet::passes
