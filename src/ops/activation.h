// SPDX-License-Identifier: Apache-2.0
// The activation that an operator's options fuse into it, as a clamp.
#pragma once

#include <algorithm>
#include <limits>

#include "base/status.h"
#include "cygnet/custom_op.h"
#include "ops/fixed_point.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// Closed range that results are clamped to.
template <class T>
struct Clamp {
  T low = std::numeric_limits<T>::lowest();
  T high = std::numeric_limits<T>::max();
  T operator()(T x) const { return std::min(std::max(x, low), high); }
};

/// Clamp of a float (or integer) result. TANH and SIGN_BIT are not clamps: refused.
template <class T>
Status activation_clamp(schema::ActivationFunctionType activation, Clamp<T>* out) {
  using enum schema::ActivationFunctionType;
  *out = {};
  if constexpr (std::is_same_v<T, float>)
    *out = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  switch (activation) {
    case NONE:
      return {};
    case RELU:
      out->low = T{0};
      return {};
    case RELU6:
      *out = {T{0}, T{6}};
      return {};
    case RELU_N1_TO_1:
      *out = {static_cast<T>(-1), T{1}};
      return {};
    default:
      return Status::error(Code::unsupported, "fused activation %d is not supported",
                           static_cast<int>(activation));
  }
}

/// Clamp in the output's quantized units, within the range of its type (int8, uint8, int16).
inline Status quantized_activation_clamp(schema::ActivationFunctionType activation,
                                         const Tensor& output, Clamp<int32_t>* out) {
  Clamp<float> real;
  CYGNET_TRY(activation_clamp(activation, &real));
  switch (output.type) {
    case Type::uint8:
      *out = {0, 255};
      break;
    case Type::int8:
      *out = {-128, 127};
      break;
    case Type::int16:
      *out = {-32768, 32767};
      break;
    default:
      return bad_model("output 0: type %s is not a quantized type", type_name(output.type));
  }
  const float scale = output.quantization.scale();
  const int64_t zero = output.quantization.zero_point();
  const auto quantize = [&](float x) { return zero + round_to_int32(x / scale); };
  if (real.low > -std::numeric_limits<float>::infinity())
    out->low = static_cast<int32_t>(std::clamp<int64_t>(quantize(real.low), out->low, out->high));
  if (real.high < std::numeric_limits<float>::infinity())
    out->high = static_cast<int32_t>(std::clamp<int64_t>(quantize(real.high), out->low, out->high));
  return {};
}

}  // namespace cygnet::ops
