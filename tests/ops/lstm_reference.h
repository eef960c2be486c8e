// SPDX-License-Identifier: Apache-2.0
// An LSTM in float64, by the definition, and random operands for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/op_harness.h"

namespace cygnet::test {

using Activation = schema::ActivationFunctionType;

/// What the cases differ by.
struct LstmSpec {
  std::string name;
  int batch = 1, steps = 3, in = 4, cells = 5, out = 5;
  bool coupled = false, peephole = false, projection = false, norm = false, time_major = false;
  float cell_clip = 0, proj_clip = 0;
  Activation activation = Activation::TANH;
};

/// Of UNIDIRECTIONAL_SEQUENCE_LSTM; the weights are 1 to 17 and 20 to 23.
inline constexpr int kOperands = 24;

/// Every operand of a float case by its index; empty: absent.
inline std::vector<std::vector<float>> operands_of(const LstmSpec& s, uint32_t seed = 20) {
  std::vector<std::vector<float>> v(kOperands);
  const auto fill = [&](int i, int n) {
    v[static_cast<size_t>(i)] =
        random_elements<float>(static_cast<size_t>(n), seed + static_cast<uint32_t>(i), -0.7, 0.7);
  };
  for (int g = s.coupled ? 1 : 0; g < 4; ++g) {
    fill(1 + g, s.cells * s.in);
    fill(5 + g, s.cells * s.out);
    fill(12 + g, s.cells);
    if (s.norm) fill(20 + g, s.cells);
    if (s.peephole && g != 2) fill(g == 3 ? 11 : 9 + g, s.cells);
  }
  if (s.projection) fill(16, s.out * s.cells), fill(17, s.out);
  return v;
}

inline double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

inline double activate(Activation a, double x) {
  switch (a) {
    case Activation::TANH:
      return std::tanh(x);
    case Activation::RELU:
      return std::max(x, 0.0);
    case Activation::RELU6:
      return std::clamp(x, 0.0, 6.0);
    default:
      return x;
  }
}

/// One sequence, step by step, by the definition.
class Cell {
 public:
  Cell(const LstmSpec& s, const std::vector<std::vector<float>>& v)
      : s_(s), v_(v), h_(static_cast<size_t>(s.out)), c_(static_cast<size_t>(s.cells)) {}

  const std::vector<double>& step(const float* x) {
    const auto forget = gate(1, x, c_);
    std::vector<double> input = s_.coupled ? forget : gate(0, x, c_);
    const auto update = gate(2, x, c_);
    std::vector<double> next(c_.size());
    for (size_t i = 0; i < c_.size(); ++i) {
      const double in = s_.coupled ? 1 - sigmoid(forget[i]) : sigmoid(input[i]);
      next[i] = sigmoid(forget[i]) * c_[i] + in * activate(s_.activation, update[i]);
      if (s_.cell_clip > 0)
        next[i] = std::clamp(next[i], -static_cast<double>(s_.cell_clip),
                             static_cast<double>(s_.cell_clip));
    }
    const auto out = gate(3, x, next);
    c_ = next;
    std::vector<double> hidden(c_.size());
    for (size_t i = 0; i < c_.size(); ++i)
      hidden[i] = sigmoid(out[i]) * activate(s_.activation, c_[i]);
    if (!s_.projection) return h_ = hidden;
    for (size_t o = 0; o < h_.size(); ++o) {
      h_[o] = static_cast<double>(v_[17][o]);
      for (size_t i = 0; i < hidden.size(); ++i)
        h_[o] += static_cast<double>(v_[16][o * hidden.size() + i]) * hidden[i];
      if (s_.proj_clip > 0)
        h_[o] = std::clamp(h_[o], -static_cast<double>(s_.proj_clip),
                           static_cast<double>(s_.proj_clip));
    }
    return h_;
  }

 private:
  std::vector<double> gate(size_t g, const float* x, const std::vector<double>& cell) const {
    const size_t n = c_.size();
    std::vector<double> sums(n);
    for (size_t i = 0; i < n; ++i) {
      for (int k = 0; k < s_.in; ++k)
        sums[i] += static_cast<double>(
                       v_[1 + g][i * static_cast<size_t>(s_.in) + static_cast<size_t>(k)]) *
                   static_cast<double>(x[k]);
      for (size_t k = 0; k < h_.size(); ++k)
        sums[i] += static_cast<double>(v_[5 + g][i * h_.size() + k]) * h_[k];
      if (s_.peephole && g != 2)
        sums[i] += static_cast<double>(v_[g == 3 ? 11 : 9 + g][i]) * cell[i];
    }
    if (s_.norm) {
      double mean = 0, variance = 0;
      for (double v : sums) mean += v / static_cast<double>(n);
      for (double v : sums) variance += (v - mean) * (v - mean) / static_cast<double>(n);
      for (size_t i = 0; i < n; ++i)
        sums[i] =
            (sums[i] - mean) / std::sqrt(variance + 1e-8) * static_cast<double>(v_[20 + g][i]);
    }
    for (size_t i = 0; i < n; ++i) sums[i] += static_cast<double>(v_[12 + g][i]);
    return sums;
  }

  const LstmSpec& s_;
  const std::vector<std::vector<float>>& v_;
  std::vector<double> h_, c_;
};

}  // namespace cygnet::test
