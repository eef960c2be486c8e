// SPDX-License-Identifier: Apache-2.0
// Cases for operators that only move elements: the test gives, for each index of the output, the
// index of the input that lies there.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "support/op_harness.h"

namespace cygnet::test {

using Index = std::vector<int32_t>;

/// Number of elements of a shape.
inline size_t count(const Index& shape) {
  return std::accumulate(shape.begin(), shape.end(), size_t{1},
                         [](size_t n, int32_t d) { return n * static_cast<size_t>(d); });
}

/// Place of an index in a dense tensor.
inline size_t flat(const Index& shape, const Index& index) {
  size_t at = 0;
  for (size_t i = 0; i < shape.size(); ++i)
    at = at * static_cast<size_t>(shape[i]) + static_cast<size_t>(index[i]);
  return at;
}

/// f(index) for every index of a shape, in order.
template <class T, class F>
std::vector<T> tabulate(const Index& shape, F f) {
  std::vector<T> out;
  const size_t n = count(shape);
  Index index(shape.size());
  for (size_t i = 0; i < n; ++i) {
    out.push_back(f(index));
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
  return out;
}

/// Elements that differ from their neighbours in every direction.
template <class T>
std::vector<T> distinct(size_t n, int first = 1) {
  std::vector<T> out(n);
  for (size_t i = 0; i < n; ++i)
    out[i] = static_cast<T>(static_cast<int64_t>(i * 37 + i / 256) + first);
  return out;
}

/// An operator with one moved input and one output of the same type.
struct Move {
  std::string name;
  Index in;
  Index out;
  /// Adds the operator: `x` is the input, `y` the output.
  std::function<void(ModelBuilder&, int x, int y)> add;
  /// Index in the input of what lies at an index of the output; empty: the fill value.
  std::function<Index(const Index&)> source;
  std::vector<Values> more_inputs = {};  ///< of the graph, after the moved one
  std::optional<Quant> quantization = {};
};

/// The case for elements of T; `fill` is what the operator adds.
template <class T>
OpCase move_case(const Move& m, T fill = T{}) {
  const std::vector<T> in = distinct<T>(count(m.in));
  OpCase c{.name = m.name + " of " + type_name(type_of<T>()),
           .model =
               [m](ModelBuilder& b) {
                 const int x = b.input(m.in, type_of<T>(), m.quantization);
                 m.add(b, x, b.output(m.out, type_of<T>(), m.quantization));
               },
           .inputs = {values(in)},
           .outputs = {values(tabulate<T>(m.out,
                                          [&](const Index& index) {
                                            const Index from = m.source(index);
                                            return from.empty() && !m.in.empty()
                                                       ? fill
                                                       : in[flat(m.in, from)];
                                          }))},
           .shapes = {m.out},
           .tolerance = 0,
           .kernel_steps = 0};
  c.inputs.insert(c.inputs.end(), m.more_inputs.begin(), m.more_inputs.end());
  return c;
}

/// Runs the moves with elements of 1, 2, 4 and 8 bytes.
inline void run_moves(const std::vector<Move>& moves) {
  std::vector<OpCase> cases;
  for (const Move& m : moves) {
    cases.push_back(move_case<int8_t>(m));
    cases.push_back(move_case<uint16_t>(m));
    cases.push_back(move_case<float>(m));
    cases.push_back(move_case<int64_t>(m));
  }
  run_op_cases(cases);
}

}  // namespace cygnet::test
