// SPDX-License-Identifier: Apache-2.0
// TRANSPOSE_CONV: output shape [4] (int32), filter [M, KH, KW, C], x [N, H, W, C], bias [M]
// (optional) → y [N, OH, OW, M]. The transpose of the convolution from OH × OW to H × W:
//   y[n, iy·sh + fy − ph, ix·sw + fx − pw, m] += x[n, iy, ix, c] · filter[m, fy, fx, c], + bias, act.
// Convolution2DTransposeBias (MediaPipe): the same with operands x, filter, bias, and an output of
// H·sh × W·sw (SAME) or (H − 1)·sh + KH × (W − 1)·sw + KW (VALID).
// Types as CONV_2D. Sources: tensorflow/lite/kernels/transpose_conv.cc; MediaPipe's
// util/tflite/operations/transpose_conv_bias.cc.
#include "base/memory.h"
#include "kernels/pack.h"
#include "ops/conv_common.h"

namespace cygnet::ops {
namespace {

struct Transposed {
  ConvGeometry forward;  // the convolution whose transpose this is: from y to x
  Clamp<float> real;
  Clamp<int32_t> quantized;
  ChannelScales scales;
  bool packed = false;
  uint8_t* weights = nullptr;  // [taps·M][C] packed, tap-major
  int columns = -1;            // scratch: [H][W][taps][M] products, f32 or int32
  int row = -1;                // scratch: [threads][OW][M] sums
  int staged = -1;             // scratch: int8 input in the unsigned domain
};

// Where the operands are: the builtin and MediaPipe's operator order them differently.
struct Operands {
  const Tensor& x;
  const Tensor& filter;
  const Tensor* bias;
};
Operands builtin_operands(const OpContext& op) { return {op.input(2), op.input(1), op.input_or_null(3)}; }
Operands custom_operands(const OpContext& op) { return {op.input(0), op.input(1), op.input_or_null(2)}; }

Status check_operands(const OpContext& op, const Operands& in) {
  CYGNET_TRY(check_conv_types(in.x, in.filter, in.bias, op.output(0)));
  CYGNET_TRY(expect_rank("input", in.x, 4));
  CYGNET_TRY(expect_rank("filter", in.filter, 4));
  if (in.filter.shape[0] < 1 || in.filter.shape[3] < 1) return bad_model("filter: expected at least one channel, got %s", shape_text(in.filter.shape).text);
  if (in.x.shape[3] != in.filter.shape[3]) return bad_model("input: expected %d channels as the filter has, got %d", in.filter.shape[3], in.x.shape[3]);
  return check_conv_quantization(in.x, in.filter, in.bias, op.output(0), in.filter.shape[0], 0);
}

// Geometry of the forward convolution from an output of out_h × out_w; it must give x's size.
Status forward_geometry(const Operands& in, schema::Padding padding, int32_t stride_h, int32_t stride_w, int32_t out_h, int32_t out_w, ConvGeometry* g) {
  if (out_h < 1 || out_w < 1) return bad_model("output shape: expected height and width >= 1, got %d x %d", out_h, out_w);
  g->h = {.in = out_h, .filter = in.filter.shape[1], .stride = stride_h};
  g->w = {.in = out_w, .filter = in.filter.shape[2], .stride = stride_w};
  CYGNET_TRY(resolve_window("height", padding, &g->h));
  CYGNET_TRY(resolve_window("width", padding, &g->w));
  if (g->h.out == in.x.shape[1] && g->w.out == in.x.shape[2]) return {};
  return bad_model("output shape: %d x %d needs an input of %d x %d, got %d x %d", out_h, out_w, g->h.out, g->w.out, in.x.shape[1], in.x.shape[2]);
}

// ---- TRANSPOSE_CONV: options and shape

Status builtin_geometry(const OpContext& op, int32_t out_h, int32_t out_w, ConvGeometry* g) {
  const auto& options = op.options<schema::TransposeConvOptions>();
  return forward_geometry(builtin_operands(op), options.padding(), options.stride_h(), options.stride_w(), out_h, out_w, g);
}

Status builtin_infer(OpContext& op) {
  const Operands in = builtin_operands(op);
  const Tensor& shape = op.input(0);
  CYGNET_TRY(expect_type("input 0", shape, {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", shape, 1));
  CYGNET_TRY(expect_elements("input 0", shape, 4));
  CYGNET_TRY(check_operands(op, in));
  if (!op.known(0)) return op.defer();
  const int32_t* y = shape.as<int32_t>();
  if (y[0] != in.x.shape[0] || y[3] != in.filter.shape[0])
    return bad_model("input 0: expected batch %d and %d channels, got %d and %d", in.x.shape[0], in.filter.shape[0], y[0], y[3]);
  ConvGeometry g;
  CYGNET_TRY(builtin_geometry(op, y[1], y[2], &g));
  return op.set_output(0, {y[0], y[1], y[2], y[3]});
}

// ---- Convolution2DTransposeBias: options and shape

// What its custom options hold, in this order.
struct CustomOptions {
  int32_t padding, stride_w, stride_h;
};

Status custom_geometry(const OpContext& op, ConvGeometry* g) {
  CustomOptions options;
  if (op.custom_options().size() < sizeof(options)) return bad_model("C10: expected %zu bytes of options, got %zu", sizeof(options), op.custom_options().size());
  std::memcpy(&options, op.custom_options().data(), sizeof(options));
  constexpr int32_t kSame = 1, kValid = 2;
  if (options.padding != kSame && options.padding != kValid) return bad_model("C9: padding: expected 1 (SAME) or 2 (VALID), got %d", options.padding);
  CYGNET_TRY(expect_range("stride", options.stride_w, 1, 1 << 16));
  CYGNET_TRY(expect_range("stride", options.stride_h, 1, 1 << 16));
  const Operands in = custom_operands(op);
  const auto size = [&](int64_t n, int64_t stride, int64_t filter) { return options.padding == kSame ? n * stride : (n - 1) * stride + filter; };
  const int64_t h = size(in.x.shape[1], options.stride_h, in.filter.shape[1]), w = size(in.x.shape[2], options.stride_w, in.filter.shape[2]);
  if (h > INT32_MAX || w > INT32_MAX) return bad_model("T3: an output of %lld x %lld is too large", static_cast<long long>(h), static_cast<long long>(w));
  return forward_geometry(in, options.padding == kSame ? schema::Padding::SAME : schema::Padding::VALID, options.stride_h, options.stride_w, static_cast<int32_t>(h), static_cast<int32_t>(w), g);
}

Status custom_infer(OpContext& op) {
  const Operands in = custom_operands(op);
  CYGNET_TRY(expect_type("input 0", in.x, {Type::float32}));
  CYGNET_TRY(check_operands(op, in));
  ConvGeometry g;
  CYGNET_TRY(custom_geometry(op, &g));
  return op.set_output(0, {in.x.shape[0], g.h.in, g.w.in, in.filter.shape[0]});
}

// ---- Prepare

// Packs the filter with columns in the order (tap, output channel).
Status pack_weights(OpContext& op, const Operands& in, Transposed* s) {
  const int64_t m = in.filter.shape[0], c = in.filter.shape[3], taps = s->forward.taps();
  const bool real = in.x.type == Type::float32;
  const size_t element = real ? 4 : 1;
  base::Buffer reordered;
  if (!reordered.resize(in.filter.bytes)) return out_of_memory("filter", in.filter.bytes);
  for (int64_t t = 0; t < taps; ++t)
    for (int64_t j = 0; j < m; ++j)
      std::memcpy(reordered.data() + static_cast<size_t>((t * m + j) * c) * element, in.filter.as<uint8_t>() + static_cast<size_t>((j * taps + t) * c) * element, static_cast<size_t>(c) * element);
  const KernelTable& table = kernels();
  const int64_t n = taps * m;
  const size_t bytes = real ? gemm_f32_packed_bytes(n, 1, c, table.gemm_f32_nr) : gemm_q8_packed_bytes(n, 1, c, table.gemm_q8_nr);
  s->weights = static_cast<uint8_t*>(op.allocate(bytes));
  if (s->weights == nullptr) return out_of_memory("packed weights", bytes);
  const WeightStrides strides{.n_stride = c, .tap_stride = c, .k_stride = 1};
  if (real) {
    pack_gemm_f32(reinterpret_cast<const float*>(reordered.data()), strides, nullptr, n, 1, c, table.gemm_f32_nr, reinterpret_cast<float*>(s->weights));
    return {};
  }
  const bool flip = in.filter.type == Type::uint8;
  const PackQ8 params{.weight_flip = static_cast<uint8_t>(flip ? 0x80 : 0), .weight_zero_point = flip ? in.filter.quantization.zero_point() - 128 : 0, .input_zero_point = unsigned_zero_point(in.x)};
  pack_gemm_q8(reordered.data(), strides, params, n, 1, c, table.gemm_q8_nr, s->weights);
  return {};
}

Status prepare(OpContext& op, const Operands& in, schema::ActivationFunctionType activation, Transposed* s) {
  const Tensor& y = op.output(0);
  if (in.x.type == Type::float32) {
    CYGNET_TRY(activation_clamp(activation, &s->real));
  } else {
    CYGNET_TRY(quantized_activation_clamp(activation, y, &s->quantized));
    CYGNET_TRY(make_channel_scales(op, in.x, in.filter, y, in.filter.shape[0], in.x.type == Type::uint8, &s->scales));
  }
  const size_t sum_bytes = in.x.type == Type::int16 ? 8 : 4;
  const int64_t row = int64_t{y.shape[2]} * y.shape[3];
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(op.threads() * row) * sum_bytes, &s->row));
  const int64_t columns = in.x.shape.elements(1, 3) * s->forward.taps() * in.filter.shape[0];
  if (op.reference() || in.x.type == Type::int16 || !in.filter.constant || in.filter.shape[3] > 33'025 || columns > INT32_MAX) return {};
  s->packed = true;
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(columns) * 4, &s->columns));
  if (in.x.type == Type::int8) CYGNET_TRY(op.request_scratch(in.x.bytes, &s->staged));
  return pack_weights(op, in, s);
}

Status builtin_prepare(OpContext& op) {
  auto* s = op.make_state<Transposed>();
  if (s == nullptr) return out_of_memory("operator", sizeof(Transposed));
  CYGNET_TRY(builtin_geometry(op, op.output(0).shape[1], op.output(0).shape[2], &s->forward));
  return prepare(op, builtin_operands(op), op.options<schema::TransposeConvOptions>().fused_activation_function(), s);
}

Status custom_prepare(OpContext& op) {
  auto* s = op.make_state<Transposed>();
  if (s == nullptr) return out_of_memory("operator", sizeof(Transposed));
  CYGNET_TRY(custom_geometry(op, &s->forward));
  return prepare(op, custom_operands(op), schema::ActivationFunctionType::NONE, s);
}

// ---- Output rows: sums of products, then bias and requantization

// Calls add(iy, fy) for every input row and filter row that reach output row oy.
template <class Add> void each_source_row(const WindowDim& d, int64_t oy, Add add) {
  for (int32_t fy = 0; fy < d.filter; ++fy) {
    const int64_t shifted = oy + d.pad - fy;
    if (shifted < 0) break;
    if (shifted % d.stride == 0 && shifted / d.stride < d.out) add(shifted / d.stride, fy);
  }
}

// Positions [begin, end) of the input whose tap fx lands inside the output row.
void source_columns(const WindowDim& d, int32_t fx, int64_t* begin, int64_t* end) {
  const int64_t shift = d.pad - fx;  // output = input · stride − shift
  *begin = shift <= 0 ? 0 : (shift + d.stride - 1) / d.stride;
  *end = std::min<int64_t>(d.out, d.in + shift <= 0 ? 0 : (d.in + shift - 1) / d.stride + 1);
}

// Finishes a row of sums: bias, activation or requantization, store.
template <class T, class Acc, class Bias>
void finish_row(const Tensor& y, const Transposed& s, const Bias* bias, const Acc* sums, int64_t row) {
  const int64_t m = y.shape[3], w = y.shape[2];
  T* out = const_cast<T*>(y.as<T>()) + row * w * m;
  const Requantize r{s.scales.multipliers, std::is_same_v<T, float> ? 0 : y.quantization.zero_point(), s.quantized};
  for (int64_t x = 0; x < w; ++x)
    for (int64_t j = 0; j < m; ++j) {
      const Acc sum = bias == nullptr ? sums[x * m + j] : add_bias(sums[x * m + j], bias[j]);
      if constexpr (std::is_same_v<T, float>) out[x * m + j] = s.real(sum);
      else r.store(out)(x * m + j, j, sum);
    }
}

// Fast form of finish_row for 8 bits: scales in float.
void finish_row_q8(const Tensor& y, const Transposed& s, const int32_t* bias, int32_t* sums, int64_t row) {
  const int64_t m = y.shape[3], w = y.shape[2];
  uint8_t* out = const_cast<uint8_t*>(y.as<uint8_t>()) + row * w * m;
  for (int64_t x = 0; x < w; ++x) {
    if (bias != nullptr)
      for (int64_t j = 0; j < m; ++j) sums[x * m + j] = add_bias(sums[x * m + j], bias[j]);
    kernels().requantize_s32(sums + x * m, m, s.scales.scales, 1, y.quantization.zero_point(), s.quantized.low, s.quantized.high, out + x * m);
  }
}

// ---- Plain loops

template <class X, class W, class Acc, class Bias> void plain(OpContext& op, const Operands& in, const Transposed& s, const Bias* bias) {
  const Tensor& y = op.output(0);
  const int64_t c = in.x.shape[3], m = y.shape[3];
  const int32_t x_zero = std::is_same_v<X, float> ? 0 : in.x.quantization.zero_point();
  const int32_t w_zero = std::is_same_v<W, uint8_t> ? in.filter.quantization.zero_point() : 0;
  op.parallel_for(int64_t{y.shape[0]} * y.shape[1], [&](int64_t begin, int64_t end, int thread) {
    Acc* sums = op.scratch<Acc>(s.row) + thread * y.shape[2] * m;
    for (int64_t row = begin; row < end; ++row) {
      std::fill(sums, sums + y.shape[2] * m, Acc{0});
      each_source_row(s.forward.h, row % y.shape[1], [&](int64_t iy, int32_t fy) {
        const X* image = in.x.as<X>() + (row / y.shape[1] * in.x.shape[1] + iy) * in.x.shape[2] * c;
        for (int32_t fx = 0; fx < s.forward.w.filter; ++fx) {
          int64_t from, to;
          source_columns(s.forward.w, fx, &from, &to);
          for (int64_t ix = from; ix < to; ++ix)
            for (int64_t j = 0; j < m; ++j) {
              const W* weights = in.filter.as<W>() + ((j * s.forward.h.filter + fy) * s.forward.w.filter + fx) * c;
              std::conditional_t<std::is_same_v<X, float>, float, int64_t> acc = 0;
              for (int64_t i = 0; i < c; ++i) {
                if constexpr (std::is_same_v<X, float>) acc += image[ix * c + i] * weights[i];
                else acc += int64_t{image[ix * c + i] - x_zero} * (weights[i] - w_zero);
              }
              Acc& sum = sums[(ix * s.forward.w.stride + fx - s.forward.w.pad) * m + j];
              sum = add_bias(sum, static_cast<Acc>(acc));
            }
        }
      });
      finish_row<X, Acc>(y, s, bias, sums, row);
    }
  });
}

void invoke_plain(OpContext& op, const Operands& in, const Transposed& s) {
  switch (in.x.type) {
    case Type::float32: return plain<float, float, float>(op, in, s, bias_of<float>(in.bias));
    case Type::int8: return plain<int8_t, int8_t, int32_t>(op, in, s, bias_of<int32_t>(in.bias));
    case Type::uint8: return plain<uint8_t, uint8_t, int32_t>(op, in, s, bias_of<int32_t>(in.bias));
    default:
      if (in.bias != nullptr && in.bias->type == Type::int32) return plain<int16_t, int8_t, int32_t>(op, in, s, bias_of<int32_t>(in.bias));
      return plain<int16_t, int8_t, int64_t>(op, in, s, bias_of<int64_t>(in.bias));
  }
}

// ---- Kernels: one matrix product gives every pixel's products with every tap; rows gather them

template <class Acc> void multiply(OpContext& op, const Operands& in, const Transposed& s, const void* image, Acc* columns) {
  const int64_t pixels = in.x.shape.elements(1, 3), c = in.x.shape[3], n = s.forward.taps() * op.output(0).shape[3];
  op.parallel_for((pixels + kPixelsPerCall - 1) / kPixelsPerCall, [&](int64_t begin, int64_t end, int) {
    const int64_t first = begin * kPixelsPerCall, count = std::min(end * kPixelsPerCall, pixels) - first;
    if constexpr (std::is_same_v<Acc, float>) {
      const GemmF32 args{.a = static_cast<const float*>(image) + first * c, .a_stride = c, .m = count, .n = n, .k = c, .weights = reinterpret_cast<const float*>(s.weights), .out = columns + first * n, .out_stride = n, .lo = -std::numeric_limits<float>::infinity(), .hi = std::numeric_limits<float>::infinity()};
      kernels().gemm_f32(args);
    } else {
      const GemmQ8 args{.a = static_cast<const uint8_t*>(image) + first * c, .a_stride = c, .m = count, .n = n, .k = c, .weights = s.weights, .weight_zero_point = in.filter.type == Type::uint8 ? in.filter.quantization.zero_point() - 128 : 0, .store = StoreQ8::s32, .out = columns + first * n, .out_stride = n};
      kernels().gemm_q8(args);
    }
  });
}

template <class Acc> void gather(OpContext& op, const Operands& in, const Transposed& s, const Acc* columns, int64_t batch) {
  const Tensor& y = op.output(0);
  const int64_t m = y.shape[3], n = s.forward.taps() * m, w = in.x.shape[2], stride = s.forward.w.stride;
  op.parallel_for(y.shape[1], [&](int64_t begin, int64_t end, int thread) {
    Acc* sums = op.scratch<Acc>(s.row) + thread * y.shape[2] * m;
    for (int64_t oy = begin; oy < end; ++oy) {
      std::fill(sums, sums + y.shape[2] * m, Acc{0});
      each_source_row(s.forward.h, oy, [&](int64_t iy, int32_t fy) {
        for (int32_t fx = 0; fx < s.forward.w.filter; ++fx) {
          int64_t from, to;
          source_columns(s.forward.w, fx, &from, &to);
          const Acc* source = columns + iy * w * n + (int64_t{fy} * s.forward.w.filter + fx) * m;
          Acc* sum = sums + (fx - s.forward.w.pad) * m;
          for (int64_t ix = from; ix < to; ++ix)
            for (int64_t j = 0; j < m; ++j) sum[ix * stride * m + j] = add_bias(sum[ix * stride * m + j], source[ix * n + j]);
        }
      });
      const int64_t row = batch * y.shape[1] + oy;
      if constexpr (std::is_same_v<Acc, float>) finish_row<float, float>(y, s, bias_of<float>(in.bias), sums, row);
      else finish_row_q8(y, s, bias_of<int32_t>(in.bias), sums, row);
    }
  });
}

void invoke_kernels(OpContext& op, const Operands& in, const Transposed& s) {
  const int64_t image_elements = in.x.shape.elements(1, 4);
  for (int64_t batch = 0; batch < in.x.shape[0]; ++batch) {
    if (in.x.type == Type::float32) {
      auto* columns = op.scratch<float>(s.columns);
      multiply(op, in, s, in.x.as<float>() + batch * image_elements, columns);
      gather(op, in, s, columns, batch);
      continue;
    }
    const uint8_t* image = in.x.as<uint8_t>() + batch * image_elements;
    if (in.x.type == Type::int8) {
      kernels().xor_copy(image, image_elements, 0x80, op.scratch<uint8_t>(s.staged));
      image = op.scratch<uint8_t>(s.staged);
    }
    auto* columns = op.scratch<int32_t>(s.columns);
    multiply(op, in, s, image, columns);
    gather(op, in, s, columns, batch);
  }
}

Status invoke(OpContext& op, const Operands& in) {
  const auto& s = op.state<Transposed>();
  if (s.packed) invoke_kernels(op, in, s);
  else invoke_plain(op, in, s);
  return {};
}

Status builtin_invoke(OpContext& op) { return invoke(op, builtin_operands(op)); }
Status custom_invoke(OpContext& op) { return invoke(op, custom_operands(op)); }

int64_t macs_of(const Operands& in) {
  int64_t product = in.x.shape.elements();
  if (__builtin_mul_overflow(product, in.filter.shape.elements(0, 3), &product)) return INT64_MAX;
  return product;
}
int64_t builtin_macs(const OpContext& op) { return macs_of(builtin_operands(op)); }
int64_t custom_macs(const OpContext& op) { return macs_of(custom_operands(op)); }

}  // namespace

extern const OpDef kTransposeConv;
extern const OpDef kTransposeConv = {.name = "TRANSPOSE_CONV",
                                     .builtin = static_cast<int32_t>(schema::BuiltinOperator::TRANSPOSE_CONV),
                                     .max_version = 5,
                                     .options_type = static_cast<uint8_t>(schema::BuiltinOptions::TransposeConvOptions),
                                     .min_inputs = 3,
                                     .max_inputs = 4,
                                     .optional_inputs = 0b1000,
                                     .infer = builtin_infer,
                                     .prepare = builtin_prepare,
                                     .invoke = builtin_invoke,
                                     .macs = builtin_macs};

extern const OpDef kConvolution2dTransposeBias;
extern const OpDef kConvolution2dTransposeBias = {.name = "Convolution2DTransposeBias",
                                                  .min_inputs = 2,
                                                  .max_inputs = 3,
                                                  .optional_inputs = 0b100,
                                                  .infer = custom_infer,
                                                  .prepare = custom_prepare,
                                                  .invoke = custom_invoke,
                                                  .macs = custom_macs};

}  // namespace cygnet::ops
