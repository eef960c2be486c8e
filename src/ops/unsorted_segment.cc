// SPDX-License-Identifier: Apache-2.0
// UNSORTED_SEGMENT_SUM, _PROD, _MAX and _MIN: rows with the same id become one.
//   input 0: data [n, …], f32 or int32; input 1: ids [n], int32; input 2: one int32, the number of
//   segments
//   output 0: [segments, …] of data's type. Rows with a negative id are left out; segments without
//   rows are 0 (sum), 1 (product), the type's lowest (max) or highest (min) number.
// An id that is too large is an error of the run. Integers wrap around.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <limits>

#include "ops/binary.h"
#include "ops/movement.h"

namespace cygnet::ops {
namespace {

enum class Reduction : uint8_t { sum, prod, max, min };

Status infer(OpContext& op) {
  const Tensor &data = op.input(0), &ids = op.input(1), &segments = op.input(2);
  CYGNET_TRY(expect_type("input 0", data, {Type::float32, Type::int32}));
  CYGNET_TRY(expect_same_type("input 0", data, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 1", ids, {Type::int32}));
  CYGNET_TRY(expect_type("input 2", segments, {Type::int32}));
  CYGNET_TRY(expect_rank_between("input 0", data, 1, kMaxRank));
  CYGNET_TRY(expect_shape("input 1", ids, Shape{data.shape[0]}));
  CYGNET_TRY(expect_rank_between("input 2", segments, 0, 1));
  CYGNET_TRY(expect_elements("input 2", segments, 1));
  if (!op.known(2)) return op.defer();
  Shape shape = data.shape;
  shape[0] = *segments.as<int32_t>();
  CYGNET_TRY(expect_range("input 2", shape[0], 0, INT32_MAX));
  return op.set_output(0, shape);
}

template <Reduction kReduction, class T>
T combine(T a, T b) {
  if constexpr (kReduction == Reduction::max) return a > b ? a : b;
  if constexpr (kReduction == Reduction::min) return a < b ? a : b;
  constexpr bool kSum = kReduction == Reduction::sum;
  if constexpr (std::is_same_v<T, float>) return kSum ? a + b : a * b;
  if constexpr (std::is_same_v<T, int32_t>) return kSum ? wrapping_add(a, b) : wrapping_mul(a, b);
}

template <Reduction kReduction, class T>
void reduce(OpContext& op) {
  using Limits = std::numeric_limits<T>;
  constexpr T kStart = kReduction == Reduction::sum    ? T(0)
                       : kReduction == Reduction::prod ? T(1)
                       : kReduction == Reduction::max  ? Limits::lowest()
                                                       : Limits::max();
  const Shape& shape = op.input(0).shape;
  const int64_t row = shape.elements(1, shape.rank);
  T* y = op.output(0).as<T>();
  std::fill(y, y + op.output(0).shape.elements(), kStart);
  for (int32_t i = 0; i < shape[0]; ++i) {
    const int64_t id = op.input(1).as<int32_t>()[i];
    if (id < 0) continue;
    const T* x = op.input(0).as<T>() + i * row;
    for (int64_t k = 0; k < row; ++k) y[id * row + k] = combine<kReduction>(y[id * row + k], x[k]);
  }
}

template <Reduction kReduction>
Status invoke(OpContext& op) {
  const int32_t segments = op.output(0).shape[0];
  for (int32_t i = 0; i < op.input(0).shape[0]; ++i) {
    const int32_t id = op.input(1).as<int32_t>()[i];
    if (id >= segments)
      return Status::error(Code::invalid_argument, "input 1: id %d at position %d is not below %d",
                           id, i, segments);
  }
  if (op.output(0).bytes == 0) return {};
  if (op.input(0).type == Type::float32)
    reduce<kReduction, float>(op);
  else
    reduce<kReduction, int32_t>(op);
  return {};
}

template <Reduction kReduction>
constexpr OpDef make(const char* name, schema::BuiltinOperator builtin,
                     schema::BuiltinOptions options) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .options_type = static_cast<uint8_t>(options),
          .min_inputs = 3,
          .max_inputs = 3,
          .infer = infer,
          .invoke = invoke<kReduction>};
}

using Builtin = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;

}  // namespace

extern const OpDef kUnsortedSegmentSum;
const OpDef kUnsortedSegmentSum = make<Reduction::sum>(
    "UNSORTED_SEGMENT_SUM", Builtin::UNSORTED_SEGMENT_SUM, Options::UnsortedSegmentSumOptions);
extern const OpDef kUnsortedSegmentProd;
const OpDef kUnsortedSegmentProd = make<Reduction::prod>(
    "UNSORTED_SEGMENT_PROD", Builtin::UNSORTED_SEGMENT_PROD, Options::UnsortedSegmentProdOptions);
extern const OpDef kUnsortedSegmentMax;
const OpDef kUnsortedSegmentMax = make<Reduction::max>(
    "UNSORTED_SEGMENT_MAX", Builtin::UNSORTED_SEGMENT_MAX, Options::UnsortedSegmentMaxOptions);
extern const OpDef kUnsortedSegmentMin;
const OpDef kUnsortedSegmentMin = make<Reduction::min>(
    "UNSORTED_SEGMENT_MIN", Builtin::UNSORTED_SEGMENT_MIN, Options::UnsortedSegmentMinOptions);

}  // namespace cygnet::ops
