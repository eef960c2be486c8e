// SPDX-License-Identifier: Apache-2.0
#include "edit/editor.h"

#include <algorithm>
#include <cstring>

#include "edit/evaluate.h"
#include "edit/grid.h"

namespace cygnet {
namespace {

// Results up to this many bytes are computed while the graph is built.
constexpr size_t kSmallBytes = 4096;

size_t byte_count(Type type, const Shape& shape) {
  return (static_cast<size_t>(shape.elements()) * static_cast<size_t>(type_bits(type)) + 7) / 8;
}

// The integers in `bytes`; nothing when the type is not an integer.
std::optional<std::vector<int64_t>> read_integers(Type type, std::span<const uint8_t> bytes) {
  std::vector<int64_t> result;
  const auto read = [&]<class T>(T) {
    for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, bytes.data() + i, sizeof(T));
      result.push_back(static_cast<int64_t>(value));
    }
  };
  switch (type) {
    case Type::int32:
      read(int32_t{});
      break;
    case Type::int64:
      read(int64_t{});
      break;
    case Type::int16:
      read(int16_t{});
      break;
    case Type::int8:
      read(int8_t{});
      break;
    case Type::uint8:
    case Type::boolean:
      read(uint8_t{});
      break;
    default:
      return std::nullopt;
  }
  return result;
}

}  // namespace

Editor::Editor(Draft& draft, const OpRegistry& registry, int subgraph)
    : draft_(draft), registry_(registry), index_(subgraph) {
  if (draft_.graph.subgraphs.empty()) draft_.add_subgraph("main");
}

// ---- Tensors

bool Editor::dim_free(int32_t i, int d) const {
  const TensorFacts& f = facts(i);
  return f.shapes[1].dims[d] != f.shapes[0].dims[d] || f.shapes[2].dims[d] != f.shapes[0].dims[d];
}

bool Editor::value_known(int32_t i) const {
  return tensor(i).constant || !facts(i).values[0].empty();
}

std::vector<uint8_t> Editor::bytes_of(int32_t i, size_t batch) const {
  const GraphTensor& t = tensor(i);
  if (!t.constant) return facts(i).values[batch];
  return {t.as<uint8_t>(), t.as<uint8_t>() + t.bytes};
}

std::optional<std::vector<int64_t>> Editor::integers(int32_t i) const {
  if (!value_known(i)) return std::nullopt;
  if (tensor(i).constant) return read_integers(type(i), {tensor(i).as<uint8_t>(), tensor(i).bytes});
  const std::vector<uint8_t> bytes = bytes_of(i, 0);
  if (bytes_of(i, 1) != bytes || bytes_of(i, 2) != bytes) return std::nullopt;
  return read_integers(type(i), bytes);
}

std::optional<std::vector<int32_t>> Editor::reshape_target(int32_t i) const {
  if (!value_known(i)) return std::nullopt;
  std::array<std::vector<int64_t>, kBatches.size()> lists;
  for (size_t b = 0; b < kBatches.size(); ++b) {
    auto list = read_integers(type(i), bytes_of(i, b));
    if (!list) return std::nullopt;
    lists[b] = *std::move(list);
  }
  std::vector<int32_t> result;
  int free = 0;
  for (size_t d = 0; d < lists[0].size(); ++d) {
    const bool same = lists[1][d] == lists[0][d] && lists[2][d] == lists[0][d];
    if (!same || lists[0][d] == -1) ++free;
    result.push_back(same ? static_cast<int32_t>(lists[0][d]) : -1);
  }
  if (free > 1) return std::nullopt;
  return result;
}

std::optional<float> Editor::uniform(int32_t i) const {
  if (!constant(i) || type(i) != Type::float32) return std::nullopt;
  const std::span<const float> list = values<float>(i);
  if (list.empty()) return std::nullopt;
  for (float v : list)
    if (std::memcmp(&v, &list[0], sizeof v) != 0) return std::nullopt;
  return list[0];
}

int32_t Editor::new_tensor(Type type, std::string_view name) {
  GraphTensor& t = subgraph().tensors.emplace_back();
  t.name = draft_.keep(name);
  t.type = type;
  draft_.facts[index_].emplace_back();
  return static_cast<int32_t>(subgraph().tensors.size()) - 1;
}

int32_t Editor::input(std::string_view name, Type type, std::span<const int32_t> dims) {
  const int32_t i = new_tensor(type, name);
  GraphTensor& t = tensor(i);
  if (dims.size() > static_cast<size_t>(kMaxRank))
    throw Failure(text(draft_.source, ": input \"", name, "\": expected rank 0 to ", kMaxRank,
                       ", got ", dims.size()));
  for (size_t b = 0; b < kBatches.size(); ++b) {
    Shape& shape = facts(i).shapes[b];
    for (int32_t d : dims) shape.push(d < 0 ? kBatches[b] : d);
  }
  t.shape = facts(i).shapes[0];
  t.signature = t.shape;
  for (size_t d = 0; d < dims.size(); ++d)
    if (dims[d] < 0) {
      t.signature[static_cast<int>(d)] = -1;
      t.has_signature = true;
    }
  std::vector<int32_t> list(subgraph().inputs.begin(), subgraph().inputs.end());
  list.push_back(i);
  set_inputs(list);
  return i;
}

int32_t Editor::result_like(const Editor& other, int32_t tensor, std::string_view name) {
  const GraphTensor o = other.tensor(tensor);  // a copy: `other` may edit the same subgraph
  const TensorFacts& known = other.facts(tensor);
  const std::array<Shape, kBatches.size()> shapes = known.shapes;
  const bool unknown = known.shape_unknown;
  const int32_t i = new_tensor(o.type, name);
  GraphTensor& t = subgraph().tensors[i];
  t.shape = o.shape;
  t.has_signature = o.has_signature;
  t.signature = o.signature;
  t.has_rank = o.has_rank;
  facts(i).shapes = shapes;
  facts(i).shape_unknown = unknown;
  return i;
}

int32_t Editor::unknown_tensor(Type type, std::string_view name) {
  const int32_t i = new_tensor(type, name);
  tensor(i).has_rank = false;
  facts(i).shape_unknown = true;
  return i;
}

int32_t Editor::input_like(const Editor& other, int32_t tensor, std::string_view name) {
  const int32_t i = result_like(other, tensor, name);
  std::vector<int32_t> list(subgraph().inputs.begin(), subgraph().inputs.end());
  list.push_back(i);
  set_inputs(list);
  return i;
}

int32_t Editor::borrowed_constant(Type type, const Shape& shape, std::span<const uint8_t> bytes,
                                  std::string_view name) {
  const Shape own = shape;  // it may lie in a tensor that moves now
  const int32_t i = new_tensor(type, name);
  GraphTensor& t = tensor(i);
  t.shape = own;
  facts(i).shapes.fill(own);
  if (type_bits(type) != 0 && bytes.size() != byte_count(type, own))
    throw Failure(text(draft_.source, ": constant \"", name, "\": expected ", byte_count(type, own),
                       " bytes for ", type_name(type), shape_text(own).text, ", got ",
                       bytes.size()));
  t.constant = true;
  t.data = const_cast<uint8_t*>(bytes.data());
  t.bytes = bytes.size();
  return i;
}

int32_t Editor::copied_constant(Type type, const Shape& shape, std::span<const uint8_t> bytes,
                                std::string_view name) {
  const std::span<uint8_t> copy = draft_.allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
  return borrowed_constant(type, shape, copy, name);
}

int32_t Editor::variable(Type type, const Shape& shape, std::string_view name) {
  const Shape own = shape;  // as in borrowed_constant
  const int32_t i = new_tensor(type, name);
  tensor(i).shape = own;
  tensor(i).variable = true;
  facts(i).shapes.fill(own);
  return i;
}

int32_t Editor::tensor_like(int32_t other, Type type, std::string_view name) {
  const int32_t i = result_like(*this, other, name);
  tensor(i).type = type;
  return i;
}

void Editor::set_inputs(const std::vector<int32_t>& tensors) {
  subgraph().inputs = draft_.keep(std::span<const int32_t>(tensors));
}

void Editor::set_outputs(const std::vector<int32_t>& tensors) {
  subgraph().outputs = draft_.keep(std::span<const int32_t>(tensors));
}

// ---- Operators

const void* Editor::keep_table(std::span<const uint8_t> bytes) {
  const std::span<uint8_t> copy = draft_.allocate(bytes.size());
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return flatbuffers::GetRoot<flatbuffers::Table>(copy.data());
}

Node Editor::make_node(Builtin op, const std::vector<int32_t>& inputs,
                       const std::vector<int32_t>& outputs, const void* options) {
  draft_.count_operator();
  Node node;
  node.builtin = static_cast<int32_t>(op);
  node.name = schema::EnumNameBuiltinOperator(op);
  node.op = registry_.find(node.builtin);
  node.options = options;
  node.inputs = draft_.keep(std::span<const int32_t>(inputs));
  node.outputs = draft_.keep(std::span<const int32_t>(outputs));
  return node;
}

int32_t Editor::append_node(Builtin op, const std::vector<int32_t>& inputs,
                            const std::vector<int32_t>& outputs, const void* options) {
  subgraph().nodes.push_back(make_node(op, inputs, outputs, options));
  return static_cast<int32_t>(subgraph().nodes.size()) - 1;
}

int32_t Editor::append(Builtin op, const std::vector<int32_t>& inputs, const void* options,
                       const Results& results) {
  std::vector<int32_t> outputs;
  for (int r = 0; r < results.count; ++r) {
    const size_t k = static_cast<size_t>(r);
    const Type type = k < results.types.size() ? results.types[k] : tensor(inputs.at(0)).type;
    outputs.push_back(
        new_tensor(type, r == 0 ? std::string(results.name) : text(results.name, ":", r)));
  }
  const Node node = make_node(op, inputs, outputs, options);
  if (node.op == nullptr && op != Builtin::SHAPE)
    throw Failure(
        text(draft_.source, ": ", node_text(node), ": this build lacks the operator ", node.name));
  infer_node(node);
  if (compute_small(node)) return outputs[0];
  append_node(op, inputs, outputs, options);
  return outputs[0];
}

int32_t Editor::add_custom(std::string_view code, const std::vector<int32_t>& inputs,
                           std::span<const uint8_t> options, const std::vector<int32_t>& outputs) {
  const int32_t i = append_node(Builtin::CUSTOM, inputs, outputs, nullptr);
  Node& node = subgraph().nodes[i];
  node.name = draft_.keep(code);
  node.op = registry_.find_custom(code);
  const std::span<uint8_t> copy = draft_.allocate(options.size());
  if (!options.empty()) std::memcpy(copy.data(), options.data(), options.size());
  node.custom_options = copy;
  return i;
}

void Editor::infer(int32_t node) {
  infer_node(subgraph().nodes[node]);
}

GraphTensor Editor::operand(int32_t i, size_t batch, std::vector<uint8_t>& storage) const {
  GraphTensor t = tensor(i);
  t.shape = facts(i).shapes[batch];
  if (!t.constant && value_known(i)) {
    storage = bytes_of(i, batch);
    storage.resize(storage.size() + 64);  // operators may read past the end
    t.constant = true;
    t.data = storage.data();
    t.bytes = storage.size() - 64;
  }
  return t;
}

// Shapes of the results under every batch size; their signatures.
void Editor::infer_node(const Node& node) {
  bool unknown = false;
  bool free = false;
  for (int32_t i : node.inputs) {
    if (i == kAbsent) continue;
    unknown = unknown || (facts(i).shape_unknown && !value_known(i));
    for (int d = 0; d < shape(i).rank; ++d) free = free || dim_free(i, d);
    free = free || (!tensor(i).constant && value_known(i));
  }
  std::vector<GraphTensor> results, intermediates;
  for (int32_t i : node.outputs) results.push_back(tensor(i));
  for (int32_t i : node.intermediates)
    intermediates.push_back(i == kAbsent ? GraphTensor() : tensor(i));
  for (size_t b = 0; b < kBatches.size() && !unknown; ++b) {
    if (b > 0 && !free) {
      for (int32_t i : node.outputs) facts(i).shapes[b] = facts(i).shapes[0];
      continue;
    }
    if (node.builtin == static_cast<int32_t>(Builtin::SHAPE)) {
      facts(node.outputs[0]).shapes[b] = {facts(node.inputs[0]).shapes[b].rank};
      continue;
    }
    std::vector<std::vector<uint8_t>> storage(node.inputs.size());
    std::vector<GraphTensor> operands;
    for (size_t k = 0; k < node.inputs.size(); ++k)
      operands.push_back(node.inputs[k] == kAbsent ? GraphTensor()
                                                   : operand(node.inputs[k], b, storage[k]));
    const Evaluation e =
        evaluate(node, operands, results, false,
                 b == 0 ? draft_.source : text(draft_.source, " (with batch ", kBatches[b], ")"),
                 intermediates);
    unknown = e.deferred;
    for (size_t k = 0; k < node.outputs.size() && !unknown; ++k)
      facts(node.outputs[k]).shapes[b] = e.shapes[k];
  }
  for (int32_t i : node.outputs) {
    TensorFacts& f = facts(i);
    GraphTensor& t = tensor(i);
    f.shape_unknown =
        unknown || f.shapes[1].rank != f.shapes[0].rank || f.shapes[2].rank != f.shapes[0].rank;
    if (f.shape_unknown) {
      f.shapes.fill(Shape());
      t.shape = Shape();
      t.has_signature = false;
      t.has_rank = false;
      continue;
    }
    t.has_rank = true;
    t.shape = t.signature = f.shapes[0];
    t.has_signature = false;
    for (int d = 0; d < t.shape.rank; ++d)
      if (dim_free(i, d)) {
        t.signature[d] = -1;
        t.has_signature = true;
      }
  }
}

// SHAPE: its values follow from the operand's shape alone.
bool Editor::shape_values(const Node& node) {
  const int32_t x = node.inputs[0], y = node.outputs[0];
  if (facts(x).shape_unknown) return false;
  std::array<std::vector<uint8_t>, kBatches.size()> values;
  for (size_t b = 0; b < kBatches.size(); ++b) {
    for (int32_t d : facts(x).shapes[b]) {
      const int64_t wide = d;
      const auto* bytes = type(y) == Type::int64 ? reinterpret_cast<const uint8_t*>(&wide)
                                                 : reinterpret_cast<const uint8_t*>(&d);
      values[b].insert(values[b].end(), bytes, bytes + (type(y) == Type::int64 ? 8 : 4));
    }
  }
  set_values(y, values);
  return true;
}

// Makes the tensor a constant when it has the same values for every batch size.
void Editor::set_values(int32_t i,
                        const std::array<std::vector<uint8_t>, kBatches.size()>& values) {
  GraphTensor& t = tensor(i);
  const auto& shapes = facts(i).shapes;
  if (values[1] != values[0] || values[2] != values[0] || shapes[1] != shapes[0] ||
      shapes[2] != shapes[0]) {
    for (const std::vector<uint8_t>& v : values) draft_.count_bytes(v.size());
    facts(i).values = values;
    return;
  }
  const std::span<uint8_t> copy = draft_.allocate(values[0].size());
  if (!values[0].empty()) std::memcpy(copy.data(), values[0].data(), values[0].size());
  t.constant = true;
  t.data = copy.data();
  t.bytes = copy.size();
}

// Computes the results where they are small and follow from shapes and constants. True: they are
// constants now and the operator is not needed.
bool Editor::compute_small(const Node& node) {
  if (node.builtin == static_cast<int32_t>(Builtin::SHAPE))
    return shape_values(node) && tensor(node.outputs[0]).constant;
  if (!node.op->pure || node.inputs.empty()) return false;
  for (int32_t i : node.inputs)
    if (i != kAbsent && (!value_known(i) || (constant(i) && tensor(i).bytes > kSmallBytes)))
      return false;
  for (int32_t i : node.outputs)
    for (const Shape& s : facts(i).shapes)
      if (facts(i).shape_unknown || type_bits(type(i)) < 8 || byte_count(type(i), s) > kSmallBytes)
        return false;
  std::vector<GraphTensor> results;
  for (int32_t i : node.outputs) results.push_back(tensor(i));
  std::vector<std::array<std::vector<uint8_t>, kBatches.size()>> values(results.size());
  for (size_t b = 0; b < kBatches.size(); ++b) {
    std::vector<std::vector<uint8_t>> storage(node.inputs.size());
    std::vector<GraphTensor> operands;
    for (size_t k = 0; k < node.inputs.size(); ++k)
      operands.push_back(node.inputs[k] == kAbsent ? GraphTensor()
                                                   : operand(node.inputs[k], b, storage[k]));
    Evaluation e = evaluate(node, operands, results, true, draft_.source);
    for (size_t k = 0; k < results.size(); ++k) values[k][b] = std::move(e.bytes[k]);
  }
  bool all_constant = true;
  for (size_t k = 0; k < results.size(); ++k) {
    set_values(node.outputs[k], values[k]);
    all_constant = all_constant && tensor(node.outputs[k]).constant;
  }
  if (all_constant) keep_grid(node, node.outputs[0]);
  return all_constant;
}

void Editor::keep_grid(const Node& node, int32_t result) {
  std::vector<GraphTensor> operands;
  std::vector<Grid> grids;
  for (int32_t i : node.inputs) {
    operands.push_back(i == kAbsent ? GraphTensor() : tensor(i));
    grids.push_back(i == kAbsent ? nullptr : grid(i));
  }
  set_grid(result, result_grid(node, operands, grids, tensor(result)));
}

std::string Editor::node_text(const Node& node) const {
  if (node.outputs.empty() || node.outputs[0] == kAbsent) return std::string(node.name);
  return text(tensor(node.outputs[0]).name, " (", node.name, ")");
}

}  // namespace cygnet
