// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

int32_t operand(const Patch& patch, int32_t t, Builtin op) {
  const int32_t n = patch.producer(t, op);
  return n < 0 ? kAbsent : patch.node(n).inputs[0];
}

// ---- erf(z) = sign(z) · (1 − p(t) · e^(−z²)), t = 1 / (1 + 0.3275911·|z|): the formula 7.1.26 of
// Abramowitz and Stegun, which importers use because the format has no erf.

constexpr double kErf[] = {1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592};

bool is_erf_argument(const Patch& patch, int32_t t, int32_t z) {
  const int32_t n = plain(patch, t, Builtin::DIV);
  if (n < 0) return false;
  const auto one = patch.uniform(patch.node(n).inputs[0]);
  const int32_t scaled = beside_uniform(patch, patch.node(n).inputs[1], Builtin::ADD, 1);
  if (!one || *one != 1 || scaled == kAbsent) return false;
  const int32_t magnitude = beside_uniform(patch, scaled, Builtin::MUL, 0.3275911);
  return magnitude != kAbsent && operand(patch, magnitude, Builtin::ABS) == z;
}

// Whether `sum` is the polynomial's Horner form without the last factor t.
bool is_erf_polynomial(const Patch& patch, int32_t sum, int32_t t) {
  for (int k = 4; k >= 1; --k) {
    const int32_t product = beside_uniform(patch, sum, Builtin::ADD, kErf[k]);
    if (product == kAbsent) return false;
    if (k == 1) return beside_uniform(patch, product, Builtin::MUL, kErf[0]) == t;
    const int32_t n = plain(patch, product, Builtin::MUL);
    sum = n < 0 ? kAbsent : operand_beside(patch, n, t);
    if (sum == kAbsent) return false;
  }
  return false;
}

bool is_erf_decay(const Patch& patch, int32_t d, int32_t z) {
  const int32_t exponent = operand(patch, d, Builtin::EXP);
  if (exponent == kAbsent) return false;
  const int32_t square = operand(patch, exponent, Builtin::NEG);
  const int32_t n = square == kAbsent ? -1 : plain(patch, square, Builtin::MUL);
  return n >= 0 && patch.node(n).inputs[0] == z && patch.node(n).inputs[1] == z;
}

// p(t) · e^(−z²) by its factors, of which product_of finds three: sum, t, decay.
bool is_erf_rest(const Patch& patch, int32_t rest, int32_t z) {
  const int32_t n = plain(patch, rest, Builtin::MUL);
  if (n < 0) return false;
  for (size_t k = 0; k < 2; ++k) {
    if (!is_erf_decay(patch, patch.node(n).inputs[k], z)) continue;
    const int32_t m = plain(patch, patch.node(n).inputs[1 - k], Builtin::MUL);
    if (m < 0) return false;
    for (size_t j = 0; j < 2; ++j) {
      const int32_t t = patch.node(m).inputs[j], sum = patch.node(m).inputs[1 - j];
      if (is_erf_argument(patch, t, z) && is_erf_polynomial(patch, sum, t)) return true;
    }
  }
  return false;
}

// The z of erf(z); kAbsent when y is none.
int32_t erf_of(const Patch& patch, int32_t y) {
  const int32_t n = plain(patch, y, Builtin::MUL);
  if (n < 0) return kAbsent;
  for (size_t k = 0; k < 2; ++k) {
    const int32_t z = operand(patch, patch.node(n).inputs[k], Builtin::SIGN);
    const int32_t m = plain(patch, patch.node(n).inputs[1 - k], Builtin::SUB);
    if (z == kAbsent || m < 0 || patch.uniform(patch.node(m).inputs[0]) != 1.0f) continue;
    if (is_erf_rest(patch, patch.node(m).inputs[1], z)) return z;
  }
  return kAbsent;
}

// ---- √(2/π) · (x + 0.044715·x³)

bool is_cube(const Patch& patch, int32_t t, int32_t x) {
  const Product p = product_of(patch, t, x);
  if (!near(p.factor, 0.044715)) return false;
  if (p.factors == std::vector<int32_t>{x, x, x}) return true;
  const auto pow_of = [&](int32_t f, float power) {
    const int32_t n = patch.producer(f, Builtin::POW);
    return n >= 0 && patch.node(n).inputs[0] == x &&
           patch.uniform(patch.node(n).inputs[1]) == power;
  };
  if (p.factors.size() == 1) return pow_of(p.factors[0], 3);
  return p.factors.size() == 2 && ((p.factors[0] == x && pow_of(p.factors[1], 2)) ||
                                   (p.factors[1] == x && pow_of(p.factors[0], 2)));
}

bool is_square(const Patch& patch, int32_t t, int32_t x) {
  const Product p = product_of(patch, t, x);
  return near(p.factor, 0.044715) && p.factors == std::vector<int32_t>{x, x};
}

bool is_tanh_argument(const Patch& patch, int32_t u, int32_t x) {
  const Product p = product_of(patch, u, x);
  if (!near(p.factor, 0.7978845608)) return false;
  for (int32_t f : p.factors) {
    const int32_t n = plain(patch, f, Builtin::ADD);
    if (n < 0) continue;
    const auto inputs = patch.node(n).inputs;
    if (p.factors.size() == 1 && ((inputs[0] == x && is_cube(patch, inputs[1], x)) ||
                                  (inputs[1] == x && is_cube(patch, inputs[0], x))))
      return true;
    const int32_t square = beside_uniform(patch, f, Builtin::ADD, 1);
    if (p.factors.size() == 2 && std::count(p.factors.begin(), p.factors.end(), x) == 1 &&
        square != kAbsent && is_square(patch, square, x))
      return true;
  }
  return false;
}

// ---- ½ · x · (1 + f(x))

enum class Form { none, erf, tanh };

constexpr double kHalfRoot = 0.70710678118;  // 1/√2

// Whether z is factor·x.
bool is_multiple(const Patch& patch, int32_t z, int32_t x, double factor) {
  if (z == x) return near(factor, 1);
  const int32_t negated = operand(patch, z, Builtin::NEG);
  if (negated != kAbsent) return is_multiple(patch, negated, x, -factor);
  const Product p = product_of(patch, z, x);
  if (p.factors.size() != 1 || p.factors[0] == z || p.factor == 0) return false;
  return is_multiple(patch, p.factors[0], x, factor / p.factor);
}

// What the gate `g`, 1 + erf or 1 + tanh, is made of; also in the form 1 − erf(−x/√2), which is
// erfc.
Form form_of(const Patch& patch, int32_t g, int32_t x) {
  const int32_t m = plain(patch, g, Builtin::SUB);
  if (m >= 0 && patch.uniform(patch.node(m).inputs[0]) == 1.0f) {
    const int32_t z = erf_of(patch, patch.node(m).inputs[1]);
    return z != kAbsent && is_multiple(patch, z, x, -kHalfRoot) ? Form::erf : Form::none;
  }
  const int32_t f = beside_uniform(patch, g, Builtin::ADD, 1);
  if (f == kAbsent) return Form::none;
  const int32_t u = operand(patch, f, Builtin::TANH);
  if (u != kAbsent) return is_tanh_argument(patch, u, x) ? Form::tanh : Form::none;
  const int32_t z = erf_of(patch, f);
  if (z == kAbsent) return Form::none;
  return is_multiple(patch, z, x, kHalfRoot) ? Form::erf : Form::none;
}

struct Match {
  int32_t x = kAbsent;
  Form form = Form::none;
};

// Tries as x each operand of the products that make y.
Match gelu_of(const Patch& patch, int32_t y) {
  std::vector<int32_t> todo = {y}, seen;
  while (!todo.empty() && seen.size() < 16) {
    const int32_t t = todo.back();
    todo.pop_back();
    for (Builtin op : {Builtin::MUL, Builtin::DIV}) {
      const int32_t n = plain(patch, t, op);
      if (n < 0) continue;
      for (int32_t i : patch.node(n).inputs)
        if (!patch.constant(i)) {
          seen.push_back(i);
          todo.push_back(i);
        }
    }
  }
  for (int32_t x : seen) {
    const Product p = product_of(patch, y, x);
    if (p.factors.size() != 2 || !near(p.factor, 0.5)) continue;
    if (p.factors[0] != x && p.factors[1] != x) continue;
    const Form form = form_of(patch, p.factors[p.factors[0] == x ? 1 : 0], x);
    if (form != Form::none) return {x, form};
  }
  return {};
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  if (!has(patch, Builtin::GELU)) return 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (!patch.is(n, Builtin::MUL)) continue;
    const int32_t y = patch.node(n).outputs[0];
    if (plain(patch, y, Builtin::MUL) < 0) continue;
    const Match match = gelu_of(patch, y);
    if (match.x == kAbsent || !same_shape(patch, match.x, y)) continue;
    schema::GeluOptionsT options;
    options.approximate = match.form == Form::tanh;
    const std::string name(patch.tensor(y).name);
    patch.replace(y, patch.add(Builtin::GELU, {match.x}, options, Results(name)));
    patch.erase(n);
    ++rewrites;
  }
  return rewrites;
}

}  // namespace

/// ½·x·(1 + erf(x/√2)) and ½·x·(1 − erf(−x/√2)) → GELU; ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) →
/// GELU, approximate.
extern const Pass kRecognizeGelu;
const Pass kRecognizeGelu = {.name = "recognize-gelu",
                             .summary = "both forms of GELU from their arithmetic",
                             .level = PassLevel::fuse,
                             .run = run};

}  // namespace cygnet::passes
