// SPDX-License-Identifier: Apache-2.0
#include "ops/builtin_ops.h"

#include <iterator>

// One line an operator: the name of its OpDef, which lies in the file of the operator's name.
#define CYGNET_BUILTIN_OPS(X)    \
  X(kAdd)                        \
  X(kArgMax)                     \
  X(kArgMin)                     \
  X(kAveragePool2d)              \
  X(kBatchMatmul)                \
  X(kBatchToSpaceNd)             \
  X(kBroadcastArgs)              \
  X(kBroadcastTo)                \
  X(kCast)                       \
  X(kConcatenation)              \
  X(kConv2d)                     \
  X(kDepthToSpace)               \
  X(kDepthwiseConv2d)            \
  X(kDequantize)                 \
  X(kDiv)                        \
  X(kDynamicUpdateSlice)         \
  X(kEmbeddingLookup)            \
  X(kExpandDims)                 \
  X(kFill)                       \
  X(kFloorDiv)                   \
  X(kFullyConnected)             \
  X(kGather)                     \
  X(kGatherNd)                   \
  X(kHardSwish)                  \
  X(kLogistic)                   \
  X(kMaxPool2d)                  \
  X(kMean)                       \
  X(kMirrorPad)                  \
  X(kMul)                        \
  X(kOneHot)                     \
  X(kPack)                       \
  X(kPad)                        \
  X(kPadv2)                      \
  X(kPrelu)                      \
  X(kQuantize)                   \
  X(kRange)                      \
  X(kRank)                       \
  X(kRelu)                       \
  X(kRelu6)                      \
  X(kReluN1To1)                  \
  X(kReshape)                    \
  X(kResizeBilinear)             \
  X(kResizeNearestNeighbor)      \
  X(kReverseV2)                  \
  X(kScatterNd)                  \
  X(kShape)                      \
  X(kSlice)                      \
  X(kSoftmax)                    \
  X(kSpaceToBatchNd)             \
  X(kSpaceToDepth)               \
  X(kSplit)                      \
  X(kSplitV)                     \
  X(kSqrt)                       \
  X(kSqueeze)                    \
  X(kStridedSlice)               \
  X(kSub)                        \
  X(kTanh)                       \
  X(kTile)                       \
  X(kTopkV2)                     \
  X(kTranspose)                  \
  X(kTransposeConv)              \
  X(kUnidirectionalSequenceLstm) \
  X(kUnpack)                     \
  X(kWhere)

#define CYGNET_CUSTOM_OPS(X) X(kConvolution2dTransposeBias)

namespace cygnet {
#define CYGNET_DECLARE(op) extern const OpDef op;
namespace ops {
CYGNET_BUILTIN_OPS(CYGNET_DECLARE)
CYGNET_CUSTOM_OPS(CYGNET_DECLARE)
}  // namespace ops

namespace {
#define CYGNET_ADDRESS(op) &ops::op,
constexpr const OpDef* kBuiltin[] = {CYGNET_BUILTIN_OPS(CYGNET_ADDRESS) nullptr};
constexpr const OpDef* kCustom[] = {CYGNET_CUSTOM_OPS(CYGNET_ADDRESS) nullptr};
constexpr OpRegistry kRegistry{{kBuiltin, std::size(kBuiltin) - 1},
                               {kCustom, std::size(kCustom) - 1}};
}  // namespace

const OpRegistry& builtin_ops() {
  return kRegistry;
}

}  // namespace cygnet
