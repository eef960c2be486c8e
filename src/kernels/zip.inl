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

template <typename Fn>
[[gnu::always_inline]] inline void zip_q8_loop(const uint8_t* a, const uint8_t* b, bool b_moves,
                                               int64_t n, uint8_t* out, Fn fn) {
  if (n <= 0) return;
  I bv = set_i(b[0]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    if (b_moves) bv = load_u8(b + i);
    store_u8(out + i, fn(load_u8(a + i), bv));
  }
  if (i < n) {
    if (b_moves) bv = load_n_u8(b + i, n - i);
    store_n_u8(out + i, fn(load_n_u8(a + i, n - i), bv), n - i);
  }
}

void zip_q8(const ZipQ8& params, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
  // Both functions are the same, to the bit, with their operands exchanged.
  const bool swap = params.shape == ZipShape::scalar_vector;
  const bool b_moves = params.shape == ZipShape::vector_vector;
  const uint8_t* x = swap ? b : a;
  const uint8_t* y = swap ? a : b;
  // With the sign bit flipped, int8 data is unsigned and its zero point 128 higher.
  const int32_t flip = params.flip;
  const int32_t x_zero = (swap ? params.b_zero : params.a_zero) + flip;
  const int32_t y_zero = (swap ? params.a_zero : params.b_zero) + flip;
  const F x_scale = set(swap ? params.b_scale : params.a_scale);
  const F y_scale = set(swap ? params.a_scale : params.b_scale);
  const Requant q = make_requant(params.zero_point, params.lo, params.hi);
  switch (params.op) {
    case ZipQ8Op::add:
      return zip_q8_loop(x, y, b_moves, n, out, [&](I xv, I yv) {
        return round_clamp(to_float((xv ^ flip) - x_zero) * x_scale +
                               to_float((yv ^ flip) - y_zero) * y_scale,
                           q);
      });
    case ZipQ8Op::mul:
      return zip_q8_loop(x, y, b_moves, n, out, [&](I xv, I yv) {
        return round_clamp(to_float(((xv ^ flip) - x_zero) * ((yv ^ flip) - y_zero)) *
                               params.a_scale,
                           q);
      });
    case ZipQ8Op::squared_difference:
      return zip_q8_loop(x, y, b_moves, n, out, [&](I xv, I yv) {
        const F d =
            to_float((xv ^ flip) - x_zero) * x_scale - to_float((yv ^ flip) - y_zero) * y_scale;
        return round_clamp(d * d, q);
      });
  }
}

void lut_q8(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = table[in[i]];
}
