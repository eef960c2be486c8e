// SPDX-License-Identifier: Apache-2.0
// Rounding to quantized values in training. FAKE_QUANT where the format can say it, else
// arithmetic.
#include <cmath>
#include <limits>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

// Limits moved so that 0 is a whole step (fake_quant_ops_functor.h of TensorFlow 2.21).
struct Nudged {
  float low, high, scale;
  Nudged(float min, float max, float steps_low, float steps_high) {
    scale = (max - min) / (steps_high - steps_low);
    const float zero = steps_low - min / scale;
    const float place = zero < steps_low    ? steps_low
                        : zero > steps_high ? steps_high
                                            : std::round(zero);
    low = (steps_low - place) * scale;
    high = (steps_high - place) * scale;
  }
};

// A step size for each channel: floor((clamp(x) − low) / scale + ½)·scale + low.
void by_steps(Call& c, const std::vector<float>& min, const std::vector<float>& max) {
  Editor& e = c.e;
  const int64_t bits = c.node.integer("num_bits", 8);
  if (bits < 2 || bits > 16) c.fail("num_bits: expected 2 to 16, got ", bits);
  const float first = c.node.boolean("narrow_range", false) ? 1.0f : 0.0f;
  const auto last = static_cast<float>((1 << bits) - 1);
  std::vector<float> low, high, scale, inverse;
  for (size_t i = 0; i < min.size(); ++i) {
    if (!(max[i] > min[i])) c.fail("channel ", i, ": expected min < max");
    const Nudged n(min[i], max[i], first, last);
    low.push_back(n.low);
    high.push_back(n.high);
    scale.push_back(n.scale);
    inverse.push_back(1 / n.scale);
  }
  const auto row = [&](const std::vector<float>& list, const char* name) {
    return e.constant<float>({static_cast<int32_t>(list.size())}, list, c.part(name));
  };
  const int32_t lows = row(low, "low");
  int32_t x = binary(e, Builtin::MINIMUM, c.in(0), row(high, "high"), c.part("minimum"));
  x = binary(e, Builtin::MAXIMUM, x, lows, c.part("maximum"));
  x = binary(e, Builtin::SUB, x, lows, c.part("from_low"));
  x = binary(e, Builtin::MUL, x, row(inverse, "inverse"), c.part("steps"));
  x = binary(e, Builtin::ADD, x, scalar(e, 0.5), c.part("plus_half"));
  x = unary(e, Builtin::FLOOR, x, c.part("floor"));
  x = binary(e, Builtin::MUL, x, row(scale, "scale"), c.part("scaled"));
  c.out(binary(e, Builtin::ADD, x, lows, c.name()));
}

void fake_quant_per_channel(Call& c) {
  if (!c.e.constant(c.in(1)) || !c.e.constant(c.in(2)) || c.shape(1).rank != 1 ||
      !(c.shape(1) == c.shape(2)))
    c.fail("expected constant limits for each channel");
  const auto min = c.e.values<float>(c.in(1)), max = c.e.values<float>(c.in(2));
  by_steps(c, {min.begin(), min.end()}, {max.begin(), max.end()});
}

// LiteRT refuses FAKE_QUANT with narrow_range: that stays only where it is computed at once.
void fake_quant(Call& c, float low, float high) {
  if (!(low < high)) c.fail("expected min < max, got ", low, " and ", high);
  if (c.node.boolean("narrow_range", false) && !c.e.constant(c.in(0)))
    return by_steps(c, {low}, {high});
  schema::FakeQuantOptionsT o;
  o.min = low;
  o.max = high;
  o.num_bits = static_cast<int32_t>(c.node.integer("num_bits", 8));
  o.narrow_range = c.node.boolean("narrow_range", false);
  c.out(c.e.add(Builtin::FAKE_QUANT, {c.in(0)}, o, c.name()));
}

void fake_quant_args(Call& c) {
  fake_quant(c, c.node.real("min", -6), c.node.real("max", 6));
}

void fake_quant_vars(Call& c) {
  const auto low = c.e.uniform(c.in(1)), high = c.e.uniform(c.in(2));
  if (!low || !high) c.fail("expected constant limits");
  fake_quant(c, *low, *high);
}

// round(clamp(x)·scale) / scale, the scale by the limit that needs the coarser steps
// (quantize_and_dequantize_op.h of TensorFlow 2.21).
void quantize_and_dequantize(Call& c) {
  Editor& e = c.e;
  const auto low = e.uniform(c.in(1)), high = e.uniform(c.in(2));
  if (!low || !high || !c.node.boolean("range_given", false) || c.node.integer("axis", -1) != -1)
    c.fail("expected constant limits for the whole tensor (range_given)");
  int64_t bits = c.node.integer("num_bits", 8);
  if (c.inputs() > 3) bits = c.integer(3);
  if (bits < 2 || bits > 24) c.fail("num_bits: expected 2 to 24, got ", bits);
  const bool is_signed = c.node.boolean("signed_input", true);
  const int narrow = c.node.boolean("narrow_range", false) ? 1 : 0;
  const auto steps_low =
      is_signed ? static_cast<float>(-(int64_t{1} << (bits - 1)) + narrow) : static_cast<float>(0);
  const auto steps_high = static_cast<float>((int64_t{1} << (is_signed ? bits - 1 : bits)) - 1);
  constexpr float kNone = std::numeric_limits<float>::max();
  const float by_low = steps_low * *low > 0 ? steps_low / *low : kNone;
  const float by_high = steps_high * *high > 0 ? steps_high / *high : kNone;
  const float scale = std::min(by_low, by_high);
  if (scale == kNone) c.fail("limits ", *low, " and ", *high, " hold no range");
  const float inverse = by_low < by_high ? *low / steps_low : *high / steps_high;
  const float from = by_low < by_high ? *low : steps_low * inverse;
  const float to = by_low < by_high ? steps_high * inverse : *high;
  int32_t x = binary(e, Builtin::MAXIMUM, c.in(0), e.scalar(from), c.part("maximum"));
  x = binary(e, Builtin::MINIMUM, x, e.scalar(to), c.part("minimum"));
  x = binary(e, Builtin::MUL, x, e.scalar(scale), c.part("steps"));
  if (c.node.string("round_mode", "HALF_TO_EVEN") == "HALF_UP")
    x = unary(e, Builtin::FLOOR, binary(e, Builtin::ADD, x, scalar(e, 0.5), c.part("half")),
              c.part("round"));
  else
    x = unary(e, Builtin::ROUND, x, c.part("round"));
  c.out(binary(e, Builtin::MUL, x, e.scalar(inverse), c.name()));
}

constexpr OpRow kRows[] = {
    {"FakeQuantWithMinMaxArgs", fake_quant_args},
    {"FakeQuantWithMinMaxVars", fake_quant_vars},
    {"FakeQuantWithMinMaxVarsPerChannel", fake_quant_per_channel},
    {"QuantizeAndDequantizeV2", quantize_and_dequantize},
    {"QuantizeAndDequantizeV3", quantize_and_dequantize},
    {"QuantizeAndDequantizeV4", quantize_and_dequantize},
};

}  // namespace

std::span<const OpRow> quantize_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
