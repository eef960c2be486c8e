// SPDX-License-Identifier: Apache-2.0
// Rounding to quantized values in training.
#include <algorithm>
#include <cmath>
#include <limits>

#include "edit/fake_quant.h"
#include "importers/tensorflow/call.h"
#include "importers/tensorflow/graph_importer.h"

namespace cygnet::tensorflow {
namespace {

void round_to(Call& c, FakeQuant quant) {
  const bool keep = c.importer().options().keep_ranges;
  c.importer().count_fake_quant();
  c.out(add_fake_quant(c.e, c.in(0), quant, keep, std::string(c.name())));
}

// Bits and narrow_range of a FakeQuant node.
FakeQuant fake_quant(Call& c, std::vector<float> min, std::vector<float> max) {
  FakeQuant quant{std::move(min), std::move(max)};
  const int64_t bits = c.node.integer("num_bits", 8);
  if (bits < 2 || bits > 16) c.fail("num_bits: expected 2 to 16, got ", bits);
  quant.bits = static_cast<int>(bits);
  quant.narrow = c.node.boolean("narrow_range", false);
  quant.axis = std::max(0, c.shape(0).rank - 1);
  return quant;
}

void fake_quant_per_channel(Call& c) {
  if (!c.e.constant(c.in(1)) || !c.e.constant(c.in(2)) || c.shape(1).rank != 1 ||
      !(c.shape(1) == c.shape(2)))
    c.fail("expected constant limits for each channel");
  const auto min = c.e.values<float>(c.in(1)), max = c.e.values<float>(c.in(2));
  round_to(c, fake_quant(c, {min.begin(), min.end()}, {max.begin(), max.end()}));
}

void fake_quant_args(Call& c) {
  round_to(c, fake_quant(c, {c.node.real("min", -6)}, {c.node.real("max", 6)}));
}

void fake_quant_vars(Call& c) {
  const auto low = c.e.uniform(c.in(1)), high = c.e.uniform(c.in(2));
  if (!low || !high) c.fail("expected constant limits");
  round_to(c, fake_quant(c, {*low}, {*high}));
}

// What QuantizeAndDequantize makes of limits: the scale by the one that needs the coarser steps
// (quantize_and_dequantize_op.h of TensorFlow 2.21).
struct Symmetric {
  float scale = 0, inverse = 0, from = 0, to = 0;
  Symmetric(const Call& c, float low, float high, float steps_low, float steps_high) {
    constexpr float kNone = std::numeric_limits<float>::max();
    const float by_low = steps_low * low > 0 ? steps_low / low : kNone;
    const float by_high = steps_high * high > 0 ? steps_high / high : kNone;
    scale = std::min(by_low, by_high);
    if (scale == kNone) c.fail("limits ", low, " and ", high, " hold no range");
    inverse = by_low < by_high ? low / steps_low : high / steps_high;
    from = by_low < by_high ? low : steps_low * inverse;
    to = by_low < by_high ? steps_high * inverse : high;
  }
};

// round(clamp(x)·scale) / scale.
void by_steps(Call& c, const Symmetric& s) {
  Editor& e = c.e;
  int32_t x = binary(e, Builtin::MAXIMUM, c.in(0), e.scalar(s.from), c.part("maximum"));
  x = binary(e, Builtin::MINIMUM, x, e.scalar(s.to), c.part("minimum"));
  x = binary(e, Builtin::MUL, x, e.scalar(s.scale), c.part("steps"));
  if (c.node.string("round_mode", "HALF_TO_EVEN") == "HALF_UP")
    x = unary(e, Builtin::FLOOR, binary(e, Builtin::ADD, x, scalar(e, 0.5), c.part("half")),
              c.part("round"));
  else
    x = unary(e, Builtin::ROUND, x, c.part("round"));
  c.out(binary(e, Builtin::MUL, x, e.scalar(s.inverse), c.name()));
}

void quantize_and_dequantize(Call& c) {
  const int64_t axis = c.node.integer("axis", -1);
  if (!c.node.boolean("range_given", false) || !c.e.constant(c.in(1)) || !c.e.constant(c.in(2)) ||
      !(c.shape(1) == c.shape(2)) || c.shape(1).elements() == 0)
    c.fail("expected constant limits (range_given)");
  const auto min = c.e.values<float>(c.in(1)), max = c.e.values<float>(c.in(2));
  int64_t bits = c.node.integer("num_bits", 8);
  if (c.inputs() > 3) bits = c.integer(3);
  if (bits < 2 || bits > 24) c.fail("num_bits: expected 2 to 24, got ", bits);
  const bool is_signed = c.node.boolean("signed_input", true);
  const bool narrow = c.node.boolean("narrow_range", false);
  const auto first = is_signed ? -(int64_t{1} << (bits - 1)) + (narrow ? 1 : 0) : int64_t{0};
  const int64_t last = (int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  FakeQuant quant;
  for (size_t i = 0; i < min.size(); ++i) {
    const Symmetric s(c, min[i], max[i], static_cast<float>(first), static_cast<float>(last));
    const bool whole = axis == -1 && min.size() == 1;
    const bool keep = c.importer().options().keep_ranges || c.e.constant(c.in(0));
    if (whole && (!keep || bits > 16)) {
      c.importer().count_fake_quant();
      return by_steps(c, s);
    }
    quant.min.push_back(s.from);
    quant.max.push_back(s.to);
  }
  if (axis == -1 && min.size() != 1) c.fail("expected one minimum and one maximum");
  if (bits > 16) c.fail("num_bits: expected 2 to 16 for each channel, got ", bits);
  quant.axis = axis == -1 ? 0 : c.axis(axis, c.shape(0).rank);
  quant.bits = static_cast<int>(bits);
  quant.narrow = is_signed && narrow;
  round_to(c, quant);
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
