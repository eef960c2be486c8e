// SPDX-License-Identifier: Apache-2.0
#include "format/options.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;
using Options2 = schema::BuiltinOptions2;

// ---- Which table an operator takes (C8); the others take none

struct OptionsOf {
  Builtin builtin;
  Options table;
};

constexpr OptionsOf kOptions[] = {
    {Builtin::ADD, Options::AddOptions},
    {Builtin::AVERAGE_POOL_2D, Options::Pool2DOptions},
    {Builtin::CONCATENATION, Options::ConcatenationOptions},
    {Builtin::CONV_2D, Options::Conv2DOptions},
    {Builtin::DEPTHWISE_CONV_2D, Options::DepthwiseConv2DOptions},
    {Builtin::DEPTH_TO_SPACE, Options::DepthToSpaceOptions},
    {Builtin::DEQUANTIZE, Options::DequantizeOptions},
    {Builtin::FULLY_CONNECTED, Options::FullyConnectedOptions},
    {Builtin::L2_NORMALIZATION, Options::L2NormOptions},
    {Builtin::L2_POOL_2D, Options::Pool2DOptions},
    {Builtin::LOCAL_RESPONSE_NORMALIZATION, Options::LocalResponseNormalizationOptions},
    {Builtin::LSH_PROJECTION, Options::LSHProjectionOptions},
    {Builtin::LSTM, Options::LSTMOptions},
    {Builtin::MAX_POOL_2D, Options::Pool2DOptions},
    {Builtin::MUL, Options::MulOptions},
    {Builtin::RESHAPE, Options::ReshapeOptions},
    {Builtin::RESIZE_BILINEAR, Options::ResizeBilinearOptions},
    {Builtin::RNN, Options::RNNOptions},
    {Builtin::SOFTMAX, Options::SoftmaxOptions},
    {Builtin::SPACE_TO_DEPTH, Options::SpaceToDepthOptions},
    {Builtin::SVDF, Options::SVDFOptions},
    {Builtin::CONCAT_EMBEDDINGS, Options::ConcatEmbeddingsOptions},
    {Builtin::SKIP_GRAM, Options::SkipGramOptions},
    {Builtin::CALL, Options::CallOptions},
    {Builtin::EMBEDDING_LOOKUP_SPARSE, Options::EmbeddingLookupSparseOptions},
    {Builtin::PAD, Options::PadOptions},
    {Builtin::UNIDIRECTIONAL_SEQUENCE_RNN, Options::SequenceRNNOptions},
    {Builtin::GATHER, Options::GatherOptions},
    {Builtin::BATCH_TO_SPACE_ND, Options::BatchToSpaceNDOptions},
    {Builtin::SPACE_TO_BATCH_ND, Options::SpaceToBatchNDOptions},
    {Builtin::TRANSPOSE, Options::TransposeOptions},
    {Builtin::MEAN, Options::ReducerOptions},
    {Builtin::SUB, Options::SubOptions},
    {Builtin::DIV, Options::DivOptions},
    {Builtin::SQUEEZE, Options::SqueezeOptions},
    {Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM, Options::UnidirectionalSequenceLSTMOptions},
    {Builtin::STRIDED_SLICE, Options::StridedSliceOptions},
    {Builtin::BIDIRECTIONAL_SEQUENCE_RNN, Options::BidirectionalSequenceRNNOptions},
    {Builtin::EXP, Options::ExpOptions},
    {Builtin::TOPK_V2, Options::TopKV2Options},
    {Builtin::SPLIT, Options::SplitOptions},
    {Builtin::LOG_SOFTMAX, Options::LogSoftmaxOptions},
    {Builtin::BIDIRECTIONAL_SEQUENCE_LSTM, Options::BidirectionalSequenceLSTMOptions},
    {Builtin::CAST, Options::CastOptions},
    {Builtin::MAXIMUM, Options::MaximumMinimumOptions},
    {Builtin::ARG_MAX, Options::ArgMaxOptions},
    {Builtin::MINIMUM, Options::MaximumMinimumOptions},
    {Builtin::LESS, Options::LessOptions},
    {Builtin::NEG, Options::NegOptions},
    {Builtin::PADV2, Options::PadV2Options},
    {Builtin::GREATER, Options::GreaterOptions},
    {Builtin::GREATER_EQUAL, Options::GreaterEqualOptions},
    {Builtin::LESS_EQUAL, Options::LessEqualOptions},
    {Builtin::SELECT, Options::SelectOptions},
    {Builtin::SLICE, Options::SliceOptions},
    {Builtin::TRANSPOSE_CONV, Options::TransposeConvOptions},
    {Builtin::SPARSE_TO_DENSE, Options::SparseToDenseOptions},
    {Builtin::TILE, Options::TileOptions},
    {Builtin::EXPAND_DIMS, Options::ExpandDimsOptions},
    {Builtin::EQUAL, Options::EqualOptions},
    {Builtin::NOT_EQUAL, Options::NotEqualOptions},
    {Builtin::SUM, Options::ReducerOptions},
    {Builtin::SHAPE, Options::ShapeOptions},
    {Builtin::POW, Options::PowOptions},
    {Builtin::ARG_MIN, Options::ArgMinOptions},
    {Builtin::FAKE_QUANT, Options::FakeQuantOptions},
    {Builtin::REDUCE_PROD, Options::ReducerOptions},
    {Builtin::REDUCE_MAX, Options::ReducerOptions},
    {Builtin::PACK, Options::PackOptions},
    {Builtin::LOGICAL_OR, Options::LogicalOrOptions},
    {Builtin::ONE_HOT, Options::OneHotOptions},
    {Builtin::LOGICAL_AND, Options::LogicalAndOptions},
    {Builtin::LOGICAL_NOT, Options::LogicalNotOptions},
    {Builtin::UNPACK, Options::UnpackOptions},
    {Builtin::REDUCE_MIN, Options::ReducerOptions},
    {Builtin::FLOOR_DIV, Options::FloorDivOptions},
    {Builtin::REDUCE_ANY, Options::ReducerOptions},
    {Builtin::SQUARE, Options::SquareOptions},
    {Builtin::ZEROS_LIKE, Options::ZerosLikeOptions},
    {Builtin::FILL, Options::FillOptions},
    {Builtin::FLOOR_MOD, Options::FloorModOptions},
    {Builtin::RANGE, Options::RangeOptions},
    {Builtin::RESIZE_NEAREST_NEIGHBOR, Options::ResizeNearestNeighborOptions},
    {Builtin::LEAKY_RELU, Options::LeakyReluOptions},
    {Builtin::SQUARED_DIFFERENCE, Options::SquaredDifferenceOptions},
    {Builtin::MIRROR_PAD, Options::MirrorPadOptions},
    {Builtin::ABS, Options::AbsOptions},
    {Builtin::SPLIT_V, Options::SplitVOptions},
    {Builtin::UNIQUE, Options::UniqueOptions},
    {Builtin::REVERSE_V2, Options::ReverseV2Options},
    {Builtin::ADD_N, Options::AddNOptions},
    {Builtin::GATHER_ND, Options::GatherNdOptions},
    {Builtin::COS, Options::CosOptions},
    {Builtin::WHERE, Options::WhereOptions},
    {Builtin::RANK, Options::RankOptions},
    {Builtin::REVERSE_SEQUENCE, Options::ReverseSequenceOptions},
    {Builtin::MATRIX_DIAG, Options::MatrixDiagOptions},
    {Builtin::QUANTIZE, Options::QuantizeOptions},
    {Builtin::MATRIX_SET_DIAG, Options::MatrixSetDiagOptions},
    {Builtin::HARD_SWISH, Options::HardSwishOptions},
    {Builtin::IF, Options::IfOptions},
    {Builtin::WHILE, Options::WhileOptions},
    {Builtin::NON_MAX_SUPPRESSION_V4, Options::NonMaxSuppressionV4Options},
    {Builtin::NON_MAX_SUPPRESSION_V5, Options::NonMaxSuppressionV5Options},
    {Builtin::SCATTER_ND, Options::ScatterNdOptions},
    {Builtin::SELECT_V2, Options::SelectV2Options},
    {Builtin::DENSIFY, Options::DensifyOptions},
    {Builtin::SEGMENT_SUM, Options::SegmentSumOptions},
    {Builtin::BATCH_MATMUL, Options::BatchMatMulOptions},
    {Builtin::CUMSUM, Options::CumsumOptions},
    {Builtin::CALL_ONCE, Options::CallOnceOptions},
    {Builtin::BROADCAST_TO, Options::BroadcastToOptions},
    {Builtin::RFFT2D, Options::Rfft2dOptions},
    {Builtin::CONV_3D, Options::Conv3DOptions},
    {Builtin::HASHTABLE, Options::HashtableOptions},
    {Builtin::HASHTABLE_FIND, Options::HashtableFindOptions},
    {Builtin::HASHTABLE_IMPORT, Options::HashtableImportOptions},
    {Builtin::HASHTABLE_SIZE, Options::HashtableSizeOptions},
    {Builtin::REDUCE_ALL, Options::ReducerOptions},
    {Builtin::CONV_3D_TRANSPOSE, Options::Conv3DOptions},
    {Builtin::VAR_HANDLE, Options::VarHandleOptions},
    {Builtin::READ_VARIABLE, Options::ReadVariableOptions},
    {Builtin::ASSIGN_VARIABLE, Options::AssignVariableOptions},
    {Builtin::RANDOM_STANDARD_NORMAL, Options::RandomOptions},
    {Builtin::BUCKETIZE, Options::BucketizeOptions},
    {Builtin::RANDOM_UNIFORM, Options::RandomOptions},
    {Builtin::MULTINOMIAL, Options::RandomOptions},
    {Builtin::GELU, Options::GeluOptions},
    {Builtin::DYNAMIC_UPDATE_SLICE, Options::DynamicUpdateSliceOptions},
    {Builtin::UNSORTED_SEGMENT_PROD, Options::UnsortedSegmentProdOptions},
    {Builtin::UNSORTED_SEGMENT_MAX, Options::UnsortedSegmentMaxOptions},
    {Builtin::UNSORTED_SEGMENT_SUM, Options::UnsortedSegmentSumOptions},
    {Builtin::UNSORTED_SEGMENT_MIN, Options::UnsortedSegmentMinOptions},
    {Builtin::ATAN2, Options::ATan2Options},
    {Builtin::SIGN, Options::SignOptions},
    {Builtin::BITCAST, Options::BitcastOptions},
    {Builtin::BITWISE_XOR, Options::BitwiseXorOptions},
    {Builtin::RIGHT_SHIFT, Options::RightShiftOptions},
};

struct Options2Of {
  Builtin builtin;
  Options2 table;
};

constexpr Options2Of kOptions2[] = {
    {Builtin::STABLEHLO_CONCATENATE, Options2::StablehloConcatenateOptions},
    {Builtin::STABLEHLO_BROADCAST_IN_DIM, Options2::StablehloBroadcastInDimOptions},
    {Builtin::STABLEHLO_CONVOLUTION, Options2::StablehloConvolutionOptions},
    {Builtin::STABLEHLO_SLICE, Options2::StablehloSliceOptions},
    {Builtin::STABLEHLO_CUSTOM_CALL, Options2::StablehloCustomCallOptions},
    {Builtin::STABLEHLO_REDUCE, Options2::StablehloReduceOptions},
    {Builtin::STABLEHLO_SCATTER, Options2::StablehloScatterOptions},
    {Builtin::STABLEHLO_COMPARE, Options2::StablehloCompareOptions},
    {Builtin::STABLEHLO_DYNAMIC_SLICE, Options2::StablehloDynamicSliceOptions},
    {Builtin::STABLEHLO_PAD, Options2::StablehloPadOptions},
    {Builtin::STABLEHLO_IOTA, Options2::StablehloIotaOptions},
    {Builtin::STABLEHLO_DOT_GENERAL, Options2::StablehloDotGeneralOptions},
    {Builtin::STABLEHLO_REDUCE_WINDOW, Options2::StablehloReduceWindowOptions},
    {Builtin::STABLEHLO_SORT, Options2::StablehloSortOptions},
    {Builtin::STABLEHLO_WHILE, Options2::StablehloWhileOptions},
    {Builtin::STABLEHLO_GATHER, Options2::StablehloGatherOptions},
    {Builtin::STABLEHLO_TRANSPOSE, Options2::StablehloTransposeOptions},
    {Builtin::DILATE, Options2::DilateOptions},
    {Builtin::STABLEHLO_RNG_BIT_GENERATOR, Options2::StablehloRngBitGeneratorOptions},
    {Builtin::REDUCE_WINDOW, Options2::ReduceWindowOptions},
    {Builtin::STABLEHLO_COMPOSITE, Options2::StableHLOCompositeOptions},
    {Builtin::STABLEHLO_SHIFT_LEFT, Options2::StablehloShiftLeftOptions},
    {Builtin::STABLEHLO_CASE, Options2::StablehloCaseOptions},
};

}  // namespace

schema::BuiltinOptions options_of(int32_t builtin) {
  for (const OptionsOf& entry : kOptions)
    if (static_cast<int32_t>(entry.builtin) == builtin) return entry.table;
  return Options::NONE;
}

schema::BuiltinOptions2 options_2_of(int32_t builtin) {
  for (const Options2Of& entry : kOptions2)
    if (static_cast<int32_t>(entry.builtin) == builtin) return entry.table;
  return Options2::NONE;
}

namespace {

// ---- Enumerations in the tables (C9)

// A field of `width` bytes at `field` of the vtable with values of 0 to `highest`.
struct EnumField {
  uint8_t table;
  flatbuffers::voffset_t field;
  uint8_t width;
  int32_t highest;
  const char* name;
};

template <class Enum>
constexpr int32_t highest() {
  return static_cast<int32_t>(Enum::MAX);
}

template <class Enum>
constexpr EnumField field(Options table, flatbuffers::voffset_t at, const char* name) {
  return {static_cast<uint8_t>(table), at, sizeof(Enum), highest<Enum>(), name};
}

template <class Enum>
constexpr EnumField field(Options2 table, flatbuffers::voffset_t at, const char* name) {
  return {static_cast<uint8_t>(table), at, sizeof(Enum), highest<Enum>(), name};
}

using schema::ActivationFunctionType;
using schema::Padding;
using schema::TensorType;

constexpr EnumField kEnums[] = {
    field<Padding>(Options::Conv2DOptions, schema::Conv2DOptions::VT_PADDING, "padding"),
    field<ActivationFunctionType>(Options::Conv2DOptions,
                                  schema::Conv2DOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<TensorType>(Options::Conv2DOptions, schema::Conv2DOptions::VT_QUANTIZED_BIAS_TYPE,
                      "quantized_bias_type"),
    field<Padding>(Options::Conv3DOptions, schema::Conv3DOptions::VT_PADDING, "padding"),
    field<ActivationFunctionType>(Options::Conv3DOptions,
                                  schema::Conv3DOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<Padding>(Options::Pool2DOptions, schema::Pool2DOptions::VT_PADDING, "padding"),
    field<ActivationFunctionType>(Options::Pool2DOptions,
                                  schema::Pool2DOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<Padding>(Options::DepthwiseConv2DOptions, schema::DepthwiseConv2DOptions::VT_PADDING,
                   "padding"),
    field<ActivationFunctionType>(Options::DepthwiseConv2DOptions,
                                  schema::DepthwiseConv2DOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<schema::LSHProjectionType>(Options::LSHProjectionOptions,
                                     schema::LSHProjectionOptions::VT_TYPE, "type"),
    field<ActivationFunctionType>(Options::SVDFOptions,
                                  schema::SVDFOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::RNNOptions,
                                  schema::RNNOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::SequenceRNNOptions,
                                  schema::SequenceRNNOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(
        Options::BidirectionalSequenceRNNOptions,
        schema::BidirectionalSequenceRNNOptions::VT_FUSED_ACTIVATION_FUNCTION,
        "fused_activation_function"),
    field<ActivationFunctionType>(Options::FullyConnectedOptions,
                                  schema::FullyConnectedOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<schema::FullyConnectedOptionsWeightsFormat>(
        Options::FullyConnectedOptions, schema::FullyConnectedOptions::VT_WEIGHTS_FORMAT,
        "weights_format"),
    field<TensorType>(Options::FullyConnectedOptions,
                      schema::FullyConnectedOptions::VT_QUANTIZED_BIAS_TYPE, "quantized_bias_type"),
    field<ActivationFunctionType>(Options::ConcatenationOptions,
                                  schema::ConcatenationOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::AddOptions,
                                  schema::AddOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::MulOptions,
                                  schema::MulOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::SubOptions,
                                  schema::SubOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::DivOptions,
                                  schema::DivOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::L2NormOptions,
                                  schema::L2NormOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<ActivationFunctionType>(Options::LSTMOptions,
                                  schema::LSTMOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<schema::LSTMKernelType>(Options::LSTMOptions, schema::LSTMOptions::VT_KERNEL_TYPE,
                                  "kernel_type"),
    field<ActivationFunctionType>(
        Options::UnidirectionalSequenceLSTMOptions,
        schema::UnidirectionalSequenceLSTMOptions::VT_FUSED_ACTIVATION_FUNCTION,
        "fused_activation_function"),
    field<ActivationFunctionType>(
        Options::BidirectionalSequenceLSTMOptions,
        schema::BidirectionalSequenceLSTMOptions::VT_FUSED_ACTIVATION_FUNCTION,
        "fused_activation_function"),
    field<schema::CombinerType>(Options::EmbeddingLookupSparseOptions,
                                schema::EmbeddingLookupSparseOptions::VT_COMBINER, "combiner"),
    field<TensorType>(Options::CastOptions, schema::CastOptions::VT_IN_DATA_TYPE, "in_data_type"),
    field<TensorType>(Options::CastOptions, schema::CastOptions::VT_OUT_DATA_TYPE, "out_data_type"),
    field<TensorType>(Options::ArgMaxOptions, schema::ArgMaxOptions::VT_OUTPUT_TYPE, "output_type"),
    field<TensorType>(Options::ArgMinOptions, schema::ArgMinOptions::VT_OUTPUT_TYPE, "output_type"),
    field<Padding>(Options::TransposeConvOptions, schema::TransposeConvOptions::VT_PADDING,
                   "padding"),
    field<ActivationFunctionType>(Options::TransposeConvOptions,
                                  schema::TransposeConvOptions::VT_FUSED_ACTIVATION_FUNCTION,
                                  "fused_activation_function"),
    field<TensorType>(Options::TransposeConvOptions,
                      schema::TransposeConvOptions::VT_QUANTIZED_BIAS_TYPE, "quantized_bias_type"),
    field<TensorType>(Options::ShapeOptions, schema::ShapeOptions::VT_OUT_TYPE, "out_type"),
    field<schema::MirrorPadMode>(Options::MirrorPadOptions, schema::MirrorPadOptions::VT_MODE,
                                 "mode"),
    field<TensorType>(Options::UniqueOptions, schema::UniqueOptions::VT_IDX_OUT_TYPE,
                      "idx_out_type"),
    field<TensorType>(Options::HashtableOptions, schema::HashtableOptions::VT_KEY_DTYPE,
                      "key_dtype"),
    field<TensorType>(Options::HashtableOptions, schema::HashtableOptions::VT_VALUE_DTYPE,
                      "value_dtype"),
};

constexpr EnumField kEnums2[] = {
    field<schema::StablehloComparisonDirection>(
        Options2::StablehloCompareOptions, schema::StablehloCompareOptions::VT_COMPARISON_DIRECTION,
        "comparison_direction"),
    field<schema::StablehloComparisonType>(Options2::StablehloCompareOptions,
                                           schema::StablehloCompareOptions::VT_COMPARE_TYPE,
                                           "compare_type"),
    field<schema::RngAlgorithm>(Options2::StablehloRngBitGeneratorOptions,
                                schema::StablehloRngBitGeneratorOptions::VT_ALGORITHM, "algorithm"),
    field<schema::ReduceWindowFunction>(Options2::ReduceWindowOptions,
                                        schema::ReduceWindowOptions::VT_REDUCE_FUNCTION,
                                        "reduce_function"),
    field<schema::CustomOptionsFormat>(
        Options2::StableHLOCompositeOptions,
        schema::StableHLOCompositeOptions::VT_COMPOSITE_ATTRIBUTES_FORMAT,
        "composite_attributes_format"),
};

Status check_enums(std::span<const EnumField> fields, uint8_t type, const void* options) {
  const auto& table = *static_cast<const flatbuffers::Table*>(options);
  for (const EnumField& entry : fields) {
    if (entry.table != type) continue;
    const int32_t value = entry.width == 1 ? table.GetField<int8_t>(entry.field, 0)
                                           : table.GetField<int32_t>(entry.field, 0);
    if (value < 0 || value > entry.highest)
      return bad_model("C9: %s: expected 0 to %d, got %d", entry.name, entry.highest, value);
  }
  return {};
}

// ---- The two unions of an operator

// C2: a union that names a table has one, and one that names none has none.
Status check_union(const char* name, uint8_t type, const void* value) {
  if ((type != 0) == (value != nullptr)) return {};
  return bad_model("C2: %s: expected a table if and only if the type is not 0, got type %d with%s",
                   name, type, value == nullptr ? "out a table" : " a table");
}

const char* table_name(Options type) {
  const char* name = schema::EnumNameBuiltinOptions(type);
  return *name == '\0' ? "unknown" : name;
}

const char* table_name(Options2 type) {
  const char* name = schema::EnumNameBuiltinOptions2(type);
  return *name == '\0' ? "unknown" : name;
}

}  // namespace

Status read_builtin_options(const schema::Operator& source, Node* node) {
  const Options type = source.builtin_options_type();
  const Options2 type_2 = source.builtin_options_2_type();
  const auto number = static_cast<uint8_t>(type), number_2 = static_cast<uint8_t>(type_2);
  if (source.custom_options_format() != schema::CustomOptionsFormat::FLEXBUFFERS)
    return bad_model("C9: custom_options_format: expected 0, got %d",
                     static_cast<int>(source.custom_options_format()));
  CYGNET_TRY(check_union("builtin_options", number, source.builtin_options()));
  CYGNET_TRY(check_union("builtin_options_2", number_2, source.builtin_options_2()));
  if (type != Options::NONE) {
    const Options expected = options_of(node->builtin);
    if (type != expected)
      return bad_model("C8: expected option table %s, got %s (%d)", table_name(expected),
                       table_name(type), number);
    CYGNET_TRY(check_enums(kEnums, number, source.builtin_options()));
    if (node->op == nullptr || node->op->options_type == number)
      node->options = source.builtin_options();
  }
  if (type_2 != Options2::NONE) {
    const Options2 expected = options_2_of(node->builtin);
    if (type_2 != expected)
      return bad_model("C8: expected option table %s, got %s (%d)", table_name(expected),
                       table_name(type_2), number_2);
    CYGNET_TRY(check_enums(kEnums2, number_2, source.builtin_options_2()));
    if (node->op == nullptr || node->op->options_type_2 == number_2)
      node->options = source.builtin_options_2();
  }
  return {};
}

}  // namespace cygnet
