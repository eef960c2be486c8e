// SPDX-License-Identifier: Apache-2.0
// RESHAPE, SQUEEZE, EXPAND_DIMS: the same bytes in another shape.
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

enum class From { options, constant, input };

OpCase reshape(const Index& in, const Index& wanted, const Index& out, From from) {
  const std::vector<float> x = distinct<float>(count(in));
  OpCase c{.name = "reshape",
           .model =
               [=](ModelBuilder& b) {
                 const int t = b.input(in);
                 const int32_t n = static_cast<int32_t>(wanted.size());
                 if (from == From::options) {
                   const auto options = schema::CreateReshapeOptions(
                       b.fbb(), b.fbb().CreateVector(wanted.data(), wanted.size()));
                   b.op(Op::RESHAPE, {t}, {b.output(out)}, options);
                   return;
                 }
                 const int shape = from == From::constant ? b.constant<int32_t>({n}, wanted)
                                                          : b.input({n}, Type::int32);
                 b.op(Op::RESHAPE, {t, shape}, {b.output(out)});
               },
           .inputs = {values(x)},
           .outputs = {values(x)},
           .shapes = {out},
           .tolerance = 0};
  if (from == From::input) c.inputs.push_back(values<int32_t>(wanted));
  return c;
}

TEST(Reshape, ShapesFromEverySource) {
  std::vector<OpCase> cases;
  for (From from : {From::options, From::constant, From::input}) {
    cases.push_back(reshape({2, 3, 4}, {6, 4}, {6, 4}, from));
    cases.push_back(reshape({2, 3, 4}, {-1}, {24}, from));
    cases.push_back(reshape({2, 3, 4}, {4, -1, 1}, {4, 6, 1}, from));
    cases.push_back(reshape({1}, {1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, from));
    cases.push_back(reshape({0, 5}, {5, -1}, {5, 0}, from));
    cases.push_back(reshape({0, 5}, {3, 0, 7}, {3, 0, 7}, from));
  }
  cases.push_back(reshape({1, 1}, {}, {}, From::constant));
  cases.push_back(reshape({1, 1}, {0}, {}, From::options));  // a scalar, as old models write it
  cases.push_back(reshape({3, 0}, {0}, {0}, From::constant));
  run_op_cases(cases);
}

BadOpCase bad_reshape(const Index& in, const Index& wanted, const std::string& message) {
  return {
      .name = message, .model = reshape(in, wanted, {1}, From::constant).model, .message = message};
}

TEST(Reshape, Refuses) {
  refuse_op_cases({
      bad_reshape({2, 3}, {4, 2}, "new shape [4,2] does not hold the elements of input 0 [2,3]"),
      bad_reshape({2, 3}, {-1, 4}, "new shape [-1,4] does not hold"),
      bad_reshape({2, 3}, {-1, -1}, "more than one dimension is -1"),
      bad_reshape({2, 3}, {-2, 3}, "dimension: expected -1 to 2147483647, got -2"),
      bad_reshape({0, 3}, {-1, 0}, "does not hold the elements"),
      bad_reshape({1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, "more than 8 dimensions"),
      bad_reshape({1}, {2147483647, 2147483647, 2147483647, 0}, "too large"),
      {.name = "no shape",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::RESHAPE, {x}, {b.output({2})});
           },
       .message = "neither a shape vector nor the option new_shape"},
      {.name = "shape of rank 2",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::RESHAPE, {x, b.constant<int32_t>({1, 1}, {2})}, {b.output({2})});
           },
       .message = "neither a shape vector nor the option new_shape"},
      {.name = "types differ",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::RESHAPE, {x, b.constant<int32_t>({1}, {2})}, {b.output({2}, Type::int32)});
           },
       .message = "output 0: expected type FLOAT32 as input 0 has, got INT32"},
      {.name = "float shape",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::RESHAPE, {x, b.constant<float>({1}, {2})}, {b.output({2})});
           },
       .message = "input 1: type FLOAT32 is not supported"},
  });
  BadOpCase late{.name = "shape known only while running",
                 .model = reshape({2, 3}, {4, 2}, {1}, From::input).model,
                 .message = "new shape [4,2] does not hold"};
  late.inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({4, 2})};
  refuse_op_cases({late});
}

OpCase squeeze(const Index& in, const Index& dims, const Index& out) {
  const std::vector<int16_t> x = distinct<int16_t>(count(in));
  return {.name = "squeeze",
          .model =
              [=](ModelBuilder& b) {
                const int t = b.input(in, Type::int16);
                const auto options = schema::CreateSqueezeOptions(
                    b.fbb(), b.fbb().CreateVector(dims.data(), dims.size()));
                b.op(Op::SQUEEZE, {t}, {b.output(out, Type::int16)}, options);
              },
          .inputs = {values(x)},
          .outputs = {values(x)},
          .shapes = {out},
          .kernel_steps = 0};
}

TEST(Squeeze, Cases) {
  run_op_cases({
      squeeze({1, 3, 1, 2, 1}, {}, {3, 2}),
      squeeze({1, 3, 1, 2, 1}, {0}, {3, 1, 2, 1}),
      squeeze({1, 3, 1, 2, 1}, {-1, 2}, {1, 3, 2}),
      squeeze({1, 3, 1}, {0, -3}, {3, 1}),
      squeeze({1, 1}, {}, {}),
      squeeze({1, 0}, {}, {0}),
      squeeze({}, {}, {}),
  });
}

TEST(Squeeze, Refuses) {
  refuse_op_cases({
      {.name = "not 1",
       .model = squeeze({1, 3}, {1}, {1}).model,
       .message = "dimension 1 of [1,3] is not 1"},
      {.name = "range",
       .model = squeeze({1, 3}, {2}, {1}).model,
       .message = "squeeze_dims: expected -2 to 1, got 2"},
      {.name = "range below",
       .model = squeeze({1, 3}, {-3}, {1}).model,
       .message = "squeeze_dims: expected -2 to 1, got -3"},
  });
}

OpCase expand(const Index& in, int64_t axis, const Index& out, bool known) {
  const std::vector<uint8_t> x = distinct<uint8_t>(count(in));
  OpCase c{.name = "expand_dims",
           .model =
               [=](ModelBuilder& b) {
                 const int t = b.input(in, Type::uint8);
                 const int a = known ? b.constant<int64_t>({}, {axis}) : b.input({1}, Type::int64);
                 b.op(Op::EXPAND_DIMS, {t, a}, {b.output(out, Type::uint8)});
               },
           .inputs = {values(x)},
           .outputs = {values(x)},
           .shapes = {out},
           .kernel_steps = 0};
  if (!known) c.inputs.push_back(values<int64_t>({axis}));
  return c;
}

TEST(ExpandDims, Cases) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(expand({2, 3}, 0, {1, 2, 3}, known));
    cases.push_back(expand({2, 3}, 2, {2, 3, 1}, known));
    cases.push_back(expand({2, 3}, -1, {2, 3, 1}, known));
    cases.push_back(expand({2, 3}, -3, {1, 2, 3}, known));
    cases.push_back(expand({}, 0, {1}, known));
  }
  run_op_cases(cases);
}

TEST(ExpandDims, Refuses) {
  const Index eight(8, 1);
  refuse_op_cases({
      {.name = "axis",
       .model = expand({2, 3}, 3, {1}, true).model,
       .message = "axis: expected -3 to 2, got 3"},
      {.name = "rank",
       .model = expand(eight, 0, {1}, true).model,
       .message = "has 8 dimensions already"},
  });
}

}  // namespace
}  // namespace cygnet::test
