// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include "edit/failure.h"
#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

namespace {

/// Nodes of one graph or function body by number, and which of them must run before which.
class Body {
 public:
  /// `where` begins messages: "" or "function 'f': ".
  Body(const std::vector<NodeDef>& nodes, const std::vector<ArgDef>& arguments, std::string where)
      : nodes_(nodes), where_(std::move(where)) {
    for (const ArgDef& argument : arguments) add(argument.name, kArgument);
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].name.empty()) throw Failure(text("I2: ", where_, "a node has no name"));
      add(nodes[i].name, static_cast<int64_t>(i));
    }
  }

  /// Every input resolves; a cycle passes through NextIteration.
  void check() {
    std::vector<std::vector<uint32_t>> users(nodes_.size());
    std::vector<uint32_t> waits(nodes_.size(), 0);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (std::string_view input : nodes_[i].inputs) {
        const int64_t source = resolve(input, nodes_[i]);
        if (source == kArgument || is_back_edge(nodes_[static_cast<size_t>(source)], nodes_[i])) {
          continue;
        }
        users[static_cast<size_t>(source)].push_back(static_cast<uint32_t>(i));
        ++waits[i];
      }
    }
    std::vector<size_t> ready;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (waits[i] == 0) ready.push_back(i);
    }
    size_t done = 0;
    while (!ready.empty()) {
      const size_t node = ready.back();
      ready.pop_back();
      ++done;
      for (uint32_t user : users[node]) {
        if (--waits[user] == 0) ready.push_back(user);
      }
    }
    if (done == nodes_.size()) return;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (waits[i] != 0) {
        throw Failure(text("I2: ", where_, "node '", nodes_[i].name, "' (", nodes_[i].op,
                           ") waits for its own result"));
      }
    }
  }

  /// Throws unless the name is a node's or an argument's.
  void resolve_result(std::string_view value) const {
    if (names_.count(parse_input(value).node) == 0) {
      throw Failure(text("I2: ", where_, "result '", value, "' does not exist"));
    }
  }

 private:
  static constexpr int64_t kArgument = -1;

  void add(std::string_view name, int64_t number) {
    if (!names_.emplace(name, number).second) {
      throw Failure(text("I2: ", where_, "two nodes are called '", name, "'"));
    }
  }

  int64_t resolve(std::string_view input, const NodeDef& user) const {
    const auto at = names_.find(parse_input(input).node);
    if (at == names_.end()) {
      throw Failure(text("I2: ", where_, "node '", user.name, "' (", user.op, "): input '", input,
                         "' does not exist"));
    }
    return at->second;
  }

  static bool is_back_edge(const NodeDef& from, const NodeDef& to) {
    return (from.op == "NextIteration" || from.op == "RefNextIteration") &&
           (to.op == "Merge" || to.op == "RefMerge");
  }

  const std::vector<NodeDef>& nodes_;
  std::string where_;
  std::unordered_map<std::string_view, int64_t> names_;
};

/// Which functions of the library each one calls, and the search for a circle among them.
class Calls {
 public:
  explicit Calls(const std::vector<FunctionDef>& functions)
      : functions_(functions), callees_(functions.size()) {
    for (size_t i = 0; i < functions.size(); ++i) {
      if (!numbers_.emplace(functions[i].name, i).second) {
        throw Failure(text("I2: two functions are called '", functions[i].name, "'"));
      }
    }
    for (size_t i = 0; i < functions.size(); ++i) {
      for (const NodeDef& node : functions[i].nodes) {
        add(i, node.op);
        for (const Attr& attr : node.attrs) add(i, attr.value);
      }
    }
  }

  void check() const {
    enum State : uint8_t { fresh, open, done };
    struct Frame {
      size_t function;
      size_t next;
    };
    std::vector<State> states(functions_.size(), fresh);
    for (size_t root = 0; root < functions_.size(); ++root) {
      if (states[root] != fresh) continue;
      std::vector<Frame> stack{{root, 0}};
      states[root] = open;
      while (!stack.empty()) {
        Frame& top = stack.back();
        if (top.next == callees_[top.function].size()) {
          states[top.function] = done;
          stack.pop_back();
          continue;
        }
        const size_t callee = callees_[top.function][top.next++];
        if (states[callee] == open) {
          throw Failure(text("I2: function '", functions_[callee].name, "' calls itself"));
        }
        if (states[callee] == fresh) {
          states[callee] = open;
          stack.push_back({callee, 0});
        }
      }
    }
  }

 private:
  void add(size_t caller, std::string_view callee) {
    const auto at = numbers_.find(callee);
    if (at != numbers_.end()) callees_[caller].push_back(at->second);
  }
  void add(size_t caller, const AttrValue& value) {
    if (const auto* function = std::get_if<std::shared_ptr<const FunctionName>>(&value)) {
      add(caller, **function);
    } else if (const auto* list = std::get_if<std::shared_ptr<const AttrList>>(&value)) {
      for (const FunctionName& entry : (*list)->functions) add(caller, entry);
    }
  }
  void add(size_t caller, const FunctionName& function) {
    add(caller, function.name);
    for (const Attr& attr : function.attrs) add(caller, attr.value);
  }

  const std::vector<FunctionDef>& functions_;
  std::unordered_map<std::string_view, size_t> numbers_;
  std::vector<std::vector<size_t>> callees_;
};

}  // namespace

void check_graph(const GraphDef& graph) {
  Body(graph.nodes, {}, "").check();
  for (const FunctionDef& function : graph.functions) {
    Body body(function.nodes, function.inputs, text("function '", function.name, "': "));
    body.check();
    for (const auto& [output, value] : function.ret) body.resolve_result(value);
  }
  Calls(graph.functions).check();
}

}  // namespace cygnet::tensorflow
