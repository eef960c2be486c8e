// SPDX-License-Identifier: Apache-2.0
// What passes ask of a subgraph: shapes under every batch size, constants, arithmetic read
// backwards from its result.
#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "passes/pass.h"

namespace cygnet::passes {

using Activation = schema::ActivationFunctionType;

/// The shapes of a tensor under each of kBatches.
const std::array<Shape, kBatches.size()>& shapes(Patch& patch, int32_t tensor);
/// Whether both shapes are known and equal for every batch size.
bool same_shape(Patch& patch, int32_t a, int32_t b);
/// The shape for a RESHAPE: −1 for the one dimension that depends on the batch. Nothing where more
/// than one does, where data decides, or where a tensor of no elements makes −1 ambiguous.
std::optional<std::vector<int32_t>> target_shape(Patch& patch, int32_t tensor);
/// RESHAPE of x to the shape of `like`, under its name; −1 where target_shape has no answer.
int32_t add_reshape(Patch& patch, int32_t x, int32_t like);
/// TRANSPOSE of x.
int32_t add_transpose(Patch& patch, int32_t x, const std::vector<int32_t>& perm,
                      std::string_view name);
/// The constant permutation of the TRANSPOSE n.
std::optional<std::vector<int32_t>> permutation(const Patch& patch, int32_t n);
/// The constant axes of the operand `tensor`, counted from the front of `rank` dimensions.
std::optional<std::vector<int32_t>> axes(const Patch& patch, int32_t tensor, int rank);

/// Whether both tensors have the same type and quantization.
bool same_kind(const Patch& patch, int32_t a, int32_t b);
/// Whether readers of `from` may read `to` instead: an output keeps a producer and name of its own,
/// and a variable is nobody's but its operator's.
bool may_replace(const Patch& patch, int32_t from, int32_t to);
/// Patch::replace where may_replace allows it.
bool try_replace(Patch& patch, int32_t from, int32_t to);

/// Whether this build has the operator.
bool has(const Patch& patch, Builtin op);
/// Whether node n computes each element of its result from the same element of operand 0, and has
/// no other operand that depends on the position.
bool is_unary(const Patch& patch, int32_t n);
/// The activation that an operator applies to its result.
Activation fused_activation(const Patch& patch, int32_t n);
/// Gives operator n a fused activation; false where the format or this runtime has none for it.
bool set_activation(Patch& patch, int32_t n, Activation activation);
/// The float32 operator `op` without a fused activation that makes a tensor, or −1.
int32_t plain(const Patch& patch, int32_t tensor, Builtin op);
/// The operand of a binary operator that is not `known`; kAbsent when none is `known`.
int32_t operand_beside(const Patch& patch, int32_t n, int32_t known);
/// Equal but for float rounding.
inline bool near(double a, double b) {
  return std::fabs(a - b) <= 2e-6 * std::fabs(b);
}
/// The operand that `op`, which commutes, joins with a uniform constant near `value` to make
/// `tensor`; kAbsent when it does not.
int32_t beside_uniform(const Patch& patch, int32_t tensor, Builtin op, double value);

/// A product read backwards through MUL and DIV by constants.
struct Product {
  double factor = 1;             ///< all uniform constants
  std::vector<int32_t> factors;  ///< all other operands, sorted
};
/// The product that `tensor` is, down to operands that are no products; `stop` is not taken apart.
Product product_of(const Patch& patch, int32_t tensor, int32_t stop = kAbsent);

}  // namespace cygnet::passes
