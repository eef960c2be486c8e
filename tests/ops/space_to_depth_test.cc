// SPDX-License-Identifier: Apache-2.0
// SPACE_TO_DEPTH and DEPTH_TO_SPACE.
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

Move to_depth(const Index& in, int block) {
  const int32_t c = in[3];
  return {.name = "space_to_depth",
          .in = in,
          .out = {in[0], in[1] / block, in[2] / block, c * block * block},
          .add =
              [=](ModelBuilder& b, int x, int y) {
                b.op(Op::SPACE_TO_DEPTH, {x}, {y},
                     schema::CreateSpaceToDepthOptions(b.fbb(), block));
              },
          .source =
              [=](const Index& i) {
                const int place = i[3] / c;
                return Index{i[0], i[1] * block + place / block, i[2] * block + place % block,
                             i[3] % c};
              }};
}

Move to_space(const Index& in, int block) {
  const int32_t c = in[3] / (block * block);
  return {.name = "depth_to_space",
          .in = in,
          .out = {in[0], in[1] * block, in[2] * block, c},
          .add =
              [=](ModelBuilder& b, int x, int y) {
                b.op(Op::DEPTH_TO_SPACE, {x}, {y},
                     schema::CreateDepthToSpaceOptions(b.fbb(), block));
              },
          .source =
              [=](const Index& i) {
                const int place = i[1] % block * block + i[2] % block;
                return Index{i[0], i[1] / block, i[2] / block, place * c + i[3]};
              }};
}

TEST(SpaceToDepth, Cases) {
  run_moves({to_depth({1, 2, 2, 1}, 2), to_depth({2, 4, 6, 3}, 2), to_depth({1, 6, 3, 2}, 3),
             to_depth({2, 3, 5, 4}, 1), to_depth({1, 4, 4, 1}, 4), to_depth({0, 4, 4, 1}, 2),
             to_depth({1, 0, 4, 2}, 2), to_depth({2, 64, 64, 5}, 2)});
}

TEST(DepthToSpace, Cases) {
  run_moves({to_space({1, 1, 1, 4}, 2), to_space({2, 2, 3, 12}, 2), to_space({1, 2, 1, 18}, 3),
             to_space({2, 3, 5, 4}, 1), to_space({1, 2, 2, 0}, 2), to_space({1, 0, 2, 4}, 2),
             to_space({2, 32, 32, 20}, 2)});
}

std::function<void(ModelBuilder&)> model(Op code, const Index& in, int block) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in), y = b.output({1, 1, 1, 1});
    if (code == Op::SPACE_TO_DEPTH)
      b.op(code, {x}, {y}, schema::CreateSpaceToDepthOptions(b.fbb(), block));
    else
      b.op(code, {x}, {y}, schema::CreateDepthToSpaceOptions(b.fbb(), block));
  };
}

TEST(SpaceToDepth, Refuses) {
  const Op code = Op::SPACE_TO_DEPTH;
  refuse_op_cases({
      {.name = "rank",
       .model = model(code, {2, 2, 1}, 2),
       .message = "input 0: expected rank 4, got 3"},
      {.name = "zero",
       .model = model(code, {1, 2, 2, 1}, 0),
       .message = "block_size: expected 1 to"},
      {.name = "negative",
       .model = model(code, {1, 2, 2, 1}, -2),
       .message = "block_size: expected 1 to"},
      {.name = "height",
       .model = model(code, {1, 3, 2, 1}, 2),
       .message = "block_size 2 does not divide"},
      {.name = "width",
       .model = model(code, {1, 2, 3, 1}, 2),
       .message = "block_size 2 does not divide"},
      {.name = "overflow",
       .model = model(code, {1, 0, 0, 3}, 2147483647),
       .message = "too many channels"},
  });
}

TEST(DepthToSpace, Refuses) {
  const Op code = Op::DEPTH_TO_SPACE;
  refuse_op_cases({
      {.name = "rank",
       .model = model(code, {2, 2, 4}, 2),
       .message = "input 0: expected rank 4, got 3"},
      {.name = "zero",
       .model = model(code, {1, 2, 2, 4}, 0),
       .message = "block_size: expected 1 to"},
      {.name = "channels",
       .model = model(code, {1, 2, 2, 6}, 2),
       .message = "its square does not divide"},
      {.name = "overflow",
       .model = model(code, {1, 2, 2, 0}, 2147483647),
       .message = "too large an output"},
  });
}

}  // namespace
}  // namespace cygnet::test
