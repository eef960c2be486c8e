// SPDX-License-Identifier: Apache-2.0
// The discrete Fourier transform of lengths that are powers of two, in double precision:
// X[u] = Σ_j x[j]·e^(−2πi·u·j/n). Cooley and Tukey's algorithm, 1965.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

#include "base/number.h"

namespace cygnet::ops {

inline bool is_power_of_two(int64_t n) {
  return n > 0 && (n & (n - 1)) == 0;
}

/// e^(−2πi·k/n) for k < n/2: the roots that a transform of length n (or of a divisor of it) reads.
inline void fill_roots(int64_t n, Complex128* roots) {
  constexpr double kTurn = 6.283185307179586476925;
  for (int64_t k = 0; k < n / 2; ++k) {
    const double angle = kTurn * static_cast<double>(k) / static_cast<double>(n);
    roots[k] = {std::cos(angle), -std::sin(angle)};
  }
}

/// Transforms x[0, n) in place; `roots` are those of length root_n, a multiple of n.
inline void transform(Complex128* x, int64_t n, const Complex128* roots, int64_t root_n) {
  for (int64_t i = 1, j = 0; i < n; ++i) {
    int64_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (int64_t half = 1; half < n; half *= 2) {
    const int64_t step = root_n / (2 * half);
    for (int64_t from = 0; from < n; from += 2 * half)
      for (int64_t k = 0; k < half; ++k) {
        const Complex128 w = roots[k * step], a = x[from + k], b = x[from + k + half];
        const Complex128 t{b.re * w.re - b.im * w.im, b.re * w.im + b.im * w.re};
        x[from + k] = {a.re + t.re, a.im + t.im};
        x[from + k + half] = {a.re - t.re, a.im - t.im};
      }
  }
}

}  // namespace cygnet::ops
