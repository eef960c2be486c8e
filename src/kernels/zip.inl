// SPDX-License-Identifier: Apache-2.0
// Binary f32 and 8-bit functions. Needs map.inl and requantize.inl.

template <typename Fn>
[[gnu::always_inline]] inline void zip_loop(ZipShape shape, const float* a, const float* b,
                                            int64_t n, float* out, F lo, F hi, Fn fn) {
  if (n <= 0) return;
  const bool a_moves = shape != ZipShape::scalar_vector;
  const bool b_moves = shape != ZipShape::vector_scalar;
  F av = set(a[0]);
  F bv = set(b[0]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    if (a_moves) av = load(a + i);
    if (b_moves) bv = load(b + i);
    store(out + i, clamp_f(fn(av, bv), lo, hi));
  }
  if (i < n) {
    if (a_moves) av = load_n(a + i, n - i);
    if (b_moves) bv = load_n(b + i, n - i);
    store_n(out + i, clamp_f(fn(av, bv), lo, hi), n - i);
  }
}

void zip_f32(ZipOp op, ZipShape shape, const float* a, const float* b, int64_t n, float* out,
             float lo_limit, float hi_limit) {
  const F lo = set(lo_limit);
  const F hi = set(hi_limit);
  switch (op) {
    case ZipOp::add:
      return zip_loop(shape, a, b, n, out, lo, hi, [](F x, F y) { return x + y; });
    case ZipOp::sub:
      return zip_loop(shape, a, b, n, out, lo, hi, [](F x, F y) { return x - y; });
    case ZipOp::mul:
      return zip_loop(shape, a, b, n, out, lo, hi, [](F x, F y) { return x * y; });
    case ZipOp::div:
      return zip_loop(shape, a, b, n, out, lo, hi, [](F x, F y) { return x / y; });
    case ZipOp::min:
      return zip_loop(shape, a, b, n, out, lo, hi, [](F x, F y) { return minimum(x, y); });
    case ZipOp::max:
      return zip_loop(shape, a, b, n, out, lo, hi, [](F x, F y) { return maximum(x, y); });
  }
}

// ---- 8 bits, in float

template <typename Fn>
[[gnu::always_inline]] inline void zip_q8_loop(ZipShape shape, const uint8_t* a, const uint8_t* b,
                                               int64_t n, uint8_t* out, Fn fn) {
  const bool a_moves = shape != ZipShape::scalar_vector;
  const bool b_moves = shape != ZipShape::vector_scalar;
  I av = set_i(a[0]);
  I bv = set_i(b[0]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    if (a_moves) av = load_u8(a + i);
    if (b_moves) bv = load_u8(b + i);
    store_u8(out + i, fn(av, bv));
  }
  if (i < n) {
    if (a_moves) av = load_n_u8(a + i, n - i);
    if (b_moves) bv = load_n_u8(b + i, n - i);
    store_n_u8(out + i, fn(av, bv), n - i);
  }
}

void zip_q8_float(const ZipQ8& g, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
  // With the sign bit flipped, int8 data is unsigned and its zero point 128 higher.
  const int32_t flip = g.flip;
  const int32_t a_zero = g.a_zero + flip;
  const int32_t b_zero = g.b_zero + flip;
  const F a_scale = set(g.a_scale);
  const F b_scale = set(g.b_scale);
  const Requant q = make_requant(g.zero_point, g.lo, g.hi);
  const auto real = [&](I x, I y) { return to_float((x ^ flip) - y); };
  if (g.op == ZipQ8Op::add) {
    return zip_q8_loop(g.shape, a, b, n, out, [&](I x, I y) {
      return round_clamp(real(x, set_i(a_zero)) * a_scale + real(y, set_i(b_zero)) * b_scale, q);
    });
  }
  if (g.op == ZipQ8Op::mul) {
    return zip_q8_loop(g.shape, a, b, n, out, [&](I x, I y) {
      return round_clamp(to_float(((x ^ flip) - a_zero) * ((y ^ flip) - b_zero)) * a_scale, q);
    });
  }
  if (g.op == ZipQ8Op::squared_difference) {
    return zip_q8_loop(g.shape, a, b, n, out, [&](I x, I y) {
      const F d = real(x, set_i(a_zero)) * a_scale - real(y, set_i(b_zero)) * b_scale;
      return round_clamp(d * d, q);
    });
  }
  if (g.op == ZipQ8Op::prelu) {
    return zip_q8_loop(g.shape, a, b, n, out, [&](I x, I y) {
      const F value = real(x, set_i(a_zero));
      const F slope = real(y, set_i(b_zero)) * b_scale;
      return round_clamp(value * select(value > 0.0f, a_scale, slope), q);
    });
  }
  zip_q8_loop(g.shape, a, b, n, out, [&](I x, I y) {
    return round_clamp(real(x, set_i(a_zero)) / real(y, set_i(b_zero)) * a_scale, q);
  });
}

// ---- 8 bits, in 16

/// Calls fn on whole vectors of bytes, the last one filled up with anything.
template <typename Fn>
[[gnu::always_inline]] inline void zip_bytes(ZipShape shape, const uint8_t* a, const uint8_t* b,
                                             int64_t n, uint8_t* out, Fn fn) {
  const bool a_moves = shape != ZipShape::scalar_vector;
  const bool b_moves = shape != ZipShape::vector_scalar;
  VecBytes av = VecBytes{} + a[0];
  VecBytes bv = VecBytes{} + b[0];
  int64_t i = 0;
  for (; i + kVecBytes <= n; i += kVecBytes) {
    if (a_moves) av = load_bytes(a + i);
    if (b_moves) bv = load_bytes(b + i);
    store_bytes(out + i, fn(av, bv));
  }
  const int64_t left = n - i;
  if (left == 0) return;
  uint8_t rest[kVecBytes] = {};
  if (a_moves) {
    for (int64_t j = 0; j < left; ++j) rest[j] = a[i + j];
    av = load_bytes(rest);
  }
  if (b_moves) {
    for (int64_t j = 0; j < left; ++j) rest[j] = b[i + j];
    bv = load_bytes(rest);
  }
  store_bytes(rest, fn(av, bv));
  for (int64_t j = 0; j < left; ++j) out[i + j] = rest[j];
}

/// The arithmetic of ZipQ8 in 16 bits with `bits` bits behind the point. Operands are signed and
/// stand times 2^8, results are unsigned.
struct Zip16 {
  int bits = 0;  ///< 0: the numbers don't fit.
  int16_t a_factor = 0, b_factor = 0, start = 0;
};

/// The most bits behind the point, 4 … 6, with which numbers up to `largest` fit; 0 if none do.
inline int bits_for(float largest) {
  for (int bits = 6; bits >= 4; --bits) {
    if (largest * static_cast<float>(1 << bits) <= 32700.0f) return bits;
  }
  return 0;
}

inline float magnitude(float x) {
  return x < 0 ? -x : x;
}

inline bool is_code(int32_t zero, uint8_t flip) {
  return zero + flip >= 0 && zero + flip <= 255;
}

/// out = a·a_scale + b·b_scale + constant.
inline Zip16 zip16_add(const ZipQ8& g) {
  Zip16 z;
  const float scales = magnitude(g.a_scale) + magnitude(g.b_scale);
  z.bits = bits_for(255.0f * scales + 256.0f);
  if (z.bits == 0) return z;
  const auto one = static_cast<float>(1 << z.bits);
  z.a_factor = static_cast<int16_t>(round_int1(g.a_scale * one * 128.0f));
  z.b_factor = static_cast<int16_t>(round_int1(g.b_scale * one * 128.0f));
  const auto a_zero = static_cast<float>(g.a_zero + g.flip - 128);
  const auto b_zero = static_cast<float>(g.b_zero + g.flip - 128);
  const float constant =
      static_cast<float>(g.zero_point + g.flip) - (a_zero * g.a_scale + b_zero * g.b_scale);
  z.start = static_cast<int16_t>(round_int1((constant + 0.5f) * one));
  return z;
}

/// out = (a − a_zero)·(b − b_zero)/2 · a_factor + constant; a product is at most 255².
inline Zip16 zip16_mul(const ZipQ8& g) {
  Zip16 z;
  const float scale = magnitude(g.a_scale);
  z.bits = bits_for(65025.0f * scale + 256.0f);
  if (z.bits == 0) return z;
  const auto one = static_cast<float>(1 << z.bits);
  z.a_factor = static_cast<int16_t>(round_int1(g.a_scale * one * 65536.0f));
  z.start =
      static_cast<int16_t>(round_int1((static_cast<float>(g.zero_point + g.flip) + 0.5f) * one));
  return z;
}

[[gnu::always_inline]] inline Words multiply_words(Words a, Words b) {
  return reinterpret_cast<Words>(mulhrs(reinterpret_cast<S16>(a), reinterpret_cast<S16>(b)));
}

void zip_q8_words(const ZipQ8& g, const Zip16& z, const uint8_t* a, const uint8_t* b, int64_t n,
                  uint8_t* out) {
  const uint8_t flip = g.flip;
  const auto sign = static_cast<uint8_t>(flip ^ 0x80);
  const VecBytes low = VecBytes{} + static_cast<uint8_t>(g.lo + flip);
  const VecBytes high = VecBytes{} + static_cast<uint8_t>(g.hi + flip);
  const Words a_factor = Words{} + z.a_factor;
  const Words b_factor = Words{} + z.b_factor;
  const Words start = Words{} + z.start;
  const int bits = z.bits;
  const auto finish = [&](Words x, Words y) {
    const VecBytes v = pack_words((x + start) >> bits, (y + start) >> bits);
    return smaller_bytes(larger_bytes(v, low), high) ^ flip;
  };
  if (g.op == ZipQ8Op::add) {
    const auto sum = [&](Words x, Words y) {
      return multiply_words(x, a_factor) + multiply_words(y, b_factor);
    };
    return zip_bytes(g.shape, a, b, n, out, [&](VecBytes x, VecBytes y) {
      x ^= sign;
      y ^= sign;
      return finish(sum(unpack_low(x), unpack_low(y)), sum(unpack_high(x), unpack_high(y)));
    });
  }
  const Words a_zero = Words{} + static_cast<int16_t>((g.a_zero + flip - 128) * 128);
  const Words b_zero = Words{} + static_cast<int16_t>((g.b_zero + flip - 128) * 128);
  const auto product = [&](Words x, Words y) {
    const Words half = multiply_words((x >> 1) - a_zero, (y >> 1) - b_zero);
    return multiply_words(half, a_factor);
  };
  zip_bytes(g.shape, a, b, n, out, [&](VecBytes x, VecBytes y) {
    x ^= sign;
    y ^= sign;
    return finish(product(unpack_low(x), unpack_low(y)), product(unpack_high(x), unpack_high(y)));
  });
}

void zip_q8_codes(const ZipQ8& g, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
  const uint8_t flip = g.flip;
  const VecBytes low = VecBytes{} + static_cast<uint8_t>(g.lo + flip);
  const VecBytes high = VecBytes{} + static_cast<uint8_t>(g.hi + flip);
  const auto limit = [&](VecBytes v) { return smaller_bytes(larger_bytes(v, low), high) ^ flip; };
  if (g.op == ZipQ8Op::max) {
    return zip_bytes(g.shape, a, b, n, out, [&](VecBytes x, VecBytes y) {
      return limit(larger_bytes(x ^ flip, y ^ flip));
    });
  }
  zip_bytes(g.shape, a, b, n, out,
            [&](VecBytes x, VecBytes y) { return limit(smaller_bytes(x ^ flip, y ^ flip)); });
}

void zip_q8(const ZipQ8& g, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
  if (n <= 0) return;
  if (g.op == ZipQ8Op::max || g.op == ZipQ8Op::min) return zip_q8_codes(g, a, b, n, out);
  Zip16 z;
  if (is_code(g.a_zero, g.flip) && is_code(g.b_zero, g.flip) && is_code(g.zero_point, g.flip)) {
    if (g.op == ZipQ8Op::add) z = zip16_add(g);
    if (g.op == ZipQ8Op::mul) z = zip16_mul(g);
  }
  if (z.bits != 0) return zip_q8_words(g, z, a, b, n, out);
  zip_q8_float(g, a, b, n, out);
}

void lut_q8(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = table[in[i]];
}
