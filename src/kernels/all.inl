// SPDX-License-Identifier: Apache-2.0
// Every kernel of a tier. Included inside an unnamed namespace inside the ISA's namespace, after
// kernels/simd/<isa>.h and kernels/finish_q8.inl (or finish_q8_avx512.inl).

// Each needs those before it.
// clang-format off
#include "kernels/rows.inl"
#include "kernels/gemm_f32.inl"
#include "kernels/gemm_row.inl"
#include "kernels/gemm_q8.inl"
#include "kernels/gemm_s16.inl"
#if defined(__SSE4_1__)
#include "kernels/simd/wide_x86.inl"
#else
#include "kernels/simd/wide_plain.inl"
#endif
#include "kernels/convert.inl"
#include "kernels/depthwise_blocks.inl"
#include "kernels/depthwise_f32.inl"
#include "kernels/depthwise_q8.inl"
#include "kernels/depthwise_s16.inl"
#include "kernels/map.inl"
#include "kernels/zip.inl"
#include "kernels/reduce.inl"
#include "kernels/softmax.inl"
#include "kernels/resize.inl"
#include "kernels/hybrid.inl"
#include "kernels/layer_norm.inl"
#include "kernels/lstm.inl"
#include "kernels/pack_columns.inl"
#include "kernels/winograd.inl"
#include "kernels/conv_row.inl"
#include "kernels/sum_terms.inl"
// clang-format on

void fill_q8_products(KernelTable& t) {
  t.gemm_q8_mr = kGemmQ8Mr;
  t.gemm_q8_nr = kGemmQ8Nv * kLanes;
  t.gemm_q8 = gemm_q8;
  if constexpr (!kWideInherited) {
    t.depthwise_q8_nr = WideFull::kBytes;
    t.depthwise_q8_words = kWideWords;
    t.depthwise_q8 = depthwise_q8;
  }
  t.conv_row_q8 = conv_row_q8;
  t.pack_columns_q8 = pack_columns_q8;
}

void fill_all(KernelTable& t) {
  fill_q8_products(t);
  t.gemm_f32_mr = kGemmF32Mr;
  t.gemm_f32_nr = kGemmF32Nv * kLanes;
  t.depthwise_f32_nr = kLanes;
  t.gemm_f32 = gemm_f32_any;
  t.pack_columns_f32 = pack_columns_f32;
  t.gemm_s16 = gemm_s16;
  t.conv_row_f32 = conv_row_f32;
  t.sum_terms_f32 = sum_terms_f32;
  t.split_channels_f32 = split_channels_f32;
  t.split_quads_q8 = split_quads_q8;
  t.winograd_in = winograd_in;
  t.winograd_out = winograd_out;
  t.depthwise_f32 = depthwise_f32;
  t.depthwise_s16 = depthwise_s16;
  t.map_f32 = map_f32;
  t.zip_f32 = zip_f32;
  t.prelu_f32 = prelu_f32;
  t.zip_q8 = zip_q8;
  t.zip_s16 = zip_s16;
  t.lut_q8 = lut_q8;
  t.sum_f32 = sum_f32;
  t.sum_q8 = sum_q8;
  t.row_sums_f32 = row_sums_f32;
  t.row_sums_q8 = row_sums_q8;
  t.max_f32 = max_f32;
  t.max_q8 = max_q8;
  t.argmax_f32 = argmax_f32;
  t.argmax_q8 = argmax_q8;
  t.window_sum_f32 = window_sum_f32;
  t.window_mean_q8 = window_mean_q8;
  t.window_max_f32 = window_max_f32;
  t.window_max_q8 = window_max_q8;
  t.softmax_f32 = softmax_f32;
  t.softmax_q8 = softmax_q8;
  t.softmax_pairs_q8 = softmax_pairs_q8;
  t.bilinear_f32 = bilinear_f32;
  t.lerp_rows_f32 = lerp_rows_f32;
  t.lerp_pixels_f32 = lerp_pixels_f32;
  t.lerp_rows_q8 = lerp_rows_q8;
  t.lerp_pixels_q8 = lerp_pixels_q8;
  t.quantize_q8 = quantize_q8;
  t.quantize_s16 = quantize_s16;
  t.dequantize_q8 = dequantize_q8;
  t.dequantize_s16 = dequantize_s16;
  t.requantize_s32 = requantize_s32;
  t.layer_norm_f32 = layer_norm_f32;
  t.lstm_cells_f32 = lstm_cells_f32;
  t.range_f32 = range_f32;
  t.quantize_dynamic = quantize_dynamic;
  t.half_to_float = half_to_float;
  t.float_to_half = float_to_half;
  t.xor_copy = xor_copy;
}
