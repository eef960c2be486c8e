// SPDX-License-Identifier: Apache-2.0
// What the convolution family shares: operand checks, scales of each output channel, and the copy
// of the input that kernels read.
#pragma once

#include "base/memory.h"
#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "ops/activation.h"
#include "ops/check.h"
#include "ops/fixed_point.h"
#include "ops/hybrid.h"
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

/// A set of types, one bit for each.
template <class... Types>
constexpr uint32_t type_set(Types... types) {
  return (0u | ... | (1u << static_cast<uint32_t>(types)));
}

/// The filter types that an operator has for activations of each type; UINT8 has UINT8.
struct FilterTypes {
  uint32_t real = type_set(Type::float32);
  uint32_t int8 = type_set(Type::int8);
  uint32_t int16 = type_set(Type::int8);
};

/// Checks types of input, filter, bias and output. The bias is f32 with float activations, int32
/// with 8-bit ones, int32 or int64 with INT16.
Status check_conv_types(const FilterTypes& types, const Tensor& input, const Tensor& filter,
                        const Tensor* bias, const Tensor& output);

/// Checks the quantization of input, filter (whole tensor, or one scale for each of `channels`
/// along `axis`) and output, and that the bias has `channels` elements. Nothing to check for f32
/// but the bias, for hybrid operators nothing but the bias and the filter.
Status check_conv_quantization(const Tensor& input, const Tensor& filter, const Tensor* bias,
                               const Tensor& output, int32_t channels, int32_t axis);

/// Whether the activations are quantized while running.
inline bool is_hybrid(const Tensor& input, const Tensor& filter) {
  return input.type == Type::float32 && filter.type != Type::float32 &&
         filter.type != Type::float16;
}

/// Whether a filter's elements must be unpacked (INT4, INT2) or widened (FLOAT16).
inline bool needs_unpacking(const Tensor& filter) {
  return type_bits(filter.type) < 8 || filter.type == Type::float16;
}
/// Bytes of the unpacked filter; 0 where it needs no unpacking.
size_t unpacked_bytes(const Tensor& filter);
/// The filter as the arithmetic reads it, int8 or float32, its elements written to `out`, which
/// has unpacked_bytes; the filter itself where it needs no unpacking.
Tensor unpack_filter(const Tensor& filter, void* out);
/// In prepare: the same of a constant; `memory` holds the elements.
Status unpack_constant(const Tensor& filter, base::Buffer* memory, Tensor* out);
/// In prepare: the same, but a quantized filter's elements as the floats that they stand for; its
/// zero points are 0 and its scales, where there are several, run along `axis`.
Status unpack_real(const Tensor& filter, int axis, base::Buffer* memory, Tensor* out);
/// Whether kernels are faster with the activations of a hybrid operator quantized while running
/// than with its weights as floats: whether there are enough products for each element that must
/// be quantized and for each that is made of the sums.
bool pays_to_quantize(int64_t inputs, int64_t outputs, int64_t products);
/// In prepare, for kernels that read weights as they are: a filter that unpack_constant gave, its
/// elements kept beyond prepare.
Status keep_filter(OpContext& op, const Tensor& unpacked, const Tensor& filter,
                   const uint8_t** out);
/// In prepare, for the plain loops: scratch that the filter is unpacked to in each run.
Status request_unpacked(OpContext& op, const Tensor& filter, int* handle);

/// How an operator's reference scales its sums.
enum class Scaling : uint8_t {
  channels,  ///< in fixed point
  tensor,    ///< in fixed point, the two input scales multiplied in float: where TFLite has one
             ///< multiplier for the tensor
  real       ///< in double: FULLY_CONNECTED
};

/// Requantization of each output channel: input scale · filter scale / output scale.
struct ChannelScales {
  Multiplier* multipliers = nullptr;  ///< [channels]; null with Scaling::real
  double* real = nullptr;             ///< [channels] with Scaling::real
  float* scales = nullptr;            ///< [channels]; null for f32
  const float* from(int64_t channel) const {
    return scales == nullptr ? nullptr : scales + channel;
  }
};

/// In prepare. `channels` scales, also where the filter has one for all; of hybrid operators those
/// of the filter.
Status make_channel_scales(OpContext& op, const Tensor& input, const Tensor& filter,
                           const Tensor& output, int64_t channels, Scaling scaling,
                           ChannelScales* scales);

/// How an operator makes results of its sums.
struct ConvResults {
  Clamp<float> real;
  Clamp<int32_t> quantized;
  ChannelScales scales;
  bool hybrid = false;      ///< activations are quantized while running
  bool asymmetric = false;  ///< hybrid
  int values = -1;          ///< scratch: the quantized input
  int quants = -1;          ///< scratch: DynamicQuant of each of its units
};

/// In prepare: activation and scales.
Status prepare_results(OpContext& op, const Tensor& input, const Tensor& filter,
                       schema::ActivationFunctionType activation, int64_t channels, Scaling scaling,
                       ConvResults* results);

/// In prepare: scratch for a hybrid operator's input of `units` units, `element` bytes each
/// element.
Status request_quantized(OpContext& op, const Tensor& input, int64_t units, size_t element,
                         ConvResults* results);

/// In invoke: quantizes the input's `units` units, as T (see quantize_floats); the elements. The
/// units' DynamicQuants lie in results.quants.
template <class T>
T* quantize_input(OpContext& op, const Tensor& input, int64_t units, const ConvResults& results);
extern template uint8_t* quantize_input(OpContext&, const Tensor&, int64_t, const ConvResults&);
extern template int16_t* quantize_input(OpContext&, const Tensor&, int64_t, const ConvResults&);
extern template float* quantize_input(OpContext&, const Tensor&, int64_t, const ConvResults&);

/// In prepare: Σ of each of n columns of `depth` weights; null (and no error) where all zeros of
/// the activations will be 0.
Status make_sums(OpContext& op, const ConvResults& results, const Tensor& filter, int64_t n,
                 int64_t depth, int32_t** sums);

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

/// acc · scale, halves away from zero; saturates.
inline int32_t scale_real(int64_t acc, double scale) {
  const double x = std::round(static_cast<double>(acc) * scale);
  return static_cast<int32_t>(std::clamp(x, -2147483648.0, 2147483647.0));
}

/// From an accumulator to a quantized element, in the reference's arithmetic.
struct Requantize {
  ChannelScales scales;
  int32_t zero_point;
  Clamp<int32_t> clamp;

  /// A function (element, channel, accumulator) that stores into `out`.
  template <class T>
  auto store(T* out) const {
    return [*this, out](int64_t at, int64_t channel, auto acc) {
      const int64_t scaled =
          int64_t{scales.real != nullptr ? scale_real(acc, scales.real[channel])
                                         : apply(scales.multipliers[channel], acc)} +
          zero_point;
      out[at] = static_cast<T>(std::clamp<int64_t>(scaled, clamp.low, clamp.high));
    };
  }
};

/// The bytes of a bias as T's; null where it is absent.
template <class T>
const T* bias_of(const Tensor* bias) {
  return bias == nullptr ? nullptr : bias->as<T>();
}

/// Types of a plain loop: activations, weights, accumulator.
template <class X_, class W_, class Acc_>
struct LoopTypes {
  using X = X_;
  using W = W_;
  using Acc = Acc_;
};

/// For the plain loops: calls loop(LoopTypes, x, filter, bias, store) with the input as the loop
/// reads it (INT16 in a hybrid operator), the filter unpacked, the bias as its elements or null,
/// and store(element, channel, sum with bias). `units`: how many parts of the input have a
/// quantization of their own in a hybrid operator.
template <class Loop>
void run_plain(OpContext& op, Tensor x, const Tensor& packed_filter, int unpacked,
               const Tensor* bias, int64_t units, const ConvResults& results, Loop loop) {
  Tensor& y = op.output(0);
  const Tensor filter =
      unpack_filter(packed_filter, unpacked < 0 ? nullptr : op.scratch<void>(unpacked));
  const Requantize r{results.scales, y.quantization.count > 0 ? y.quantization.zero_point() : 0,
                     results.quantized};
  if (results.hybrid) {
    if (units == 0 || y.shape.elements() == 0) return;
    x.data = quantize_input<int16_t>(op, x, units, results);
    x.type = Type::int16;
    x.quantization = {};
    const auto* quants = op.scratch<DynamicQuant>(results.quants);
    const float* real_bias = bias_of<float>(bias);
    const int64_t unit = y.shape.elements() / units;
    auto* out = y.as<float>();
    return loop(
        LoopTypes<int16_t, int8_t, int64_t>(), x, filter, static_cast<const int64_t*>(nullptr),
        [=, &results](int64_t at, int64_t channel, int64_t acc) {
          const float scaled =
              static_cast<float>(acc) * (quants[at / unit].scale * results.scales.scales[channel]);
          out[at] = results.real(real_bias == nullptr ? scaled : scaled + real_bias[channel]);
        });
  }
  switch (x.type) {
    case Type::float32: {
      auto* out = y.as<float>();
      return loop(LoopTypes<float, float, float>(), x, filter, bias_of<float>(bias),
                  [=, &results](int64_t at, int64_t, float acc) { out[at] = results.real(acc); });
    }
    case Type::int8:
      return loop(LoopTypes<int8_t, int8_t, int32_t>(), x, filter, bias_of<int32_t>(bias),
                  r.store(y.as<int8_t>()));
    case Type::uint8:
      return loop(LoopTypes<uint8_t, uint8_t, int32_t>(), x, filter, bias_of<int32_t>(bias),
                  r.store(y.as<uint8_t>()));
    default:
      if (bias != nullptr && bias->type == Type::int32)
        return loop(LoopTypes<int16_t, int8_t, int32_t>(), x, filter, bias_of<int32_t>(bias),
                    r.store(y.as<int16_t>()));
      return loop(LoopTypes<int16_t, int8_t, int64_t>(), x, filter, bias_of<int64_t>(bias),
                  r.store(y.as<int16_t>()));
  }
}

/// The input as kernels see it: a hybrid operator's is in the unsigned domain already.
inline Tensor kernel_input(Tensor input, bool hybrid) {
  if (!hybrid) return input;
  input.type = Type::uint8;
  input.constant = false;
  input.quantization = {};
  return input;
}

/// Zero point of 8-bit activations in the unsigned domain of the kernels.
inline int32_t unsigned_zero_point(const Tensor& t) {
  return t.quantization.zero_point() + (t.type == Type::int8 ? 128 : 0);
}
/// Byte that turns 8-bit activations into the unsigned domain by xor.
inline uint8_t sign_flip(const Tensor& t) {
  return t.type == Type::int8 ? 0x80 : 0;
}
/// Whether 8-bit activations may end where the file ends, so that kernels, which read on
/// (kRowSlackBytes), need a copy.
inline bool ends_with_file(const Tensor& t) {
  return t.constant && type_bits(t.type) == 8;
}

/// How a layer with constant weights multiplies.
struct Product {
  bool split = false;  ///< f32 by GemmSplit
  size_t bytes = 0;    ///< of each thread's scratch; may be none
  int scratch = -1;
};
/// In prepare: chooses the kernel for m rows of `taps` taps of k inputs and n columns, and requests
/// its scratch. `filter` is unpacked.
Status prepare_product(OpContext& op, const Tensor& input, const Tensor& filter, int64_t m,
                       int64_t n, int64_t taps, int64_t k, Product* product);

/// Bytes of a matrix of weights of `type` (f32 or 8 bits) in the form that the kernels read, and
/// its making. `w` is its first element, of the (unpacked) filter's type; bias and scales are those
/// of its n columns, bias may be null. A hybrid operator's bias stays outside.
size_t packed_weight_bytes(Type type, int64_t n, int64_t taps, int64_t k, bool split = false);
void pack_weights(const Tensor& input, const Tensor& filter, const void* w,
                  const WeightStrides& strides, const void* bias, const float* scales, int64_t n,
                  int64_t taps, int64_t k, void* out, bool split = false);

/// Constant weights of a layer and what is packed with them.
struct LayerWeights {
  const Tensor& source;  ///< as the operator has them
  const Tensor& input;
  const Tensor& filter;                        ///< unpacked
  const void* bias = nullptr;                  ///< [groups·n], or null
  const float* scales = nullptr;               ///< [groups·n], or null
  int64_t groups = 1, n = 0, taps = 1, k = 0;  ///< filter: [groups][n][taps][k]
  bool split = false;
};
/// In prepare: the packed weights of all groups, one after the other, each of
/// packed_weight_bytes(filter.type, n, taps, k, split).
Status share_weights(OpContext& op, const LayerWeights& weights, const uint8_t** out);

/// One matrix product with constant weights, whatever the layer's types. Where there are `quants`,
/// it is a hybrid operator's.
struct LayerGemm {
  const void* a = nullptr;      ///< activations
  uint8_t flip = 0;             ///< 8 bits: xored to them and to `zero`, for the unsigned domain
  const int32_t* at = nullptr;  ///< [m][taps] offsets; null: rows a_stride apart
  int64_t a_stride = 0;
  const void* zero = nullptr;  ///< a row of padding
  int64_t m = 0, n = 0, taps = 1, k = 0;
  const void* weights =
      nullptr;         ///< from pack_weights; int16 activations: [n][taps][k] as they are
  bool split = false;  ///< the weights are packed for GemmSplit
  void* scratch = nullptr;
  size_t scratch_bytes = 0;
  const int64_t* bias = nullptr;  ///< int16 activations only
  const float* scales = nullptr;  ///< int16 activations only
  void* out = nullptr;
  int64_t out_stride = 0;
  Clamp<float> real = {};
  Clamp<int32_t> quantized = {};
  const DynamicQuant* quants = nullptr;  ///< hybrid: of row 0
  int64_t quant_step = 0;                ///< from one row's to the next's
  HybridColumns columns = {};            ///< hybrid
};
void run_gemm(const Tensor& filter, const Tensor& output, const LayerGemm& gemm);

/// Gives a product that `thread` runs what prepare_product chose.
/// Columns of a block of packed weights: products are divided only at multiples of it.
inline int64_t packed_columns(Type filter, bool split) {
  return split                     ? kSplitColumns
         : filter == Type::float32 ? kernels().gemm_f32_nr
                                   : kernels().gemm_q8_nr;
}

inline void use_product(OpContext& op, const Product& product, int thread, LayerGemm* gemm) {
  gemm->split = product.split;
  if (product.bytes == 0) return;
  gemm->scratch =
      op.scratch<uint8_t>(product.scratch) + static_cast<size_t>(thread) * product.bytes;
  gemm->scratch_bytes = product.bytes;
}

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
