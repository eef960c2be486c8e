// SPDX-License-Identifier: Apache-2.0
// Checks that the operators on variables and hash tables share.
#pragma once

#include "graph/resources.h"
#include "ops/check.h"

namespace cygnet::ops {

/// A RESOURCE tensor of one element.
inline Status expect_handle(const char* name, const Tensor& t) {
  CYGNET_TRY(expect_type(name, t, {Type::resource}));
  return expect_elements(name, t, 1);
}

/// Resources are there: the operator runs in an interpreter.
inline Status expect_resources(OpContext& op) {
  if (op.resources() != nullptr) return {};
  return Status::error(Code::internal, "no resources outside an interpreter");
}

}  // namespace cygnet::ops
