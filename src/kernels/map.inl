// SPDX-License-Identifier: Apache-2.0
// Unary f32 functions; see MapOp.

/// e^r − 1 for |r| ≤ ln 2 / 2 by its series; what is left out is below 3e-10 of r.
[[gnu::always_inline]] inline F expm1_small(F r) {
  F p = set(1.0f / 40320);
  p = fma(p, r, set(1.0f / 5040));
  p = fma(p, r, set(1.0f / 720));
  p = fma(p, r, set(1.0f / 120));
  p = fma(p, r, set(1.0f / 24));
  p = fma(p, r, set(1.0f / 6));
  p = fma(p, r, set(0.5f));
  return fma(p * r, r, r);
}

/// x = n·ln 2 + r with |r| ≤ ln 2 / 2. 355/512 is ln 2 cut short so that n·355/512 is exact.
[[gnu::always_inline]] inline I split_exponent(F x, F& r) {
  const I n = round_int(x * 1.44269504f);
  const F nf = to_float(n);
  r = fma(nf, set(2.12194440e-4f), fma(nf, set(-355.0f / 512), x));
  return n;
}

/// 2^n for −126 ≤ n ≤ 127.
[[gnu::always_inline]] inline F power_of_two(I n) { return reinterpret_cast<F>((n + 127) << 23); }

/// e^x. The power is applied in two halves so that results below 2^−126 and the overflow to
/// infinity come out right.
[[gnu::always_inline]] inline F exp_f(F x) {
  F r;
  const F bounded = minimum(maximum(x, set(-105.0f)), set(89.0f));
  const I n = split_exponent(bounded, r);
  const I half = n >> 1;
  return (expm1_small(r) + 1.0f) * power_of_two(half) * power_of_two(n - half);
}

/// e^x − 1 for |x| ≤ 80, accurate near 0.
[[gnu::always_inline]] inline F expm1_f(F x) {
  F r;
  const F scale = power_of_two(split_exponent(x, r));
  return fma(scale, expm1_small(r), scale - 1.0f);
}

[[gnu::always_inline]] inline F logistic_f(F x) { return 1.0f / (1.0f + exp_f(-x)); }

/// tanh |x| = t / (t + 2) with t = e^(2|x|) − 1; 1 from 10 on.
[[gnu::always_inline]] inline F tanh_f(F x) {
  const I sign = reinterpret_cast<I>(x) & static_cast<int32_t>(0x80000000u);
  const F magnitude = reinterpret_cast<F>(reinterpret_cast<I>(x) ^ sign);
  const F t = expm1_f(2.0f * minimum(magnitude, set(10.0f)));
  return reinterpret_cast<F>(reinterpret_cast<I>(t / (t + 2.0f)) | sign);
}

[[gnu::always_inline]] inline F clamp_f(F x, F lo, F hi) { return minimum(maximum(x, lo), hi); }

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
  return fma(half, bounded * p / q, half);
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
      return map_loop(in, n, out, [](F x) {
        return reinterpret_cast<F>(reinterpret_cast<I>(x) & 0x7fffffff);
      });
    case MapOp::square:
      return map_loop(in, n, out, [](F x) { return x * x; });
    case MapOp::elu:
      return map_loop(in, n, out, [](F x) {
        return select(x < 0.0f, expm1_f(maximum(x, set(-40.0f))), x);
      });
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
