// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

namespace cygnet::passes {
namespace {

constexpr double kInfinity = HUGE_VAL;

// Clamped values: min(max(x, low), high).
struct Clip {
  int32_t x = kAbsent;
  double low = -kInfinity, high = kInfinity;
};

void narrow(Clip& clip, double low, double high) {
  // The outer bounds were applied last: they win where the ranges don't meet.
  clip.low = std::fmin(std::fmax(low, clip.low), clip.high);
  clip.high = std::fmax(std::fmin(high, clip.high), clip.low);
}

// One step backwards through a clamp; false when t is none.
bool step(const Patch& patch, Clip& clip) {
  const int32_t n = patch.producer(clip.x);
  if (n < 0 || patch.type(clip.x) != Type::float32) return false;
  const auto inputs = patch.node(n).inputs;
  const auto enter = [&](int32_t x, double low, double high) {
    narrow(clip, low, high);
    clip.x = x;
    return true;
  };
  if (patch.is(n, Builtin::RELU)) return enter(inputs[0], 0, kInfinity);
  if (patch.is(n, Builtin::RELU6)) return enter(inputs[0], 0, 6);
  if (patch.is(n, Builtin::RELU_0_TO_1)) return enter(inputs[0], 0, 1);
  if (patch.is(n, Builtin::RELU_N1_TO_1)) return enter(inputs[0], -1, 1);
  const bool low = patch.is(n, Builtin::MAXIMUM);
  if (!low && !patch.is(n, Builtin::MINIMUM)) return false;
  for (size_t k = 0; k < 2; ++k) {
    const auto c = patch.uniform(inputs[k]);
    if (!c || std::isnan(*c)) continue;
    const double v = static_cast<double>(*c);
    return enter(inputs[1 - k], low ? v : -kInfinity, low ? kInfinity : v);
  }
  return false;
}

std::optional<Builtin> clamp_of(double low, double high) {
  if (low == 0 && high == kInfinity) return Builtin::RELU;
  if (low == 0 && high == 6) return Builtin::RELU6;
  if (low == 0 && high == 1) return Builtin::RELU_0_TO_1;
  if (low == -1 && high == 1) return Builtin::RELU_N1_TO_1;
  return std::nullopt;
}

bool merge_clamps(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  Clip clip{.x = y};
  int steps = 0;
  Clip best;
  while (steps < 8 && step(patch, clip)) {
    ++steps;
    const auto op = clamp_of(clip.low, clip.high);
    if (op && has(patch, *op) && same_shape(patch, clip.x, y)) best = clip;
  }
  if (best.x == kAbsent) return false;
  const Builtin op = *clamp_of(best.low, best.high);
  const bool already = patch.is(n, op) && patch.node(n).inputs[0] == best.x;
  if (already) return false;
  const std::string name(patch.tensor(y).name);
  patch.replace(y, patch.add(op, {best.x}, NoOptions(), Results(name)));
  patch.erase(n);
  return true;
}

// ---- Leaky

bool become_leaky(Patch& patch, int32_t n, int32_t x, double alpha) {
  const int32_t y = patch.node(n).outputs[0];
  if (!has(patch, Builtin::LEAKY_RELU) || !same_shape(patch, x, y)) return false;
  schema::LeakyReluOptionsT options;
  options.alpha = static_cast<float>(alpha);
  const std::string name(patch.tensor(y).name);
  patch.replace(y, patch.add(Builtin::LEAKY_RELU, {x}, options, Results(name)));
  patch.erase(n);
  return true;
}

// max(x, a·x) with 0 ≤ a ≤ 1.
bool leaky_by_maximum(Patch& patch, int32_t n) {
  if (!patch.is(n, Builtin::MAXIMUM)) return false;
  const auto inputs = patch.node(n).inputs;
  for (size_t k = 0; k < 2; ++k) {
    const int32_t x = inputs[1 - k];
    const Product p = product_of(patch, inputs[k], x);
    if (p.factors == std::vector<int32_t>{x} && p.factor >= 0 && p.factor < 1)
      return become_leaky(patch, n, x, p.factor);
  }
  return false;
}

// The x of relu(−x) or −relu(…): what `t` is the RELU of, and whether that is negated.
struct Rectified {
  int32_t x = kAbsent;
  bool negative = false;
};
Rectified rectified(const Patch& patch, int32_t t) {
  const int32_t n = patch.producer(t, Builtin::RELU);
  if (n < 0) return {};
  const int32_t in = patch.node(n).inputs[0];
  const int32_t neg = patch.producer(in, Builtin::NEG);
  if (neg >= 0) return {patch.node(neg).inputs[0], true};
  const int32_t minus = beside_uniform(patch, in, Builtin::MUL, -1);
  return minus != kAbsent ? Rectified{minus, true} : Rectified{in, false};
}

// `t` = factor · relu(−x), a channel's factor in `alpha` where it is no uniform constant.
struct NegativePart {
  int32_t x = kAbsent;
  double factor = 0;
  int32_t alpha = kAbsent;
};
NegativePart negative_part(const Patch& patch, int32_t t) {
  const Product p = product_of(patch, t);
  NegativePart part{.factor = p.factor};
  if (p.factors.empty() || p.factors.size() > 2) return {};
  for (int32_t f : p.factors) {
    const Rectified r = rectified(patch, f);
    if (r.x != kAbsent && r.negative)
      part.x = r.x;
    else
      part.alpha = f;
  }
  const bool one = p.factors.size() == 1;
  if (part.x == kAbsent || (!one && !patch.constant(part.alpha))) return {};
  return part;
}

// relu(x) − a·relu(−x), or relu(x) + (−a)·relu(−x).
bool leaky_by_parts(Patch& patch, int32_t n) {
  const bool minus = patch.is(n, Builtin::SUB);
  const int32_t y = patch.node(n).outputs[0];
  if ((!minus && !patch.is(n, Builtin::ADD)) ||
      plain(patch, y, static_cast<Builtin>(patch.node(n).builtin)) < 0)
    return false;
  const auto inputs = patch.node(n).inputs;
  for (size_t k = 0; k < (minus ? 1u : 2u); ++k) {
    const Rectified r = rectified(patch, inputs[k]);
    const NegativePart p = negative_part(patch, inputs[1 - k]);
    if (r.x == kAbsent || r.negative || p.x != r.x) continue;
    const double alpha = minus ? p.factor : -p.factor;
    if (p.alpha == kAbsent) return become_leaky(patch, n, r.x, alpha);
    if (!same_shape(patch, r.x, y)) continue;
    std::vector<float> slopes;
    for (float v : patch.values<float>(p.alpha))
      slopes.push_back(static_cast<float>(alpha * static_cast<double>(v)));
    const std::string alpha_name(patch.tensor(p.alpha).name), name(patch.tensor(y).name);
    const int32_t slope = patch.constant<float>(patch.shape(p.alpha), slopes, alpha_name);
    patch.replace(y, patch.add(Builtin::PRELU, {r.x, slope}, NoOptions(), Results(name)));
    patch.erase(n);
    return true;
  }
  return false;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (patch.erased(n) || patch.node(n).outputs.size() != 1) continue;
    const bool changed =
        merge_clamps(patch, n) || leaky_by_maximum(patch, n) || leaky_by_parts(patch, n);
    rewrites += changed ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// RELU, RELU6, RELU_0_TO_1, RELU_N1_TO_1, LEAKY_RELU and PRELU from minima, maxima and sums.
extern const Pass kRecognizeClips;
const Pass kRecognizeClips = {.name = "recognize-clips",
                              .summary = "clamps and leaky clamps as one operator",
                              .level = PassLevel::fuse,
                              .run = run};

}  // namespace cygnet::passes
