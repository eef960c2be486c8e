// SPDX-License-Identifier: Apache-2.0
#include "ops/conv_common.h"

#include <cstring>

namespace cygnet::ops {

Status check_conv_types(const Tensor& input, const Tensor& filter, const Tensor* bias, const Tensor& output) {
  CYGNET_TRY(expect_same_type("input 0", input, "output 0", output));
  switch (input.type) {
    case Type::float32:
      if (filter.type == Type::int8 || filter.type == Type::int4)
        return Status::error(Code::unsupported, "input 1: float activations with %s weights are not supported",
                             type_name(filter.type));
      CYGNET_TRY(expect_type("input 1", filter, {Type::float32}));
      if (bias != nullptr) CYGNET_TRY(expect_type("input 2", *bias, {Type::float32}));
      return {};
    case Type::int8:
    case Type::uint8:
      if (filter.type == Type::int4)
        return Status::error(Code::unsupported, "input 1: INT4 weights are not supported");
      CYGNET_TRY(expect_same_type("input 0", input, "input 1", filter));
      if (bias != nullptr) CYGNET_TRY(expect_type("input 2", *bias, {Type::int32}));
      return {};
    case Type::int16:
      CYGNET_TRY(expect_type("input 1", filter, {Type::int8}));
      if (bias != nullptr && bias->type != Type::int32) CYGNET_TRY(expect_type("input 2", *bias, {Type::int64}));
      return {};
    default: return Status::error(Code::unsupported, "input 0: type %s is not supported", type_name(input.type));
  }
}

Status check_conv_quantization(const Tensor& input, const Tensor& filter, const Tensor* bias, const Tensor& output,
                               int32_t channels, int32_t axis) {
  if (bias != nullptr) CYGNET_TRY(expect_elements("input 2", *bias, channels));
  if (input.type == Type::float32) return {};
  CYGNET_TRY(expect_per_tensor("input 0", input));
  CYGNET_TRY(expect_per_tensor("output 0", output));
  const Quantization& q = filter.quantization;
  if (q.count == 0) return bad_model("input 1: expected quantization parameters, got none");
  if (q.count > 1) {
    if (filter.type == Type::uint8) return bad_model("input 1: expected one scale for a UINT8 tensor, got %d", q.count);
    if (q.count != channels || q.axis != axis)
      return bad_model("input 1: expected one scale or %d along dimension %d, got %d along %d", channels, axis, q.count, q.axis);
  }
  if (filter.type == Type::int8)
    for (int i = 0; i < q.zero_point_count; ++i)
      if (q.zero_points[i] != 0) return bad_model("input 1: expected zero point 0, got %d", q.zero_point(i));
  if (input.type == Type::int16 && (input.quantization.zero_point() != 0 || output.quantization.zero_point() != 0))
    return bad_model("INT16 activations: expected zero points 0, got %d and %d", input.quantization.zero_point(),
                     output.quantization.zero_point());
  return {};
}

Status make_channel_scales(OpContext& op, const Tensor& input, const Tensor& filter, const Tensor& output,
                           int64_t channels, bool float_product, ChannelScales* scales) {
  const auto n = static_cast<size_t>(channels);
  scales->multipliers = static_cast<Multiplier*>(op.allocate(n * sizeof(Multiplier)));
  scales->scales = static_cast<float*>(op.allocate(n * sizeof(float)));
  if (scales->multipliers == nullptr || scales->scales == nullptr) return out_of_memory("channel scales", n * 12);
  const float input_scale = input.quantization.scale();
  const double output_scale = static_cast<double>(output.quantization.scale());
  for (int i = 0; i < static_cast<int>(channels); ++i) {
    const float filter_scale = filter.quantization.scale(i);
    const double product = float_product ? static_cast<double>(input_scale * filter_scale)
                                         : static_cast<double>(input_scale) * static_cast<double>(filter_scale);
    const double real = product / output_scale;
    CYGNET_TRY(quantize_multiplier(real, &scales->multipliers[i]));
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
    (*out)[i] = bias->type == Type::int64 ? std::clamp(bias->as<int64_t>()[i], -kMost, kMost) : bias->as<int32_t>()[i];
  return {};
}

namespace {

// One row of `w` pixels of `c` elements of `element` bytes, with the left and right padding.
void stage_row(const Staging& s, const uint8_t* row, int64_t w, int64_t c, int element, uint8_t* out) {
  const int64_t pixel_bytes = c * s.repeat * element;
  std::memset(out, s.pad_value, static_cast<size_t>(s.pad_left * pixel_bytes));
  out += s.pad_left * pixel_bytes;
  if (s.repeat == 1) {
    if (s.flip != 0) kernels().xor_copy(row, w * c, s.flip, out);
    else std::memcpy(out, row, static_cast<size_t>(w * pixel_bytes));
    out += w * pixel_bytes;
  } else {
    for (int64_t i = 0; i < w * c; ++i, row += element)
      for (int32_t k = 0; k < s.repeat; ++k, out += element) {
        if (element == 1) *out = *row ^ s.flip;
        else std::memcpy(out, row, static_cast<size_t>(element));
      }
  }
  std::memset(out, s.pad_value, static_cast<size_t>(s.pad_right * pixel_bytes));
}

}  // namespace

void stage_image(OpContext& op, const Staging& s, const void* image, int64_t h, int64_t w, int64_t c, int element,
                 void* out) {
  const int64_t in_row = w * c * element;
  const int64_t out_row = s.width(w) * c * s.repeat * element;
  op.parallel_for(s.height(h), [&](int64_t begin, int64_t end, int) {
    for (int64_t y = begin; y < end; ++y) {
      auto* to = static_cast<uint8_t*>(out) + y * out_row;
      const int64_t from = y - s.pad_top;
      if (from < 0 || from >= h) std::memset(to, s.pad_value, static_cast<size_t>(out_row));
      else stage_row(s, static_cast<const uint8_t*>(image) + from * in_row, w, c, element, to);
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
      *at++ = row_inside && x >= 0 && x < g.w.in ? static_cast<int32_t>((y * g.w.in + x) * pixel) : -1;
    }
  }
}

}  // namespace

void fill_offsets(const ConvGeometry& g, int64_t pixel, int64_t begin, int64_t count, int32_t* at) {
  const int64_t taps = g.taps(), step = g.w.stride * pixel;
  int64_t oy = begin / g.w.out, ox = begin % g.w.out;
  bool inside = false;  // no tap of the window before lies beside the input
  for (int64_t i = 0; i < count; ++i, at += taps) {
    const int64_t x0 = g.w.first(ox);
    const bool still_inside = x0 >= 0 && x0 + int64_t{g.w.filter - 1} * g.w.dilation < g.w.in;
    if (inside && still_inside && ox > 0) {
      // One stride to the right of the window before; rows above and below the input stay −1.
      const int32_t* before = at - taps;
      const auto right = static_cast<int32_t>(step);
      for (int64_t t = 0; t < taps; ++t) at[t] = before[t] + (right & ~(before[t] >> 31));
    } else {
      fill_window(g, pixel, oy, ox, at);
    }
    inside = still_inside;
    if (++ox == g.w.out) ox = 0, ++oy;
  }
}

}  // namespace cygnet::ops
