// SPDX-License-Identifier: Apache-2.0
// From int32 sums to stored results, a vector at a time; see GemmQ8.

#include "kernels/finish_q8_common.inl"

/// Finishes and stores `rows` rows of Nv vectors of sums.
template <int Nv>
[[gnu::noinline]] void finish_q8(const FinishQ8& f) {
  if (f.g->store == StoreQ8::s32) return finish_words<Nv>(f);
  if (f.g->store == StoreQ8::f32) return finish_floats<Nv>(f);
  const Requant q = make_requant(f.g->zero_point, f.g->lo, f.g->hi);
  for (int i = 0; i < f.rows; ++i) {
    uint8_t* out = static_cast<uint8_t*>(f.g->out) + (f.i0 + i) * f.g->out_stride + f.j0;
    const I correction = set_i(f.corrections != nullptr ? f.corrections[i] : 0);
    for (int j = 0; j < Nv; ++j) {
      const int64_t left = f.columns - j * kLanes;
      if (left <= 0) break;
      F scale;
      __builtin_memcpy(&scale, f.scales + j * kVecBytes, sizeof scale);
      const I v = requantize(wrapping_add(f.sums[i * Nv + j], correction), scale, q);
      if (left >= kLanes) {
        store_u8(out + j * kLanes, v);
      } else {
        store_n_u8(out + j * kLanes, v, left);
      }
    }
  }
}
