// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

Move reverse(const Index& in, const std::vector<int32_t>& axes, bool known) {
  Move m{.name = "reverse_v2",
         .in = in,
         .out = in,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const Index shape{static_cast<int32_t>(axes.size())};
               const int a = known ? b.constant<int32_t>(shape, axes) : b.input(shape, Type::int32);
               b.op(Op::REVERSE_V2, {x, a}, {y}, schema::CreateReverseV2Options(b.fbb()), 3);
             },
         .source =
             [=](Index index) {
               for (int32_t axis : axes) {
                 const auto d =
                     static_cast<size_t>(axis < 0 ? axis + static_cast<int32_t>(in.size()) : axis);
                 index[d] = in[d] - 1 - index[d];
               }
               return index;
             }};
  if (!known) m.more_inputs = {values(axes)};
  return m;
}

TEST(ReverseV2, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(reverse({5}, {0}, known));
    moves.push_back(reverse({3, 4}, {0}, known));
    moves.push_back(reverse({3, 4}, {-1}, known));
    moves.push_back(reverse({3, 4}, {0, 1}, known));
    moves.push_back(reverse({2, 3, 4, 5}, {1, 3}, known));
    moves.push_back(reverse({2, 3, 4, 5}, {1, 2}, known));
    moves.push_back(reverse({2, 1, 3}, {1}, known));
    moves.push_back(reverse({2, 3}, {}, known));
    moves.push_back(reverse({0, 3}, {0, 1}, known));
    moves.push_back(reverse({}, {}, known));
    moves.push_back(reverse({130, 90}, {1}, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const std::vector<int32_t>& axes, bool known = true) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3});
    const Index shape{static_cast<int32_t>(axes.size())};
    const int a = known ? b.constant<int32_t>(shape, axes) : b.input(shape, Type::int32);
    b.op(Op::REVERSE_V2, {x, a}, {b.output({2, 3})});
  };
}

TEST(ReverseV2, Refuses) {
  refuse_op_cases({
      {.name = "axis", .model = model({2}), .message = "axis: expected -2 to 1, got 2"},
      {.name = "twice", .model = model({1, -1}), .message = "axis: dimension 1 is named twice"},
      {.name = "in the run",
       .model = model({0}, false),
       .message = "axis: expected -2 to 1, got -3",
       .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({-3})}},
  });
}

}  // namespace
}  // namespace cygnet::test
