// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"
#include "ops/string_values.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// `shape`: of the indices, whose values are `indices`.
template <class I>
Move gather(const Index& in, const Index& shape, const std::vector<I>& indices, bool known) {
  const auto depth = static_cast<size_t>(shape.back());
  Index out(shape.begin(), shape.end() - 1);
  const size_t lead = out.size();
  out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(depth), in.end());
  Move m{.name = "gather_nd",
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const int i = known ? b.constant<I>(shape, indices) : b.input(shape, type_of<I>());
               b.op(Op::GATHER_ND, {x, i}, {y}, 5);
             },
         .source =
             [=](const Index& index) {
               Index row(index.begin(), index.begin() + static_cast<std::ptrdiff_t>(lead));
               const size_t at = flat(Index(shape.begin(), shape.end() - 1), row) * depth;
               Index from(indices.begin() + static_cast<std::ptrdiff_t>(at),
                          indices.begin() + static_cast<std::ptrdiff_t>(at + depth));
               from.insert(from.end(), index.begin() + static_cast<std::ptrdiff_t>(lead),
                           index.end());
               return from;
             }};
  if (!known) m.more_inputs = {values<I>(indices)};
  return m;
}

TEST(GatherNd, Strings) {
  run_op_cases({{.name = "rows",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.constant_strings({2, 2}, {"a", "bb", "", "d"}),
                                 i = b.input({2, 1}, Type::int32);
                       b.op(schema::BuiltinOperator::GATHER_ND, {x, i},
                            {b.output({2, 2}, Type::string)},
                            schema::CreateGatherNdOptions(b.fbb()));
                     },
                 .inputs = {values<int32_t>({1, 0})},
                 .outputs = {string_values({"", "d", "a", "bb"})}}});
}

TEST(GatherNd, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(gather<int32_t>({4}, {3, 1}, {3, 0, 3}, known));
    moves.push_back(gather<int32_t>({4, 5}, {2, 1}, {3, 1}, known));
    moves.push_back(gather<int32_t>({4, 5}, {2, 2}, {3, 1, 0, 4}, known));
    moves.push_back(gather<int64_t>({2, 3, 4}, {2, 2, 2}, {1, 2, 0, 0, 1, 1, 0, 2}, known));
    moves.push_back(gather<int16_t>({2, 3, 4}, {3}, {1, 2, 3}, known));
    moves.push_back(gather<int32_t>({3, 2}, {1}, {2}, known));
    moves.push_back(gather<int32_t>({3, 0}, {2, 1}, {2, 0}, known));
    moves.push_back(gather<int32_t>({3, 2}, {0, 1}, {}, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const Index& in, const Index& shape,
                                         Type type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in), i = b.input(shape, type);
    b.op(Op::GATHER_ND, {x, i}, {b.output({1})});
  };
}

TEST(GatherNd, ChecksIndicesInEveryRun) {
  const auto run = [](int32_t y, int32_t x, const std::string& message) {
    return BadOpCase{.name = message,
                     .model = model({2, 3}, {2, 2}),
                     .message = message,
                     .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({0, 0, y, x})}};
  };
  refuse_op_cases({
      run(2, 0, "index 2 at position 2 is not in dimension 0 of input 0 [2,3]"),
      run(-1, 0, "index -1 at position 2 is not in dimension 0"),
      run(1, 3, "index 3 at position 3 is not in dimension 1"),
      run(1, -2147483647 - 1, "index -2147483648 at position 3 is not in dimension 1"),
  });
}

TEST(GatherNd, Refuses) {
  refuse_op_cases({
      {.name = "depth",
       .model = model({2, 3}, {2, 3}),
       .message = "last dimension of input 1: expected 1 to 2, got 3"},
      {.name = "no depth",
       .model = model({2, 3}, {2, 0}),
       .message = "last dimension of input 1: expected 1"},
      {.name = "scalar index",
       .model = model({2, 3}, {}),
       .message = "input 1: expected rank 1 to 8, got 0"},
      {.name = "scalar",
       .model = model({}, {1}),
       .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "float index",
       .model = model({2}, {1, 1}, Type::float32),
       .message = "input 1: type FLOAT32 is not supported"},
      {.name = "rank",
       .model = model(Index(6, 1), {1, 1, 1, 1, 1}),
       .message = "T2: rank of output 0: expected 0 to 8, got 9"},
  });
}

}  // namespace
}  // namespace cygnet::test
