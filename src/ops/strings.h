// SPDX-License-Identifier: Apache-2.0
// STRING tensors in operators: Strings reads one, write_strings makes an output.
#pragma once

#include "graph/strings.h"
#include "ops/check.h"

namespace cygnet::ops {

/// In invoke: makes output `index` of `count` strings, which is as many as the shape that infer
/// declared has elements; string i is at(i), a std::string_view into an input, a constant or the
/// operator's own memory. at is called twice for each i and must answer the same.
template <class At>
Status write_strings(OpContext& op, int index, int64_t count, At&& at) {
  const int64_t bytes = strings_bytes(count, at);
  if (bytes > INT32_MAX)
    return Status::error(Code::limit, "T3: output %d: strings of %lld bytes in all", index,
                         static_cast<long long>(bytes));
  void* data = nullptr;
  CYGNET_TRY(op.allocate_output(index, static_cast<size_t>(bytes), &data));
  put_strings(data, count, at);
  return {};
}

}  // namespace cygnet::ops
