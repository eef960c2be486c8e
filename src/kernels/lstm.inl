// SPDX-License-Identifier: Apache-2.0
// The cells of an LSTM. Needs map.inl.

void lstm_cells_f32(const LstmCellsF32& g) {
  const F high = set(g.clip);
  const F low = set(-g.clip);
  for (int64_t i = 0; i < g.n; i += kLanes) {
    const int64_t left = g.n - i < kLanes ? g.n - i : kLanes;
    const auto at = [&](const float* p) {
      return left == kLanes ? load(p + i) : load_n(p + i, left);
    };
    const auto gate = [&](int64_t k) { return at(g.from_x + k * g.n) + at(g.from_h + k * g.n); };
    const F forget = logistic_f(gate(1));
    const F input = g.coupled ? 1.0f - forget : logistic_f(gate(0));
    const F added = input * tanh_f(gate(2));
    const F c = clamp_f(fma(forget, at(g.c), added), low, high);
    const F h = logistic_f(gate(3)) * tanh_f(c);
    if (left == kLanes) {
      store(g.c + i, c);
      store(g.h + i, h);
    } else {
      store_n(g.c + i, c, left);
      store_n(g.h + i, h, left);
    }
  }
}
