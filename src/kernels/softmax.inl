// SPDX-License-Identifier: Apache-2.0
// Softmax of rows. Needs map.inl, reduce.inl and requantize.inl.

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
    for (int j = 0; j < Nv; ++j) x[j] = exp_down((x[j] - most) * slope);
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

void softmax_long_row(const float* in, int64_t n, float beta, float* out) {
  const F top = set(max_f32(in, n));
  const F slope = set(beta);
  F sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const F e = exp_down((load(in + i + j * kLanes) - top) * slope);
      sum[j] += e;
      store(out + i + j * kLanes, e);
    }
  }
  float rest = 0;
  for (; i < n; i += kLanes) {
    const int64_t count = n - i < kLanes ? n - i : kLanes;
    const F e = exp_down((load_n(in + i, count) - top) * slope);
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
