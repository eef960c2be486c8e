// SPDX-License-Identifier: Apache-2.0
#include "edit/versions.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Op = schema::BuiltinOperator;

// What decides about versions.
struct Facts {
  const Subgraph& subgraph;
  const Node& node;
  Type type = Type::float32;     // of operand 0
  Type weights = Type::float32;  // of operand 1
  int rank = 0;                  // the highest of any operand

  Facts(const Subgraph& s, const Node& n) : subgraph(s), node(n) {
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      if (n.inputs[k] == kAbsent) continue;
      const GraphTensor& t = s.tensors[n.inputs[k]];
      if (k == 0) type = t.type;
      if (k == 1) weights = t.type;
      rank = std::max(rank, t.shape.rank);
    }
  }
  template <class Table>
  const Table* options() const {
    return static_cast<const Table*>(node.options);
  }
  const GraphTensor& input(size_t k) const { return subgraph.tensors[node.inputs[k]]; }
  const GraphTensor& output() const { return subgraph.tensors[node.outputs[0]]; }
  bool hybrid() const { return type == Type::float32 && weights == Type::int8; }
  bool broadcasts() const { return node.inputs.size() > 1 && !(input(0).shape == input(1).shape); }
};

// Versions that differ by type alone, as most operators' do.
struct ByType {
  Op op;
  int int8, int16;
};
constexpr ByType kByType[] = {
    {Op::ADD, 2, 3},
    {Op::ARG_MAX, 2, 2},
    {Op::ARG_MIN, 2, 2},
    {Op::AVERAGE_POOL_2D, 2, 3},
    {Op::BATCH_MATMUL, 2, 3},
    {Op::BATCH_TO_SPACE_ND, 2, 4},
    {Op::CONCATENATION, 2, 3},
    {Op::CONV_2D, 3, 4},
    {Op::DEPTHWISE_CONV_2D, 3, 5},
    {Op::DEPTH_TO_SPACE, 2, 2},
    {Op::EQUAL, 2, 4},
    {Op::EXP, 2, 2},
    {Op::FLOOR_DIV, 3, 3},
    {Op::FLOOR_MOD, 2, 2},
    {Op::FULLY_CONNECTED, 4, 7},
    {Op::GATHER, 2, 4},
    {Op::GREATER, 2, 2},
    {Op::GREATER_EQUAL, 2, 3},
    {Op::L2_NORMALIZATION, 2, 2},
    {Op::LEAKY_RELU, 2, 2},
    {Op::LESS, 2, 3},
    {Op::LESS_EQUAL, 2, 2},
    {Op::LOG, 2, 2},
    {Op::LOGISTIC, 2, 3},
    {Op::LOG_SOFTMAX, 2, 2},
    {Op::MAXIMUM, 2, 4},
    {Op::MAX_POOL_2D, 2, 3},
    {Op::MEAN, 2, 3},
    {Op::MINIMUM, 2, 4},
    {Op::MIRROR_PAD, 2, 3},
    {Op::MUL, 2, 4},
    {Op::NOT_EQUAL, 2, 2},
    {Op::PACK, 2, 3},
    {Op::PAD, 2, 3},
    {Op::PADV2, 2, 2},
    {Op::REDUCE_MAX, 2, 3},
    {Op::REDUCE_MIN, 2, 3},
    {Op::REDUCE_PROD, 2, 2},
    {Op::RELU, 2, 3},
    {Op::RELU6, 2, 3},
    {Op::RESIZE_BILINEAR, 2, 4},
    {Op::RESIZE_NEAREST_NEIGHBOR, 2, 4},
    {Op::RSQRT, 2, 3},
    {Op::SLICE, 2, 4},
    {Op::SOFTMAX, 2, 3},
    {Op::SPACE_TO_BATCH_ND, 2, 4},
    {Op::SPACE_TO_DEPTH, 2, 2},
    {Op::SPLIT, 2, 4},
    {Op::SPLIT_V, 2, 2},
    {Op::SQRT, 2, 2},
    {Op::SQUARED_DIFFERENCE, 2, 2},
    {Op::STRIDED_SLICE, 2, 4},
    {Op::SUB, 2, 5},
    {Op::SUM, 2, 2},
    {Op::TANH, 2, 3},
    {Op::TILE, 3, 3},
    {Op::TOPK_V2, 2, 3},
    {Op::TRANSPOSE, 2, 4},
    {Op::TRANSPOSE_CONV, 2, 3},
    {Op::UNPACK, 2, 4},
};

// Versions of operators that move elements, by other types.
struct ByOtherType {
  Op op;
  Type type;
  int version;
};
constexpr ByOtherType kByOtherType[] = {
    {Op::BROADCAST_TO, Type::int4, 4},
    {Op::CONCATENATION, Type::uint32, 4},
    {Op::CONCATENATION, Type::int4, 5},
    {Op::CONCATENATION, Type::float16, 7},
    {Op::CONCATENATION, Type::bfloat16, 7},
    {Op::DYNAMIC_UPDATE_SLICE, Type::float16, 3},
    {Op::DYNAMIC_UPDATE_SLICE, Type::int16, 4},
    {Op::DYNAMIC_UPDATE_SLICE, Type::int4, 5},
    {Op::DYNAMIC_UPDATE_SLICE, Type::bfloat16, 6},
    {Op::PACK, Type::uint32, 4},
    {Op::PAD, Type::boolean, 5},
    {Op::PAD, Type::float16, 6},
    {Op::PAD, Type::bfloat16, 6},
    {Op::PADV2, Type::int16, 3},
    {Op::PADV2, Type::boolean, 5},
    {Op::PADV2, Type::float16, 6},
    {Op::PADV2, Type::bfloat16, 6},
    {Op::RANGE, Type::int64, 2},
    {Op::REVERSE_V2, Type::boolean, 2},
    {Op::REVERSE_V2, Type::int8, 3},
    {Op::REVERSE_V2, Type::float16, 4},
    {Op::REVERSE_V2, Type::bfloat16, 4},
    {Op::SLICE, Type::string, 3},
    {Op::SLICE, Type::uint32, 6},
    {Op::SLICE, Type::int4, 7},
    {Op::SLICE, Type::bfloat16, 8},
    {Op::SPLIT, Type::int32, 3},
    {Op::SQUEEZE, Type::string, 2},
    {Op::STRIDED_SLICE, Type::boolean, 3},
    {Op::STRIDED_SLICE, Type::string, 5},
    {Op::STRIDED_SLICE, Type::uint32, 7},
    {Op::TILE, Type::string, 2},
    {Op::TRANSPOSE, Type::boolean, 3},
    {Op::TRANSPOSE, Type::int4, 7},
    {Op::TRANSPOSE, Type::bfloat16, 8},
    {Op::UNPACK, Type::uint8, 2},
    {Op::UNPACK, Type::boolean, 3},
    {Op::UNPACK, Type::float16, 5},
    {Op::UNPACK, Type::bfloat16, 5},
};

int by_type(Op op, Type type) {
  for (const ByOtherType& row : kByOtherType)
    if (row.op == op && row.type == type) return row.version;
  if (type != Type::int8 && type != Type::int16) return 1;
  for (const ByType& row : kByType)
    if (row.op == op) return type == Type::int8 ? row.int8 : row.int16;
  return 1;
}

// Whether 16-bit activations come with the type of the bias given.
template <class Options>
bool names_bias_type(const Facts& f) {
  const auto* o = f.options<Options>();
  return f.type == Type::int16 && f.weights == Type::int8 && o != nullptr &&
         o->quantized_bias_type() != schema::TensorType::FLOAT32;
}

int convolution_version(const Facts& f) {
  if (names_bias_type<schema::Conv2DOptions>(f)) return 8;
  if (f.weights == Type::int4) return 7;
  const Shape& filter = f.input(1).shape;
  const Shape& input = f.input(0).shape;
  if (filter.rank == 4 && input.rank == 4 && filter[3] != input[3]) return 6;  // grouped
  if (f.hybrid()) return f.input(1).quantization.count > 1 ? 5 : 2;
  return by_type(Op::CONV_2D, f.type);
}

int depthwise_version(const Facts& f) {
  const auto* o = f.options<schema::DepthwiseConv2DOptions>();
  const bool dilated = o != nullptr && (o->dilation_h_factor() != 1 || o->dilation_w_factor() != 1);
  if (f.weights == Type::int4) return 7;
  if (f.hybrid()) return f.input(1).quantization.count > 1 ? 6 : 4;
  return std::max(by_type(Op::DEPTHWISE_CONV_2D, f.type), dilated ? 2 : 1);
}

int fully_connected_version(const Facts& f) {
  const auto* o = f.options<schema::FullyConnectedOptions>();
  if (f.weights == Type::int2) return 14;
  if (f.weights == Type::int4) return f.type == Type::int16 ? 13 : 10;
  int version = by_type(Op::FULLY_CONNECTED, f.type);
  if (f.hybrid())
    version = f.input(1).quantization.count > 1                 ? 12
              : o != nullptr && o->asymmetric_quantize_inputs() ? 9
                                                                : 3;
  if (names_bias_type<schema::FullyConnectedOptions>(f)) version = 11;
  using Format = schema::FullyConnectedOptionsWeightsFormat;
  if (o != nullptr && o->weights_format() == Format::SHUFFLED4x16INT8) version = 2;
  if (f.input(1).sparsity != nullptr) version = std::max(version, 8);
  if (o != nullptr && o->keep_num_dims()) version = std::max(version, 5);
  if (f.node.inputs.size() < 3 || f.node.inputs[2] == kAbsent) version = std::max(version, 6);
  return version;
}

int transpose_conv_version(const Facts& f) {
  // Operand 0 is the shape of the result.
  const Type type = f.input(2).type;
  const auto* o = f.options<schema::TransposeConvOptions>();
  if (type == Type::int16 && o != nullptr &&
      o->quantized_bias_type() != schema::TensorType::FLOAT32)
    return 5;
  if (o != nullptr && o->fused_activation_function() != schema::ActivationFunctionType::NONE)
    return 4;
  const bool bias = f.node.inputs.size() > 3 && f.node.inputs[3] != kAbsent;
  return std::max(
      {by_type(Op::TRANSPOSE_CONV, type), bias ? 3 : 1, f.weights == Type::int8 ? 2 : 1});
}

int batch_matmul_version(const Facts& f) {
  const auto* o = f.options<schema::BatchMatMulOptions>();
  if (f.hybrid()) return o != nullptr && o->asymmetric_quantize_inputs() ? 4 : 1;
  return by_type(Op::BATCH_MATMUL, f.type);
}

template <class Options>
int resize_version(const Facts& f, Op op) {
  const auto* o = f.options<Options>();
  const bool aligned = op == Op::RESIZE_NEAREST_NEIGHBOR && o != nullptr && o->align_corners();
  const int newer = aligned || (o != nullptr && o->half_pixel_centers()) ? 3 : 1;
  return std::max(by_type(op, f.type), newer);
}

int binary_version(const Facts& f, Op op) {
  int version = by_type(op, f.type);
  const bool wide = f.rank > 4 && f.broadcasts();
  if (op == Op::SUB && f.type == Type::int64) version = 4;
  if (op == Op::ADD && f.type == Type::int64) version = 4;
  if (op == Op::MUL && (f.type == Type::int64 || f.type == Type::complex64)) version = 6;
  const bool plain_int16 = f.type == Type::int16 && f.input(0).quantization.count == 0;
  if (op == Op::ADD && (plain_int16 || f.type == Type::float16)) version = plain_int16 ? 5 : 6;
  if (op == Op::MUL && (plain_int16 || f.type == Type::uint32)) version = 7;
  if (op == Op::MUL && f.type == Type::float16) version = 8;
  if (wide && op == Op::DIV) version = std::max(version, 2);
  if (wide && (op == Op::SUB || op == Op::MUL)) version = std::max(version, 3);
  if (wide && (op == Op::MAXIMUM || op == Op::MINIMUM)) version = std::max(version, 3);
  return version;
}

int gather_version(const Facts& f) {
  const auto* o = f.options<schema::GatherOptions>();
  if (o != nullptr && o->batch_dims() != 0) return 5;
  return f.type == Type::boolean ? 3 : by_type(Op::GATHER, f.type);
}

int strided_slice_version(const Facts& f) {
  const auto* o = f.options<schema::StridedSliceOptions>();
  if (o != nullptr && o->offset()) return 8;
  int version = by_type(Op::STRIDED_SLICE, f.type);
  if (f.rank > 4) version = std::max(version, 4);
  if (o != nullptr && (o->ellipsis_mask() != 0 || o->new_axis_mask() != 0))
    version = std::max(version, 6);
  return version;
}

int dynamic_update_slice_version(const Facts& f) {
  const bool wide = f.node.inputs.size() > 2 && f.input(2).type == Type::int64;
  return std::max(by_type(Op::DYNAMIC_UPDATE_SLICE, f.type), wide ? 2 : 1);
}

// Hybrid weights, with symmetric rows or asymmetric ones, which came one version later. `weights`:
// the operand that is never absent.
template <class Table>
int hybrid_version(const Facts& f, size_t weights, int symmetric) {
  if (f.type != Type::float32 || f.input(weights).type != Type::int8) return 1;
  const auto* o = f.options<Table>();
  return o != nullptr && o->asymmetric_quantize_inputs() ? symmetric + 1 : symmetric;
}

int lstm_version(const Facts& f) {
  const auto* o = f.options<schema::LSTMOptions>();
  if (o != nullptr && o->kernel_type() == schema::LSTMKernelType::BASIC) return 2;
  return hybrid_version<schema::LSTMOptions>(f, 2, 3);
}

int sequence_lstm_version(const Facts& f) {
  const auto* o = f.options<schema::UnidirectionalSequenceLSTMOptions>();
  if (o != nullptr && o->diagonal_recurrent_tensors()) return 4;
  return hybrid_version<schema::UnidirectionalSequenceLSTMOptions>(f, 2, 2);
}

int cast_version(const Facts& f) {
  const auto either = [&](std::initializer_list<Type> types) {
    return std::any_of(types.begin(), types.end(),
                       [&](Type t) { return f.type == t || f.output().type == t; });
  };
  if (either({Type::int2, Type::uint4}) || f.output().type == Type::int4) return 9;
  if (either({Type::float16, Type::bfloat16})) return 7;
  if (f.type == Type::int4) return 6;
  if (either({Type::float64})) return 5;
  if (either({Type::uint16})) return 4;
  if (either({Type::int8})) return 3;
  return either({Type::uint32}) ? 2 : 1;
}

int quantize_version(const Facts& f) {
  const GraphTensor& y = f.output();
  if (y.type == Type::int4) return 4;
  if (y.quantization.count > 1) return 3;
  return y.type == Type::int16 ? 2 : 1;
}

int dequantize_version(const Facts& f) {
  if (f.type == Type::int2 || f.type == Type::uint4) return 9;
  if (f.type == Type::int4) return 6;
  if (f.type == Type::int8) return f.input(0).quantization.count > 1 ? 5 : 2;
  return f.type == Type::int16 || f.type == Type::float16 ? 3 : 1;
}

// Of operators on single elements; 0 where the type alone decides.
int unary_version(const Facts& f, Op op) {
  switch (op) {
    case Op::ABS:
      if (f.type == Type::int16) return f.input(0).quantization.count > 0 ? 3 : 4;
      return f.type == Type::int32 ? 5 : f.type == Type::int8 ? 2 : 1;
    case Op::CAST:
      return cast_version(f);
    case Op::DEQUANTIZE:
      return dequantize_version(f);
    case Op::GELU:
      if (f.type == Type::float16 || f.type == Type::int16) return 3;
      return f.type == Type::int8 || f.type == Type::uint8 ? 2 : 1;
    case Op::QUANTIZE:
      return quantize_version(f);
    case Op::SIGN:
      return f.type == Type::int32 ? 2 : 1;
    case Op::COS:
    case Op::SIN:
      return f.type == Type::float16 ? 2 : 1;
    default:
      return 0;
  }
}

int version_of(const Facts& f, Op op) {
  if (const int version = unary_version(f, op); version > 0) return version;
  switch (op) {
    case Op::LSTM:
      return lstm_version(f);
    case Op::UNIDIRECTIONAL_SEQUENCE_LSTM:
      return sequence_lstm_version(f);
    case Op::BIDIRECTIONAL_SEQUENCE_LSTM:
      return hybrid_version<schema::BidirectionalSequenceLSTMOptions>(f, 2, 2);
    case Op::RNN:
      return hybrid_version<schema::RNNOptions>(f, 1, 2);
    case Op::UNIDIRECTIONAL_SEQUENCE_RNN:
      return hybrid_version<schema::SequenceRNNOptions>(f, 1, 2);
    case Op::BIDIRECTIONAL_SEQUENCE_RNN:
      return hybrid_version<schema::BidirectionalSequenceRNNOptions>(f, 1, 2);
    case Op::SVDF:
      return f.type == Type::int8 ? 3 : hybrid_version<schema::SVDFOptions>(f, 1, 2);
    case Op::CONV_2D:
      return convolution_version(f);
    case Op::DEPTHWISE_CONV_2D:
      return depthwise_version(f);
    case Op::FULLY_CONNECTED:
      return fully_connected_version(f);
    case Op::TRANSPOSE_CONV:
      return transpose_conv_version(f);
    case Op::BATCH_MATMUL:
      return batch_matmul_version(f);
    case Op::RESIZE_BILINEAR:
      return resize_version<schema::ResizeBilinearOptions>(f, op);
    case Op::RESIZE_NEAREST_NEIGHBOR:
      return resize_version<schema::ResizeNearestNeighborOptions>(f, op);
    case Op::ADD:
    case Op::SUB:
    case Op::MUL:
    case Op::DIV:
    case Op::MAXIMUM:
    case Op::MINIMUM:
      return binary_version(f, op);
    case Op::GATHER:
      return gather_version(f);
    case Op::STRIDED_SLICE:
      return strided_slice_version(f);
    case Op::DYNAMIC_UPDATE_SLICE:
      return dynamic_update_slice_version(f);
    case Op::TRANSPOSE:
      return std::max(by_type(op, f.type), f.rank > 6 ? 8 : f.rank > 5 ? 6 : f.rank > 4 ? 4 : 1);
    case Op::PAD:
    case Op::PADV2:
      return std::max(by_type(op, f.type), f.rank > 4 ? 4 : 1);
    case Op::SPLIT:  // operand 0 is the axis
      return by_type(op, f.weights);
    case Op::SLICE:
      return std::max(by_type(op, f.type), f.rank > 4 ? 5 : 1);
    case Op::SPACE_TO_BATCH_ND:
    case Op::BATCH_TO_SPACE_ND:
      return std::max(by_type(op, f.type), f.rank != 4 ? 3 : 1);
    case Op::BROADCAST_TO:
      return std::max(
          by_type(op, f.type),
          f.type == Type::boolean || f.type == Type::int8 || f.type == Type::int16 ? 3 : 2);
    case Op::FILL: {
      const Type value = f.weights;
      if (value == Type::boolean || value == Type::string) return 2;
      if (value == Type::float16) return 4;
      return value == Type::int8 || value == Type::int16 ? 3 : 1;
    }
    case Op::ARG_MAX:
      return f.type == Type::boolean ? 3 : by_type(op, f.type);
    default:
      return by_type(op, f.type);
  }
}

}  // namespace

int operator_version(const Subgraph& subgraph, const Node& node) {
  const Op op = static_cast<Op>(node.builtin);
  if (op == Op::CUSTOM) return node.version;
  return std::max(node.version, version_of(Facts(subgraph, node), op));
}

}  // namespace cygnet
