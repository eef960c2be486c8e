// SPDX-License-Identifier: Apache-2.0
// Custom operators: the largest element of each channel under a window, and where it lies.
//   input 0: x, float32 [N, H, W, C]; output 0: y, float32 [N, OH, OW, C], as MAX_POOL_2D has it;
//   output 1: places, of y's shape. Of equal elements the first counts, row by row.
// MaxPoolWithArgmax (TFLite's perception operators, TensorFlow): places are int32 or int64,
//   (row·W + column)·C + channel in x, with n·H·W·C more where include_batch_in_index is set.
//   Options, a FlexBuffers map: ksize and strides, [1, h, w, 1] each; padding, "SAME" or "VALID";
//   include_batch_in_index.
// MaxPoolingWithArgmax2D (MediaPipe): places are float32, row·KW + column in the window (its part
//   in the padding included) + 0.1. Options: int32 padding (1 SAME, 2 VALID), stride_w, stride_h,
//   filter_w, filter_h, activation.
// Sources: tensorflow/lite/kernels/perception/max_pool_with_argmax.cc; MediaPipe,
// util/tflite/operations/max_pool_argmax.cc.
#include <limits>

#include "ops/activation.h"
#include "ops/flex_map.h"
#include "ops/pool_options.h"
#include "ops/window.h"

namespace cygnet::ops {
namespace {

struct State {
  WindowDim h, w;
  Clamp<float> clamp;
  bool in_window;   // places are MediaPipe's
  bool with_batch;  // places count from the first image on
};

Status resolve(const OpContext& op, schema::Padding padding, State* s) {
  const Shape& x = op.input(0).shape;
  s->h.in = x[1];
  s->w.in = x[2];
  CYGNET_TRY(resolve_window("height", padding, &s->h));
  CYGNET_TRY(resolve_window("width", padding, &s->w));
  if (s->h.first(s->h.out - 1) >= s->h.in || s->w.first(s->w.out - 1) >= s->w.in)
    return bad_model("a window of %d x %d lies wholly in the padding", s->h.filter, s->w.filter);
  return {};
}

// ---- Options

// Elements 1 and 2 of the list `key`, [1, h, w, 1].
Status read_pair(const FlexMap& map, const char* key, int32_t* h, int32_t* w) {
  const FlexValue list = map.find(key);
  if (list.size() != 4) return bad_model("C10: option %s: expected a list of 4 numbers", key);
  int64_t numbers[4] = {};
  for (int i = 0; i < 4; ++i) {
    if (!list.at(i).integer(&numbers[i]))
      return bad_model("C10: option %s: entry %d is not an integer", key, i);
    CYGNET_TRY(expect_range(key, numbers[i], 1, INT32_MAX));
  }
  if (numbers[0] != 1 || numbers[3] != 1)
    return bad_model("option %s: expected 1 for batch and channels, got %lld and %lld", key,
                     static_cast<long long>(numbers[0]), static_cast<long long>(numbers[3]));
  *h = static_cast<int32_t>(numbers[1]);
  *w = static_cast<int32_t>(numbers[2]);
  return {};
}

Status read_map(const OpContext& op, State* s, schema::Padding* padding) {
  FlexMap map;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  CYGNET_TRY(read_pair(map, "ksize", &s->h.filter, &s->w.filter));
  CYGNET_TRY(read_pair(map, "strides", &s->h.stride, &s->w.stride));
  std::string_view text;
  if (!map.find("padding").text(&text) || (text != "SAME" && text != "VALID"))
    return bad_model("C10: option padding: expected SAME or VALID");
  *padding = text == "SAME" ? schema::Padding::SAME : schema::Padding::VALID;
  const FlexValue batch = map.find("include_batch_in_index");
  int64_t flag = 0;
  if (batch.present() && !batch.integer(&flag))
    return bad_model("C10: option include_batch_in_index: expected a bool");
  s->with_batch = flag != 0;
  return {};
}

template <bool kInWindow>
Status geometry_of(const OpContext& op, State* s) {
  s->in_window = kInWindow;
  auto padding = schema::Padding::SAME;
  if constexpr (kInWindow) {
    PoolOptions options;
    CYGNET_TRY(read_pool_options(op, &options));
    s->h.filter = options.filter_h;
    s->h.stride = options.stride_h;
    s->w.filter = options.filter_w;
    s->w.stride = options.stride_w;
    padding = options.padding();
    CYGNET_TRY(activation_clamp(options.fused(), &s->clamp));
  } else {
    CYGNET_TRY(read_map(op, s, &padding));
    CYGNET_TRY(activation_clamp(schema::ActivationFunctionType::NONE, &s->clamp));
  }
  return resolve(op, padding, s);
}

// ---- The operators

template <bool kInWindow>
Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  if constexpr (kInWindow)
    CYGNET_TRY(expect_type("output 1", op.output(1), {Type::float32}));
  else
    CYGNET_TRY(expect_type("output 1", op.output(1), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  State s{};
  CYGNET_TRY(geometry_of<kInWindow>(op, &s));
  const Shape shape = {x.shape[0], s.h.out, s.w.out, x.shape[3]};
  CYGNET_TRY(op.set_output(0, shape));
  return op.set_output(1, shape);
}

template <bool kInWindow>
Status prepare(OpContext& op) {
  auto* s = op.make_state<State>();
  return s == nullptr ? Status() : geometry_of<kInWindow>(op, s);
}

// The largest element under one window; where no element is larger than the least float, the first
// place of all counts, as in the sources.
struct Found {
  float value = std::numeric_limits<float>::lowest();
  int64_t y = 0, x = 0;
};

Found search(const State& s, const float* channel, int64_t channels, int64_t oy, int64_t ox) {
  Found found;
  int32_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  s.h.inside(oy, &y0, &y1);
  s.w.inside(ox, &x0, &x1);
  const int64_t top = s.h.first(oy), left = s.w.first(ox);
  for (int64_t y = y0; y < y1; ++y)
    for (int64_t x = x0; x < x1; ++x) {
      const float value = channel[((top + y) * s.w.in + left + x) * channels];
      if (!(value > found.value)) continue;
      found = s.in_window ? Found{value, y, x} : Found{value, top + y, left + x};
    }
  return found;
}

void put_place(Tensor& places, int64_t i, int64_t place) {
  if (places.type == Type::int64)
    places.as<int64_t>()[i] = place;
  else if (places.type == Type::int32)
    places.as<int32_t>()[i] = static_cast<int32_t>(place);
  else
    places.as<float>()[i] = static_cast<float>(place) + 0.1f;
}

Status invoke(OpContext& op) {
  const auto& s = op.state<State>();
  const Tensor& x = op.input(0);
  const int64_t c = x.shape[3], image = x.shape.elements(1, 4);
  if (op.output(0).bytes == 0) return {};
  op.parallel_for(int64_t{x.shape[0]} * s.h.out, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = row / s.h.out, oy = row % s.h.out;
      for (int64_t i = 0; i < s.w.out * c; ++i) {
        const int64_t channel = i % c;
        const Found f = search(s, x.as<float>() + n * image + channel, c, oy, i / c);
        const int64_t at = row * s.w.out * c + i;
        op.output(0).as<float>()[at] = s.clamp(f.value);
        const int64_t place =
            s.in_window ? f.y * s.w.filter + f.x
                        : (f.y * s.w.in + f.x) * c + channel + (s.with_batch ? n * image : 0);
        put_place(op.output(1), at, place);
      }
    }
  });
  return {};
}

constexpr OpDef pool(const char* name, Status (*infer)(OpContext&), Status (*prepare)(OpContext&)) {
  return {.name = name,
          .min_outputs = 2,
          .max_outputs = 2,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kMaxPoolWithArgmax;
extern const OpDef kMaxPoolWithArgmax = pool("MaxPoolWithArgmax", infer<false>, prepare<false>);
extern const OpDef kMaxPoolingWithArgmax2d;
extern const OpDef kMaxPoolingWithArgmax2d =
    pool("MaxPoolingWithArgmax2D", infer<true>, prepare<true>);

}  // namespace cygnet::ops
