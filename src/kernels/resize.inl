// SPDX-License-Identifier: Apache-2.0
// Bilinear resize of a row; see BilinearRow. Needs map.inl.

void bilinear_f32(const BilinearRow& g) {
  const auto* top = static_cast<const float*>(g.top);
  const auto* bottom = static_cast<const float*>(g.bottom);
  auto* out = static_cast<float*>(g.out);
  const float wy = g.y_weight;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const float* tl = top + g.left[i];
    const float* tr = top + g.right[i];
    const float* bl = bottom + g.left[i];
    const float* br = bottom + g.right[i];
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

void bilinear_s8(const BilinearRow& g) {
  const auto* top = static_cast<const int8_t*>(g.top);
  const auto* bottom = static_cast<const int8_t*>(g.bottom);
  auto* __restrict out = static_cast<int8_t*>(g.out);
  constexpr int32_t kOne = 1 << 20;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const int8_t* tl = top + g.left[i];
    const int8_t* tr = top + g.right[i];
    const int8_t* bl = bottom + g.left[i];
    const int8_t* br = bottom + g.right[i];
    const int32_t wx = g.x_weight_q10[i];
    const int32_t wy = g.y_weight_q10;
    const int32_t w_tl = (1024 - wx) * (1024 - wy);
    const int32_t w_tr = wx * (1024 - wy);
    const int32_t w_bl = (1024 - wx) * wy;
    const int32_t w_br = wx * wy;
    for (int64_t c = 0; c < g.c; ++c) {
      // The weights add up to 2^20, so the sum is below 2^28.
      const int32_t sum = tl[c] * w_tl + tr[c] * w_tr + bl[c] * w_bl + br[c] * w_br;
      out[c] = static_cast<int8_t>((sum + (sum > 0 ? kOne / 2 : -kOne / 2)) / kOne);
    }
  }
}

void bilinear_u8(const BilinearRow& g) {
  const auto* top = static_cast<const uint8_t*>(g.top);
  const auto* bottom = static_cast<const uint8_t*>(g.bottom);
  auto* __restrict out = static_cast<uint8_t*>(g.out);
  const float wb = g.y_weight;
  const float wt = 1.0f - wb;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const uint8_t* tl = top + g.left[i];
    const uint8_t* tr = top + g.right[i];
    const uint8_t* bl = bottom + g.left[i];
    const uint8_t* br = bottom + g.right[i];
    const float wr = g.x_weight[i];
    const float wl = 1.0f - wr;
    for (int64_t c = 0; c < g.c; ++c) {
      const float sum = static_cast<float>(tl[c]) * wt * wl + static_cast<float>(bl[c]) * wb * wl +
                        static_cast<float>(tr[c]) * wt * wr + static_cast<float>(br[c]) * wb * wr;
      out[c] = static_cast<uint8_t>(static_cast<int32_t>(sum + 0.5f));
    }
  }
}
