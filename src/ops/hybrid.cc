// SPDX-License-Identifier: Apache-2.0
#include "ops/hybrid.h"

#include <cmath>

namespace cygnet::ops {
namespace {

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
  float low = 0, high = 0;
  kernels().range_f32(x, n, &low, &high);
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
  if constexpr (std::is_same_v<T, uint8_t>) return kernels().quantize_dynamic(x, n, quant, out);
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

void sum_weights(const int8_t* w, int64_t n, int64_t depth, int32_t* out) {
  for (int64_t j = 0; j < n; ++j, w += depth) {
    int32_t sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum += w[k];
    out[j] = sum;
  }
}

}  // namespace cygnet::ops
