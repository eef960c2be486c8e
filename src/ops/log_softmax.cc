// SPDX-License-Identifier: Apache-2.0
// LOG_SOFTMAX: y[..., i] = x[..., i] − log Σ_j e^x[..., j] along the last dimension. Types f32;
// int8 and uint8, whose result has scale 1/16 and the type's largest value as zero point.
// Sources: tensorflow/lite/kernels/activations.cc, internal/reference/log_softmax.h.
#include <algorithm>
#include <cmath>

#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct LogSoftmaxState {
  DifferenceScale scale;
  Multiplier reverse;  // from scaled differences back to the input's units
};

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int8, Type::uint8}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", y));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  if (x.shape[x.shape.rank - 1] < 1)
    return bad_model("input 0: expected a last dimension >= 1, got %s", shape_text(x.shape).text);
  if (x.type != Type::float32) {
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    const int32_t zero = y.type == Type::int8 ? 127 : 255;
    if (y.quantization.scale() != 1.0f / 16 || y.quantization.zero_point() != zero)
      return bad_model("output 0: expected scale 1/16 and zero point %d, got %g and %d", zero,
                       static_cast<double>(y.quantization.scale()), y.quantization.zero_point());
  }
  return op.set_output(0, x.shape);
}

Status prepare(OpContext& op) {
  const Tensor& x = op.input(0);
  if (x.type == Type::float32) return {};
  auto* s = op.make_state<LogSoftmaxState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(LogSoftmaxState));
  CYGNET_TRY(difference_scale(static_cast<double>(x.quantization.scale()), &s->scale));
  const Multiplier& m = s->scale.multiplier;
  if (m.multiplier == 0 || m.shift < 0)
    return bad_model("T9: input 0: scale %g is too small",
                     static_cast<double>(x.quantization.scale()));
  return quantize_multiplier(std::ldexp(1.0, 31 - m.shift) / m.multiplier, &s->reverse);
}

void row_f32(const float* x, int64_t n, float* y) {
  const float most = *std::max_element(x, x + n);
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - most);
  const float log_sum = std::log(sum);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] - most - log_sum;
}

// Fixed point, as the reference. A sum beyond 2^12 saturates.
template <class T>
void row_q8(const T* x, int64_t n, const LogSoftmaxState& s, T* y) {
  constexpr int32_t kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
  const int32_t most = *std::max_element(x, x + n);
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i)
    if (x[i] - most >= s.scale.least) sum += rescale<12>(s.scale.exp_of(x[i] - most)).raw;
  const int32_t log_sum = log_from_one({saturate<int32_t>(sum)}).raw;
  // Below it the result is the least code.
  const auto lowest = static_cast<int32_t>(int64_t{log_sum} - (int64_t{1} << 31));
  const int32_t least = std::max(s.scale.least - 1, apply(s.reverse, lowest));
  for (int64_t i = 0; i < n; ++i) {
    int32_t q = kLow;
    if (x[i] - most > least) {
      constexpr int kShift = 31 - DifferenceScale::kIntegerBits - 4;  // to 16ths
      const int64_t log = int64_t{apply(s.scale.multiplier, x[i] - most)} - log_sum;
      const int32_t scaled = rounding_divide_by_power(static_cast<int32_t>(log), kShift);
      q = std::clamp(scaled + kHigh, kLow, kHigh);
    }
    y[i] = static_cast<T>(q);
  }
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  Tensor& y = op.output(0);
  const int64_t n = x.shape[x.shape.rank - 1];
  if (n == 0) return {};
  op.parallel_for(x.shape.elements(0, x.shape.rank - 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t at = begin * n; at < end * n && !op.stopped(); at += n) {
      if (x.type == Type::float32)
        row_f32(x.as<float>() + at, n, y.as<float>() + at);
      else if (x.type == Type::int8)
        row_q8(x.as<int8_t>() + at, n, op.state<LogSoftmaxState>(), y.as<int8_t>() + at);
      else
        row_q8(x.as<uint8_t>() + at, n, op.state<LogSoftmaxState>(), y.as<uint8_t>() + at);
    }
  });
  return {};
}

}  // namespace

extern const OpDef kLogSoftmax;
extern const OpDef kLogSoftmax = {
    .name = "LOG_SOFTMAX",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::LOG_SOFTMAX),
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::LogSoftmaxOptions),
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke};

}  // namespace cygnet::ops
