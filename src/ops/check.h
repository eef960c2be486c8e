// SPDX-License-Identifier: Apache-2.0
// Checks that many operators share. Each returns a message that says what is wrong, with what was
// expected and what was found; the driver adds which operator of which model it is.
#pragma once

#include <cmath>
#include <initializer_list>

#include "base/status.h"
#include "cygnet/custom_op.h"

namespace cygnet::ops {

/// Operand `name` ("input 0") has one of the types.
inline Status expect_type(const char* name, const Tensor& t, std::initializer_list<Type> types) {
  for (Type type : types)
    if (t.type == type) return {};
  if (types.size() == 1)
    return bad_model("%s: expected type %s, got %s", name, type_name(*types.begin()),
                     type_name(t.type));
  return Status::error(Code::unsupported, "%s: type %s is not supported", name, type_name(t.type));
}

/// Two operands are of the same type.
inline Status expect_same_type(const char* a_name, const Tensor& a, const char* b_name,
                               const Tensor& b) {
  if (a.type == b.type) return {};
  return bad_model("%s: expected type %s as %s has, got %s", b_name, type_name(a.type), a_name,
                   type_name(b.type));
}

inline Status expect_rank(const char* name, const Tensor& t, int32_t rank) {
  if (t.shape.rank == rank) return {};
  return bad_model("%s: expected rank %d, got %d %s", name, rank, t.shape.rank,
                   shape_text(t.shape).text);
}

inline Status expect_rank_between(const char* name, const Tensor& t, int32_t low, int32_t high) {
  if (t.shape.rank >= low && t.shape.rank <= high) return {};
  return bad_model("%s: expected rank %d to %d, got %d", name, low, high, t.shape.rank);
}

inline Status expect_shape(const char* name, const Tensor& t, const Shape& shape) {
  if (t.shape == shape) return {};
  return bad_model("%s: expected shape %s, got %s", name, shape_text(shape).text,
                   shape_text(t.shape).text);
}

inline Status expect_elements(const char* name, const Tensor& t, int64_t elements) {
  if (t.shape.elements() == elements) return {};
  return bad_model("%s: expected %lld elements, got %s", name, static_cast<long long>(elements),
                   shape_text(t.shape).text);
}

/// An option lies in [low, high].
inline Status expect_range(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return bad_model("%s: expected %lld to %lld, got %lld", name, static_cast<long long>(low),
                   static_cast<long long>(high), static_cast<long long>(value));
}

/// Quantized with one scale (finite and > 0: the loader has checked that) and one zero point that
/// fits the type.
inline Status expect_per_tensor(const char* name, const Tensor& t) {
  if (t.quantization.per_tensor()) return {};
  if (t.quantization.count == 0)
    return bad_model("%s: expected quantization parameters, got none", name);
  return bad_model("%s: expected one scale for the tensor, got %d", name, t.quantization.count);
}

/// Whether T holds real numbers as scale and zero point.
inline bool is_quantized_type(Type type) {
  return type == Type::int8 || type == Type::uint8 || type == Type::int16;
}

/// Two quantized operands have the same scale and zero point.
inline Status expect_same_quantization(const char* a_name, const Tensor& a, const char* b_name,
                                       const Tensor& b) {
  if (a.quantization.scale() == b.quantization.scale() &&
      a.quantization.zero_point() == b.quantization.zero_point())
    return {};
  return bad_model("%s: expected scale %g and zero point %d as %s has, got %g and %d", b_name,
                   static_cast<double>(a.quantization.scale()), a.quantization.zero_point(), a_name,
                   static_cast<double>(b.quantization.scale()), b.quantization.zero_point());
}

/// Resolves an axis in [−rank, rank) to [0, rank).
inline Status resolve_axis(const char* name, int64_t axis, int32_t rank, int* resolved) {
  CYGNET_TRY(expect_range(name, axis, -rank, rank - 1));
  *resolved = static_cast<int>(axis < 0 ? axis + rank : axis);
  return {};
}

/// Shape that operands of shapes a and b broadcast to, NumPy's rule.
inline Status broadcast_shape(const Shape& a, const Shape& b, Shape* out) {
  *out = {};
  out->rank = a.rank > b.rank ? a.rank : b.rank;
  for (int i = 1; i <= out->rank; ++i) {
    const int32_t da = i <= a.rank ? a[a.rank - i] : 1;
    const int32_t db = i <= b.rank ? b[b.rank - i] : 1;
    if (da != db && da != 1 && db != 1)
      return bad_model("inputs: shapes %s and %s do not broadcast", shape_text(a).text,
                       shape_text(b).text);
    (*out)[out->rank - i] = da == 1 ? db : da;
  }
  return {};
}

/// OpDef::by_parts of operators that do all their work through each_piece, or each_row and what
/// calls it.
inline bool any_part(const OpContext&) {
  return true;
}

}  // namespace cygnet::ops
