// SPDX-License-Identifier: Apache-2.0
#include "ops/transposed.h"

#include "base/memory.h"
#include "ops/transposed_sums.h"

namespace cygnet::ops {
namespace {

struct Transposed {
  ConvGeometry forward;  // the convolution whose transpose this is: from y to x
  ConvResults results;
  int row = -1;  // scratch of the plain loops: [threads][OW][M] sums

  // Kernels. Output position o has the phase (o + pad) mod stride; positions of one phase are a
  // plain convolution with every stride-th tap.
  bool packed = false;
  TransposedSums all_taps;            // where it is used, nothing that follows is
  int32_t merged = 1;                 // phases of a row that one product makes: all of them, or 1
  int64_t columns = 0;                // of a product: merged · M
  const uint8_t** weights = nullptr;  // [phases], packed; int16: [columns][taps][C]
  int64_t* bias64 = nullptr;          // [columns], int16 activations
  float* scales_each = nullptr;       // [columns], int16 activations and hybrid
  float* bias_each = nullptr;         // [columns], hybrid
  int32_t** sums = nullptr;           // [phases] of weights, [columns] each; hybrid
  uint8_t* zero = nullptr;            // row of padding; hybrid: one for each image
  int staged = -1, offsets = -1;      // scratch
};

constexpr FilterTypes kFilterTypes = {.real = type_set(Type::float32, Type::int8)};

}  // namespace

Status check_transposed(const OpContext& op, const TransposedOperands& in) {
  CYGNET_TRY(check_conv_types(kFilterTypes, in.x, in.filter, in.bias, op.output(0)));
  CYGNET_TRY(expect_rank("input", in.x, 4));
  CYGNET_TRY(expect_rank("filter", in.filter, 4));
  if (in.filter.shape[0] < 1 || in.filter.shape[3] < 1)
    return bad_model("filter: expected at least one channel, got %s",
                     shape_text(in.filter.shape).text);
  if (in.x.shape[3] != in.filter.shape[3])
    return bad_model("input: expected %d channels as the filter has, got %d", in.filter.shape[3],
                     in.x.shape[3]);
  return check_conv_quantization(in.x, in.filter, in.bias, op.output(0), in.filter.shape[0], 0);
}

Status transposed_geometry(const TransposedOperands& in, schema::Padding padding, int32_t stride_h,
                           int32_t stride_w, int32_t out_h, int32_t out_w, ConvGeometry* g) {
  if (out_h < 1 || out_w < 1)
    return bad_model("output shape: expected height and width >= 1, got %d x %d", out_h, out_w);
  g->h = {.in = out_h, .filter = in.filter.shape[1], .stride = stride_h};
  g->w = {.in = out_w, .filter = in.filter.shape[2], .stride = stride_w};
  CYGNET_TRY(resolve_window("height", padding, &g->h));
  CYGNET_TRY(resolve_window("width", padding, &g->w));
  if (g->h.out == in.x.shape[1] && g->w.out == in.x.shape[2]) return {};
  return bad_model("output shape: %d x %d needs an input of %d x %d, got %d x %d", out_h, out_w,
                   g->h.out, g->w.out, in.x.shape[1], in.x.shape[2]);
}

// ---- Prepare

namespace {

constexpr int32_t kMostPhases = 64;

// Copies the taps of a phase: w [columns][taps][C]; of merged phases those that have fewer taps
// than the first get more, of zeros.
void collect_taps(const TransposedOperands& in, const Transposed& s, int32_t phase_h,
                  int32_t phase_w, uint8_t* w) {
  const ConvGeometry& g = s.forward;
  const int64_t channels = in.filter.shape[0];
  const size_t bytes = in.filter.bytes / static_cast<size_t>(in.filter.shape.elements(0, 3));
  const int zero = in.filter.type == Type::uint8 ? in.filter.quantization.zero_point() : 0;
  const int32_t taps_w = phase_taps(g.w, phase_w);
  for (int64_t j = 0; j < s.columns; ++j)
    for (int32_t fy = phase_h; fy < g.h.filter; fy += g.h.stride)
      for (int32_t t = 0; t < taps_w; ++t, w += bytes) {
        const int64_t fx = phase_w + j / channels + int64_t{t} * g.w.stride,
                      pixel = (j % channels * g.h.filter + fy) * g.w.filter + fx;
        if (fx < g.w.filter)
          std::memcpy(w, in.filter.as<uint8_t>() + static_cast<size_t>(pixel) * bytes, bytes);
        else
          std::memset(w, zero, bytes);
      }
}

// The columns' bias and scales, repeated for merged phases.
struct ColumnValues {
  base::Buffer bias, scales;
};
Status repeat_channels(const TransposedOperands& in, const Transposed& s, ColumnValues* values) {
  const auto channels = static_cast<size_t>(in.filter.shape[0]), n = static_cast<size_t>(s.columns);
  const auto repeat = [&](const void* from, base::Buffer* to) -> Status {
    if (from == nullptr) return {};
    if (!to->resize(n * 4)) return out_of_memory("channel values", n * 4);
    for (size_t j = 0; j < n; j += channels) std::memcpy(to->data() + j * 4, from, channels * 4);
    return {};
  };
  CYGNET_TRY(repeat(s.results.scales.scales, &values->scales));
  return in.x.type == Type::int16
             ? Status()
             : repeat(in.bias == nullptr ? nullptr : in.bias->data, &values->bias);
}

Status pack_phase(OpContext& op, const TransposedOperands& in, const Transposed& s, int32_t phase_h,
                  int32_t phase_w, const ColumnValues& values, int32_t phase) {
  const int64_t c = in.filter.shape[3],
                taps = int64_t{phase_taps(s.forward.h, phase_h)} * phase_taps(s.forward.w, phase_w);
  const size_t plain_bytes =
      static_cast<size_t>(s.columns * taps * c) * (in.filter.type == Type::float32 ? 4 : 1);
  if (in.x.type == Type::int16) {
    auto* kept = static_cast<uint8_t*>(op.allocate(plain_bytes));
    if (kept == nullptr) return out_of_memory("packed weights", plain_bytes);
    collect_taps(in, s, phase_h, phase_w, kept);
    s.weights[phase] = kept;
    return {};
  }
  base::Buffer plain;
  if (!plain.resize(plain_bytes)) return out_of_memory("filter", plain_bytes);
  collect_taps(in, s, phase_h, phase_w, plain.data());
  Tensor taken = in.filter;
  taken.data = plain.data();
  taken.bytes = plain_bytes;
  CYGNET_TRY(share_weights(op,
                           {.source = taken,
                            .input = in.x,
                            .filter = taken,
                            .bias = in.bias == nullptr ? nullptr : values.bias.data(),
                            .scales = reinterpret_cast<const float*>(values.scales.data()),
                            .n = s.columns,
                            .taps = taps,
                            .k = c},
                           &s.weights[phase]));
  if (!s.results.hybrid) return {};
  return make_sums(op, s.results, taken, s.columns, taps * c, &s.sums[phase]);
}

// A copy of the columns' values that lives on.
Status keep_values(OpContext& op, const base::Buffer& values, float** out) {
  if (values.bytes() == 0) return {};
  *out = static_cast<float*>(op.allocate(values.bytes()));
  if (*out == nullptr) return out_of_memory("channel values", values.bytes());
  std::memcpy(*out, values.data(), values.bytes());
  return {};
}

// int16 activations: the bias as the kernel reads it.
Status widen_columns(OpContext& op, const TransposedOperands& in, Transposed* s) {
  const auto n = static_cast<size_t>(s->columns),
             channels = static_cast<size_t>(in.filter.shape[0]);
  if (in.bias == nullptr) return {};
  int64_t* bias = nullptr;
  CYGNET_TRY(widen_bias(op, in.bias, &bias));
  s->bias64 = static_cast<int64_t*>(op.allocate(n * sizeof(int64_t)));
  if (s->bias64 == nullptr) return out_of_memory("bias", n * sizeof(int64_t));
  for (size_t j = 0; j < n; ++j) s->bias64[j] = bias[j % channels];
  return {};
}

// Whether kernels can do it.
bool suits_kernels(const OpContext& op, const TransposedOperands& in, const Transposed& s) {
  const ConvGeometry& g = s.forward;
  if (op.reference() || !in.filter.constant || (in.bias != nullptr && !in.bias->constant))
    return false;
  const int64_t taps = int64_t{phase_taps(g.h, 0)} * phase_taps(g.w, 0);
  return int64_t{g.h.stride} * g.w.stride <= kMostPhases && taps <= kMaxTaps &&
         (in.filter.type == Type::float32 || in.x.type == Type::int16 ||
          taps * in.x.shape[3] <= most_products(in.filter));
}

// Whether one product makes all phases of a row: where none gets taps of zeros, or few do and the
// columns of one phase would leave vectors empty.
bool merges(const WindowDim& w, int32_t channels) {
  constexpr int32_t kFewChannels = 32;
  if (w.pad != 0 || int64_t{w.out} * w.stride != w.in) return false;
  const int64_t all = int64_t{phase_taps(w, 0)} * w.stride;
  return w.filter == w.stride || (channels < kFewChannels && 4 * int64_t{w.filter} >= 3 * all);
}

Status prepare_kernels(OpContext& op, const TransposedOperands& in, Transposed* s) {
  const WindowDim &h = s->forward.h, &w = s->forward.w;
  s->packed = true;
  CYGNET_TRY(prepare_transposed_sums(op, in, s->forward, &s->all_taps));
  if (s->all_taps.used) return {};
  if (merges(w, in.filter.shape[0])) s->merged = w.stride;
  s->columns = int64_t{s->merged} * in.filter.shape[0];
  ColumnValues values;
  CYGNET_TRY(repeat_channels(in, *s, &values));
  const int32_t across = w.stride / s->merged;
  const auto phases = static_cast<size_t>(h.stride * across);
  s->weights = static_cast<const uint8_t**>(op.allocate(phases * sizeof(uint8_t*)));
  s->sums = static_cast<int32_t**>(op.allocate(phases * sizeof(int32_t*)));
  if (s->weights == nullptr || s->sums == nullptr)
    return out_of_memory("phases", 2 * phases * sizeof(uint8_t*));
  for (int32_t phase_h = 0; phase_h < h.stride; ++phase_h)
    for (int32_t phase_w = 0; phase_w < across; ++phase_w)
      CYGNET_TRY(pack_phase(op, in, *s, phase_h, phase_w, values, phase_h * across + phase_w));
  if (in.x.type == Type::int16 || s->results.hybrid)
    CYGNET_TRY(keep_values(op, values.scales, &s->scales_each));
  if (in.x.type == Type::int16) CYGNET_TRY(widen_columns(op, in, s));
  if (s->results.hybrid) CYGNET_TRY(keep_values(op, values.bias, &s->bias_each));
  CYGNET_TRY(request_quantized(op, in.x, in.x.shape[0], 1, &s->results));
  const Tensor x = kernel_input(in.x, s->results.hybrid);
  const auto row_bytes = static_cast<size_t>(x.shape[3] * type_bits(x.type) / 8),
             rows = static_cast<size_t>(s->results.hybrid ? x.shape[0] : 1);
  s->zero = static_cast<uint8_t*>(op.allocate(rows * row_bytes));
  if (s->zero == nullptr) return out_of_memory("padding", rows * row_bytes);
  if (type_bits(x.type) == 8) std::memset(s->zero, unsigned_zero_point(x), row_bytes);
  if (sign_flip(x) != 0 || ends_with_file(x)) CYGNET_TRY(op.request_scratch(x.bytes, &s->staged));
  const int64_t most_taps = int64_t{phase_taps(h, 0)} * phase_taps(w, 0);
  return op.request_scratch(
      static_cast<size_t>(op.threads() * kPixelsPerCall * most_taps) * sizeof(int32_t),
      &s->offsets);
}

}  // namespace

Status prepare_transposed(OpContext& op, const TransposedOperands& in, const ConvGeometry& g,
                          schema::ActivationFunctionType activation) {
  auto* s = op.make_state<Transposed>();
  if (s == nullptr) return out_of_memory("operator", sizeof(Transposed));
  s->forward = g;
  const Tensor& y = op.output(0);
  s->results.asymmetric = true;
  CYGNET_TRY(prepare_results(op, in.x, in.filter, activation, in.filter.shape[0],
                             in.x.type == Type::uint8 ? Scaling::tensor : Scaling::channels,
                             &s->results));
  if (suits_kernels(op, in, *s)) {
    s->results.hybrid =
        s->results.hybrid &&
        pays_to_quantize(in.x.shape.elements(), y.shape.elements(), transposed_macs(in));
    base::Buffer memory;
    Tensor filter = in.filter;
    if (in.x.type == Type::float32 && !s->results.hybrid)
      CYGNET_TRY(unpack_real(in.filter, 0, &memory, &filter));
    return prepare_kernels(op, {in.x, filter, in.bias}, s);
  }
  CYGNET_TRY(request_quantized(op, in.x, in.x.shape[0], sizeof(int16_t), &s->results));
  return op.request_scratch(
      static_cast<size_t>(int64_t{op.threads()} * y.shape[2] * y.shape[3]) * sizeof(int64_t),
      &s->row);
}

namespace {

// ---- Plain loops

// Calls add(iy, fy) for every input row and filter row that reach output row oy.
template <class Add>
void each_source_row(const WindowDim& d, int64_t oy, Add add) {
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

template <class Types, class Bias, class Store>
void plain(OpContext& op, const Transposed& s, const Tensor& x, const Tensor& filter,
           const Bias* bias, Store store) {
  using X = typename Types::X;
  using W = typename Types::W;
  using Acc = typename Types::Acc;
  constexpr bool kReal = std::is_same_v<X, float>;
  const Tensor& y = op.output(0);
  const int64_t c = x.shape[3], m = y.shape[3], row_sums = y.shape[2] * m;
  const int32_t x_zero = kReal ? 0 : x.quantization.zero_point();
  const int32_t w_zero = std::is_same_v<W, uint8_t> ? filter.quantization.zero_point() : 0;
  op.parallel_for(int64_t{y.shape[0]} * y.shape[1], [&](int64_t begin, int64_t end, int thread) {
    Acc* sums = reinterpret_cast<Acc*>(op.scratch<int64_t>(s.row) + thread * row_sums);
    for (int64_t row = begin; row < end; ++row) {
      std::fill(sums, sums + row_sums, Acc{0});
      each_source_row(s.forward.h, row % y.shape[1], [&](int64_t iy, int32_t fy) {
        const X* image = x.as<X>() + (row / y.shape[1] * x.shape[1] + iy) * x.shape[2] * c;
        for (int32_t fx = 0; fx < s.forward.w.filter; ++fx) {
          int64_t from, to;
          source_columns(s.forward.w, fx, &from, &to);
          for (int64_t ix = from; ix < to; ++ix)
            for (int64_t j = 0; j < m; ++j) {
              const W* weights =
                  filter.as<W>() + ((j * s.forward.h.filter + fy) * s.forward.w.filter + fx) * c;
              std::conditional_t<kReal, float, int64_t> acc = 0;
              for (int64_t i = 0; i < c; ++i) {
                if constexpr (kReal)
                  acc += image[ix * c + i] * weights[i];
                else
                  acc += int64_t{image[ix * c + i] - x_zero} * (weights[i] - w_zero);
              }
              Acc& sum = sums[(ix * s.forward.w.stride + fx - s.forward.w.pad) * m + j];
              sum = add_bias(sum, static_cast<Acc>(acc));
            }
        }
      });
      for (int64_t i = 0; i < row_sums; ++i)
        store(row * row_sums + i, i % m,
              bias == nullptr ? sums[i] : add_bias(sums[i], bias[i % m]));
    }
  });
}

void invoke_plain(OpContext& op, const TransposedOperands& in, const Transposed& s) {
  run_plain(op, in.x, in.filter, -1, in.bias, in.x.shape[0], s.results,
            [&](auto types, const Tensor& x, const Tensor& filter, const auto* bias, auto store) {
              plain<decltype(types)>(op, s, x, filter, bias, store);
            });
}

// ---- Kernels

// Where one output row's sources are.
struct SourceRow {
  int64_t first;  // input row of the phase's first tap; the others lie above it
  int32_t taps_h;
};

// Whether `count` pixels of a phase have one tap, in the input columns x, x + 1, ...
bool is_run(const TransposedOperands& in, const SourceRow& row, int32_t taps_w, int64_t x,
            int64_t count) {
  return row.taps_h == 1 && taps_w == 1 && row.first < in.x.shape[1] && x + count <= in.x.shape[2];
}

// Offsets for `count` pixels of a phase whose first tap reads column `x`, x + 1, ...
void fill_phase_offsets(const TransposedOperands& in, const SourceRow& row, int32_t taps_w,
                        int64_t x, int64_t count, int32_t* at) {
  const int64_t h = in.x.shape[1], w = in.x.shape[2], c = in.x.shape[3];
  for (int64_t i = 0; i < count; ++i)
    for (int32_t ty = 0; ty < row.taps_h; ++ty)
      for (int32_t tx = 0; tx < taps_w; ++tx) {
        const int64_t y = row.first - ty, column = x + i - tx;
        const bool inside = y >= 0 && y < h && column >= 0 && column < w;
        *at++ = inside ? static_cast<int32_t>((y * w + column) * c) : -1;
      }
}

// An image and the row of the output that is wanted of it.
struct OutputRow {
  const uint8_t* image;
  uint8_t* out;
  int64_t y;
  const uint8_t* zero;
  const DynamicQuant* quant;  // hybrid
};

void run_row(OpContext& op, const TransposedOperands& in, const Transposed& s,
             const OutputRow& target, int32_t* at) {
  const WindowDim &h = s.forward.h, &w = s.forward.w;
  const Tensor& y = op.output(0);
  const int64_t channels = in.filter.shape[0], c = in.x.shape[3];
  const int element = s.results.hybrid ? 1 : type_bits(in.x.type) / 8;
  const auto phase_h = static_cast<int32_t>((target.y + h.pad) % h.stride);
  const SourceRow row = {(target.y + h.pad) / h.stride, phase_taps(h, phase_h)};
  const int32_t across = w.stride / s.merged;
  for (int32_t phase_w = 0; phase_w < across; ++phase_w) {
    const int32_t taps_w = phase_taps(w, phase_w), phase = phase_h * across + phase_w;
    // Output position of the phase's first pixel.
    const int64_t first = (phase_w - w.pad % w.stride + w.stride) % w.stride;
    const int64_t pixels = first >= w.in ? 0 : (w.in - first - 1) / w.stride + 1;
    for (int64_t i = 0; i < pixels; i += kPixelsPerCall) {
      const int64_t count = std::min(kPixelsPerCall, pixels - i), ox = first + i * w.stride;
      const int64_t x = (ox + w.pad) / w.stride;
      const bool run = is_run(in, row, taps_w, x, count);
      if (!run) fill_phase_offsets(in, row, taps_w, x, count, at);
      run_gemm(
          in.filter, y,
          {.a = run ? target.image + (row.first * in.x.shape[2] + x) * c * element : target.image,
           .at = run ? nullptr : at,
           .a_stride = c,
           .zero = target.zero,
           .m = count,
           .n = s.columns,
           .taps = int64_t{row.taps_h} * taps_w,
           .k = c,
           .weights = s.weights[phase],
           .bias = s.bias64,
           .scales = s.scales_each,
           .out = target.out + ox * channels * (type_bits(y.type) / 8),
           .out_stride = w.stride * channels,
           .real = s.results.real,
           .quantized = s.results.quantized,
           .quants = target.quant,
           .columns = {.scales = s.scales_each,
                       .bias = s.bias_each,
                       .sums = s.sums[phase],
                       .clamp = s.results.real}});
    }
  }
}

// The input as the kernels read it; of a hybrid operator the padding, too.
const uint8_t* stage_input(OpContext& op, const TransposedOperands& in, const Transposed& s) {
  if (s.results.hybrid) {
    const auto* values = quantize_input<uint8_t>(op, in.x, in.x.shape[0], s.results);
    const auto* quants = op.scratch<DynamicQuant>(s.results.quants);
    const int64_t c = in.x.shape[3];
    for (int32_t n = 0; n < in.x.shape[0]; ++n)
      std::memset(s.zero + n * c, 128 + quants[n].zero, static_cast<size_t>(c));
    return values;
  }
  if (s.staged < 0) return in.x.as<uint8_t>();
  auto* staged = op.scratch<uint8_t>(s.staged);
  kernels().xor_copy(in.x.as<uint8_t>(), static_cast<int64_t>(in.x.bytes), sign_flip(in.x), staged);
  return staged;
}

void invoke_kernels(OpContext& op, const TransposedOperands& in, const Transposed& s) {
  const Tensor& y = op.output(0);
  const bool hybrid = s.results.hybrid;
  const int element = hybrid ? 1 : type_bits(in.x.type) / 8;
  const int64_t image_bytes = in.x.shape.elements(1, 4) * element,
                row_bytes = y.shape.elements(2, 4) * (type_bits(y.type) / 8);
  const uint8_t* x = stage_input(op, in, s);
  const DynamicQuant* quants = hybrid ? op.scratch<DynamicQuant>(s.results.quants) : nullptr;
  const int64_t most_taps = int64_t{phase_taps(s.forward.h, 0)} * phase_taps(s.forward.w, 0);
  op.parallel_for(int64_t{y.shape[0]} * y.shape[1], [&](int64_t begin, int64_t end, int thread) {
    int32_t* at = op.scratch<int32_t>(s.offsets) + thread * kPixelsPerCall * most_taps;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = row / y.shape[1];
      run_row(op, in, s,
              {.image = x + n * image_bytes,
               .out = op.output(0).as<uint8_t>() + row * row_bytes,
               .y = row % y.shape[1],
               .zero = hybrid ? s.zero + n * in.x.shape[3] : s.zero,
               .quant = hybrid ? quants + n : nullptr},
              at);
    }
  });
}

}  // namespace

Status invoke_transposed(OpContext& op, const TransposedOperands& in) {
  const auto& s = op.state<Transposed>();
  if (s.all_taps.used)
    invoke_transposed_sums(op, in, s.forward, s.all_taps, s.results.real);
  else if (s.packed)
    invoke_kernels(op, in, s);
  else
    invoke_plain(op, in, s);
  return {};
}

int64_t transposed_macs(const TransposedOperands& in) {
  int64_t product = in.x.shape.elements();
  if (__builtin_mul_overflow(product, in.filter.shape.elements(0, 3), &product)) return INT64_MAX;
  return product;
}
}  // namespace cygnet::ops
