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

[[gnu::always_inline]] inline F clamp_f(F x, F lo, F hi) {
  return minimum(maximum(x, lo), hi);
}

[[gnu::always_inline]] inline F magnitude(F x) {
  return reinterpret_cast<F>(reinterpret_cast<I>(x) & 0x7fffffff);
}

/// 2^n for −127 ≤ n ≤ 127 (2^−127 is 0) from n + kBiased.
constexpr float kBiased = 12582912.0f + 127;
[[gnu::always_inline]] inline F whole_power(F shifted) {
  return reinterpret_cast<F>(reinterpret_cast<U>(shifted) << 23);
}

/// x < 0 ? e^x − 1 : x, as 2^n·(2^r − 1) + 2^n − 1. 2^r − 1 is r·s(r), s the best of degree 4 by
/// the relative error, 4.4e-7.
[[gnu::always_inline]] inline F elu_f(F x) {
  const F t = maximum(x, set(-87.0f));
  const F shifted = fma(t, set(1.44269504f), set(kBiased));
  const F r = fma(t, set(1.44269504f), kBiased - shifted);
  F s = fma(r, set(1.33335392e-3f), set(9.66624543e-3f));
  s = fma(s, r, set(5.55050038e-2f));
  s = fma(s, r, set(0.240223512f));
  s = fma(s, r, set(0.693147123f));
  return below_zero(x, whole_power(shifted), s * r);
}

/// 1/(1 + e^−x). From −88 down it stays below 2^−126. Relative error 4e-7; where fma rounds once,
/// log2 e in one piece adds 1.4e-8·|x|.
[[gnu::always_inline]] inline F logistic_f(F x) {
  const F t = clamp_f(x, set(-88.0f), set(88.0f));
  if constexpr (!kFused) {
    return reciprocal(1.0f + exp_bounded(-t));
  } else if constexpr (kHasPairPermute) {
    // By a table of 2^(k/32); the polynomial is the best of degree 2 with constant 1.
    const F shifted = fma(t, set(-1.44269504f), set(393216.0f));
    const F r = fma(t, set(-1.44269504f), 393216.0f - shifted);
    const U index = reinterpret_cast<U>(shifted);
    const F bits = permute_pair(reinterpret_cast<F>(load_i(kPowerBits.of)),
                                reinterpret_cast<F>(load_i(kPowerBits.of + kPieces / 2)),
                                reinterpret_cast<I>(index));
    const F power = reinterpret_cast<F>(reinterpret_cast<U>(bits) + (index << 18));
    F p = fma(r, set(0.240226537f), set(0.693157315f));
    p = fma(p, r, set(1.0f));
    return reciprocal(fma(power, p, set(1.0f)));
  } else {
    const F shifted = fma(t, set(-1.44269504f), set(kBiased));
    const F r = fma(t, set(-1.44269504f), kBiased - shifted);
    F p = fma(r, set(0.00132647273f), set(0.00967151299f));
    p = fma(p, r, set(0.0555073358f));
    p = fma(p, r, set(0.240222424f));
    p = fma(p, r, set(0.693147004f));
    p = fma(p, r, set(1.0f));
    return reciprocal(fma(whole_power(shifted), p, set(1.0f)));
  }
}

/// See Pieces; only where kHasPairPermute.
[[gnu::always_inline]] inline F piecewise(const Pieces& pieces, F x) {
  const F scale = set(pieces.inverse_step);
  const F shifted = fma(x, scale, set(12582912.0f));
  const F r = fma(x, scale, 12582912.0f - shifted);
  const auto term = [&](int i) {
    return permute_pair(load(pieces.term[i]), load(pieces.term[i] + kPieces / 2),
                        reinterpret_cast<I>(shifted));
  };
  F p = term(kPieceTerms - 1);
  repeat<kPieceTerms - 1>([&](int i) { p = fma(p, r, term(kPieceTerms - 2 - i)); });
  return p;
}

/// x·p(x²)/q(x²), the best quotient of degrees 4 and 4 for |x| ≤ kTanhLimit by the relative
/// error, 2.1e-8, or by pieces; beyond, the result is ±1.
[[gnu::always_inline]] inline F tanh_f(F x) {
  const F t = clamp_f(x, set(-kTanhLimit), set(kTanhLimit));
  if constexpr (kHasPairPermute) return t * piecewise(kTanhPieces, magnitude(t));
  const F u = t * t;
  F p = fma(u, set(1.33190783e-8f), set(2.05834913e-5f));
  p = fma(p, u, set(0.00349403545f));
  p = fma(p, u, set(0.133797184f));
  p = fma(p, u, set(1.0f));
  F q = fma(u, set(7.76202398e-7f), set(0.000328309427f));
  q = fma(q, u, set(0.0258710776f));
  q = fma(q, u, set(0.467130333f));
  q = fma(q, u, set(1.0f));
  return clamp_f(p * reciprocal(q) * t, set(-1.0f), set(1.0f));
}

/// The factor comes first: it is 1 from 3 on, and nothing overflows.
[[gnu::always_inline]] inline F hard_swish_f(F x) {
  return x * (clamp_f(x + 3.0f, set(0.0f), set(6.0f)) * (1.0f / 6.0f));
}

/// x·(1 + erf(x/√2))/2, by pieces or with the error function as x·p(x²)/q(x²), fitted on |x| ≤
/// kGeluLimit to 1.1e-8; beyond it is ±1, and results below stay what they are there, almost 0.
[[gnu::always_inline]] inline F gelu_f(F x) {
  x = maximum(x, set(-kGeluLimit));
  const F bounded = minimum(x, set(kGeluLimit));
  if constexpr (kHasPairPermute) return x * piecewise(kGeluPieces, bounded);
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

/// By pieces, or as (1 + tanh y)/2 is the logistic function of 2y. Below −kGeluLimit results stay
/// what they are there, or from −20 on are 0.
[[gnu::always_inline]] inline F gelu_tanh_f(F x) {
  if constexpr (kHasPairPermute) {
    x = maximum(x, set(-kGeluLimit));
    return x * piecewise(kGeluTanhPieces, minimum(x, set(kGeluLimit)));
  }
  x = maximum(x, set(-20.0f));
  const F twice = x * fma(x * x, set(0.0713548162726f), set(1.5957691216057308f));
  return x * logistic_f(twice);
}

/// The sum is infinite only for infinite x: then the result is not a number.
[[gnu::always_inline]] inline F softsign_f(F x) {
  return x * reciprocal(1.0f + magnitude(x));
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
      return map_loop(in, n, out, [](F x) { return magnitude(x); });
    case MapOp::square:
      return map_loop(in, n, out, [](F x) { return x * x; });
    case MapOp::elu:
      return map_loop(in, n, out, [](F x) { return elu_f(x); });
    case MapOp::leaky_relu:
      return map_loop(in, n, out, [&](F x) { return select(x < 0.0f, alpha * x, x); });
    case MapOp::gelu:
      return map_loop(in, n, out, [](F x) { return gelu_f(x); });
    case MapOp::gelu_tanh:
      return map_loop(in, n, out, [](F x) { return gelu_tanh_f(x); });
    case MapOp::softsign:
      return map_loop(in, n, out, [](F x) { return softsign_f(x); });
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
