// SPDX-License-Identifier: Apache-2.0
// Loops as TensorFlow's importer leaves them: two counters, a list that is written step by step.
#pragma once

#include <functional>

#include "passes/builders.h"

namespace cygnet::test {

/// A WHILE under construction: arguments are added, then the body computes their next values.
class LoopBuilder {
 public:
  LoopBuilder(Editor& outer, int32_t turns)
      : outer_(outer),
        cond_(outer.draft().add_subgraph("cond")),
        body_(outer.draft().add_subgraph("body")),
        turns_(turns) {}

  /// Argument that starts as a tensor outside; returns it inside.
  int32_t argument(Editor& body, int32_t operand) {
    operands_.push_back(operand);
    return body.input_like(outer_, operand, "argument");
  }
  Editor body() { return Editor(outer_.draft(), outer_.registry(), body_); }

  /// `next`: of each argument. The condition: argument 0 and argument 1 less than the turns.
  std::vector<int32_t> finish(Editor& body, const std::vector<int32_t>& next) {
    body.set_outputs(next);
    Editor cond(outer_.draft(), outer_.registry(), cond_);
    std::vector<int32_t> in;
    for (int32_t i : operands_) in.push_back(cond.input_like(outer_, i, "argument"));
    const auto less = [&](int32_t i) {
      return cond.add(Builtin::LESS, {i, cond.scalar<int32_t>(turns_)}, NoOptions(),
                      Results("less", Type::boolean));
    };
    const int32_t a = less(in[0]), b = less(in[1]);
    cond.set_outputs({cond.add(Builtin::LOGICAL_AND, {a, b}, NoOptions(), "verdict")});
    std::vector<int32_t> results;
    for (size_t k = 0; k < operands_.size(); ++k)
      results.push_back(
          outer_.tensor_like(operands_[k], outer_.type(operands_[k]), text("result_", k)));
    schema::WhileOptionsT options;
    options.cond_subgraph_index = cond_;
    options.body_subgraph_index = body_;
    outer_.add_into(Builtin::WHILE, operands_, results, options);
    return results;
  }

 private:
  Editor& outer_;
  int cond_, body_;
  int32_t turns_;
  std::vector<int32_t> operands_;
};

/// list[at] = row, in the body of a loop.
inline int32_t write_row(Editor& e, int32_t list, int32_t row, int32_t at) {
  const int32_t wide = reshape(e, row, {1, -1, e.shape(row)[1]});
  schema::PackOptionsT pack;
  pack.values_count = 3;
  const int32_t zero = e.scalar<int32_t>(0);
  const int32_t start = e.add(Builtin::PACK, {at, zero, zero}, pack, Results("start", Type::int32));
  return e.add(Builtin::DYNAMIC_UPDATE_SLICE, {list, wide, start}, NoOptions(), "written");
}

/// value [dims], with the batch of x (dimension 0) where dims has −1: FILL and what it needs.
inline int32_t fill_like(Editor& e, int32_t x, const std::vector<int32_t>& dims, float value) {
  schema::ShapeOptionsT shape;
  shape.out_type = schema::TensorType::INT32;
  const int32_t all = e.add(Builtin::SHAPE, {x}, shape, Results("shape", Type::int32));
  const int32_t batch =
      e.add(Builtin::GATHER, {all, e.scalar<int32_t>(0)}, schema::GatherOptionsT(), "batch");
  std::vector<int32_t> list;
  for (int32_t d : dims) list.push_back(d < 0 ? batch : e.scalar<int32_t>(d));
  schema::PackOptionsT pack;
  pack.values_count = static_cast<int32_t>(list.size());
  const int32_t packed = e.add(Builtin::PACK, list, pack, "dims");
  return e.add(Builtin::FILL, {packed, number(e, static_cast<double>(value))}, NoOptions(),
               Results("filled", Type::float32));
}

/// Optimizes; compares before and after where the runtime has WHILE.
inline int optimize_loops(Draft& draft, const std::set<std::string>& passes) {
  if (has_op(Builtin::WHILE)) return optimize(draft, passes);
  PassOptions options;
  for (const Pass& pass : all_passes())
    if (!passes.contains(pass.name)) options.disabled.insert(pass.name);
  int rewrites = 0;
  for (const PassReport& report : run_passes(draft, builtin_ops(), options))
    rewrites += report.rewrites;
  return rewrites;
}

}  // namespace cygnet::test
