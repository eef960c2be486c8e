// SPDX-License-Identifier: Apache-2.0
// What passes ask of a WHILE.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "passes/match.h"

namespace cygnet::passes {

/// A WHILE seen together with its condition and body. Argument k is operand k outside, input k of
/// condition and body inside; its next value is output k of the body, its last one result k.
struct Loop {
  int32_t node = -1;
  Patch& outer;
  Patch cond, body;

  size_t size() const { return outer.node(node).inputs.size(); }
  int32_t operand(size_t k) const { return outer.node(node).inputs[k]; }
  int32_t result(size_t k) const { return outer.node(node).outputs[k]; }
  int32_t argument(size_t k) const { return body.subgraph().inputs[k]; }
  int32_t next(size_t k) const { return body.subgraph().outputs[k]; }
  int32_t verdict() const { return cond.subgraph().outputs[0]; }
  /// Whether argument k is the same in every turn.
  bool invariant(size_t k) const { return next(k) == argument(k); }
  /// Whether someone outside reads the last value of argument k.
  bool read(size_t k) const {
    return outer.is_output(result(k)) || !outer.consumers(result(k)).empty();
  }
  /// Which argument a tensor of the body is; −1 for others.
  int argument_index(int32_t tensor) const;
};

/// The WHILE that node n is, where no other node calls its subgraphs.
std::unique_ptr<Loop> loop_of(Patch& patch, int32_t n);

/// A whole number that starts from a constant and grows by a constant in every turn.
struct Counter {
  int64_t start = 0, step = 0;
};
/// Argument k as a counter.
std::optional<Counter> counter_of(const Loop& loop, size_t k);

/// How many turns a loop takes whose condition is that counters are less than constants.
std::optional<int64_t> turns_of(const Loop& loop);

/// Whether every element of a float tensor is 0: a constant, or filled with it before a loop.
bool is_zero(const Patch& patch, int32_t tensor);

}  // namespace cygnet::passes
