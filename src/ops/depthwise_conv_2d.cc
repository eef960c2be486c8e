// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D: x [N, H, W, C], filter [1, KH, KW, C·D], bias [C·D] (optional) → y [N, OH, OW,
// C·D].
//   y[n, oy, ox, c·D + d] = act(bias[c·D + d] + Σ x[n, oy·sh + fy·dh − ph, ox·sw + fx·dw − pw, c] ·
//   filter[0, fy, fx, c·D + d])
// D is the depth multiplier: the filter's channels over the input's. Types as CONV_2D (no f16
// filters, INT4 with int8 activations only); the scales of int8 filters run along dimension 3. Of
// f32 with int8 filters the plain loops quantize the activations; kernels take the filter as
// floats. Source: tensorflow/lite/kernels/depthwise_conv.cc.
#include <numeric>

#include "ops/conv_common.h"

namespace cygnet::ops {
namespace {

struct DepthwiseState {
  ConvGeometry geometry;
  ConvResults results;
  int unpacked = -1;    // scratch of the plain loops: the filter
  bool packed = false;  // kernels can run
  Staging staging;
  const uint8_t* weights = nullptr;
  int32_t* bias = nullptr;  // INT16 only
  bool two_sets = false;    // of the packed weights
  int staged = -1;          // scratch
};

constexpr FilterTypes kFilterTypes = {.real = type_set(Type::float32, Type::int8),
                                      .int8 = type_set(Type::int8, Type::int4)};

const Tensor* bias_tensor(const OpContext& op) {
  return op.input_or_null(2);
}

Status geometry_of(OpContext& op, ConvGeometry* g) {
  const auto& options = op.options<schema::DepthwiseConv2DOptions>();
  const Shape& x = op.input(0).shape;
  const Shape& f = op.input(1).shape;
  g->h = {.in = x[1],
          .filter = f[1],
          .stride = options.stride_h(),
          .dilation = options.dilation_h_factor()};
  g->w = {.in = x[2],
          .filter = f[2],
          .stride = options.stride_w(),
          .dilation = options.dilation_w_factor()};
  CYGNET_TRY(resolve_window("height", options.padding(), &g->h));
  return resolve_window("width", options.padding(), &g->w);
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &filter = op.input(1);
  CYGNET_TRY(check_conv_types(kFilterTypes, x, filter, bias_tensor(op), op.output(0)));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  CYGNET_TRY(expect_rank("input 1", filter, 4));
  if (filter.shape[0] != 1)
    return bad_model("input 1: expected shape [1,h,w,c], got %s", shape_text(filter.shape).text);
  const int32_t channels = filter.shape[3];
  if (x.shape[3] < 1 || channels < 1 || channels % x.shape[3] != 0)
    return bad_model("input 1: expected a multiple of the input's %d channels, got %d", x.shape[3],
                     channels);
  CYGNET_TRY(check_conv_quantization(x, filter, bias_tensor(op), op.output(0), channels, 3));
  ConvGeometry g;
  CYGNET_TRY(geometry_of(op, &g));
  return op.set_output(0, {x.shape[0], g.h.out, g.w.out, channels});
}

int64_t macs(const OpContext& op) {
  const Shape& f = op.input(1).shape;
  return op.output(0).shape.elements() * f[1] * f[2];
}

// ---- Prepare

// Activations times weights of 8 bits.
PackQ8 pack_params(OpContext& op, const Tensor& filter, const DepthwiseState& s) {
  const Tensor& x = op.input(0);
  const bool flip = filter.type == Type::uint8;
  return {.weight_flip = static_cast<uint8_t>(flip ? 0x80 : 0),
          .weight_zero_point = flip ? filter.quantization.zero_point() - 128 : 0,
          .input_zero_point = unsigned_zero_point(x),
          .bias = bias_of<int32_t>(bias_tensor(op)),
          .scale = s.results.scales.scales,
          .scale_stride = 1};
}

// *fits: whether the kernel's sums stay in range.
Status pack_filter(OpContext& op, DepthwiseState* s, bool* fits) {
  base::Buffer unpacked;
  Tensor filter;
  CYGNET_TRY(op.input(0).type == Type::float32 ? unpack_real(op.input(1), 3, &unpacked, &filter)
                                               : unpack_constant(op.input(1), &unpacked, &filter));
  const int64_t c = filter.shape[3], taps = s->geometry.taps();
  const KernelTable& table = kernels();
  if (filter.type == Type::float32) {
    const size_t bytes = depthwise_f32_packed_bytes(c, taps, table.depthwise_f32_nr);
    const auto* bias = bias_of<float>(bias_tensor(op));
    PackKey key("depthwise", op.input(1));
    key.number(c).number(taps).data(bias, static_cast<size_t>(c) * sizeof(float));
    s->weights = op.packed(key, bytes, [&](uint8_t* packed) {
      pack_depthwise_f32(filter.as<float>(), bias, c, taps, table.depthwise_f32_nr,
                         reinterpret_cast<float*>(packed));
    });
    return s->weights == nullptr ? out_of_memory("packed weights", bytes) : Status();
  }
  const PackQ8 params = pack_params(op, filter, *s);
  *fits = depthwise_q8_fits(filter.data, params, c, taps);
  if (!*fits) return {};
  s->two_sets = params.weight_zero_point != 0 && !table.depthwise_q8_words;
  const DepthwisePackQ8 form{.c = c,
                             .kh = filter.shape[1],
                             .kw = filter.shape[2],
                             .nr = table.depthwise_q8_nr,
                             .words = table.depthwise_q8_words,
                             .two_sets = s->two_sets};
  const size_t bytes = depthwise_q8_packed_bytes(form);
  const size_t row = static_cast<size_t>(c) * sizeof(float);
  PackKey key("depthwise", op.input(1));
  key.number(c).number(form.kh).number(form.kw).number(form.two_sets);
  key.number(params.weight_flip).number(params.weight_zero_point).number(params.input_zero_point);
  key.data(params.bias, row).data(params.scale, row).data(form.offset, row);
  s->weights = op.packed(
      key, bytes, [&](uint8_t* packed) { pack_depthwise_q8(filter.data, params, form, packed); });
  return s->weights == nullptr ? out_of_memory("packed weights", bytes) : Status();
}

// The same of INT16 activations: weights as int16, the bias as int32.
Status pack_filter_s16(OpContext& op, DepthwiseState* s, bool* fits) {
  const Tensor& filter = op.input(1);
  const Tensor* bias = bias_tensor(op);
  const int64_t c = filter.shape[3], taps = s->geometry.taps();
  const size_t bytes = static_cast<size_t>(taps * c) * sizeof(int16_t),
               bias_bytes = static_cast<size_t>(c) * sizeof(int32_t);
  auto* weights = static_cast<int16_t*>(op.allocate(bytes));
  if (weights == nullptr) return out_of_memory("packed weights", bytes);
  s->weights = reinterpret_cast<uint8_t*>(weights);
  s->bias = static_cast<int32_t*>(op.allocate(bias_bytes));
  if (s->bias == nullptr) return out_of_memory("bias", bias_bytes);
  const auto* from = filter.as<int8_t>();
  std::copy_n(from, taps * c, weights);
  for (int64_t j = 0; j < c; ++j) {
    const int64_t start = bias == nullptr             ? 0
                          : bias->type == Type::int64 ? bias->as<int64_t>()[j]
                                                      : bias->as<int32_t>()[j];
    int64_t room = INT32_MAX;
    for (int64_t t = 0; t < taps; ++t) room -= int64_t{32768} * std::abs(from[t * c + j]);
    *fits = *fits && start <= room && start >= -room;
    s->bias[j] = static_cast<int32_t>(start);
  }
  return {};
}

Status prepare_kernels(OpContext& op, DepthwiseState* s) {
  const Tensor &x = op.input(0), &filter = op.input(1);
  const Tensor* bias = bias_tensor(op);
  const int64_t c = filter.shape[3];
  s->packed = !op.reference() && filter.constant && (bias == nullptr || bias->constant) &&
              s->geometry.taps() <= kMaxDepthwiseTaps;
  if (s->packed)
    CYGNET_TRY(x.type == Type::int16 ? pack_filter_s16(op, s, &s->packed)
                                     : pack_filter(op, s, &s->packed));
  if (!s->packed) {
    CYGNET_TRY(request_unpacked(op, filter, &s->unpacked));
    return request_quantized(op, x, x.shape[0], sizeof(int16_t), &s->results);
  }
  s->staging.repeat = static_cast<int32_t>(c / x.shape[3]);
  if (!s->staging.needed()) return {};
  return op.request_scratch(static_cast<size_t>(x.shape.elements(1, 3) * c * type_bits(x.type) / 8),
                            &s->staged);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<DepthwiseState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(DepthwiseState));
  const auto activation = op.options<schema::DepthwiseConv2DOptions>().fused_activation_function();
  const Tensor &x = op.input(0), &filter = op.input(1);
  CYGNET_TRY(geometry_of(op, &s->geometry));
  s->results.asymmetric = true;
  CYGNET_TRY(prepare_results(op, x, filter, activation, filter.shape[3],
                             x.type == Type::uint8 ? Scaling::tensor : Scaling::channels,
                             &s->results));
  return prepare_kernels(op, s);
}

// ---- Plain loops

// Sum over the taps of one output element.
template <class X, class W, class Acc>
Acc dot(const ConvGeometry& g, const X* x, int64_t x_pixel, const W* filter, int64_t f_pixel,
        int64_t oy, int64_t ox, int32_t x_zero, int32_t w_zero) {
  int32_t y_begin, y_end, x_begin, x_end;
  g.h.inside(oy, &y_begin, &y_end);
  g.w.inside(ox, &x_begin, &x_end);
  std::conditional_t<std::is_same_v<X, float>, float, int64_t> acc = 0;
  for (int32_t fy = y_begin; fy < y_end; ++fy)
    for (int32_t fx = x_begin; fx < x_end; ++fx) {
      const X a = x[((g.h.first(oy) + int64_t{fy} * g.h.dilation) * g.w.in + g.w.first(ox) +
                     int64_t{fx} * g.w.dilation) *
                    x_pixel];
      const W b = filter[(int64_t{fy} * g.w.filter + fx) * f_pixel];
      if constexpr (std::is_same_v<X, float>)
        acc += a * b;
      else
        acc += int64_t{a - x_zero} * (b - w_zero);
    }
  return static_cast<Acc>(acc);
}

template <class Types, class Bias, class Store>
void plain(OpContext& op, const ConvGeometry& g, const Tensor& x, const Tensor& filter,
           const Bias* bias, Store store) {
  using X = typename Types::X;
  using W = typename Types::W;
  const int64_t c = x.shape[3], channels = filter.shape[3], multiplier = channels / c;
  const bool real = std::is_same_v<X, float>;
  const int32_t x_zero = real ? 0 : x.quantization.zero_point();
  const int32_t w_zero = std::is_same_v<W, uint8_t> ? filter.quantization.zero_point() : 0;
  op.parallel_for(int64_t{x.shape[0]} * g.h.out, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const X* image = x.as<X>() + row / g.h.out * x.shape.elements(1, 4);
      for (int64_t ox = 0; ox < g.w.out; ++ox)
        for (int64_t m = 0; m < channels; ++m) {
          const auto acc =
              dot<X, W, typename Types::Acc>(g, image + m / multiplier, c, filter.as<W>() + m,
                                             channels, row % g.h.out, ox, x_zero, w_zero);
          store((row * g.w.out + ox) * channels + m, m,
                bias == nullptr ? acc : add_bias(acc, bias[m]));
        }
    }
  });
}

void invoke_plain(OpContext& op, const DepthwiseState& s) {
  run_plain(op, op.input(0), op.input(1), s.unpacked, bias_tensor(op), op.input(0).shape[0],
            s.results,
            [&](auto types, const Tensor& x, const Tensor& filter, const auto* bias, auto store) {
              plain<decltype(types)>(op, s.geometry, x, filter, bias, store);
            });
}

// ---- Kernels

// What the kernels of f32 and of 8 bits have in common.
void set_row(const ConvGeometry& g, int64_t c, DepthwiseRow* row) {
  row->w = g.w.in;
  row->c = c;
  row->kh = g.h.filter;
  row->kw = g.w.filter;
  row->stride = g.w.stride;
  row->dilation = g.w.dilation;
  row->pad = g.w.pad;
  row->pixels = g.w.out;
  row->out_stride = c;
}

DepthwiseF32 f32_args(OpContext& op, const DepthwiseState& s) {
  DepthwiseF32 args;
  set_row(s.geometry, op.input(1).shape[3], &args);
  args.weights = reinterpret_cast<const float*>(s.weights);
  args.lo = s.results.real.low;
  args.hi = s.results.real.high;
  return args;
}

DepthwiseQ8 q8_args(OpContext& op, const DepthwiseState& s) {
  const Tensor &x = op.input(0), &y = op.output(0);
  DepthwiseQ8 args;
  set_row(s.geometry, op.input(1).shape[3], &args);
  args.weights = s.weights;
  args.two_sets = s.two_sets;
  args.flip = sign_flip(x);
  args.zero = static_cast<uint8_t>(x.quantization.zero_point());
  args.zero_point = y.quantization.zero_point();
  args.lo = s.results.quantized.low;
  args.hi = s.results.quantized.high;
  return args;
}

DepthwiseS16 s16_args(OpContext& op, const DepthwiseState& s) {
  DepthwiseS16 args;
  set_row(s.geometry, op.input(1).shape[3], &args);
  args.weights = reinterpret_cast<const int16_t*>(s.weights);
  args.bias = s.bias;
  args.scale = s.results.scales.scales;
  args.lo = s.results.quantized.low;
  args.hi = s.results.quantized.high;
  return args;
}

constexpr int64_t kRowsOfCall = 4;

// Output rows [begin, end) of an image, some at a time: those that lie a whole number of filter
// rows apart share what they read. done(oy): row oy is complete.
template <class T, class Args, class Done>
void run_rows(const ConvGeometry& g, const T* image, int64_t begin, int64_t end, Args args,
              uint8_t* out, int64_t out_row_bytes, void (*kernel)(const Args&), Done done) {
  constexpr int64_t kRows = kRowsOfCall, kMaxRowStep = 2;
  const int64_t common = std::gcd(g.h.stride, g.h.dilation), between = g.h.dilation / common;
  const T* rows[kMaxDepthwiseTaps + (kRows - 1) * kMaxRowStep];
  args.rows = rows;
  args.row_step = g.h.stride / common;
  args.out_row = between * args.pixels * args.c;
  const int64_t most = args.row_step <= kMaxRowStep ? kRows : 1;
  for (int64_t first = begin; first < begin + between && first < end; ++first)
    for (int64_t oy = first; oy < end; oy += most * between) {
      args.out_rows = std::min(most, (end - oy + between - 1) / between);
      int64_t y = g.h.first(oy);
      for (int64_t i = 0; i < (args.out_rows - 1) * args.row_step + g.h.filter; ++i) {
        rows[i] = y < 0 || y >= g.h.in ? nullptr : image + y * g.w.in * args.c;
        y += g.h.dilation;
      }
      args.out = reinterpret_cast<decltype(args.out)>(out + oy * out_row_bytes);
      kernel(args);
      for (int64_t r = 0; r < args.out_rows; ++r) done(oy + r * between);
    }
}

// Rows that a thread computes at once: those of one call of the kernel, or its share of a few.
int64_t rows_together(const ConvGeometry& g, int threads) {
  constexpr int64_t kFew = 8;
  const int64_t between = g.h.dilation / std::gcd(g.h.stride, g.h.dilation),
                share = (g.h.out + threads - 1) / threads;
  return share <= kFew ? std::max<int64_t>(1, share) : kRowsOfCall * between;
}

void invoke_kernels(OpContext& op, const DepthwiseState& s) {
  const Tensor &x = op.input(0), &filter = op.input(1);
  Tensor& y = op.output(0);
  const int element = type_bits(x.type) / 8;
  const int64_t c = filter.shape[3], out_row_bytes = s.geometry.w.out * c * type_bits(y.type) / 8;
  for (int32_t batch = 0; batch < x.shape[0]; ++batch) {
    const uint8_t* image = x.as<uint8_t>() + batch * x.shape.elements(1, 4) * element;
    if (s.staging.needed()) {
      auto* staged = op.scratch<uint8_t>(s.staged);
      stage_image(op, s.staging, image, x.shape[1], x.shape[2], x.shape[3], element, staged);
      image = staged;
    }
    uint8_t* out = y.as<uint8_t>() + batch * s.geometry.h.out * out_row_bytes;
    op.parallel_for(
        s.geometry.h.out,
        [&](int64_t begin, int64_t end, int thread) {
          const auto done = [&](int64_t oy) {
            const int64_t row = batch * s.geometry.h.out + oy;
            op.produced(row * s.geometry.w.out * c, (row + 1) * s.geometry.w.out * c, thread);
          };
          if (x.type == Type::int16) {
            run_rows(s.geometry, reinterpret_cast<const int16_t*>(image), begin, end,
                     s16_args(op, s), out, out_row_bytes, kernels().depthwise_s16, done);
          } else if (x.type == Type::float32) {
            run_rows(s.geometry, reinterpret_cast<const float*>(image), begin, end, f32_args(op, s),
                     out, out_row_bytes, kernels().depthwise_f32, done);
          } else {
            run_rows(s.geometry, image, begin, end, q8_args(op, s), out, out_row_bytes,
                     kernels().depthwise_q8, done);
          }
        },
        rows_together(s.geometry, op.threads()));
  }
}

Status invoke(OpContext& op) {
  const auto& s = op.state<DepthwiseState>();
  if (s.packed)
    invoke_kernels(op, s);
  else
    invoke_plain(op, s);
  return {};
}

}  // namespace

extern const OpDef kDepthwiseConv2d;
extern const OpDef kDepthwiseConv2d = {
    .name = "DEPTHWISE_CONV_2D",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::DEPTHWISE_CONV_2D),
    .max_version = 7,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DepthwiseConv2DOptions),
    .min_inputs = 2,
    .max_inputs = 3,
    .optional_inputs = 0b100,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs,
    .produces = true};

}  // namespace cygnet::ops
