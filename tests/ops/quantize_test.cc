// SPDX-License-Identifier: Apache-2.0
// QUANTIZE, DEQUANTIZE, CAST.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class T>
OpCase quantize(const std::vector<float>& x, const Quant& quant, const std::vector<T>& y) {
  const Index shape = {static_cast<int32_t>(x.size())};
  return {.name = type_name(type_of<T>()),
          .model = bare_model(Op::QUANTIZE, {{shape}}, {shape, type_of<T>(), quant}),
          .inputs = {values(x)},
          .outputs = {values(y)},
          .kernel_steps = 0};
}

TEST(Quantize, RoundsHalvesAwayFromZeroAndSaturates) {
  const std::vector<float> x = {0,  0.25f, 0.75f, -0.25f,    -0.75f,    1,
                                -1, 1e9f,  -1e9f, kInfinity, -kInfinity};
  run_op_cases({
      quantize<int8_t>(x, per_tensor(0.5f, 3), {3, 4, 5, 2, 1, 5, 1, 127, -128, 127, -128}),
      quantize<uint8_t>(x, per_tensor(0.5f, 100), {100, 101, 102, 99, 98, 102, 98, 255, 0, 255, 0}),
      quantize<int16_t>(x, per_tensor(0.5f),
                        {0, 1, 2, -1, -2, 2, -2, 32767, -32768, 32767, -32768}),
  });
}

template <class T>
OpCase many_floats() {
  const std::vector<float> x = random_elements<float>(20011, 3, -1.3, 1.2);
  const Quant quant = quant_for<T>({-1, 1});
  std::vector<T> y;
  for (float v : x) {
    const float q = std::round(v / quant.scales[0]) + static_cast<float>(quant.zero_points[0]);
    y.push_back(static_cast<T>(
        std::clamp<float>(q, std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max())));
  }
  return quantize<T>(x, quant, y);
}

TEST(Quantize, ManyFloats) {
  run_op_cases({many_floats<int8_t>(), many_floats<uint8_t>(), many_floats<int16_t>()});
}

// From one quantized type to another, every 8-bit value.
template <class From, class To>
OpCase requantize(Range from, Range to) {
  const Quant x_quant = quant_for<From>(from), y_quant = quant_for<To>(to);
  std::vector<From> x;
  std::vector<To> y;
  for (int i = 0; i < 256; ++i) {
    x.push_back(
        static_cast<From>(std::numeric_limits<From>::lowest() + i * (sizeof(From) == 1 ? 1 : 257)));
    y.push_back(code_of<To>(real_of(x.back(), x_quant), y_quant));
  }
  return {.name = std::string(type_name(type_of<From>())) + " to " + type_name(type_of<To>()),
          .model = bare_model(Op::QUANTIZE, {{{256}, type_of<From>(), x_quant}},
                              {{256}, type_of<To>(), y_quant}, 2),
          .inputs = {values(x)},
          .outputs = {values(y)},
          .plain_steps = 1};
}

TEST(Quantize, FromQuantized) {
  run_op_cases({
      requantize<int8_t, uint8_t>({-1, 1}, {-1, 1}),
      requantize<uint8_t, int8_t>({-1, 1}, {-0.5, 0.8}),
      requantize<int8_t, int8_t>({-2, 1}, {-1, 1}),
      requantize<uint8_t, uint8_t>({0, 1}, {-1, 3}),
      requantize<int8_t, int16_t>({-1, 1}, {-1, 1}),
      requantize<uint8_t, int16_t>({-1, 2}, {-1, 1}),
      requantize<int16_t, int8_t>({-1, 1}, {-0.3, 0.9}),
      requantize<int16_t, int16_t>({-1, 1}, {-0.5, 0.5}),
  });
}

TEST(Quantize, ChannelsAndOtherWidths) {
  const Quant rows = {.scales = {0.5f, 2}, .zero_points = {1, -1}, .axis = 0};
  const Quant columns = {.scales = {1, 0.5f, 10}, .zero_points = {0, 0, 5}, .axis = 1};
  const Values x = values<float>({1, 2, -300, -4, -5, 1e9f});
  const Values small{Type::int4, {0x8A, 0x07}};  // −6, −8, 7
  run_op_cases({
      {.name = "rows",
       .model = bare_model(Op::QUANTIZE, {{{2, 3}}}, {{2, 3}, Type::int8, rows}),
       .inputs = {x},
       .outputs = {values<int8_t>({3, 5, -128, -3, -4, 127})},
       .kernel_steps = 0},
      {.name = "columns",
       .model = bare_model(Op::QUANTIZE, {{{2, 3}}}, {{2, 3}, Type::int16, columns}),
       .inputs = {x},
       .outputs = {values<int16_t>({1, 4, -25, -4, -10, 32767})},
       .kernel_steps = 0},
      {.name = "4 bits",
       .model = bare_model(Op::QUANTIZE, {{{3}}}, {{3}, Type::int4, per_tensor(0.5f, -2)}),
       .inputs = {values<float>({-2, -9, 99})},
       .outputs = {small},
       .kernel_steps = 0},
      {.name = "from 32 bits",
       .model = bare_model(Op::QUANTIZE, {{{3}, Type::int32, per_tensor(0.25f, 4)}},
                           {{3}, Type::int8, per_tensor(0.5f, 1)}),
       .inputs = {values<int32_t>({4, 24, -100000})},
       .outputs = {values<int8_t>({1, 11, -128})},
       .kernel_steps = 0},
      {.name = "to 32 bits",
       .model = bare_model(Op::QUANTIZE, {{{2}, Type::int16, per_tensor(0.5f)}},
                           {{2}, Type::int32, per_tensor(0.125f, 3)}),
       .inputs = {values<int16_t>({100, -32768})},
       .outputs = {values<int32_t>({403, -131069})},
       .kernel_steps = 0},
  });
}

TEST(Dequantize, SmallIntegers) {
  const Quant rows = per_channel({0.5f, 2}, 0);
  run_op_cases({
      {.name = "4 bits",
       .model = bare_model(Op::DEQUANTIZE, {{{3}, Type::int4, per_tensor(0.5f, 1)}}, {{3}}),
       .inputs = {Values{Type::int4, {0x8A, 0x07}}},
       .outputs = {values<float>({-3.5f, -4.5f, 3})}},
      {.name = "4 bits without sign",
       .model = bare_model(Op::DEQUANTIZE, {{{3}, Type::uint4, per_tensor(0.5f, 1)}}, {{3}}),
       .inputs = {Values{Type::uint4, {0x8A, 0x07}}},
       .outputs = {values<float>({4.5f, 3.5f, 3})}},
      {.name = "2 bits",
       .model = bare_model(Op::DEQUANTIZE, {{{5}, Type::int2, per_tensor(3)}}, {{5}}),
       .inputs = {Values{Type::int2, {0b11'10'01'00, 0b01}}},
       .outputs = {values<float>({0, 3, -6, -3, 3})}},
      {.name = "channels of 4 bits",
       .model = bare_model(Op::DEQUANTIZE, {{{2, 2}, Type::int4, rows}}, {{2, 2}}),
       .inputs = {Values{Type::int4, {0x31, 0xF7}}},
       .outputs = {values<float>({0.5f, 1.5f, 14, -2})}},
  });
}

TEST(Dequantize, WholeTensor) {
  run_op_cases({
      {.name = "int8",
       .model = bare_model(Op::DEQUANTIZE, {{{3}, Type::int8, per_tensor(0.5f, 3)}}, {{3}}),
       .inputs = {values<int8_t>({-128, 3, 127})},
       .outputs = {values<float>({-65.5f, 0, 62})}},
      {.name = "uint8",
       .model = bare_model(Op::DEQUANTIZE, {{{3}, Type::uint8, per_tensor(0.5f, 128)}}, {{3}}),
       .inputs = {values<uint8_t>({0, 128, 255})},
       .outputs = {values<float>({-64, 0, 63.5f})}},
      {.name = "int16",
       .model = bare_model(Op::DEQUANTIZE, {{{2}, Type::int16, per_tensor(0.25f)}}, {{2}}, 3),
       .inputs = {values<int16_t>({-32768, 7})},
       .outputs = {values<float>({-8192, 1.75f})}},
      {.name = "float16",
       .model = bare_model(Op::DEQUANTIZE, {{{6}, Type::float16}}, {{6}}, 3),
       .inputs = {halves({0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00, 0x7E00})},
       .outputs = {values<float>({1, -2, 65504, 0x1p-24f, kInfinity, kNan})}},
      {.name = "nothing",
       .model = bare_model(Op::DEQUANTIZE, {{{0}, Type::int8, per_tensor(1)}}, {{0}}),
       .inputs = {values<int8_t>({})},
       .outputs = {values<float>({})}},
  });
}

TEST(Dequantize, Channels) {
  const Quant rows = per_channel({0.5f, 2}, 0), columns = per_channel({1, 10, 100}, 1);
  const Values x = values<int8_t>({1, 2, 3, -4, -5, -6});
  run_op_cases({
      {.name = "rows",
       .model = bare_model(Op::DEQUANTIZE, {{{2, 3}, Type::int8, rows}}, {{2, 3}}, 5),
       .inputs = {x},
       .outputs = {values<float>({0.5f, 1, 1.5f, -8, -10, -12})}},
      {.name = "columns",
       .model = bare_model(Op::DEQUANTIZE, {{{2, 3}, Type::int8, columns}}, {{2, 3}}, 5),
       .inputs = {x},
       .outputs = {values<float>({1, 20, 300, -4, -50, -600})}},
  });
}

template <class From, class To>
OpCase cast(const std::vector<From>& x, const std::vector<To>& y) {
  const Index shape = {static_cast<int32_t>(x.size())};
  return {.name = std::string(type_name(type_of<From>())) + " to " + type_name(type_of<To>()),
          .model = bare_model(Op::CAST, {{shape, type_of<From>()}}, {shape, type_of<To>()}),
          .inputs = {values(x)},
          .outputs = {values(y)},
          .kernel_steps = 0};
}

Values complexes(const std::vector<Complex64>& list) {
  return values(list);
}

OpCase cast_between(Type from, const Values& x, Type to, const Values& y, int32_t n) {
  return {.name = std::string(type_name(from)) + " to " + type_name(to),
          .model = bare_model(Op::CAST, {{{n}, from}}, {{n}, to}),
          .inputs = {x},
          .outputs = {y},
          .kernel_steps = 0};
}

TEST(Cast, ThroughFloats) {
  using enum Type;
  const Values numbers = values<float>({-2.5f, 0, 300});
  const Values complex = complexes({{-2.5f, 1}, {0, -7}, {300, 0}});
  run_op_cases({
      cast_between(float32, numbers, float16, short_floats(float16, {-2.5f, 0, 300}), 3),
      cast_between(float16, short_floats(float16, {-2.5f, 0, 300}), bfloat16,
                   short_floats(bfloat16, {-2.5f, 0, 300}), 3),
      cast_between(bfloat16, short_floats(bfloat16, {-2.5f, 0, 300}), int16,
                   values<int16_t>({-2, 0, 300}), 3),
      cast_between(complex64, complex, float32, numbers, 3),
      cast_between(complex64, complex, complex64, complex, 3),
      cast_between(complex64, complex, boolean, bools({true, false, true}), 3),
      cast_between(float32, numbers, complex64, complexes({{-2.5f, 0}, {0, 0}, {300, 0}}), 3),
      cast_between(int64, values<int64_t>({-5, 7}), float16, short_floats(float16, {-5, 7}), 2),
      cast_between(float32, values<float>({-9, -1.9f, 99}), int4, {int4, {0xF8, 0x07}}, 3),
      cast_between(int4, {int4, {0xF8, 0x07}}, float32, values<float>({-8, -1, 7}), 3),
      cast_between(float32, values<float>({-9, 1.9f, 0, -1, 99}), int2, {int2, {0b11'00'01'10, 1}},
                   5),
      cast_between(int2, {int2, {0b11'00'01'10, 1}}, float32, values<float>({-2, 1, 0, -1, 1}), 5),
  });
  // More elements than one buffer holds, an odd number of them.
  const std::vector<float> many = random_elements<float>(20011, 3, -8, 8);
  std::vector<float> cut;
  for (float x : many) cut.push_back(std::clamp(std::trunc(x), -8.0f, 7.0f));
  run_op_cases({{.name = "there and back",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({20011}), q = b.add_tensor({20011}, Type::int4);
                       b.op(Op::CAST, {x}, {q});
                       b.op(Op::CAST, {q}, {b.output({20011})});
                     },
                 .inputs = {values(many)},
                 .outputs = {values(cut)}}});
}

TEST(Cast, Cases) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max(),
                    kLeast = std::numeric_limits<int32_t>::min();
  run_op_cases({
      cast<float, int32_t>({kNan, 1.9f, -1.9f, 3e9f, -3e9f, kNan, kInfinity, 2147483520.0f, 3e9f},
                           {0, 1, -1, kMost, kLeast, 0, kMost, 2147483520, kMost}),
      cast<float, int8_t>({1.9f, -200, 200, kNan}, {1, -128, 127, 0}),
      cast<float, uint8_t>({-1, 255.9f, 1e30f}, {0, 255, 255}),
      cast<double, float>({0.5, 1e300}, {0.5f, kInfinity}),
      cast<int64_t, int32_t>({5, int64_t{1} << 32, -1}, {5, 0, -1}),
      cast<int32_t, int8_t>({300, -129}, {44, 127}),
      cast<int32_t, float>({16777217, -3}, {16777216, -3}),
      cast<uint8_t, float>({0, 7, 255}, {0, 7, 255}),
      cast<int8_t, int64_t>({-128, 127}, {-128, 127}),
      cast<uint16_t, uint32_t>({65535}, {65535}),
      {.name = "to bool",
       .model = bare_model(Op::CAST, {{{4}}}, {{4}, Type::boolean}),
       .inputs = {values<float>({0, 0.5f, -0.0f, kNan})},
       .outputs = {bools({false, true, false, true})},
       .kernel_steps = 0},
      {.name = "bytes that are neither 0 nor 1 are true",
       .model = bare_model(Op::CAST, {{{2}, Type::boolean}}, {{2}, Type::int32}),
       .inputs = {{Type::boolean, {0, 7}}},
       .outputs = {values<int32_t>({0, 1})},
       .kernel_steps = 0},
      {.name = "from bool",
       .model = bare_model(Op::CAST, {{{2}, Type::boolean}}, {{2}, Type::int32}),
       .inputs = {bools({false, true})},
       .outputs = {values<int32_t>({0, 1})},
       .kernel_steps = 0},
  });
}

TEST(Quantize, Refuses) {
  const Quant q = per_tensor(0.1f, 3);
  refuse_op_cases({
      {.name = "result",
       .model = bare_model(Op::QUANTIZE, {{{2}}}, {{2}, Type::int64}),
       .message = "output 0: type INT64 is not supported"},
      {.name = "no scale",
       .model = bare_model(Op::QUANTIZE, {{{2}}}, {{2}, Type::int8}),
       .message = "output 0: expected quantization"},
      {.name = "scales of 4 bits",
       .model = bare_model(Op::QUANTIZE, {{{2}}}, {{2}, Type::int4, per_channel({1, 2}, 0)}),
       .message = "output 0: expected one scale"},
      {.name = "scales of requantization",
       .model = bare_model(Op::QUANTIZE, {{{2}, Type::int8, q}},
                           {{2}, Type::int8, per_channel({1, 2}, 0)}),
       .message = "output 0: expected one scale"},
      {.name = "32 bits to 32",
       .model = bare_model(Op::QUANTIZE, {{{2}, Type::int32, q}}, {{2}, Type::int32, q}),
       .message = "from INT32 to INT32 is not supported"},
      {.name = "operand",
       .model = bare_model(Op::QUANTIZE, {{{2}, Type::int8}}, {{2}, Type::int8, q}),
       .message = "input 0: expected quantization"},
      {.name = "ratio",
       .model = bare_model(Op::QUANTIZE, {{{2}, Type::int8, per_tensor(1e30f)}},
                           {{2}, Type::int8, per_tensor(1e-8f)}),
       .message = "T9: scale ratio"},
      {.name = "dequantize type",
       .model = bare_model(Op::DEQUANTIZE, {{{2}, Type::int32, q}}, {{2}}),
       .message = "input 0: type INT32 is not supported"},
      {.name = "dequantize result",
       .model = bare_model(Op::DEQUANTIZE, {{{2}, Type::int8, q}}, {{2}, Type::int8, q}),
       .message = "output 0: expected type FLOAT32"},
      {.name = "dequantize without scale",
       .model = bare_model(Op::DEQUANTIZE, {{{2}, Type::int8}}, {{2}}),
       .message = "input 0: expected quantization"},
      {.name = "dequantize channels",
       .model = bare_model(Op::DEQUANTIZE, {{{3}, Type::int8, per_channel({1, 2}, 0)}}, {{3}}),
       .message = "expected 1 scale or 3"},
      {.name = "cast",
       .model = bare_model(Op::CAST, {{{2}, Type::complex128}}, {{2}}),
       .message = "from COMPLEX128 to FLOAT32 is not supported"},
      {.name = "cast of 4 bits",
       .model = bare_model(Op::CAST, {{{2}, Type::int4}}, {{2}, Type::int8}),
       .message = "from INT4 to INT8 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
