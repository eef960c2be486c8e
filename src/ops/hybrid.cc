// SPDX-License-Identifier: Apache-2.0
#include "ops/hybrid.h"

#include <bit>
#include <cmath>

namespace cygnet::ops {
namespace {

struct Range {
  float low = 0, high = 0;
};

// Smallest and largest of x and 0, in lanes so that the compiler has vectors.
Range range_of(const float* x, int64_t n) {
  constexpr int kLanes = 16;
  float low[kLanes] = {}, high[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = x[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  for (; i < n; ++i) {
    low[0] = x[i] < low[0] ? x[i] : low[0];
    high[0] = x[i] > high[0] ? x[i] : high[0];
  }
  Range range;
  for (int lane = 0; lane < kLanes; ++lane) {
    range.low = std::min(range.low, low[lane]);
    range.high = std::max(range.high, high[lane]);
  }
  return range;
}

// The code that stands for 0: the end of the range that gives the smaller error decides.
int32_t zero_code(double low, double high, double scale) {
  constexpr double kLow = -128, kHigh = 127;
  const double from_low = kLow - low / scale, from_high = kHigh - high / scale;
  const double low_error = -kLow + std::abs(low / scale);
  const double high_error = kHigh + std::abs(high / scale);
  const double zero = low_error < high_error ? from_low : from_high;
  if (!(zero > kLow)) return -128;
  if (zero >= kHigh) return 127;
  return static_cast<int32_t>(std::round(zero));
}

}  // namespace

DynamicQuant choose_quant(const float* x, int64_t n, bool asymmetric) {
  const auto [low, high] = range_of(x, n);
  if (low == high) return {};
  if (!asymmetric) {
    const float most = std::max(-low, high);
    return {.scale = most / 127, .inverse = 127 / most, .zero = 0};
  }
  const double scale = (static_cast<double>(high) - static_cast<double>(low)) / 255;
  const auto rounded = static_cast<float>(scale);
  return {.scale = rounded,
          .inverse = 1 / rounded,
          .zero = zero_code(static_cast<double>(low), static_cast<double>(high), scale)};
}

template <class T>
void quantize_floats(const float* x, int64_t n, const DynamicQuant& quant, int32_t offset, T* out) {
  // The largest float below 1/2: with 1/2 itself, the float just below 1/2 would round up.
  constexpr float kHalf = 0x1.fffffep-2f;
  const auto low = static_cast<float>(-128 - quant.zero),
             high = static_cast<float>(127 - quant.zero);
  offset += quant.zero;
  for (int64_t i = 0; i < n; ++i) {
    float q = x[i] * quant.inverse;
    q = q > low ? q : low;  // NaN too
    q = q < high ? q : high;
    out[i] = static_cast<T>(static_cast<int32_t>(q + (q < 0 ? -kHalf : kHalf)) + offset);
  }
}

template void quantize_floats(const float*, int64_t, const DynamicQuant&, int32_t, uint8_t*);
template void quantize_floats(const float*, int64_t, const DynamicQuant&, int32_t, int16_t*);
template void quantize_floats(const float*, int64_t, const DynamicQuant&, int32_t, float*);

namespace {

template <SumType Type>
void finish_row(int64_t n, const DynamicQuant& quant, const HybridColumns& c, float* out) {
  const auto zero = static_cast<uint32_t>(quant.zero);
  for (int64_t j = 0; j < n; ++j) {
    float sum = out[j];
    if constexpr (Type == SumType::s32) {
      auto bits = std::bit_cast<uint32_t>(sum);
      if (c.sums != nullptr) bits -= zero * static_cast<uint32_t>(c.sums[j]);
      sum = static_cast<float>(static_cast<int32_t>(bits));
    }
    sum *= quant.scale * c.scales[j];
    out[j] = c.clamp(c.bias == nullptr ? sum : sum + c.bias[j]);
  }
}

}  // namespace

void finish_hybrid(SumType type, int64_t rows, int64_t n, int64_t stride,
                   const DynamicQuant* quants, int64_t quant_step, const HybridColumns& columns,
                   float* out) {
  const auto finish = type == SumType::s32 ? finish_row<SumType::s32> : finish_row<SumType::f32>;
  for (int64_t i = 0; i < rows; ++i) finish(n, quants[i * quant_step], columns, out + i * stride);
}

void sum_weights(const int8_t* w, int64_t n, int64_t depth, int32_t* out) {
  for (int64_t j = 0; j < n; ++j, w += depth) {
    int32_t sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum += w[k];
    out[j] = sum;
  }
}

}  // namespace cygnet::ops
