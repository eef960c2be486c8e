// SPDX-License-Identifier: Apache-2.0
// dot4 by one instruction.

using DotA = I;
using DotW = I;
[[gnu::always_inline]] inline DotA dot_a(I bytes) { return bytes; }
[[gnu::always_inline]] inline DotW dot_w(I bytes) { return bytes; }

/// acc + Σ_4 a·w in every lane.
[[gnu::always_inline]] inline I dot4(I acc, DotA a, DotW w) {
  return reinterpret_cast<I>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(acc), reinterpret_cast<__m512i>(a),
                                                 reinterpret_cast<__m512i>(w)));
}
