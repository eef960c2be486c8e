// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/freeze_rewriter.h"

#include <algorithm>
#include <set>

#include "edit/failure.h"

namespace cygnet::tensorflow {
namespace {

constexpr int kMostCalls = 32;   // functions within functions
constexpr int kMostHops = 1000;  // of nodes that hand a variable on

/// Lists of the operands' types.
constexpr std::string_view kTypeLists[] = {"Tin", "T", "Targs"};

/// Attributes that only the machine that trained needs.
bool is_private(std::string_view attr) {
  return attr == "_class" || attr == "_output_shapes" || attr == "_read_only_resource_inputs" ||
         attr == "_has_manual_control_dependencies";
}

int data_inputs(const NodeDef& node) {
  return static_cast<int>(std::count_if(node.inputs.begin(), node.inputs.end(),
                                        [](auto input) { return !input.starts_with('^'); }));
}

[[noreturn]] void unsupported(const NodeDef& node) {
  throw Failure(text("node \"", node.name, "\" (", node.op,
                     "): works on a variable itself: a network that changes its variables can't "
                     "be frozen"));
}

bool changes(std::string_view op) {
  return op.starts_with("Assign") || op.starts_with("Apply") ||
         (op.starts_with("Scatter") && op != "ScatterNd");
}

bool calls_functions(const NodeDef& node) {
  return std::any_of(node.attrs.begin(), node.attrs.end(), [](const Attr& a) {
    const auto* list = std::get_if<std::shared_ptr<const AttrList>>(&a.value);
    return std::holds_alternative<std::shared_ptr<const FunctionName>>(a.value) ||
           (list != nullptr && !(*list)->functions.empty());
  });
}

// A copy of a list attribute to change; null when there is none of this name.
std::shared_ptr<AttrList> copy_list(const NodeDef& node, std::string_view attr) {
  const AttrValue* value = node.find(attr);
  if (value == nullptr) return nullptr;
  const auto* list = std::get_if<std::shared_ptr<const AttrList>>(value);
  return list == nullptr ? nullptr : std::make_shared<AttrList>(**list);
}

using Nodes = std::unordered_map<std::string_view, const NodeDef*>;

// Nodes that the results are computed from, in the body's order.
std::vector<const NodeDef*> needed(const FunctionDef& f, const Nodes& nodes) {
  std::set<std::string_view> seen;
  std::vector<std::string_view> todo;
  for (const auto& [output, value] : f.ret) todo.push_back(parse_input(value).node);
  while (!todo.empty()) {
    const std::string_view name = todo.back();
    todo.pop_back();
    const auto at = nodes.find(name);
    if (at == nodes.end() || !seen.insert(name).second) continue;
    for (std::string_view input : at->second->inputs)
      if (const InputName in = parse_input(input); !in.control) todo.push_back(in.node);
  }
  std::vector<const NodeDef*> result;
  for (const NodeDef& n : f.nodes)
    if (seen.contains(n.name)) result.push_back(&n);
  return result;
}

}  // namespace

bool hands_on(std::string_view op) {
  return op == "Identity" || op == "EnsureShape" || op == "Enter" || op == "StopGradient";
}

void set_attr(NodeDef& node, std::string_view name, AttrValue value) {
  const auto at = std::lower_bound(node.attrs.begin(), node.attrs.end(), name,
                                   [](const Attr& a, std::string_view n) { return a.name < n; });
  if (at != node.attrs.end() && at->name == name)
    at->value = std::move(value);
  else
    node.attrs.insert(at, {name, std::move(value)});
}

NodeDef FreezeRewriter::rewrite(const NodeDef& source, const Operand& operand) {
  NodeDef node = source;
  std::erase_if(node.attrs, [](const Attr& a) { return is_private(a.name); });
  if (node.op.starts_with("Ref")) node.op.remove_prefix(3);
  Arguments variables;
  bool references = false;
  for (int k = 0; k < data_inputs(source); ++k)
    if (auto v = operand(source, k)) {
      references = references || v->reference;
      variables.emplace(k, *std::move(v));
    }
  if (!variables.empty() && changes(node.op)) unsupported(node);
  if (calls_functions(node) || functions_.contains(node.op))
    return with_functions(std::move(node), variables);
  if (variables.empty() || references) return node;
  const DataType type = variables.begin()->second.type;
  const auto become = [&](std::string_view op, std::vector<Attr> attrs) {
    node.op = op;
    node.attrs = std::move(attrs);
  };
  if (node.op == "ReadVariableOp") {
    become("Identity", {{"T", type}});
  } else if (hands_on(node.op)) {
    set_attr(node, "T", type);
  } else if (node.op == "ResourceGather" && node.integer("batch_dims", 0) == 0) {
    become("Gather", {{"Tindices", node.type("Tindices")}, {"Tparams", type}});
  } else if (node.op == "ResourceGatherNd") {
    become("GatherNd", {{"Tindices", node.type("Tindices")}, {"Tparams", type}});
  } else if (node.op == "VariableShape") {
    become("Shape", {{"T", type}, {"out_type", node.type("out_type", DataType::int32)}});
  } else {
    unsupported(node);
  }
  return node;
}

// Types and functions of a loop, branch or call that gets values instead of variables.
NodeDef FreezeRewriter::with_functions(NodeDef node, const Arguments& variables) {
  // If and Case have a first operand that their functions don't get.
  const bool chooses = node.op == "If" || node.op == "StatelessIf" || node.op == "Case" ||
                       node.op == "StatelessCase";
  Arguments arguments;
  for (const auto& [k, v] : variables) arguments.emplace(k - (chooses ? 1 : 0), v);
  const auto each = [&](auto& list, auto&& change) {
    for (const auto& [k, v] : arguments)
      if (k >= 0 && static_cast<size_t>(k) < list.size()) change(list[static_cast<size_t>(k)], v);
  };
  for (std::string_view attr : kTypeLists)
    if (auto list = copy_list(node, attr); list != nullptr) {
      each(list->types, [](DataType& type, const Variable& v) { type = v.type; });
      set_attr(node, attr, std::shared_ptr<const AttrList>(std::move(list)));
    }
  if (node.op == "While" || node.op == "StatelessWhile")
    if (auto list = copy_list(node, "output_shapes"); list != nullptr) {
      each(list->shapes, [](TensorShape& shape, const Variable& v) { shape = v.shape; });
      set_attr(node, "output_shapes", std::shared_ptr<const AttrList>(std::move(list)));
    }
  if (functions_.contains(node.op)) node.op = function(node.op, arguments);
  for (Attr& a : node.attrs) {
    if (const auto* name = std::get_if<std::shared_ptr<const FunctionName>>(&a.value)) {
      auto changed = std::make_shared<FunctionName>(**name);
      changed->name = function(changed->name, arguments);
      a.value = std::shared_ptr<const FunctionName>(std::move(changed));
    } else if (const auto* list = std::get_if<std::shared_ptr<const AttrList>>(&a.value);
               list != nullptr && !(*list)->functions.empty()) {
      auto changed = std::make_shared<AttrList>(**list);
      for (FunctionName& f : changed->functions) f.name = function(f.name, arguments);
      a.value = std::shared_ptr<const AttrList>(std::move(changed));
    }
  }
  return node;
}

// Name of the function made for these variables.
std::string_view FreezeRewriter::function(std::string_view name, const Arguments& arguments) {
  const auto at = functions_.find(name);
  if (at == functions_.end()) return name;
  std::string key(name);
  for (const auto& [k, v] : arguments) key += text("|", k, ":", v.text());
  if (const auto known = names_.find(key); known != names_.end()) return known->second;
  if (++depth_ > kMostCalls) throw Failure(text("function \"", name, "\": too many calls"));
  const std::string_view made =
      arguments.empty() ? name : texts_.keep(text(name, "_frozen_", names_.size()));
  names_[key] = made;
  FunctionDef f = body(*at->second, arguments);
  f.name = made;
  made_.push_back(std::move(f));
  --depth_;
  return made;
}

FunctionDef FreezeRewriter::body(const FunctionDef& source, const Arguments& arguments) {
  FunctionDef f = source;
  f.attrs.clear();
  f.control_ret.clear();
  f.nodes.clear();
  Nodes nodes;
  for (const NodeDef& n : source.nodes) nodes[n.name] = &n;
  std::unordered_map<std::string_view, Variable> given;
  for (const auto& [k, v] : arguments)
    if (k >= 0 && static_cast<size_t>(k) < f.inputs.size()) {
      ArgDef& a = f.inputs[static_cast<size_t>(k)];
      a.type = v.type;
      given[a.name] = {"", v.type, v.shape};
    }
  const auto holds = [&](std::string_view input) -> std::optional<Variable> {
    for (int hop = 0; hop < kMostHops; ++hop) {
      const InputName name = parse_input(input);
      if (const auto at = given.find(name.node); at != given.end()) return at->second;
      const auto at = nodes.find(name.node);
      if (at == nodes.end() || !hands_on(at->second->op) || at->second->inputs.empty())
        return std::nullopt;
      input = at->second->inputs[0];
    }
    return std::nullopt;
  };
  for (const NodeDef* n : needed(source, nodes)) {
    NodeDef made = rewrite(
        *n, [&](const NodeDef& node, int k) { return holds(node.inputs[static_cast<size_t>(k)]); });
    std::erase_if(made.inputs, [](std::string_view input) { return input.starts_with('^'); });
    f.nodes.push_back(std::move(made));
  }
  // Identity's output is not called as ReadVariableOp's is.
  const auto renamed = [&](std::string_view input) -> std::string_view {
    const InputName name = parse_input(input);
    const auto at = nodes.find(name.node);
    if (name.output != "value" || at == nodes.end() || at->second->op != "ReadVariableOp")
      return input;
    return texts_.keep(text(name.node, ":output:", name.index));
  };
  for (NodeDef& n : f.nodes)
    for (std::string_view& input : n.inputs) input = renamed(input);
  for (auto& [output, value] : f.ret) value = renamed(value);
  for (ArgDef& output : f.outputs)
    if (const auto v = holds(source.returned(output.name))) output.type = v->type;
  return f;
}

}  // namespace cygnet::tensorflow
