// SPDX-License-Identifier: Apache-2.0
// dot4 for x86 without VNNI and for WebAssembly, exact: bytes are split into even and odd ones of
// 16 bits, and an instruction adds products of pairs in 32 bits. (pmaddubsw would saturate.) Needs
// S16, U16 and madd16.

struct DotA {
  I even, odd;
};
struct DotW {
  I even, odd;
};

[[gnu::always_inline]] inline DotA dot_a(I bytes) {
  return {bytes & 0x00ff00ff, reinterpret_cast<I>(reinterpret_cast<U16>(bytes) >> 8)};
}
[[gnu::always_inline]] inline DotW dot_w(I bytes) {
  const S16 words = reinterpret_cast<S16>(bytes);
  return {reinterpret_cast<I>((words << 8) >> 8), reinterpret_cast<I>(words >> 8)};
}

/// acc + Σ_4 a·w in every lane.
[[gnu::always_inline]] inline I dot4(I acc, DotA a, DotW w) {
  return wrapping_add(acc, wrapping_add(madd16(a.even, w.even), madd16(a.odd, w.odd)));
}
