// SPDX-License-Identifier: Apache-2.0
#include "edit/patch.h"

#include <algorithm>

namespace cygnet {

Patch::Patch(Draft& draft, const OpRegistry& registry, int subgraph)
    : Editor(draft, registry, subgraph) {
  index();
}

void Patch::index() {
  producer_.assign(subgraph().tensors.size(), -1);
  consumers_.assign(subgraph().tensors.size(), {});
  erased_.assign(subgraph().nodes.size(), false);
  for (int32_t n = 0; n < node_count(); ++n) link(n);
}

void Patch::link(int32_t n) {
  producer_.resize(subgraph().tensors.size(), -1);
  consumers_.resize(subgraph().tensors.size());
  for (int32_t i : node(n).outputs)
    if (i != kAbsent) producer_[i] = n;
  for (int32_t i : node(n).inputs)
    if (i != kAbsent) consumers_[i].push_back(n);
}

void Patch::unlink(int32_t n) {
  for (int32_t i : node(n).outputs)
    if (i != kAbsent && producer_[i] == n) producer_[i] = -1;
  for (int32_t i : node(n).inputs)
    if (i != kAbsent) std::erase(consumers_[i], n);
}

int32_t Patch::append_node(Builtin op, const std::vector<int32_t>& inputs,
                           const std::vector<int32_t>& outputs, const void* options) {
  const int32_t n = Editor::append_node(op, inputs, outputs, options);
  erased_.push_back(false);
  link(n);
  return n;
}

bool Patch::is_output(int32_t tensor) const {
  const auto& outputs = subgraph().outputs;
  if (std::find(outputs.begin(), outputs.end(), tensor) != outputs.end()) return true;
  for (const Signature& s : const_cast<Patch*>(this)->draft().graph.signatures) {
    if (s.subgraph != subgraph_index()) continue;
    for (const SignatureTensor& t : s.outputs)
      if (t.tensor == tensor) return true;
  }
  return false;
}

void Patch::replace(int32_t from, int32_t to) {
  if (from == to) return;
  producer_.resize(subgraph().tensors.size(), -1);
  consumers_.resize(subgraph().tensors.size());
  const std::vector<int32_t> readers = std::move(consumers_[from]);
  consumers_[from].clear();
  for (int32_t n : readers) {
    std::vector<int32_t> inputs(node(n).inputs.begin(), node(n).inputs.end());
    if (std::find(inputs.begin(), inputs.end(), from) == inputs.end()) continue;  // seen already
    for (int32_t& i : inputs)
      if (i == from) {
        i = to;
        consumers_[to].push_back(n);
      }
    subgraph().nodes[n].inputs = draft().keep(std::span<const int32_t>(inputs));
  }
  if (!is_output(from)) return;
  std::vector<int32_t> outputs(subgraph().outputs.begin(), subgraph().outputs.end());
  std::replace(outputs.begin(), outputs.end(), from, to);
  set_outputs(outputs);
  for (Signature& s : draft().graph.signatures)
    if (s.subgraph == subgraph_index())
      for (SignatureTensor& t : s.outputs)
        if (t.tensor == from) t.tensor = to;
  const auto& inputs = subgraph().inputs;
  if (std::find(inputs.begin(), inputs.end(), to) == inputs.end())
    tensor(to).name = tensor(from).name;
}

void Patch::erase(int32_t n) {
  if (erased_[n]) return;
  unlink(n);
  erased_[n] = true;
}

void Patch::set_inputs_of(int32_t n, const std::vector<int32_t>& inputs) {
  unlink(n);
  subgraph().nodes[n].inputs = draft().keep(std::span<const int32_t>(inputs));
  link(n);
}

void Patch::set_outputs_of(int32_t n, const std::vector<int32_t>& outputs) {
  unlink(n);
  subgraph().nodes[n].outputs = draft().keep(std::span<const int32_t>(outputs));
  link(n);
}

int Patch::remove_dead() {
  int removed = 0;
  std::vector<int32_t> todo(node_count());
  for (int32_t n = 0; n < node_count(); ++n) todo[n] = n;
  while (!todo.empty()) {
    const int32_t n = todo.back();
    todo.pop_back();
    if (erased_[n]) continue;
    const bool effects = node(n).op != nullptr && !node(n).op->pure &&
                         (node(n).outputs.empty() || node(n).op->variable_inputs == 0);
    const bool needed =
        effects || std::any_of(node(n).outputs.begin(), node(n).outputs.end(), [&](int32_t i) {
          return i != kAbsent && (!consumers_[i].empty() || is_output(i));
        });
    if (needed) continue;
    const std::vector<int32_t> inputs(node(n).inputs.begin(), node(n).inputs.end());
    erase(n);
    ++removed;
    for (int32_t i : inputs)
      if (producer(i) >= 0) todo.push_back(producer_[i]);
  }
  return removed;
}

// Depth first from each node in turn, so that an order that is right already stays.
void Patch::sort_nodes() {
  Vector<Node> sorted;
  enum : uint8_t { fresh, open, done };
  std::vector<uint8_t> state(subgraph().nodes.size(), fresh);
  std::vector<std::pair<int32_t, size_t>> stack;  // node, next operand to look at
  for (int32_t root = 0; root < node_count(); ++root) {
    if (erased_[root] || state[root] != fresh) continue;
    stack.push_back({root, 0});
    state[root] = open;
    while (!stack.empty()) {
      auto& [n, k] = stack.back();
      if (k == node(n).inputs.size()) {
        state[n] = done;
        sorted.push_back(node(n));
        stack.pop_back();
        continue;
      }
      const int32_t p = producer(node(n).inputs[k++]);
      if (p < 0 || state[p] == done) continue;
      if (state[p] == open)
        throw Failure(text(draft().source, ": ", node_text(node(p)), " depends on itself"));
      state[p] = open;
      stack.push_back({p, 0});
    }
  }
  subgraph().nodes = std::move(sorted);
}

void Patch::drop_tensors() {
  std::vector<int32_t> moved(subgraph().tensors.size(), -1);
  const auto mark = [&](std::span<const int32_t> list) {
    for (int32_t i : list)
      if (i != kAbsent) moved[i] = 0;
  };
  mark(subgraph().inputs);
  mark(subgraph().outputs);
  for (const Node& n : subgraph().nodes) {
    mark(n.inputs);
    mark(n.outputs);
    mark(n.intermediates);
  }
  Vector<GraphTensor> tensors;
  std::vector<TensorFacts> kept;
  for (size_t i = 0; i < moved.size(); ++i) {
    if (moved[i] < 0) continue;
    moved[i] = static_cast<int32_t>(tensors.size());
    tensors.push_back(subgraph().tensors[i]);
    kept.push_back(std::move(facts(static_cast<int32_t>(i))));
  }
  if (tensors.size() == moved.size()) {
    draft().facts[subgraph_index()] = std::move(kept);
    return;
  }
  const auto renumber = [&](std::span<const int32_t>& list) {
    std::vector<int32_t> copy(list.begin(), list.end());
    for (int32_t& i : copy)
      if (i != kAbsent) i = moved[i];
    list = draft().keep(std::span<const int32_t>(copy));
  };
  renumber(subgraph().inputs);
  renumber(subgraph().outputs);
  for (Node& n : subgraph().nodes) {
    renumber(n.inputs);
    renumber(n.outputs);
    renumber(n.intermediates);
  }
  for (Signature& s : draft().graph.signatures) {
    if (s.subgraph != subgraph_index()) continue;
    for (SignatureTensor& t : s.inputs) t.tensor = moved[t.tensor];
    for (SignatureTensor& t : s.outputs) t.tensor = moved[t.tensor];
  }
  subgraph().tensors = std::move(tensors);
  draft().facts[subgraph_index()] = std::move(kept);
}

void Patch::finish() {
  sort_nodes();
  drop_tensors();
  index();
}

}  // namespace cygnet
