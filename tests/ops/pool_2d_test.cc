// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

struct PoolSpec {
  std::string name;
  int batch = 1, h = 6, w = 7, c = 3, kh = 2, kw = 2, stride_h = 2, stride_w = 2;
  Padding padding = Padding::VALID;
  Activation activation = Activation::NONE;
};

// The mean (integers: halves away from zero) or the largest of each window, padding left out.
template <class T>
OpCase pool_case(const PoolSpec& s, bool largest) {
  const int oh = ConvSpec::out_size(s.padding, s.h, s.kh, s.stride_h, 1),
            ow = ConvSpec::out_size(s.padding, s.w, s.kw, s.stride_w, 1);
  const int pad_h = ConvSpec::pad_before(s.h, oh, s.kh, s.stride_h, 1),
            pad_w = ConvSpec::pad_before(s.w, ow, s.kw, s.stride_w, 1);
  const bool real = std::is_same_v<T, float>;
  const std::vector<T> x =
      random_elements<T>(static_cast<size_t>(s.batch * s.h * s.w * s.c), 3,
                         real ? -8.0 : static_cast<double>(std::numeric_limits<T>::lowest()),
                         real ? 8.0 : static_cast<double>(std::numeric_limits<T>::max()));
  const int zero = std::is_same_v<T, int8_t> ? -5 : std::is_same_v<T, uint8_t> ? 122 : 0;
  std::vector<T> y;
  for (int n = 0; n < s.batch; ++n)
    for (int oy = 0; oy < oh; ++oy)
      for (int ox = 0; ox < ow; ++ox)
        for (int c = 0; c < s.c; ++c) {
          double sum = 0, most = -INFINITY;
          int count = 0;
          for (int fy = 0; fy < s.kh; ++fy)
            for (int fx = 0; fx < s.kw; ++fx) {
              const int iy = oy * s.stride_h + fy - pad_h, ix = ox * s.stride_w + fx - pad_w;
              if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
              const auto v = static_cast<double>(
                  x[static_cast<size_t>(((n * s.h + iy) * s.w + ix) * s.c + c)]);
              sum += v;
              most = std::max(most, v);
              ++count;
            }
          const auto [low, high] = activation_range(s.activation);
          const double v = largest ? most : real ? sum / count : std::round(sum / count);
          if (real)
            y.push_back(static_cast<T>(std::clamp(v, low, high)));
          else
            y.push_back(static_cast<T>(std::clamp(
                v,
                std::max(low / 0.05 + zero, static_cast<double>(std::numeric_limits<T>::lowest())),
                std::min(high / 0.05 + zero, static_cast<double>(std::numeric_limits<T>::max())))));
        }
  return {.name = s.name + " " + type_name(type_of<T>()),
          .model =
              [=](ModelBuilder& b) {
                const int in =
                    b.input({s.batch, s.h, s.w, s.c}, type_of<T>(), quant_of<T>(0.05f, zero));
                const int out =
                    b.output({s.batch, oh, ow, s.c}, type_of<T>(), quant_of<T>(0.05f, zero));
                b.op(largest ? Op::MAX_POOL_2D : Op::AVERAGE_POOL_2D, {in}, {out},
                     schema::CreatePool2DOptions(b.fbb(), s.padding, s.stride_w, s.stride_h, s.kw,
                                                 s.kh, s.activation));
              },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{s.batch, oh, ow, s.c}},
          .tolerance = 1e-5,
          .kernel_steps = 0};
}

void run_pools(bool largest) {
  std::vector<OpCase> cases;
  for (const PoolSpec& s : std::vector<PoolSpec>{
           {.name = "2x2"},
           {.name = "3x3 same", .kh = 3, .kw = 3, .padding = Padding::SAME},
           {.name = "3x3 stride 1 same",
           .c = 33,
           .kh = 3,
           .kw = 3,
           .stride_h = 1,
           .stride_w = 1,
           .padding = Padding::SAME},
           {.name = "whole", .h = 7, .w = 7, .c = 65, .kh = 7, .kw = 7},
           {.name = "larger than the input",
           .h = 3,
           .w = 2,
           .kh = 5,
           .kw = 6,
           .stride_h = 1,
           .stride_w = 1,
           .padding = Padding::SAME},
           {.name = "stride beyond the window", .stride_h = 3, .stride_w = 4},
           {.name = "1x1", .c = 17, .kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1},
           {.name = "batch 2", .batch = 2, .c = 16},
           {.name = "relu", .activation = Activation::RELU},
           {.name = "relu6", .activation = Activation::RELU6},
           {.name = "no channels", .c = 0},
       }) {
    cases.push_back(pool_case<float>(s, largest));
    cases.push_back(pool_case<int8_t>(s, largest));
    cases.push_back(pool_case<uint8_t>(s, largest));
    cases.push_back(pool_case<int16_t>(s, largest));
  }
  run_op_cases(cases);
}

TEST(AveragePool2d, Cases) {
  run_pools(false);
}
TEST(MaxPool2d, Cases) {
  run_pools(true);
}
TEST(L2Pool2d, Cases) {
  const auto model = [](Padding padding, int stride, std::vector<int32_t> y,
                        Activation activation) {
    return [=](ModelBuilder& b) {
      const int in = b.input({1, 2, 3, 2});
      b.op(Op::L2_POOL_2D, {in}, {b.output(y)},
           schema::CreatePool2DOptions(b.fbb(), padding, stride, stride, 2, 2, activation));
    };
  };
  const Values x = values<float>({1, 0, -1, 2, 3, 0, 1, 4, 5, 6, 7, 8});
  run_op_cases({{.name = "valid",
                 .model = model(Padding::VALID, 1, {1, 1, 2, 2}, Activation::NONE),
                 .inputs = {x},
                 .outputs = {values<float>(
                     {std::sqrt(7.0f), std::sqrt(14.0f), std::sqrt(21.0f), std::sqrt(26.0f)})},
                 .shapes = {{1, 1, 2, 2}}},
                {.name = "same, relu6",
                 .model = model(Padding::SAME, 2, {1, 1, 2, 2}, Activation::RELU6),
                 .inputs = {x},
                 .outputs = {values<float>(
                     {std::sqrt(7.0f), std::sqrt(14.0f), std::sqrt(29.0f), std::sqrt(32.0f)})}}});
  refuse_op_cases({{.name = "type",
                    .model =
                        [](ModelBuilder& b) {
                          const int in = b.input({1, 2, 2, 1}, Type::int8, per_tensor(1));
                          b.op(Op::L2_POOL_2D, {in},
                               {b.output({1, 1, 1, 1}, Type::int8, per_tensor(1))},
                               schema::CreatePool2DOptions(b.fbb(), Padding::VALID, 1, 1, 2, 2));
                        },
                    .message = "input 0: expected type FLOAT32, got INT8"}});
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const int x = b.input({1, 4, 4, 2}, Type::int8, per_tensor(0.1f));
    const int y = b.output({1, 2, 2, 2}, Type::int8, per_tensor(0.1f));
    b.op(Op::AVERAGE_POOL_2D, {x}, {y},
         schema::CreatePool2DOptions(b.fbb(), Padding::VALID, 2, 2, 2, 2));
    edit(b);
  };
}

TEST(Pool2d, Refuses) {
  const auto options = [](int stride_w, int stride_h, int kw, int kh) {
    return [=](ModelBuilder& b) {
      b.last_op().options =
          schema::CreatePool2DOptions(b.fbb(), Padding::VALID, stride_w, stride_h, kw, kh).Union();
    };
  };
  refuse_op_cases({
      {.name = "stride 0",
       .model = broken(options(0, 1, 2, 2)),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "filter 0",
       .model = broken(options(1, 1, 2, 0)),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "negative stride",
       .model = broken(options(1, -2, 2, 2)),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "padding",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreatePool2DOptions(b.fbb(), static_cast<Padding>(2), 1, 1, 2, 2).Union();
       }),
       .message = "padding: expected 0 to 1, got 2"},
      {.name = "activation",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreatePool2DOptions(b.fbb(), Padding::VALID, 1, 1, 2, 2, Activation::TANH)
                 .Union();
       }),
       .message = "fused activation 4 is not supported"},
      {.name = "filter beyond the input",
       .model = broken(options(1, 1, 5, 2)),
       .message = "does not fit"},
      {.name = "rank",
       .model = broken([](ModelBuilder& b) {
         b.tensor(0).shape = {4, 4, 2};
       }),
       .message = "input 0: expected rank 4"},
      {.name = "type",
       .model = broken([](ModelBuilder& b) { b.tensor(0).type = b.tensor(1).type = Type::int64; }),
       .message = "type INT64 is not supported"},
      {.name = "scales",
       .model = broken([](ModelBuilder& b) { b.tensor(1).quantization = per_tensor(0.2f); }),
       .message = "expected scale 0.1"},
      {.name = "no scales",
       .model = broken([](ModelBuilder& b) { b.tensor(0).quantization = {}; }),
       .message = "input 0: expected quantization parameters"},
  });
}

}  // namespace
}  // namespace cygnet::test
