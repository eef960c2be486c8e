// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

namespace cygnet::passes {
namespace {

int32_t operand(const Patch& patch, int32_t t, Builtin op) {
  const int32_t n = patch.producer(t, op);
  return n < 0 || patch.type(t) != Type::float32 ? kAbsent : patch.node(n).inputs[0];
}

// Whether t reduces x over its last dimension alone and keeps that at 1.
bool is_row_reduction(const Patch& patch, int32_t t, Builtin op, int32_t x) {
  const int32_t n = patch.producer(t, op);
  if (n < 0 || patch.node(n).inputs[0] != x) return false;
  const int rank = patch.shape(x).rank;
  const auto list = axes(patch, patch.node(n).inputs[1], rank);
  return list == std::vector<int32_t>{rank - 1} &&
         patch.options<schema::ReducerOptions>(patch.node(n)).keep_dims;
}

template <class Options = NoOptions>
bool become(Patch& patch, int32_t n, Builtin op, int32_t x, const Options& options = {}) {
  const int32_t y = patch.node(n).outputs[0];
  if (!has(patch, op) || !same_shape(patch, x, y)) return false;
  const std::string name(patch.tensor(y).name);
  patch.replace(y, patch.add(op, {x}, options, Results(name)));
  patch.erase(n);
  return true;
}

// t = 0.5·x for some x: that x. A factor of 0.5 may lie inside a chain of factors.
int32_t doubled(const Patch& patch, int32_t t) {
  return beside_uniform(patch, t, Builtin::MUL, 0.5);
}

// ½ + ½·tanh(½x), ½·(1 + tanh(½x)).
bool logistic_from_tanh(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  int32_t half = beside_uniform(patch, y, Builtin::ADD, 0.5);
  if (half != kAbsent) {
    half = beside_uniform(patch, half, Builtin::MUL, 0.5);
  } else {
    half = beside_uniform(patch, y, Builtin::MUL, 0.5);
    if (half != kAbsent) half = beside_uniform(patch, half, Builtin::ADD, 1);
  }
  if (half == kAbsent) return false;
  const int32_t u = operand(patch, half, Builtin::TANH);
  const int32_t x = u == kAbsent ? kAbsent : doubled(patch, u);
  return x != kAbsent && become(patch, n, Builtin::LOGISTIC, x);
}

// 1 / (1 + e^−x).
bool logistic_from_exp(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  if (plain(patch, y, Builtin::DIV) < 0 || patch.uniform(patch.node(n).inputs[0]) != 1.0f)
    return false;
  const int32_t e = beside_uniform(patch, patch.node(n).inputs[1], Builtin::ADD, 1);
  const int32_t u = e == kAbsent ? kAbsent : operand(patch, e, Builtin::EXP);
  if (u == kAbsent) return false;
  int32_t x = operand(patch, u, Builtin::NEG);
  if (x == kAbsent) x = beside_uniform(patch, u, Builtin::MUL, -1);
  return x != kAbsent && become(patch, n, Builtin::LOGISTIC, x);
}

// e^x / Σ e^x, with or without the largest element taken off first.
bool softmax(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  if (plain(patch, y, Builtin::DIV) < 0) return false;
  const int32_t e = patch.node(n).inputs[0];
  int32_t x = operand(patch, e, Builtin::EXP);
  if (x == kAbsent || patch.shape(x).rank < 1 ||
      !is_row_reduction(patch, patch.node(n).inputs[1], Builtin::SUM, e))
    return false;
  const int32_t d = plain(patch, x, Builtin::SUB);
  if (d >= 0) {
    const int32_t top = patch.node(d).inputs[0];
    if (is_row_reduction(patch, patch.node(d).inputs[1], Builtin::REDUCE_MAX, top)) x = top;
  }
  schema::SoftmaxOptionsT options;
  options.beta = 1;
  return become(patch, n, Builtin::SOFTMAX, x, options);
}

// log(softmax(x)), which loses what softmax rounds to 0.
bool log_softmax(Patch& patch, int32_t n) {
  const int32_t p =
      patch.is(n, Builtin::LOG) ? patch.producer(patch.node(n).inputs[0], Builtin::SOFTMAX) : -1;
  if (p < 0 || patch.type(patch.node(n).outputs[0]) != Type::float32 ||
      patch.options<schema::SoftmaxOptions>(patch.node(p)).beta != 1)
    return false;
  return become(patch, n, Builtin::LOG_SOFTMAX, patch.node(p).inputs[0]);
}

// x · rsqrt(max(Σ x², 1e-12)): the format's operator divides by max(√Σ x², 1e-6), which is equal.
bool l2_normalization(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  const bool product = plain(patch, y, Builtin::MUL) >= 0;
  if (!product && plain(patch, y, Builtin::DIV) < 0) return false;
  for (size_t k = 0; k < (product ? 2u : 1u); ++k) {
    const int32_t x = patch.node(n).inputs[k], scale = patch.node(n).inputs[1 - k];
    const int32_t bounded = operand(patch, scale, product ? Builtin::RSQRT : Builtin::SQRT);
    const int32_t m = bounded == kAbsent ? -1 : patch.producer(bounded, Builtin::MAXIMUM);
    if (m < 0) continue;
    for (size_t j = 0; j < 2; ++j) {
      const auto c = patch.uniform(patch.node(m).inputs[j]);
      if (!c || !near(*c, 1e-12)) continue;
      const int32_t sum = patch.producer(patch.node(m).inputs[1 - j], Builtin::SUM);
      const int32_t square = sum < 0 ? kAbsent : patch.node(sum).inputs[0];
      const int32_t s = square == kAbsent ? -1 : plain(patch, square, Builtin::MUL);
      if (s < 0 || patch.node(s).inputs[0] != x || patch.node(s).inputs[1] != x) continue;
      if (is_row_reduction(patch, patch.node(m).inputs[1 - j], Builtin::SUM, square))
        return become(patch, n, Builtin::L2_NORMALIZATION, x, schema::L2NormOptionsT());
    }
  }
  return false;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (patch.erased(n) || patch.node(n).outputs.size() != 1 || patch.node(n).inputs.empty())
      continue;
    const bool changed = logistic_from_tanh(patch, n) || logistic_from_exp(patch, n) ||
                         softmax(patch, n) || log_softmax(patch, n) || l2_normalization(patch, n);
    rewrites += changed ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// LOGISTIC, SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION from their arithmetic.
extern const Pass kRecognizeFunctions;
const Pass kRecognizeFunctions = {.name = "recognize-functions",
                                  .summary = "LOGISTIC, SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION",
                                  .level = PassLevel::fuse,
                                  .run = run};

}  // namespace cygnet::passes
