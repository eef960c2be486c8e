// SPDX-License-Identifier: Apache-2.0
// MEAN, SUM: x, axes (int32, 0-D or 1-D) → the mean or the sum of x over the axes, which are
// dropped or, with keep_dims, kept at 1. Types f32, int8, uint8, int16 (one scale for x, one for
// y), int32, int64 (means rounded towards zero; sums wrap). Nothing sums to 0 and has no mean.
// Source: tensorflow/lite/kernels/reduce.cc.
#include <algorithm>

#include "kernels/kernels.h"
#include "ops/fixed_point.h"
#include "ops/layer_norm.h"
#include "ops/reduce.h"

namespace cygnet::ops {
namespace {

struct MeanState : Reduction {
  bool is_mean = false;
  Multiplier multiplier;  // quantized: input scale / (output scale · count); SUM: without count
  int sums = -1;          // scratch: int64 or float of each result
};

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(infer_reduction(
      op, {Type::float32, Type::int8, Type::uint8, Type::int16, Type::int32, Type::int64}));
  if (is_quantized_type(x.type)) {
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  }
  return {};
}

Status infer_mean(OpContext& op) {
  if (is_layer_norm(op)) return infer_layer_norm(op);
  CYGNET_TRY(infer(op));
  const Tensor& x = op.input(0);
  if (!op.known(1)) return {};
  bool reduced[kMaxRank] = {};
  CYGNET_TRY(read_axes(op, reduced));
  for (int i = 0; i < x.shape.rank; ++i)
    if (reduced[i] && x.shape[i] == 0)
      return bad_model("input 0: no mean of 0 elements, shape %s", shape_text(x.shape).text);
  return {};
}

// Multiplier for the sum of `count` elements: the quotient by the count is part of it.
Status scale_multiplier(const OpContext& op, int64_t count, Multiplier* m) {
  const double ratio = static_cast<double>(op.input(0).quantization.scale()) /
                       static_cast<double>(op.output(0).quantization.scale());
  CYGNET_TRY(quantize_multiplier(ratio, m));
  int shift = 63 - __builtin_clzll(static_cast<uint64_t>(count));
  shift = std::min(shift, 32);
  shift = std::min(shift, 31 + m->shift);
  m->multiplier = static_cast<int32_t>((int64_t{m->multiplier} << shift) / count);
  m->shift -= shift;
  return {};
}

template <bool kMean>
Status prepare(OpContext& op) {
  if (is_layer_norm(op)) return {};
  auto* s = op.make_state<MeanState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(MeanState));
  CYGNET_TRY(make_reduction(op, s));
  s->is_mean = kMean;
  if (is_quantized_type(op.input(0).type))
    CYGNET_TRY(scale_multiplier(op, kMean ? s->count : 1, &s->multiplier));
  return op.request_scratch(static_cast<size_t>(op.output(0).shape.elements()) * sizeof(int64_t),
                            &s->sums);
}

// Integers wrap: int64 elements may overflow.
template <class Sum, class T>
Sum sum_of(Sum a, T b) {
  if constexpr (std::is_same_v<Sum, float>)
    return a + b;
  else
    return static_cast<Sum>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

template <class T, class Sum>
Sum row_sum(const OpContext& op, const T* x, int64_t n) {
  if constexpr (std::is_same_v<T, float>)
    if (!op.reference()) return kernels().sum_f32(x, n);
  if constexpr (sizeof(T) == 1 && std::is_same_v<Sum, int64_t>) {
    constexpr uint8_t kFlip = std::is_signed_v<T> ? 0x80 : 0;
    if (!op.reference())
      return kernels().sum_q8(reinterpret_cast<const uint8_t*>(x), n, kFlip) - n * kFlip;
  }
  Sum sum{0};
  for (int64_t i = 0; i < n; ++i) sum = sum_of(sum, x[i]);
  return sum;
}

// Adds up every element of x into the sum of its result.
template <class T, class Sum>
void add_up(const OpContext& op, const MeanState& s, Sum* sums) {
  const Tensor& x = op.input(0);
  std::fill(sums, sums + op.output(0).shape.elements(), Sum{0});
  const T* from = x.as<T>();
  each_reduced_row(
      s, x.shape.elements(),
      [&](int64_t first, int64_t n, int64_t at) {
        sums[at] = sum_of(sums[at], row_sum<T, Sum>(op, from + first, n));
      },
      [&](int64_t first, int64_t n, int64_t at) {
        for (int64_t i = 0; i < n; ++i) sums[at + i] = sum_of(sums[at + i], from[first + i]);
      });
}

template <class T>
void reduce_integers(OpContext& op, const MeanState& s) {
  auto* sums = op.scratch<int64_t>(s.sums);
  add_up<T>(op, s, sums);
  T* y = op.output(0).as<T>();
  for (int64_t i = 0; i < op.output(0).shape.elements(); ++i)
    y[i] = static_cast<T>(s.is_mean ? sums[i] / s.count : sums[i]);
}

template <class T>
void reduce_quantized(OpContext& op, const MeanState& s) {
  auto* sums = op.scratch<int64_t>(s.sums);
  add_up<T>(op, s, sums);
  T* y = op.output(0).as<T>();
  const int64_t x_zero = op.input(0).quantization.zero_point(),
                y_zero = op.output(0).quantization.zero_point();
  for (int64_t i = 0; i < op.output(0).shape.elements(); ++i) {
    const auto sum = static_cast<int32_t>(sums[i] - s.count * x_zero);
    y[i] = static_cast<T>(std::clamp<int64_t>(apply(s.multiplier, sum) + y_zero,
                                              std::numeric_limits<T>::lowest(),
                                              std::numeric_limits<T>::max()));
  }
}

// Sums of the last dimension, or what was merged to it: by kernels.
bool is_of_rows(const OpContext& op, const MeanState& s) {
  return !op.reference() && s.rank == 2 && s.reduced[1] && !s.reduced[0] && s.count <= 1 << 23;
}

// The same of 8 bits.
void reduce_rows(OpContext& op, const MeanState& s) {
  const Tensor &x = op.input(0), &y = op.output(0);
  const int32_t flip = x.type == Type::int8 ? 128 : 0;
  auto* sums = op.scratch<int32_t>(s.sums);
  const int64_t rows = s.dims[0];
  kernels().row_sums_q8(x.as<uint8_t>(), rows, s.count, static_cast<uint8_t>(flip), sums);
  const auto offset = static_cast<int32_t>(s.count * (x.quantization.zero_point() + flip));
  for (int64_t i = 0; i < rows; ++i) sums[i] -= offset;
  const double scale = static_cast<double>(x.quantization.scale()) /
                       static_cast<double>(y.quantization.scale()) /
                       static_cast<double>(s.is_mean ? s.count : 1);
  const auto factor = static_cast<float>(scale);
  kernels().requantize_s32(sums, rows, &factor, 0, y.quantization.zero_point(), -flip, 255 - flip,
                           op.output(0).as<uint8_t>());
}

void reduce_floats(OpContext& op, const MeanState& s) {
  auto* sums = op.scratch<float>(s.sums);
  if (is_of_rows(op, s))
    kernels().row_sums_f32(op.input(0).as<float>(), s.dims[0], s.count, sums);
  else
    add_up<float>(op, s, sums);
  float* y = op.output(0).as<float>();
  for (int64_t i = 0; i < op.output(0).shape.elements(); ++i)
    y[i] = s.is_mean ? sums[i] / static_cast<float>(s.count) : sums[i];
}

// The mean over height and width, which lie together before the channels: by kernels.
bool is_spatial(const MeanState& s) {
  const int first = s.rank == 3 ? 1 : 0;
  return (s.rank == 2 || (s.rank == 3 && !s.reduced[0])) && s.reduced[first] &&
         !s.reduced[first + 1] && s.count <= 1 << 23;
}

void mean_spatial(OpContext& op, const MeanState& s) {
  const Tensor &x = op.input(0), &y = op.output(0);
  const int64_t c = s.dims[s.rank - 1], outer = s.rank == 3 ? s.dims[0] : 1;
  const Window window{.h = 1, .w = s.count, .h_stride = 0, .w_stride = c};
  for (int64_t i = 0; i < outer; ++i) {
    if (x.type == Type::float32) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      kernels().window_sum_f32(x.as<float>() + i * s.count * c, window, c,
                               static_cast<float>(s.count), -kInfinity, kInfinity,
                               op.output(0).as<float>() + i * c);
      continue;
    }
    const int32_t flip = x.type == Type::int8 ? 128 : 0;
    const double scale = static_cast<double>(x.quantization.scale()) /
                         static_cast<double>(y.quantization.scale()) / static_cast<double>(s.count);
    const MeanQ8 mean{
        .offset = static_cast<int32_t>(-s.count * (x.quantization.zero_point() + flip)),
        .scale = static_cast<float>(scale),
        .flip = static_cast<uint8_t>(flip),
        .zero_point = y.quantization.zero_point(),
        .lo = -flip,
        .hi = 255 - flip};
    kernels().window_mean_q8(x.as<uint8_t>() + i * s.count * c, window, c, mean,
                             op.output(0).as<uint8_t>() + i * c);
  }
}

Status invoke(OpContext& op) {
  if (op.output(0).shape.elements() == 0) return {};
  if (is_layer_norm(op)) {
    invoke_layer_norm(op);
    return {};
  }
  const auto& s = op.state<MeanState>();
  const Type type = op.input(0).type;
  if (s.is_mean && !op.reference() && is_spatial(s) &&
      (type == Type::float32 || type == Type::int8 || type == Type::uint8)) {
    mean_spatial(op, s);
    return {};
  }
  if ((type == Type::int8 || type == Type::uint8) && is_of_rows(op, s)) {
    reduce_rows(op, s);
    return {};
  }
  switch (type) {
    case Type::float32:
      reduce_floats(op, s);
      break;
    case Type::int8:
      reduce_quantized<int8_t>(op, s);
      break;
    case Type::uint8:
      reduce_quantized<uint8_t>(op, s);
      break;
    case Type::int16:
      reduce_quantized<int16_t>(op, s);
      break;
    case Type::int32:
      reduce_integers<int32_t>(op, s);
      break;
    default:
      reduce_integers<int64_t>(op, s);
  }
  return {};
}

template <bool kMean>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin, int32_t max_version,
                           Status (*infer)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReducerOptions),
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare<kMean>,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kMean;
extern const OpDef kMean = definition<true>("MEAN", schema::BuiltinOperator::MEAN, 3, infer_mean);
extern const OpDef kSum;
extern const OpDef kSum = definition<false>("SUM", schema::BuiltinOperator::SUM, 2, infer);

}  // namespace cygnet::ops
