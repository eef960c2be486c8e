// SPDX-License-Identifier: Apache-2.0
// Builds .tflite models in memory, for tests.
//
//   ModelBuilder b;
//   const int x = b.input({1, 8, 8, 3}, Type::float32);
//   const int w = b.constant<float>({4, 3, 3, 3}, weights);
//   const int y = b.output({1, 8, 8, 4}, Type::float32);
//   b.op(schema::BuiltinOperator::CONV_2D, {x, w}, {y},
//        schema::CreateConv2DOptions(b.fbb(), schema::Padding::SAME, 1, 1));
//   const TestImage image = b.finish();
//
// Everything is a plain record until finish(), so that a test can break any one of them: a record
// is reached through graph(), tensor(), last_op(), buffers and so on. Values are written as they
// are; the builder checks nothing.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cygnet/custom_op.h"
#include "flatbuffers/flatbuffers.h"
#include "schema/tflite_generated.h"

namespace cygnet::test {

/// The bytes of a model, 64-byte aligned as a mapped file is.
class TestImage {
 public:
  TestImage() = default;
  explicit TestImage(const std::vector<uint8_t>& bytes);
  const uint8_t* data() const { return storage_.data() + shift_; }
  uint8_t* data() { return storage_.data() + shift_; }
  size_t size() const { return size_; }
  std::vector<uint8_t> bytes() const { return {data(), data() + size_}; }

 private:
  std::vector<uint8_t> storage_;
  size_t shift_ = 0;
  size_t size_ = 0;
};

/// Quantization parameters of a tensor; empty lists are left out of the file.
struct Quant {
  std::vector<float> scales = {};
  std::vector<int64_t> zero_points = {};
  int axis = 0;
  schema::QuantizationDetails details_type = schema::QuantizationDetails::NONE;
  flatbuffers::Offset<void> details = {};
};
/// One scale and zero point for the whole tensor.
Quant per_tensor(float scale, int64_t zero_point = 0);
/// One scale for each slice along `axis`, zero points all 0.
Quant per_channel(std::vector<float> scales, int axis);

struct TensorRecord {
  std::optional<std::string> name = {};
  Type type = Type::float32;
  std::vector<int32_t> shape;
  std::vector<int32_t> signature;  ///< empty: none
  uint32_t buffer = 0;
  std::optional<Quant> quantization;
  bool variable = false;
  bool has_rank = true;
  flatbuffers::Offset<schema::SparsityParameters> sparsity;
  uint32_t external_buffer = 0;
};

struct OpRecord {
  uint32_t opcode = 0;
  std::vector<int32_t> inputs, outputs, intermediates;
  schema::BuiltinOptions options_type = schema::BuiltinOptions::NONE;
  flatbuffers::Offset<void> options;
  schema::BuiltinOptions2 options_2_type = schema::BuiltinOptions2::NONE;
  flatbuffers::Offset<void> options_2;
  std::vector<uint8_t> custom_options;
  schema::CustomOptionsFormat custom_options_format = schema::CustomOptionsFormat::FLEXBUFFERS;
  uint64_t large_offset = 0, large_size = 0;
};

struct OpcodeRecord {
  int32_t builtin = 0;
  int8_t deprecated = 0;
  std::optional<std::string> custom_code = {};
  int32_t version = 1;
};

struct GraphRecord {
  std::optional<std::string> name = {};
  std::vector<TensorRecord> tensors;
  std::vector<int32_t> inputs, outputs;
  std::vector<OpRecord> ops;
};

/// `data` absent: no data in the FlatBuffer. `tail`: bytes put behind the FlatBuffer, with `offset`
/// and `size` filled in by finish().
struct BufferRecord {
  std::optional<std::vector<uint8_t>> data = {};
  uint64_t offset = 0, size = 0;
  std::optional<std::vector<uint8_t>> tail = {};
  size_t tail_alignment = 64;
};

struct SignatureRecord {
  std::optional<std::string> key = {};
  std::vector<std::pair<std::string, uint32_t>> inputs = {}, outputs = {};
  uint32_t subgraph = 0;
};

struct MetadataRecord {
  std::optional<std::string> name = {};
  uint32_t buffer = 0;
};

struct ExternalBufferRecord {
  uint32_t id = 0, group = 0;
  uint64_t offset = 0, length = 0;
  std::string packing = {};
};

class ModelBuilder {
 public:
  /// A model with buffer 0 and one empty subgraph.
  ModelBuilder();

  /// Where option tables are created, before op() takes them.
  flatbuffers::FlatBufferBuilder& fbb() { return fbb_; }

  /// Adds a subgraph and makes it the current one; its index.
  int add_subgraph(const std::string& name);
  void use_subgraph(int index) { current_ = index; }
  GraphRecord& graph() { return graphs[current_]; }
  TensorRecord& tensor(int index) { return graph().tensors[index]; }
  OpRecord& last_op() { return graph().ops.back(); }
  OpcodeRecord& last_opcode() { return opcodes[last_op().opcode]; }

  /// A tensor without data: the result of an operator. Names are "t0", "t1", ... unless changed.
  int add_tensor(std::vector<int32_t> shape, Type type, std::optional<Quant> quant = {});
  /// As add_tensor, listed among the subgraph's inputs.
  int input(std::vector<int32_t> shape, Type type = Type::float32, std::optional<Quant> quant = {});
  /// As add_tensor, listed among the subgraph's outputs.
  int output(std::vector<int32_t> shape, Type type = Type::float32,
             std::optional<Quant> quant = {});
  /// A state tensor.
  int variable(std::vector<int32_t> shape, Type type = Type::float32,
               std::optional<Quant> quant = {});
  /// A constant with these bytes.
  int constant_bytes(std::vector<int32_t> shape, Type type, std::vector<uint8_t> bytes,
                     std::optional<Quant> quant = {});
  /// A constant of T's type.
  template <class T>
  int constant(std::vector<int32_t> shape, const std::vector<T>& values,
               std::optional<Quant> quant = {}) {
    std::vector<uint8_t> bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return constant_bytes(std::move(shape), type_of<T>(), std::move(bytes), std::move(quant));
  }
  /// A constant of strings.
  int constant_strings(std::vector<int32_t> shape, const std::vector<std::string>& values);
  /// Index of a new buffer.
  uint32_t add_buffer(std::vector<uint8_t> bytes);

  /// Adds an operator without options.
  OpRecord& op(schema::BuiltinOperator code, std::vector<int32_t> inputs,
               std::vector<int32_t> outputs, int version = 1);
  /// Adds an operator with the option table that `options` points to; either union.
  template <class Table>
  OpRecord& op(schema::BuiltinOperator code, std::vector<int32_t> inputs,
               std::vector<int32_t> outputs, flatbuffers::Offset<Table> options, int version = 1) {
    OpRecord& record = op(code, std::move(inputs), std::move(outputs), version);
    if constexpr (schema::BuiltinOptionsTraits<Table>::enum_value != schema::BuiltinOptions::NONE) {
      record.options_type = schema::BuiltinOptionsTraits<Table>::enum_value;
      record.options = options.Union();
    } else {
      record.options_2_type = schema::BuiltinOptions2Traits<Table>::enum_value;
      record.options_2 = options.Union();
    }
    return record;
  }
  /// Adds a custom operator.
  OpRecord& custom_op(const std::string& name, std::vector<int32_t> inputs,
                      std::vector<int32_t> outputs, std::vector<uint8_t> options = {},
                      int version = 1);

  void signature(const std::string& key, std::vector<std::pair<std::string, uint32_t>> inputs,
                 std::vector<std::pair<std::string, uint32_t>> outputs, uint32_t subgraph = 0);
  void add_metadata(const std::string& name, std::vector<uint8_t> bytes);

  /// The file. Only once for each builder.
  TestImage finish();

  uint32_t schema_version = 3;
  std::vector<OpcodeRecord> opcodes;
  std::vector<GraphRecord> graphs;
  std::vector<BufferRecord> buffers;
  std::vector<SignatureRecord> signatures;
  std::vector<MetadataRecord> metadata;
  std::vector<int32_t> metadata_buffer;
  std::vector<std::string> external_groups;
  std::vector<ExternalBufferRecord> external_buffers;
  std::string description = "test";
  std::string identifier = "TFL3";
  bool no_buffers = false;    ///< leave the vector out
  bool no_subgraphs = false;  ///< leave the vector out

 private:
  int push(TensorRecord record);

  flatbuffers::FlatBufferBuilder fbb_;
  int current_ = 0;
};

}  // namespace cygnet::test
