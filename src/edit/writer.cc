// SPDX-License-Identifier: Apache-2.0
#include "edit/writer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "edit/failure.h"
#include "edit/versions.h"
#include "format/options.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

constexpr uint64_t kAlignment = 16;
constexpr uint8_t kZeros[kAlignment] = {};
constexpr std::string_view kMinimumRuntime = "min_runtime_version";
constexpr size_t kMinimumRuntimeBytes = 16;

using Bytes = std::span<const uint8_t>;

// The file's buffers: equal contents once. Buffer 0 is the empty one.
class Buffers {
 public:
  uint32_t add(Bytes bytes) {
    if (bytes.data() == nullptr) return 0;
    const std::string_view key(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto [at, fresh] = index_.try_emplace(key, static_cast<uint32_t>(list_.size()));
    if (fresh) list_.push_back(bytes);
    return at->second;
  }
  const std::vector<Bytes>& list() const { return list_; }
  uint64_t total() const {
    uint64_t sum = 0;
    for (Bytes b : list_) sum += (b.size() + kAlignment - 1) / kAlignment * kAlignment;
    return sum;
  }

 private:
  std::vector<Bytes> list_{Bytes()};
  std::unordered_map<std::string_view, uint32_t> index_;
};

class Writer {
 public:
  Writer(const Graph& graph, const WriteOptions& options) : graph_(graph) {
    const std::string version = minimum_runtime(graph);
    runtime_.assign(kMinimumRuntimeBytes, 0);
    std::copy(version.begin(), version.end(), runtime_.begin());
    collect();
    behind_ = buffers_.total() > options.inline_bytes;
  }

  TfliteFile run() {
    TfliteFile file;
    file.head = build(0);
    if (behind_) {
      // The head's size does not depend on the offsets in it.
      const uint64_t start = (file.head.size() + kAlignment - 1) / kAlignment * kAlignment;
      file.head = build(start);
    }
    file.runtime_version = std::move(runtime_);  // still viewed by buffers_
    file.parts.push_back({file.head.data(), file.head.size()});
    if (!behind_) return file;
    const auto pad = [&](uint64_t size) {
      if (size % kAlignment != 0) file.parts.push_back({kZeros, kAlignment - size % kAlignment});
    };
    pad(file.head.size());
    for (Bytes b : buffers_.list()) {
      if (b.empty()) continue;
      file.parts.push_back(b);
      pad(b.size());
    }
    return file;
  }

 private:
  template <class T>
  using Offset = flatbuffers::Offset<T>;
  using Builder = flatbuffers::FlatBufferBuilder;

  // An operator code is an operator with a version.
  using Code = std::pair<std::pair<int32_t, std::string_view>, int32_t>;

  Code code_of(const Subgraph& s, const Node& n) const {
    const bool custom = n.builtin == static_cast<int32_t>(schema::BuiltinOperator::CUSTOM);
    return {{n.builtin, custom ? n.name : std::string_view()}, operator_version(s, n)};
  }

  // Never null: a constant without elements is told from a result by its own empty buffer.
  static Bytes bytes_of(const GraphTensor& t) {
    if (t.data == nullptr) return {kZeros, 0};
    return {static_cast<const uint8_t*>(t.data), t.bytes};
  }

  void collect() {
    for (const Subgraph& s : graph_.subgraphs) {
      for (const GraphTensor& t : s.tensors)
        if (t.constant) buffers_.add(bytes_of(t));
      for (const Node& n : s.nodes) {
        const Code code = code_of(s, n);
        if (codes_.try_emplace(code, static_cast<uint32_t>(code_order_.size())).second)
          code_order_.push_back(code);
      }
    }
    for (const Metadata& m : graph_.metadata)
      if (m.name != kMinimumRuntime) buffers_.add(m.data);
    buffers_.add(runtime_);
  }

  flatbuffers::DetachedBuffer build(uint64_t data_start) {
    zero_points_.clear();
    Builder b(behind_ ? 1 << 20 : buffers_.total() + (1 << 20));
    std::vector<Offset<schema::Buffer>> buffers;
    uint64_t at = data_start;
    for (Bytes bytes : buffers_.list()) buffers.push_back(write_buffer(b, bytes, &at));
    std::vector<Offset<schema::OperatorCode>> codes;
    for (const Code& c : code_order_) {
      const int32_t builtin = c.first.first;
      const auto custom = c.first.second.empty() ? 0 : b.CreateString(c.first.second);
      codes.push_back(schema::CreateOperatorCode(b, static_cast<int8_t>(std::min(builtin, 127)),
                                                 custom, c.second,
                                                 static_cast<schema::BuiltinOperator>(builtin)));
    }
    std::vector<Offset<schema::SubGraph>> subgraphs;
    for (const Subgraph& s : graph_.subgraphs) subgraphs.push_back(write_subgraph(b, s));
    std::vector<Offset<schema::Metadata>> metadata;
    for (const Metadata& m : graph_.metadata)
      if (m.name != kMinimumRuntime)
        metadata.push_back(schema::CreateMetadata(b, b.CreateString(m.name), buffers_.add(m.data)));
    metadata.push_back(
        schema::CreateMetadata(b, b.CreateString(kMinimumRuntime), buffers_.add(runtime_)));
    std::vector<Offset<schema::SignatureDef>> signatures;
    for (const Signature& s : graph_.signatures) signatures.push_back(write_signature(b, s));
    const auto description =
        b.CreateString(graph_.description.empty() ? "Cygnet" : graph_.description);
    const auto code_list = b.CreateVector(codes);
    const auto subgraph_list = b.CreateVector(subgraphs);
    const auto buffer_list = b.CreateVector(buffers);
    const auto metadata_list = b.CreateVector(metadata);
    const auto signature_list = signatures.empty() ? 0 : b.CreateVector(signatures);
    schema::FinishModelBuffer(
        b, schema::CreateModel(b, 3, code_list, subgraph_list, description, buffer_list, 0,
                               metadata_list, signature_list));
    return b.Release();
  }

  Offset<schema::Buffer> write_buffer(Builder& b, Bytes bytes, uint64_t* at) {
    if (bytes.data() == nullptr) return schema::CreateBuffer(b);
    // Constants without elements have an empty list, so that they can be told from results.
    if (bytes.empty()) return schema::CreateBuffer(b, b.CreateVector(kZeros, size_t{0}));
    if (behind_) {
      const uint64_t offset = *at;
      *at += (bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
      // A placeholder that is not the default keeps the size of the first build.
      return schema::CreateBuffer(b, 0, std::max<uint64_t>(offset, 2), bytes.size());
    }
    b.ForceVectorAlignment(bytes.size(), 1, kAlignment);
    return schema::CreateBuffer(b, b.CreateVector(bytes.data(), bytes.size()));
  }

  static Offset<flatbuffers::Vector<int32_t>> list(Builder& b, std::span<const int32_t> values) {
    return b.CreateVector(values.data(), values.size());
  }

  Offset<schema::SubGraph> write_subgraph(Builder& b, const Subgraph& s) {
    std::vector<Offset<schema::Tensor>> tensors;
    for (const GraphTensor& t : s.tensors) tensors.push_back(write_tensor(b, t));
    std::vector<Offset<schema::Operator>> nodes;
    for (const Node& n : s.nodes) nodes.push_back(write_node(b, s, n));
    const auto tensor_list = b.CreateVector(tensors);
    const auto inputs = list(b, s.inputs);
    const auto outputs = list(b, s.outputs);
    const auto node_list = b.CreateVector(nodes);
    return schema::CreateSubGraph(b, tensor_list, inputs, outputs, node_list,
                                  b.CreateString(s.name));
  }

  Offset<schema::Tensor> write_tensor(Builder& b, const GraphTensor& t) {
    const auto shape = list(b, {t.shape.begin(), t.shape.end()});
    const auto signature = t.has_signature ? list(b, {t.signature.begin(), t.signature.end()}) : 0;
    const auto name = b.CreateString(t.name);
    const auto quantization = write_quantization(b, t.quantization);
    Offset<schema::SparsityParameters> sparsity;
    if (t.sparsity != nullptr) {
      schema::SparsityParametersT native;
      static_cast<const schema::SparsityParameters*>(t.sparsity)->UnPackTo(&native);
      sparsity = schema::SparsityParameters::Pack(b, &native);
    }
    uint32_t buffer = 0;
    if (t.constant) buffer = buffers_.add(bytes_of(t));
    return schema::CreateTensor(b, shape, static_cast<schema::TensorType>(t.type), buffer, name,
                                quantization, t.variable, sparsity, signature, t.has_rank);
  }

  // Equal zero points, all 0 for weights and biases, lie in the file once.
  Offset<schema::QuantizationParameters> write_quantization(Builder& b, const Quantization& q) {
    if (q.count == 0) return 0;
    std::vector<int64_t> zero_points(static_cast<size_t>(q.count));
    for (int32_t i = 0; i < q.count; ++i) zero_points[static_cast<size_t>(i)] = q.zero_point(i);
    const auto scales = b.CreateVector(q.scales, static_cast<size_t>(q.count));
    auto& zeros = zero_points_[zero_points];
    if (zeros.IsNull()) zeros = b.CreateVector(zero_points);
    return schema::CreateQuantizationParameters(b, 0, 0, scales, zeros,
                                                schema::QuantizationDetails::NONE, 0, q.axis);
  }

  Offset<schema::Operator> write_node(Builder& b, const Subgraph& s, const Node& n) {
    schema::BuiltinOptionsUnion options;
    schema::BuiltinOptions2Union options_2;
    if (n.options != nullptr) {
      options.type = options_of(n.builtin);
      options_2.type = options_2_of(n.builtin);
      if (options.type != schema::BuiltinOptions::NONE)
        options.value = schema::BuiltinOptionsUnion::UnPack(n.options, options.type, nullptr);
      else if (options_2.type != schema::BuiltinOptions2::NONE)
        options_2.value = schema::BuiltinOptions2Union::UnPack(n.options, options_2.type, nullptr);
    }
    const auto packed = options.value != nullptr ? options.Pack(b) : 0;
    const auto packed_2 = options_2.value != nullptr ? options_2.Pack(b) : 0;
    const auto inputs = list(b, n.inputs);
    const auto outputs = list(b, n.outputs);
    const auto intermediates = n.intermediates.empty() ? 0 : list(b, n.intermediates);
    const auto custom = n.custom_options.empty()
                            ? 0
                            : b.CreateVector(n.custom_options.data(), n.custom_options.size());
    return schema::CreateOperator(
        b, codes_.at(code_of(s, n)), inputs, outputs,
        packed.IsNull() ? schema::BuiltinOptions::NONE : options.type, packed, custom,
        schema::CustomOptionsFormat::FLEXBUFFERS, 0, intermediates, 0, 0,
        packed_2.IsNull() ? schema::BuiltinOptions2::NONE : options_2.type, packed_2);
  }

  Offset<schema::SignatureDef> write_signature(Builder& b, const Signature& s) {
    const auto maps = [&](const Vector<SignatureTensor>& tensors) {
      std::vector<Offset<schema::TensorMap>> result;
      for (const SignatureTensor& t : tensors)
        result.push_back(
            schema::CreateTensorMap(b, b.CreateString(t.name), static_cast<uint32_t>(t.tensor)));
      return b.CreateVector(result);
    };
    const auto inputs = maps(s.inputs);
    const auto outputs = maps(s.outputs);
    return schema::CreateSignatureDef(b, inputs, outputs, b.CreateString(s.key),
                                      static_cast<uint32_t>(s.subgraph));
  }

  const Graph& graph_;
  Buffers buffers_;
  std::map<Code, uint32_t> codes_;
  std::vector<Code> code_order_;
  std::vector<uint8_t> runtime_;
  std::map<std::vector<int64_t>, Offset<flatbuffers::Vector<int64_t>>> zero_points_;
  bool behind_ = false;
};

}  // namespace

uint64_t TfliteFile::bytes() const {
  uint64_t sum = 0;
  for (const auto& part : parts) sum += part.size();
  return sum;
}

std::vector<uint8_t> TfliteFile::joined() const {
  std::vector<uint8_t> result;
  result.reserve(bytes());
  for (const auto& part : parts) result.insert(result.end(), part.begin(), part.end());
  return result;
}

TfliteFile write_tflite(const Graph& graph, const WriteOptions& options) {
  return Writer(graph, options).run();
}

}  // namespace cygnet
