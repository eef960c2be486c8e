// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "passes/loops.h"

namespace cygnet::passes {
namespace {

// Takes the marked arguments out of the loop; nobody reads them any more.
void remove_arguments(Loop& loop, const std::set<size_t>& gone) {
  std::vector<int32_t> operands, results, in, arguments, next;
  for (size_t k = 0; k < loop.size(); ++k) {
    if (gone.contains(k)) continue;
    operands.push_back(loop.operand(k));
    results.push_back(loop.result(k));
    in.push_back(loop.cond.subgraph().inputs[k]);
    arguments.push_back(loop.argument(k));
    next.push_back(loop.next(k));
  }
  loop.outer.set_inputs_of(loop.node, operands);
  loop.outer.set_outputs_of(loop.node, results);
  loop.cond.set_inputs(in);
  loop.body.set_inputs(arguments);
  loop.body.set_outputs(next);
  loop.body.remove_dead();
  loop.body.finish();
  loop.cond.finish();
}

bool has_effects(const Node& node) {
  return node.op == nullptr || (!node.op->pure && node.op->variable_inputs == 0);
}

// The arguments on which `roots`, tensors of the body, depend.
std::set<size_t> needed_for(const Loop& loop, std::vector<int32_t> roots) {
  std::set<size_t> needed;
  std::set<int32_t> seen;
  while (!roots.empty()) {
    const int32_t t = roots.back();
    roots.pop_back();
    if (t == kAbsent || !seen.insert(t).second) continue;
    if (const int k = loop.argument_index(t); k >= 0) needed.insert(static_cast<size_t>(k));
    if (const int32_t n = loop.body.producer(t); n >= 0)
      roots.insert(roots.end(), loop.body.node(n).inputs.begin(), loop.body.node(n).inputs.end());
  }
  return needed;
}

// Arguments that neither the condition nor a result that someone reads depends on.
bool drop_unread(Loop& loop) {
  std::set<size_t> live, fresh;
  std::vector<int32_t> effects;
  for (int32_t n = 0; n < loop.body.node_count(); ++n)
    if (has_effects(loop.body.node(n)))
      effects.insert(effects.end(), loop.body.node(n).inputs.begin(),
                     loop.body.node(n).inputs.end());
  fresh = needed_for(loop, effects);
  for (size_t k = 0; k < loop.size(); ++k)
    if (loop.read(k) || !loop.cond.consumers(loop.cond.subgraph().inputs[k]).empty() ||
        loop.cond.subgraph().inputs[k] == loop.verdict())
      fresh.insert(k);
  while (!fresh.empty()) {
    std::vector<int32_t> roots;
    for (size_t k : fresh) roots.push_back(loop.next(k));
    live.insert(fresh.begin(), fresh.end());
    fresh.clear();
    for (size_t k : needed_for(loop, roots))
      if (!live.contains(k)) fresh.insert(k);
  }
  if (live.size() == loop.size()) return false;
  std::set<size_t> gone;
  for (size_t k = 0; k < loop.size(); ++k)
    if (!live.contains(k)) gone.insert(k);
  remove_arguments(loop, gone);
  return true;
}

bool equal_operands(const Loop& loop, size_t j, size_t k) {
  const int32_t a = loop.operand(j), b = loop.operand(k);
  if (a == b) return true;
  const auto p = loop.outer.integers(a), q = loop.outer.integers(b);
  return p && q && *p == *q && loop.outer.type(a) == loop.outer.type(b) &&
         loop.outer.shape(a) == loop.outer.shape(b);
}

// Two counters that always agree become one.
bool merge_counters(Loop& loop) {
  for (size_t k = 1; k < loop.size(); ++k) {
    const auto second = counter_of(loop, k);
    for (size_t j = 0; second && j < k; ++j) {
      const auto first = counter_of(loop, j);
      if (!first || first->step != second->step || !equal_operands(loop, j, k) ||
          loop.outer.is_output(loop.result(k)))
        continue;
      loop.outer.replace(loop.result(k), loop.result(j));
      loop.cond.replace(loop.cond.subgraph().inputs[k], loop.cond.subgraph().inputs[j]);
      const std::vector<int32_t> next(loop.body.subgraph().outputs.begin(),
                                      loop.body.subgraph().outputs.end());
      loop.body.replace(loop.argument(k), loop.argument(j));
      loop.body.set_outputs(next);
      remove_arguments(loop, {k});
      return true;
    }
  }
  return false;
}

bool all_pure(const Patch& patch) {
  for (int32_t n = 0; n < patch.node_count(); ++n)
    if (patch.node(n).op == nullptr || !patch.node(n).op->pure) return false;
  return true;
}

// A loop that ends, of whose results nobody reads any.
bool drop_whole(Loop& loop) {
  for (size_t k = 0; k < loop.size(); ++k)
    if (loop.read(k)) return false;
  if (!all_pure(loop.cond) || !all_pure(loop.body) || !turns_of(loop)) return false;
  loop.outer.erase(loop.node);
  return true;
}

// What does not change in the loop is read in front of it.
bool read_before(Loop& loop) {
  bool changed = false;
  for (size_t k = 0; k < loop.size(); ++k)
    if (loop.invariant(k) && loop.read(k) &&
        same_shape(loop.outer, loop.result(k), loop.operand(k)))
      changed = try_replace(loop.outer, loop.result(k), loop.operand(k)) || changed;
  return changed;
}

// A result whose last value is another's with a dimension more, as the list that keeps only the
// last state of a recurrent layer, is made from it behind the loop.
bool reshape_behind(Loop& loop) {
  if (turns_of(loop).value_or(0) < 1) return false;
  for (size_t k = 0; k < loop.size(); ++k) {
    const int32_t n = loop.body.producer(loop.next(k), Builtin::RESHAPE);
    if (n < 0 || !loop.read(k) || loop.outer.is_output(loop.result(k))) continue;
    for (size_t j = 0; j < loop.size(); ++j) {
      if (j == k || loop.next(j) != loop.body.node(n).inputs[0]) continue;
      if (loop.outer.shape_unknown(loop.result(j))) continue;
      const int32_t y = add_reshape(loop.outer, loop.result(j), loop.result(k));
      if (y == kAbsent) continue;
      loop.outer.replace(loop.result(k), y);
      return true;
    }
  }
  return false;
}

// a and a.
bool merge_verdicts(Loop& loop) {
  const int32_t both = loop.cond.producer(loop.verdict(), Builtin::LOGICAL_AND);
  if (both < 0) return false;
  const auto operands = loop.cond.node(both).inputs;
  const int32_t a = loop.cond.producer(operands[0], Builtin::LESS),
                b = loop.cond.producer(operands[1], Builtin::LESS);
  if (a < 0 || b < 0 || loop.cond.node(a).inputs[0] != loop.cond.node(b).inputs[0]) return false;
  const auto p = loop.cond.integers(loop.cond.node(a).inputs[1]),
             q = loop.cond.integers(loop.cond.node(b).inputs[1]);
  if (!p || !q || p->size() != 1 || q->size() != 1) return false;
  const int32_t kept = loop.cond.node((*p)[0] <= (*q)[0] ? a : b).outputs[0];
  loop.cond.set_outputs({kept});
  loop.cond.remove_dead();
  loop.cond.finish();
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t count = patch.node_count();
  for (int32_t n = 0; n < count; ++n) {
    const auto loop = loop_of(patch, n);
    if (loop == nullptr) continue;
    rewrites += drop_whole(*loop) || merge_counters(*loop) || merge_verdicts(*loop) ||
                        read_before(*loop) || reshape_behind(*loop) || drop_unread(*loop)
                    ? 1
                    : 0;
  }
  return rewrites;
}

}  // namespace

/// What a WHILE carries: counters that agree become one, what nobody reads goes, what does not
/// change is read in front of it.
extern const Pass kSimplifyLoops;
const Pass kSimplifyLoops = {.name = "simplify-loops",
                             .summary = "what loops carry: merged counters, unread values",
                             .level = PassLevel::safe,
                             .run = run};

}  // namespace cygnet::passes
