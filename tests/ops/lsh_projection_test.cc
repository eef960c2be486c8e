// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/fingerprint.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Kind = schema::LSHProjectionType;
using Shape = std::vector<int32_t>;

uint64_t fingerprint(const std::string& text) {
  return base::Fingerprint::of(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// An empty string's is the constant that the function's description gives; of the others only that
// every byte counts, on both sides of each length at which the function changes.
TEST(Fingerprint, EveryByteCounts) {
  EXPECT_EQ(fingerprint(""), 0x9ae16a3b2f90404fu);
  for (size_t n : {1u, 3u, 4u, 8u, 16u, 17u, 32u, 33u, 64u, 65u, 128u, 129u, 200u}) {
    const std::string text(n, 'x');
    for (size_t i = 0; i < n; ++i) {
      std::string other = text;
      other[i] = 'y';
      EXPECT_NE(fingerprint(text), fingerprint(other)) << n << " " << i;
    }
  }
}

std::function<void(ModelBuilder&)> model(Kind kind, const Shape& seeds, const Shape& x,
                                         const Shape& weights, Type type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int s = b.input(seeds), i = b.input(x, type), w = b.input(weights);
    b.op(schema::BuiltinOperator::LSH_PROJECTION, {s, i, w}, {b.output({1}, Type::int32)},
         schema::CreateLSHProjectionOptions(b.fbb(), kind));
  };
}

TEST(LshProjection, Cases) {
  // The bit of a seed and one number, by the definition.
  const auto bit = [](float seed, int32_t x) {
    uint8_t key[8];
    std::memcpy(key, &seed, 4);
    std::memcpy(key + 4, &x, 4);
    return static_cast<int64_t>(base::Fingerprint::of(key, 8)) > 0 ? 1 : 0;
  };
  const std::vector<float> seeds = {0.5f, -1, 2, 0.25f};
  std::vector<int32_t> dense;
  for (float s : seeds) dense.push_back(bit(s, 77));
  const Values x = values<int32_t>({77}), one = values<float>({1}), back = values<float>({-1});
  const std::vector<int32_t> sparse = {2 * dense[0] + dense[1], 4 + 2 * dense[2] + dense[3]};
  const std::vector<int32_t> flipped = {1 - dense[0], 1 - dense[1], 1 - dense[2], 1 - dense[3]};
  run_op_cases({
      {.name = "dense",
       .model = model(Kind::DENSE, {2, 2}, {1}, {1}),
       .inputs = {values(seeds), x, one},
       .outputs = {values(dense)}},
      {.name = "weights",
       .model = model(Kind::DENSE, {2, 2}, {1}, {1}),
       .inputs = {values(seeds), x, back},
       .outputs = {values(flipped)}},
      {.name = "sparse",
       .model = model(Kind::SPARSE, {2, 2}, {1}, {1}),
       .inputs = {values(seeds), x, one},
       .outputs = {values(sparse)}},
  });
}

TEST(LshProjection, Refuses) {
  refuse_op_cases({
      {.name = "kind",
       .model = model(Kind::UNKNOWN, {2, 2}, {1}, {1}),
       .message = "type: expected SPARSE (1) or DENSE (2), got 0"},
      {.name = "bits",
       .model = model(Kind::DENSE, {2, 33}, {1}, {1}),
       .message = "bits: expected 0 to 32, got 33"},
      {.name = "weights",
       .model = model(Kind::DENSE, {2, 2}, {2}, {1}),
       .message = "input 2: expected shape [2], got [1]"},
      {.name = "rows",
       .model = model(Kind::DENSE, {2, 2}, {0}, {0}),
       .message = "rows of input 1: expected 1 to"},
      {.name = "type",
       .model = model(Kind::DENSE, {2, 2}, {1}, {1}, Type::complex64),
       .message = "type COMPLEX64 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
