// SPDX-License-Identifier: Apache-2.0
// Look-up in a table of 256 bytes by look-ups in its 16 parts. Needs map.inl and, of the ISA:
// VecBytes, broadcast16 (16 bytes in every 128-bit lane), shuffle_bytes (an index with bit 7 set
// gives 0, else its low 4 bits count within the lane) and subtract_saturated (signed).

/// One half of a table, part k xored with part k − 1: an index takes part in the look-ups of all
/// parts up to its own, and what they give xors to what its own part has.
struct HalfTable {
  VecBytes part[8];
};

[[gnu::always_inline]] inline HalfTable make_half_table(const uint8_t* table) {
  HalfTable t;
  VecBytes last = broadcast16(table);
  t.part[0] = last;
  for (int k = 1; k < 8; ++k) {
    const VecBytes next = broadcast16(table + 16 * k);
    t.part[k] = next ^ last;
    last = next;
  }
  return t;
}

/// table[x] for x < 128; 0 for others, which stay negative.
[[gnu::always_inline]] inline VecBytes look_up_half(const HalfTable& t, VecBytes x) {
  VecBytes y = shuffle_bytes(t.part[0], x);
  for (int k = 1; k < 8; ++k) {
    x = subtract_saturated(x, VecBytes{} + 16);
    y ^= shuffle_bytes(t.part[k], x);
  }
  return y;
}

void lut_by_parts(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  if (n < kVecBytes) return lut_q8(in, n, table, out);
  const HalfTable low = make_half_table(table);
  const HalfTable high = make_half_table(table + 128);
  int64_t i = 0;
  for (; i + kVecBytes <= n; i += kVecBytes) {
    VecBytes x;
    __builtin_memcpy(&x, in + i, sizeof x);
    const VecBytes y = look_up_half(low, x) | look_up_half(high, x ^ 0x80);
    __builtin_memcpy(out + i, &y, sizeof y);
  }
  lut_q8(in + i, n - i, table, out + i);
}
