// SPDX-License-Identifier: Apache-2.0
#include "edit/grid.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

struct Range {
  int64_t least, largest;
};

Range range_of(Type type) {
  const int bits = type_bits(type);
  return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
}

bool is_signed(Type type) {
  return type == Type::int8 || type == Type::int16 || type == Type::int4;
}

// The scale of element i of a tensor whose dimension `axis` has one for each index.
struct Channel {
  int64_t inner = 1, count = 1;
  Channel(const Shape& shape, const QuantizedType& q) {
    if (q.scales.size() == 1) return;
    inner = shape.elements(q.axis + 1, shape.rank);
    count = static_cast<int64_t>(q.scales.size());
  }
  size_t of(size_t i) const { return static_cast<size_t>(static_cast<int64_t>(i) / inner % count); }
};

// Whether each value is one of the grid's integers.
bool holds(const QuantizedType& q, const Shape& shape, std::span<const float> values) {
  constexpr double kRounding = 1e-2;  // of a step, far more than the values' own
  const Range range = range_of(q.type);
  const Channel channel(shape, q);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channel.of(i);
    const double steps = static_cast<double>(values[i]) / static_cast<double>(q.scales[c]);
    const double code = std::round(steps);
    if (!(std::fabs(steps - code) <= kRounding)) return false;
    const double stored = code + static_cast<double>(q.zero_points[c]);
    if (stored < static_cast<double>(range.least) || stored > static_cast<double>(range.largest))
      return false;
  }
  return true;
}

// Whether there are as many scales as the shape asks for, all of them usable.
bool valid(const QuantizedType& q, const Shape& shape) {
  const size_t n = q.scales.size();
  if (n == 0 || q.zero_points.size() != n) return false;
  if (n > 1 && (q.axis < 0 || q.axis >= shape.rank || shape[q.axis] != static_cast<int32_t>(n)))
    return false;
  return std::all_of(q.scales.begin(), q.scales.end(),
                     [](float s) { return std::isnormal(s) && s > 0; });
}

Grid made(QuantizedType q) {
  if (q.scales.size() == 1) q.axis = 0;
  return std::make_shared<const QuantizedType>(std::move(q));
}

// The single value for each index along the one dimension in which a constant of `shape` varies,
// seen from the end of a tensor of `rank` dimensions.
struct Factors {
  std::vector<double> values;
  int axis = 0;
};

std::optional<Factors> factors_of(const GraphTensor& t, int rank) {
  if (t.type != Type::float32 || t.shape.rank > rank || t.data == nullptr) return std::nullopt;
  Factors f;
  int wide = 0;
  for (int d = 0; d < t.shape.rank; ++d) {
    if (t.shape[d] == 1) continue;
    ++wide;
    f.axis = rank - t.shape.rank + d;
  }
  if (wide > 1 || t.shape.elements() == 0) return std::nullopt;
  for (int64_t i = 0; i < t.shape.elements(); ++i)
    f.values.push_back(static_cast<double>(t.as<float>()[i]));
  return f;
}

std::span<const float> floats(const GraphTensor& t) {
  return {t.as<float>(), static_cast<size_t>(t.shape.elements())};
}

Grid product_grid(const Node& node, std::span<const GraphTensor> operands,
                  std::span<const Grid> grids, const GraphTensor& result) {
  const bool division = node.builtin == static_cast<int32_t>(Builtin::DIV);
  for (size_t k = 0; k < (division ? 1u : 2u); ++k) {
    if (!grids[k] || !(operands[k].shape == result.shape)) continue;
    auto factors = factors_of(operands[1 - k], result.shape.rank);
    if (!factors) continue;
    if (division)
      for (double& f : factors->values) f = 1 / f;
    return scaled_grid(grids[k], result.shape, factors->values, factors->axis, floats(result));
  }
  return nullptr;
}

Grid transposed_grid(const Grid& grid, const GraphTensor& perm, int rank) {
  if (grid->scales.size() == 1) return grid;
  if (perm.type != Type::int32 || perm.shape.elements() != rank) return nullptr;
  QuantizedType q = *grid;
  for (int d = 0; d < rank; ++d)
    if ((perm.as<int32_t>()[d] + rank) % rank == grid->axis) q.axis = d;
  return made(std::move(q));
}

Grid fake_quant_grid(const Node& node, const GraphTensor& result) {
  schema::FakeQuantOptionsT o;
  if (node.options != nullptr)
    static_cast<const schema::FakeQuantOptions*>(node.options)->UnPackTo(&o);
  if (!std::isfinite(o.min) || !std::isfinite(o.max) || !(o.min <= o.max) || o.num_bits < 2 ||
      o.num_bits > 8)
    return nullptr;
  return held_grid(fake_quant_type(o.min, o.max, o.num_bits, o.narrow_range), result.shape,
                   floats(result));
}

}  // namespace

QuantizedType fake_quant_type(float min, float max, int bits, bool narrow) {
  if (bits > 8) {
    const double most =
        std::max(std::fabs(static_cast<double>(min)), std::fabs(static_cast<double>(max)));
    return {Type::int16, {most == 0 ? 1.0f : static_cast<float>(most / 32767)}, {0}};
  }
  const double first = narrow ? 1 : 0, last = (1 << bits) - 1;
  const double low = static_cast<double>(min), high = static_cast<double>(max);
  const double scale = low == 0 && high == 0 ? 1 : (high - low) / (last - first);
  const double zero = std::clamp(std::round(first - low / scale), first, last);
  return {Type::int8,
          {static_cast<float>(scale)},
          {static_cast<int64_t>(zero) - (int64_t{1} << (bits - 1))}};
}

void set_quantization(Editor& e, int32_t tensor, const QuantizedType& q) {
  const size_t n = q.scales.size();
  const std::span<uint8_t> scales = e.draft().allocate(n * sizeof(float));
  const std::span<uint8_t> zeros = e.draft().allocate(n * sizeof(int64_t));
  std::memcpy(scales.data(), q.scales.data(), scales.size());
  std::memcpy(zeros.data(), q.zero_points.data(), zeros.size());
  Quantization& to = e.tensor(tensor).quantization;
  to.scales = reinterpret_cast<const float*>(scales.data());
  to.zero_points = reinterpret_cast<const int64_t*>(zeros.data());
  to.count = to.zero_point_count = static_cast<int32_t>(n);
  to.axis = q.axis;
}

Grid quantization_grid(const GraphTensor& tensor) {
  const Quantization& q = tensor.quantization;
  const bool is_unsigned = tensor.type == Type::uint8;
  if (q.count == 0 || (!is_unsigned && !is_signed(tensor.type))) return nullptr;
  QuantizedType result{is_unsigned ? Type::int8 : tensor.type, {}, {}, q.axis};
  for (int32_t i = 0; i < q.count; ++i) {
    result.scales.push_back(q.scale(i));
    result.zero_points.push_back(q.zero_point(i) - (is_unsigned ? 128 : 0));
  }
  return valid(result, tensor.shape) ? made(std::move(result)) : nullptr;
}

Grid held_grid(QuantizedType type, const Shape& shape, std::span<const float> values) {
  if (!valid(type, shape)) return nullptr;
  const std::vector<int64_t> zeros = type.zero_points;
  for (int64_t shift : {0, -1, 1}) {
    for (size_t i = 0; i < zeros.size(); ++i) type.zero_points[i] = zeros[i] + shift;
    if (holds(type, shape, values)) return made(std::move(type));
  }
  return nullptr;
}

Grid scaled_grid(const Grid& grid, const Shape& shape, std::span<const double> factors, int axis,
                 std::span<const float> values) {
  if (!grid) return nullptr;
  const size_t n = grid->scales.size(), m = factors.size();
  if (n > 1 && m > 1 && (n != m || grid->axis != axis)) return nullptr;
  QuantizedType q{grid->type, {}, {}, n > 1 ? grid->axis : axis};
  for (size_t i = 0; i < std::max(n, m); ++i) {
    const double f = factors[m == 1 ? 0 : i];
    const int64_t zero = grid->zero_points[n == 1 ? 0 : i];
    const auto scale = static_cast<double>(grid->scales[n == 1 ? 0 : i]);
    // A factor of 0 leaves zeros, which any scale holds.
    q.scales.push_back(static_cast<float>(f == 0 ? scale : scale * std::fabs(f)));
    q.zero_points.push_back(f < 0 ? -zero : zero);
  }
  return valid(q, shape) && holds(q, shape, values) ? made(std::move(q)) : nullptr;
}

Grid reshaped_grid(const Grid& grid, const Shape& from, const Shape& to) {
  if (!grid || grid->scales.size() == 1) return grid;
  if (from.elements() == 0) return nullptr;
  const int64_t inner = from.elements(grid->axis + 1, from.rank);
  const auto count = static_cast<int64_t>(grid->scales.size());
  for (int d = 0; d < to.rank; ++d) {
    const int64_t below = to.elements(d + 1, to.rank);
    if (below == 0 || inner % below != 0 || (below * to[d]) % (inner * count) != 0) continue;
    QuantizedType q{grid->type, {}, {}, d};
    for (int64_t i = 0; i < to[d]; ++i) {
      const auto c = static_cast<size_t>(i / (inner / below) % count);
      q.scales.push_back(grid->scales[c]);
      q.zero_points.push_back(grid->zero_points[c]);
    }
    return made(std::move(q));
  }
  return nullptr;
}

Grid result_grid(const Node& node, std::span<const GraphTensor> operands,
                 std::span<const Grid> grids, const GraphTensor& result) {
  if (result.type != Type::float32 || operands.empty()) return nullptr;
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::FAKE_QUANT:
      return fake_quant_grid(node, result);
    case Builtin::DEQUANTIZE:
      return operands.size() == 1 ? quantization_grid(operands[0]) : nullptr;
    case Builtin::TRANSPOSE:
      return grids[0] ? transposed_grid(grids[0], operands[1], result.shape.rank) : nullptr;
    case Builtin::RESHAPE:
    case Builtin::SQUEEZE:
    case Builtin::EXPAND_DIMS:
      return reshaped_grid(grids[0], operands[0].shape, result.shape);
    case Builtin::MUL:
    case Builtin::DIV:
      return product_grid(node, operands, grids, result);
    default:
      return nullptr;
  }
}

}  // namespace cygnet
