// SPDX-License-Identifier: Apache-2.0
// Products with constant weights: which kernel, how its weights are packed, its call.
#include "ops/conv_common.h"

namespace cygnet::ops {

namespace {

// Whether GemmSplit is faster than GemmF32; how much scratch it takes.
bool gains_by_split(const Tensor& input, const Tensor& filter, int64_t m, int64_t n, int64_t taps,
                    int64_t k, size_t* bytes) {
  // Fewer would leave the most part of tiles empty, or the splitting would take too long.
  constexpr int64_t kLeastRows = 32, kLeastColumns = 48, kLeastDepth = 24;
  // With fewer rows for so many weights it is their bytes that count, of which there are more.
  constexpr int64_t kMostWeightsOfRow = 8192;
  constexpr size_t kMostBytes = 768 * 1024, kBytes = 512 * 1024;  // within the cache
  constexpr size_t kNearBytes = 18 * 1024;                        // within the nearest one
  if (kernels().gemm_split == nullptr || input.type != Type::float32 ||
      filter.type != Type::float32 || m < kLeastRows || n < kLeastColumns || k < kLeastDepth ||
      taps * k * n > m * kMostWeightsOfRow)
    return false;
  const size_t panel = split_scratch_bytes(1, taps, k);
  if (panel > kMostBytes) return false;
  const size_t all = split_scratch_bytes(m, taps, k);
  if (gemm_split_packed_bytes(n, taps, k) > kBytes)
    *bytes = std::clamp(all, panel, std::max(kBytes, panel));
  else
    *bytes = panel <= kNearBytes ? panel : std::min(2 * panel, all);
  return true;
}

}  // namespace

Status prepare_product(OpContext& op, const Tensor& input, const Tensor& filter, int64_t m,
                       int64_t n, int64_t taps, int64_t k, Product* product) {
  product->split = gains_by_split(input, filter, m, n, taps, k, &product->bytes);
  if (type_bits(filter.type) == 8 && kernels().gather_q8_bytes != nullptr)
    product->bytes = kernels().gather_q8_bytes(m, n, taps, k);
  if (product->bytes == 0) return {};
  return op.request_scratch(static_cast<size_t>(op.threads()) * product->bytes, &product->scratch);
}

size_t packed_weight_bytes(Type type, int64_t n, int64_t taps, int64_t k, bool split) {
  if (split) return gemm_split_packed_bytes(n, taps, k);
  return type == Type::float32 ? gemm_f32_packed_bytes(n, taps, k, kernels().gemm_f32_nr)
                               : gemm_q8_packed_bytes(n, taps, k, kernels().gemm_q8_nr);
}

namespace {

// Zero point of 8-bit weights in the signed domain of the kernels.
int32_t signed_zero_point(const Tensor& filter) {
  if (filter.type == Type::uint8) return filter.quantization.zero_point() - 128;
  // Only FULLY_CONNECTED has others than 0.
  return filter.type == Type::int8 ? filter.quantization.zero_point() : 0;
}

// What the kernels' argument structs have in common.
template <class Args>
Args gemm_args(const LayerGemm& g) {
  using A = decltype(Args::a);
  Args args;
  args.a = static_cast<A>(g.a);
  if constexpr (requires { args.flip; }) args.flip = g.flip;
  args.at = g.at;
  args.at_stride = g.taps;
  args.a_stride = g.a_stride;
  args.zero = static_cast<A>(g.zero);
  args.m = g.m;
  args.n = g.n;
  args.taps = g.taps;
  args.k = g.k;
  args.weights = static_cast<decltype(Args::weights)>(g.weights);
  args.out = static_cast<decltype(Args::out)>(g.out);
  args.out_stride = g.out_stride;
  if constexpr (requires { args.scratch; }) {
    args.scratch = g.scratch;
    args.scratch_bytes = g.scratch_bytes;
  }
  return args;
}

}  // namespace

void pack_weights(const Tensor& input, const Tensor& filter, const void* w,
                  const WeightStrides& strides, const void* bias, const float* scales, int64_t n,
                  int64_t taps, int64_t k, void* out, bool split) {
  if (split)
    return kernels().pack_split(static_cast<const float*>(w), strides,
                                static_cast<const float*>(bias), n, taps, k, out);
  if (filter.type == Type::float32)
    return pack_gemm_f32(static_cast<const float*>(w), strides, static_cast<const float*>(bias), n,
                         taps, k, kernels().gemm_f32_nr, static_cast<float*>(out));
  const bool hybrid = input.type == Type::float32;
  const PackQ8 params{.weight_flip = static_cast<uint8_t>(filter.type == Type::uint8 ? 0x80 : 0),
                      .weight_zero_point = signed_zero_point(filter),
                      .input_zero_point = hybrid ? 128 : unsigned_zero_point(input),
                      .bias = hybrid ? nullptr : static_cast<const int32_t*>(bias),
                      .scale = scales,
                      .scale_stride = 1};
  pack_gemm_q8(w, strides, params, n, taps, k, kernels().gemm_q8_nr, out);
}

Status share_weights(OpContext& op, const LayerWeights& w, const uint8_t** out) {
  const size_t group_bytes = packed_weight_bytes(w.filter.type, w.n, w.taps, w.k, w.split),
               bytes = group_bytes * static_cast<size_t>(w.groups),
               values_bytes = static_cast<size_t>(w.groups * w.n) * sizeof(float);
  const bool quantized = w.filter.type != Type::float32;
  PackKey key("weights", w.source);
  key.number(w.groups).number(w.n).number(w.taps).number(w.k).number(w.split);
  key.number(static_cast<int>(w.filter.type)).number(static_cast<int>(w.input.type));
  key.number(quantized ? signed_zero_point(w.filter) : 0);
  key.number(quantized && w.input.type != Type::float32 ? unsigned_zero_point(w.input) : 0);
  key.data(w.bias, values_bytes).data(w.scales, values_bytes);
  *out = op.packed(key, bytes, [&](uint8_t* packed) {
    const int64_t depth = w.taps * w.k, element = quantized ? 1 : sizeof(float);
    const auto* bias = static_cast<const int32_t*>(w.bias);
    for (int64_t g = 0; g < w.groups; ++g)
      pack_weights(w.input, w.filter, w.filter.as<uint8_t>() + g * w.n * depth * element,
                   {.n_stride = depth, .tap_stride = w.k, .k_stride = 1},
                   bias == nullptr ? nullptr : bias + g * w.n,
                   w.scales == nullptr ? nullptr : w.scales + g * w.n, w.n, w.taps, w.k,
                   packed + static_cast<size_t>(g) * group_bytes, w.split);
  });
  return *out == nullptr ? out_of_memory("packed weights", bytes) : Status();
}

void run_gemm(const Tensor& filter, const Tensor& output, const LayerGemm& g) {
  if (g.quants != nullptr) {
    auto args = gemm_args<GemmQ8>(g);
    args.store = StoreQ8::f32;
    args.hybrid = {.quants = g.quants,
                   .quant_step = g.quant_step,
                   .bias = g.columns.bias,
                   .sums = g.columns.sums,
                   .lo = g.columns.clamp.low,
                   .hi = g.columns.clamp.high};
    return kernels().gemm_q8(args);
  }
  if (output.type == Type::float32) {
    auto args = gemm_args<GemmSplit>(g);
    args.lo = g.real.low;
    args.hi = g.real.high;
    if (!g.split) return kernels().gemm_f32(args);
    args.parts = g.weights;
    return kernels().gemm_split(args);
  }
  if (output.type == Type::int16) {
    auto args = gemm_args<GemmS16>(g);
    args.bias = g.bias;
    args.scale = g.scales;
    args.scale_stride = 1;
    args.lo = g.quantized.low;
    args.hi = g.quantized.high;
    return kernels().gemm_s16(args);
  }
  auto args = gemm_args<GemmQ8>(g);
  args.weight_zero_point = signed_zero_point(filter);
  args.zero_point = output.quantization.zero_point();
  args.lo = g.quantized.low;
  args.hi = g.quantized.high;
  kernels().gemm_q8(args);
}

}  // namespace cygnet::ops
