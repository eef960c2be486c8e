// SPDX-License-Identifier: Apache-2.0
#include "ops/builtin_ops.h"

#include <iterator>

// One line an operator: the name of its OpDef, which lies in the file of the operator's name.
#define CYGNET_BUILTIN_OPS(X)    \
  X(kAbs)                        \
  X(kAdd)                        \
  X(kAddN)                       \
  X(kArgMax)                     \
  X(kArgMin)                     \
  X(kAssignVariable)             \
  X(kAtan2)                      \
  X(kAveragePool2d)              \
  X(kBatchMatmul)                \
  X(kBatchToSpaceNd)             \
  X(kBidirectionalSequenceLstm)  \
  X(kBidirectionalSequenceRnn)   \
  X(kBitcast)                    \
  X(kBitwiseXor)                 \
  X(kBroadcastArgs)              \
  X(kBroadcastTo)                \
  X(kBucketize)                  \
  X(kCallOnce)                   \
  X(kCast)                       \
  X(kCeil)                       \
  X(kComplexAbs)                 \
  X(kConcatenation)              \
  X(kConv2d)                     \
  X(kConv3d)                     \
  X(kConv3dTranspose)            \
  X(kCos)                        \
  X(kCumsum)                     \
  X(kDensify)                    \
  X(kDepthToSpace)               \
  X(kDepthwiseConv2d)            \
  X(kDequantize)                 \
  X(kDilate)                     \
  X(kDiv)                        \
  X(kDynamicUpdateSlice)         \
  X(kElu)                        \
  X(kEmbeddingLookup)            \
  X(kEmbeddingLookupSparse)      \
  X(kEqual)                      \
  X(kExp)                        \
  X(kExpandDims)                 \
  X(kFakeQuant)                  \
  X(kFill)                       \
  X(kFloor)                      \
  X(kFloorDiv)                   \
  X(kFloorMod)                   \
  X(kFullyConnected)             \
  X(kGather)                     \
  X(kGatherNd)                   \
  X(kGelu)                       \
  X(kGreater)                    \
  X(kGreaterEqual)               \
  X(kHardSwish)                  \
  X(kHashtable)                  \
  X(kHashtableFind)              \
  X(kHashtableImport)            \
  X(kHashtableLookup)            \
  X(kHashtableSize)              \
  X(kIf)                         \
  X(kImag)                       \
  X(kL2Normalization)            \
  X(kL2Pool2d)                   \
  X(kLeakyRelu)                  \
  X(kLess)                       \
  X(kLessEqual)                  \
  X(kLocalResponseNormalization) \
  X(kLog)                        \
  X(kLogSoftmax)                 \
  X(kLogicalAnd)                 \
  X(kLogicalNot)                 \
  X(kLogicalOr)                  \
  X(kLogistic)                   \
  X(kLshProjection)              \
  X(kLstm)                       \
  X(kMatrixDiag)                 \
  X(kMatrixSetDiag)              \
  X(kMaxPool2d)                  \
  X(kMaximum)                    \
  X(kMean)                       \
  X(kMinimum)                    \
  X(kMirrorPad)                  \
  X(kMul)                        \
  X(kMultinomial)                \
  X(kNeg)                        \
  X(kNonMaxSuppressionV4)        \
  X(kNonMaxSuppressionV5)        \
  X(kNotEqual)                   \
  X(kOneHot)                     \
  X(kPack)                       \
  X(kPad)                        \
  X(kPadv2)                      \
  X(kPow)                        \
  X(kPrelu)                      \
  X(kQuantize)                   \
  X(kRandomStandardNormal)       \
  X(kRandomUniform)              \
  X(kRange)                      \
  X(kRank)                       \
  X(kReadVariable)               \
  X(kReal)                       \
  X(kReduceAll)                  \
  X(kReduceAny)                  \
  X(kReduceMax)                  \
  X(kReduceMin)                  \
  X(kReduceProd)                 \
  X(kReduceWindow)               \
  X(kRelu)                       \
  X(kRelu0To1)                   \
  X(kRelu6)                      \
  X(kReluN1To1)                  \
  X(kReshape)                    \
  X(kResizeBilinear)             \
  X(kResizeNearestNeighbor)      \
  X(kReverseSequence)            \
  X(kReverseV2)                  \
  X(kRfft2d)                     \
  X(kRightShift)                 \
  X(kRnn)                        \
  X(kRound)                      \
  X(kRsqrt)                      \
  X(kScatterNd)                  \
  X(kSegmentSum)                 \
  X(kSelect)                     \
  X(kSelectV2)                   \
  X(kShape)                      \
  X(kSign)                       \
  X(kSin)                        \
  X(kSkipGram)                   \
  X(kSlice)                      \
  X(kSoftmax)                    \
  X(kSpaceToBatchNd)             \
  X(kSpaceToDepth)               \
  X(kSparseToDense)              \
  X(kSplit)                      \
  X(kSplitV)                     \
  X(kSqrt)                       \
  X(kSquare)                     \
  X(kSquaredDifference)          \
  X(kSqueeze)                    \
  X(kStablehloAdd)               \
  X(kStablehloAnd)               \
  X(kStablehloCase)              \
  X(kStablehloComposite)         \
  X(kStablehloGather)            \
  X(kStablehloMaximum)           \
  X(kStablehloMinimum)           \
  X(kStablehloMultiply)          \
  X(kStablehloPad)               \
  X(kStablehloReduceWindow)      \
  X(kStablehloRngBitGenerator)   \
  X(kStablehloScatter)           \
  X(kStablehloShiftLeft)         \
  X(kStridedSlice)               \
  X(kSub)                        \
  X(kSum)                        \
  X(kSvdf)                       \
  X(kTanh)                       \
  X(kTile)                       \
  X(kTopkV2)                     \
  X(kTranspose)                  \
  X(kTransposeConv)              \
  X(kUnidirectionalSequenceLstm) \
  X(kUnidirectionalSequenceRnn)  \
  X(kUnique)                     \
  X(kUnpack)                     \
  X(kUnsortedSegmentMax)         \
  X(kUnsortedSegmentMin)         \
  X(kUnsortedSegmentProd)        \
  X(kUnsortedSegmentSum)         \
  X(kVarHandle)                  \
  X(kWhere)                      \
  X(kWhile)                      \
  X(kZerosLike)

#define CYGNET_CUSTOM_OPS(X)     \
  X(kAudioSpectrogram)           \
  X(kConvolution2dTransposeBias) \
  X(kDenseImageWarp)             \
  X(kDetectionPostprocess)       \
  X(kHadamardRotation)           \
  X(kLandmarks2TransformMatrix)  \
  X(kMaxPoolingWithArgmax2d)     \
  X(kMaxPoolWithArgmax)          \
  X(kMaxUnpooling2d)             \
  X(kMfcc)                       \
  X(kNumericVerify)              \
  X(kTransformLandmarks)         \
  X(kTransformTensorBilinear)

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
