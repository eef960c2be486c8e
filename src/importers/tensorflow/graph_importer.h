// SPDX-License-Identifier: Apache-2.0
// GraphImporter: a GraphDef → Draft. Nodes are visited from the outputs back; functions are
// converted where they are called, which inlines them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "importers/tensorflow/call.h"
#include "importers/tensorflow/source.h"

namespace cygnet::tensorflow {

class GraphImporter {
 public:
  /// All three must outlive this; the draft takes hold of what it views.
  GraphImporter(const Source& source, const ImportOptions& options, Draft& draft);

  void run();

  // ---- For the operators

  const ImportOptions& options() const { return options_; }
  /// Converts a function's body with these arguments; returns its results.
  std::vector<Value> call(Editor& editor, std::string_view function, std::vector<Value> arguments);
  const FunctionDef& function(std::string_view name) const;
  /// Whether a function returns argument k as its result k.
  bool returns_argument(const FunctionDef& function, size_t k) const;
  /// A variable's value as a constant of the editor's subgraph.
  int32_t variable(Editor& editor, std::string_view node);
  /// Counts an operator that rounds as quantization will.
  void count_fake_quant() { ++fake_quants_; }

 private:
  // A graph or function body in conversion.
  struct Scope {
    Editor* editor = nullptr;
    std::unordered_map<std::string_view, const NodeDef*> nodes;
    std::unordered_map<std::string_view, Value> arguments;
    std::unordered_map<std::string_view, std::vector<Value>> results;
    std::unordered_map<std::string_view, int64_t> taken;  // highest output that others take
    bool counted = false;                                 // whether `taken` is filled
  };

  void count_visits(size_t nodes);
  void make_inputs(Scope& scope, Editor& editor);
  void make_signature(Editor& editor, const std::vector<int32_t>& outputs);
  Value value_of(Scope& scope, std::string_view input);
  void convert(Scope& scope, const NodeDef& root);
  void convert_node(Scope& scope, const NodeDef& node);
  int results_of(Scope& scope, const NodeDef& node) const;
  void convert_parts(Call& call, const OpRow& row);
  bool ready(Scope& scope, const NodeDef& node, std::vector<const NodeDef*>* missing) const;

  const Source& source_;
  const ImportOptions& options_;
  Draft& draft_;
  std::unordered_map<std::string_view, const FunctionDef*> functions_;
  int depth_ = 0;
  int64_t visits_ = 0;
  int64_t fake_quants_ = 0;
};

}  // namespace cygnet::tensorflow
