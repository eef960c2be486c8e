// SPDX-License-Identifier: Apache-2.0
// GATHER_ND: slices of input 0 by index.
//   input 0: params [d0, …], any type of whole bytes, or string; input 1: int16, int32 or
//   int64 indices [i0, …, k], 1 ≤ k ≤ rank of params
//   output 0: [i0, …, dk, …] of input 0's type: out[i…] = params[indices[i…, 0], …, indices[i…,
//   k−1]]
// An index that does not lie in its dimension is an error of the run.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "ops/strings.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& params = op.input(0);
  const Tensor& indices = op.input(1);
  if (params.type != Type::string) CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_same_type("input 0", params, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 1", indices, {Type::int16, Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank_between("input 0", params, 1, kMaxRank));
  CYGNET_TRY(expect_rank_between("input 1", indices, 1, kMaxRank));
  const int32_t depth = indices.shape[indices.shape.rank - 1];
  CYGNET_TRY(expect_range("last dimension of input 1", depth, 1, params.shape.rank));
  const int rank = indices.shape.rank - 1 + params.shape.rank - depth;
  CYGNET_TRY(expect_range("T2: rank of output 0", rank, 0, kMaxRank));
  Shape shape;
  for (int i = 0; i + 1 < indices.shape.rank; ++i) shape.push(indices.shape[i]);
  for (int i = depth; i < params.shape.rank; ++i) shape.push(params.shape[i]);
  return op.set_output(0, shape);
}

// Number of the slice that indices row `row` names.
Status slice_of(const OpContext& op, int64_t row, int depth, int64_t* slice) {
  const Tensor& params = op.input(0);
  *slice = 0;
  for (int k = 0; k < depth; ++k) {
    const int64_t index = integer_at(op.input(1), row * depth + k);
    if (index < 0 || index >= params.shape[k])
      return Status::error(
          Code::invalid_argument,
          "input 1: index %lld at position %lld is not in dimension %d of input 0 %s",
          static_cast<long long>(index), static_cast<long long>(row * depth + k), k,
          shape_text(params.shape).text);
    *slice = *slice * params.shape[k] + index;
  }
  return {};
}

// Of strings: slices of `elements` each.
Status invoke_strings(OpContext& op, int depth, int64_t rows, int64_t elements) {
  int64_t slice = 0;
  for (int64_t i = 0; i < rows; ++i) CYGNET_TRY(slice_of(op, i, depth, &slice));
  const Strings strings(op.input(0));
  return write_strings(op, 0, rows * elements, [&](int64_t i) {
    const Status in_range = slice_of(op, i / elements, depth, &slice);
    return in_range.ok() ? strings[slice * elements + i % elements] : std::string_view();
  });
}

Status invoke(OpContext& op) {
  const Tensor& params = op.input(0);
  const Shape& indices = op.input(1).shape;
  const int depth = indices[indices.rank - 1];
  const int64_t rows = indices.elements(0, indices.rank - 1);
  const int64_t elements = params.shape.elements(depth, params.shape.rank);
  if (params.type == Type::string) return invoke_strings(op, depth, rows, elements);
  const int64_t slice_bytes = elements * type_bits(params.type) / 8;
  for (int64_t i = 0; i < rows; ++i) {
    int64_t slice = 0;
    CYGNET_TRY(slice_of(op, i, depth, &slice));
    if (slice_bytes > 0)
      std::memcpy(op.output(0).as<uint8_t>() + i * slice_bytes,
                  params.as<uint8_t>() + slice * slice_bytes, static_cast<size_t>(slice_bytes));
    if (i % 4096 == 4095 && op.stopped()) return {};
  }
  return {};
}

}  // namespace

extern const OpDef kGatherNd;
const OpDef kGatherNd = {
    .name = "GATHER_ND",
    .builtin = 107,
    .max_version = 6,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::GatherNdOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
