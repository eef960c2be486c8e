// SPDX-License-Identifier: Apache-2.0
// Graph: the one in-memory form of a network. TFLite operator semantics, tensors in NHWC.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "base/vector.h"
#include "cygnet/custom_op.h"

namespace cygnet {

/// Tensor index of an operand that is left out.
inline constexpr int32_t kAbsent = -1;

/// A tensor of a subgraph: what operators see, and what only the graph knows. `Tensor::data` is set
/// for constants only.
struct GraphTensor : Tensor {
  bool has_signature = false;  ///< `signature` is given
  Shape signature;             ///< as `shape`, with −1 for dimensions that a user may choose
  bool has_rank = true;
  const void* sparsity = nullptr;  ///< schema::SparsityParameters, null: dense
};

/// One operator of a subgraph.
struct Node {
  const OpDef* op = nullptr;  ///< null: this build does not have it; `name` says which
  std::string_view name;      ///< "CONV_2D", or the custom code
  int32_t builtin = 0;        ///< BuiltinOperator
  int32_t version = 1;
  const void* options = nullptr;  ///< flatbuffer table of OpDef::options_type(_2), null: none
  std::span<const uint8_t> custom_options;
  std::span<const int32_t> inputs;  ///< tensor indices; kAbsent where an optional one is left out
  std::span<const int32_t> outputs;
  std::span<const int32_t> intermediates;
};

struct Subgraph {
  std::string_view name;
  Vector<GraphTensor> tensors;
  Vector<Node> nodes;  ///< in execution order
  std::span<const int32_t> inputs;
  std::span<const int32_t> outputs;
};

/// A named tensor of a signature.
struct SignatureTensor {
  std::string_view name;
  int32_t tensor = 0;
};

/// A named entry point.
struct Signature {
  std::string_view key;
  int32_t subgraph = 0;
  Vector<SignatureTensor> inputs;
  Vector<SignatureTensor> outputs;
};

struct Metadata {
  std::string_view name;
  std::span<const uint8_t> data;
};

/// Everything in it that is a view points into the model's file image, which must outlive it.
struct Graph {
  std::string_view description;
  Vector<Subgraph> subgraphs;  ///< [0] is the main one
  Vector<Signature> signatures;
  Vector<Metadata> metadata;
};

}  // namespace cygnet
