// SPDX-License-Identifier: Apache-2.0
// Look-up in a table of 256 bytes by look-ups in its quarters of four registers. Needs map.inl.

void lut_by_quarters(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  uint8x16x4_t quarter[4];
  for (int k = 0; k < 4; ++k) quarter[k] = vld1q_u8_x4(table + 64 * k);
  const uint8x16_t size = vdupq_n_u8(64);
  int64_t i = 0;
  for (; i + kVecBytes <= n; i += kVecBytes) {
    // An index beyond a quarter gives 0 or leaves what is there.
    uint8x16_t x = vld1q_u8(in + i);
    uint8x16_t y = vqtbl4q_u8(quarter[0], x);
    for (int k = 1; k < 4; ++k) {
      x = vsubq_u8(x, size);
      y = vqtbx4q_u8(y, quarter[k], x);
    }
    vst1q_u8(out + i, y);
  }
  lut_q8(in + i, n - i, table, out + i);
}
