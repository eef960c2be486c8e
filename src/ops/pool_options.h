// SPDX-License-Identifier: Apache-2.0
// The options of MediaPipe's custom pools, which are TFLite's own structure for pools in memory.
#pragma once

#include <cstring>

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// What the custom options hold, in this order; what may follow has no meaning.
struct PoolOptions {
  int32_t padding_code, stride_w, stride_h, filter_w, filter_h, activation;

  bool same() const { return padding_code == 1; }
  schema::Padding padding() const {
    return same() ? schema::Padding::SAME : schema::Padding::VALID;
  }
  schema::ActivationFunctionType fused() const {
    return static_cast<schema::ActivationFunctionType>(activation);
  }
};

/// Reads the custom options; sizes and strides are ≥ 1.
inline Status read_pool_options(const OpContext& op, PoolOptions* options) {
  if (op.custom_options().size() < sizeof(*options))
    return bad_model("C10: expected %zu bytes of options, got %zu", sizeof(*options),
                     op.custom_options().size());
  std::memcpy(options, op.custom_options().data(), sizeof(*options));
  CYGNET_TRY(expect_range("C9: padding", options->padding_code, 1, 2));
  CYGNET_TRY(expect_range("stride", options->stride_w, 1, INT32_MAX));
  CYGNET_TRY(expect_range("stride", options->stride_h, 1, INT32_MAX));
  CYGNET_TRY(expect_range("filter", options->filter_w, 1, INT32_MAX));
  CYGNET_TRY(expect_range("filter", options->filter_h, 1, INT32_MAX));
  return expect_range("C9: activation", options->activation, 0, 3);
}

}  // namespace cygnet::ops
