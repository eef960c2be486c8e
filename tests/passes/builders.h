// SPDX-License-Identifier: Apache-2.0
// Short names for the operators that tests of passes are built of.
#pragma once

#include <string_view>
#include <vector>

#include "support/draft_runner.h"

namespace cygnet::test {

/// Whether this build has the operator.
inline bool has_op(Builtin op) {
  return builtin_ops().find(static_cast<int32_t>(op)) != nullptr;
}

inline int32_t reshape(Editor& e, int32_t x, const std::vector<int32_t>& shape,
                       std::string_view name = {}) {
  schema::ReshapeOptionsT options;
  options.new_shape = shape;
  return e.add(Builtin::RESHAPE, {x, e.list(shape)}, options, name);
}

inline int32_t transpose(Editor& e, int32_t x, const std::vector<int32_t>& perm,
                         std::string_view name = {}) {
  return e.add(Builtin::TRANSPOSE, {x, e.list(perm)}, schema::TransposeOptionsT(), name);
}

inline int32_t add(Editor& e, int32_t a, int32_t b, std::string_view name = {}) {
  return e.add(Builtin::ADD, {a, b}, schema::AddOptionsT(), name);
}
inline int32_t sub(Editor& e, int32_t a, int32_t b, std::string_view name = {}) {
  return e.add(Builtin::SUB, {a, b}, schema::SubOptionsT(), name);
}
inline int32_t mul(Editor& e, int32_t a, int32_t b, std::string_view name = {}) {
  return e.add(Builtin::MUL, {a, b}, schema::MulOptionsT(), name);
}
inline int32_t div(Editor& e, int32_t a, int32_t b, std::string_view name = {}) {
  return e.add(Builtin::DIV, {a, b}, schema::DivOptionsT(), name);
}
/// A float scalar.
inline int32_t number(Editor& e, double value) {
  return e.scalar<float>(static_cast<float>(value));
}

}  // namespace cygnet::test
