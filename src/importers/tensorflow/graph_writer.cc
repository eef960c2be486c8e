// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/graph_writer.h"

#include <protozero/pbf_writer.hpp>

#include "edit/failure.h"

namespace cygnet::tensorflow {
namespace {

using protozero::pbf_writer;

constexpr size_t kMostBytes = (size_t{1} << 31) - 1;

void check_size(size_t bytes) {
  if (bytes > kMostBytes)
    throw Failure("a graph of 2 GiB or more can't be one protobuf message: keep the SavedModel");
}

std::string shape_bytes(const TensorShape& shape) {
  std::string bytes;
  pbf_writer out(bytes);
  for (int64_t d : shape.dims) {
    std::string dim;
    pbf_writer(dim).add_int64(1, d);
    out.add_message(2, dim);
  }
  if (shape.unknown_rank) out.add_bool(3, true);
  return bytes;
}

std::string attr_bytes(const AttrValue& value);

std::string entry_bytes(std::string_view key, const std::string& value) {
  std::string bytes;
  pbf_writer out(bytes);
  out.add_string(1, key.data(), key.size());
  out.add_message(2, value);
  return bytes;
}

std::string function_bytes(const FunctionName& function) {
  std::string bytes;
  pbf_writer out(bytes);
  out.add_string(1, function.name.data(), function.name.size());
  for (const Attr& a : function.attrs) out.add_message(2, entry_bytes(a.name, attr_bytes(a.value)));
  return bytes;
}

std::string list_bytes(const AttrList& list) {
  std::string bytes;
  pbf_writer out(bytes);
  for (std::string_view s : list.strings) out.add_bytes(2, s.data(), s.size());
  out.add_packed_int64(3, list.ints.begin(), list.ints.end());
  out.add_packed_float(4, list.floats.begin(), list.floats.end());
  const std::vector<uint8_t> bools(list.bools.begin(), list.bools.end());
  out.add_packed_bool(5, bools.begin(), bools.end());
  std::vector<int32_t> types;
  for (DataType t : list.types) types.push_back(static_cast<int32_t>(t));
  out.add_packed_enum(6, types.begin(), types.end());
  for (const TensorShape& s : list.shapes) out.add_message(7, shape_bytes(s));
  for (const TensorProto& t : list.tensors) out.add_message(8, t.message.data(), t.message.size());
  for (const FunctionName& f : list.functions) out.add_message(9, function_bytes(f));
  return bytes;
}

// An AttrValue message.
std::string attr_bytes(const AttrValue& value) {
  std::string bytes;
  pbf_writer out(bytes);
  if (const auto* s = std::get_if<std::string_view>(&value))
    out.add_bytes(2, s->data(), s->size());
  else if (const auto* i = std::get_if<int64_t>(&value))
    out.add_int64(3, *i);
  else if (const auto* f = std::get_if<float>(&value))
    out.add_float(4, *f);
  else if (const auto* b = std::get_if<bool>(&value))
    out.add_bool(5, *b);
  else if (const auto* type = std::get_if<DataType>(&value))
    out.add_enum(6, static_cast<int32_t>(*type));
  else if (const auto* shape = std::get_if<TensorShape>(&value))
    out.add_message(7, shape_bytes(*shape));
  else if (const auto* tensor = std::get_if<TensorProto>(&value))
    out.add_message(8, tensor->message.data(), tensor->message.size());
  else if (const auto* placeholder = std::get_if<Placeholder>(&value))
    out.add_string(9, placeholder->name.data(), placeholder->name.size());
  else if (const auto* function = std::get_if<std::shared_ptr<const FunctionName>>(&value))
    out.add_message(10, function_bytes(**function));
  else if (const auto* list = std::get_if<std::shared_ptr<const AttrList>>(&value))
    out.add_message(1, list_bytes(**list));
  return bytes;
}

std::string node_bytes(const NodeDef& node) {
  std::string bytes;
  pbf_writer out(bytes);
  out.add_string(1, node.name.data(), node.name.size());
  out.add_string(2, node.op.data(), node.op.size());
  for (std::string_view input : node.inputs) out.add_string(3, input.data(), input.size());
  for (const Attr& a : node.attrs) out.add_message(5, entry_bytes(a.name, attr_bytes(a.value)));
  return bytes;
}

std::string argument_bytes(const ArgDef& a) {
  std::string bytes;
  pbf_writer out(bytes);
  out.add_string(1, a.name.data(), a.name.size());
  if (a.type != DataType::invalid) out.add_enum(3, static_cast<int32_t>(a.type));
  const auto named = [&](uint32_t field, std::string_view name) {
    if (!name.empty()) out.add_string(field, name.data(), name.size());
  };
  named(4, a.type_attr);
  named(5, a.number_attr);
  named(6, a.type_list_attr);
  return bytes;
}

}  // namespace

void GraphWriter::add(const NodeDef& node) {
  pbf_writer(graph_).add_message(1, node_bytes(node));
  check_size(graph_.size());
}

void GraphWriter::add_constant(std::string_view name, const TensorValue& value) {
  check_size(graph_.size() + value.bytes.size());
  TensorShape shape;
  shape.dims = value.dims;
  std::string tensor;
  tensor.reserve(value.bytes.size() + 64);
  pbf_writer t(tensor);
  t.add_enum(1, static_cast<int32_t>(value.dtype));
  t.add_message(2, shape_bytes(shape));
  for (std::string_view s : value.strings) t.add_bytes(8, s.data(), s.size());
  if (value.dtype != DataType::string) t.add_bytes(4, value.bytes.data(), value.bytes.size());
  NodeDef node;
  node.name = name;
  node.op = "Const";
  TensorProto proto;
  proto.message = tensor;
  node.attrs = {{"dtype", value.dtype}, {"value", std::move(proto)}};
  add(node);
}

void GraphWriter::add(const FunctionDef& f) {
  std::string signature;
  pbf_writer s(signature);
  s.add_string(1, f.name.data(), f.name.size());
  for (const ArgDef& a : f.inputs) s.add_message(2, argument_bytes(a));
  for (const ArgDef& a : f.outputs) s.add_message(3, argument_bytes(a));
  std::string bytes;
  pbf_writer out(bytes);
  out.add_message(1, signature);
  for (const NodeDef& n : f.nodes) out.add_message(3, node_bytes(n));
  for (const auto& [output, value] : f.ret) {
    std::string entry;
    pbf_writer e(entry);
    e.add_string(1, output.data(), output.size());
    e.add_string(2, value.data(), value.size());
    out.add_message(4, entry);
  }
  for (const Attr& a : f.attrs) out.add_message(5, entry_bytes(a.name, attr_bytes(a.value)));
  pbf_writer(library_).add_message(1, bytes);
  check_size(library_.size());
}

void GraphWriter::set_producer(int64_t version) {
  std::string versions;
  pbf_writer(versions).add_int32(1, static_cast<int32_t>(version));
  pbf_writer(graph_).add_message(4, versions);
}

std::string GraphWriter::take() {
  if (!library_.empty()) pbf_writer(graph_).add_message(2, library_);
  check_size(graph_.size());
  return std::move(graph_);
}

}  // namespace cygnet::tensorflow
