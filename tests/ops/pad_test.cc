// SPDX-License-Identifier: Apache-2.0
// PAD and PADV2.
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

enum class Paddings { int32, int64, while_running };

// `paddings`: before and after, for each dimension.
Move pad(const Index& in, const Index& paddings, Paddings kind = Paddings::int32) {
  const auto rank = static_cast<int32_t>(in.size());
  Index out = in;
  for (size_t i = 0; i < in.size(); ++i) out[i] += paddings[2 * i] + paddings[2 * i + 1];
  Move m{.name = "pad",
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               int p = 0;
               if (kind == Paddings::int32) p = b.constant<int32_t>({rank, 2}, paddings);
               if (kind == Paddings::int64)
                 p = b.constant<int64_t>({rank, 2}, {paddings.begin(), paddings.end()});
               if (kind == Paddings::while_running) p = b.input({rank, 2}, Type::int32);
               b.op(Op::PAD, {x, p}, {y});
             },
         .source =
             [=](Index index) {
               for (size_t i = 0; i < index.size(); ++i) {
                 index[i] -= paddings[2 * i];
                 if (index[i] < 0 || index[i] >= in[i]) return Index();
               }
               return index;
             }};
  if (kind == Paddings::while_running) m.more_inputs = {values<int32_t>(paddings)};
  return m;
}

TEST(Pad, Cases) {
  run_moves({
      pad({3}, {2, 1}),
      pad({2, 3}, {0, 0, 1, 2}),
      pad({2, 3}, {1, 2, 0, 0}),
      pad({2, 3}, {0, 0, 0, 0}),
      pad({2, 3, 4, 5}, {0, 0, 1, 1, 2, 0, 0, 0}),
      pad({2, 3, 4, 5}, {1, 0, 0, 0, 0, 2, 3, 0}, Paddings::int64),
      pad({1, 4, 4, 24}, {0, 0, 0, 0, 0, 0, 0, 4}),
      pad({1, 1, 1}, {2, 2, 1, 1, 0, 3}),
      pad({2, 0, 3}, {0, 0, 1, 2, 0, 0}),
      pad({2, 0, 3}, {1, 0, 0, 0, 0, 1}),
      pad({2, 1, 2, 1, 2, 1}, {1, 1, 0, 0, 0, 1, 2, 0, 0, 0, 1, 1}),
      pad({2, 3}, {1, 0, 0, 2}, Paddings::while_running),
      pad({1, 60, 60, 6}, {0, 0, 1, 1, 2, 2, 0, 0}),
  });
  run_op_cases({move_case<float>(pad({}, {}))});
}

template <class T>
OpCase quantized(int zero, std::optional<T> value) {
  Move m = pad({2, 3}, {1, 0, 1, 2});
  m.quantization = per_tensor(0.5f, zero);
  if (value.has_value()) {
    m.add = [=](ModelBuilder& b, int x, int y) {
      const int p = b.constant<int32_t>({2, 2}, {1, 0, 1, 2});
      const int v = b.constant<T>({1}, {*value}, per_tensor(0.5f, zero));
      b.op(Op::PADV2, {x, p, v}, {y});
    };
  }
  return move_case<T>(m, value.value_or(static_cast<T>(zero)));
}

TEST(Pad, QuantizedTensorsGetTheZeroPoint) {
  run_op_cases({
      quantized<int8_t>(-128, {}),
      quantized<int8_t>(7, {}),
      quantized<uint8_t>(200, {}),
      quantized<int16_t>(0, {}),
  });
}

template <class T>
OpCase with_value(T value, bool scalar, bool known = true) {
  Move m = pad({2, 3, 2}, {1, 0, 0, 0, 1, 2});
  m.add = [=](ModelBuilder& b, int x, int y) {
    const int p = b.constant<int32_t>({3, 2}, {1, 0, 0, 0, 1, 2});
    const Index shape = scalar ? Index{} : Index{1};
    const int v = known ? b.constant<T>(shape, {value}) : b.input(shape, type_of<T>());
    b.op(Op::PADV2, {x, p, v}, {y});
  };
  if (!known) m.more_inputs = {values<T>({value})};
  return move_case<T>(m, value);
}

TEST(Padv2, Cases) {
  run_op_cases({
      with_value<float>(-2.5f, true),
      with_value<float>(0, false),
      with_value<int32_t>(-77777, false),
      with_value<int64_t>(int64_t{1} << 40, true),
      with_value<int16_t>(-300, true),
      with_value<float>(9.5f, true, false),
      quantized<int8_t>(3, int8_t{-7}),
      quantized<uint8_t>(3, uint8_t{250}),
  });
}

std::function<void(ModelBuilder&)> model(const Index& in, const Index& shape,
                                         const Index& paddings) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in);
    b.op(Op::PAD, {x, b.constant<int32_t>(shape, paddings)}, {b.output({1})});
  };
}

TEST(Pad, Refuses) {
  refuse_op_cases({
      {.name = "negative",
       .model = model({3}, {1, 2}, {-1, 0}),
       .message = "padding: expected 0 to"},
      {.name = "negative after",
       .model = model({3}, {1, 2}, {0, -1}),
       .message = "padding: expected 0 to"},
      {.name = "rank",
       .model = model({3, 3}, {1, 2}, {1, 0}),
       .message = "input 1: expected shape [2,2], got [1,2]"},
      {.name = "flat",
       .model = model({3}, {2}, {1, 0}),
       .message = "input 1: expected shape [1,2], got [2]"},
      {.name = "too large",
       .model = model({3}, {1, 2}, {2147483647, 0}),
       .message = "T3: padded dimension"},
      {.name = "product",
       .model = model({3, 3}, {2, 2}, {100000, 0, 100000, 0}),
       .message = "more than 2147483647 elements"},
      {.name = "paddings type",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({3});
             b.op(Op::PAD, {x, b.constant<float>({1, 2}, {1, 1})}, {b.output({5})});
           },
       .message = "input 1: type FLOAT32 is not supported"},
  });
  refuse_op_cases({{.name = "negative while running",
                    .model =
                        [](ModelBuilder& b) {
                          const int x = b.input({1}), p = b.input({1, 2}, Type::int32);
                          b.op(Op::PAD, {x, p}, {b.output({1})});
                        },
                    .message = "padding: expected 0 to",
                    .inputs = {values<float>({1}), values<int32_t>({0, -5})}}});
}

TEST(Padv2, Refuses) {
  const auto with = [](const Index& shape, Type type, std::optional<Quant> quant,
                       Type x_type = Type::float32) {
    return [=](ModelBuilder& b) {
      const int x = b.input(
          {3}, x_type, x_type == Type::int8 ? std::optional(per_tensor(0.5f, 3)) : std::nullopt);
      const int v = b.input(shape, type, quant);
      b.op(Op::PADV2, {x, b.constant<int32_t>({1, 2}, {1, 1}), v},
           {b.output({5}, x_type,
                     x_type == Type::int8 ? std::optional(per_tensor(0.5f, 3)) : std::nullopt)});
    };
  };
  refuse_op_cases({
      {.name = "type",
       .model = with({}, Type::int32, {}),
       .message = "input 2: expected type FLOAT32 as input 0 has"},
      {.name = "elements",
       .model = with({2}, Type::float32, {}),
       .message = "input 2: expected 1 elements"},
      {.name = "quantization",
       .model = with({}, Type::int8, per_tensor(0.25f, 3), Type::int8),
       .message = "input 2: expected scale 0.5 and zero point 3 as output 0 has"},
  });
}

}  // namespace
}  // namespace cygnet::test
