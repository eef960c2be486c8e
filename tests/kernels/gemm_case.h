// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "kernel_fixture.h"
#include "kernels/pack.h"

namespace cygnet {

/// The rows of a product by indirection: activations, the list of offsets, the padding row.
template <class T>
struct Rows {
  Guarded<T> a;
  Guarded<T> zero;
  Guarded<int32_t> at;
  int64_t taps;
  int64_t at_stride;
  int64_t a_stride;
  bool direct;  ///< No list: row i lies at i·a_stride.

  /// m rows of `taps` taps of `k` elements; with `direct` they follow each other, 3 elements apart.
  Rows(int64_t m, int64_t taps_count, int64_t k, bool direct_rows, size_t slack_bytes)
      : a(static_cast<size_t>(direct_rows ? (m > 0 ? (m - 1) * (k + 3) + k : 0) : 4 * k + 5),
          slack_bytes),
        zero(static_cast<size_t>(k), slack_bytes),
        at(static_cast<size_t>(m * (taps_count + 2))),
        taps(taps_count),
        at_stride(taps_count + 2),
        a_stride(k + 3),
        direct(direct_rows) {}

  const T* row(int64_t i, int64_t t) const {
    if (direct) return a.data() + i * a_stride;
    const int32_t offset = at[i * at_stride + t];
    return offset < 0 ? zero.data() : a.data() + offset;
  }

  template <class Args>
  void give(Args& g) const {
    g.a = a.data();
    g.zero = zero.data();
    g.at = direct ? nullptr : at.data();
    g.at_stride = at_stride;
    if constexpr (requires { g.a_stride; }) g.a_stride = a_stride;
  }
};

/// Offsets for `rows`: every fifth or so is padding; the last row that there is, which ends at the
/// forbidden page, is always among them.
template <class T, class Random>
void fill_offsets(Rows<T>& rows, int64_t k, Random&& random) {
  if (rows.direct) return;
  const auto last = static_cast<int32_t>(static_cast<int64_t>(rows.a.size()) - k);
  for (int64_t i = 0; i < static_cast<int64_t>(rows.at.size()); ++i) {
    const int64_t kind = random(0, 9);
    rows.at[i] = kind < 2 ? -1 - static_cast<int32_t>(random(0, 5))
                          : (kind < 4 ? last : static_cast<int32_t>(random(0, last)));
  }
}

/// Two ways in which weights may lie.
inline WeightStrides weight_strides(bool transposed, int64_t n, int64_t taps, int64_t k) {
  return transposed ? WeightStrides{1, k * n, n} : WeightStrides{taps * k, k, 1};
}

}  // namespace cygnet
