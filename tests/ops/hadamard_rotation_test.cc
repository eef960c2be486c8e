// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "flatbuffers/flexbuffers.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

std::vector<uint8_t> options(int64_t size) {
  flexbuffers::Builder b;
  b.Map([&] {
    b.Int("hadamard_size", size);
    b.TypedVector("random_binary_vector", [&] { b.Int(1); });
  });
  b.Finish();
  return b.GetBuffer();
}

std::function<void(ModelBuilder&)> model(const std::vector<int32_t>& shape,
                                         const std::vector<uint8_t>& bytes,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(shape, type);
    b.custom_op("aeq.hadamard_rotation", {x}, {b.output(shape, type)}, bytes);
  };
}

// The sign of the matrix's element is that of (−1) to the number of ones that i and j share.
OpCase rotation(const std::vector<int32_t>& shape, int size) {
  size_t n = 1;
  for (int32_t d : shape) n *= static_cast<size_t>(d);
  const auto x = random_elements<float>(n, 4, -3, 3);
  std::vector<float> y;
  for (size_t i = 0; i < n; ++i) {
    const size_t row = i % static_cast<size_t>(size), run = i - row;
    double sum = 0;
    for (size_t j = 0; j < static_cast<size_t>(size); ++j)
      sum +=
          (__builtin_popcountll(row & j) % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(x[run + j]);
    y.push_back(static_cast<float>(sum / std::sqrt(size)));
  }
  return {.name = "size " + std::to_string(size),
          .model = model(shape, options(size)),
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {shape},
          .tolerance = 2e-6};
}

TEST(HadamardRotation, Cases) {
  run_op_cases({rotation({3, 2}, 1), rotation({3, 2}, 2), rotation({2, 3, 24}, 8),
                rotation({2, 64}, 64), rotation({5, 256}, 128), rotation({0, 4}, 4)});
}

TEST(HadamardRotation, Refuses) {
  refuse_op_cases({
      {.name = "power",
       .model = model({2, 6}, options(6)),
       .message = "expected a power of two, got 6"},
      {.name = "zero", .model = model({2, 4}, options(0)), .message = "hadamard_size"},
      {.name = "size", .model = model({2, 6}, options(4)), .message = "expected a multiple of 4"},
      {.name = "scalar", .model = model({}, options(1)), .message = "expected rank 1 to 8, got 0"},
      {.name = "no options", .model = model({2, 4}, {}), .message = "C10"},
      {.name = "type",
       .model = model({2, 4}, options(4), Type::int32),
       .message = "input 0: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
