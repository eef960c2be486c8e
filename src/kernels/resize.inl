// SPDX-License-Identifier: Apache-2.0
// Bilinear resize of a row; see BilinearRow and LerpPixelsQ8. Needs map.inl.

void bilinear_f32(const BilinearRow& g) {
  float* out = g.out;
  const float wy = g.y_weight;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const float* tl = g.top + g.left[i];
    const float* tr = g.top + g.right[i];
    const float* bl = g.bottom + g.left[i];
    const float* br = g.bottom + g.right[i];
    const float wx = g.x_weight[i];
    int64_t c = 0;
    for (; c + kLanes <= g.c; c += kLanes) {
      const F t = load(tl + c) + (load(tr + c) - load(tl + c)) * wx;
      const F b = load(bl + c) + (load(br + c) - load(bl + c)) * wx;
      store(out + c, t + (b - t) * wy);
    }
    for (; c < g.c; ++c) {
      const float t = tl[c] + (tr[c] - tl[c]) * wx;
      const float b = bl[c] + (br[c] - bl[c]) * wx;
      out[c] = t + (b - t) * wy;
    }
  }
}

constexpr int kHalfLanes = kVecBytes / 2;  // 16-bit lanes
using HalfBytes = uint8_t __attribute__((vector_size(kHalfLanes)));
using W16 = uint16_t __attribute__((vector_size(kVecBytes)));

[[gnu::always_inline]] inline S16 load_s16(const int16_t* p) {
  S16 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// (p ^ flip) · 2^7
[[gnu::always_inline]] inline S16 load_scaled(const uint8_t* p, uint8_t flip) {
  HalfBytes b;
  __builtin_memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b ^ flip, S16) << 7;
}

/// a + (b − a)·weight / 2^15, for 0 ≤ a, b < 2^15. Lanes past the end of a row hold anything: they
/// wrap around.
[[gnu::always_inline]] inline W16 lerp(S16 a, S16 b, S16 weight) {
  const W16 start = reinterpret_cast<W16>(a);
  const W16 difference = reinterpret_cast<W16>(b) - start;
  return start + reinterpret_cast<W16>(mulhrs(reinterpret_cast<S16>(difference), weight));
}
[[gnu::always_inline]] inline int32_t lerp1(int32_t a, int32_t b, int32_t weight) {
  return a + (((b - a) * weight + (1 << 14)) >> 15);
}

void lerp_rows_q8(const uint8_t* top, const uint8_t* bottom, int64_t n, int16_t weight, uint8_t flip, int16_t* out) {
  const S16 w = weight - S16{};
  int64_t i = 0;
  for (; i + kHalfLanes <= n; i += kHalfLanes) {
    const W16 v = lerp(load_scaled(top + i, flip), load_scaled(bottom + i, flip), w);
    __builtin_memcpy(out + i, &v, sizeof v);
  }
  for (; i < n; ++i)
    out[i] = static_cast<int16_t>(lerp1((top[i] ^ flip) << 7, (bottom[i] ^ flip) << 7, weight));
}

// A pixel is stored in whole vectors: what is too much falls on pixels that come later, or, at the
// end of the row, is left to the plain loop.
void lerp_pixels_q8(const LerpPixelsQ8& g) {
  uint8_t* out = g.out;
  const uint8_t* end = out + g.w * g.c;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const int16_t* l = g.row + g.left[i];
    const int16_t* r = g.row + g.right[i];
    const S16 w = g.weight[i] - S16{};
    int64_t c = 0;
    for (; c < g.c && end - (out + c) >= kHalfLanes; c += kHalfLanes) {
      const W16 v = lerp(load_s16(l + c), load_s16(r + c), w);
      const HalfBytes b = __builtin_convertvector((v + 64) >> 7, HalfBytes) ^ g.flip;
      __builtin_memcpy(out + c, &b, sizeof b);
    }
    for (; c < g.c; ++c) {
      const int32_t v = lerp1(l[c], r[c], g.weight[i]);
      out[c] = static_cast<uint8_t>((v + 64) >> 7) ^ g.flip;
    }
  }
}
