// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Function = schema::ReduceWindowFunction;
using Numbers = std::vector<int64_t>;

std::function<void(ModelBuilder&)> plain(const Numbers& size, const Numbers& stride,
                                         const Numbers& dilation, Function function = Function::ADD,
                                         Type type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({5}, type), init = b.input({}, type);
    const auto n = [&](const Numbers& v) {
      return b.constant<int64_t>({static_cast<int32_t>(v.size())}, v);
    };
    const int w = n(size), s = n(stride), d = n(dilation);
    b.op(Op::REDUCE_WINDOW, {x, init, w, s, d}, {b.output({1}, type)},
         schema::CreateReduceWindowOptions(b.fbb(), function));
  };
}

struct Window {
  Numbers size = {2, 2}, stride = {1, 1}, base = {1, 1}, dilation = {1, 1}, pad = {0, 0, 0, 0};
};

std::function<void(ModelBuilder&)> stablehlo(const Window& w, std::vector<Op> body) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 2}, Type::int32), init = b.input({1}, Type::int32);
    auto& f = b.fbb();
    b.op(Op::STABLEHLO_REDUCE_WINDOW, {x, init}, {b.output({1, 1}, Type::int32)},
         schema::CreateStablehloReduceWindowOptionsDirect(f, &w.size, &w.stride, &w.base,
                                                          &w.dilation, &w.pad, 1));
    b.add_subgraph("body");
    for (Op op : body) {
      const int p = b.input({}, Type::int32), q = b.input({}, Type::int32);
      b.op(op, {p, q}, {b.output({}, Type::int32)});
    }
    b.use_subgraph(0);
  };
}

TEST(ReduceWindow, Cases) {
  const Values x = values<int32_t>({1, 2, 3, 4, 5}), zero = values<int32_t>({0});
  run_op_cases({
      {.name = "sum of every other",
       .model = plain({2}, {1}, {2}),
       .inputs = {x, zero},
       .outputs = {values<int32_t>({4, 6, 8})}},
      {.name = "maximum in steps",
       .model = plain({3}, {2}, {1}, Function::MAXIMUM),
       .inputs = {x, zero},
       .outputs = {values<int32_t>({3, 5})}},
      {.name = "all",
       .model = plain({5}, {1}, {1}, Function::ALL),
       .inputs = {x, values<int32_t>({7})},
       .outputs = {values<int32_t>({1})}},
      {.name = "too wide",
       .model = plain({6}, {1}, {1}),
       .inputs = {x, zero},
       .outputs = {values<int32_t>({})},
       .shapes = {{0}}},
      {.name = "bools",
       .model = plain({2}, {1}, {1}, Function::ADD, Type::boolean),
       .inputs = {bools({true, true, false, false, true}), bools({false})},
       .outputs = {bools({true, true, false, true})}},
      {.name = "StableHLO: padding and base dilation add the initial value",
       .model = stablehlo({.size = {1, 3}, .base = {1, 2}, .pad = {0, 0, 1, 1}}, {Op::ADD}),
       .inputs = {values<int32_t>({1, 2, 3, 4}), values<int32_t>({10})},
       .outputs = {values<int32_t>({31, 23, 32, 33, 27, 34})},
       .shapes = {{2, 3}}},
      {.name = "StableHLO: negative padding cuts off",
       .model = stablehlo({.size = {1, 1}, .pad = {-1, 0, 0, 0}}, {Op::MAXIMUM}),
       .inputs = {values<int32_t>({1, 2, 3, 4}), values<int32_t>({0})},
       .outputs = {values<int32_t>({3, 4})},
       .shapes = {{1, 2}}},
  });
}

TEST(ReduceWindow, Refuses) {
  refuse_op_cases({
      {.name = "size", .model = plain({0}, {1}, {1}), .message = "window: expected sizes"},
      {.name = "stride", .model = plain({1}, {0}, {1}), .message = "window: expected sizes"},
      {.name = "dilation", .model = plain({1}, {1}, {-1}), .message = "window: expected sizes"},
      {.name = "large", .model = plain({1}, {1}, {INT64_MAX}), .message = "beyond 2147483647"},
      {.name = "count", .model = plain({1, 1}, {1}, {1}), .message = "input 2: expected shape [1]"},
      {.name = "function",
       .model = plain({1}, {1}, {1}, Function::UNSUPPORTED),
       .message = "reduce_function: expected a sum"},
      {.name = "type",
       .model = plain({1}, {1}, {1}, Function::ADD, Type::uint32),
       .message = "type UINT32 is not supported"},
      {.name = "base",
       .model = stablehlo({.base = {0, 1}}, {Op::ADD}),
       .message = "window: expected sizes"},
      {.name = "cut",
       .model = stablehlo({.pad = {-2, -1, 0, 0}}, {Op::ADD}),
       .message = "padding: -2 and -1 cut more than 2"},
      {.name = "numbers",
       .model = stablehlo({.stride = {1}}, {Op::ADD}),
       .message = "window_strides: expected 2 numbers, got 1"},
      {.name = "body",
       .model = stablehlo({}, {Op::SUB}),
       .message = "the body's subgraph: expected a sum"},
      {.name = "bodies",
       .model = stablehlo({}, {Op::ADD, Op::ADD}),
       .message = "the body's subgraph: expected a sum"},
      {.name = "elements",
       .model = stablehlo({.size = {1 << 20, 1 << 20}, .pad = {1 << 20, 0, 1 << 20, 0}}, {Op::ADD}),
       .message = "the window has more than 2147483647 elements"},
  });
}

}  // namespace
}  // namespace cygnet::test
