// SPDX-License-Identifier: Apache-2.0
#include "graph/verify_tensor.h"

#include <algorithm>
#include <cmath>

#include "graph/strings.h"

namespace cygnet {
namespace {

// Elements of a shape; rule T3: a zero dimension does not hide that the others overflow.
Status count_elements(const Shape& shape, const Limits& limits, int64_t* elements) {
  int64_t product = 1;
  bool empty = false;
  for (int32_t d : shape) {
    if (d < 0)
      return bad_model("T2: expected dimensions >= 0, got shape %s", shape_text(shape).text);
    if (d == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, int64_t{d}, &product) || product > INT32_MAX)
      return bad_model("T3: expected at most 2147483647 elements, got shape %s",
                       shape_text(shape).text);
  }
  if (!empty && product > limits.tensor_elements)
    return Status::error(Code::limit,
                         "T3: shape %s has more elements than limit tensor_elements (%lld)",
                         shape_text(shape).text, static_cast<long long>(limits.tensor_elements));
  *elements = empty ? 0 : product;
  return {};
}

Status verify_shape(const GraphTensor& tensor, const Limits& limits, int64_t* elements) {
  CYGNET_TRY(count_elements(tensor.shape, limits, elements));
  if (!tensor.has_signature) return {};
  const auto refuse = [&] {
    return bad_model("T2: expected a shape signature of -1s and the dimensions of shape %s, got %s",
                     shape_text(tensor.shape).text, shape_text(tensor.signature).text);
  };
  if (tensor.signature.rank != tensor.shape.rank) return refuse();
  for (int i = 0; i < tensor.shape.rank; ++i)
    if (tensor.signature[i] != -1 && tensor.signature[i] != tensor.shape[i]) return refuse();
  return {};
}

// ---- Quantization (rule T8)

void zero_point_range(Type type, int64_t* low, int64_t* high) {
  switch (type) {
    case Type::uint8:
      *low = 0, *high = 255;
      return;
    case Type::int8:
      *low = -128, *high = 127;
      return;
    case Type::int16:
      *low = -32768, *high = 32767;
      return;
    case Type::uint16:
      *low = 0, *high = 65535;
      return;
    case Type::int4:
      *low = -8, *high = 7;
      return;
    case Type::uint4:
      *low = 0, *high = 15;
      return;
    case Type::int2:
      *low = -2, *high = 1;
      return;
    default:
      *low = INT32_MIN, *high = INT32_MAX;
      return;
  }
}

Status verify_quantization(const GraphTensor& tensor) {
  const Quantization& q = tensor.quantization;
  if (q.count == 0) {
    if (q.zero_point_count > 1)
      return bad_model("T8: expected as many zero points as scales (0), got %d",
                       q.zero_point_count);
    return {};
  }
  if (q.count > 1) {
    if (q.axis < 0 || q.axis >= tensor.shape.rank)
      return bad_model("T8: expected a quantized dimension of 0 to %d, got %d",
                       tensor.shape.rank - 1, q.axis);
    if (q.count != tensor.shape[q.axis])
      return bad_model("T8: expected 1 scale or %d, the size of dimension %d, got %d",
                       tensor.shape[q.axis], q.axis, q.count);
  }
  if (q.zero_point_count > 1 && q.zero_point_count != q.count)
    return bad_model("T8: expected as many zero points as scales (%d), got %d", q.count,
                     q.zero_point_count);
  for (int i = 0; i < q.count; ++i)
    if (!std::isfinite(q.scales[i]) || !(q.scales[i] > 0))
      return bad_model("T8: scale %d: expected a finite number > 0, got %g", i,
                       static_cast<double>(q.scales[i]));
  int64_t low = 0, high = 0;
  zero_point_range(tensor.type, &low, &high);
  // Weights of a signed type with a scale for each channel are symmetric.
  if (q.count > 1 && tensor.constant && low < 0) low = high = 0;
  for (int i = 0; i < q.zero_point_count; ++i)
    if (q.zero_points[i] < low || q.zero_points[i] > high)
      return bad_model("T8: zero point %d: expected %lld to %lld, got %lld", i,
                       static_cast<long long>(low), static_cast<long long>(high),
                       static_cast<long long>(q.zero_points[i]));
  return {};
}

}  // namespace

Status verify_tensor(const GraphTensor& tensor, const Limits& limits, Budget* budget) {
  CYGNET_TRY(
      budget->spend(int64_t{1} + tensor.quantization.count + tensor.quantization.zero_point_count));
  if (static_cast<int>(tensor.type) >= kTypeCount)
    return bad_model("T1: expected a type of 0 to %d, got %d", kTypeCount - 1,
                     static_cast<int>(tensor.type));
  int64_t elements = 0;
  CYGNET_TRY(verify_shape(tensor, limits, &elements));
  CYGNET_TRY(verify_quantization(tensor));
  if (!tensor.constant) return {};
  if (tensor.variable) return bad_model("G5: a variable can't have constant data");
  if (tensor.type == Type::string) {
    CYGNET_TRY(budget->spend(elements));
    return verify_strings(tensor.data, tensor.bytes, elements);
  }
  const int bits = type_bits(tensor.type);
  if (bits == 0) return bad_model("T1: a constant of type %s", type_name(tensor.type));
  if (tensor.sparsity != nullptr) CYGNET_TRY(verify_sparsity(tensor, budget, &elements));
  const auto expected = static_cast<size_t>((elements * bits + 7) / 8);
  if (tensor.bytes == expected) return {};
  return bad_model("T4: expected %zu bytes for %s %s, got %zu", expected, type_name(tensor.type),
                   shape_text(tensor.shape).text, tensor.bytes);
}

}  // namespace cygnet
