// SPDX-License-Identifier: Apache-2.0
// RANDOM_UNIFORM, RANDOM_STANDARD_NORMAL, MULTINOMIAL, STABLEHLO_RNG_BIT_GENERATOR.
#include "ops/random.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Shape = std::vector<int32_t>;

std::function<void(ModelBuilder&)> draw(Op op, const Shape& shape, int64_t seed = 1) {
  return [=](ModelBuilder& b) {
    const int s = b.constant<int32_t>({static_cast<int32_t>(shape.size())}, shape);
    b.op(op, {s}, {b.output({1})}, schema::CreateRandomOptions(b.fbb(), seed, 2));
  };
}

std::function<void(ModelBuilder&)> multinomial(const Shape& logits, int32_t samples,
                                               Type out = Type::int64) {
  return [=](ModelBuilder& b) {
    const int x = b.input(logits), n = b.constant<int32_t>({}, {samples});
    b.op(Op::MULTINOMIAL, {x, n}, {b.output({1, 1}, out)},
         schema::CreateRandomOptions(b.fbb(), 1, 2));
  };
}

std::function<void(ModelBuilder&)> bits(int32_t words, schema::RngAlgorithm algorithm,
                                        Type type = Type::uint32) {
  return [=](ModelBuilder& b) {
    const int s = b.input({words}, Type::uint64);
    b.op(Op::STABLEHLO_RNG_BIT_GENERATOR, {s},
         {b.output({words}, Type::uint64), b.output({4}, type)},
         schema::CreateStablehloRngBitGeneratorOptions(b.fbb(), algorithm));
  };
}

// The vectors that the authors of both algorithms publish (Random123, kat_vectors).
TEST(Random, KnownAnswers) {
  const ops::Words4 zeros = ops::philox({}, {});
  EXPECT_EQ(zeros.w[0], 0x6627e8d5u);
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(ops::philox({{ones, ones}}, {{ones, ones, ones, ones}}).w[0], 0x408f276du);
  const ops::Words2 threefry = ops::threefry({}, {});
  EXPECT_EQ(threefry.w[0], 0x6b200159u);
  EXPECT_EQ(threefry.w[1], 0x99ba4efeu);
  EXPECT_EQ(ops::threefry({{ones, ones}}, {{ones, ones}}).w[0], 0x1cb996fcu);
}

TEST(Random, BitsAndState) {
  run_op_cases({
      {.name = "threefry",
       .model = bits(2, schema::RngAlgorithm::THREEFRY),
       .inputs = {values<uint64_t>({0, 0})},
       .outputs = {values<uint64_t>({0, 2}),
                   values<uint32_t>({0x6b200159u, 0x99ba4efeu, ops::threefry({}, {{1, 0}}).w[0],
                                     ops::threefry({}, {{1, 0}}).w[1]})}},
      {.name = "philox carries",
       .model = bits(3, schema::RngAlgorithm::PHILOX),
       .inputs = {values<uint64_t>({5, 0xffffffff, 7})},
       .outputs = {values<uint64_t>({5, uint64_t{1} << 32, 7}), values<uint32_t>([] {
                     const auto w = ops::philox({{5, 0}}, {{0xffffffff, 0, 7, 0}});
                     return std::vector<uint32_t>(w.w, w.w + 4);
                   }())}},
  });
}

TEST(Random, Draws) {
  std::vector<float> want;
  ops::PhiloxSequence sequence(1, 2, 0);
  for (int i = 0; i < 2; ++i)
    for (uint32_t w : sequence.next().w)
      want.push_back(static_cast<float>(w & 0x7fffff) / 8388608.0f);
  want.resize(6);
  run_op_cases({
      {.name = "uniform",
       .model = draw(Op::RANDOM_UNIFORM, {2, 3}),
       .inputs = {},
       .outputs = {values(want)},
       .shapes = {{2, 3}}},
      {.name = "one class that is possible",
       .model = multinomial({2, 3}, 4),
       .inputs = {values<float>({-INFINITY, 0, -INFINITY, 100, 0, 0})},
       .outputs = {values<int64_t>({1, 1, 1, 1, 0, 0, 0, 0})},
       .shapes = {{2, 4}}},
      {.name = "no number at all",
       .model = multinomial({1, 2}, 1, Type::int32),
       .inputs = {values<float>({NAN, NAN})},
       .outputs = {values<int32_t>({1})}},
  });
}

TEST(Random, Refuses) {
  refuse_op_cases({
      {.name = "negative",
       .model = draw(Op::RANDOM_STANDARD_NORMAL, {2, -3}),
       .message = "dimension 1 is -3"},
      {.name = "classes",
       .model = multinomial({1, 0}, 1),
       .message = "classes of input 0: expected 1 to"},
      {.name = "rank", .model = multinomial({3}, 1), .message = "input 0: expected rank 2"},
      {.name = "samples", .model = multinomial({1, 2}, -1), .message = "input 1: expected 0 to"},
      {.name = "type",
       .model = multinomial({1, 2}, 1, Type::float32),
       .message = "output 0: type FLOAT32 is not supported"},
      {.name = "state",
       .model = bits(3, schema::RngAlgorithm::THREEFRY),
       .message = "size of input 0: expected 2 to 2, got 3"},
      {.name = "short",
       .model = bits(1, schema::RngAlgorithm::DEFAULT),
       .message = "size of input 0: expected 2 to 3, got 1"},
      {.name = "floats",
       .model = bits(2, schema::RngAlgorithm::DEFAULT, Type::float32),
       .message = "output 1: type FLOAT32 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
