// SPDX-License-Identifier: Apache-2.0
#include "edit/evaluate.h"

#include "edit/failure.h"
#include "runtime/control_flow.h"
#include "runtime/op_driver.h"
#include "runtime/planner.h"

namespace cygnet {

Evaluation evaluate(const Node& node, const std::vector<GraphTensor>& operands,
                    const std::vector<GraphTensor>& results, bool run, const std::string& where,
                    const std::vector<GraphTensor>& intermediates) {
  if (is_control_flow(node)) {
    Evaluation evaluation;
    evaluation.deferred = true;
    for (const GraphTensor& t : results) evaluation.shapes.push_back(t.shape);
    return evaluation;
  }
  Graph graph;
  Subgraph& subgraph = graph.subgraphs.emplace_back();
  std::vector<int32_t> inputs, outputs, given;
  const auto add = [&](const GraphTensor& tensor, std::vector<int32_t>& list) {
    list.push_back(static_cast<int32_t>(subgraph.tensors.size()));
    subgraph.tensors.push_back(tensor);
  };
  for (const GraphTensor& t : operands) add(t, inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i] == kAbsent)
      inputs[i] = kAbsent;
    else if (!operands[i].constant && !operands[i].variable)
      given.push_back(inputs[i]);
  }
  subgraph.inputs = given;
  for (const GraphTensor& t : results) {
    add(t, outputs);
    subgraph.tensors.back().variable = false;  // an output here
  }
  std::vector<int32_t> scales;
  for (const GraphTensor& t : intermediates) add(t, scales);
  for (size_t i = 0; i < scales.size(); ++i)
    if (node.intermediates[i] == kAbsent) scales[i] = kAbsent;
  std::vector<int32_t> fed;
  for (int32_t i : inputs)
    if (i != kAbsent && !subgraph.tensors[i].constant && !subgraph.tensors[i].variable)
      fed.push_back(i);
  subgraph.inputs = fed;
  subgraph.outputs = outputs;
  Node& only = subgraph.nodes.emplace_back(node);
  only.inputs = inputs;
  only.outputs = outputs;
  only.intermediates = scales;

  Model model;
  check(Model::from_graph(std::move(graph), where.c_str(), Limits::standard(), &model));
  Plan plan;
  check(start_plan(model, 0, &plan));
  for (int32_t i : inputs)
    if (i != kAbsent)
      check(tensor_bytes(plan.tensors[i].type, plan.tensors[i].shape, model.limits(),
                         &plan.tensors[i].bytes),
            where);
  base::ThreadPool pool;
  OpDriver driver;
  driver.attach(model, 0, {}, &plan, &pool);
  std::vector<Tensor*> pointers(inputs.size() + outputs.size() + scales.size());
  Step& step = plan.steps.emplace_back();
  driver.bind(&step, pointers.data());
  check(driver.infer(&step));

  Evaluation evaluation;
  evaluation.deferred = step.dynamic;
  for (int32_t i : outputs) evaluation.shapes.push_back(plan.tensors[i].shape);
  if (node.op->macs != nullptr && !step.dynamic) evaluation.macs = node.op->macs(step.context);
  if (!run || step.dynamic) return evaluation;
  for (int32_t i : outputs) {
    plan.places[i] = Place::persistent;
    check(driver.take_buffer(i, "folded constant"), where);
  }
  check(driver.fold(&step));
  for (int32_t i : outputs) {
    const Tensor& t = plan.tensors[i];
    evaluation.bytes.emplace_back(t.as<uint8_t>(), t.as<uint8_t>() + t.bytes);
  }
  return evaluation;
}

}  // namespace cygnet
