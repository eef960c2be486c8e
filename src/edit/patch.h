// SPDX-License-Identifier: Apache-2.0
// Patch: how a pass changes a subgraph.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "edit/editor.h"

namespace cygnet {

/// An editor that also knows who makes and who reads each tensor, replaces and removes. Node
/// indices stay valid until finish(); operators that are added go behind all others, and finish()
/// puts everything into execution order.
class Patch final : public Editor {
 public:
  Patch(Draft& draft, const OpRegistry& registry, int subgraph);

  // ---- Looking

  /// Number of nodes, erased and added ones included.
  int32_t node_count() const { return static_cast<int32_t>(subgraph().nodes.size()); }
  const Node& node(int32_t n) const { return subgraph().nodes[n]; }
  bool erased(int32_t n) const { return erased_[n]; }
  /// Whether node n is alive and this operator.
  bool is(int32_t n, Builtin op) const {
    return n >= 0 && !erased_[n] && node(n).builtin == static_cast<int32_t>(op);
  }
  /// The node that makes a tensor; −1 for inputs, constants and variables.
  int32_t producer(int32_t tensor) const { return tensor == kAbsent ? -1 : producer_[tensor]; }
  /// The operator `op` that makes a tensor, or −1.
  int32_t producer(int32_t tensor, Builtin op) const {
    const int32_t n = producer(tensor);
    return is(n, op) ? n : -1;
  }
  /// The nodes that read a tensor, each as often as it does.
  const std::vector<int32_t>& consumers(int32_t tensor) const { return consumers_[tensor]; }
  /// Whether a tensor is an output of the subgraph or named by a signature.
  bool is_output(int32_t tensor) const;
  /// Whether exactly one operand anywhere reads the tensor and it is no output: it may vanish.
  bool single_use(int32_t tensor) const {
    return consumers_[tensor].size() == 1 && !is_output(tensor);
  }
  /// The only reader of a tensor that may vanish, or −1.
  int32_t single_consumer(int32_t tensor) const {
    return single_use(tensor) ? consumers_[tensor][0] : -1;
  }

  // ---- Changing

  /// Everyone who reads `from`, the subgraph's outputs and signatures included, reads `to`. When
  /// `from` is an output, `to` takes over its name.
  void replace(int32_t from, int32_t to);
  /// Removes a node. Its results must have no reader left.
  void erase(int32_t n);
  /// Removes a node whose result 0 equals operand k.
  void bypass(int32_t n, int k = 0) {
    const int32_t from = node(n).outputs[0], to = node(n).inputs[static_cast<size_t>(k)];
    replace(from, to);
    erase(n);
  }
  void set_inputs_of(int32_t n, const std::vector<int32_t>& inputs);
  void set_outputs_of(int32_t n, const std::vector<int32_t>& outputs);
  template <class Options>
  void set_options(int32_t n, const Options& options) {
    subgraph().nodes[n].options = pack(options);
  }
  /// Removes nodes that nobody needs, then those that only they needed. Returns how many.
  int remove_dead();
  /// Drops erased nodes and unused tensors, and puts the rest into execution order.
  void finish();

 private:
  int32_t append_node(Builtin op, const std::vector<int32_t>& inputs,
                      const std::vector<int32_t>& outputs, const void* options) override;
  void index();
  void link(int32_t n);
  void unlink(int32_t n);
  void sort_nodes();
  void drop_tensors();

  std::vector<int32_t> producer_;                ///< by tensor
  std::vector<std::vector<int32_t>> consumers_;  ///< by tensor
  std::vector<bool> erased_;                     ///< by node
};

}  // namespace cygnet
