// SPDX-License-Identifier: Apache-2.0
#include "edit/fake_quant.h"

#include <algorithm>
#include <cmath>

#include "edit/grid.h"

namespace cygnet {
namespace {

// Limits moved so that 0 is a whole step (fake_quant_ops_functor.h of TensorFlow 2.21). Without
// extent all values become 0.
struct Nudged {
  float low = 0, high = 0, scale = 1;
  // exact: 0 is where fake_quant_type has it, in double precision as TensorFlow's converter. Its
  // training works in single precision, which rounds the middle of [−1, 1] otherwise.
  Nudged(float min, float max, int bits, bool narrow, bool exact) {
    if (min == 0 && max == 0) return;
    const float first = narrow ? 1.0f : 0.0f, last = static_cast<float>((1 << bits) - 1);
    scale = (max - min) / (last - first);
    const float zero = first - min / scale;
    float place = zero < first ? first : zero > last ? last : std::round(zero);
    if (exact && bits <= 8)
      place = static_cast<float>(fake_quant_type(min, max, bits, narrow).zero_point() +
                                 (int64_t{1} << (bits - 1)));
    low = (first - place) * scale;
    high = (last - place) * scale;
  }
  float operator()(float x) const {
    const float inside = std::fmin(high, std::fmax(low, x));
    return std::floor((inside - low) * (1 / scale) + 0.5f) * scale + low;
  }
};

void check_limits(const Shape& shape, const FakeQuant& q, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Failure(text(where, ": fake quantization: ", what));
  };
  if (q.bits < 2 || q.bits > 16) fail(text("num_bits: expected 2 to 16, got ", q.bits));
  if (q.min.empty() || q.min.size() != q.max.size()) fail("expected as many maxima as minima");
  for (size_t i = 0; i < q.min.size(); ++i) {
    const bool nothing = q.min[i] == 0 && q.max[i] == 0;
    if (!nothing && (!std::isfinite(q.min[i]) || !std::isfinite(q.max[i]) ||
                     !(q.min[i] < q.max[i]) || !std::isnormal(q.max[i] - q.min[i])))
      fail(text("expected min < max, got ", q.min[i], " and ", q.max[i]));
  }
  if (q.min.size() == 1) return;
  if (q.axis < 0 || q.axis >= shape.rank || shape[q.axis] != static_cast<int32_t>(q.min.size()))
    fail(text("limits for ", q.min.size(), " channels of ", shape_text(shape).text));
}

QuantizedType type_of(const FakeQuant& q) {
  QuantizedType result{q.bits > 8 ? Type::int16 : Type::int8, {}, {}, 0};
  if (q.min.size() > 1) result.axis = q.axis;
  for (size_t i = 0; i < q.min.size(); ++i) {
    const QuantizedType one = fake_quant_type(q.min[i], q.max[i], q.bits, q.narrow);
    result.scales.push_back(one.scale());
    result.zero_points.push_back(one.zero_point());
  }
  return result;
}

int32_t rounded_constant(Editor& e, int32_t x, const FakeQuant& q, const std::string& where,
                         bool keep, const std::string& name) {
  const Shape shape = e.shape(x);
  const auto values = e.values<float>(x);
  std::vector<float> rounded(values.begin(), values.end());
  Grid grid = round_values(rounded, shape, q, keep, where);
  const int32_t y = e.constant<float>(shape, rounded, name);
  e.set_grid(y, std::move(grid));
  return y;
}

// floor((clamp(x) − low) / scale + ½)·scale + low.
int32_t by_steps(Editor& e, int32_t x, const FakeQuant& q, const std::string& name) {
  std::vector<float> low, high, scale, inverse;
  for (size_t i = 0; i < q.min.size(); ++i) {
    const Nudged n(q.min[i], q.max[i], q.bits, q.narrow, false);
    low.push_back(n.low);
    high.push_back(n.high);
    scale.push_back(n.scale);
    inverse.push_back(1 / n.scale);
  }
  Shape shape{static_cast<int32_t>(low.size())};
  if (low.size() > 1)
    for (int d = q.axis + 1; d < e.shape(x).rank; ++d) shape.push(1);
  const auto row = [&](const std::vector<float>& list, const char* part) {
    return e.constant<float>(shape, list, text(name, "/", part));
  };
  const auto step = [&](Builtin op, int32_t a, int32_t b, const char* part, const auto& options) {
    return e.add(op, {a, b}, options, Results(part == nullptr ? name : text(name, "/", part)));
  };
  const schema::MaximumMinimumOptionsT bound;
  const schema::MulOptionsT product;
  const schema::AddOptionsT sum;
  const int32_t lows = row(low, "low");
  int32_t y = step(Builtin::MINIMUM, x, row(high, "high"), "minimum", bound);
  y = step(Builtin::MAXIMUM, y, lows, "maximum", bound);
  y = step(Builtin::SUB, y, lows, "from_low", schema::SubOptionsT());
  y = step(Builtin::MUL, y, row(inverse, "inverse"), "steps", product);
  y = step(Builtin::ADD, y, e.scalar(0.5f), "plus_half", sum);
  y = e.add(Builtin::FLOOR, {y}, NoOptions(), Results(text(name, "/floor")));
  y = step(Builtin::MUL, y, row(scale, "scale"), "scaled", product);
  return step(Builtin::ADD, y, lows, nullptr, sum);
}

// QUANTIZE and DEQUANTIZE.
int32_t by_integers(Editor& e, int32_t x, const FakeQuant& q, const std::string& name) {
  if (q.bits > 8 && q.min.size() > 1)
    throw Failure(text(e.draft().source, ": fake quantization \"", name,
                       "\": num_bits: expected at most 8 for each channel, got ", q.bits));
  if (q.narrow) {
    std::vector<float> low;
    for (size_t i = 0; i < q.min.size(); ++i)
      low.push_back(Nudged(q.min[i], q.max[i], q.bits, true, true).low);
    Shape shape{static_cast<int32_t>(low.size())};
    for (int d = q.axis + 1; d < e.shape(x).rank; ++d) shape.push(1);
    x = e.add(Builtin::MAXIMUM, {x, e.constant<float>(shape, low)},
              schema::MaximumMinimumOptionsT(), Results(text(name, "/maximum")));
  }
  const QuantizedType type = type_of(q);
  const int32_t integers = e.tensor_like(x, type.type, text(name, "/integers"));
  set_quantization(e, integers, type);
  e.add_into(Builtin::QUANTIZE, {x}, {integers}, schema::QuantizeOptionsT());
  return e.add(Builtin::DEQUANTIZE, {integers}, schema::DequantizeOptionsT(),
               Results(name, Type::float32));
}

}  // namespace

Grid round_values(std::span<float> values, const Shape& shape, const FakeQuant& q, bool keep,
                  const std::string& where) {
  check_limits(shape, q, where);
  std::vector<Nudged> channels;
  for (size_t i = 0; i < q.min.size(); ++i)
    channels.emplace_back(q.min[i], q.max[i], q.bits, q.narrow, keep);
  const size_t inner =
      channels.size() == 1 ? 1 : static_cast<size_t>(shape.elements(q.axis + 1, shape.rank));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = channels[i / inner % channels.size()](values[i]);
  if (q.bits > 8) return nullptr;
  return held_grid(type_of(q), shape, values);
}

int32_t add_fake_quant(Editor& e, int32_t x, const FakeQuant& quant, bool keep,
                       const std::string& name) {
  const std::string where = text(e.draft().source, ": \"", name, "\"");
  if (e.type(x) != Type::float32)
    throw Failure(text(where, ": fake quantization: expected FLOAT32, got ", type_name(e.type(x))));
  if (e.constant(x)) return rounded_constant(e, x, quant, where, keep, name);
  check_limits(e.shape(x), quant, where);
  const bool channels = quant.min.size() > 1;
  const bool nothing = quant.min[0] == 0 && quant.max[0] == 0;
  const bool whole_bytes = quant.bits == 8 || quant.bits == 16;
  if (keep && (channels || nothing || (whole_bytes && !quant.narrow)))
    return by_integers(e, x, quant, name);
  // LiteRT refuses FAKE_QUANT with narrow_range, and without extent.
  if (channels || nothing || (quant.narrow && !keep)) return by_steps(e, x, quant, name);
  schema::FakeQuantOptionsT o;
  o.min = quant.min[0];
  o.max = quant.max[0];
  o.num_bits = quant.bits;
  o.narrow_range = quant.narrow;
  return e.add(Builtin::FAKE_QUANT, {x}, o, Results(name));
}

std::string fake_quant_warning(const std::string& source, int64_t count) {
  return text(source, ": ", count, " fake-quantization operator", count == 1 ? "" : "s",
              " (quantization-aware training) stay", count == 1 ? "s" : "",
              " arithmetic on floats; --quantize int8 makes an integer network of them");
}

}  // namespace cygnet
