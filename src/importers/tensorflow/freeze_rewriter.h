// SPDX-License-Identifier: Apache-2.0
// What freezing makes of a single node: an operator that takes variables' handles becomes one that
// takes their values, also within the functions that it calls.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

using Functions = std::unordered_map<std::string_view, const FunctionDef*>;

/// What a variable's handle stands for.
struct Variable {
  std::string node;  ///< in the main graph; empty inside the body of a loop or branch
  DataType type = DataType::invalid;
  TensorShape shape;
  bool reference = false;  ///< of TensorFlow 1: operators take its value where they take it
  std::string text() const { return std::to_string(static_cast<int>(type)) + shape.text(); }
};

/// Texts that outlive the nodes that view them.
class Texts {
 public:
  std::string_view keep(std::string text) { return list_.emplace_back(std::move(text)); }

 private:
  std::deque<std::string> list_;
};

/// Whether an operator hands its operand on: Identity and the like.
bool hands_on(std::string_view op);
void set_attr(NodeDef& node, std::string_view name, AttrValue value);

/// Rewrites nodes, the same way in the graph and in functions' bodies.
class FreezeRewriter {
 public:
  /// What operand k of a node holds, if it is a variable.
  using Operand = std::function<std::optional<Variable>(const NodeDef&, int)>;

  /// Both outlive this.
  FreezeRewriter(const Functions& functions, Texts& texts) : functions_(functions), texts_(texts) {}

  /// The node with variables read; its inputs stay. Throws Failure where it would change a
  /// variable.
  NodeDef rewrite(const NodeDef& source, const Operand& operand);
  /// The functions that rewritten nodes call.
  const std::deque<FunctionDef>& made() const { return made_; }

 private:
  using Arguments = std::map<int, Variable>;

  NodeDef with_functions(NodeDef node, const Arguments& variables);
  std::string_view function(std::string_view name, const Arguments& arguments);
  FunctionDef body(const FunctionDef& source, const Arguments& arguments);

  const Functions& functions_;
  Texts& texts_;
  std::map<std::string, std::string_view> names_;
  std::deque<FunctionDef> made_;
  int depth_ = 0;
};

}  // namespace cygnet::tensorflow
