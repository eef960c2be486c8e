// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

using Mode = schema::MirrorPadMode;

template <class I>
Move mirror(const Index& in, const std::vector<I>& paddings, Mode mode, bool known) {
  Index out = in;
  for (size_t d = 0; d < in.size(); ++d)
    out[d] += static_cast<int32_t>(paddings[2 * d] + paddings[2 * d + 1]);
  const Index shape{static_cast<int32_t>(in.size()), 2};
  Move m{.name = "mirror_pad",
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const int p = known ? b.constant<I>(shape, paddings) : b.input(shape, type_of<I>());
               b.op(Op::MIRROR_PAD, {x, p}, {y}, schema::CreateMirrorPadOptions(b.fbb(), mode), 2);
             },
         .source =
             [=](Index index) {
               for (size_t d = 0; d < index.size(); ++d) {
                 int32_t i = index[d] - static_cast<int32_t>(paddings[2 * d]);
                 // One step beyond an edge leads to the edge itself (symmetric) or its neighbour.
                 const int32_t beyond = mode == Mode::SYMMETRIC ? 1 : 0;
                 if (i < 0) i = -i - beyond;
                 if (i >= in[d]) i = in[d] - 1 - (i - (in[d] - 1)) + beyond;
                 index[d] = i;
               }
               return index;
             }};
  if (!known) m.more_inputs = {values(paddings)};
  return m;
}

TEST(MirrorPad, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(mirror<int32_t>({3}, {2, 2}, Mode::REFLECT, known));
    moves.push_back(mirror<int64_t>({3}, {3, 3}, Mode::SYMMETRIC, known));
    moves.push_back(mirror<int32_t>({2, 3}, {1, 1, 2, 0}, Mode::REFLECT, known));
    moves.push_back(mirror<int32_t>({2, 3}, {2, 1, 0, 3}, Mode::SYMMETRIC, known));
    moves.push_back(mirror<int32_t>({1, 4, 3, 2}, {0, 0, 1, 3, 2, 1, 0, 0}, Mode::REFLECT, known));
    moves.push_back(mirror<int32_t>({1, 1}, {1, 0, 0, 1}, Mode::SYMMETRIC, known));
    moves.push_back(mirror<int32_t>({1, 2}, {0, 0, 0, 0}, Mode::REFLECT, known));
    moves.push_back(mirror<int32_t>({0, 2}, {0, 0, 1, 1}, Mode::REFLECT, known));
    moves.push_back(mirror<int32_t>({}, {}, Mode::REFLECT, known));
    moves.push_back(mirror<int32_t>({60, 200}, {9, 30, 50, 7}, Mode::REFLECT, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const Index& in, const std::vector<int64_t>& paddings,
                                         Mode mode) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in);
    const int p = b.constant<int64_t>({static_cast<int32_t>(paddings.size() / 2), 2}, paddings);
    b.op(Op::MIRROR_PAD, {x, p}, {b.output(in)}, schema::CreateMirrorPadOptions(b.fbb(), mode));
  };
}

TEST(MirrorPad, Refuses) {
  refuse_op_cases({
      {.name = "reflect",
       .model = model({3}, {3, 0}, Mode::REFLECT),
       .message = "padding: expected 0 to 2, got 3"},
      {.name = "symmetric",
       .model = model({3}, {0, 4}, Mode::SYMMETRIC),
       .message = "padding: expected 0 to 3, got 4"},
      {.name = "negative",
       .model = model({3}, {-1, 0}, Mode::REFLECT),
       .message = "padding: expected 0 to 2, got -1"},
      {.name = "empty",
       .model = model({0}, {1, 0}, Mode::REFLECT),
       .message = "padding: expected 0 to 0, got 1"},
      {.name = "shape",
       .model = model({3, 3}, {1, 1}, Mode::REFLECT),
       .message = "input 1: expected shape [2,2], got [1,2]"},
  });
}

}  // namespace
}  // namespace cygnet::test
