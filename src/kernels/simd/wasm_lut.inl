// SPDX-License-Identifier: Apache-2.0
// Look-up in a table of 256 bytes by look-ups in its 16 parts. Needs map.inl.

void lut_by_parts(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  v128_t part[16];
  for (int k = 0; k < 16; ++k) part[k] = wasm_v128_load(table + 16 * k);
  const v128_t size = wasm_i8x16_const_splat(16);
  int64_t i = 0;
  for (; i + kVecBytes <= n; i += kVecBytes) {
    // An index beyond a part gives 0.
    v128_t x = wasm_v128_load(in + i);
    v128_t y = wasm_i8x16_swizzle(part[0], x);
    for (int k = 1; k < 16; ++k) {
      x = wasm_i8x16_sub(x, size);
      y = wasm_v128_or(y, wasm_i8x16_swizzle(part[k], x));
    }
    wasm_v128_store(out + i, y);
  }
  lut_q8(in + i, n - i, table, out + i);
}
