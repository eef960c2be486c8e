// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

// A float32 binary operator of one constant operand.
struct Half {
  int32_t x = kAbsent;  ///< the other operand
  int32_t c = kAbsent;  ///< the constant
  bool constant_first = false;
};

Half half_of(const Patch& patch, int32_t n) {
  const auto inputs = patch.node(n).inputs;
  if (inputs.size() != 2 || patch.type(patch.node(n).outputs[0]) != Type::float32) return {};
  const bool first = patch.constant(inputs[0]), second = patch.constant(inputs[1]);
  if (first == second) return {};
  return {first ? inputs[1] : inputs[0], first ? inputs[0] : inputs[1], first};
}

// A constant of f of each element.
int32_t map_constant(Patch& patch, int32_t c, const std::function<float(float)>& f) {
  std::vector<float> values;
  for (float v : patch.values<float>(c)) values.push_back(f(v));
  const std::string name(patch.tensor(c).name);
  return patch.constant<float>(patch.shape(c), values, name);
}

template <class Options>
int32_t add_with(Patch& patch, Builtin op, int32_t a, int32_t b, Activation activation,
                 int32_t like) {
  Options options;
  options.fused_activation_function = activation;
  const std::string name(patch.tensor(like).name);
  return patch.add(op, {a, b}, options, Results(name));
}

bool put(Patch& patch, int32_t n, int32_t z) {
  patch.replace(patch.node(n).outputs[0], z);
  patch.erase(n);
  return true;
}

// x / c → x · (1/c); x − c → x + (−c).
bool constants_to_the_right(Patch& patch, int32_t n) {
  const Half h = half_of(patch, n);
  if (h.x == kAbsent || h.constant_first) return false;
  const int32_t y = patch.node(n).outputs[0];
  const Activation act = fused_activation(patch, n);
  if (patch.is(n, Builtin::DIV)) {
    for (float v : patch.values<float>(h.c))
      if (!std::isnormal(v) || !std::isnormal(1 / v)) return false;
    const int32_t c = map_constant(patch, h.c, [](float v) { return 1 / v; });
    return put(patch, n, add_with<schema::MulOptionsT>(patch, Builtin::MUL, h.x, c, act, y));
  }
  if (!patch.is(n, Builtin::SUB)) return false;
  const int32_t c = map_constant(patch, h.c, [](float v) { return -v; });
  return put(patch, n, add_with<schema::AddOptionsT>(patch, Builtin::ADD, h.x, c, act, y));
}

// x · 1, x + 0 → x, where nothing else happens.
bool neutral(Patch& patch, int32_t n) {
  const bool product = patch.is(n, Builtin::MUL);
  const Half h = half_of(patch, n);
  if (h.x == kAbsent || (!product && !patch.is(n, Builtin::ADD))) return false;
  const auto c = patch.uniform(h.c);
  const int32_t y = patch.node(n).outputs[0];
  if (!c || *c != (product ? 1.0f : 0.0f) || !same_shape(patch, h.x, y)) return false;
  const Activation act = fused_activation(patch, n);
  if (act == Activation::RELU || act == Activation::RELU6) {
    const std::string name(patch.tensor(y).name);
    return put(patch, n,
               patch.add(act == Activation::RELU ? Builtin::RELU : Builtin::RELU6, {h.x},
                         NoOptions(), Results(name)));
  }
  if (act != Activation::NONE || !try_replace(patch, y, h.x)) return false;
  patch.erase(n);
  return true;
}

// (x · a) · b → x · (a·b), and so with sums, where one constant covers the shape of the other.
bool merge_constants(Patch& patch, int32_t n) {
  const bool product = patch.is(n, Builtin::MUL);
  const Half outer = half_of(patch, n);
  if (outer.x == kAbsent || (!product && !patch.is(n, Builtin::ADD))) return false;
  const int32_t m = plain(patch, outer.x, product ? Builtin::MUL : Builtin::ADD);
  if (m < 0 || !patch.single_use(outer.x)) return false;
  const Half inner = half_of(patch, m);
  if (inner.x == kAbsent) return false;
  const auto a = patch.values<float>(inner.c), b = patch.values<float>(outer.c);
  const bool same = patch.shape(inner.c) == patch.shape(outer.c);
  if (!same && a.size() != 1 && b.size() != 1) return false;
  const bool inner_larger =
      a.size() > b.size() ||
      (a.size() == b.size() && patch.shape(inner.c).rank >= patch.shape(outer.c).rank);
  std::vector<float> merged(std::max(a.size(), b.size()));
  for (size_t i = 0; i < merged.size(); ++i) {
    const double p = static_cast<double>(a[a.size() == 1 ? 0 : i]);
    const double q = static_cast<double>(b[b.size() == 1 ? 0 : i]);
    merged[i] = static_cast<float>(product ? p * q : p + q);
    if (!std::isfinite(merged[i]) || (product && std::fpclassify(merged[i]) == FP_SUBNORMAL))
      return false;
  }
  const int32_t large = inner_larger ? inner.c : outer.c;
  const std::string name(patch.tensor(large).name);
  const int32_t c = patch.constant<float>(patch.shape(large), merged, name);
  const Activation act = fused_activation(patch, n);
  const int32_t y = patch.node(n).outputs[0];
  return put(patch, n,
             product ? add_with<schema::MulOptionsT>(patch, Builtin::MUL, inner.x, c, act, y)
                     : add_with<schema::AddOptionsT>(patch, Builtin::ADD, inner.x, c, act, y));
}

// a + (−b) → a − b; a − (−b) → a + b; −(a − b) → b − a.
bool negations(Patch& patch, int32_t n) {
  const Node node = patch.node(n);
  const int32_t y = node.outputs[0];
  if (patch.type(y) != Type::float32) return false;
  const auto negated = [&](int32_t t) {
    const int32_t p = patch.producer(t, Builtin::NEG);
    return p < 0 ? kAbsent : patch.node(p).inputs[0];
  };
  if (patch.is(n, Builtin::NEG)) {
    const int32_t x = node.inputs[0], d = plain(patch, x, Builtin::SUB);
    if (negated(x) != kAbsent && try_replace(patch, y, negated(x))) {
      patch.erase(n);
      return true;
    }
    if (d < 0 || !patch.single_use(x)) return false;
    const auto in = patch.node(d).inputs;
    return put(
        patch, n,
        add_with<schema::SubOptionsT>(patch, Builtin::SUB, in[1], in[0], Activation::NONE, y));
  }
  const Activation act = fused_activation(patch, n);
  if (patch.is(n, Builtin::SUB) && negated(node.inputs[1]) != kAbsent)
    return put(patch, n,
               add_with<schema::AddOptionsT>(patch, Builtin::ADD, node.inputs[0],
                                             negated(node.inputs[1]), act, y));
  if (!patch.is(n, Builtin::ADD)) return false;
  for (size_t k = 0; k < 2; ++k)
    if (negated(node.inputs[k]) != kAbsent)
      return put(patch, n,
                 add_with<schema::SubOptionsT>(patch, Builtin::SUB, node.inputs[1 - k],
                                               negated(node.inputs[k]), act, y));
  return false;
}

// Powers with an operator of their own; (x − 0)².
bool powers(Patch& patch, int32_t n) {
  const Node node = patch.node(n);
  const int32_t y = node.outputs[0];
  if (patch.type(y) != Type::float32) return false;
  const auto times_itself = [&](int32_t x) {
    return put(patch, n,
               add_with<schema::MulOptionsT>(patch, Builtin::MUL, x, x, Activation::NONE, y));
  };
  const std::string name(patch.tensor(y).name);
  if (patch.is(n, Builtin::SQUARE)) return times_itself(node.inputs[0]);
  if (patch.is(n, Builtin::SQUARED_DIFFERENCE))
    return patch.uniform(node.inputs[1]) == 0.0f && same_shape(patch, node.inputs[0], y) &&
           times_itself(node.inputs[0]);
  if (!patch.is(n, Builtin::POW) || !same_shape(patch, node.inputs[0], y)) return false;
  const int32_t x = node.inputs[0];
  const auto p = patch.uniform(node.inputs[1]);
  if (p == 2.0f) return times_itself(x);
  if (p == 0.5f) return put(patch, n, patch.add(Builtin::SQRT, {x}, NoOptions(), Results(name)));
  if (p == -0.5f && has(patch, Builtin::RSQRT))
    return put(patch, n, patch.add(Builtin::RSQRT, {x}, NoOptions(), Results(name)));
  if (p != 1.0f || !try_replace(patch, y, x)) return false;
  patch.erase(n);
  return true;
}

// 1 / √x → RSQRT(x); a / √x → a · RSQRT(x), a · (1/b) is left.
bool reciprocal_roots(Patch& patch, int32_t n) {
  if (!patch.is(n, Builtin::DIV) || !has(patch, Builtin::RSQRT)) return false;
  const Node node = patch.node(n);
  const int32_t y = node.outputs[0], root = patch.producer(node.inputs[1], Builtin::SQRT);
  if (root < 0 || patch.type(y) != Type::float32 || !patch.single_use(node.inputs[1])) return false;
  const std::string name(patch.tensor(y).name);
  const int32_t x = patch.node(root).inputs[0];
  const bool one = patch.uniform(node.inputs[0]) == 1.0f && same_shape(patch, x, y);
  if (!one || fused_activation(patch, n) != Activation::NONE) return false;
  return put(patch, n, patch.add(Builtin::RSQRT, {x}, NoOptions(), Results(name)));
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (patch.erased(n) || patch.node(n).outputs.size() != 1) continue;
    const bool changed = constants_to_the_right(patch, n) || neutral(patch, n) ||
                         merge_constants(patch, n) || negations(patch, n) || powers(patch, n) ||
                         reciprocal_roots(patch, n);
    rewrites += changed ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// One spelling for arithmetic with constants, fewer operators: MUL for DIV, ADD for SUB, chains of
/// constants in one, negations absorbed, powers and reciprocal roots by their own operators.
extern const Pass kSimplifyArithmetic;
const Pass kSimplifyArithmetic = {.name = "simplify-arithmetic",
                                  .summary = "constants, negations and powers in one spelling",
                                  .level = PassLevel::fuse,
                                  .run = run};

}  // namespace cygnet::passes
