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

// ---- Codes as they are

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
  zip_q8_float(g, a, b, n, out);
}

void lut_q8(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = table[in[i]];
}
