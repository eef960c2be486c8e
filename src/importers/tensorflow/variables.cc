// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/variables.h"

#include <charconv>
#include <unordered_map>

#include "edit/failure.h"
#include "importers/tensorflow/wire.h"

namespace cygnet::tensorflow {

namespace {

constexpr int kMaxCallDepth = 32;
constexpr int kMaxHops = 1000;  // of pass-through nodes between two that count
constexpr char kObjectGraph[] = "_CHECKPOINTABLE_OBJECT_GRAPH";

/// A graph or function body while the restore operator is traced.
struct Scope {
  std::unordered_map<std::string_view, const NodeDef*> nodes;
  /// Function argument → name of the variable's node in the main graph.
  std::unordered_map<std::string_view, std::string_view> arguments;

  void add(const std::vector<NodeDef>& list) {
    for (const NodeDef& node : list) nodes.emplace(node.name, &node);
  }
  const NodeDef* find(std::string_view name) const {
    const auto at = nodes.find(name);
    return at == nodes.end() ? nullptr : at->second;
  }
  /// The data input k of a node; an empty name when there is none.
  static InputName input(const NodeDef& node, size_t k) {
    for (std::string_view name : node.inputs) {
      const InputName parsed = parse_input(name);
      if (!parsed.control && k-- == 0) return parsed;
    }
    return {};
  }
  static bool passes_through(std::string_view op) {
    return op == "Identity" || op == "EnsureShape" || op == "Reshape" || op == "Cast" ||
           op == "Enter" || op == "ReadVariableOp";
  }
  /// The node that makes a value, past those that hand it on; its output in `from`.
  const NodeDef* producer(InputName& from) const {
    for (int hop = 0; hop < kMaxHops; ++hop) {
      const NodeDef* node = find(from.node);
      if (node == nullptr || !passes_through(node->op)) return node;
      from = input(*node, 0);
    }
    return nullptr;
  }
  /// The variable's node in the main graph; empty when it is none.
  std::string_view variable(InputName from) const {
    const NodeDef* node = producer(from);
    if (node != nullptr) return is_variable_op(node->op) ? node->name : std::string_view();
    const auto at = arguments.find(from.node);
    return at == arguments.end() ? std::string_view() : at->second;
  }
};

/// "10 4 0,5:0,4" or "10 4 0,5:-": which part of a tensor a partition holds.
struct SliceSpec {
  std::vector<int64_t> start;
  std::vector<int64_t> length;
};

SliceSpec parse_slice(std::string_view spec) {
  const std::string_view whole = spec;
  const auto fail = [&] { throw Failure(text("I3: '", whole, "' is no slice")); };
  const auto number = [&](std::string_view part) {
    int64_t value = 0;
    const char* end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(part.data(), end, value);
    if (error != std::errc() || stop != end || value < 0) fail();
    return value;
  };
  std::vector<int64_t> dims;
  for (size_t blank; (blank = spec.find(' ')) != std::string_view::npos;) {
    dims.push_back(number(spec.substr(0, blank)));
    spec.remove_prefix(blank + 1);
  }
  SliceSpec slice;
  for (size_t d = 0; d < dims.size(); ++d) {
    const std::string_view part = spec.substr(0, spec.find(':'));
    spec.remove_prefix(std::min(part.size() + 1, spec.size()));
    const size_t comma = part.find(',');
    if (part == "-") {
      slice.start.push_back(0);
      slice.length.push_back(dims[d]);
    } else if (comma == std::string_view::npos) {
      fail();
    } else {
      slice.start.push_back(number(part.substr(0, comma)));
      slice.length.push_back(number(part.substr(comma + 1)));
    }
  }
  return slice;
}

/// The part of an entry that a partition holds. Only parts that were saved as such are found.
CheckpointEntry take_slice(const CheckpointEntry& entry, std::string_view spec) {
  const SliceSpec wanted = parse_slice(spec);
  if (wanted.length == entry.dims) return entry;
  for (const StoredSlice& slice : entry.slices) {
    if (slice.start != wanted.start || slice.length != wanted.length) continue;
    CheckpointEntry part;
    part.name = entry.name;
    part.dtype = entry.dtype;
    part.dims = slice.length;
    part.stored = slice.stored;
    return part;
  }
  throw Failure(text("I3: tensor '", entry.name, "' is not saved with the slice '", spec, "'"));
}

class Matcher {
 public:
  Matcher(const GraphDef& graph, const Checkpoint& checkpoint)
      : graph_(graph), checkpoint_(checkpoint) {
    for (const FunctionDef& function : graph.functions) {
      functions_.emplace(function.name, &function);
    }
  }

  void trace(std::string_view restore_op) {
    Scope main;
    main.add(graph_.nodes);
    trace_assignments(graph_.nodes, main);
    if (const NodeDef* node = main.find(restore_op); node != nullptr && !restore_op.empty()) {
      trace_call(*node, main, 0);
    }
  }

  void match_names() {
    std::unordered_map<std::string_view, std::string_view> full_names;
    bool have_full_names = false;
    for (const NodeDef& node : graph_.nodes) {
      if (!is_variable_op(node.op) || variables.count(node.name) != 0) continue;
      const std::string_view shared = node.string("shared_name", "");
      const CheckpointEntry* entry = checkpoint_.find(shared.empty() ? node.name : shared);
      if (entry == nullptr) entry = checkpoint_.find(node.name);
      if (entry == nullptr) {
        if (!have_full_names) full_names = read_full_names();
        have_full_names = true;
        auto at = full_names.find(shared);
        if (at == full_names.end()) at = full_names.find(node.name);
        if (at != full_names.end()) entry = checkpoint_.find(at->second);
      }
      if (entry != nullptr) variables.emplace(node.name, *entry);
    }
  }

  Variables variables;

 private:
  /// A call of a function of the library: traces what it assigns.
  void trace_call(const NodeDef& node, const Scope& scope, int depth) {
    std::string_view callee = node.op;
    if (const AttrValue* value = node.find("f"); value != nullptr) {
      if (const auto* name = std::get_if<std::shared_ptr<const FunctionName>>(value)) {
        callee = (*name)->name;
      }
    }
    const auto at = functions_.find(callee);
    if (at == functions_.end()) return;
    if (depth > kMaxCallDepth || ++calls_ > kMaxHops) throw Failure("I3: the restore operator");
    const FunctionDef& function = *at->second;
    Scope inner;
    inner.add(function.nodes);
    for (size_t i = 0; i < function.inputs.size(); ++i) {
      const InputName from = Scope::input(node, i);
      if (from.node.empty()) continue;
      const std::string_view variable = scope.variable(from);
      if (!variable.empty()) inner.arguments.emplace(function.inputs[i].name, variable);
    }
    trace_assignments(function.nodes, inner);
    for (const NodeDef& call : function.nodes) trace_call(call, inner, depth + 1);
  }

  /// Each "variable := output k of RestoreV2".
  void trace_assignments(const std::vector<NodeDef>& nodes, const Scope& scope) {
    for (const NodeDef& node : nodes) {
      if (node.op != "AssignVariableOp" && node.op != "Assign") continue;
      InputName value = Scope::input(node, 1);
      const NodeDef* restore = scope.producer(value);
      if (restore == nullptr || restore->op != "RestoreV2") continue;
      const std::string_view variable = scope.variable(Scope::input(node, 0));
      if (variable.empty()) continue;
      const auto k = static_cast<size_t>(value.index);
      const auto& keys = constant_strings(*restore, 1, scope);
      if (k >= keys.size()) {
        throw Failure(text("I3: node '", restore->name, "' has no output ", value.index));
      }
      const CheckpointEntry* entry = checkpoint_.find(keys[k]);
      if (entry == nullptr) continue;
      const auto& slices = constant_strings(*restore, 2, scope);
      const bool partial = k < slices.size() && !slices[k].empty();
      variables.emplace(variable, partial ? take_slice(*entry, slices[k]) : *entry);
    }
  }

  /// The strings of the constant that is input k of a node; none when it is not a constant.
  const std::vector<std::string_view>& constant_strings(const NodeDef& node, size_t k,
                                                        const Scope& scope) {
    InputName from = Scope::input(node, k);
    const NodeDef* constant = scope.producer(from);
    static const std::vector<std::string_view> none;
    if (constant == nullptr || constant->op != "Const") return none;
    const auto at = strings_.find(constant);
    if (at != strings_.end()) return at->second;
    return strings_.emplace(constant, decode_tensor(constant->tensor("value")).strings)
        .first->second;
  }

  /// Full name of a variable → its key, from the checkpoint's object graph
  /// (trackable_object_graph.proto). Names that occur twice are left out.
  std::unordered_map<std::string_view, std::string_view> read_full_names() {
    std::unordered_map<std::string_view, std::string_view> names;
    const CheckpointEntry* entry = checkpoint_.find(kObjectGraph);
    if (entry == nullptr || entry->dtype != DataType::string) return names;
    const TensorValue value = checkpoint_.read(*entry);
    if (value.strings.size() != 1) return names;
    Budget budget(value.strings[0].size());
    Message graph(value.strings[0], budget);
    while (graph.next()) {
      if (graph.field() != 1) {
        graph.skip();
        continue;
      }
      Message object = graph.message();
      while (object.next()) {
        if (object.field() == 2) {
          add_full_name(object.message(), names);
        } else {
          object.skip();
        }
      }
    }
    return names;
  }

  static void add_full_name(Message saved,
                            std::unordered_map<std::string_view, std::string_view>& names) {
    std::string_view full_name;
    std::string_view key;
    while (saved.next()) {
      switch (saved.field()) {
        case 2:
          full_name = saved.bytes();
          break;
        case 3:
          key = saved.bytes();
          break;
        default:
          saved.skip();
      }
    }
    if (full_name.empty()) return;
    const auto [at, fresh] = names.emplace(full_name, key);
    if (!fresh) at->second = {};
  }

  const GraphDef& graph_;
  const Checkpoint& checkpoint_;
  std::unordered_map<std::string_view, const FunctionDef*> functions_;
  std::unordered_map<const NodeDef*, std::vector<std::string_view>> strings_;
  int calls_ = 0;
};

}  // namespace

bool is_variable_op(std::string_view op) {
  return op == "VarHandleOp" || op == "VariableV2" || op == "Variable" ||
         op == "AutoReloadVariable";
}

Variables match_variables(const GraphDef& graph, const SaverDef& saver,
                          const Checkpoint& checkpoint) {
  Matcher matcher(graph, checkpoint);
  matcher.trace(parse_input(saver.restore_op_name.empty() ? "none" : saver.restore_op_name).node);
  matcher.match_names();
  return std::move(matcher.variables);
}

}  // namespace cygnet::tensorflow
