// SPDX-License-Identifier: Apache-2.0
// Sums of a matrix product on their way out; see GemmQ8.

#include "kernels/requantize.inl"

/// A block of finished sums and where they belong.
struct FinishQ8 {
  const GemmQ8* g = nullptr;
  const I* sums = nullptr;               ///< [rows][Nv]; readable to a multiple of 4 / Nv rows
  const uint8_t* bias = nullptr;         ///< [Nv] vectors, added to the sums; or null
  const uint8_t* scales = nullptr;       ///< [Nv] vectors of floats
  const int32_t* corrections = nullptr;  ///< [rows], added to the sums; or null
  int64_t i0 = 0;                        ///< first row
  int rows = 0;
  int64_t j0 = 0;  ///< first column
  int64_t columns = 0;
};

/// Stores sums as they are.
template <int Nv>
[[gnu::always_inline]] inline void finish_words(const FinishQ8& f) {
  for (int i = 0; i < f.rows; ++i) {
    int32_t* out = static_cast<int32_t*>(f.g->out) + (f.i0 + i) * f.g->out_stride + f.j0;
    const int32_t correction = f.corrections != nullptr ? f.corrections[i] : 0;
    for (int j = 0; j < Nv; ++j) {
      const int64_t left = f.columns - j * kLanes;
      if (left <= 0) break;
      I v = wrapping_add(f.sums[i * Nv + j], set_i(correction));
      if (f.bias != nullptr) v = wrapping_add(v, load_i(f.bias + j * kVecBytes));
      if (left >= kLanes) {
        store_i(out + j * kLanes, v);
      } else {
        store_n_i(out + j * kLanes, v, left);
      }
    }
  }
}

/// One vector of row i from column j on, as StoreQ8::f32 has it.
[[gnu::always_inline]] inline F hybrid_row(const HybridQ8& h, int64_t i, int64_t j, I acc, F scale,
                                           int64_t left) {
  const DynamicQuant& quant = h.quants[i * h.quant_step];
  const bool whole = left >= kLanes;
  if (h.sums != nullptr) {
    const I sums = whole ? load_i(h.sums + j) : load_n_i(h.sums + j, left);
    acc = wrapping_add(acc, wrapping_mul(sums, set_i(-quant.zero)));
  }
  F v = to_float(acc) * (set(quant.scale) * scale);
  if (h.bias != nullptr) v = v + (whole ? load(h.bias + j) : load_n(h.bias + j, left));
  return minimum(maximum(v, set(h.lo)), set(h.hi));
}

/// finish_q8 of StoreQ8::f32.
template <int Nv>
[[gnu::noinline]] void finish_floats(const FinishQ8& f) {
  for (int i = 0; i < f.rows; ++i) {
    float* out = static_cast<float*>(f.g->out) + (f.i0 + i) * f.g->out_stride + f.j0;
    for (int j = 0; j < Nv; ++j) {
      const int64_t left = f.columns - j * kLanes;
      if (left <= 0) break;
      F scale;
      __builtin_memcpy(&scale, f.scales + j * kVecBytes, sizeof scale);
      I acc = f.sums[i * Nv + j];
      if (f.bias != nullptr) acc = wrapping_add(acc, load_i(f.bias + j * kVecBytes));
      const F v = hybrid_row(f.g->hybrid, f.i0 + i, f.j0 + j * kLanes, acc, scale, left);
      if (left >= kLanes) {
        store(out + j * kLanes, v);
      } else {
        store_n(out + j * kLanes, v, left);
      }
    }
  }
}
