// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class I>
Move fill(const std::vector<I>& dims, bool known) {
  Move m{.name = "fill",
         .in = {},
         .out = Index(dims.begin(), dims.end()),
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const Index shape{static_cast<int32_t>(dims.size())};
               const int d = known ? b.constant<I>(shape, dims) : b.input(shape, type_of<I>());
               b.op(Op::FILL, {d, x}, {y}, schema::CreateFillOptions(b.fbb()));
             },
         .source = [](const Index&) { return Index(); }};
  if (!known) m.more_inputs = {values(dims)};
  return m;
}

TEST(Fill, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(fill<int32_t>({3}, known));
    moves.push_back(fill<int64_t>({2, 3, 5}, known));
    moves.push_back(fill<int32_t>({}, known));
    moves.push_back(fill<int32_t>({4, 0}, known));
    moves.push_back(fill<int32_t>({300, 71}, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const std::vector<int64_t>& dims, const Index& value = {},
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int d = b.constant<int64_t>({static_cast<int32_t>(dims.size())}, dims);
    const int x = b.input(value, type);
    b.op(Op::FILL, {d, x}, {b.output({1})});
  };
}

TEST(Fill, Refuses) {
  refuse_op_cases({
      {.name = "negative", .model = model({2, -1}), .message = "input 0: dimension 1 is -1"},
      {.name = "too large",
       .model = model({int64_t{1} << 40}),
       .message = "input 0: dimension 0 is 1099511627776"},
      {.name = "product", .model = model({1 << 20, 1 << 20}), .message = "T3: "},
      {.name = "rank",
       .model = model(std::vector<int64_t>(9, 1)),
       .message = "T2: input 0: more than 8 dimensions"},
      {.name = "value", .model = model({2}, {1}), .message = "input 1: expected rank 0, got 1"},
      {.name = "type",
       .model = model({2}, {}, Type::int32),
       .message = "output 0: expected type INT32 as input 1 has"},
  });
}

}  // namespace
}  // namespace cygnet::test
