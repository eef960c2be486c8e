// SPDX-License-Identifier: Apache-2.0
// Types: which operators of a float graph become integer ones, and the integer type of each tensor
// between them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "edit/patch.h"
#include "quantize/annotations.h"
#include "quantize/ranges.h"
#include "quantize/scheme.h"

namespace cygnet {

struct IntegerOptions {
  Type activations = Type::int8;  ///< or int16
  Type weights = Type::int8;      ///< or int4, for convolutions and fully connected layers
  bool per_channel = true;        ///< weights have a scale for each channel
  /// Types of the graph's real inputs and outputs: float32, int8, uint8 or int16.
  Type inputs = Type::float32, outputs = Type::float32;
  /// Layers that stay float, by the name of their first result.
  std::set<std::string> excluded{};
  std::set<std::string> excluded_kinds{};  ///< operators that stay float: "SOFTMAX"
};

/// What the choice is made from. Keys are tensor indices of the main subgraph.
struct TensorFindings {
  std::map<int32_t, Interval> seen;  ///< by calibration
  Annotations trained;               ///< by quantization-aware training
  /// Means by channel (last dimension) of layers' inputs: what rounding the weights adds to a
  /// layer's result on average is then taken off its bias. Empty: nothing is.
  std::map<int32_t, std::vector<double>> means;
};

/// An operator on real numbers that stays float, and why.
struct FloatOperator {
  int32_t node = -1;
  std::string kind, name;  ///< name: of its first result
  std::string reason;
};

/// What choose_types decided.
struct IntegerTypes {
  std::set<int32_t> nodes;                  ///< that become integer
  std::map<int32_t, QuantizedType> types;   ///< of real activations of these nodes
  std::map<int32_t, QuantizedType> shared;  ///< by node of ScaleRule::same: the type it computes in
  std::vector<FloatOperator> left;
};

/// Whether a tensor holds real numbers in float32.
inline bool is_real(const Patch& patch, int32_t i) {
  return i != kAbsent && patch.type(i) == Type::float32;
}
/// The operands of node n that are real and no weights or bias.
std::vector<int32_t> real_operands(const Patch& patch, int32_t n);
/// The real results of node n.
std::vector<int32_t> real_results(const Patch& patch, int32_t n);
/// Whether node n reads shapes and no values: operands of any type.
bool reads_shapes(const Patch& patch, int32_t n);
/// The interval of a constant's elements.
Interval interval_of(const Patch& patch, int32_t constant);
/// The interval that a type of one scale can hold.
Interval interval_of(const QuantizedType& type);

/// Decides. Tensors that operators of ScaleRule::same join get one type, that of the interval that
/// holds all of theirs; types that are fixed or trained stay, and differ then from their
/// neighbours'. Throws Failure when the graph is quantized already.
IntegerTypes choose_types(const Patch& patch, const TensorFindings& findings,
                          const IntegerOptions& options);

}  // namespace cygnet
