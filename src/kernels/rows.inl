// SPDX-License-Identifier: Apache-2.0
// Rows of a product by indirection.

/// Start of row i at tap t, for every kernel whose arguments have a, at, at_stride, a_stride, zero.
template <typename Args>
[[gnu::always_inline]] inline auto row_at(const Args& g, int64_t i, int64_t t) {
  if constexpr (requires { g.a_stride; }) {
    if (g.at == nullptr) return g.a + i * g.a_stride;
  }
  const int32_t offset = g.at[i * g.at_stride + t];
  return offset < 0 ? g.zero : g.a + offset;
}

/// Rows that go through all blocks of columns together: one tile if the weights stay in the
/// second-level cache by themselves, otherwise as many as let the rows stay there.
inline int64_t rows_together(int64_t weight_bytes, int64_t row_bytes, int mr) {
  constexpr int64_t kCacheBytes = 256 * 1024;
  if (weight_bytes <= kCacheBytes) return mr;
  const int64_t rows = kCacheBytes / (row_bytes + 1);
  return rows < mr ? mr : rows / mr * mr;
}
