// SPDX-License-Identifier: Apache-2.0
// EMBEDDING_LOOKUP: rows of a table by number.
//   input 0: numbers, int32 [n]; input 1: table [rows, …], rank ≥ 2
//   output 0: [n, …], either of the table's type (any with elements of a fixed size), or float32 or
//   float16, and the table int8, uint8, int4 or int2 with one scale, or one for each row, and zero
//   points of 0: out = scale · q.
// A number that is not in [0, rows) is an error of the run.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "base/number.h"
#include "ops/movement.h"
#include "ops/small_elements.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

bool is_hybrid(const OpContext& op) {
  return op.input(1).type != op.output(0).type &&
         (op.output(0).type == Type::float32 || op.output(0).type == Type::float16);
}

Status check_hybrid(const OpContext& op) {
  const Tensor& table = op.input(1);
  const Quantization& q = table.quantization;
  CYGNET_TRY(expect_type("input 1", table, {Type::int8, Type::uint8, Type::int4, Type::int2}));
  if (q.count == 0) return bad_model("input 1: expected quantization parameters, got none");
  if (q.count > 1 && q.axis != 0)
    return bad_model("input 1: expected scales along axis 0, got axis %d", q.axis);
  if (q.count > 1)
    CYGNET_TRY(expect_range("scales of input 1", q.count, table.shape[0], table.shape[0]));
  for (int i = 0; i < q.zero_point_count; ++i)
    if (q.zero_point(i) != 0)
      return bad_model("input 1: expected zero points of 0, got %d", q.zero_point(i));
  return {};
}

Status infer(OpContext& op) {
  const Tensor& table = op.input(1);
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 1));
  CYGNET_TRY(expect_rank_between("input 1", table, 2, kMaxRank));
  if (is_hybrid(op)) {
    CYGNET_TRY(check_hybrid(op));
  } else {
    if (type_bits(table.type) == 0)
      return Status::error(Code::unsupported, "input 1: type %s is not supported",
                           type_name(table.type));
    CYGNET_TRY(expect_same_type("input 1", table, "output 0", op.output(0)));
  }
  Shape shape = table.shape;
  shape[0] = op.input(0).shape[0];
  return op.set_output(0, shape);
}

// q [n] elements from `first` of the table, times the scale.
template <class T>
void scale_row(const Tensor& table, float scale, int64_t first, int64_t n, T* out) {
  constexpr int64_t kPiece = 256;
  int8_t piece[kPiece];
  for (int64_t at = 0; at < n; at += kPiece) {
    const int64_t count = n - at < kPiece ? n - at : kPiece;
    if (type_bits(table.type) < 8)
      unpack_small(table.type, table.data, first + at, count, piece);
    else
      std::memcpy(piece, table.as<int8_t>() + first + at, static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      const int q = table.type == Type::uint8 ? static_cast<uint8_t>(piece[i]) : piece[i];
      out[at + i] = static_cast<T>(static_cast<float>(q) * scale);
    }
  }
}

Status invoke(OpContext& op) {
  const Tensor& table = op.input(1);
  Tensor& out = op.output(0);
  const int bits = type_bits(table.type);
  const bool hybrid = is_hybrid(op);
  const int64_t row = table.shape.elements(1, table.shape.rank);
  if (bits < 8 && !hybrid && out.bytes > 0) std::memset(out.data, 0, out.bytes);
  for (int32_t i = 0; i < op.input(0).shape[0]; ++i) {
    const int64_t number = integer_at(op.input(0), i);
    if (number < 0 || number >= table.shape[0])
      return Status::error(Code::invalid_argument,
                           "input 0: number %lld at position %d is not in [0, %d)",
                           static_cast<long long>(number), i, table.shape[0]);
    if (row == 0) continue;
    if (hybrid) {
      const float scale = table.quantization.scale(static_cast<int>(number));
      if (out.type == Type::float32)
        scale_row(table, scale, number * row, row, out.as<float>() + i * row);
      else
        scale_row(table, scale, number * row, row, out.as<Half>() + i * row);
    } else if (bits < 8) {
      copy_small(bits, table.as<uint8_t>(), number * row, row, out.as<uint8_t>(), i * row);
    } else {
      const int64_t bytes = row * bits / 8;
      copy_bytes(out.as<uint8_t>() + i * bytes, table.as<uint8_t>() + number * bytes, bytes);
    }
  }
  return {};
}

}  // namespace

extern const OpDef kEmbeddingLookup;
const OpDef kEmbeddingLookup = {
    .name = "EMBEDDING_LOOKUP",
    .builtin = 7,
    .max_version = 5,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
