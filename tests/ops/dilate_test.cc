// SPDX-License-Identifier: Apache-2.0
// DILATE and STABLEHLO_PAD by their definition: the input with a value between its elements, then
// with more around it, or less.
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Wide = std::vector<int64_t>;

struct Padding {
  Wide low, high, interior;
};

// Where an element of the output comes from; empty: it is padding.
Index source(const Index& in, const Padding& p, const Index& index) {
  Index from;
  for (size_t d = 0; d < in.size(); ++d) {
    const int64_t at = index[d] - p.low[d], step = p.interior[d] + 1;
    if (at < 0 || at % step != 0 || at / step >= in[d]) return {};
    from.push_back(static_cast<int32_t>(at / step));
  }
  return from;
}

Index padded(const Index& in, const Padding& p) {
  Index out;
  for (size_t d = 0; d < in.size(); ++d) {
    const int64_t spread = in[d] > 0 ? (in[d] - 1) * (p.interior[d] + 1) + 1 : 0;
    out.push_back(static_cast<int32_t>(p.low[d] + spread + p.high[d]));
  }
  return out;
}

template <class T>
OpCase stablehlo_pad(const Index& in, const Padding& p, T value) {
  return move_case<T>(
      {.name = "pad",
       .in = in,
       .out = padded(in, p),
       .add =
           [=](ModelBuilder& b, int x, int y) {
             const int v = b.constant<T>({}, {value});
             b.op(Op::STABLEHLO_PAD, {x, v}, {y},
                  schema::CreateStablehloPadOptionsDirect(b.fbb(), &p.low, &p.high, &p.interior));
           },
       .source = [=](const Index& index) { return source(in, p, index); }},
      value);
}

template <class T>
OpCase dilate(const Index& in, const Index& steps, T value, bool known = true) {
  Padding p{Wide(in.size()), Wide(in.size()), {}};
  for (int32_t step : steps) p.interior.push_back(step - 1);
  const auto rank = static_cast<int32_t>(in.size());
  Move m{.name = "dilate",
         .in = in,
         .out = padded(in, p),
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const int s =
                   known ? b.constant<int32_t>({rank}, steps) : b.input({rank}, Type::int32);
               const int v = b.constant<T>({1}, {value});
               b.op(Op::DILATE, {x, s, v}, {y}, schema::CreateDilateOptions(b.fbb()));
             },
         .source = [=](const Index& index) { return source(in, p, index); }};
  if (!known) m.more_inputs = {values<int32_t>(steps)};
  return move_case<T>(m, value);
}

TEST(StablehloPad, Cases) {
  run_op_cases({
      stablehlo_pad<float>({3}, {{1}, {2}, {0}}, -1.5f),
      stablehlo_pad<int8_t>({2, 3}, {{0, 1}, {1, 0}, {2, 1}}, int8_t{-1}),
      stablehlo_pad<int16_t>({4}, {{-1}, {0}, {2}}, int16_t{-1}),
      stablehlo_pad<int16_t>({4}, {{-4}, {-2}, {2}}, int16_t{-1}),
      stablehlo_pad<int64_t>({4, 5}, {{-2, 3}, {1, -4}, {0, 1}}, int64_t{-1}),
      stablehlo_pad<float>({4}, {{-7}, {3}, {0}}, -1.5f),  // nothing of the input is left
      stablehlo_pad<float>({2, 3}, {{-1, 0}, {-1, 0}, {0, 0}}, -1.5f),
      stablehlo_pad<float>({2, 0}, {{0, 2}, {1, 1}, {1, 5}}, -1.5f),
      stablehlo_pad<double>({60, 70}, {{3, -4}, {-5, 6}, {1, 2}}, -1.5),
  });
}

TEST(Dilate, Cases) {
  run_op_cases({
      dilate<float>({3}, {1}, -1.0f),
      dilate<int8_t>({2, 3}, {2, 3}, int8_t{-1}),
      dilate<uint16_t>({2, 3}, {1, 4}, uint16_t{9999}, false),
      dilate<int64_t>({2, 1, 3}, {3, 7, 1}, int64_t{-1}),
      dilate<float>({1, 1}, {INT32_MAX, INT32_MAX}, -1.0f),
      dilate<float>({2, 0}, {2, 5}, -1.0f, false),
  });
}

std::function<void(ModelBuilder&)> pad_model(const Padding& p, Type value = Type::float32,
                                             const Index& shape = {2, 3}) {
  return [=](ModelBuilder& b) {
    const int x = b.input(shape), v = b.input({}, value);
    b.op(Op::STABLEHLO_PAD, {x, v}, {b.output({1, 1})},
         schema::CreateStablehloPadOptionsDirect(b.fbb(), &p.low, &p.high, &p.interior));
  };
}

TEST(StablehloPad, Refuses) {
  refuse_op_cases({
      {.name = "negative dimension",
       .model = pad_model({{-2, 0}, {-1, 0}, {0, 0}}),
       .message = "T3: padded dimension: expected 0 to"},
      {.name = "interior",
       .model = pad_model({{0, 0}, {0, 0}, {0, -1}}),
       .message = "interior_padding: expected 0 to"},
      {.name = "most negative",
       .model = pad_model({{INT64_MIN, 0}, {0, 0}, {0, 0}}),
       .message = "edge_padding_low: expected"},
      {.name = "largest",
       .model = pad_model({{0, 0}, {0, INT64_MAX}, {0, 0}}),
       .message = "edge_padding_high: expected"},
      {.name = "too large",
       .model = pad_model({{0, 0}, {0, 0}, {INT32_MAX, INT32_MAX}}),
       .message = "T3: padded dimension"},
      {.name = "lists",
       .model = pad_model({{0}, {0, 0}, {0, 0}}),
       .message = "paddings: expected 3 lists of 2"},
      {.name = "type of the value",
       .model = pad_model({{0, 0}, {0, 0}, {0, 0}}, Type::int32),
       .message = "input 1: expected type FLOAT32 as input 0 has, got INT32"},
      {.name = "scalar",
       .model = pad_model({{}, {}, {}}, Type::float32, {}),
       .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "no options",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2}), v = b.input({});
             b.op(Op::STABLEHLO_PAD, {x, v}, {b.output({2})});
           },
       .message = "paddings: expected 3 lists of 1"},
  });
}

TEST(Dilate, Refuses) {
  const auto model = [](const Index& steps, const Index& value, Type type = Type::float32) {
    return [=](ModelBuilder& b) {
      const int x = b.input({2, 3});
      const int s = b.constant<int32_t>({static_cast<int32_t>(steps.size())}, steps);
      b.op(Op::DILATE, {x, s, b.input(value, type)}, {b.output({1, 1})});
    };
  };
  refuse_op_cases({
      {.name = "step of 0", .model = model({1, 0}, {}), .message = "dilation: expected 1 to"},
      {.name = "negative step",
       .model = model({1, INT32_MIN}, {}),
       .message = "dilation: expected 1 to"},
      {.name = "length",
       .model = model({1}, {}),
       .message = "input 1: expected shape [2], got [1]"},
      {.name = "too large",
       .model = model({INT32_MAX, INT32_MAX}, {}),
       .message = "T3: padded dimension"},
      {.name = "no value",
       .model = model({1, 1}, {0}),
       .message = "input 2: expected 1 elements, got [0]"},
      {.name = "type of the value",
       .model = model({1, 1}, {}, Type::int8),
       .message = "input 2: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
