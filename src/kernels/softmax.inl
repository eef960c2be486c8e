// SPDX-License-Identifier: Apache-2.0
// Softmax of rows. Needs map.inl, reduce.inl and requantize.inl.

/// e^((x − top)·slope), for x ≤ top and slope > 0 at most 1 but for rounding. Where fma rounds
/// once, top·slope is off by the same factor for a whole row, and ln 2 in one piece is off
/// by 1.9e-9, which n ≤ 152 leaves at a relative error of 3e-7 for powers near 2^−152.
[[gnu::always_inline]] inline F softmax_power(F x, F slope, F top) {
  if constexpr (!kFused) return exp_down((x - top) * slope);
  const F t = maximum(fma(x, slope, -top * slope), set(-105.0f));
  const F n = fma(t, set(1.44269504f), set(12582912.0f)) - 12582912.0f;
  return exp_reduced(fma(n, set(-0.693147182f), t), n);
}

/// Rows of (Nv − 1)·kLanes + 1 … Nv·kLanes elements, which stay in registers.
template <int Nv>
void softmax_short_rows(const float* in, int64_t rows, int64_t n, float beta, float* out) {
  const int64_t whole = (Nv - 1) * kLanes;
  const int64_t rest = n - whole;
  const F lowest = set(-__builtin_inff());
  float ones[kLanes] = {};
  for (int64_t i = 0; i < rest; ++i) ones[i] = 1.0f;
  const I inside = load(ones) != 0.0f;
  const F slope = set(beta);
  for (; rows > 0; --rows, in += n, out += n) {
    F x[Nv];
    for (int j = 0; j < Nv - 1; ++j) x[j] = load(in + j * kLanes);
    x[Nv - 1] = select(inside, load_n(in + whole, rest), lowest);
    F most = x[0];
    for (int j = 1; j < Nv; ++j) most = maximum(x[j], most);
    most = fold_lanes(most, [](F a, F b) { return maximum(a, b); });
    F sum = {};
    // Powers of lanes beyond the row would be subnormal, which is slow.
    x[Nv - 1] = select(inside, x[Nv - 1], most);
    for (int j = 0; j < Nv; ++j) x[j] = softmax_power(x[j], slope, most);
    x[Nv - 1] = select(inside, x[Nv - 1], F{});
    for (int j = 0; j < Nv; ++j) sum += x[j];
    const F inverse = reciprocal(sum_lanes(sum));
    for (int j = 0; j < Nv - 1; ++j) store(out + j * kLanes, x[j] * inverse);
    store_n(out + whole, x[Nv - 1] * inverse, rest);
  }
}

/// Of two numbers the larger gets 1/(1 + e), the smaller e/(1 + e), e the power of their distance.
void softmax_pairs(const float* in, int64_t rows, float beta, float* out) {
  const F slope = set(beta);
  const auto pairs = [&](F& a, F& b) {
    const F first = even_lanes(a, b);
    const F second = odd_lanes(a, b);
    const F down = (second - first) * slope;
    const I falls = down <= 0.0f;
    const F e = exp_down(select(falls, down, -down));
    const F large = reciprocal(1.0f + e);
    const F small = e * large;
    const F y0 = select(falls, large, small);
    const F y1 = select(falls, small, large);
    a = interleave_low(y0, y1);
    b = interleave_high(y0, y1);
  };
  int64_t i = 0;
  for (; i + 2 * kLanes <= 2 * rows; i += 2 * kLanes) {
    F a = load(in + i);
    F b = load(in + i + kLanes);
    pairs(a, b);
    store(out + i, a);
    store(out + i + kLanes, b);
  }
  const int64_t left = 2 * rows - i;
  if (left == 0) return;
  float rest[2 * kLanes] = {};
  for (int64_t j = 0; j < left; ++j) rest[j] = in[i + j];
  F a = load(rest);
  F b = load(rest + kLanes);
  pairs(a, b);
  store(rest, a);
  store(rest + kLanes, b);
  for (int64_t j = 0; j < left; ++j) out[i + j] = rest[j];
}

/// n ≥ kLanes
[[gnu::always_inline]] inline F row_maximum(const float* in, int64_t n) {
  // The last whole vector covers what is left, some of it twice.
  F best[4];
  for (int j = 0; j < 4; ++j) best[j] = load(in + n - kLanes);
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) best[j] = maximum(load(in + i + j * kLanes), best[j]);
  }
  for (; i + kLanes <= n; i += kLanes) best[0] = maximum(load(in + i), best[0]);
  const auto larger = [](F a, F b) { return maximum(a, b); };
  return fold_lanes(larger(larger(best[0], best[1]), larger(best[2], best[3])), larger);
}

/// n ≥ kLanes
void softmax_long_row(const float* in, int64_t n, float beta, float* out) {
  const F slope = set(beta);
  const F top = row_maximum(in, n);
  F sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const F e = softmax_power(load(in + i + j * kLanes), slope, top);
      sum[j] += e;
      store(out + i + j * kLanes, e);
    }
  }
  float rest = 0;
  for (; i < n; i += kLanes) {
    const int64_t count = n - i < kLanes ? n - i : kLanes;
    const F e = softmax_power(load_n(in + i, count), slope, top);
    if (count == kLanes) {
      sum[0] += e;
      store(out + i, e);
      continue;
    }
    store_n(out + i, e, count);
    for (int64_t j = i; j < n; ++j) rest += out[j];
  }
  const F all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  const F inverse = reciprocal(sum_lanes(all) + rest);
  map_loop(out, n, out, [&](F x) { return x * inverse; });
}

void softmax_f32(const float* in, int64_t rows, int64_t n, float beta, float* out) {
  if (n == 2) return softmax_pairs(in, rows, beta, out);
  if constexpr (kLanes >= 16) {  // else there are not the registers
    switch ((n + kLanes - 1) / kLanes) {
      case 5:
        return softmax_short_rows<5>(in, rows, n, beta, out);
      case 6:
        return softmax_short_rows<6>(in, rows, n, beta, out);
      case 7:
        return softmax_short_rows<7>(in, rows, n, beta, out);
      case 8:
        return softmax_short_rows<8>(in, rows, n, beta, out);
      default:
        break;
    }
  }
  switch ((n + kLanes - 1) / kLanes) {
    case 1:
      return softmax_short_rows<1>(in, rows, n, beta, out);
    case 2:
      return softmax_short_rows<2>(in, rows, n, beta, out);
    case 3:
      return softmax_short_rows<3>(in, rows, n, beta, out);
    case 4:
      return softmax_short_rows<4>(in, rows, n, beta, out);
    default:
      for (; rows > 0; --rows, in += n, out += n) softmax_long_row(in, n, beta, out);
  }
}

constexpr int64_t kPowers = 1024;  // of a row that are kept

/// table[max − in[i]] of n elements; returns their sum.
inline uint64_t look_up_powers(const uint8_t* in, int64_t n, uint8_t flip, int32_t max,
                               const uint32_t* table, uint32_t* powers) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += powers[i] = table[max - (in[i] ^ flip)];
  return sum;
}

void softmax_q8(const SoftmaxQ8& g, const uint8_t* in, int64_t rows, int64_t n, uint8_t* out) {
  uint32_t powers[kPowers];
  for (; rows > 0; --rows, in += n, out += n) {
    const int32_t max = max_biased(in, n, g.flip);
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; i += kPowers) {
      sum +=
          look_up_powers(in + i, n - i < kPowers ? n - i : kPowers, g.flip, max, g.powers, powers);
    }
    const float factor = g.out_inverse_scale / static_cast<float>(sum);
    for (int64_t i = 0; i < n; i += kPowers) {
      const int64_t count = n - i < kPowers ? n - i : kPowers;
      if (n > kPowers) look_up_powers(in + i, count, g.flip, max, g.powers, powers);
      requantize_s32(reinterpret_cast<const int32_t*>(powers), count, &factor, 0, g.zero_point,
                     g.lo, g.hi, out + i);
    }
  }
}

void softmax_pairs_q8(const uint8_t* in, int64_t rows, const uint8_t* table, uint8_t flip,
                      uint8_t* out) {
  for (int64_t i = 0; i < 2 * rows; i += 2) {
    const int32_t difference = (in[i] ^ flip) - (in[i + 1] ^ flip);
    __builtin_memcpy(out + i, table + 2 * (255 + difference), 2);
  }
}
