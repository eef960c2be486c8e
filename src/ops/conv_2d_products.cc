// SPDX-License-Identifier: Apache-2.0
// CONV_2D as products of matrices: rows are pixels, columns output channels.
#include "ops/conv_2d.h"

namespace cygnet::ops {
namespace {

// Some pixels and columns of one group of one image.
struct Slice {
  const uint8_t* image;
  uint8_t* out;  // of the first pixel
  const int32_t* at;
  int64_t count;  // pixels
  int32_t group;
  int64_t first, columns;
  int thread;
  const DynamicQuant* quant;  // hybrid: of the image
};

// Bytes of an element that the kernels read.
int element_bytes(const OpContext& op, const ConvState& s) {
  return s.results.hybrid ? 1 : type_bits(op.input(0).type) / 8;
}

void run_slice(OpContext& op, const ConvState& s, const Slice& slice) {
  const Tensor &x = op.input(0), &filter = op.input(1), &y = op.output(0);
  const int64_t depth = filter.shape[3], channels = filter.shape[0], taps = s.inner.taps(),
                first = slice.group * (channels / s.groups) + slice.first;
  const ConvResults& r = s.results;
  const Type packed = x.type == Type::float32 && !r.hybrid ? Type::float32 : Type::int8;
  const int64_t skipped = x.type == Type::int16
                              ? slice.first * taps * s.k
                              : static_cast<int64_t>(packed_weight_bytes(packed, slice.first, taps,
                                                                         s.k, s.product.split));
  LayerGemm gemm = {.a = slice.image + slice.group * depth * element_bytes(op, s),
                    .flip = s.flip,
                    .at = slice.at,
                    .a_stride = x.shape[3],
                    .zero = s.zero,
                    .m = slice.count,
                    .n = slice.columns,
                    .taps = taps,
                    .k = s.k,
                    .weights = s.weights + slice.group * s.group_bytes + skipped,
                    .bias = s.bias64 == nullptr ? nullptr : s.bias64 + first,
                    .scales = r.scales.from(first),
                    .out = slice.out + first * (type_bits(y.type) / 8),
                    .out_stride = channels,
                    .real = r.real,
                    .quantized = r.quantized,
                    .quants = slice.quant};
  use_product(op, s.product, slice.thread, &gemm);
  if (r.hybrid) {
    const Tensor* bias = conv_bias(op);
    gemm.columns = {.scales = r.scales.from(first),
                    .bias = bias == nullptr ? nullptr : bias->as<float>() + first,
                    .sums = s.sums == nullptr ? nullptr : s.sums + first,
                    .clamp = r.real};
  }
  run_gemm(filter, y, gemm);
}

// Pixels for one call where nothing else limits them: as many as stay in the cache with their
// results, for the steps before and behind; or all, where the weights would have to come from
// memory for each call.
int64_t pixels_of_call(int64_t pixel_bytes, int64_t weight_bytes) {
  constexpr int64_t kBytes = 64 * 1024, kMostWeightBytes = 512 * 1024;
  if (weight_bytes > kMostWeightBytes) return INT64_MAX / 2;
  return std::max<int64_t>(1, kBytes / (pixel_bytes * kPixelsPerCall)) * kPixelsPerCall;
}

// Task [begin, end) of one image, which has been staged: pixels, or columns of some pixels.
struct Task {
  int64_t begin, end;
  int64_t column, columns;
  int thread;
};

void run_task(OpContext& op, const ConvState& s, int32_t batch, const uint8_t* image, uint8_t* out,
              const DynamicQuant* quant, const Task& task) {
  const int element = element_bytes(op, s);
  const int64_t c = op.input(0).shape[3], channels = op.output(0).shape[3], taps = s.inner.taps(),
                pixels = s.geometry.pixels(),
                out_pixel = channels * (type_bits(op.output(0).type) / 8);
  const bool known = s.pointwise || s.at != nullptr, whole = task.columns == channels / s.groups;
  // Sums of a hybrid layer are finished while they are in the cache.
  const int64_t step = known && !s.results.hybrid
                           ? pixels_of_call(c * element + out_pixel, s.group_bytes * s.groups)
                           : kPixelsPerCall;
  for (int64_t first = task.begin; first < task.end; first += step) {
    const int64_t count = std::min(step, task.end - first);
    const int32_t* at = s.at == nullptr ? nullptr : s.at + first * taps;
    if (s.pointwise)
      op.wanted((batch * pixels + first) * c, (batch * pixels + first + count) * c, task.thread);
    if (!known) {
      int32_t* made = op.scratch<int32_t>(s.offsets) + task.thread * kPixelsPerCall * taps;
      fill_offsets(s.inner, c, first, count, made);
      at = made;
    }
    const uint8_t* from = s.pointwise ? image + first * c * element : image;
    for (int32_t g = 0; g < s.groups; ++g)
      run_slice(op, s,
                {from, out + first * out_pixel, at, count, g, task.column, task.columns,
                 task.thread, quant});
    const int64_t done = (batch * pixels + first) * channels;
    if (whole) op.produced(done, done + count * channels, task.thread);
  }
}

void run_image(OpContext& op, const ConvState& s, int32_t batch, const uint8_t* image, uint8_t* out,
               const DynamicQuant* quant) {
  const int64_t pixels = s.geometry.pixels(), n = op.output(0).shape[3] / s.groups,
                parts = (n + s.task_columns - 1) / s.task_columns,
                rows = (pixels + s.task_pixels - 1) / s.task_pixels;
  op.parallel_for(rows * parts, [&](int64_t begin, int64_t end, int thread) {
    if (parts == 1)
      return run_task(op, s, batch, image, out, quant,
                      {begin * s.task_pixels, std::min(end * s.task_pixels, pixels), 0, n, thread});
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / parts * s.task_pixels, column = i % parts * s.task_columns;
      run_task(op, s, batch, image, out, quant,
               {row, std::min(row + s.task_pixels, pixels), column,
                std::min(s.task_columns, n - column), thread});
    }
  });
}

}  // namespace

void invoke_products(OpContext& op, const ConvState& s) {
  const Tensor &x = op.input(0), &y = op.output(0);
  const int element = element_bytes(op, s);
  const int64_t image_bytes = x.shape.elements(1, 4) * element,
                out_bytes = y.shape.elements(1, 4) * (type_bits(y.type) / 8);
  const uint8_t* images = x.as<uint8_t>();
  const DynamicQuant* quants = nullptr;
  if (s.results.hybrid) {
    images = quantize_input<uint8_t>(op, x, x.shape[0], s.results);
    quants = op.scratch<DynamicQuant>(s.results.quants);
  }
  for (int32_t batch = 0; batch < x.shape[0]; ++batch) {
    const uint8_t* image = images + batch * image_bytes;
    const DynamicQuant* quant = quants == nullptr ? nullptr : quants + batch;
    Staging staging = s.staging;
    if (quant != nullptr) {
      staging.pad_value = 128 + quant->zero;
      std::memset(s.zero, staging.pad_value, static_cast<size_t>(s.k));
    }
    if (staging.needed()) {
      auto* staged = op.scratch<uint8_t>(s.staged);
      stage_image(op, staging, image, x.shape[1], x.shape[2], x.shape[3], element, staged);
      image = staged;
    }
    run_image(op, s, batch, image, op.output(0).as<uint8_t>() + batch * out_bytes, quant);
  }
}

}  // namespace cygnet::ops
