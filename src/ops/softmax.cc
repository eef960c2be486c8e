// SPDX-License-Identifier: Apache-2.0
// SOFTMAX: y[..., i] = e^(beta·x[..., i]) / Σ_j e^(beta·x[..., j]) along the last dimension. Types
// f32; int8 and uint8, whose result has scale 1/256 and the type's least value as zero point.
// Source: tensorflow/lite/kernels/activations.cc, internal/reference/softmax.h.
#include <cmath>

#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct SoftmaxState {
  int64_t rows = 0, n = 0;
  float beta = 1;
  Multiplier multiplier;      // differences to 5 integer bits
  int32_t least_difference = 0;  // below it e^x counts as 0
  float exps[256];            // e^(−beta·scale·d)
};

constexpr int kDifferenceBits = 5;   // integer bits of the scaled differences
constexpr int kSumBits = 12;         // integer bits of the sum

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int8, Type::uint8}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", y));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  if (x.shape[x.shape.rank - 1] < 1) return bad_model("input 0: expected a last dimension >= 1, got %s", shape_text(x.shape).text);
  const float beta = op.options<schema::SoftmaxOptions>().beta();
  if (!std::isfinite(beta) || !(beta > 0)) return bad_model("beta: expected a finite number > 0, got %g", static_cast<double>(beta));
  if (x.type != Type::float32) {
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    const int32_t zero = y.type == Type::int8 ? -128 : 0;
    if (std::abs(y.quantization.scale() * 256.0f - 1.0f) > 0.001f || y.quantization.zero_point() != zero)
      return bad_model("output 0: expected scale 1/256 and zero point %d, got %g and %d", zero, static_cast<double>(y.quantization.scale()), y.quantization.zero_point());
  }
  return op.set_output(0, x.shape);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<SoftmaxState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(SoftmaxState));
  const Tensor& x = op.input(0);
  s->n = x.shape[x.shape.rank - 1];
  s->rows = x.shape.elements(0, x.shape.rank - 1);
  s->beta = op.options<schema::SoftmaxOptions>().beta();
  if (x.type == Type::float32) return {};
  const double scale = static_cast<double>(x.quantization.scale());
  const double real = std::min(static_cast<double>(s->beta) * scale * (1 << (31 - kDifferenceBits)), 2147483647.0);
  CYGNET_TRY(quantize_multiplier(real, &s->multiplier));
  const double radius = ((1 << kDifferenceBits) - 1) * std::ldexp(1.0, 31 - kDifferenceBits - s->multiplier.shift);
  s->least_difference = -static_cast<int32_t>(std::min(std::floor(radius), 255.0));
  for (int d = 0; d < 256; ++d) s->exps[d] = static_cast<float>(std::exp(-static_cast<double>(s->beta) * scale * d));
  return {};
}

void row_f32(const float* x, int64_t n, float beta, float* y) {
  float most = x[0];
  for (int64_t i = 1; i < n; ++i) most = std::max(most, x[i]);
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = std::exp((x[i] - most) * beta);
    sum += y[i];
  }
  for (int64_t i = 0; i < n; ++i) y[i] /= sum;
}

// Fixed point, as the reference; n ≤ 2^12 · … keeps the sum in range: the sum saturates beyond.
template <class T> void row_q8(const T* x, int64_t n, const SoftmaxState& s, T* y) {
  constexpr int32_t kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
  const auto exp_of = [&](int32_t difference) {
    return exp_negative(Fixed<int32_t, kDifferenceBits>{apply(s.multiplier, difference)});
  };
  int32_t most = x[0];
  for (int64_t i = 1; i < n; ++i) most = std::max<int32_t>(most, x[i]);
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i)
    if (x[i] - most >= s.least_difference) sum += rescale<kSumBits>(exp_of(x[i] - most)).raw;
  int shift = 0;
  const auto inverse = reciprocal(saturate<int32_t>(sum), kSumBits, &shift);
  for (int64_t i = 0; i < n; ++i) {
    int32_t q = kLow;
    if (x[i] - most >= s.least_difference) {
      const int exponent = std::min(31, std::max(0, shift + 31 - 8));
      q = std::clamp<int32_t>(rounding_divide_by_power((inverse * exp_of(x[i] - most)).raw, exponent) + kLow, kLow, kHigh);
    }
    y[i] = static_cast<T>(q);
  }
}

Status invoke(OpContext& op) {
  const auto& s = op.state<SoftmaxState>();
  const Tensor& x = op.input(0);
  Tensor& y = op.output(0);
  const int32_t low = x.type == Type::int8 ? -128 : 0;
  op.parallel_for(s.rows, [&](int64_t begin, int64_t end, int) {
    for (int64_t at = begin * s.n; at < end * s.n; at += s.n) {
      if (x.type == Type::float32) {
        if (op.reference()) row_f32(x.as<float>() + at, s.n, s.beta, y.as<float>() + at);
        else kernels().softmax_f32(x.as<float>() + at, s.n, s.beta, y.as<float>() + at);
      } else if (!op.reference()) {
        kernels().softmax_q8(x.as<uint8_t>() + at, s.n, x.type == Type::int8 ? 0x80 : 0, s.exps, 256.0f, low, low, low + 255, y.as<uint8_t>() + at);
      } else if (x.type == Type::int8) {
        row_q8(x.as<int8_t>() + at, s.n, s, y.as<int8_t>() + at);
      } else {
        row_q8(x.as<uint8_t>() + at, s.n, s, y.as<uint8_t>() + at);
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef kSoftmax;
extern const OpDef kSoftmax = {.name = "SOFTMAX",
                               .builtin = static_cast<int32_t>(schema::BuiltinOperator::SOFTMAX),
                               .max_version = 4,
                               .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SoftmaxOptions),
                               .infer = infer,
                               .prepare = prepare,
                               .invoke = invoke};

}  // namespace cygnet::ops
