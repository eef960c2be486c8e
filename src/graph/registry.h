// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cygnet/custom_op.h"

namespace cygnet {

/// The operators a model may use. The runtime links no operator that is not in a list it is given.
struct OpRegistry {
  std::span<const OpDef* const> builtin;
  std::span<const OpDef* const> custom;

  /// The builtin by its BuiltinOperator code, or null.
  const OpDef* find(int32_t code) const {
    for (const OpDef* op : builtin)
      if (op->builtin == code) return op;
    return nullptr;
  }
  /// The custom operator by name, or null.
  const OpDef* find_custom(std::string_view name) const {
    for (const OpDef* op : custom)
      if (name == op->name) return op;
    return nullptr;
  }
};

}  // namespace cygnet
