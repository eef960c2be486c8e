// SPDX-License-Identifier: Apache-2.0
// The TensorFlow Lite releases in which operator versions came.
#include <utility>

#include "edit/versions.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Op = schema::BuiltinOperator;

// Releases in which the newest version of an operator that we write came, for those that are later
// than 1.14.0: {operator, version, major, minor}.
struct Release {
  Op op;
  int version;
  int major, minor;
};
constexpr Release kReleases[] = {
    {Op::ABS, 2, 2, 5},
    {Op::ADD, 3, 2, 4},
    {Op::ADD, 4, 2, 6},
    {Op::ARG_MAX, 3, 2, 11},
    {Op::ATAN2, 1, 2, 10},
    {Op::AVERAGE_POOL_2D, 3, 2, 3},
    {Op::BATCH_MATMUL, 1, 2, 3},
    {Op::BATCH_MATMUL, 3, 2, 4},
    {Op::BATCH_MATMUL, 4, 2, 5},
    {Op::BATCH_TO_SPACE_ND, 3, 2, 3},
    {Op::BIDIRECTIONAL_SEQUENCE_LSTM, 3, 2, 3},
    {Op::BIDIRECTIONAL_SEQUENCE_RNN, 3, 2, 3},
    {Op::BROADCAST_TO, 2, 2, 5},
    {Op::CAST, 7, 2, 18},
    {Op::CONCATENATION, 3, 2, 3},
    {Op::CONV_2D, 4, 2, 3},
    {Op::CONV_2D, 5, 2, 4},
    {Op::CONV_2D, 6, 2, 9},
    {Op::CONV_2D, 7, 2, 11},
    {Op::CONV_2D, 8, 2, 15},
    {Op::CONV_3D, 1, 2, 5},
    {Op::CONV_3D_TRANSPOSE, 1, 2, 6},
    {Op::CUMSUM, 1, 2, 4},
    {Op::DENSIFY, 1, 2, 2},
    {Op::DEPTHWISE_CONV_2D, 4, 2, 2},
    {Op::DEPTHWISE_CONV_2D, 5, 2, 3},
    {Op::DEPTHWISE_CONV_2D, 6, 2, 3},
    {Op::DEPTHWISE_CONV_2D, 7, 2, 11},
    {Op::DEQUANTIZE, 3, 1, 15},
    {Op::DIV, 2, 2, 3},
    {Op::DYNAMIC_UPDATE_SLICE, 1, 2, 9},
    {Op::FULLY_CONNECTED, 5, 2, 0},
    {Op::FULLY_CONNECTED, 6, 2, 1},
    {Op::FULLY_CONNECTED, 7, 2, 3},
    {Op::FULLY_CONNECTED, 8, 2, 3},
    {Op::FULLY_CONNECTED, 10, 2, 11},
    {Op::FULLY_CONNECTED, 11, 2, 15},
    {Op::FULLY_CONNECTED, 12, 2, 17},
    {Op::FULLY_CONNECTED, 13, 2, 18},
    {Op::GATHER, 3, 1, 15},
    {Op::GATHER, 4, 2, 4},
    {Op::GATHER, 5, 2, 5},
    {Op::GELU, 1, 2, 5},
    {Op::HARD_SWISH, 1, 1, 15},
    {Op::IF, 1, 1, 15},
    {Op::LSTM, 4, 2, 3},
    {Op::MAXIMUM, 3, 2, 3},
    {Op::MAX_POOL_2D, 3, 2, 3},
    {Op::MEAN, 3, 2, 4},
    {Op::MINIMUM, 3, 2, 3},
    {Op::MUL, 3, 1, 15},
    {Op::MUL, 4, 2, 3},
    {Op::MUL, 6, 2, 12},
    {Op::NON_MAX_SUPPRESSION_V4, 1, 2, 1},
    {Op::NON_MAX_SUPPRESSION_V5, 1, 2, 1},
    {Op::PAD, 3, 2, 4},
    {Op::RELU_0_TO_1, 1, 2, 10},
    {Op::RESIZE_BILINEAR, 3, 2, 2},
    {Op::RESIZE_NEAREST_NEIGHBOR, 3, 2, 3},
    {Op::RFFT2D, 1, 2, 5},
    {Op::RNN, 3, 2, 3},
    {Op::SCATTER_ND, 1, 2, 1},
    {Op::SEGMENT_SUM, 1, 2, 2},
    {Op::SELECT_V2, 1, 2, 2},
    {Op::SIGN, 1, 2, 12},
    {Op::SLICE, 4, 2, 4},
    {Op::SLICE, 5, 2, 5},
    {Op::SOFTMAX, 3, 2, 3},
    {Op::SPACE_TO_BATCH_ND, 3, 2, 3},
    {Op::STRIDED_SLICE, 3, 2, 1},
    {Op::STRIDED_SLICE, 4, 2, 2},
    {Op::STRIDED_SLICE, 6, 2, 6},
    {Op::SUB, 3, 2, 3},
    {Op::SUB, 4, 2, 4},
    {Op::SVDF, 3, 2, 2},
    {Op::SVDF, 4, 2, 3},
    {Op::TRANSPOSE, 3, 1, 15},
    {Op::TRANSPOSE, 4, 2, 3},
    {Op::TRANSPOSE, 6, 2, 12},
    {Op::TRANSPOSE_CONV, 3, 2, 3},
    {Op::TRANSPOSE_CONV, 4, 2, 13},
    {Op::TRANSPOSE_CONV, 5, 2, 15},
    {Op::UNIDIRECTIONAL_SEQUENCE_LSTM, 3, 2, 3},
    {Op::UNIDIRECTIONAL_SEQUENCE_LSTM, 4, 2, 12},
    {Op::UNIDIRECTIONAL_SEQUENCE_RNN, 3, 2, 3},
    {Op::WHILE, 1, 1, 15},
};

}  // namespace

std::string minimum_runtime(const Graph& graph) {
  int major = 1, minor = 14;
  for (const Subgraph& s : graph.subgraphs)
    for (const Node& n : s.nodes)
      for (const Release& r : kReleases)
        if (static_cast<int32_t>(r.op) == n.builtin && operator_version(s, n) >= r.version &&
            std::pair(r.major, r.minor) > std::pair(major, minor)) {
          major = r.major;
          minor = r.minor;
        }
  return std::to_string(major) + "." + std::to_string(minor) + ".0";
}

}  // namespace cygnet
