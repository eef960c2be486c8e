// SPDX-License-Identifier: Apache-2.0
// SOFTMAX: y[..., i] = e^(beta·x[..., i]) / Σ_j e^(beta·x[..., j]) along the last dimension. Types
// f32; f16 (computed in float); int8 and uint8, whose result has scale 1/256 and the type's least
// value as zero point, or is int16 with scale 1/65536 and zero point −32768; int16 with zero points
// 0 and result scale 1/32768.
// Source: tensorflow/lite/kernels/activations.cc, internal/reference/softmax.h.
#include <cmath>

#include "base/number.h"
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "ops/table16.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct SoftmaxState {
  int64_t rows = 0, n = 0;
  float beta = 1;
  DifferenceScale scale;    // 8 bits
  uint32_t powers[256];     // of SoftmaxQ8
  uint8_t pairs[511][2];    // two elements of 8 bits: results by their difference + 255
  Multiplier multiplier;    // int16: differences to [−10, 0]
  Table16 exp, reciprocal;  // int16: e^x on [−10, 0], 1/(1 + x) on [0, 1]
};

constexpr int kSumBits = 12;  // integer bits of the sum

// The result's scale is 1/steps with the zero point given.
Status expect_result(const Tensor& y, int steps, int32_t zero) {
  if (std::abs(y.quantization.scale() * static_cast<float>(steps) - 1.0f) <= 0.001f &&
      y.quantization.zero_point() == zero)
    return {};
  return bad_model("output 0: expected scale 1/%d and zero point %d, got %g and %d", steps, zero,
                   static_cast<double>(y.quantization.scale()), y.quantization.zero_point());
}

Status expect_quantization(const Tensor& x, const Tensor& y) {
  CYGNET_TRY(expect_per_tensor("input 0", x));
  CYGNET_TRY(expect_per_tensor("output 0", y));
  if (x.type == Type::int16) {
    if (x.quantization.zero_point() != 0)
      return bad_model("input 0: INT16: expected zero point 0, got %d",
                       x.quantization.zero_point());
    return expect_result(y, 32768, 0);
  }
  if (y.type == Type::int16) return expect_result(y, 65536, -32768);
  return expect_result(y, 256, y.type == Type::int8 ? -128 : 0);
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x,
                         {Type::float32, Type::float16, Type::int8, Type::uint8, Type::int16}));
  const bool widens = type_bits(x.type) == 8 && y.type == Type::int16;
  if (!widens) CYGNET_TRY(expect_same_type("input 0", x, "output 0", y));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  if (x.shape[x.shape.rank - 1] < 1)
    return bad_model("input 0: expected a last dimension >= 1, got %s", shape_text(x.shape).text);
  const float beta = op.options<schema::SoftmaxOptions>().beta();
  if (!std::isfinite(beta) || !(beta > 0))
    return bad_model("beta: expected a finite number > 0, got %g", static_cast<double>(beta));
  if (is_quantized_type(x.type)) CYGNET_TRY(expect_quantization(x, y));
  return op.set_output(0, x.shape);
}

SoftmaxQ8 kernel_params(const SoftmaxState& s, Type type) {
  const int32_t low = type == Type::int8 ? -128 : 0;
  return {.powers = s.powers,
          .out_inverse_scale = 256.0f,
          .flip = static_cast<uint8_t>(-low),
          .zero_point = low,
          .lo = low,
          .hi = low + 255};
}

// The results of all differences of two elements.
void fill_pairs(const SoftmaxQ8& params, uint8_t (*pairs)[2]) {
  for (int d = 0; d < 256; ++d) {
    const uint8_t row[2] = {static_cast<uint8_t>(d ^ params.flip), params.flip};
    uint8_t result[2];
    kernels().softmax_q8(params, row, 1, 2, result);
    pairs[255 + d][0] = pairs[255 - d][1] = result[0];
    pairs[255 + d][1] = pairs[255 - d][0] = result[1];
  }
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<SoftmaxState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(SoftmaxState));
  const Tensor& x = op.input(0);
  s->n = x.shape[x.shape.rank - 1];
  s->rows = x.shape.elements(0, x.shape.rank - 1);
  s->beta = op.options<schema::SoftmaxOptions>().beta();
  if (!is_quantized_type(x.type)) return {};
  const double scale = static_cast<double>(x.quantization.scale());
  if (x.type == Type::int16) {
    s->exp.fill(10.0 / 65535, 32767, 2.0 / 65535, [](double v) { return std::exp(v); });
    s->reciprocal.fill(1.0 / 65535, -32768, 2.0 / 65535, [](double v) { return 1.0 / (1.0 + v); });
    return quantize_multiplier(scale * static_cast<double>(s->beta) / (10.0 / 65535),
                               &s->multiplier);
  }
  CYGNET_TRY(difference_scale(static_cast<double>(s->beta) * scale, &s->scale));
  for (int d = 0; d < 256; ++d)
    s->powers[d] = static_cast<uint32_t>(
        std::lround(std::exp(-static_cast<double>(s->beta) * scale * d) * 16777215.0));
  if (s->n == 2 && op.output(0).type == x.type) fill_pairs(kernel_params(*s, x.type), s->pairs);
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

// The exponentials are computed twice: there is no room for them in y.
void row_f16(const Half* x, int64_t n, float beta, Half* y) {
  float most = x[0];
  for (int64_t i = 1; i < n; ++i) most = std::max<float>(most, x[i]);
  const auto exp_of = [&](float v) { return std::exp((v - most) * beta); };
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += exp_of(x[i]);
  for (int64_t i = 0; i < n; ++i) y[i] = Half(exp_of(x[i]) / sum);
}

// Fixed point, as the reference. A sum beyond 2^12 saturates.
template <class X, class Y>
void row_q8(const X* x, int64_t n, const SoftmaxState& s, Y* y) {
  constexpr int32_t kLow = std::numeric_limits<Y>::min(), kHigh = std::numeric_limits<Y>::max();
  int32_t most = x[0];
  for (int64_t i = 1; i < n; ++i) most = std::max<int32_t>(most, x[i]);
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i)
    if (x[i] - most >= s.scale.least) sum += rescale<kSumBits>(s.scale.exp_of(x[i] - most)).raw;
  int shift = 0;
  const auto inverse = reciprocal(saturate<int32_t>(sum), kSumBits, &shift);
  for (int64_t i = 0; i < n; ++i) {
    int32_t q = kLow;
    if (x[i] - most >= s.scale.least) {
      constexpr int kBits = 8 * sizeof(Y);
      const int exponent = std::max(0, shift + 31 - kBits);  // beyond 31 nothing is left
      const int32_t scaled =
          exponent > 31
              ? 0
              : rounding_divide_by_power((inverse * s.scale.exp_of(x[i] - most)).raw, exponent);
      q = std::clamp<int32_t>(scaled + kLow, kLow, kHigh);
    }
    y[i] = static_cast<Y>(q);
  }
}

// The reference's int16 arithmetic: tables for both functions, 15 fraction bits between them.
void row_s16(const int16_t* x, int64_t n, const SoftmaxState& s, int16_t* y) {
  int32_t most = x[0];
  for (int64_t i = 1; i < n; ++i) most = std::max<int32_t>(most, x[i]);
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t centred = int64_t{apply(s.multiplier, x[i] - most)} + 32767;  // [−10, 0] → int16
    y[i] = s.exp(saturate<int16_t>(centred));
    sum += y[i];
  }
  const auto total =
      static_cast<uint32_t>(std::min<int64_t>(sum, std::numeric_limits<int32_t>::max()));
  const int zeros = __builtin_clz(total);  // the largest element's e^0 keeps the sum above 0
  const int64_t shifted = ((int64_t{total} << (zeros - 1)) + (1 << 13)) >> 14;  // [1, 2) · 2^16
  const int16_t inverse = s.reciprocal(saturate<int16_t>(shifted - (1 << 15) - (1 << 16)));
  const int shift = 31 - zeros;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t q = (int64_t{y[i]} * inverse + (int64_t{1} << (shift - 1))) >> shift;
    y[i] = static_cast<int16_t>(std::clamp<int64_t>(q, 0, 32767));
  }
}

void plain_row_q8(const Tensor& x, int64_t at, const SoftmaxState& s, Tensor& y) {
  with_type<int8_t, uint8_t>(x.type, [&](auto t) {
    using X = decltype(t);
    if (y.type == Type::int16)
      row_q8(x.as<X>() + at, s.n, s, y.as<int16_t>() + at);
    else
      row_q8(x.as<X>() + at, s.n, s, y.as<X>() + at);
  });
}

void plain_rows(OpContext& op, const SoftmaxState& s, int64_t begin, int64_t end) {
  const Tensor& x = op.input(0);
  Tensor& y = op.output(0);
  for (int64_t at = begin * s.n; at < end * s.n; at += s.n) {
    if (x.type == Type::float32)
      row_f32(x.as<float>() + at, s.n, s.beta, y.as<float>() + at);
    else if (x.type == Type::float16)
      row_f16(x.as<Half>() + at, s.n, s.beta, y.as<Half>() + at);
    else if (x.type == Type::int16)
      row_s16(x.as<int16_t>() + at, s.n, s, y.as<int16_t>() + at);
    else
      plain_row_q8(x, at, s, y);
  }
}

void kernel_rows(OpContext& op, const SoftmaxState& s, int64_t begin, int64_t end) {
  const Tensor& x = op.input(0);
  Tensor& y = op.output(0);
  const int64_t at = begin * s.n, rows = end - begin;
  if (x.type == Type::float32)
    return kernels().softmax_f32(x.as<float>() + at, rows, s.n, s.beta, y.as<float>() + at);
  const SoftmaxQ8 params = kernel_params(s, x.type);
  const uint8_t* in = x.as<uint8_t>() + at;
  uint8_t* out = y.as<uint8_t>() + at;
  if (s.n == 2)
    kernels().softmax_pairs_q8(in, rows, s.pairs[0], params.flip, out);
  else
    kernels().softmax_q8(params, in, rows, s.n, out);
}

Status invoke(OpContext& op) {
  const auto& s = op.state<SoftmaxState>();
  const Tensor &x = op.input(0), &y = op.output(0);
  const bool plain =
      op.reference() || (x.type != Type::float32 && type_bits(x.type) != 8) || x.type != y.type;
  // Tasks of a few thousand elements.
  const int64_t group = std::max<int64_t>(1, 4096 / s.n), groups = (s.rows + group - 1) / group;
  op.parallel_for(groups, [&](int64_t begin, int64_t end, int) {
    begin *= group;
    end = std::min(end * group, s.rows);
    if (plain)
      plain_rows(op, s, begin, end);
    else
      kernel_rows(op, s, begin, end);
  });
  return {};
}

}  // namespace

extern const OpDef kSoftmax;
extern const OpDef kSoftmax = {
    .name = "SOFTMAX",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::SOFTMAX),
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SoftmaxOptions),
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke};

}  // namespace cygnet::ops
