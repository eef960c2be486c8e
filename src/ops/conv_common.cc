// SPDX-License-Identifier: Apache-2.0
#include "ops/conv_common.h"

#include <cstring>

#include "base/number.h"

namespace cygnet::ops {

Status check_conv_types(const FilterTypes& types, const Tensor& input, const Tensor& filter,
                        const Tensor* bias, const Tensor& output) {
  CYGNET_TRY(expect_same_type("input 0", input, "output 0", output));
  uint32_t filters = 0;
  Type bias_type = Type::int32;
  switch (input.type) {
    case Type::float32:
      filters = types.real;
      bias_type = Type::float32;
      break;
    case Type::int8:
      filters = types.int8;
      break;
    case Type::uint8:
      filters = type_set(Type::uint8);
      break;
    case Type::int16:
      filters = types.int16;
      if (bias != nullptr && bias->type == Type::int64) bias_type = Type::int64;
      break;
    default:
      return Status::error(Code::unsupported, "input 0: type %s is not supported",
                           type_name(input.type));
  }
  if ((filters & type_set(filter.type)) == 0)
    return Status::error(Code::unsupported,
                         "input 1: %s weights of %s activations are not supported",
                         type_name(filter.type), type_name(input.type));
  return bias == nullptr ? Status() : expect_type("input 2", *bias, {bias_type});
}

Status check_conv_quantization(const Tensor& input, const Tensor& filter, const Tensor* bias,
                               const Tensor& output, int32_t channels, int32_t axis) {
  if (bias != nullptr) CYGNET_TRY(expect_elements("input 2", *bias, channels));
  if (filter.type == Type::float32 || filter.type == Type::float16) return {};
  if (input.type != Type::float32) {
    CYGNET_TRY(expect_per_tensor("input 0", input));
    CYGNET_TRY(expect_per_tensor("output 0", output));
  }
  const Quantization& q = filter.quantization;
  if (q.count == 0) return bad_model("input 1: expected quantization parameters, got none");
  if (q.count > 1) {
    if (filter.type == Type::uint8)
      return bad_model("input 1: expected one scale for a UINT8 tensor, got %d", q.count);
    if (q.count != channels || q.axis != axis)
      return bad_model("input 1: expected one scale or %d along dimension %d, got %d along %d",
                       channels, axis, q.count, q.axis);
  }
  if (filter.type != Type::uint8)
    for (int i = 0; i < q.zero_point_count; ++i)
      if (q.zero_points[i] != 0)
        return bad_model("input 1: expected zero point 0, got %d", q.zero_point(i));
  if (input.type == Type::int16 &&
      (input.quantization.zero_point() != 0 || output.quantization.zero_point() != 0))
    return bad_model("INT16 activations: expected zero points 0, got %d and %d",
                     input.quantization.zero_point(), output.quantization.zero_point());
  return {};
}

size_t unpacked_bytes(const Tensor& filter) {
  if (!needs_unpacking(filter)) return 0;
  return static_cast<size_t>(filter.shape.elements()) * (filter.type == Type::float16 ? 4 : 1);
}

Tensor unpack_filter(const Tensor& filter, void* out) {
  Tensor t = filter;
  if (!needs_unpacking(filter)) return t;
  const int64_t n = filter.shape.elements();
  t.data = out;
  t.bytes = unpacked_bytes(filter);
  if (filter.type == Type::float16) {
    t.type = Type::float32;
    kernels().half_to_float(filter.as<uint16_t>(), n, t.as<float>());
  } else {
    t.type = Type::int8;
    unpack_small(filter.type, filter.data, 0, n, t.as<int8_t>());
  }
  return t;
}

Status unpack_constant(const Tensor& filter, base::Buffer* memory, Tensor* out) {
  const size_t bytes = unpacked_bytes(filter);
  if (bytes > 0 && !memory->resize(bytes)) return out_of_memory("filter", bytes);
  *out = unpack_filter(filter, memory->data());
  return {};
}

Status unpack_real(const Tensor& filter, int axis, base::Buffer* memory, Tensor* out) {
  base::Buffer codes;
  CYGNET_TRY(unpack_constant(filter, filter.type == Type::float16 ? memory : &codes, out));
  if (out->type == Type::float32) return {};
  const int64_t n = filter.shape.elements(), channels = filter.shape[axis],
                inner = filter.shape.elements(axis + 1, filter.shape.rank);
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  if (!memory->resize(bytes)) return out_of_memory("filter", bytes);
  const auto* from = out->as<int8_t>();
  auto* to = reinterpret_cast<float*>(memory->data());
  for (int64_t i = 0; i < n; i += inner) {
    const float scale = filter.quantization.scale(static_cast<int>(i / inner % channels));
    for (int64_t j = i; j < i + inner; ++j) to[j] = static_cast<float>(from[j]) * scale;
  }
  out->type = Type::float32;
  out->data = to;
  out->bytes = bytes;
  return {};
}

bool pays_to_quantize(int64_t inputs, int64_t outputs, int64_t products) {
  // Products that floats take the time for in which an input is quantized, or an output scaled.
  constexpr int64_t kOfInput = 16, kOfOutput = 26;
  // Of each input and output where GemmSplit, which takes less time, may multiply.
  constexpr int64_t kSplitOfInput = 48, kSplitOfOutput = 24;
  const int64_t cost = kOfInput * inputs + kOfOutput * outputs;
  const bool split = kernels().gemm_split != nullptr && products >= kSplitOfInput * inputs &&
                     products >= kSplitOfOutput * outputs;
  return products > (split ? cost + cost * 3 / 5 : cost);
}

Status keep_filter(OpContext& op, const Tensor& unpacked, const Tensor& filter,
                   const uint8_t** out) {
  if (!needs_unpacking(filter)) {
    *out = unpacked.as<uint8_t>();
    return {};
  }
  auto* kept = static_cast<uint8_t*>(op.allocate(unpacked.bytes));
  if (kept == nullptr) return out_of_memory("filter", unpacked.bytes);
  std::memcpy(kept, unpacked.data, unpacked.bytes);
  *out = kept;
  return {};
}

Status request_unpacked(OpContext& op, const Tensor& filter, int* handle) {
  return needs_unpacking(filter) ? op.request_scratch(unpacked_bytes(filter), handle) : Status();
}

Status prepare_results(OpContext& op, const Tensor& input, const Tensor& filter,
                       schema::ActivationFunctionType activation, int64_t channels, Scaling scaling,
                       ConvResults* results) {
  results->hybrid = is_hybrid(input, filter);
  if (input.type == Type::float32)
    CYGNET_TRY(activation_clamp(activation, &results->real));
  else
    CYGNET_TRY(quantized_activation_clamp(activation, op.output(0), &results->quantized));
  if (input.type == Type::float32 && !results->hybrid) return {};
  return make_channel_scales(op, input, filter, op.output(0), channels, scaling, &results->scales);
}

Status request_quantized(OpContext& op, const Tensor& input, int64_t units, size_t element,
                         ConvResults* results) {
  if (!results->hybrid) return {};
  CYGNET_TRY(
      op.request_scratch(static_cast<size_t>(input.shape.elements()) * element, &results->values));
  return op.request_scratch(static_cast<size_t>(units) * sizeof(DynamicQuant), &results->quants);
}

template <class T>
T* quantize_input(OpContext& op, const Tensor& input, int64_t units, const ConvResults& results) {
  constexpr int64_t kPiece = 1 << 14;  // elements of a task
  T* out = op.scratch<T>(results.values);
  auto* quants = op.scratch<DynamicQuant>(results.quants);
  const int64_t unit = units == 0 ? 0 : input.shape.elements() / units,
                pieces = (unit + kPiece - 1) / kPiece;
  op.parallel_for(units, [&](int64_t begin, int64_t end, int) {
    for (int64_t u = begin; u < end; ++u)
      quants[u] = choose_quant(input.as<float>() + u * unit, unit, results.asymmetric);
  });
  op.parallel_for(units * pieces, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t u = task / pieces, first = task % pieces * kPiece, at = u * unit + first;
      const int32_t offset = std::is_same_v<T, uint8_t> ? 128 : -quants[u].zero;
      quantize_floats(input.as<float>() + at, std::min(kPiece, unit - first), quants[u], offset,
                      out + at);
    }
  });
  return out;
}

template uint8_t* quantize_input(OpContext&, const Tensor&, int64_t, const ConvResults&);
template int16_t* quantize_input(OpContext&, const Tensor&, int64_t, const ConvResults&);
template float* quantize_input(OpContext&, const Tensor&, int64_t, const ConvResults&);

Status make_sums(OpContext& op, const ConvResults& results, const Tensor& filter, int64_t n,
                 int64_t depth, int32_t** sums) {
  if (!results.hybrid || !results.asymmetric) return {};
  *sums = static_cast<int32_t*>(op.allocate(static_cast<size_t>(n) * sizeof(int32_t)));
  if (*sums == nullptr) return out_of_memory("sums", static_cast<size_t>(n) * sizeof(int32_t));
  sum_weights(filter.as<int8_t>(), n, depth, *sums);
  return {};
}

Status make_channel_scales(OpContext& op, const Tensor& input, const Tensor& filter,
                           const Tensor& output, int64_t channels, Scaling scaling,
                           ChannelScales* scales) {
  const auto n = static_cast<size_t>(channels);
  scales->scales = static_cast<float*>(op.allocate(n * sizeof(float)));
  if (scales->scales == nullptr) return out_of_memory("channel scales", n * sizeof(float));
  if (input.type == Type::float32) {
    for (int i = 0; i < static_cast<int>(channels); ++i)
      scales->scales[i] = filter.quantization.scale(i);
    return {};
  }
  if (scaling == Scaling::real)
    scales->real = static_cast<double*>(op.allocate(n * sizeof(double)));
  else
    scales->multipliers = static_cast<Multiplier*>(op.allocate(n * sizeof(Multiplier)));
  if (scales->real == nullptr && scales->multipliers == nullptr)
    return out_of_memory("channel scales", n * sizeof(double));
  const float input_scale = input.quantization.scale();
  const double output_scale = static_cast<double>(output.quantization.scale());
  for (int i = 0; i < static_cast<int>(channels); ++i) {
    const float filter_scale = filter.quantization.scale(i);
    const double product =
        scaling == Scaling::tensor
            ? static_cast<double>(input_scale * filter_scale)
            : static_cast<double>(input_scale) * static_cast<double>(filter_scale);
    const double real = product / output_scale;
    Multiplier multiplier;
    CYGNET_TRY(quantize_multiplier(real, &multiplier));
    if (scaling == Scaling::real)
      scales->real[i] = real;
    else
      scales->multipliers[i] = multiplier;
    scales->scales[i] = static_cast<float>(real);
  }
  return {};
}

Status widen_bias(OpContext& op, const Tensor* bias, int64_t** out) {
  // Larger ones would saturate every result; with the sum of products these stay below 2^63.
  constexpr int64_t kMost = int64_t{1} << 60;
  if (bias == nullptr) return {};
  const int64_t n = bias->shape.elements();
  *out = static_cast<int64_t*>(op.allocate(static_cast<size_t>(n) * sizeof(int64_t)));
  if (*out == nullptr) return out_of_memory("bias", static_cast<size_t>(n) * sizeof(int64_t));
  for (int64_t i = 0; i < n; ++i)
    (*out)[i] = bias->type == Type::int64 ? std::clamp(bias->as<int64_t>()[i], -kMost, kMost)
                                          : bias->as<int32_t>()[i];
  return {};
}

namespace {

// One row of `w` pixels of `c` elements of `element` bytes, with the left and right padding.
void stage_row(const Staging& s, const uint8_t* row, int64_t w, int64_t c, int element,
               uint8_t* out) {
  const int64_t pixel_bytes = c * s.repeat * element;
  std::memset(out, s.pad_value, static_cast<size_t>(s.pad_left * pixel_bytes));
  out += s.pad_left * pixel_bytes;
  if (s.repeat == 1) {
    if (s.flip != 0)
      kernels().xor_copy(row, w * c, s.flip, out);
    else
      std::memcpy(out, row, static_cast<size_t>(w * pixel_bytes));
    out += w * pixel_bytes;
  } else {
    for (int64_t i = 0; i < w * c; ++i, row += element)
      for (int32_t k = 0; k < s.repeat; ++k, out += element) {
        if (element == 1)
          *out = *row ^ s.flip;
        else
          std::memcpy(out, row, static_cast<size_t>(element));
      }
  }
  std::memset(out, s.pad_value, static_cast<size_t>(s.pad_right * pixel_bytes));
}

}  // namespace

void stage_image(OpContext& op, const Staging& s, const void* image, int64_t h, int64_t w,
                 int64_t c, int element, void* out) {
  const int64_t in_row = w * c * element;
  const int64_t out_row = s.width(w) * c * s.repeat * element;
  op.parallel_for(s.height(h), [&](int64_t begin, int64_t end, int) {
    for (int64_t y = begin; y < end; ++y) {
      auto* to = static_cast<uint8_t*>(out) + y * out_row;
      const int64_t from = y - s.pad_top;
      if (from < 0 || from >= h)
        std::memset(to, s.pad_value, static_cast<size_t>(out_row));
      else
        stage_row(s, static_cast<const uint8_t*>(image) + from * in_row, w, c, element, to);
    }
  });
}

namespace {

// Offsets of the pixels under the window at (oy, ox), one for each tap.
void fill_window(const ConvGeometry& g, int64_t pixel, int64_t oy, int64_t ox, int32_t* at) {
  const int64_t y0 = g.h.first(oy), x0 = g.w.first(ox);
  for (int32_t fy = 0; fy < g.h.filter; ++fy) {
    const int64_t y = y0 + int64_t{fy} * g.h.dilation;
    const bool row_inside = y >= 0 && y < g.h.in;
    for (int32_t fx = 0; fx < g.w.filter; ++fx) {
      const int64_t x = x0 + int64_t{fx} * g.w.dilation;
      *at++ =
          row_inside && x >= 0 && x < g.w.in ? static_cast<int32_t>((y * g.w.in + x) * pixel) : -1;
    }
  }
}

// Offsets of `count` windows to the right of the one before `at`, `step` from one to the next. None
// has a tap beside the input; rows above and below it stay −1. Taps: their number where it is not
// 0.
template <int64_t Taps>
void continue_row(int64_t taps, int64_t count, int32_t step, int32_t* at) {
  if (Taps != 0) taps = Taps;
  for (int64_t i = 0; i < count; ++i, at += taps) {
    const int32_t* __restrict before = at - taps;
    int32_t* __restrict now = at;
    for (int64_t t = 0; t < taps; ++t) now[t] = before[t] + (step & ~(before[t] >> 31));
  }
}

}  // namespace

void fill_offsets(const ConvGeometry& g, int64_t pixel, int64_t begin, int64_t count, int32_t* at) {
  const int64_t taps = g.taps(), extent = int64_t{g.w.filter - 1} * g.w.dilation + 1;
  // Windows [inside, outside) of a row have no tap beside the input.
  const int64_t inside = (int64_t{g.w.pad} + g.w.stride - 1) / g.w.stride,
                room = int64_t{g.w.in} + g.w.pad - extent;
  const int64_t outside = room < 0 ? 0 : std::min<int64_t>(room / g.w.stride + 1, g.w.out);
  int64_t oy = begin / g.w.out, ox = begin % g.w.out;
  for (int64_t i = 0; i < count;) {
    int64_t run = 1;
    if (i > 0 && ox > inside && ox < outside) {
      run = std::min(count - i, outside - ox);
      const auto step = static_cast<int32_t>(g.w.stride * pixel);
      if (taps == 3)
        continue_row<3>(taps, run, step, at);
      else if (taps == 9)
        continue_row<9>(taps, run, step, at);
      else
        continue_row<0>(taps, run, step, at);
    } else {
      fill_window(g, pixel, oy, ox, at);
    }
    i += run;
    at += run * taps;
    ox += run;
    if (ox == g.w.out) ox = 0, ++oy;
  }
}

}  // namespace cygnet::ops
