// SPDX-License-Identifier: Apache-2.0
#include "passes/loops.h"

#include <algorithm>
#include <cstdlib>

#include "edit/subgraphs.h"

namespace cygnet::passes {
namespace {

// The single integer of a tensor of a loop's condition or body: a constant there, or an argument
// that is the same constant in every turn.
std::optional<int64_t> fixed_integer(const Loop& loop, const Patch& inside, int32_t tensor) {
  if (const auto list = inside.integers(tensor); list && list->size() == 1) return (*list)[0];
  const auto inputs = inside.subgraph().inputs;
  const auto at = std::find(inputs.begin(), inputs.end(), tensor);
  if (at == inputs.end()) return std::nullopt;
  const auto k = static_cast<size_t>(at - inputs.begin());
  if (!loop.invariant(k)) return std::nullopt;
  const auto list = loop.outer.integers(loop.operand(k));
  if (!list || list->size() != 1) return std::nullopt;
  return (*list)[0];
}

// The turns that LESS or LESS_EQUAL of the condition allows.
std::optional<int64_t> turns_of_comparison(const Loop& loop, int32_t n) {
  const bool inclusive = loop.cond.is(n, Builtin::LESS_EQUAL);
  if (!inclusive && !loop.cond.is(n, Builtin::LESS)) return std::nullopt;
  const auto operands = loop.cond.node(n).inputs;
  const auto inputs = loop.cond.subgraph().inputs;
  const auto at = std::find(inputs.begin(), inputs.end(), operands[0]);
  const auto limit = fixed_integer(loop, loop.cond, operands[1]);
  if (at == inputs.end() || !limit) return std::nullopt;
  const auto counter = counter_of(loop, static_cast<size_t>(at - inputs.begin()));
  if (!counter || counter->step <= 0) return std::nullopt;
  if (std::max(std::abs(*limit / 2), std::abs(counter->start / 2)) > INT32_MAX) return std::nullopt;
  const int64_t distance = *limit - counter->start + (inclusive ? 1 : 0);
  return distance <= 0 ? 0 : (distance - 1) / counter->step + 1;
}

std::optional<int64_t> turns_of(const Loop& loop, int32_t verdict, int depth) {
  const int32_t both = loop.cond.producer(verdict, Builtin::LOGICAL_AND);
  if (both < 0 || depth == 0) return turns_of_comparison(loop, loop.cond.producer(verdict));
  const auto a = turns_of(loop, loop.cond.node(both).inputs[0], depth - 1);
  const auto b = turns_of(loop, loop.cond.node(both).inputs[1], depth - 1);
  if (!a || !b) return std::nullopt;
  return std::min(*a, *b);
}

}  // namespace

int Loop::argument_index(int32_t tensor) const {
  const auto inputs = body.subgraph().inputs;
  const auto at = std::find(inputs.begin(), inputs.end(), tensor);
  return at == inputs.end() ? -1 : static_cast<int>(at - inputs.begin());
}

std::unique_ptr<Loop> loop_of(Patch& patch, int32_t n) {
  if (!patch.is(n, Builtin::WHILE)) return nullptr;
  const auto called = called_subgraphs(patch.node(n));
  const auto callers = count_callers(patch.draft());
  if (!called || !callers || called->at(0) == called->at(1)) return nullptr;
  for (int32_t i : *called) {
    if ((*callers)[static_cast<size_t>(i)] != 1) return nullptr;
    for (const Signature& s : patch.draft().graph.signatures)
      if (s.subgraph == i) return nullptr;
  }
  return std::unique_ptr<Loop>(new Loop{n, patch,
                                        Patch(patch.draft(), patch.registry(), (*called)[0]),
                                        Patch(patch.draft(), patch.registry(), (*called)[1])});
}

std::optional<Counter> counter_of(const Loop& loop, size_t k) {
  const int32_t add = loop.body.producer(loop.next(k), Builtin::ADD);
  const auto start = loop.outer.integers(loop.operand(k));
  if (add < 0 || !start || start->size() != 1) return std::nullopt;
  const int32_t other = operand_beside(loop.body, add, loop.argument(k));
  if (other == kAbsent) return std::nullopt;
  const auto step = fixed_integer(loop, loop.body, other);
  if (!step) return std::nullopt;
  return Counter{(*start)[0], *step};
}

std::optional<int64_t> turns_of(const Loop& loop) {
  return turns_of(loop, loop.verdict(), 8);
}

bool is_zero(const Patch& patch, int32_t tensor) {
  const auto zero = [&](int32_t t) { return patch.uniform(t).value_or(1) == 0; };
  if (zero(tensor)) return true;
  if (const int32_t n = patch.producer(tensor, Builtin::FILL); n >= 0)
    return zero(patch.node(n).inputs[1]);
  const int32_t n = patch.producer(tensor, Builtin::SELECT_V2);
  if (n < 0 || !zero(patch.node(n).inputs[2])) return false;
  const auto condition = patch.integers(patch.node(n).inputs[0]);
  return condition &&
         std::all_of(condition->begin(), condition->end(), [](int64_t v) { return v == 0; });
}

}  // namespace cygnet::passes
