// SPDX-License-Identifier: Apache-2.0
#include "ops/recurrent.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "ops/check.h"

namespace cygnet::ops {
namespace {

using schema::ActivationFunctionType;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kMostDepth = 33'025;  // gemm_q8's accumulator bound

// The codes of NaN are those of the least number.
uint8_t biased_code(float x, float low) {
  const float limited = std::min(std::max(low, x), 127.0f);
  return static_cast<uint8_t>(static_cast<int32_t>(limited + std::copysign(0.5f, limited)) + 128);
}

struct Range {
  float low, high;
};

// Least and greatest of x and 0; infinities and NaN count as the greatest number. Works on integers
// of the same order as the floats, because those have a minimum that any CPU computes side by side.
Range range_of(const float* x, int64_t k) {
  const auto mirrored = [](int32_t bits) { return bits ^ (bits >> 31 & 0x7fffffff); };
  int32_t low = 0, high = 0;
  for (int64_t i = 0; i < k; ++i) {
    const int32_t ordered = mirrored(std::bit_cast<int32_t>(x[i]));
    low = std::min(low, ordered);
    high = std::max(high, ordered);
  }
  constexpr int32_t kMost = 0x7f7fffff;
  return {std::bit_cast<float>(mirrored(std::max(low, mirrored(kMost | INT32_MIN)))),
          std::bit_cast<float>(std::min(high, kMost))};
}

void quantize_symmetric(const float* x, int64_t k, uint8_t* codes, float* scale) {
  const Range range = range_of(x, k);
  const float most = std::max(-range.low, range.high), inverse = 127 / most;
  *scale = most / 127;
  if (*scale == 0 || !std::isfinite(inverse)) {
    *scale = 1;
    std::memset(codes, 128, static_cast<size_t>(k));
    return;
  }
  for (int64_t i = 0; i < k; ++i) codes[i] = biased_code(x[i] * inverse, -127);
}

void quantize_asymmetric(const float* x, int64_t k, uint8_t* codes, float* scale, int32_t* zero) {
  const Range range = range_of(x, k);
  const double low = static_cast<double>(range.low), high = static_cast<double>(range.high);
  const double step = (high - low) / 255;
  *scale = static_cast<float>(step);
  const float inverse = 1 / *scale;
  if (range.low == range.high || !std::isfinite(*scale) || !std::isfinite(inverse)) {
    *scale = 1;
    *zero = 0;
    std::memset(codes, 128, static_cast<size_t>(k));
    return;
  }
  const double from_low = -128 - low / step, from_high = 127 - high / step;
  const double low_error = 128 + std::abs(low / step), high_error = 127 + std::abs(high / step);
  const double exact = low_error < high_error ? from_low : from_high;
  *zero = static_cast<int32_t>(std::round(std::clamp(exact, -128.0, 127.0)));
  const auto offset = static_cast<float>(*zero);
  for (int64_t i = 0; i < k; ++i) codes[i] = biased_code(offset + x[i] * inverse, -128);
}

WeightStrides row_strides(int64_t k) {
  return {.n_stride = k, .tap_stride = k, .k_stride = 1};
}

Status pack_f32(OpContext& op, WeightMatrix* m) {
  const int nr = kernels().gemm_f32_nr;
  const size_t bytes = gemm_f32_packed_bytes(m->n, 1, m->k, nr);
  PackKey key("rows", *m->weights);
  m->packed_f32 = reinterpret_cast<const float*>(
      op.packed(key.number(m->n).number(m->k), bytes, [&](uint8_t* packed) {
        pack_gemm_f32(m->weights->as<float>(), row_strides(m->k), nullptr, m->n, 1, m->k, nr,
                      reinterpret_cast<float*>(packed));
      }));
  return m->packed_f32 == nullptr ? out_of_memory("packed weights", bytes) : Status();
}

Status pack_q8(OpContext& op, WeightMatrix* m) {
  const int nr = kernels().gemm_q8_nr;
  const size_t bytes = gemm_q8_packed_bytes(m->n, 1, m->k, nr);
  PackKey key("rows", *m->weights);
  m->packed_q8 = op.packed(key.number(m->n).number(m->k), bytes, [&](uint8_t* packed) {
    pack_gemm_q8(m->weights->data, row_strides(m->k), {.input_zero_point = 128}, m->n, 1, m->k, nr,
                 packed);
  });
  if (m->packed_q8 == nullptr) return out_of_memory("packed weights", bytes);
  if (m->codes != RowCodes::asymmetric) return {};
  const auto sum_bytes = static_cast<size_t>(m->n) * sizeof(int32_t);
  m->row_sums = static_cast<int32_t*>(op.allocate(sum_bytes));
  if (m->row_sums == nullptr) return out_of_memory("sums of weights", sum_bytes);
  const int8_t* w = m->weights->as<int8_t>();
  for (int64_t j = 0; j < m->n; ++j)
    for (int64_t k = 0; k < m->k; ++k) m->row_sums[j] += w[j * m->k + k];
  return {};
}

void multiply_f32(const WeightMatrix& m, const ActivationRows& rows, float* out,
                  int64_t out_stride) {
  if (m.packed_f32 != nullptr) {
    const GemmF32 args{.a = rows.values,
                       .a_stride = rows.stride,
                       .m = rows.count,
                       .n = m.n,
                       .k = m.k,
                       .weights = m.packed_f32,
                       .out = out,
                       .out_stride = out_stride,
                       .lo = -kInfinity,
                       .hi = kInfinity};
    return kernels().gemm_f32(args);
  }
  for (int64_t i = 0; i < rows.count; ++i)
    for (int64_t j = 0; j < m.n; ++j) {
      const float *w = m.weights->as<float>() + j * m.k, *x = rows.values + i * rows.stride;
      float sum = 0;
      for (int64_t k = 0; k < m.k; ++k) sum += x[k] * w[k];
      out[i * out_stride + j] = sum;
    }
}

// The kernel leaves int32 sums where the floats belong; each is then turned into its float.
void multiply_q8(const WeightMatrix& m, const ActivationRows& rows, float* out,
                 int64_t out_stride) {
  const GemmQ8 args{.a = rows.codes,
                    .a_stride = m.k,
                    .m = rows.count,
                    .n = m.n,
                    .k = m.k,
                    .weights = m.packed_q8,
                    .store = StoreQ8::s32,
                    .out = out,
                    .out_stride = out_stride};
  kernels().gemm_q8(args);
  for (int64_t i = 0; i < rows.count; ++i) {
    float* row = out + i * out_stride;
    const float scale = rows.scales[i] * m.weights->quantization.scale();
    const int32_t zero = m.row_sums == nullptr ? 0 : rows.zeros[i];
    for (int64_t j = 0; j < m.n; ++j) {
      int32_t sum = 0;
      std::memcpy(&sum, row + j, sizeof(sum));
      if (zero != 0) sum -= zero * m.row_sums[j];
      row[j] = static_cast<float>(sum) * scale;
    }
  }
}

void multiply_hybrid(const WeightMatrix& m, const ActivationRows& rows, float* out,
                     int64_t out_stride) {
  if (m.packed_q8 != nullptr) return multiply_q8(m, rows, out, out_stride);
  for (int64_t i = 0; i < rows.count; ++i) {
    const float scale = rows.scales[i] * m.weights->quantization.scale();
    const int32_t zero = 128 + (m.codes == RowCodes::asymmetric ? rows.zeros[i] : 0);
    const uint8_t* x = rows.codes + i * m.k;
    for (int64_t j = 0; j < m.n; ++j) {
      const int8_t* w = m.weights->as<int8_t>() + j * m.k;
      int64_t sum = 0;
      for (int64_t k = 0; k < m.k; ++k) sum += (int32_t{x[k]} - zero) * w[k];
      out[i * out_stride + j] = static_cast<float>(sum) * scale;
    }
  }
}

}  // namespace

Status request_rows(OpContext& op, int64_t rows, int64_t k, RowScratch* scratch) {
  int64_t codes = 0;
  if (__builtin_mul_overflow(rows, k, &codes)) return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(codes), &scratch->codes));
  const auto count = static_cast<size_t>(rows);
  CYGNET_TRY(op.request_scratch(count * sizeof(float), &scratch->scales));
  return op.request_scratch(count * sizeof(int32_t), &scratch->zeros);
}

Status prepare_matrix(OpContext& op, const Tensor* weights, RowCodes codes, WeightMatrix* m) {
  *m = {.weights = weights, .codes = codes};
  if (weights == nullptr) return {};
  m->n = weights->shape[0];
  m->k = m->diagonal() ? weights->shape[0] : weights->shape[1];
  if (op.reference() || !weights->constant || m->diagonal()) return {};
  if (!m->hybrid()) return pack_f32(op, m);
  return m->k > kMostDepth ? Status() : pack_q8(op, m);
}

ActivationRows make_rows(const OpContext& op, const RowScratch& scratch, RowCodes codes,
                         const float* values, int64_t stride, int64_t count, int64_t k) {
  ActivationRows rows{.values = values, .stride = stride, .count = count};
  if (codes == RowCodes::none) return rows;
  rows.codes = op.scratch<uint8_t>(scratch.codes);
  rows.scales = op.scratch<float>(scratch.scales);
  rows.zeros = op.scratch<int32_t>(scratch.zeros);
  for (int64_t i = 0; i < count; ++i) {
    const float* x = values + i * stride;
    if (codes == RowCodes::asymmetric)
      quantize_asymmetric(x, k, rows.codes + i * k, &rows.scales[i], &rows.zeros[i]);
    else
      quantize_symmetric(x, k, rows.codes + i * k, &rows.scales[i]);
  }
  return rows;
}

void multiply(const WeightMatrix& m, const ActivationRows& rows, float* out, int64_t out_stride) {
  if (m.diagonal()) {
    const float* w = m.weights->as<float>();
    for (int64_t i = 0; i < rows.count; ++i)
      for (int64_t j = 0; j < m.n; ++j)
        out[i * out_stride + j] = rows.values[i * rows.stride + j] * w[j];
    return;
  }
  m.hybrid() ? multiply_hybrid(m, rows, out, out_stride) : multiply_f32(m, rows, out, out_stride);
}

Status prepare_integer_matrix(OpContext& op, const Tensor& weights, const Tensor* bias,
                              int32_t zero, double scale, IntegerMatrix* m) {
  m->plain = weights.as<int8_t>();
  m->n = weights.shape[0];
  m->k = weights.shape[1];
  CYGNET_TRY(quantize_multiplier(scale, &m->scale));
  const auto bias_bytes = static_cast<size_t>(m->n) * sizeof(int32_t);
  m->bias = static_cast<int32_t*>(op.allocate(bias_bytes));
  if (m->bias == nullptr) return out_of_memory("bias", bias_bytes);
  for (int64_t j = 0; j < m->n; ++j) {
    int64_t sum = 0;
    for (int64_t k = 0; k < m->k; ++k) sum += m->plain[j * m->k + k];
    m->bias[j] = static_cast<int32_t>((bias == nullptr ? 0 : bias->as<int32_t>()[j]) - zero * sum);
  }
  if (op.reference() || m->k > kMostDepth) return {};
  const int nr = kernels().gemm_q8_nr;
  const size_t bytes = gemm_q8_packed_bytes(m->n, 1, m->k, nr);
  const PackQ8 params{.input_zero_point = zero + 128,
                      .bias = bias == nullptr ? nullptr : bias->as<int32_t>()};
  PackKey key("integer rows", weights);
  key.number(m->n).number(m->k).number(zero).data(params.bias, bias_bytes);
  m->packed = op.packed(key, bytes, [&](uint8_t* packed) {
    pack_gemm_q8(m->plain, row_strides(m->k), params, m->n, 1, m->k, nr, packed);
  });
  return m->packed == nullptr ? out_of_memory("packed weights", bytes) : Status();
}

void multiply(const IntegerMatrix& m, const int8_t* x, const uint8_t* biased, int64_t x_stride,
              int64_t rows, int32_t* out, int64_t out_stride) {
  if (m.packed != nullptr) {
    const GemmQ8 args{.a = biased,
                      .a_stride = m.k,
                      .m = rows,
                      .n = m.n,
                      .k = m.k,
                      .weights = m.packed,
                      .store = StoreQ8::s32,
                      .out = out,
                      .out_stride = out_stride};
    return kernels().gemm_q8(args);
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < m.n; ++j) {
      int64_t sum = m.bias[j];
      for (int64_t k = 0; k < m.k; ++k) sum += int64_t{x[i * x_stride + k]} * m.plain[j * m.k + k];
      out[i * out_stride + j] = static_cast<int32_t>(sum);
    }
}

void bias_codes(const int8_t* from, int64_t n, uint8_t* to) {
  kernels().xor_copy(reinterpret_cast<const uint8_t*>(from), n, 0x80, to);
}

void sigmoid(const OpContext& op, float* v, int64_t n) {
  if (!op.reference()) return kernels().map_f32(MapOp::logistic, v, n, v, {});
  for (int64_t i = 0; i < n; ++i) v[i] = 1.0f / (1.0f + std::exp(-v[i]));
}

void activate(const OpContext& op, ActivationFunctionType activation, float* v, int64_t n) {
  const auto clamp = [&](float low, float high) {
    for (int64_t i = 0; i < n; ++i) v[i] = std::clamp(v[i], low, high);
  };
  switch (activation) {
    case ActivationFunctionType::TANH:
      if (!op.reference()) return kernels().map_f32(MapOp::tanh, v, n, v, {});
      for (int64_t i = 0; i < n; ++i) v[i] = std::tanh(v[i]);
      return;
    case ActivationFunctionType::RELU:
      return clamp(0, kInfinity);
    case ActivationFunctionType::RELU6:
      return clamp(0, 6);
    case ActivationFunctionType::RELU_N1_TO_1:
      return clamp(-1, 1);
    case ActivationFunctionType::SIGN_BIT:
      for (int64_t i = 0; i < n; ++i) v[i] = std::signbit(v[i]) ? 1.0f : 0.0f;
      return;
    case ActivationFunctionType::NONE:
      return;
  }
}

Status check_weights_type(const char* name, const Tensor& weights, Type type) {
  CYGNET_TRY(expect_type(name, weights, {Type::float32, Type::int8, Type::uint8}));
  if (weights.type != type) return expect_type(name, weights, {type});
  if (type == Type::float32) return {};
  CYGNET_TRY(expect_per_tensor(name, weights));
  if (weights.quantization.zero_point() == 0) return {};
  return bad_model("%s: expected zero point 0, got %d", name, weights.quantization.zero_point());
}

}  // namespace cygnet::ops
