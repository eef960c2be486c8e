// SPDX-License-Identifier: Apache-2.0
// What the convolution family shares: operand checks, scales of each output channel, and the copy
// of the input that kernels read.
#pragma once

#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "ops/activation.h"
#include "ops/check.h"
#include "ops/fixed_point.h"
#include "ops/window.h"

namespace cygnet::ops {

/// Output pixels that one call of a gemm or depthwise kernel gets.
inline constexpr int64_t kPixelsPerCall = 96;
/// Filters of more taps are left to the plain loops.
inline constexpr int64_t kMaxTaps = 4096;

/// Height and width of a convolution.
struct ConvGeometry {
  WindowDim h, w;
  int64_t taps() const { return int64_t{h.filter} * w.filter; }
  int64_t pixels() const { return int64_t{h.out} * w.out; }
};

/// Checks types of input, filter, bias and output: f32 throughout, or 8-bit with int32 bias, or
/// int16 activations with int8 filter and int32 or int64 bias. Hybrid and 4-bit: unsupported.
Status check_conv_types(const Tensor& input, const Tensor& filter, const Tensor* bias,
                        const Tensor& output);

/// Checks the quantization of input, filter (whole tensor, or one scale for each of `channels`
/// along `axis`) and output, and that the bias has `channels` elements. Nothing to check for f32
/// but the bias.
Status check_conv_quantization(const Tensor& input, const Tensor& filter, const Tensor* bias,
                               const Tensor& output, int32_t channels, int32_t axis);

/// Requantization of each output channel: input scale · filter scale / output scale.
struct ChannelScales {
  Multiplier* multipliers = nullptr;  ///< [channels]
  float* scales = nullptr;            ///< [channels]; null for f32
  const float* from(int64_t channel) const {
    return scales == nullptr ? nullptr : scales + channel;
  }
};

/// In prepare. `channels` scales, also where the filter has one for all. `float_product`: the two
/// input scales are multiplied in float, as TFLite does where it has one multiplier for the tensor.
Status make_channel_scales(OpContext& op, const Tensor& input, const Tensor& filter,
                           const Tensor& output, int64_t channels, bool float_product,
                           ChannelScales* scales);

/// In prepare: a constant int32 or int64 bias as int64, for int16 activations; null stays null.
Status widen_bias(OpContext& op, const Tensor* bias, int64_t** out);

/// acc + bias; integers wrap.
template <class Acc, class Bias>
Acc add_bias(Acc acc, Bias bias) {
  if constexpr (std::is_same_v<Acc, float>)
    return acc + bias;
  else
    return static_cast<Acc>(static_cast<uint64_t>(acc) + static_cast<uint64_t>(bias));
}

/// From an accumulator to a quantized element, in the reference's fixed-point arithmetic.
struct Requantize {
  const Multiplier* multipliers;  ///< of each output channel
  int32_t zero_point;
  Clamp<int32_t> clamp;
  bool round_once = false;  ///< FULLY_CONNECTED's arithmetic

  /// A function (element, channel, accumulator) that stores into `out`.
  template <class T>
  auto store(T* out) const {
    return [*this, out](int64_t at, int64_t channel, auto acc) {
      const Multiplier m = multipliers[channel];
      const int64_t scaled = int64_t{round_once ? apply_once(m, acc) : apply(m, acc)} + zero_point;
      out[at] = static_cast<T>(std::clamp<int64_t>(scaled, clamp.low, clamp.high));
    };
  }
};

/// The bytes of a bias as T's; null where it is absent.
template <class T>
const T* bias_of(const Tensor* bias) {
  return bias == nullptr ? nullptr : bias->as<T>();
}

/// Zero point of 8-bit activations in the unsigned domain of the kernels.
inline int32_t unsigned_zero_point(const Tensor& t) {
  return t.quantization.zero_point() + (t.type == Type::int8 ? 128 : 0);
}
/// Byte that turns 8-bit activations into the unsigned domain by xor.
inline uint8_t sign_flip(const Tensor& t) {
  return t.type == Type::int8 ? 0x80 : 0;
}
/// Whether kernels need a copy of 8-bit activations: signed ones, and constants, which may end
/// where the file ends (kRowSlackBytes).
inline bool needs_copy(const Tensor& t) {
  return t.type == Type::int8 || (t.type == Type::uint8 && t.constant);
}

/// Bytes of a matrix of weights in the form that the kernels for activations of `type` (f32 or 8
/// bits) read, and its making. `w` is its first element, of the filter's type; bias and scales are
/// those of its n columns, bias may be null.
size_t packed_weight_bytes(Type type, int64_t n, int64_t taps, int64_t k);
void pack_weights(const Tensor& input, const Tensor& filter, const void* w,
                  const WeightStrides& strides, const void* bias, const float* scales, int64_t n,
                  int64_t taps, int64_t k, void* out);

/// One matrix product with constant weights, whatever the layer's types.
struct LayerGemm {
  const void* a = nullptr;      ///< activations; 8 bits: unsigned
  const int32_t* at = nullptr;  ///< [m][taps] offsets; null: rows a_stride apart
  int64_t a_stride = 0;
  const void* zero = nullptr;  ///< a row of padding
  int64_t m = 0, n = 0, taps = 1, k = 0;
  const void* weights =
      nullptr;  ///< from pack_weights; int16 activations: [n][taps][k] as they are
  const int64_t* bias = nullptr;  ///< int16 activations only
  const float* scales = nullptr;  ///< int16 activations only
  void* out = nullptr;
  int64_t out_stride = 0;
  Clamp<float> real = {};
  Clamp<int32_t> quantized = {};
};
void run_gemm(const Tensor& filter, const Tensor& output, const LayerGemm& gemm);

/// Most products that the kernels for 8-bit activations add up without overflow (GemmQ8).
inline int64_t most_products(const Tensor& filter) {
  return filter.type == Type::uint8 ? 33'025 : 65'793;
}

/// A copy of one image [h, w, c] that kernels read instead of the input: bytes flipped into the
/// unsigned domain, channels repeated (depthwise multiplier), padding written out.
struct Staging {
  int32_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  int32_t repeat = 1;     ///< copies of each channel
  bool copy = false;      ///< even where nothing changes
  uint8_t flip = 0;       ///< 8-bit types only
  int32_t pad_value = 0;  ///< a byte for 8-bit types, else 0

  bool needed() const {
    return copy || (pad_top | pad_bottom | pad_left | pad_right | flip) != 0 || repeat != 1;
  }
  int64_t height(int64_t h) const { return h + pad_top + pad_bottom; }
  int64_t width(int64_t w) const { return w + pad_left + pad_right; }
};

/// Copies image rows; `element` is the size of an element in bytes.
void stage_image(OpContext& op, const Staging& staging, const void* image, int64_t h, int64_t w,
                 int64_t c, int element, void* out);

/// Offsets of the pixels under each output pixel's taps, for kernels: fills `at` with
/// `count`·taps element offsets for output pixels [begin, begin + count); −1 is padding.
/// `pixel` is the number of elements from one input pixel to the next.
void fill_offsets(const ConvGeometry& g, int64_t pixel, int64_t begin, int64_t count, int32_t* at);

}  // namespace cygnet::ops
