// SPDX-License-Identifier: Apache-2.0
// Networks that tests quantize, and what calibration sees of them.
#pragma once

#include <functional>
#include <string>

#include "passes/layers.h"
#include "quantize/integer.h"

namespace cygnet::test {

using Build = std::function<void(Editor&)>;

struct Network {
  Draft draft;
  TensorFindings findings;

  explicit Network(const Build& build) {
    draft.source = "network";
    draft.add_subgraph("main");
    Editor e(draft, builtin_ops());
    build(e);
    see();
  }
  /// What calibration on the inputs of run_draft sees: every tensor's interval.
  void see() {
    findings.seen.clear();
    Graph copy = draft.graph;
    Model model;
    Interpreter interpreter;
    ASSERT_TRUE(Model::from_graph(std::move(copy), "n", Limits::standard(), &model).ok());
    InterpreterOptions options;
    options.keep_tensors = true;
    options.fuse = false;
    ASSERT_TRUE(interpreter.create(model, options).ok());
    ASSERT_TRUE(interpreter.allocate().ok());
    for (int i = 0; i < interpreter.inputs(); ++i)
      fill_input(interpreter, i, 1 + static_cast<uint32_t>(i));
    ASSERT_TRUE(interpreter.invoke().ok());
    for (size_t i = 0; i < model.graph().subgraphs[0].tensors.size(); ++i) {
      const Tensor& t = interpreter.plan().tensors[i];
      if (t.type != Type::float32 || t.constant || t.data == nullptr) continue;
      Interval& interval = findings.seen[static_cast<int32_t>(i)];
      for (double v : values_of(t)) {
        interval.min = std::min(interval.min, v);
        interval.max = std::max(interval.max, v);
      }
    }
  }
  IntegerReport quantize(const IntegerOptions& options = {}) {
    return make_integer(draft, builtin_ops(), findings, options);
  }
  const GraphTensor& named(const std::string& name) const {
    for (const GraphTensor& t : draft.graph.subgraphs[0].tensors)
      if (t.name == name) return t;
    ADD_FAILURE() << "no tensor " << name;
    return draft.graph.subgraphs[0].tensors[0];
  }
  int scales_of(const std::string& name) const { return named(name).quantization.count; }
};

/// The noise is this many dB below the signal.
inline double sqnr(const std::vector<DraftOutput>& a, const std::vector<DraftOutput>& b) {
  double signal = 0, noise = 0;
  EXPECT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].values.size(), b[i].values.size());
    for (size_t k = 0; k < a[i].values.size(); ++k) {
      signal += a[i].values[k] * a[i].values[k];
      noise += (a[i].values[k] - b[i].values[k]) * (a[i].values[k] - b[i].values[k]);
    }
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace cygnet::test
