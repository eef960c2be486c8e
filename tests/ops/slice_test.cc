// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// Sizes of −1 are written as they are; `out` is the resulting shape.
template <class I>
Move slice(const Index& in, const std::vector<I>& begin, const std::vector<I>& size,
           const Index& out, bool known) {
  const auto rank = static_cast<int32_t>(in.size());
  Move m{
      .name = "slice",
      .in = in,
      .out = out,
      .add =
          [=](ModelBuilder& b, int x, int y) {
            const int first = known ? b.constant<I>({rank}, begin) : b.input({rank}, type_of<I>());
            const int sizes = known ? b.constant<I>({rank}, size) : b.input({rank}, type_of<I>());
            b.op(Op::SLICE, {x, first, sizes}, {y}, schema::CreateSliceOptions(b.fbb()), 3);
          },
      .source =
          [=](Index index) {
            for (size_t d = 0; d < index.size(); ++d) index[d] += static_cast<int32_t>(begin[d]);
            return index;
          }};
  if (!known) m.more_inputs = {values(begin), values(size)};
  return m;
}

TEST(Slice, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(slice<int32_t>({6}, {2}, {3}, {3}, known));
    moves.push_back(slice<int64_t>({6}, {2}, {-1}, {4}, known));
    moves.push_back(slice<int32_t>({4, 5}, {1, 0}, {2, 5}, {2, 5}, known));
    moves.push_back(slice<int32_t>({4, 5}, {0, 3}, {-1, -1}, {4, 2}, known));
    moves.push_back(slice<int64_t>({2, 3, 4, 2, 3, 2}, {1, 0, 1, 0, 2, 1}, {1, 2, 3, 2, 1, 1},
                                   {1, 2, 3, 2, 1, 1}, known));
    moves.push_back(slice<int32_t>({4, 5}, {4, 0}, {-1, 5}, {0, 5}, known));
    moves.push_back(slice<int32_t>({4, 5}, {0, 5}, {4, 0}, {4, 0}, known));
    moves.push_back(slice<int32_t>({300, 70}, {7, 3}, {200, 60}, {200, 60}, known));
    moves.push_back(slice<int32_t>({}, {}, {}, {}, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const std::vector<int32_t>& begin,
                                         const std::vector<int32_t>& size,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3}, type);
    const int first = b.constant<int32_t>({static_cast<int32_t>(begin.size())}, begin);
    const int sizes = b.constant<int32_t>({static_cast<int32_t>(size.size())}, size);
    b.op(Op::SLICE, {x, first, sizes}, {b.output({1, 1})});
  };
}

TEST(Slice, Refuses) {
  refuse_op_cases({
      {.name = "begin", .model = model({0, 4}, {1, 0}), .message = "begin: expected 0 to 3, got 4"},
      {.name = "negative begin",
       .model = model({-1, 0}, {1, 1}),
       .message = "begin: expected 0 to 2, got -1"},
      {.name = "size", .model = model({1, 0}, {2, 1}), .message = "size: expected -1 to 1, got 2"},
      {.name = "negative size",
       .model = model({0, 0}, {1, -2}),
       .message = "size: expected -1 to 3, got -2"},
      {.name = "most negative",
       .model = model({0, INT32_MIN}, {1, INT32_MIN}),
       .message = "begin: expected 0 to 3"},
      {.name = "size while running",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({3, 3}), first = b.input({2}, Type::int32),
                       size = b.input({2}, Type::int32);
             b.op(Op::SLICE, {x, first, size}, {b.output({1})});
           },
       .message = "size: expected -1 to 2, got 3",
       .inputs = {values(std::vector<float>(9)), values<int32_t>({1, 0}), values<int32_t>({3, 1})}},
      {.name = "length",
       .model = model({0}, {1, 1}),
       .message = "input 1: expected shape [2], got [1]"},
      {.name = "type",
       .model = model({0, 0}, {1, 1}, Type::int8),
       .message = "output 0: expected type INT8 as input 0 has, got FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
