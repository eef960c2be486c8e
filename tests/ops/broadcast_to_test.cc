// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class I>
Move broadcast(const Index& in, const std::vector<I>& to, bool known) {
  Move m{.name = "broadcast_to",
         .in = in,
         .out = Index(to.begin(), to.end()),
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const Index shape{static_cast<int32_t>(to.size())};
               const int t = known ? b.constant<I>(shape, to) : b.input(shape, type_of<I>());
               b.op(Op::BROADCAST_TO, {x, t}, {y}, schema::CreateBroadcastToOptions(b.fbb()), 2);
             },
         .source =
             [=](const Index& index) {
               Index from(index.end() - static_cast<std::ptrdiff_t>(in.size()), index.end());
               for (size_t d = 0; d < from.size(); ++d)
                 if (in[d] == 1) from[d] = 0;
               return from;
             }};
  if (!known) m.more_inputs = {values(to)};
  return m;
}

TEST(BroadcastTo, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(broadcast<int32_t>({3}, {2, 3}, known));
    moves.push_back(broadcast<int64_t>({3, 1}, {3, 4}, known));
    moves.push_back(broadcast<int32_t>({}, {2, 2}, known));
    moves.push_back(broadcast<int32_t>({}, {}, known));
    moves.push_back(broadcast<int32_t>({2, 1, 3, 1}, {4, 2, 5, 3, 2}, known));
    moves.push_back(broadcast<int32_t>({1, 3}, {0, 3}, known));
    moves.push_back(broadcast<int32_t>({0, 1}, {0, 3}, known));
    moves.push_back(broadcast<int32_t>({1, 2, 1, 2, 1, 2, 1, 2}, {2, 2, 2, 2, 2, 2, 2, 2}, known));
    moves.push_back(broadcast<int32_t>({1, 300}, {100, 300}, known));
    moves.push_back(broadcast<int32_t>({100, 1}, {100, 300}, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> to(const Index& in, const std::vector<int32_t>& shape) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in);
    const int t = b.constant<int32_t>({static_cast<int32_t>(shape.size())}, shape);
    b.op(Op::BROADCAST_TO, {x, t}, {b.output({1})});
  };
}

TEST(BroadcastTo, Refuses) {
  refuse_op_cases({
      {.name = "shapes",
       .model = to({2, 3}, {2, 4}),
       .message = "input 0: shape [2,3] does not broadcast to [2,4]"},
      {.name = "smaller",
       .model = to({2, 3}, {2, 1}),
       .message = "input 0: shape [2,3] does not broadcast to [2,1]"},
      {.name = "rank",
       .model = to({2, 3}, {3}),
       .message = "length of input 1: expected 2 to 8, got 1"},
      {.name = "too many", .model = to({1}, Index(9, 1)), .message = "expected 1 to 8, got 9"},
      {.name = "negative", .model = to({1}, {-1}), .message = "input 1: dimension 0 is -1"},
  });
}

template <class T>
OpCase args(const std::vector<T>& a, const std::vector<T>& c, const std::vector<T>& expected) {
  const auto length = [](const std::vector<T>& v) { return static_cast<int32_t>(v.size()); };
  return {.name = "broadcast_args",
          .model =
              [=](ModelBuilder& b) {
                const int x = b.input({length(a)}, type_of<T>());
                const int y = b.input({length(c)}, type_of<T>());
                b.op(Op::BROADCAST_ARGS, {x, y}, {b.output({length(expected)}, type_of<T>())});
              },
          .inputs = {values(a), values(c)},
          .outputs = {values(expected)},
          .shapes = {{length(expected)}},
          .kernel_steps = 0};
}

TEST(BroadcastArgs, Cases) {
  run_op_cases({
      args<int32_t>({2, 1, 3}, {4, 1}, {2, 4, 3}),
      args<int64_t>({3}, {2, 3}, {2, 3}),
      args<int32_t>({}, {5, 6}, {5, 6}),
      args<int32_t>({0, 1}, {1, 7}, {0, 7}),
      args<int64_t>({}, {}, {}),
  });
}

TEST(BroadcastArgs, Refuses) {
  refuse_op_cases({
      {.name = "dimensions",
       .model = args<int32_t>({0, 0}, {0, 0}, {0, 0}).model,
       .message = "dimensions 2 and 3 do not broadcast",
       .inputs = {values<int32_t>({2, 1}), values<int32_t>({3, 1})}},
      {.name = "types",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({1}, Type::int32), y = b.input({1}, Type::int64);
             b.op(Op::BROADCAST_ARGS, {x, y}, {b.output({1}, Type::int32)});
           },
       .message = "input 1: expected type INT32 as input 0 has, got INT64"},
      {.name = "rank",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({1, 1}, Type::int32), y = b.input({1}, Type::int32);
             b.op(Op::BROADCAST_ARGS, {x, y}, {b.output({1}, Type::int32)});
           },
       .message = "input 0: expected rank 1, got 2"},
  });
}

}  // namespace
}  // namespace cygnet::test
