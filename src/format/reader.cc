// SPDX-License-Identifier: Apache-2.0
#include "format/reader.h"

#include <algorithm>
#include <cstring>

#include "flatbuffers/flatbuffers.h"
#include "format/metadata.h"
#include "format/options.h"
#include "format/quantization.h"
#include "graph/located.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

// What the FlatBuffers library can address.
constexpr size_t kMaxFlatbufferBytes = 0x7ffffffe;

std::string_view view(const flatbuffers::String* s) {
  return s == nullptr ? std::string_view("") : std::string_view(s->c_str(), s->size());
}

template <class T>
std::span<const T> view(const flatbuffers::Vector<T>* v) {
  return v == nullptr ? std::span<const T>() : std::span<const T>(v->data(), v->size());
}

// An absent vector is an empty one.
template <class T>
flatbuffers::uoffset_t size(const flatbuffers::Vector<T>* v) {
  return v == nullptr ? 0 : v->size();
}

bool all_dims(const flatbuffers::Vector<int32_t>* dims, Shape* shape) {
  *shape = {};
  if (size(dims) > kMaxRank) return false;
  for (flatbuffers::uoffset_t i = 0; i < size(dims); ++i) shape->push(dims->Get(i));
  return true;
}

class Reader {
 public:
  Reader(std::span<const uint8_t> image, const OpRegistry& registry, const Limits& limits,
         Graph* graph, Vector<base::Buffer>* copies)
      : image_(image), registry_(registry), limits_(limits), graph_(*graph), copies_(*copies) {}

  Status run() {
    CYGNET_TRY(open_container());
    CYGNET_TRY(count_everything());
    CYGNET_TRY(check_buffers());
    graph_.description = view(model_->description());
    if (!reserve_or_fail(graph_.subgraphs, size(model_->subgraphs())))
      return out_of_memory("subgraphs", 0);
    for (const auto* subgraph : *model_->subgraphs()) CYGNET_TRY(read_subgraph(*subgraph));
    CYGNET_TRY(read_signatures());
    CYGNET_TRY(read_metadata());
    return base::ran_short() ? out_of_memory("graph", 0) : Status();
  }

 private:
  Status open_container();
  Status count_everything() const;
  Status check_buffers() const;
  Status read_subgraph(const schema::SubGraph& source);
  Status read_tensor(const schema::Tensor& source, GraphTensor* tensor);
  Status read_constant(const schema::Tensor& source, GraphTensor* tensor);
  bool behind_flatbuffer(uint64_t offset, uint64_t bytes) const;
  Status find_data(uint32_t index, std::span<const uint8_t>* data, bool* present) const;
  Status align(uint32_t buffer, GraphTensor* tensor);
  Status read_node(const schema::Operator& source, Node* node);
  Status find_operator(const schema::OperatorCode& code, Node* node) const;
  Status read_custom_options(const schema::Operator& source, Node* node) const;
  Status read_signatures();
  Status read_signature_tensors(
      const flatbuffers::Vector<flatbuffers::Offset<schema::TensorMap>>* source,
      std::string_view key, Vector<SignatureTensor>* out);
  Status read_metadata();

  std::span<const uint8_t> image_;
  const OpRegistry& registry_;
  const Limits& limits_;
  Graph& graph_;
  Vector<base::Buffer>& copies_;
  const schema::Model* model_ = nullptr;
  size_t flatbuffer_bytes_ = 0;  // what the verifier may look at
  size_t flatbuffer_end_ = 0;    // what it has seen of that: data by offset lies behind it
  Vector<uint8_t*> aligned_;     // by buffer: its copy, null without one; empty before the first
  size_t copied_bytes_ = 0;
};

Status Reader::open_container() {
  if (image_.size() < 8) return bad_model("C1: expected at least 8 bytes, got %zu", image_.size());
  if (!schema::ModelBufferHasIdentifier(image_.data()))
    return bad_model("C1: not a TensorFlow Lite model: expected the identifier \"TFL3\" at byte 4");
  const size_t most =
      std::min<size_t>(kMaxFlatbufferBytes, static_cast<size_t>(limits_.flatbuffer_bytes));
  flatbuffer_bytes_ = std::min(image_.size(), most);
  flatbuffers::Verifier verifier(image_.data(), flatbuffer_bytes_, 64, 1'000'000);
  if (!schema::VerifyModelBuffer(verifier)) {
    if (flatbuffer_bytes_ < image_.size() && flatbuffer_bytes_ < kMaxFlatbufferBytes)
      return Status::error(
          Code::limit,
          "C2: the file is damaged, or its FlatBuffer part exceeds limit flatbuffer_bytes (%lld)",
          static_cast<long long>(limits_.flatbuffer_bytes));
    return bad_model("C2: the file is damaged or truncated: its FlatBuffer structure is not valid");
  }
  flatbuffer_end_ = verifier.GetComputedSize();
  model_ = schema::GetModel(image_.data());
  if (model_->version() != 3)
    return bad_model("C3: expected schema version 3, got %u", model_->version());
  if (size(model_->subgraphs()) == 0)
    return bad_model("C3: expected at least 1 subgraph, got none");
  if (model_->buffers() == nullptr) return bad_model("C4: the model has no list of buffers");
  return {};
}

Status Reader::count_everything() const {
  const auto check = [](const char* name, int64_t count, int64_t limit) {
    if (count <= limit) return Status();
    return Status::error(Code::limit, "%lld %s exceed limit %s (%lld)",
                         static_cast<long long>(count), name, name, static_cast<long long>(limit));
  };
  int64_t tensors = 0, operators = 0, operands = 0, all_operands = 0;
  for (const auto* subgraph : *model_->subgraphs()) {
    tensors += size(subgraph->tensors());
    operators += size(subgraph->operators());
    if (subgraph->operators() == nullptr) continue;
    for (const auto* op : *subgraph->operators()) {
      const int64_t counts[] = {size(op->inputs()), size(op->outputs()), size(op->intermediates())};
      for (int64_t count : counts) {
        operands = std::max(operands, count);
        all_operands += count;
      }
    }
  }
  CYGNET_TRY(check("subgraphs", size(model_->subgraphs()), limits_.subgraphs));
  CYGNET_TRY(check("buffers", size(model_->buffers()), limits_.buffers));
  CYGNET_TRY(check("tensors", tensors, limits_.tensors));
  CYGNET_TRY(check("operators", operators, limits_.operators));
  CYGNET_TRY(check("operands", operands, limits_.operands));
  // Four bytes each in the file; lists that share theirs would make a small file a large graph.
  const auto most = static_cast<int64_t>(image_.size());
  if (all_operands <= most) return {};
  return Status::error(Code::limit,
                       "C2: expected at most %lld operands in a file of that size, got %lld",
                       static_cast<long long>(most), static_cast<long long>(all_operands));
}

// Buffer 0 stands for "no data"; each other one has its data in one place.
Status Reader::check_buffers() const {
  for (flatbuffers::uoffset_t i = 0; i < size(model_->buffers()); ++i) {
    const schema::Buffer& buffer = *model_->buffers()->Get(i);
    const bool has_data = size(buffer.data()) > 0, has_offset = buffer.offset() > 1;
    if (i == 0 && (has_data || has_offset))
      return bad_model("C4: expected no data in buffer 0, got some");
    if (has_data && has_offset)
      return bad_model("C4: buffer %u: expected data or an offset to data, got both", i);
  }
  for (const int32_t index : view(model_->metadata_buffer()))
    if (index < 0 || static_cast<uint32_t>(index) >= size(model_->buffers()))
      return bad_model("C11: metadata_buffer: expected a buffer index below %u, got %d",
                       size(model_->buffers()), index);
  return {};
}

Status Reader::read_subgraph(const schema::SubGraph& source) {
  const int index = static_cast<int>(graph_.subgraphs.size());
  Subgraph& subgraph = graph_.subgraphs.emplace_back();
  subgraph.name = view(source.name());
  subgraph.inputs = view(source.inputs());
  subgraph.outputs = view(source.outputs());
  if (source.operators() == nullptr)
    return bad_model("C3: subgraph %d has no list of operators", index);
  if (!reserve_or_fail(subgraph.tensors, size(source.tensors())) ||
      !reserve_or_fail(subgraph.nodes, size(source.operators())))
    return out_of_memory("graph", size(source.tensors()) * sizeof(GraphTensor));
  for (flatbuffers::uoffset_t i = 0; i < size(source.tensors()); ++i) {
    GraphTensor& tensor = subgraph.tensors.emplace_back();
    Status status = read_tensor(*source.tensors()->Get(i), &tensor);
    if (!status.ok())
      return located(std::move(status), "subgraph %d tensor %u \"%.*s\"", index, i,
                     text_length(tensor.name), tensor.name.data());
  }
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    const std::string_view name = subgraph.tensors[i].name;
    CYGNET_TRY(
        located(verify_blockwise(*source.tensors()->Get(static_cast<flatbuffers::uoffset_t>(i)),
                                 subgraph, i),
                "subgraph %d tensor %zu \"%.*s\"", index, i, text_length(name), name.data()));
  }
  for (flatbuffers::uoffset_t i = 0; i < size(source.operators()); ++i) {
    Node& node = subgraph.nodes.emplace_back();
    Status status = read_node(*source.operators()->Get(i), &node);
    if (!status.ok())
      return located(std::move(status), "subgraph %d operator %u %.*s", index, i,
                     text_length(node.name), node.name.data());
  }
  return {};
}

Status Reader::read_tensor(const schema::Tensor& source, GraphTensor* tensor) {
  tensor->name = view(source.name());
  tensor->type = static_cast<Type>(source.type());
  tensor->variable = source.is_variable();
  tensor->has_rank = source.has_rank() || size(source.shape()) > 0;
  tensor->sparsity = source.sparsity();
  if (!all_dims(source.shape(), &tensor->shape))
    return bad_model("T2: expected rank at most %d, got %u", kMaxRank, size(source.shape()));
  tensor->has_signature = size(source.shape_signature()) > 0;
  if (!all_dims(source.shape_signature(), &tensor->signature))
    return bad_model("T2: expected a shape signature of rank at most %d, got %u", kMaxRank,
                     size(source.shape_signature()));
  if (source.quantization() != nullptr)
    CYGNET_TRY(read_quantization(*source.quantization(), &tensor->quantization));
  return read_constant(source, tensor);
}

bool Reader::behind_flatbuffer(uint64_t offset, uint64_t bytes) const {
  return offset >= flatbuffer_end_ && bytes <= image_.size() && offset <= image_.size() - bytes;
}

Status Reader::find_data(uint32_t index, std::span<const uint8_t>* data, bool* present) const {
  *present = false;
  if (index == 0) return {};
  if (index >= size(model_->buffers()))
    return bad_model("C4: expected a buffer index below %u, got %u", size(model_->buffers()),
                     index);
  const schema::Buffer& buffer = *model_->buffers()->Get(index);
  if (buffer.data() != nullptr) {
    *data = view(buffer.data());
    *present = true;
    return {};
  }
  if (buffer.offset() <= 1) return {};
  if (!behind_flatbuffer(buffer.offset(), buffer.size()))
    return bad_model(
        "C4: buffer %u: %llu bytes at %llu lie outside the bytes %zu to %zu of the file", index,
        static_cast<unsigned long long>(buffer.size()),
        static_cast<unsigned long long>(buffer.offset()), flatbuffer_end_, image_.size());
  *data = image_.subspan(buffer.offset(), buffer.size());
  *present = true;
  return {};
}

Status Reader::read_constant(const schema::Tensor& source, GraphTensor* tensor) {
  std::span<const uint8_t> data;
  bool present = false;
  CYGNET_TRY(find_data(source.buffer(), &data, &present));
  if (source.external_buffer() != 0)
    return Status::error(Code::unsupported,
                         "C5: data in an external file (buffer id %u) is not supported",
                         source.external_buffer());
  if (!present) return {};
  tensor->constant = true;
  tensor->data = const_cast<uint8_t*>(data.data());
  tensor->bytes = data.size();
  return align(source.buffer(), tensor);
}

// Operators read constants through pointers to their element type. Tensors share a buffer's copy.
Status Reader::align(uint32_t buffer, GraphTensor* tensor) {
  const size_t alignment = std::max<size_t>(static_cast<size_t>(type_bits(tensor->type)) / 8, 4);
  if (tensor->bytes == 0 ||
      reinterpret_cast<uintptr_t>(tensor->data) % std::min<size_t>(alignment, 16) == 0)
    return {};
  if (aligned_.empty()) {
    if (!reserve_or_fail(aligned_, size(model_->buffers())))
      return out_of_memory("buffers", size(model_->buffers()));
    aligned_.resize(size(model_->buffers()));
  }
  if (aligned_[buffer] == nullptr) {
    copied_bytes_ += tensor->bytes;
    if (copied_bytes_ > image_.size())
      return bad_model("C4: expected buffers of their own bytes, got overlapping ones");
    base::Buffer copy;
    if (!copy.resize(tensor->bytes) || !reserve_or_fail(copies_, copies_.size() + 1))
      return out_of_memory("unaligned constant", tensor->bytes);
    std::memcpy(copy.data(), tensor->data, tensor->bytes);
    aligned_[buffer] = copy.data();
    copies_.push_back(std::move(copy));
  }
  tensor->data = aligned_[buffer];
  return {};
}

Status Reader::read_node(const schema::Operator& source, Node* node) {
  if (source.opcode_index() >= size(model_->operator_codes()))
    return bad_model("C7: expected an operator code index below %u, got %u",
                     size(model_->operator_codes()), source.opcode_index());
  CYGNET_TRY(find_operator(*model_->operator_codes()->Get(source.opcode_index()), node));
  if (source.inputs() == nullptr || source.outputs() == nullptr)
    return bad_model("G2: expected a list of inputs and a list of outputs, got none");
  node->inputs = view(source.inputs());
  node->outputs = view(source.outputs());
  node->intermediates = view(source.intermediates());
  CYGNET_TRY(read_custom_options(source, node));
  return read_builtin_options(source, node);
}

Status Reader::find_operator(const schema::OperatorCode& code, Node* node) const {
  // Codes above 127 stand in builtin_code only; older files have just the deprecated field.
  const int32_t builtin =
      std::max<int32_t>(static_cast<int32_t>(code.builtin_code()), code.deprecated_builtin_code());
  const auto name = static_cast<schema::BuiltinOperator>(builtin);
  if (builtin < 0 || builtin > static_cast<int32_t>(schema::BuiltinOperator::MAX) ||
      name == schema::BuiltinOperator::PLACEHOLDER_FOR_GREATER_OP_CODES)
    return bad_model("C7: expected a builtin operator code of 0 to %d but not 127, got %d",
                     static_cast<int>(schema::BuiltinOperator::MAX), builtin);
  node->builtin = builtin;
  node->version = code.version();
  if (name == schema::BuiltinOperator::CUSTOM) {
    node->name = view(code.custom_code());
    if (node->name.empty())
      return bad_model("C7: expected a name of the custom operator, got none");
    node->op = registry_.find_custom(node->name);
  } else {
    node->name = schema::EnumNameBuiltinOperator(name);
    node->op = registry_.find(builtin);
  }
  if (node->version < 1) return bad_model("C7: expected version 1 or later, got %d", node->version);
  if (node->op != nullptr && node->version > node->op->max_version)
    return Status::error(Code::unsupported, "C7: expected version 1 to %d, got %d",
                         node->op->max_version, node->version);
  return {};
}

Status Reader::read_custom_options(const schema::Operator& source, Node* node) const {
  node->custom_options = view(source.custom_options());
  const uint64_t offset = source.large_custom_options_offset(),
                 bytes = source.large_custom_options_size();
  if (offset <= 1) return {};
  if (!behind_flatbuffer(offset, bytes))
    return bad_model(
        "C6: custom options of %llu bytes at %llu lie outside the bytes %zu to %zu of the file",
        static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(offset),
        flatbuffer_end_, image_.size());
  node->custom_options = image_.subspan(offset, bytes);
  return {};
}

Status Reader::read_signatures() {
  if (!reserve_or_fail(graph_.signatures, size(model_->signature_defs())))
    return out_of_memory("signatures", 0);
  for (flatbuffers::uoffset_t i = 0; i < size(model_->signature_defs()); ++i) {
    const schema::SignatureDef& source = *model_->signature_defs()->Get(i);
    Signature& signature = graph_.signatures.emplace_back();
    signature.key = view(source.signature_key());
    if (source.subgraph_index() >= graph_.subgraphs.size())
      return bad_model("C12: signature \"%.*s\": expected a subgraph index below %zu, got %u",
                       text_length(signature.key), signature.key.data(), graph_.subgraphs.size(),
                       source.subgraph_index());
    signature.subgraph = static_cast<int32_t>(source.subgraph_index());
    CYGNET_TRY(read_signature_tensors(source.inputs(), signature.key, &signature.inputs));
    CYGNET_TRY(read_signature_tensors(source.outputs(), signature.key, &signature.outputs));
  }
  return {};
}

Status Reader::read_signature_tensors(
    const flatbuffers::Vector<flatbuffers::Offset<schema::TensorMap>>* source, std::string_view key,
    Vector<SignatureTensor>* out) {
  if (!reserve_or_fail(*out, size(source))) return out_of_memory("signatures", 0);
  for (flatbuffers::uoffset_t i = 0; i < size(source); ++i) {
    const schema::TensorMap& entry = *source->Get(i);
    if (entry.tensor_index() > INT32_MAX)
      return bad_model("C12: signature \"%.*s\": tensor index %u is out of range", text_length(key),
                       key.data(), entry.tensor_index());
    out->push_back({view(entry.name()), static_cast<int32_t>(entry.tensor_index())});
  }
  return {};
}

Status Reader::read_metadata() {
  if (!reserve_or_fail(graph_.metadata, size(model_->metadata())))
    return out_of_memory("metadata", 0);
  Budget budget(kMostEntries);
  for (flatbuffers::uoffset_t i = 0; i < size(model_->metadata()); ++i) {
    const schema::Metadata& source = *model_->metadata()->Get(i);
    Metadata& metadata = graph_.metadata.emplace_back();
    metadata.name = view(source.name());
    if (source.buffer() >= size(model_->buffers()))
      return bad_model("C11: metadata \"%.*s\": expected a buffer index below %u, got %u",
                       text_length(metadata.name), metadata.name.data(), size(model_->buffers()),
                       source.buffer());
    bool present = false;
    CYGNET_TRY(find_data(source.buffer(), &metadata.data, &present));
    CYGNET_TRY(verify_metadata(metadata, graph_, &budget));
  }
  return {};
}

}  // namespace

Status read_graph(std::span<const uint8_t> image, const OpRegistry& registry, const Limits& limits,
                  Graph* graph, Vector<base::Buffer>* copies) {
  return Reader(image, registry, limits, graph, copies).run();
}

}  // namespace cygnet
