// SPDX-License-Identifier: Apache-2.0
// CONV_2D: x [N, H, W, C], filter [M, KH, KW, C/G], bias [M] (optional) → y [N, OH, OW, M].
//   y[n, oy, ox, m] = act(bias[m] + Σ x[n, oy·sh + fy·dh − ph, ox·sw + fx·dw − pw, g·C/G + c] ·
//   filter[m, fy, fx, c])
// with group g = m / (M/G); positions outside x count as 0 (quantized: the zero point). Types: f32;
// int8 with a scale for each output channel, uint8, both with int32 bias; int16 with int8 filter.
// Source: tensorflow/lite/kernels/conv.cc, 8-bit quantization specification.
#include "ops/conv_2d.h"

namespace cygnet::ops {
namespace {

constexpr FilterTypes kFilterTypes = {
    .real = type_set(Type::float32, Type::float16, Type::int8, Type::int4),
    .int8 = type_set(Type::int8, Type::int4),
    .int16 = type_set(Type::int8, Type::int4)};

// Inputs with fewer channels are copied with their padding, so that a row of taps is one long run.
constexpr int32_t kFewChannels = 16;
constexpr int64_t kMostPadding = 4096;
// Offsets of one image's pixels that are kept, at most; more are made while running.
constexpr int64_t kMostOffsets = 1 << 18;

Status geometry_of(OpContext& op, ConvGeometry* g) {
  const auto& options = op.options<schema::Conv2DOptions>();
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
  CYGNET_TRY(check_conv_types(kFilterTypes, x, filter, conv_bias(op), op.output(0)));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  CYGNET_TRY(expect_rank("input 1", filter, 4));
  const int32_t channels = filter.shape[0], depth = filter.shape[3];
  if (channels < 1 || depth < 1)
    return bad_model("input 1: expected at least one channel, got %s",
                     shape_text(filter.shape).text);
  if (x.shape[3] < 1 || x.shape[3] % depth != 0)
    return bad_model("input 0: expected a multiple of the filter's %d channels, got %d", depth,
                     x.shape[3]);
  const int32_t groups = x.shape[3] / depth;
  if (channels % groups != 0)
    return bad_model("input 1: %d output channels do not divide into %d groups", channels, groups);
  CYGNET_TRY(check_conv_quantization(x, filter, conv_bias(op), op.output(0), channels, 0));
  ConvGeometry g;
  CYGNET_TRY(geometry_of(op, &g));
  return op.set_output(0, {x.shape[0], g.h.out, g.w.out, channels});
}

int64_t macs(const OpContext& op) {
  const Shape& f = op.input(1).shape;
  return op.output(0).shape.elements() * f[1] * f[2] * f[3];
}

// ---- Prepare

// Chooses what the kernel sees and whether the input must be copied for it.
void choose_staging(const Tensor& x, ConvState* s) {
  const ConvGeometry& g = s->geometry;
  s->inner = g;
  s->staging.copy = ends_with_file(x);
  s->staging.pad_value =
      is_quantized_type(x.type) && x.type != Type::int16 ? unsigned_zero_point(x) : 0;
  const int32_t c = x.shape[3];
  s->k = c / s->groups;
  if (g.taps() == 1 && g.h.stride == 1 && g.w.stride == 1) {
    s->pointwise = true;
    return;
  }
  if (c >= kFewChannels || s->groups != 1 || g.w.dilation != 1 || g.w.filter == 1) return;
  // A row of taps becomes one tap of filter·c elements; all padding is written out.
  const auto behind = [](const WindowDim& d) {
    const int64_t end = d.first(d.out - 1) + int64_t{d.filter - 1} * d.dilation + 1;
    return std::max<int64_t>(0, end - d.in);
  };
  const int64_t bottom = behind(g.h), right = behind(g.w);
  if (std::max({int64_t{g.h.pad}, int64_t{g.w.pad}, bottom, right}) > kMostPadding) return;
  s->staging.pad_top = g.h.pad;
  s->staging.pad_left = g.w.pad;
  s->staging.pad_bottom = static_cast<int32_t>(bottom);
  s->staging.pad_right = static_cast<int32_t>(right);
  s->inner.h.in = static_cast<int32_t>(s->staging.height(g.h.in));
  s->inner.w.in = static_cast<int32_t>(s->staging.width(g.w.in));
  s->inner.h.pad = s->inner.w.pad = 0;
  s->inner.w.filter = 1;
  s->k = int64_t{g.w.filter} * c;
}

Status pack_groups(OpContext& op, const Tensor& filter, ConvState* s) {
  const Tensor &x = op.input(0), *bias = conv_bias(op);
  const int64_t n = filter.shape[0] / s->groups, taps = s->inner.taps();
  if (s->groups == 1)
    CYGNET_TRY(prepare_product(op, x, filter, s->geometry.pixels(), n, taps, s->k, &s->product));
  s->group_bytes =
      static_cast<int64_t>(packed_weight_bytes(filter.type, n, taps, s->k, s->product.split));
  CYGNET_TRY(share_weights(op,
                           {.source = op.input(1),
                            .input = x,
                            .filter = filter,
                            .bias = bias == nullptr ? nullptr : bias->data,
                            .scales = s->results.scales.scales,
                            .groups = s->groups,
                            .n = n,
                            .taps = taps,
                            .k = s->k,
                            .split = s->product.split},
                           &s->weights));
  return make_sums(op, s->results, filter, filter.shape[0], taps * s->k, &s->sums);
}

// Divides an image into tasks: its pixels or, where these are few, the columns of the products.
void choose_tasks(const OpContext& op, const Tensor& filter, ConvState* s) {
  constexpr int64_t kTile = 16, kLeastPixels = 3 * kTile, kFewTasks = 4, kLeastColumns = 64;
  const int64_t pixels = s->geometry.pixels(), threads = op.threads(),
                n = filter.shape[0] / s->groups;
  s->task_pixels = kPixelsPerCall;
  s->task_columns = n;
  if (threads == 1 || pixels >= kFewTasks * threads * kPixelsPerCall) return;
  const int64_t share = (pixels + threads - 1) / threads;
  if (share >= kLeastPixels) {
    s->task_pixels = std::min(kPixelsPerCall, (share + kTile - 1) / kTile * kTile);
  } else if (s->groups == 1 && n >= 2 * kLeastColumns && !s->results.hybrid) {
    s->task_pixels = std::min(kPixelsPerCall, std::max<int64_t>(1, pixels));
    const int64_t block = packed_columns(filter.type, s->product.split),
                  columns = std::max((n + threads - 1) / threads, kLeastColumns);
    s->task_columns = std::min((columns + block - 1) / block * block, n);
  }
}

// The unpacked filter as the kernels read it.
Status prepare_weights(OpContext& op, const Tensor& filter, ConvState* s) {
  if (op.input(0).type != Type::int16) return pack_groups(op, filter, s);
  s->group_bytes = filter.shape.elements() / s->groups;
  CYGNET_TRY(keep_filter(op, filter, op.input(1), &s->weights));
  return widen_bias(op, conv_bias(op), &s->bias64);
}

bool suits_kernels(OpContext& op, const Tensor& x, ConvState* s) {
  const Tensor& filter = op.input(1);
  const Tensor* bias = conv_bias(op);
  if (op.reference() || !filter.constant || (bias != nullptr && !bias->constant) ||
      s->geometry.taps() > kMaxTaps)
    return false;
  choose_staging(x, s);
  if (filter.shape.elements(1, 4) > most_products(filter) && type_bits(x.type) == 8) return false;
  return s->staging.height(x.shape[1]) * s->staging.width(x.shape[2]) * x.shape[3] <= INT32_MAX;
}

// Where each pixel's taps lie in an image of c channels.
Status prepare_offsets(OpContext& op, int64_t c, ConvState* s) {
  const int64_t pixels = s->geometry.pixels(), taps = s->inner.taps();
  if (pixels * taps > kMostOffsets)
    return op.request_scratch(
        static_cast<size_t>(op.threads() * kPixelsPerCall * taps) * sizeof(int32_t), &s->offsets);
  const auto bytes = static_cast<size_t>(pixels * taps) * sizeof(int32_t);
  s->at = static_cast<int32_t*>(op.allocate(bytes));
  if (s->at == nullptr) return out_of_memory("offsets", bytes);
  fill_offsets(s->inner, c, 0, pixels, s->at);
  return {};
}

Status prepare_kernels(OpContext& op, ConvState* s) {
  const bool hybrid =
      s->results.hybrid &&
      pays_to_quantize(op.input(0).shape.elements(), op.output(0).shape.elements(), macs(op));
  const Tensor x = kernel_input(op.input(0), hybrid);
  if (!suits_kernels(op, x, s)) {
    CYGNET_TRY(request_unpacked(op, op.input(1), &s->unpacked));
    return request_quantized(op, op.input(0), x.shape[0], sizeof(int16_t), &s->results);
  }
  s->packed = true;
  s->results.hybrid = hybrid;
  base::Buffer unpacked;
  Tensor filter;
  CYGNET_TRY(x.type == Type::float32 ? unpack_real(op.input(1), 0, &unpacked, &filter)
                                     : unpack_constant(op.input(1), &unpacked, &filter));
  if (x.type == Type::float32) {
    CYGNET_TRY(prepare_winograd(op, s->geometry, x, filter, conv_bias(op), &s->winograd));
    if (s->winograd.used) return {};
  }
  CYGNET_TRY(prepare_conv_lines(op, s->geometry, x, filter, conv_bias(op), s->results, &s->lines));
  if (s->lines.used) return {};
  CYGNET_TRY(prepare_few_channels(op, s->geometry, x, filter, conv_bias(op), s->results, &s->few));
  if (s->few.used) return {};
  CYGNET_TRY(prepare_weights(op, filter, s));
  choose_tasks(op, filter, s);
  CYGNET_TRY(request_quantized(op, op.input(0), x.shape[0], 1, &s->results));
  const int element = type_bits(x.type) / 8;
  if (s->staging.needed())
    s->staging.flip = sign_flip(x);
  else
    s->flip = sign_flip(x);
  s->zero = static_cast<uint8_t*>(op.allocate(static_cast<size_t>(s->k * element)));
  if (s->zero == nullptr) return out_of_memory("padding", static_cast<size_t>(s->k * element));
  std::memset(s->zero, s->staging.pad_value ^ s->flip, static_cast<size_t>(s->k * element));
  if (s->staging.needed())
    CYGNET_TRY(
        op.request_scratch(static_cast<size_t>(s->staging.height(x.shape[1]) *
                                               s->staging.width(x.shape[2]) * x.shape[3] * element),
                           &s->staged));
  if (s->pointwise && !s->staging.needed() && !s->results.hybrid &&
      s->task_columns == filter.shape[0] / s->groups)
    op.promise_wanted();
  return s->pointwise ? Status() : prepare_offsets(op, x.shape[3], s);
}

// TFLite quantizes a hybrid operator's images symmetrically where all filters have one scale.
bool has_several_scales(const Quantization& q) {
  for (int i = 1; i < q.count; ++i)
    if (q.scales[i] != q.scales[0]) return true;
  return false;
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<ConvState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(ConvState));
  const auto activation = op.options<schema::Conv2DOptions>().fused_activation_function();
  const Tensor &x = op.input(0), &filter = op.input(1);
  CYGNET_TRY(geometry_of(op, &s->geometry));
  s->groups = x.shape[3] / filter.shape[3];
  s->results.asymmetric = s->groups != 1 || has_several_scales(filter.quantization);
  CYGNET_TRY(prepare_results(op, x, filter, activation, filter.shape[0],
                             x.type == Type::uint8 ? Scaling::tensor : Scaling::channels,
                             &s->results));
  return prepare_kernels(op, s);
}

// ---- Plain loops

// Sum over the taps of one output element, in the order of the reference: rows, columns, channels.
template <class X, class W, class Acc>
Acc dot(const ConvState& s, const X* x, const W* filter, int64_t oy, int64_t ox, int32_t c,
        int32_t depth, int32_t x_zero, int32_t w_zero) {
  const ConvGeometry& g = s.geometry;
  int32_t y_begin, y_end, x_begin, x_end;
  g.h.inside(oy, &y_begin, &y_end);
  g.w.inside(ox, &x_begin, &x_end);
  // Integers are summed in 64 bits, where no file can make them overflow, and wrap at the end.
  std::conditional_t<std::is_same_v<X, float>, float, int64_t> acc = 0;
  for (int32_t fy = y_begin; fy < y_end; ++fy)
    for (int32_t fx = x_begin; fx < x_end; ++fx) {
      const X* a = x + ((g.h.first(oy) + int64_t{fy} * g.h.dilation) * g.w.in + g.w.first(ox) +
                        int64_t{fx} * g.w.dilation) *
                           c;
      const W* b = filter + (int64_t{fy} * g.w.filter + fx) * depth;
      for (int32_t i = 0; i < depth; ++i) {
        if constexpr (std::is_same_v<X, float>)
          acc += a[i] * b[i];
        else
          acc += int64_t{a[i] - x_zero} * (b[i] - w_zero);
      }
    }
  return static_cast<Acc>(acc);
}

// Calls store(index, n·h·w·m element, channel, accumulator) for every output element.
template <class Types, class Bias, class Store>
void plain(OpContext& op, const ConvState& s, const Tensor& x, const Tensor& filter,
           const Bias* bias, Store store) {
  using X = typename Types::X;
  using W = typename Types::W;
  const int32_t c = x.shape[3], depth = filter.shape[3], channels = filter.shape[0];
  const int32_t per_group = channels / s.groups;
  const int64_t filter_size = filter.shape.elements(1, 4), image = x.shape.elements(1, 4);
  const bool quantized = !std::is_same_v<X, float>;
  const int32_t x_zero = quantized ? x.quantization.zero_point() : 0;
  const int32_t w_zero = std::is_same_v<W, uint8_t> ? filter.quantization.zero_point() : 0;
  op.parallel_for(int64_t{x.shape[0]} * s.geometry.h.out, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t batch = row / s.geometry.h.out, oy = row % s.geometry.h.out;
      for (int64_t ox = 0; ox < s.geometry.w.out; ++ox)
        for (int32_t m = 0; m < channels; ++m) {
          const X* base = x.as<X>() + batch * image + (m / per_group) * depth;
          const auto acc = dot<X, W, typename Types::Acc>(s, base, filter.as<W>() + m * filter_size,
                                                          oy, ox, c, depth, x_zero, w_zero);
          store((row * s.geometry.w.out + ox) * channels + m, m,
                bias == nullptr ? acc : add_bias(acc, bias[m]));
        }
    }
  });
}

void invoke_plain(OpContext& op, const ConvState& s) {
  run_plain(op, op.input(0), op.input(1), s.unpacked, conv_bias(op), op.input(0).shape[0],
            s.results,
            [&](auto types, const Tensor& x, const Tensor& filter, const auto* bias, auto store) {
              plain<decltype(types)>(op, s, x, filter, bias, store);
            });
}

Status invoke(OpContext& op) {
  const auto& s = op.state<ConvState>();
  if (s.winograd.used)
    invoke_winograd(op, s.geometry, s.winograd, op.input(0), s.results.real, &op.output(0));
  else if (s.lines.used)
    invoke_conv_lines(op, s.geometry, s.lines, s.results);
  else if (s.few.used)
    invoke_few_channels(op, s.geometry, s.few, s.results);
  else if (s.packed)
    invoke_products(op, s);
  else
    invoke_plain(op, s);
  return {};
}

}  // namespace

extern const OpDef kConv2d;
extern const OpDef kConv2d = {
    .name = "CONV_2D",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::CONV_2D),
    .max_version = 8,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::Conv2DOptions),
    .min_inputs = 2,
    .max_inputs = 3,
    .optional_inputs = 0b100,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs,
    .produces = true};

}  // namespace cygnet::ops
