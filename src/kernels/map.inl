// SPDX-License-Identifier: Apache-2.0
// Unary f32 functions; see MapOp.

/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, |x| ≤ 2^21. 355/512 is ln 2 cut short so that n·355/512 is
/// exact for |n| < 2^15. Returns n.
[[gnu::always_inline]] inline F split_exponent(F x, F& r) {
  const F n = fma(x, set(1.44269504f), set(12582912.0f)) - 12582912.0f;
  r = fma(n, set(2.12194440e-4f), fma(n, set(-355.0f / 512), x));
  return n;
}

/// e^r · 2^n for |r| ≤ ln 2 / 2, −152 ≤ n ≤ 128. The polynomial is the best of degree 5 with
/// constant 1, relative error 9.4e-8.
[[gnu::always_inline]] inline F exp_reduced(F r, F n) {
  F p = fma(r, set(0.008290144614875317f), set(0.041898854076862335f));
  p = fma(p, r, set(0.16667644679546356f));
  p = fma(p, r, set(0.49999141693115234f));
  p = fma(p, r, set(0.9999997019767761f));
  p = fma(p, r, set(1.0f));
  return scale_by_power(p, n);
}

/// e^x for −105 ≤ x ≤ 89.
[[gnu::always_inline]] inline F exp_bounded(F x) {
  F r;
  const F n = split_exponent(x, r);
  return exp_reduced(r, n);
}

[[gnu::always_inline]] inline F exp_f(F x) {
  return exp_bounded(minimum(maximum(x, set(-105.0f)), set(89.0f)));
}

/// e^x for x ≤ 0.
[[gnu::always_inline]] inline F exp_down(F x) {
  return exp_bounded(maximum(x, set(-105.0f)));
}

/// e^x − 1 for −80 ≤ x ≤ 80, accurate near 0: the polynomial is r + r²·s(r), s the best of degree 4
/// by the relative error of the sum, 1.4e-8.
[[gnu::always_inline]] inline F expm1_f(F x) {
  F r;
  const F n = split_exponent(x, r);
  F s = fma(r, set(0.001388249802403152f), set(0.00836664717644453f));
  s = fma(s, r, set(0.04166720435023308f));
  s = fma(s, r, set(0.16666541993618011f));
  s = fma(s, r, set(0.4999999701976776f));
  const F p = fma(s, r * r, r);
  const F scale = scale_by_power(set(1.0f), n);
  return fma(scale, p, scale - 1.0f);
}

/// From −88 down the result is below 2^−126.
[[gnu::always_inline]] inline F logistic_f(F x) {
  return reciprocal(1.0f + exp_bounded(minimum(maximum(-x, set(-88.0f)), set(88.0f))));
}

/// x·p(x²)/q(x²), the best quotient of degrees 4 and 4 for |x| ≤ 9.02 by the relative
/// error, 2.1e-8; beyond, the result is ±1.
[[gnu::always_inline]] inline F tanh_f(F x) {
  const F t = minimum(maximum(x, set(-9.02f)), set(9.02f));
  const F u = t * t;
  F p = fma(u, set(1.33190783e-8f), set(2.05834913e-5f));
  p = fma(p, u, set(0.00349403545f));
  p = fma(p, u, set(0.133797184f));
  p = fma(p, u, set(1.0f));
  F q = fma(u, set(7.76202398e-7f), set(0.000328309427f));
  q = fma(q, u, set(0.0258710776f));
  q = fma(q, u, set(0.467130333f));
  q = fma(q, u, set(1.0f));
  return minimum(maximum(p * reciprocal(q) * t, set(-1.0f)), set(1.0f));
}

[[gnu::always_inline]] inline F clamp_f(F x, F lo, F hi) {
  return minimum(maximum(x, lo), hi);
}

/// The factor comes first: it is 1 from 3 on, and nothing overflows.
[[gnu::always_inline]] inline F hard_swish_f(F x) {
  return x * (clamp_f(x + 3.0f, set(0.0f), set(6.0f)) * (1.0f / 6.0f));
}

/// x·(1 + erf(x/√2))/2. The error function is x·p(x²)/q(x²), fitted on |x| ≤ 5.4 to 1.1e-8; beyond
/// it is ±1, and results below −5.4 stay what they are there, almost 0.
[[gnu::always_inline]] inline F gelu_f(F x) {
  x = maximum(x, set(-5.4f));
  const F bounded = minimum(x, set(5.4f));
  const F u = bounded * bounded;
  F p = set(4.677326970e-8f);
  p = fma(p, u, set(1.272005829e-5f));
  p = fma(p, u, set(3.286461579e-4f));
  p = fma(p, u, set(9.301719256e-3f));
  p = fma(p, u, set(6.674472988e-2f));
  p = fma(p, u, set(7.978844643e-1f));
  F q = set(1.216588657e-6f);
  q = fma(q, u, set(7.240062405e-5f));
  q = fma(q, u, set(1.858989475e-3f));
  q = fma(q, u, set(2.837876603e-2f));
  q = fma(q, u, set(2.503181994e-1f));
  q = fma(q, u, set(1.0f));
  const F half = 0.5f * x;
  return fma(half, bounded * p * reciprocal(q), half);
}

/// (1 + tanh y)/2 is the logistic function of 2y. From −20 on it is 0.
[[gnu::always_inline]] inline F gelu_tanh_f(F x) {
  x = maximum(x, set(-20.0f));
  const F twice = x * fma(x * x, set(0.0713548162726f), set(1.5957691216057308f));
  return x * logistic_f(twice);
}

template <typename Fn>
[[gnu::always_inline]] inline void map_loop(const float* in, int64_t n, float* out, Fn fn) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, fn(load(in + i)));
  if (i < n) store_n(out + i, fn(load_n(in + i, n - i)), n - i);
}

[[gnu::always_inline]] inline F sqrt_f(F x) {
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

void map_f32(MapOp op, const float* in, int64_t n, float* out, const MapParams& params) {
  const F lo = set(params.lo);
  const F hi = set(params.hi);
  const F alpha = set(params.alpha);
  switch (op) {
    case MapOp::clamp:
      return map_loop(in, n, out, [&](F x) { return clamp_f(x, lo, hi); });
    case MapOp::logistic:
      return map_loop(in, n, out, [](F x) { return logistic_f(x); });
    case MapOp::tanh:
      return map_loop(in, n, out, [](F x) { return tanh_f(x); });
    case MapOp::hard_swish:
      return map_loop(in, n, out, [](F x) { return hard_swish_f(x); });
    case MapOp::exp:
      return map_loop(in, n, out, [](F x) { return exp_f(x); });
    case MapOp::sqrt:
      return map_loop(in, n, out, [](F x) { return sqrt_f(x); });
    case MapOp::rsqrt:
      return map_loop(in, n, out, [](F x) { return 1.0f / sqrt_f(x); });
    case MapOp::neg:
      return map_loop(in, n, out, [](F x) { return -x; });
    case MapOp::abs:
      return map_loop(in, n, out,
                      [](F x) { return reinterpret_cast<F>(reinterpret_cast<I>(x) & 0x7fffffff); });
    case MapOp::square:
      return map_loop(in, n, out, [](F x) { return x * x; });
    case MapOp::elu:
      return map_loop(in, n, out,
                      [](F x) { return select(x < 0.0f, expm1_f(maximum(x, set(-40.0f))), x); });
    case MapOp::leaky_relu:
      return map_loop(in, n, out, [&](F x) { return select(x < 0.0f, alpha * x, x); });
    case MapOp::gelu:
      return map_loop(in, n, out, [](F x) { return gelu_f(x); });
    case MapOp::gelu_tanh:
      return map_loop(in, n, out, [](F x) { return gelu_tanh_f(x); });
  }
}

void prelu_f32(const float* in, const float* alpha, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const F x = load(in + i);
    store(out + i, select(x < 0.0f, x * load(alpha + i), x));
  }
  if (i < n) {
    const F x = load_n(in + i, n - i);
    store_n(out + i, select(x < 0.0f, x * load_n(alpha + i, n - i), x), n - i);
  }
}
