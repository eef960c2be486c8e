// SPDX-License-Identifier: Apache-2.0
#include "support/model_builder.h"

#include <algorithm>

namespace cygnet::test {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

Offset<flatbuffers::String> text(FlatBufferBuilder& fbb, const std::optional<std::string>& s) {
  return s.has_value() ? fbb.CreateString(*s) : Offset<flatbuffers::String>();
}

// A vector, left out where it is empty.
template <class T>
Offset<flatbuffers::Vector<T>> list(FlatBufferBuilder& fbb, const std::vector<T>& values) {
  return values.empty() ? Offset<flatbuffers::Vector<T>>() : fbb.CreateVector(values);
}

Offset<schema::QuantizationParameters> write_quant(FlatBufferBuilder& fbb, const Quant& quant) {
  const auto scales = list(fbb, quant.scales);
  const auto zero_points = list(fbb, quant.zero_points);
  return schema::CreateQuantizationParameters(fbb, 0, 0, scales, zero_points, quant.details_type,
                                              quant.details, quant.axis);
}

Offset<schema::Tensor> write_tensor(FlatBufferBuilder& fbb, const TensorRecord& tensor) {
  const auto name = text(fbb, tensor.name);
  const auto shape = fbb.CreateVector(tensor.shape);
  const auto signature = list(fbb, tensor.signature);
  Offset<schema::QuantizationParameters> quantization;
  if (tensor.quantization.has_value()) quantization = write_quant(fbb, *tensor.quantization);
  schema::TensorBuilder builder(fbb);
  builder.add_shape(shape);
  builder.add_type(static_cast<schema::TensorType>(tensor.type));
  builder.add_buffer(tensor.buffer);
  builder.add_name(name);
  builder.add_quantization(quantization);
  builder.add_is_variable(tensor.variable);
  builder.add_sparsity(tensor.sparsity);
  builder.add_shape_signature(signature);
  builder.add_has_rank(tensor.has_rank);
  builder.add_external_buffer(tensor.external_buffer);
  return builder.Finish();
}

Offset<schema::Operator> write_op(FlatBufferBuilder& fbb, const OpRecord& op) {
  const auto inputs = fbb.CreateVector(op.inputs);
  const auto outputs = fbb.CreateVector(op.outputs);
  const auto intermediates = list(fbb, op.intermediates);
  const auto custom_options = list(fbb, op.custom_options);
  schema::OperatorBuilder builder(fbb);
  builder.add_opcode_index(op.opcode);
  builder.add_inputs(inputs);
  builder.add_outputs(outputs);
  builder.add_builtin_options_type(op.options_type);
  builder.add_builtin_options(op.options);
  builder.add_custom_options(custom_options);
  builder.add_custom_options_format(op.custom_options_format);
  builder.add_intermediates(intermediates);
  builder.add_large_custom_options_offset(op.large_offset);
  builder.add_large_custom_options_size(op.large_size);
  builder.add_builtin_options_2_type(op.options_2_type);
  builder.add_builtin_options_2(op.options_2);
  return builder.Finish();
}

template <class Table, class Record>
auto write_all(FlatBufferBuilder& fbb, const std::vector<Record>& records,
               Offset<Table> (*write)(FlatBufferBuilder&, const Record&)) {
  std::vector<Offset<Table>> offsets;
  for (const Record& record : records) offsets.push_back(write(fbb, record));
  return fbb.CreateVector(offsets);
}

Offset<schema::SubGraph> write_graph(FlatBufferBuilder& fbb, const GraphRecord& graph) {
  const auto tensors = write_all(fbb, graph.tensors, write_tensor);
  const auto ops = write_all(fbb, graph.ops, write_op);
  const auto inputs = fbb.CreateVector(graph.inputs);
  const auto outputs = fbb.CreateVector(graph.outputs);
  return schema::CreateSubGraph(fbb, tensors, inputs, outputs, ops, text(fbb, graph.name));
}

Offset<schema::OperatorCode> write_opcode(FlatBufferBuilder& fbb, const OpcodeRecord& code) {
  const auto custom_code = text(fbb, code.custom_code);
  return schema::CreateOperatorCode(fbb, code.deprecated, custom_code, code.version,
                                    static_cast<schema::BuiltinOperator>(code.builtin));
}

Offset<schema::Buffer> write_buffer(FlatBufferBuilder& fbb, const BufferRecord& buffer) {
  Offset<flatbuffers::Vector<uint8_t>> data;
  if (buffer.data.has_value()) {
    fbb.ForceVectorAlignment(buffer.data->size(), 1, 16);
    data = fbb.CreateVector(*buffer.data);
  }
  // A placeholder makes room in the table for what finish() fills in.
  const bool tail = buffer.tail.has_value();
  return schema::CreateBuffer(fbb, data, tail ? 1 : buffer.offset, tail ? 1 : buffer.size);
}

Offset<schema::TensorMap> write_entry(FlatBufferBuilder& fbb,
                                      const std::pair<std::string, uint32_t>& entry) {
  return schema::CreateTensorMap(fbb, fbb.CreateString(entry.first), entry.second);
}

Offset<schema::SignatureDef> write_signature(FlatBufferBuilder& fbb,
                                             const SignatureRecord& signature) {
  const auto inputs = write_all(fbb, signature.inputs, write_entry);
  const auto outputs = write_all(fbb, signature.outputs, write_entry);
  return schema::CreateSignatureDef(fbb, inputs, outputs, text(fbb, signature.key),
                                    signature.subgraph);
}

Offset<schema::Metadata> write_metadata(FlatBufferBuilder& fbb, const MetadataRecord& metadata) {
  return schema::CreateMetadata(fbb, text(fbb, metadata.name), metadata.buffer);
}

Offset<schema::ExternalBufferGroup> write_group(FlatBufferBuilder& fbb, const std::string& name) {
  return schema::CreateExternalBufferGroup(fbb, fbb.CreateString(name));
}

Offset<schema::ExternalBuffer> write_external(FlatBufferBuilder& fbb,
                                              const ExternalBufferRecord& buffer) {
  return schema::CreateExternalBuffer(fbb, buffer.id, buffer.group, buffer.offset, buffer.length,
                                      fbb.CreateString(buffer.packing));
}

void patch(std::vector<uint8_t>* file, size_t at, uint64_t value) {
  std::memcpy(file->data() + at, &value, 8);
}

// Appends the tails and writes where they lie into the Buffer tables.
void append_tails(const std::vector<BufferRecord>& records, std::vector<uint8_t>* file) {
  struct Place {
    size_t offset_at, size_at;
  };
  std::vector<Place> places(records.size());
  const auto* model = schema::GetModel(file->data());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto* table = reinterpret_cast<const flatbuffers::Table*>(
        model->buffers()->Get(static_cast<flatbuffers::uoffset_t>(i)));
    if (!records[i].tail.has_value()) continue;
    places[i] = {static_cast<size_t>(table->GetAddressOf(schema::Buffer::VT_OFFSET) - file->data()),
                 static_cast<size_t>(table->GetAddressOf(schema::Buffer::VT_SIZE) - file->data())};
  }
  for (size_t i = 0; i < records.size(); ++i) {
    if (!records[i].tail.has_value()) continue;
    const std::vector<uint8_t>& tail = *records[i].tail;
    const size_t alignment = records[i].tail_alignment;
    file->resize((file->size() + 63) / 64 * 64 + (alignment < 64 ? alignment : 0));
    patch(file, places[i].offset_at, file->size());
    patch(file, places[i].size_at, tail.size());
    file->insert(file->end(), tail.begin(), tail.end());
  }
}

}  // namespace

TestImage::TestImage(const std::vector<uint8_t>& bytes)
    : storage_(bytes.size() + 64), size_(bytes.size()) {
  shift_ = (64 - reinterpret_cast<uintptr_t>(storage_.data()) % 64) % 64;
  std::copy(bytes.begin(), bytes.end(), data());
}

Quant per_tensor(float scale, int64_t zero_point) {
  return {.scales = {scale}, .zero_points = {zero_point}};
}

Quant per_channel(std::vector<float> scales, int axis) {
  std::vector<int64_t> zero_points(scales.size(), 0);
  return {.scales = std::move(scales), .zero_points = std::move(zero_points), .axis = axis};
}

ModelBuilder::ModelBuilder() {
  buffers.emplace_back();
  add_subgraph("main");
}

int ModelBuilder::add_subgraph(const std::string& name) {
  graphs.emplace_back();
  current_ = static_cast<int>(graphs.size()) - 1;
  graph().name = name;
  return current_;
}

int ModelBuilder::push(TensorRecord record) {
  const int index = static_cast<int>(graph().tensors.size());
  record.name = std::string("t").append(std::to_string(index));
  graph().tensors.push_back(std::move(record));
  return index;
}

int ModelBuilder::add_tensor(std::vector<int32_t> shape, Type type, std::optional<Quant> quant) {
  TensorRecord record;
  record.shape = std::move(shape);
  record.type = type;
  record.quantization = std::move(quant);
  return push(std::move(record));
}

int ModelBuilder::input(std::vector<int32_t> shape, Type type, std::optional<Quant> quant) {
  const int index = add_tensor(std::move(shape), type, std::move(quant));
  graph().inputs.push_back(index);
  return index;
}

int ModelBuilder::output(std::vector<int32_t> shape, Type type, std::optional<Quant> quant) {
  const int index = add_tensor(std::move(shape), type, std::move(quant));
  graph().outputs.push_back(index);
  return index;
}

int ModelBuilder::variable(std::vector<int32_t> shape, Type type, std::optional<Quant> quant) {
  const int index = add_tensor(std::move(shape), type, std::move(quant));
  tensor(index).variable = true;
  return index;
}

uint32_t ModelBuilder::add_buffer(std::vector<uint8_t> bytes) {
  buffers.push_back({.data = std::move(bytes)});
  return static_cast<uint32_t>(buffers.size() - 1);
}

int ModelBuilder::constant_bytes(std::vector<int32_t> shape, Type type, std::vector<uint8_t> bytes,
                                 std::optional<Quant> quant) {
  const int index = add_tensor(std::move(shape), type, std::move(quant));
  tensor(index).buffer = add_buffer(std::move(bytes));
  return index;
}

int ModelBuilder::constant_strings(std::vector<int32_t> shape,
                                   const std::vector<std::string>& values) {
  std::vector<int32_t> head{static_cast<int32_t>(values.size())};
  std::string characters;
  for (const std::string& value : values) {
    head.push_back(static_cast<int32_t>((values.size() + 2) * 4 + characters.size()));
    characters += value;
  }
  head.push_back(static_cast<int32_t>((values.size() + 2) * 4 + characters.size()));
  std::vector<uint8_t> bytes(head.size() * 4);
  std::memcpy(bytes.data(), head.data(), bytes.size());
  bytes.insert(bytes.end(), characters.begin(), characters.end());
  return constant_bytes(std::move(shape), Type::string, std::move(bytes));
}

OpRecord& ModelBuilder::op(schema::BuiltinOperator code, std::vector<int32_t> inputs,
                           std::vector<int32_t> outputs, int op_version) {
  const auto builtin = static_cast<int32_t>(code);
  opcodes.push_back({.builtin = builtin,
                     .deprecated = static_cast<int8_t>(std::min(builtin, 127)),
                     .version = op_version});
  OpRecord record;
  record.opcode = static_cast<uint32_t>(opcodes.size() - 1);
  record.inputs = std::move(inputs);
  record.outputs = std::move(outputs);
  graph().ops.push_back(std::move(record));
  return last_op();
}

OpRecord& ModelBuilder::custom_op(const std::string& name, std::vector<int32_t> inputs,
                                  std::vector<int32_t> outputs, std::vector<uint8_t> options,
                                  int op_version) {
  OpRecord& record =
      op(schema::BuiltinOperator::CUSTOM, std::move(inputs), std::move(outputs), op_version);
  last_opcode().custom_code = name;
  record.custom_options = std::move(options);
  return record;
}

void ModelBuilder::signature(const std::string& key,
                             std::vector<std::pair<std::string, uint32_t>> inputs,
                             std::vector<std::pair<std::string, uint32_t>> outputs,
                             uint32_t subgraph) {
  signatures.push_back({.key = key,
                        .inputs = std::move(inputs),
                        .outputs = std::move(outputs),
                        .subgraph = subgraph});
}

void ModelBuilder::add_metadata(const std::string& name, std::vector<uint8_t> bytes) {
  metadata.push_back({.name = name, .buffer = add_buffer(std::move(bytes))});
}

TestImage ModelBuilder::finish() {
  const auto code_list = write_all(fbb_, opcodes, write_opcode);
  const auto graph_list = write_all(fbb_, graphs, write_graph);
  const auto buffer_list = write_all(fbb_, buffers, write_buffer);
  const auto signature_list = write_all(fbb_, signatures, write_signature);
  const auto metadata_list = write_all(fbb_, metadata, write_metadata);
  const auto metadata_buffers = list(fbb_, metadata_buffer);
  const auto groups = write_all(fbb_, external_groups, write_group);
  const auto externals = write_all(fbb_, external_buffers, write_external);
  const auto description_text = fbb_.CreateString(description);
  schema::ModelBuilder model(fbb_);
  model.add_version(schema_version);
  model.add_operator_codes(code_list);
  if (!no_subgraphs) model.add_subgraphs(graph_list);
  model.add_description(description_text);
  if (!no_buffers) model.add_buffers(buffer_list);
  model.add_metadata_buffer(metadata_buffers);
  if (!metadata.empty()) model.add_metadata(metadata_list);
  if (!signatures.empty()) model.add_signature_defs(signature_list);
  if (!external_groups.empty()) model.add_external_buffer_groups(groups);
  if (!external_buffers.empty()) model.add_external_buffers(externals);
  fbb_.Finish(model.Finish(), identifier.c_str());
  std::vector<uint8_t> file(fbb_.GetBufferPointer(), fbb_.GetBufferPointer() + fbb_.GetSize());
  if (!no_buffers) append_tails(buffers, &file);
  return TestImage(file);
}

}  // namespace cygnet::test
