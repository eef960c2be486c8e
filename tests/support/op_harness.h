// SPDX-License-Identifier: Apache-2.0
// Tests of single operators as lists of cases. Each case is a small model; the harness runs it on
// the plain loops and on the kernels of every tier that this CPU has, with 1 and 3 threads, in a
// poisoned arena, and compares with the expected values. Integers must have the same bits on every
// tier and for every number of threads.
//
//   TEST(Relu6, Cases) {
//     run_op_cases({
//         {.name = "clamps",
//          .model =
//              [](ModelBuilder& b) {
//                const int x = b.input({2, 2});
//                b.op(schema::BuiltinOperator::RELU6, {x}, {b.output({2, 2})});
//              },
//          .inputs = {values<float>({-1, 0.5, 6, 7})},
//          .outputs = {values<float>({0, 0.5, 6, 6})}},
//     });
//   }
//   TEST(Relu6, Refuses) {
//     refuse_op_cases({
//         {.name = "integers",
//          .model =
//              [](ModelBuilder& b) {
//                const int x = b.input({2}, Type::int64);
//                b.op(schema::BuiltinOperator::RELU6, {x}, {b.output({2}, Type::int64)});
//              },
//          .message = "input 0: type INT64 is not supported"},
//     });
//   }
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cygnet/custom_op.h"
#include "support/model_builder.h"

namespace cygnet::test {

/// The elements of a tensor, in order.
struct Values {
  Type type = Type::float32;
  std::vector<uint8_t> bytes;
};

/// Elements of T's type.
template <class T>
Values values(const std::vector<T>& elements) {
  Values v{type_of<T>(), std::vector<uint8_t>(elements.size() * sizeof(T))};
  if (!elements.empty()) std::memcpy(v.bytes.data(), elements.data(), v.bytes.size());
  return v;
}
/// bool elements; a std::vector<bool> has no memory to copy.
Values bools(const std::vector<bool>& elements);
/// float16 elements from their bits.
Values halves(const std::vector<uint16_t>& bits);

/// n numbers that depend on `seed` only, uniform in [low, high]; integers for integer T.
template <class T>
std::vector<T> random_elements(size_t n, uint32_t seed, double low, double high) {
  uint64_t state = seed * 0x9E3779B97F4A7C15ull + 0x1234567;
  std::vector<T> out(n);
  for (T& x : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const double unit = static_cast<double>(state >> 11) * 0x1p-53;
    const double wide = std::is_integral_v<T> ? 1.0 - 1e-9 : 0.0;
    const double number = low + unit * (high - low + wide);
    x = static_cast<T>(std::is_integral_v<T>
                           ? static_cast<double>(static_cast<int64_t>(number - low)) + low
                           : number);
  }
  return out;
}

/// A model that must run.
struct OpCase {
  std::string name;
  /// Adds tensors and the operator to the builder's main subgraph.
  std::function<void(ModelBuilder&)> model;
  std::vector<Values> inputs;   ///< one for each of the subgraph's inputs
  std::vector<Values> outputs;  ///< what is expected, one for each of the subgraph's outputs
  std::vector<std::vector<int32_t>> shapes = {};  ///< expected of the outputs; empty: not checked
  /// Floats: |got − expected| ≤ tolerance · max(1, |expected|). NaN is expected to be NaN.
  double tolerance = 1e-6;
  int plain_steps = 0;   ///< integers on the plain loops: largest difference
  int kernel_steps = 1;  ///< integers on kernels
};

/// A model that must be refused: by loading, allocating or the first run.
struct BadOpCase {
  std::string name;
  std::function<void(ModelBuilder&)> model;
  std::string message;              ///< must occur in the error's message
  std::vector<Values> inputs = {};  ///< for errors of the run; absent inputs are 0
};

/// Runs each case in every way; reports failures with the case's name and the way.
void run_op_cases(const std::vector<OpCase>& cases);
/// Expects each case to be refused, on the plain loops and on the kernels.
void refuse_op_cases(const std::vector<BadOpCase>& cases);

}  // namespace cygnet::test
