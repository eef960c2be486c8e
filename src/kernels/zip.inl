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

/// The operands of a zip of bytes. One element is read again and again as a whole vector, so that
/// one loop serves all shapes.
struct ZipBytes {
  uint8_t repeated[kVecBytes];
  const uint8_t* a;
  const uint8_t* b;
  int64_t a_step = 1;
  int64_t b_step = 1;

  ZipBytes(ZipShape shape, const uint8_t* first, const uint8_t* second) : a(first), b(second) {
    if (shape == ZipShape::scalar_vector) {
      store_bytes(repeated, VecBytes{} + a[0]);
      a = repeated;
      a_step = 0;
    } else if (shape == ZipShape::vector_scalar) {
      store_bytes(repeated, VecBytes{} + b[0]);
      b = repeated;
      b_step = 0;
    }
  }
};

template <typename Fn>
[[gnu::always_inline]] inline void zip_q8_loop(ZipShape shape, const uint8_t* a, const uint8_t* b,
                                               int64_t n, uint8_t* out, Fn fn) {
  const ZipBytes in(shape, a, b);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    store_u8(out + i, fn(load_u8(in.a + i * in.a_step), load_u8(in.b + i * in.b_step)));
  if (i < n) {
    const I x = load_n_u8(in.a + i * in.a_step, n - i);
    const I y = load_n_u8(in.b + i * in.b_step, n - i);
    store_n_u8(out + i, fn(x, y), n - i);
  }
}

/// What has no faster way.
void zip_q8_float(const ZipQ8& g, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
  // With the sign bit flipped, int8 data is unsigned and its zero point 128 higher.
  const int32_t flip = g.flip;
  const int32_t a_zero = g.a_zero + flip;
  const int32_t b_zero = g.b_zero + flip;
  const F a_scale = set(g.a_scale);
  const F b_scale = set(g.b_scale);
  const Requant q = make_requant(g.zero_point, g.lo, g.hi);
  const auto real = [&](I x, I y) { return to_float((x ^ flip) - y); };
#if !defined(__SSE4_1__)  // else zip_sums
  if (g.a_multiplier != 0 || g.b_multiplier != 0) {
    const int32_t offset = -(a_zero * g.a_multiplier + b_zero * g.b_multiplier);
    const F step = set(g.multiplier_scale);
    const auto sum = [&](I x, I y) {
      return to_float((x ^ flip) * g.a_multiplier + (y ^ flip) * g.b_multiplier + offset) * step;
    };
    if (g.op == ZipQ8Op::add)
      return zip_q8_loop(g.shape, a, b, n, out,
                         [&](I x, I y) { return round_clamp(sum(x, y), q); });
    return zip_q8_loop(g.shape, a, b, n, out, [&](I x, I y) {
      const F d = sum(x, y);
      return round_clamp(d * d, q);
    });
  }
#endif
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
      const F d = real(x, set_i(a_zero)) * a_scale + real(y, set_i(b_zero)) * b_scale;
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

// ---- 8 bits, by pairs of 16 bits

#if defined(__SSE4_1__)
/// Four vectors of numbers, in the order of WideFull's parts.
struct ZipParts {
  F part[4];
};

/// Calls fn on whole vectors of codes, unsigned, the last one over some of the elements before it;
/// of less than a vector, filled up. Stores what it gives, rounded and limited: below 2^31.
template <typename Fn>
[[gnu::always_inline]] inline void zip_wide(const ZipQ8& g, const uint8_t* a, const uint8_t* b,
                                            int64_t n, uint8_t* out, Fn fn) {
  using W = WideFull;
  using V = W::V;
  const int to_signed = g.flip != 0 ? 0 : -128;
  const WideLimits<W> limits{W::set16(g.zero_point + to_signed), W::set8(g.lo + to_signed),
                             W::set8(g.hi + to_signed), W::set8(g.flip ^ 0x80)};
  const bool limited = g.flip == 0 || g.lo > -128 || g.hi < 127;
  const V flip = W::set8(g.flip);
  const ZipBytes in(g.shape, a, b);
  const int64_t last = n - W::kBytes;
  // Before anything is stored, which may be where it is loaded from.
  const V last_x = last < 0 ? W::load_n(in.a, n) : W::load(in.a + last * in.a_step);
  const V last_y = last < 0 ? W::load_n(in.b, n) : W::load(in.b + last * in.b_step);
  for (int64_t i = 0; i < n; i += W::kBytes) {
    V x = last_x;
    V y = last_y;
    if (i <= last) {
      x = W::load(in.a + i * in.a_step);
      y = W::load(in.b + i * in.b_step);
    }
    const ZipParts v = fn(x ^ flip, y ^ flip);
    V part[4];
    repeat<4>([&](int k) { part[k] = W::to_int(v.part[k]); });
    const V result = limited
                         ? W::narrow(part[0], part[1], part[2], part[3], limits)
                         : W::template narrow<false>(part[0], part[1], part[2], part[3], limits);
    if (last < 0) return W::store_n(out, result, n);
    W::store(out + (i < last ? i : last), result);
  }
}

/// Calls fn on a·a_multiplier + b·b_multiplier, times their scale: exact integers below 2^24.
template <typename Fn>
[[gnu::always_inline]] inline void zip_sums(const ZipQ8& g, const uint8_t* a, const uint8_t* b,
                                            int64_t n, uint8_t* out, Fn fn) {
  using W = WideFull;
  using V = W::V;
  const V zero = W::set8(0);
  const V multipliers = W::set32((g.a_multiplier & 0xffff) | g.b_multiplier * 65536);
  const I offset =
      set_i(-((g.a_zero + g.flip) * g.a_multiplier + (g.b_zero + g.flip) * g.b_multiplier));
  const F step = set(g.multiplier_scale);
  zip_wide(g, a, b, n, out, [&](V x, V y) {
    const V low = W::lo8(x, y);
    const V high = W::hi8(x, y);
    const V pairs[] = {W::lo8(low, zero), W::hi8(low, zero), W::lo8(high, zero),
                       W::hi8(high, zero)};
    ZipParts v;
    repeat<4>([&](int k) {
      v.part[k] = fn(to_float(reinterpret_cast<I>(W::madd(pairs[k], multipliers)) + offset) * step);
    });
    return v;
  });
}

/// (a − a_zero)·(b − b_zero), exact, times a_scale; prelu's factor of positive a is 1 instead, of
/// others the scale is b_scale.
template <bool kPrelu>
void zip_products(const ZipQ8& g, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
  using W = WideFull;
  using V = W::V;
  const V zero = W::set8(0);
  const V a_zero = W::set16(g.a_zero + g.flip);
  const V b_zero = W::set16(g.b_zero + g.flip);
  const F a_scale = set(g.a_scale);
  const F b_scale = set(g.b_scale);
  const auto words = [](V v) { return reinterpret_cast<Words>(v); };
  const auto half = [&](V x, V y, F& first, F& second) {
    const Words wx = words(x) - words(a_zero);
    Words wy = words(y) - words(b_zero);
    F scales[2] = {a_scale, a_scale};
    if (kPrelu) {
      wy = wx > 0 ? Words{} + 1 : wy;
      const V signs = reinterpret_cast<V>(wx);
      scales[0] = reinterpret_cast<I>(W::lo16(signs, signs)) > 0 ? a_scale : b_scale;
      scales[1] = reinterpret_cast<I>(W::hi16(signs, signs)) > 0 ? a_scale : b_scale;
    }
    const V p = reinterpret_cast<V>(wx);
    const V q = reinterpret_cast<V>(wy);
    const V low = W::mullo16(p, q);
    const V high = W::mulhi16(p, q);
    first = to_float(reinterpret_cast<I>(W::lo16(low, high))) * scales[0];
    second = to_float(reinterpret_cast<I>(W::hi16(low, high))) * scales[1];
  };
  zip_wide(g, a, b, n, out, [&](V x, V y) {
    ZipParts v;
    half(W::lo8(x, zero), W::lo8(y, zero), v.part[0], v.part[1]);
    half(W::hi8(x, zero), W::hi8(y, zero), v.part[2], v.part[3]);
    return v;
  });
}
#endif

/// Whether it is done.
inline bool zip_q8_wide([[maybe_unused]] const ZipQ8& g, [[maybe_unused]] const uint8_t* a,
                        [[maybe_unused]] const uint8_t* b, [[maybe_unused]] int64_t n,
                        [[maybe_unused]] uint8_t* out) {
#if defined(__SSE4_1__)
  const auto small = [](float scale) { return scale >= -64.0f && scale <= 64.0f; };
  if (g.op == ZipQ8Op::mul && small(g.a_scale)) return zip_products<false>(g, a, b, n, out), true;
  if (g.op == ZipQ8Op::prelu && small(g.a_scale) && small(g.b_scale))
    return zip_products<true>(g, a, b, n, out), true;
  if (g.a_multiplier == 0 && g.b_multiplier == 0) return false;
  if (g.op == ZipQ8Op::add) return zip_sums(g, a, b, n, out, [](F v) { return v; }), true;
  if (g.op == ZipQ8Op::squared_difference)
    return zip_sums(g, a, b, n, out, [](F v) { return v * v; }), true;
#endif
  return false;
}

// ---- Codes as they are

/// Calls fn on whole vectors of bytes, the last one filled up with anything.
template <typename Fn>
[[gnu::always_inline]] inline void zip_bytes(ZipShape shape, const uint8_t* a, const uint8_t* b,
                                             int64_t n, uint8_t* out, Fn fn) {
  const ZipBytes in(shape, a, b);
  int64_t i = 0;
  for (; i + kVecBytes <= n; i += kVecBytes)
    store_bytes(out + i, fn(load_bytes(in.a + i * in.a_step), load_bytes(in.b + i * in.b_step)));
  const int64_t left = n - i;
  if (left == 0) return;
  uint8_t x[kVecBytes] = {};
  uint8_t y[kVecBytes] = {};
  for (int64_t j = 0; j < left; ++j) {
    x[j] = in.a[(i + j) * in.a_step];
    y[j] = in.b[(i + j) * in.b_step];
  }
  store_bytes(x, fn(load_bytes(x), load_bytes(y)));
  for (int64_t j = 0; j < left; ++j) out[i + j] = x[j];
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
  if (!zip_q8_wide(g, a, b, n, out)) zip_q8_float(g, a, b, n, out);
}

// ---- 16 bits, in float

template <int... i>
[[gnu::always_inline]] inline S16 even_words(S16 a, S16 b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, (2 * i)...);
}
/// The low words of two vectors, as int16.
[[gnu::always_inline]] inline S16 low_words(I a, I b) {
  return even_words(reinterpret_cast<S16>(a), reinterpret_cast<S16>(b),
                    FirstLanes<kHalfLanes>::Type{});
}

template <typename Fn>
[[gnu::always_inline]] inline void zip_s16_loop(const ZipS16& g, const int16_t* a, const int16_t* b,
                                                int64_t n, int16_t* out, Fn fn) {
  using Half = int16_t __attribute__((vector_size(kHalfLanes)));
  const F lo = set(static_cast<float>(g.lo)), hi = set(static_cast<float>(g.hi));
  const int64_t a_step = g.shape == ZipShape::scalar_vector ? 0 : 1;
  const int64_t b_step = g.shape == ZipShape::vector_scalar ? 0 : 1;
  int16_t repeated[kHalfLanes];
  for (int16_t& x : repeated) x = a_step == 0 ? a[0] : b[0];
  if (a_step == 0) a = repeated;
  if (b_step == 0) b = repeated;
  const auto part = [&](const int16_t* x, const int16_t* y, int16_t* to) {
    I v[2];
    repeat<2>([&](int k) {
      Half p, q;
      __builtin_memcpy(&p, x + k * kLanes, sizeof p);
      __builtin_memcpy(&q, y + k * kLanes, sizeof q);
      v[k] = round_int(
          clamp_f(fn(__builtin_convertvector(p, I), __builtin_convertvector(q, I)), lo, hi));
    });
    const S16 words = low_words(v[0], v[1]);
    __builtin_memcpy(to, &words, sizeof words);
  };
  int64_t i = 0;
  for (; i + kHalfLanes <= n; i += kHalfLanes) part(a + i * a_step, b + i * b_step, out + i);
  if (i == n) return;
  int16_t x[kHalfLanes] = {}, y[kHalfLanes] = {};
  for (int64_t j = 0; j < n - i; ++j) {
    x[j] = a[(i + j) * a_step];
    y[j] = b[(i + j) * b_step];
  }
  part(x, y, x);
  for (int64_t j = 0; j < n - i; ++j) out[i + j] = x[j];
}

void zip_s16(const ZipS16& g, const int16_t* a, const int16_t* b, int64_t n, int16_t* out) {
  if (n <= 0) return;
  const F a_scale = set(g.a_scale), b_scale = set(g.b_scale);
  if (g.op == ZipQ8Op::mul) {
    return zip_s16_loop(g, a, b, n, out, [&](I x, I y) { return to_float(x * y) * a_scale; });
  }
  zip_s16_loop(g, a, b, n, out,
               [&](I x, I y) { return to_float(x) * a_scale + to_float(y) * b_scale; });
}

void lut_q8(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = table[in[i]];
}
