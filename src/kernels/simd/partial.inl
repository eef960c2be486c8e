// SPDX-License-Identifier: Apache-2.0
// Loads and stores of the first n < kLanes lanes through a small buffer, for ISAs without masks.
// Lanes beyond n are zero and never touched in memory.

inline F load_n(const float* p, int64_t n) {
  F v = {};
  __builtin_memcpy(&v, p, static_cast<size_t>(n) * sizeof(float));
  return v;
}

constexpr bool kMaskedStores = false;  ///< whether store_n is as fast as store
inline void store_n(float* p, F v, int64_t n) {
  __builtin_memcpy(p, &v, static_cast<size_t>(n) * sizeof(float));
}

inline I load_n_i(const int32_t* p, int64_t n) {
  I v = {};
  __builtin_memcpy(&v, p, static_cast<size_t>(n) * sizeof(int32_t));
  return v;
}

inline void store_n_i(int32_t* p, I v, int64_t n) {
  __builtin_memcpy(p, &v, static_cast<size_t>(n) * sizeof(int32_t));
}

inline I load_n_u8(const uint8_t* p, int64_t n) {
  uint8_t buffer[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return load_u8(buffer);
}

inline void store_n_u8(uint8_t* p, I v, int64_t n) {
  uint8_t buffer[kLanes];
  store_u8(buffer, v);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}

inline I interleave4_n(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2, const uint8_t* p3,
                       int64_t n) {
  return load_n_u8(p0, n) | load_n_u8(p1, n) << 8 | load_n_u8(p2, n) << 16 |
         load_n_u8(p3, n) << 24;
}
