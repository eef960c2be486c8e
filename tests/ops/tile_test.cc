// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class I>
Move tile(const Index& in, const std::vector<I>& times, bool known) {
  Index out;
  for (size_t d = 0; d < in.size(); ++d) out.push_back(in[d] * static_cast<int32_t>(times[d]));
  Move m{.name = "tile",
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const Index shape{static_cast<int32_t>(times.size())};
               const int t = known ? b.constant<I>(shape, times) : b.input(shape, type_of<I>());
               b.op(Op::TILE, {x, t}, {y}, schema::CreateTileOptions(b.fbb()));
             },
         .source =
             [=](Index index) {
               for (size_t d = 0; d < index.size(); ++d) index[d] %= in[d];
               return index;
             }};
  if (!known) m.more_inputs = {values(times)};
  return m;
}

TEST(Tile, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(tile<int32_t>({3}, {4}, known));
    moves.push_back(tile<int64_t>({2, 3}, {1, 2}, known));
    moves.push_back(tile<int32_t>({2, 3}, {3, 1}, known));
    moves.push_back(tile<int32_t>({2, 3, 2}, {2, 1, 3}, known));
    moves.push_back(tile<int32_t>({1, 1, 3}, {2, 4, 2}, known));
    moves.push_back(tile<int32_t>({2, 3}, {0, 2}, known));
    moves.push_back(tile<int32_t>({2, 0}, {5, 2}, known));
    moves.push_back(tile<int32_t>({}, {}, known));
    moves.push_back(tile<int32_t>({2, 1, 2, 1, 2, 1, 2, 2}, {2, 2, 1, 2, 2, 2, 2, 2}, known));
    moves.push_back(tile<int32_t>({40, 7}, {5, 60}, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const std::vector<int64_t>& times,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3}, type);
    const int t = b.constant<int64_t>({static_cast<int32_t>(times.size())}, times);
    b.op(Op::TILE, {x, t}, {b.output({1, 1})});
  };
}

TEST(Tile, Refuses) {
  refuse_op_cases({
      {.name = "negative", .model = model({1, -1}), .message = "input 1: dimension 1 is -1"},
      {.name = "huge",
       .model = model({1, INT64_MAX}),
       .message = "input 1: dimension 1 is 9223372036854775807"},
      {.name = "dimension",
       .model = model({1, 2000000000}),
       .message = "T3: tiled dimension: expected 0 to 2147483647, got 6000000000"},
      {.name = "length", .model = model({1}), .message = "input 1: expected shape [2], got [1]"},
      {.name = "type",
       .model = model({1, 1}, Type::int8),
       .message = "output 0: expected type INT8 as input 0 has"},
  });
}

}  // namespace
}  // namespace cygnet::test
