// SPDX-License-Identifier: Apache-2.0
// Status, Type, Shape and Tensor are public (custom_op.h); this adds what only the library uses.
#pragma once

#include "cygnet/custom_op.h"

namespace cygnet {

/// Either a value or an error.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {}

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  Status take_status() { return std::move(status_); }
  T& value() { return value_; }
  const T& value() const { return value_; }

 private:
  Status status_;
  T value_{};
};

inline Status out_of_memory(const char* what, size_t bytes) {
  return Status::error(Code::out_of_memory, "P4: out of memory: %zu bytes for %s", bytes, what);
}

}  // namespace cygnet
