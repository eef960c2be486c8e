// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/graph_importer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "edit/fake_quant.h"
#include "importers/tensorflow/check_operators.h"
#include "importers/tensorflow/constant.h"
#include "importers/tensorflow/output_names.h"

namespace cygnet::tensorflow {
namespace {

constexpr int kMostCalls = 32;  // functions within functions
constexpr int64_t kVisitsPerOperator =
    8;  // nodes looked at for each operator that the limits allow

}  // namespace

Type to_type(DataType type, std::string_view node) {
  switch (base_type(type)) {
    case DataType::float32:
      return Type::float32;
    case DataType::float64:
      return Type::float64;
    case DataType::float16:
    case DataType::bfloat16:
      return Type::float32;
    case DataType::int8:
      return Type::int8;
    case DataType::int16:
      return Type::int16;
    case DataType::int32:
      return Type::int32;
    case DataType::int64:
      return Type::int64;
    case DataType::uint8:
      return Type::uint8;
    case DataType::uint16:
      return Type::uint16;
    case DataType::uint32:
      return Type::uint32;
    case DataType::uint64:
      return Type::uint64;
    case DataType::boolean:
      return Type::boolean;
    case DataType::string:
      return Type::string;
    case DataType::complex64:
      return Type::complex64;
    case DataType::complex128:
      return Type::complex128;
    default:
      break;
  }
  throw Failure(text("node \"", node, "\": type ", tensorflow::type_name(type),
                     " has no counterpart in the TensorFlow Lite format"));
}

// ---- Call

const Value& Call::value(int k) const {
  if (k >= inputs()) fail("expected more than ", k, " inputs, got ", inputs());
  return inputs_[static_cast<size_t>(k)];
}

int32_t Call::in(int k) const {
  const Value& v = value(k);
  if (v.kind == Value::Kind::complex)
    fail("input ", k,
         " is complex: only Fourier transforms, sums, products and moves of complex "
         "numbers are supported");
  if (v.kind != Value::Kind::tensor) fail("input ", k, " is no tensor at inference");
  return v.tensor;
}

std::vector<int32_t> Call::all(int from, int to) const {
  std::vector<int32_t> result;
  for (int k = from; k < to; ++k) result.push_back(in(k));
  return result;
}

std::vector<int64_t> Call::integers(int k) const {
  auto result = e.integers(in(k));
  if (!result) fail("input ", k, ": expected values known before the run");
  return *std::move(result);
}

int64_t Call::integer(int k) const {
  const std::vector<int64_t> list = integers(k);
  if (list.size() != 1) fail("input ", k, ": expected one value, got ", list.size());
  return list[0];
}

int32_t Call::axis(int64_t value, int rank) const {
  if (value < -rank || value >= rank)
    fail("axis: expected ", -rank, " to ", rank - 1, ", got ", value);
  return static_cast<int32_t>(value < 0 ? value + rank : value);
}

int32_t Call::axis_of(int64_t value, int32_t tensor, int more) const {
  if (!e.shape_unknown(tensor)) return axis(value, e.shape(tensor).rank + more);
  if (value < -kMaxRank || value >= kMaxRank)
    fail("axis: expected ", -kMaxRank, " to ", kMaxRank - 1, ", got ", value);
  return static_cast<int32_t>(value);
}

int32_t Call::fixed_dim(int32_t tensor, int d) const {
  if (e.shape_unknown(tensor) || d < 0 || d >= e.shape(tensor).rank || e.dim_free(tensor, d))
    fail("dimension ", d, " of \"", e.tensor(tensor).name, "\" must be known before the run");
  return e.shape(tensor)[d];
}

std::vector<int32_t> Call::axes(int k, int of) const {
  std::vector<int32_t> result;
  for (int64_t a : integers(k)) result.push_back(axis_of(a, in(of)));
  return result;
}

// ---- GraphImporter

GraphImporter::GraphImporter(const Source& source, const ImportOptions& options, Draft& draft)
    : source_(source), options_(options), draft_(draft) {
  for (const FunctionDef& f : source.graph.functions) functions_[f.name] = &f;
}

const FunctionDef& GraphImporter::function(std::string_view name) const {
  const auto at = functions_.find(name);
  if (at == functions_.end())
    throw Failure(text(draft_.source, ": I2: function \"", name, "\" is not in the library"));
  return *at->second;
}

void GraphImporter::run() {
  check_operators(source_, options_, draft_);
  draft_.add_subgraph("main");
  Editor editor(draft_, *options_.registry, 0);
  Scope scope;
  scope.editor = &editor;
  for (const NodeDef& node : source_.graph.nodes) scope.nodes[node.name] = &node;
  make_inputs(scope, editor);
  std::vector<int32_t> outputs;
  for (const Port& output : source_.outputs) {
    const Value v = value_of(scope, output.tensor);
    if (v.kind == Value::Kind::complex)
      throw Failure(text(draft_.source, ": output \"", output.name,
                         "\" is complex: give out real and imaginary parts, or the magnitude"));
    if (v.kind != Value::Kind::tensor)
      throw Failure(text(draft_.source, ": output \"", output.name, "\" is no tensor"));
    outputs.push_back(v.tensor);
  }
  editor.set_outputs(outputs);
  make_signature(editor, outputs);
  if (fake_quants_ > 0 && !options_.keep_ranges)
    draft_.warnings.push_back(fake_quant_warning(draft_.source, fake_quants_));
}

void GraphImporter::make_inputs(Scope& scope, Editor& editor) {
  for (const Port& input : source_.inputs) {
    const InputName name = parse_input(input.tensor);
    const std::string node(name.node);
    std::vector<int32_t> dims;
    bool known = !input.shape.unknown_rank;
    for (int64_t d : input.shape.dims) dims.push_back(static_cast<int32_t>(d));
    for (const std::string& alias : {input.name, input.tensor, node})
      if (const auto wanted = options_.input_shapes.find(alias);
          wanted != options_.input_shapes.end()) {
        dims = wanted->second;
        known = true;
        break;
      }
    for (size_t d = 1; d < dims.size(); ++d) known = known && dims[d] >= 0;
    if (!known)
      throw Failure(text(draft_.source, ": input \"", input.name, "\" has shape ",
                         input.shape.text(),
                         ": only the first dimension may stay open; say which shape you want with "
                         "--inputs ",
                         input.name, ":1x..."));
    const Type type =
        input.dtype == DataType::invalid ? Type::float32 : to_type(input.dtype, input.name);
    const int32_t tensor = editor.input(input.name, type, dims);
    std::vector<Value>& results = scope.results[scope.nodes.at(name.node)->name];
    results.resize(std::max(results.size(), static_cast<size_t>(name.index) + 1));
    results[static_cast<size_t>(name.index)] = Value::of(tensor);
  }
}

void GraphImporter::make_signature(Editor& editor, const std::vector<int32_t>& outputs) {
  for (size_t k = 0; k < outputs.size(); ++k) {
    const auto& inputs = editor.subgraph().inputs;
    const bool is_input = std::find(inputs.begin(), inputs.end(), outputs[k]) != inputs.end();
    if (!is_input && source_.signature.empty())
      editor.tensor(outputs[k]).name = draft_.keep(source_.outputs[k].name);
  }
  if (source_.signature.empty()) return;
  Signature& s = draft_.graph.signatures.emplace_back();
  s.key = draft_.keep(source_.signature);
  for (size_t k = 0; k < source_.inputs.size(); ++k)
    s.inputs.push_back({draft_.keep(source_.inputs[k].name), editor.subgraph().inputs[k]});
  for (size_t k = 0; k < outputs.size(); ++k)
    s.outputs.push_back({draft_.keep(source_.outputs[k].name), outputs[k]});
}

Value GraphImporter::value_of(Scope& scope, std::string_view input) {
  const InputName name = parse_input(input);
  if (const auto at = scope.arguments.find(name.node); at != scope.arguments.end())
    return at->second;
  if (scope.results.find(name.node) == scope.results.end()) {
    const auto at = scope.nodes.find(name.node);
    if (at == scope.nodes.end())
      throw Failure(text(draft_.source, ": I2: no node \"", name.node, "\""));
    convert(scope, *at->second);
  }
  const std::vector<Value>& results = scope.results[name.node];
  if (results.size() == 1 && results[0].kind == Value::Kind::dead) return results[0];
  size_t index = static_cast<size_t>(name.index);
  if (!name.output.empty()) index = output_index(*scope.nodes.at(name.node), name);
  return index < results.size() ? results[index] : Value();
}

// Whether all inputs of a node are converted; those that are not, in `missing`.
bool GraphImporter::ready(Scope& scope, const NodeDef& node,
                          std::vector<const NodeDef*>* missing) const {
  missing->clear();
  for (std::string_view input : node.inputs) {
    const InputName name = parse_input(input);
    if (name.control || scope.arguments.contains(name.node) || scope.results.contains(name.node))
      continue;
    const auto at = scope.nodes.find(name.node);
    if (at == scope.nodes.end())
      throw Failure(
          text(draft_.source, ": I2: node \"", node.name, "\": no node \"", name.node, "\""));
    missing->push_back(at->second);
  }
  return missing->empty();
}

// Depth first without recursion: graphs are thousands of nodes deep.
void GraphImporter::convert(Scope& scope, const NodeDef& root) {
  std::vector<const NodeDef*> stack{&root};
  std::set<const NodeDef*> open;
  std::vector<const NodeDef*> missing;
  while (!stack.empty()) {
    const NodeDef& node = *stack.back();
    if (scope.results.contains(node.name)) {
      stack.pop_back();
      continue;
    }
    if (ready(scope, node, &missing)) {
      convert_node(scope, node);
      open.erase(&node);
      stack.pop_back();
      continue;
    }
    if (!open.insert(&node).second)
      throw Failure(text(draft_.source, ": I2: node \"", node.name,
                         "\" depends on itself; loops of TensorFlow 1 (Enter, NextIteration) are "
                         "not supported: export the network with control flow v2"));
    stack.insert(stack.end(), missing.rbegin(), missing.rend());
  }
}

// Functions that call others twice each, which do so in turn, are of few nodes but take for ever.
void GraphImporter::count_visits(size_t nodes) {
  visits_ += static_cast<int64_t>(nodes);
  if (visits_ / kVisitsPerOperator > options_.limits.operators)
    throw Failure(text(draft_.source,
                       ": I2: more nodes in functions that call each other than the "
                       "limit of ",
                       options_.limits.operators, " operators allows"));
}

void GraphImporter::convert_node(Scope& scope, const NodeDef& node) {
  count_visits(1);
  if (node.op == "Placeholder" || node.op == "PlaceholderV2")
    throw Failure(text(draft_.source, ": node \"", node.name,
                       "\" is an input that the list of inputs lacks"));
  std::vector<Value> inputs;
  bool dead = false;
  for (std::string_view input : node.inputs) {
    if (parse_input(input).control) continue;
    inputs.push_back(value_of(scope, input));
    dead = dead || inputs.back().kind == Value::Kind::dead;
  }
  if (dead && node.op != "Merge" && node.op != "RefMerge") {
    scope.results[node.name] = {Value::none_taken()};
    return;
  }
  Call call(*this, *scope.editor, node, std::move(inputs), results_of(scope, node));
  const OpRow* row = find_op(node.op);
  static constexpr OpRow kCustom{"", to_custom};
  if (row == nullptr) row = &kCustom;
  try {
    if (acts_on_parts(node.op) && call.has_complex())
      convert_parts(call, *row);
    else
      row->convert(call);
  } catch (const Failure& failure) {
    const std::string_view message = failure.what();
    if (message.starts_with(draft_.source)) throw;  // it says where already
    call.fail(message);
  }
  scope.results[node.name] = std::move(call.results());
}

// How many results others take of a node whose operator is not known; at least 1.
int GraphImporter::results_of(Scope& scope, const NodeDef& node) const {
  if (find_op(node.op) != nullptr) return 1;
  if (!scope.counted) {
    const auto look = [&](std::string_view input) {
      const InputName name = parse_input(input);
      int64_t& most = scope.taken[name.node];
      if (!name.control) most = std::max(most, name.index);
    };
    for (const auto& [other, def] : scope.nodes)
      for (std::string_view input : def->inputs) look(input);
    for (const Port& output : source_.outputs) look(output.tensor);
    scope.counted = true;
  }
  return static_cast<int>(std::min<int64_t>(scope.taken[node.name], 255)) + 1;
}

// Converts a node twice, for the real and for the imaginary parts of its operands.
void GraphImporter::convert_parts(Call& call, const OpRow& row) {
  std::array<std::vector<Value>, 2> results;
  for (size_t part = 0; part < 2; ++part) {
    std::vector<Value> inputs;
    for (int k = 0; k < call.inputs(); ++k) {
      const Value& v = call.value(k);
      const bool complex = v.kind == Value::Kind::complex;
      inputs.push_back(complex ? Value::of(part == 0 ? v.tensor : v.imaginary) : v);
    }
    Call one(*this, call.e, call.node, std::move(inputs));
    row.convert(one);
    results[part] = std::move(one.results());
  }
  for (size_t k = 0; k < results[0].size(); ++k)
    call.out(Value::of(results[0][k].tensor, results[1][k].tensor));
}

std::vector<Value> GraphImporter::call(Editor& editor, std::string_view name,
                                       std::vector<Value> arguments) {
  const FunctionDef& f = function(name);
  if (++depth_ > kMostCalls)
    throw Failure(text(draft_.source, ": I2: function \"", name, "\": more than ", kMostCalls,
                       " calls within each other"));
  if (arguments.size() != f.inputs.size())
    throw Failure(text(draft_.source, ": I2: function \"", name, "\": expected ", f.inputs.size(),
                       " arguments, got ", arguments.size()));
  count_visits(f.nodes.size());
  Scope scope;
  scope.editor = &editor;
  for (const NodeDef& node : f.nodes) scope.nodes[node.name] = &node;
  for (size_t k = 0; k < arguments.size(); ++k)
    scope.arguments[f.inputs[k].name] = std::move(arguments[k]);
  std::vector<Value> results;
  for (const ArgDef& output : f.outputs)
    results.push_back(value_of(scope, f.returned(output.name)));
  --depth_;
  return results;
}

bool GraphImporter::returns_argument(const FunctionDef& f, size_t k) const {
  std::string_view from = f.returned(f.outputs[k].name);
  for (size_t hops = 0; hops <= f.nodes.size(); ++hops) {
    const InputName name = parse_input(from);
    if (name.node == f.inputs[k].name) return true;
    const auto at = std::find_if(f.nodes.begin(), f.nodes.end(),
                                 [&](const NodeDef& n) { return n.name == name.node; });
    if (at == f.nodes.end() || at->op != "Identity" || at->inputs.empty()) return false;
    from = at->inputs[0];
  }
  return false;
}

int32_t GraphImporter::variable(Editor& editor, std::string_view node) {
  const auto at = source_.variables.find(node);
  if (at == source_.variables.end())
    throw Failure(text(draft_.source, ": variable \"", node,
                       "\" has no value: no checkpoint has it (--checkpoint PREFIX names one)"));
  const TensorValue value = source_.checkpoint.read(at->second);
  draft_.hold(value.owned);
  Shape shape;
  if (value.dims.size() > static_cast<size_t>(kMaxRank))
    throw Failure(text(draft_.source, ": variable \"", node, "\": rank ", value.dims.size()));
  for (int64_t d : value.dims) shape.push(static_cast<int32_t>(d));
  const Type type = to_type(value.dtype, node);
  if (is_half(value.dtype)) return editor.constant<float>(shape, widen(value), node);
  const std::span bytes(reinterpret_cast<const uint8_t*>(value.bytes.data()), value.bytes.size());
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % 4 == 0 && type_bits(type) <= 32;
  return aligned ? editor.borrowed_constant(type, shape, bytes, node)
                 : editor.copied_constant(type, shape, bytes, node);
}

}  // namespace cygnet::tensorflow
