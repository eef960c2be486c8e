// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

Move transpose(const Index& in, const Index& permutation, bool known = true) {
  Index out;
  for (int32_t p : permutation)
    out.push_back(in[static_cast<size_t>(p < 0 ? p + static_cast<int32_t>(in.size()) : p)]);
  const int32_t rank = static_cast<int32_t>(in.size());
  Move m{.name = "transpose",
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const int p =
                   known ? b.constant<int32_t>({rank}, permutation) : b.input({rank}, Type::int32);
               b.op(Op::TRANSPOSE, {x, p}, {y});
             },
         .source =
             [=](const Index& index) {
               Index from(in.size());
               for (size_t i = 0; i < in.size(); ++i)
                 from[static_cast<size_t>((permutation[i] + rank) % rank)] = index[i];
               return from;
             }};
  if (!known) m.more_inputs = {values<int32_t>(permutation)};
  return m;
}

TEST(Transpose, EveryPermutationOfFourDimensions) {
  std::vector<Move> moves;
  Index permutation = {0, 1, 2, 3};
  do moves.push_back(transpose({2, 3, 4, 5}, permutation));
  while (std::next_permutation(permutation.begin(), permutation.end()));
  run_moves(moves);
}

TEST(Transpose, Edges) {
  run_moves({
      transpose({}, {}),
      transpose({7}, {0}),
      transpose({1, 5, 1}, {2, 0, 1}),
      transpose({3, 0, 4}, {2, 1, 0}),
      transpose({3, 4}, {-1, -2}),
      transpose({2, 3, 4}, {2, 0, 1}, false),
      transpose({2, 1, 3, 2, 1, 2, 2, 3}, {7, 6, 5, 4, 3, 2, 1, 0}),
  });
}

TEST(Transpose, LargeOnSeveralThreads) {
  run_moves({
      transpose({150, 170}, {1, 0}),
      transpose({3, 70, 90, 3}, {0, 3, 1, 2}),
      transpose({40, 50, 48}, {1, 0, 2}),
      transpose({2, 90000}, {0, 1}),
  });
}

// Blocks: whole ones, tails that lie over them, sides below a block, lines contiguous in any
// dimension, strides of powers of two.
TEST(Transpose, Blocks) {
  run_moves({
      transpose({16, 16}, {1, 0}),
      transpose({64, 128}, {1, 0}),
      transpose({17, 130}, {1, 0}),
      transpose({67, 19}, {1, 0}),
      transpose({15, 33}, {1, 0}),
      transpose({3, 21, 37}, {0, 2, 1}),
      transpose({33, 3, 29}, {2, 1, 0}),
      transpose({2, 18, 5, 23}, {0, 3, 2, 1}),
      transpose({1, 20, 18, 2}, {0, 2, 1, 3}),
      transpose({2, 19, 17, 3}, {0, 2, 1, 3}),
      transpose({20, 4, 6, 31}, {3, 1, 2, 0}),
  });
}

TEST(Transpose, Refuses) {
  const auto model = [](const Index& in, const Index& permutation, Type type = Type::float32) {
    return [=](ModelBuilder& b) {
      const int x = b.input(in, type);
      const int p = b.constant<int32_t>({static_cast<int32_t>(permutation.size())}, permutation);
      b.op(Op::TRANSPOSE, {x, p}, {b.output({1}, type)});
    };
  };
  refuse_op_cases({
      {.name = "twice",
       .model = model({2, 3}, {1, 1}),
       .message = "permutation: dimension 1 is named twice"},
      {.name = "twice, negative",
       .model = model({2, 3}, {1, -1}),
       .message = "dimension 1 is named twice"},
      {.name = "twice while running",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2, 3}), p = b.input({2}, Type::int32);
             b.op(Op::TRANSPOSE, {x, p}, {b.output({1})});
           },
       .message = "permutation: dimension 1 is named twice",
       .inputs = {values(std::vector<float>(6)), values<int32_t>({1, 1})}},
      {.name = "range",
       .model = model({2, 3}, {0, 2}),
       .message = "permutation: expected -2 to 1, got 2"},
      {.name = "length",
       .model = model({2, 3}, {0}),
       .message = "input 1: expected shape [2], got [1]"},
      {.name = "int2",
       .model = model({2, 3}, {0, 1}, Type::int2),
       .message = "input 0: type INT2 is not supported"},
      {.name = "string", .model = model({2, 3}, {0, 1}, Type::string), .message = "STRING"},
  });
}

}  // namespace
}  // namespace cygnet::test
