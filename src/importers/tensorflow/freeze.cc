// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/freeze.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "edit/failure.h"
#include "importers/tensorflow/freeze_rewriter.h"
#include "importers/tensorflow/graph_writer.h"
#include "importers/tensorflow/output_names.h"
#include "importers/tensorflow/variables.h"

namespace cygnet::tensorflow {
namespace {

constexpr int kMostCalls = 32;          // functions within functions
constexpr int kMostHops = 10000;        // from an input to the node that makes it
constexpr size_t kMostNodes = 1 << 20;  // of the frozen graph: calls multiply them
constexpr int64_t kOldProducer = 27;    // for graphs that don't say which version they follow

/// The graph, or the body of a function at one of its calls.
struct Scope {
  std::string prefix;             ///< of the nodes' names: "" or "call/"
  const Scope* caller = nullptr;  ///< null for the graph
  const NodeDef* call = nullptr;
  const FunctionDef* function = nullptr;
  int depth = 0;
  std::unordered_map<std::string_view, const NodeDef*> nodes;
  /// Function argument → the call's input, in the caller's scope.
  std::unordered_map<std::string_view, std::string_view> arguments;
  mutable std::unordered_map<std::string_view, std::unique_ptr<Scope>> calls;
};

/// Output `index` of a node.
struct Target {
  const Scope* scope = nullptr;
  const NodeDef* node = nullptr;
  size_t index = 0;
};

bool is_node_name(std::string_view name) {
  if (name.empty() || name.front() == '_' || name.front() == '/' || name.front() == '-')
    return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-' || c == '/' || c == '>';
  });
}

class Freezer {
 public:
  explicit Freezer(const Source& source) : source_(source), rewriter_(functions_, texts_) {
    for (const FunctionDef& f : source.graph.functions) functions_[f.name] = &f;
    for (const NodeDef& n : source.graph.nodes) main_.nodes[n.name] = &n;
  }

  FrozenGraph run() {
    name_inputs();
    for (const Port& output : source_.outputs) result_.outputs.push_back(add_output(output));
    while (!todo_.empty()) {
      const Target t = todo_.back();
      todo_.pop_back();
      convert(t);
    }
    write();
    return std::move(result_);
  }

 private:
  // A node of the result; its texts live as long as the source or texts_.
  struct Out {
    NodeDef node;
    const CheckpointEntry* variable = nullptr;
  };

  // ---- Where values come from

  const Scope& enter(const Scope& scope, const NodeDef& call) {
    std::unique_ptr<Scope>& inner = scope.calls[call.name];
    if (inner != nullptr) return *inner;
    const auto at =
        functions_.find(functions_.contains(call.op) ? call.op : call.function("f").name);
    if (at == functions_.end())
      throw Failure(text("I2: node \"", call.name, "\": its function is not in the library"));
    inner = std::make_unique<Scope>();
    inner->prefix = name_of({&scope, &call}) + "/";
    inner->caller = &scope;
    inner->call = &call;
    inner->function = at->second;
    inner->depth = scope.depth + 1;
    if (inner->depth > kMostCalls)
      throw Failure(text("I2: function \"", at->second->name, "\": too many calls in each other"));
    inlined_ += at->second->nodes.size();
    if (inlined_ > 4 * kMostNodes)
      throw Failure(text("calls of more than ", 4 * kMostNodes, " nodes"));
    for (const NodeDef& n : at->second->nodes) inner->nodes[n.name] = &n;
    std::vector<std::string_view> inputs;
    for (std::string_view input : call.inputs)
      if (!parse_input(input).control) inputs.push_back(input);
    if (inputs.size() != at->second->inputs.size())
      throw Failure(text("I2: function \"", at->second->name, "\": expected ",
                         at->second->inputs.size(), " arguments, got ", inputs.size()));
    for (size_t k = 0; k < inputs.size(); ++k)
      inner->arguments[at->second->inputs[k].name] = inputs[k];
    return *inner;
  }

  bool is_call(const NodeDef& n) const {
    return n.op == "PartitionedCall" || n.op == "StatefulPartitionedCall" ||
           functions_.contains(n.op);
  }

  Target resolve(const Scope& from, std::string_view input) {
    const Scope* scope = &from;
    for (int hop = 0; hop < kMostHops; ++hop) {
      const InputName name = parse_input(input);
      if (const auto at = scope->arguments.find(name.node); at != scope->arguments.end()) {
        input = at->second;
        scope = scope->caller;
        continue;
      }
      const auto at = scope->nodes.find(name.node);
      if (at == scope->nodes.end()) throw Failure(text("I2: there is no node \"", name.node, "\""));
      const NodeDef& node = *at->second;
      const size_t index =
          name.output.empty() ? static_cast<size_t>(name.index) : output_index(node, name);
      if (!is_call(node)) return {scope, &node, index};
      scope = &enter(*scope, node);
      if (index >= scope->function->outputs.size())
        throw Failure(text("I2: node \"", node.name, "\" has no output ", index));
      input = scope->function->returned(scope->function->outputs[index].name);
    }
    throw Failure(text("I2: \"", input, "\" comes from too far"));
  }

  const CheckpointEntry& entry_of(const NodeDef& variable) const {
    const auto at = source_.variables.find(variable.name);
    if (at != source_.variables.end()) return at->second;
    throw Failure(text("variable \"", variable.name,
                       "\" has no value: no checkpoint has it (--checkpoint PREFIX names one)"));
  }

  // The variable whose handle an input is.
  std::optional<Variable> variable_of(const Scope& scope, std::string_view input) {
    Target t = resolve(scope, input);
    for (int hop = 0; hop < kMostHops; ++hop) {
      const NodeDef& n = *t.node;
      if (is_variable_op(n.op)) {
        const CheckpointEntry& entry = entry_of(n);
        TensorShape shape;
        shape.dims = entry.dims;
        return Variable{std::string(n.name), base_type(entry.dtype), std::move(shape),
                        n.op != "VarHandleOp"};
      }
      const bool loop = n.op == "While" || n.op == "StatelessWhile";
      const size_t k = loop ? t.index : 0;
      if ((!loop && !hands_on(n.op)) || k >= n.inputs.size() || n.inputs[k].starts_with('^'))
        return std::nullopt;
      if (loop && !is_handle(n, k)) return std::nullopt;
      t = resolve(*t.scope, n.inputs[k]);
    }
    return std::nullopt;
  }

  static bool is_handle(const NodeDef& loop, size_t k) {
    const std::vector<DataType>& types = loop.list_or_empty("T").types;
    return k < types.size() && types[k] == DataType::resource;
  }

  // ---- Names

  std::string unique(std::string name) {
    const std::string wanted = name;
    for (int k = 1; !names_.insert(name).second; ++k) name = text(wanted, "_", k);
    return name;
  }

  const std::string& name_of(const Target& t) {
    std::string& name = chosen_[{t.scope, t.node}];
    if (name.empty()) name = unique(t.scope->prefix + std::string(t.node->name));
    return name;
  }

  // The name as an input: "node" or "node:k".
  std::string_view input_name(const Target& t) {
    const std::string& name = name_of(t);
    return texts_.keep(t.index == 0 ? name : text(name, ":", t.index));
  }

  void name_inputs() {
    for (const Port& input : source_.inputs) {
      const InputName name = parse_input(input.tensor);
      const auto at = main_.nodes.find(name.node);
      if (at == main_.nodes.end()) throw Failure(text("I2: there is no node \"", name.node, "\""));
      const bool named = !source_.signature.empty() && is_node_name(input.name) && name.index == 0;
      std::string& chosen = chosen_[{&main_, at->second}];
      if (chosen.empty()) chosen = unique(named ? input.name : std::string(name.node));
      result_.inputs.push_back(chosen);
      need({&main_, at->second});
    }
  }

  // The name by which the output is known: the signature's, or the node's.
  std::string add_output(const Port& port) {
    const Target t = resolve(main_, port.tensor);
    need(t);
    const InputName asked = parse_input(port.tensor);
    DataType type = base_type(port.dtype);
    if (type == DataType::invalid && t.scope != &main_) type = call_type(asked);
    const bool direct = t.scope == &main_ && source_.signature.empty();
    if (direct || type == DataType::invalid) return std::string(input_name(t));
    const std::string wanted =
        is_node_name(port.name) ? port.name : std::string(asked.node) + "/output";
    NodeDef node;
    node.name = texts_.keep(unique(wanted));
    node.op = "Identity";
    node.inputs.push_back(input_name(t));
    node.attrs = {{"T", type}};
    nodes_.push_back({std::move(node)});
    return std::string(nodes_.back().node.name);
  }

  DataType call_type(const InputName& output) const {
    const auto at = main_.nodes.find(output.node);
    if (at == main_.nodes.end()) return DataType::invalid;
    const std::vector<DataType>& types = at->second->list_or_empty("Tout").types;
    const auto k = static_cast<size_t>(output.index);
    return k < types.size() ? types[k] : DataType::invalid;
  }

  // ---- Nodes

  void need(const Target& t) {
    if (!seen_.insert({t.scope, t.node}).second) return;
    if (seen_.size() > kMostNodes) throw Failure(text("more than ", kMostNodes, " nodes"));
    todo_.push_back(t);
  }

  void convert(const Target& t) {
    const NodeDef& source = *t.node;
    Out out;
    if (is_variable_op(source.op)) {
      out.variable = &entry_of(source);
      out.node.name = texts_.keep(name_of(t));
      nodes_.push_back(std::move(out));
      return;
    }
    const Scope& scope = *t.scope;
    std::vector<std::string_view> data, control;
    for (std::string_view input : source.inputs)
      (parse_input(input).control ? control : data).push_back(input);
    try {
      out.node = rewriter_.rewrite(source, [&](const NodeDef&, int k) {
        return variable_of(scope, data.at(static_cast<size_t>(k)));
      });
    } catch (const std::out_of_range&) {
      throw Failure(text("I2: node \"", source.name, "\": inputs"));
    }
    fill_attributes(out.node, scope);
    out.node.name = texts_.keep(name_of(t));
    out.node.inputs.clear();
    for (std::string_view input : data) {
      const Target from = resolve(scope, input);
      out.node.inputs.push_back(input_name(from));
      need(from);
    }
    for (std::string_view input : control) keep_control(scope, input.substr(1), out.node);
    nodes_.push_back(std::move(out));
  }

  // A control input counts only where it says that a branch of a Switch is taken.
  void keep_control(const Scope& scope, std::string_view name, NodeDef& node) {
    const auto at = scope.nodes.find(name);
    if (at == scope.nodes.end()) return;
    const NodeDef* n = at->second;
    for (int hop = 0; hop < kMostHops && hands_on(n->op) && !n->inputs.empty(); ++hop) {
      const auto from = scope.nodes.find(parse_input(n->inputs[0]).node);
      if (from == scope.nodes.end()) return;
      n = from->second;
    }
    if (n->op != "Switch" && n->op != "RefSwitch" && n->op != "Merge") return;
    const Target t{&scope, at->second};
    node.inputs.push_back(texts_.keep("^" + name_of(t)));
    need(t);
  }

  // Attributes that a function's body takes from its call.
  static void fill_attributes(NodeDef& node, const Scope& scope) {
    for (Attr& a : node.attrs) {
      const auto* placeholder = std::get_if<Placeholder>(&a.value);
      if (placeholder == nullptr) continue;
      const AttrValue* value =
          scope.call == nullptr ? nullptr : scope.call->find(placeholder->name);
      if (value == nullptr)
        throw Failure(text("I2: node \"", node.name, "\": attribute '", a.name, "' has no value"));
      a.value = AttrValue(*value);
    }
  }

  // ---- The result

  // Makers before takers; what turns in a loop of TensorFlow 1 comes last.
  std::vector<const Out*> sorted() const {
    std::unordered_map<std::string_view, size_t> place;
    for (size_t i = 0; i < nodes_.size(); ++i) place[nodes_[i].node.name] = i;
    std::vector<std::vector<size_t>> takers(nodes_.size());
    std::vector<size_t> waits(nodes_.size(), 0), ready;
    for (size_t i = 0; i < nodes_.size(); ++i)
      for (std::string_view input : nodes_[i].node.inputs)
        if (const auto at = place.find(parse_input(input).node); at != place.end()) {
          takers[at->second].push_back(i);
          ++waits[i];
        }
    std::vector<const Out*> result;
    std::vector<bool> done(nodes_.size(), false);
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (waits[i] == 0) ready.push_back(i);
    while (!ready.empty()) {
      const size_t i = ready.back();
      ready.pop_back();
      done[i] = true;
      result.push_back(&nodes_[i]);
      for (size_t taker : takers[i])
        if (--waits[taker] == 0) ready.push_back(taker);
    }
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (!done[i]) result.push_back(&nodes_[i]);
    return result;
  }

  void write() {
    GraphWriter writer;
    for (const Out* out : sorted()) {
      ++result_.nodes;
      if (out->variable == nullptr) {
        writer.add(out->node);
        continue;
      }
      const TensorValue value = source_.checkpoint.read(*out->variable);
      writer.add_constant(out->node.name, value);
      ++result_.variables;
      result_.variable_bytes += static_cast<int64_t>(value.bytes.size());
    }
    for (const FunctionDef& f : rewriter_.made()) {
      writer.add(f);
      result_.nodes += static_cast<int64_t>(f.nodes.size());
    }
    writer.set_producer(source_.graph.producer > 0 ? source_.graph.producer : kOldProducer);
    result_.bytes = writer.take();
    result_.source_nodes = static_cast<int64_t>(source_.graph.nodes.size());
    for (const FunctionDef& f : source_.graph.functions)
      result_.source_nodes += static_cast<int64_t>(f.nodes.size());
  }

  const Source& source_;
  Functions functions_;
  Texts texts_;
  FreezeRewriter rewriter_;
  Scope main_;
  std::map<std::pair<const Scope*, const NodeDef*>, std::string> chosen_;
  std::unordered_set<std::string> names_;
  std::set<std::pair<const Scope*, const NodeDef*>> seen_;
  size_t inlined_ = 0;  // nodes of the bodies of all calls
  std::vector<Target> todo_;
  std::deque<Out> nodes_;
  FrozenGraph result_;
};

}  // namespace

FrozenGraph freeze(const Source& source) {
  try {
    return Freezer(source).run();
  } catch (const Failure& failure) {
    const std::string_view message = failure.what();
    if (message.starts_with(source.path)) throw;
    throw Failure(text(source.path, ": ", message));
  }
}

}  // namespace cygnet::tensorflow
