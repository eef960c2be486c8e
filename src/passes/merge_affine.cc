// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

namespace cygnet::passes {
namespace {

int32_t product(Patch& patch, int32_t a, int32_t b, const std::string& name,
                Activation activation = Activation::NONE) {
  schema::MulOptionsT options;
  options.fused_activation_function = activation;
  return patch.add(Builtin::MUL, {a, b}, options, Results(name));
}
int32_t sum(Patch& patch, int32_t a, int32_t b, const std::string& name,
            Activation activation = Activation::NONE) {
  schema::AddOptionsT options;
  options.fused_activation_function = activation;
  return patch.add(Builtin::ADD, {a, b}, options, Results(name));
}

// A MUL or ADD of x and a constant.
struct Step {
  int32_t x = kAbsent, c = kAbsent;
  explicit operator bool() const { return x != kAbsent; }
};
Step step_of(const Patch& patch, int32_t n) {
  const auto inputs = patch.node(n).inputs;
  for (size_t k = 0; k < 2; ++k)
    if (patch.constant(inputs[k]) && !patch.constant(inputs[1 - k]))
      return {inputs[1 - k], inputs[k]};
  return {};
}
// The step `op` that makes t, which nobody else reads.
Step step_behind(const Patch& patch, int32_t t, Builtin op) {
  const int32_t n = plain(patch, t, op);
  return n >= 0 && patch.single_use(t) ? step_of(patch, n) : Step{};
}

// (z + b)·c + d → z·c + (b·c + d); (z·a + b)·c → z·(a·c) + b·c.
bool shorten_chain(Patch& patch, int32_t n) {
  const bool ends_in_sum = patch.is(n, Builtin::ADD);
  if ((!ends_in_sum && !patch.is(n, Builtin::MUL)) ||
      patch.type(patch.node(n).outputs[0]) != Type::float32)
    return false;
  const Step last = step_of(patch, n);
  if (!last) return false;
  const Builtin same = ends_in_sum ? Builtin::ADD : Builtin::MUL;
  const Step middle = step_behind(patch, last.x, ends_in_sum ? Builtin::MUL : Builtin::ADD);
  const Step first = middle ? step_behind(patch, middle.x, same) : Step{};
  if (!first || patch.type(first.x) != Type::float32) return false;
  const int32_t y = patch.node(n).outputs[0];
  const Activation activation = fused_activation(patch, n);
  const std::string name(patch.tensor(y).name), inner(patch.tensor(last.x).name);
  const std::string constant(patch.tensor(last.c).name);
  int32_t factor = middle.c, offset = kAbsent;
  if (ends_in_sum) {
    offset = sum(patch, product(patch, first.c, middle.c, constant), last.c, constant);
  } else {
    factor = product(patch, first.c, last.c, constant);
    offset = product(patch, middle.c, last.c, constant);
  }
  patch.replace(y, sum(patch, product(patch, first.x, factor, inner), offset, name, activation));
  patch.erase(n);
  return true;
}

// t = ±m·s for the given s: m and the sign.
struct Scaled {
  int32_t m = kAbsent;
  bool negative = false;
};
Scaled scaled_by(const Patch& patch, int32_t t, int32_t s) {
  const int32_t n = plain(patch, t, Builtin::MUL);
  if (n < 0 || !patch.single_use(t)) return {};
  const int32_t m = operand_beside(patch, n, s);
  const int32_t neg = patch.producer(m, Builtin::NEG);
  return neg < 0 ? Scaled{m, false} : Scaled{patch.node(neg).inputs[0], true};
}

// What is added to x·s: −m·s, and with it maybe c.
struct Rest {
  int32_t m = kAbsent, c = kAbsent;
};
Rest rest_of(const Patch& patch, int32_t t, int32_t s) {
  const Scaled alone = scaled_by(patch, t, s);
  if (alone.m != kAbsent) return alone.negative ? Rest{alone.m} : Rest{};
  if (!patch.single_use(t)) return {};
  const int32_t minus = plain(patch, t, Builtin::SUB), plus = plain(patch, t, Builtin::ADD);
  if (minus >= 0) {
    const auto inputs = patch.node(minus).inputs;
    const Scaled part = scaled_by(patch, inputs[1], s);
    return part.m != kAbsent && !part.negative ? Rest{part.m, inputs[0]} : Rest{};
  }
  if (plus < 0) return {};
  for (size_t k = 0; k < 2; ++k) {
    const auto inputs = patch.node(plus).inputs;
    const Scaled part = scaled_by(patch, inputs[k], s);
    if (part.m != kAbsent && part.negative) return {part.m, inputs[1 - k]};
  }
  return {};
}

// x·s + (c − m·s) → (x − m)·s + c, and without c.
bool common_factor(Patch& patch, int32_t n) {
  const bool minus = patch.is(n, Builtin::SUB);
  const int32_t y = patch.node(n).outputs[0];
  if ((!minus && !patch.is(n, Builtin::ADD)) || patch.type(y) != Type::float32) return false;
  const auto inputs = patch.node(n).inputs;
  for (size_t k = 0; k < (minus ? 1u : 2u); ++k) {
    const int32_t p = plain(patch, inputs[k], Builtin::MUL);
    if (p < 0 || !patch.single_use(inputs[k])) continue;
    for (size_t j = 0; j < 2; ++j) {
      const int32_t x = patch.node(p).inputs[j], s = patch.node(p).inputs[1 - j];
      Rest rest;
      if (minus) {
        const Scaled part = scaled_by(patch, inputs[1], s);
        if (part.m != kAbsent && !part.negative) rest.m = part.m;
      } else {
        rest = rest_of(patch, inputs[1 - k], s);
      }
      if (rest.m == kAbsent || patch.constant(s)) continue;
      const Activation activation = fused_activation(patch, n);
      const std::string name(patch.tensor(y).name), inner(patch.tensor(inputs[k]).name);
      const int32_t d =
          patch.add(Builtin::SUB, {x, rest.m}, schema::SubOptionsT(), Results(inner + "/centered"));
      const int32_t z = rest.c == kAbsent
                            ? product(patch, d, s, name, activation)
                            : sum(patch, product(patch, d, s, inner), rest.c, name, activation);
      patch.replace(y, z);
      patch.erase(n);
      return true;
    }
  }
  return false;
}

// Whether weights that follow t can take a factor in front of them.
bool weights_follow(const Patch& patch, int32_t t) {
  const int32_t n = patch.single_consumer(t);
  if (!patch.is(n, Builtin::CONV_2D) && !patch.is(n, Builtin::FULLY_CONNECTED)) return false;
  const auto inputs = patch.node(n).inputs;
  return inputs[0] == t && patch.constant(inputs[1]) && patch.type(inputs[1]) == Type::float32 &&
         patch.consumers(inputs[1]).size() == 1;
}

// a·(b·c) → (a·b)·c for a constant c, where that costs nothing: the constant can merge with what
// follows.
bool constant_outwards(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  if (!patch.is(n, Builtin::MUL) || patch.type(y) != Type::float32) return false;
  const auto inputs = patch.node(n).inputs;
  if (patch.constant(inputs[0]) || patch.constant(inputs[1])) return false;
  for (size_t k = 0; k < 2; ++k) {
    const Step inner = step_behind(patch, inputs[k], Builtin::MUL);
    const int32_t a = inputs[1 - k];
    const bool absorbed = inner && patch.shape(inner.c).elements() == 1 &&
                          weights_follow(patch, y) &&
                          fused_activation(patch, n) == Activation::NONE;
    const bool free = inner && patch.shape(inner.c).elements() != 1 &&
                      same_shape(patch, inputs[k], y) && !same_shape(patch, inner.x, y) &&
                      same_shape(patch, a, y);
    if (!absorbed && !free) continue;
    const Activation activation = fused_activation(patch, n);
    const std::string name(patch.tensor(y).name), middle(patch.tensor(inputs[k]).name);
    patch.replace(y, product(patch, product(patch, a, inner.x, middle), inner.c, name, activation));
    patch.erase(n);
    return true;
  }
  return false;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (patch.erased(n)) continue;
    const bool changed =
        shorten_chain(patch, n) || common_factor(patch, n) || constant_outwards(patch, n);
    rewrites += changed ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// Sums and products with the fewest operators: chains of constants as one MUL and one ADD, common
/// factors taken out, constants last. This is what makes layer normalization short.
extern const Pass kMergeAffine;
const Pass kMergeAffine = {.name = "merge-affine",
                           .summary = "chains of MUL and ADD, common factors",
                           .level = PassLevel::fuse,
                           .run = run};

}  // namespace cygnet::passes
