// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D, MAX_POOL_2D, L2_POOL_2D: x [N, H, W, C] → y [N, OH, OW, C], the mean, the
// largest element or the root of the mean of squares of each channel under a window; positions
// outside x do not count. Types f32, int8, uint8, int16 (L2: f32); x and y have the same scale and
// zero point. Integer means round half away from zero. Source: tensorflow/lite/kernels/pooling.cc.
#include <cmath>

#include "kernels/kernels.h"
#include "ops/activation.h"
#include "ops/check.h"
#include "ops/window.h"

namespace cygnet::ops {
namespace {

struct PoolState {
  WindowDim h, w;
  Clamp<float> real;
  Clamp<int32_t> quantized;
};

// The part of a window inside x: rows [y, y + h), columns [x, x + w).
struct Patch {
  int64_t y, x, h, w;
};

Patch patch_at(const PoolState& s, int64_t oy, int64_t ox) {
  const int64_t y = s.h.first(oy), x = s.w.first(ox);
  const int64_t y0 = std::max<int64_t>(y, 0), x0 = std::max<int64_t>(x, 0);
  return {y0, x0, std::min<int64_t>(y + s.h.filter, s.h.in) - y0,
          std::min<int64_t>(x + s.w.filter, s.w.in) - x0};
}

Status geometry_of(OpContext& op, PoolState* s) {
  const auto& options = op.options<schema::Pool2DOptions>();
  const Shape& x = op.input(0).shape;
  s->h = {.in = x[1], .filter = options.filter_height(), .stride = options.stride_h()};
  s->w = {.in = x[2], .filter = options.filter_width(), .stride = options.stride_w()};
  CYGNET_TRY(resolve_window("height", options.padding(), &s->h));
  CYGNET_TRY(resolve_window("width", options.padding(), &s->w));
  // The last window begins inside x, so that each has at least one element.
  if (s->h.first(s->h.out - 1) >= s->h.in || s->w.first(s->w.out - 1) >= s->w.in)
    return bad_model("a window of %d x %d lies wholly in the padding", s->h.filter, s->w.filter);
  return {};
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int8, Type::uint8, Type::int16}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", y));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  if (x.type != Type::float32) {
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    CYGNET_TRY(expect_same_quantization("input 0", x, "output 0", y));
  }
  PoolState s;
  CYGNET_TRY(geometry_of(op, &s));
  return op.set_output(0, {x.shape[0], s.h.out, s.w.out, x.shape[3]});
}

Status infer_l2(OpContext& op) {
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::float32}));
  return infer(op);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<PoolState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(PoolState));
  CYGNET_TRY(geometry_of(op, s));
  const auto activation = op.options<schema::Pool2DOptions>().fused_activation_function();
  if (op.input(0).type == Type::float32) return activation_clamp(activation, &s->real);
  return quantized_activation_clamp(activation, op.output(0), &s->quantized);
}

// Windows from `ox` on that lie wholly inside the row, one at least.
int64_t inner_windows(const PoolState& s, int64_t ox) {
  if (s.w.first(ox) < 0) return 1;
  int64_t n = 1;
  while (ox + n < s.w.out && s.w.first(ox + n) + s.w.filter <= s.w.in) ++n;
  return s.w.first(ox) + s.w.filter <= s.w.in ? n : 1;
}

// Calls body(pointer to the patch's first element, patch, windows, output pixel's first element)
// for runs of windows: neighbours with patches of one size, or with kRuns = false each for itself.
template <class T, bool kRuns, class Body>
void each_window(OpContext& op, const PoolState& s, Body body) {
  const Tensor& x = op.input(0);
  const int64_t c = x.shape[3];
  op.parallel_for(int64_t{x.shape[0]} * s.h.out, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t ox = 0, n = 1; ox < s.w.out; ox += n) {
        const Patch p = patch_at(s, row % s.h.out, ox);
        if (kRuns) n = inner_windows(s, ox);
        const T* from = x.as<T>() + (((row / s.h.out) * s.h.in + p.y) * s.w.in + p.x) * c;
        body(from, p, n, op.output(0).as<T>() + (row * s.w.out + ox) * c);
      }
  });
}

int64_t rounded_mean(int64_t sum, int64_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

// ---- Plain loops

template <class T, bool kMax>
void pool_plain(OpContext& op, const PoolState& s) {
  const int64_t c = op.input(0).shape[3], row = s.w.in * c;
  each_window<T, false>(op, s, [&](const T* from, const Patch& p, int64_t, T* to) {
    for (int64_t ch = 0; ch < c; ++ch) {
      std::conditional_t<std::is_same_v<T, float>, float, int64_t> acc =
          kMax ? std::numeric_limits<T>::lowest() : T{0};
      for (int64_t y = 0; y < p.h; ++y)
        for (int64_t x = 0; x < p.w; ++x) {
          const T value = from[y * row + x * c + ch];
          if constexpr (kMax)
            acc = std::max<decltype(acc)>(acc, value);
          else
            acc += value;
        }
      if constexpr (std::is_same_v<T, float>) {
        to[ch] = s.real(kMax ? acc : acc / static_cast<float>(p.h * p.w));
      } else {
        const int64_t value = kMax ? acc : rounded_mean(acc, p.h * p.w);
        to[ch] = static_cast<T>(std::clamp<int64_t>(value, s.quantized.low, s.quantized.high));
      }
    }
  });
}

template <bool kMax>
void pool_plain(OpContext& op, const PoolState& s) {
  switch (op.input(0).type) {
    case Type::float32:
      return pool_plain<float, kMax>(op, s);
    case Type::int8:
      return pool_plain<int8_t, kMax>(op, s);
    case Type::uint8:
      return pool_plain<uint8_t, kMax>(op, s);
    default:
      return pool_plain<int16_t, kMax>(op, s);
  }
}

// ---- Kernels

Window window_of(const PoolState& s, const Patch& p, int64_t windows, int64_t c) {
  return {.h = p.h,
          .w = p.w,
          .h_stride = s.w.in * c,
          .w_stride = c,
          .count = windows,
          .step = s.w.stride * c};
}

template <bool kMax>
void pool_f32(OpContext& op, const PoolState& s) {
  const int64_t c = op.input(0).shape[3];
  each_window<float, true>(op, s, [&](const float* from, const Patch& p, int64_t n, float* to) {
    const Window window = window_of(s, p, n, c);
    if constexpr (kMax)
      kernels().window_max_f32(from, window, c, s.real.low, s.real.high, to);
    else
      kernels().window_sum_f32(from, window, c, static_cast<float>(p.h * p.w), s.real.low,
                               s.real.high, to);
  });
}

// The inverse of the number of elements is raised by 2^−21 of itself, so that halves are rounded
// away from zero as the reference does: sums of up to kMostElements are too small for it to change
// anything else.
template <bool kMax>
void pool_q8(OpContext& op, const PoolState& s) {
  const int64_t c = op.input(0).shape[3];
  const uint8_t flip = op.input(0).type == Type::int8 ? 0x80 : 0;
  MeanQ8 mean{.flip = flip, .lo = s.quantized.low, .hi = s.quantized.high};
  each_window<uint8_t, true>(
      op, s, [&](const uint8_t* from, const Patch& p, int64_t n, uint8_t* to) {
        const Window window = window_of(s, p, n, c);
        if constexpr (kMax) {
          kernels().window_max_q8(from, window, c, flip, s.quantized.low, s.quantized.high, to);
        } else {
          MeanQ8 m = mean;
          m.offset = static_cast<int32_t>(-int64_t{flip} * p.h * p.w);
          m.scale = (1.0f + 0x1p-21f) / static_cast<float>(p.h * p.w);
          kernels().window_mean_q8(from, window, c, m, to);
        }
      });
}

constexpr int64_t kMostElements = 2048;  // of a window that pool_q8 takes the mean of

template <bool kMax>
Status invoke(OpContext& op) {
  const auto& s = op.state<PoolState>();
  const Type type = op.input(0).type;
  if (op.output(0).shape.elements() == 0) return {};
  const bool large =
      !kMax && type != Type::float32 &&
      std::min<int64_t>(s.h.filter, s.h.in) * std::min<int64_t>(s.w.filter, s.w.in) > kMostElements;
  if (op.reference() || type == Type::int16 || large)
    pool_plain<kMax>(op, s);
  else if (type == Type::float32)
    pool_f32<kMax>(op, s);
  else
    pool_q8<kMax>(op, s);
  return {};
}

Status invoke_l2(OpContext& op) {
  const auto& s = op.state<PoolState>();
  const int64_t c = op.input(0).shape[3], row = s.w.in * c;
  each_window<float, false>(op, s, [&](const float* from, const Patch& p, int64_t, float* to) {
    for (int64_t ch = 0; ch < c; ++ch) {
      float sum = 0;
      for (int64_t y = 0; y < p.h; ++y)
        for (int64_t x = 0; x < p.w; ++x) {
          const float value = from[y * row + x * c + ch];
          sum += value * value;
        }
      to[ch] = s.real(std::sqrt(sum / static_cast<float>(p.h * p.w)));
    }
  });
  return {};
}

constexpr OpDef pool(const char* name, schema::BuiltinOperator builtin,
                     Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = 3,
          .options_type = static_cast<uint8_t>(schema::BuiltinOptions::Pool2DOptions),
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kAveragePool2d;
extern const OpDef kAveragePool2d =
    pool("AVERAGE_POOL_2D", schema::BuiltinOperator::AVERAGE_POOL_2D, invoke<false>);
extern const OpDef kMaxPool2d;
extern const OpDef kMaxPool2d =
    pool("MAX_POOL_2D", schema::BuiltinOperator::MAX_POOL_2D, invoke<true>);

extern const OpDef kL2Pool2d;
extern const OpDef kL2Pool2d = {
    .name = "L2_POOL_2D",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::L2_POOL_2D),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::Pool2DOptions),
    .infer = infer_l2,
    .prepare = prepare,
    .invoke = invoke_l2};

}  // namespace cygnet::ops
