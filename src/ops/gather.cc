// SPDX-License-Identifier: Apache-2.0
// GATHER: slices of input 0 along a dimension, by number.
//   input 0: params [b…, o…, n, i…], any type of whole bytes, int4 or string; input 1: int16,
//   int32 or int64 indices [b…, r…]
//   output 0: [b…, o…, r…, i…] of input 0's type: out[b, o, r, i] = params[b, o, indices[b, r], i]
// Options: axis, where n stands, in [−rank, rank); batch_dims, the number of dimensions b, at most
// axis, negative ones counted from the end of the indices' dimensions.
// An index that is not in [0, n) is an error of the run.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "ops/small_elements.h"
#include "ops/strings.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status resolve(const OpContext& op, int* axis, int* batch_dims) {
  const auto& options = op.options<schema::GatherOptions>();
  const Shape& params = op.input(0).shape;
  const Shape& indices = op.input(1).shape;
  CYGNET_TRY(resolve_axis("axis", options.axis(), params.rank, axis));
  int64_t b = options.batch_dims();
  CYGNET_TRY(expect_range("batch_dims", b, -indices.rank, indices.rank));
  if (b < 0) b += indices.rank;
  CYGNET_TRY(expect_range("batch_dims", b, 0, *axis));
  *batch_dims = static_cast<int>(b);
  return {};
}

Status infer(OpContext& op) {
  const Shape& params = op.input(0).shape;
  const Shape& indices = op.input(1).shape;
  const Type type = op.input(0).type;
  if (type != Type::int4 && type != Type::string) CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_same_type("input 0", op.input(0), "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int16, Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank_between("input 0", op.input(0), 1, kMaxRank));
  int axis = 0, batch_dims = 0;
  CYGNET_TRY(resolve(op, &axis, &batch_dims));
  for (int i = 0; i < batch_dims; ++i)
    if (params[i] != indices[i])
      return bad_model("input 1: the first %d dimensions of %s are not those of input 0 %s",
                       batch_dims, shape_text(indices).text, shape_text(params).text);
  CYGNET_TRY(expect_range("T2: rank of output 0", params.rank - 1 + indices.rank - batch_dims, 0,
                          kMaxRank));
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push(params[i]);
  for (int i = batch_dims; i < indices.rank; ++i) shape.push(indices[i]);
  for (int i = axis + 1; i < params.rank; ++i) shape.push(params[i]);
  return op.set_output(0, shape);
}

Status check_indices(const OpContext& op, int64_t n) {
  const Tensor& indices = op.input(1);
  const int64_t count = indices.shape.elements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = integer_at(indices, i);
    if (index < 0 || index >= n)
      return Status::error(
          Code::invalid_argument, "input 1: index %lld at position %lld is not in [0, %lld)",
          static_cast<long long>(index), static_cast<long long>(i), static_cast<long long>(n));
  }
  return {};
}

Status invoke(OpContext& op) {
  const Tensor& params = op.input(0);
  const Tensor& indices = op.input(1);
  int axis = 0, batch_dims = 0;
  CYGNET_TRY(resolve(op, &axis, &batch_dims));
  const int64_t n = params.shape[axis];
  CYGNET_TRY(check_indices(op, n));
  const int64_t outer = params.shape.elements(batch_dims, axis);
  const int64_t row = indices.shape.elements(batch_dims, indices.shape.rank);
  const int64_t slice = params.shape.elements(axis + 1, params.shape.rank);
  // Where output slice i, counted over batch, outer and row, lies in params, in elements.
  const auto source = [&](int64_t i) {
    const int64_t group = i / row;  // batch · outer + place in outer
    return (group * n + integer_at(indices, group / outer * row + i % row)) * slice;
  };
  const int64_t elements = op.output(0).shape.elements();
  if (params.type == Type::string) {
    const Strings strings(params);
    return write_strings(op, 0, elements,
                         [&](int64_t i) { return strings[source(i / slice) + i % slice]; });
  }
  if (op.output(0).bytes == 0) return {};
  const int bits = type_bits(params.type);
  if (bits < 8) {
    std::memset(op.output(0).data, 0, op.output(0).bytes);
    for (int64_t i = 0; i < elements / slice; ++i)
      copy_small(bits, params.as<uint8_t>(), source(i), slice, op.output(0).as<uint8_t>(),
                 i * slice);
    return {};
  }
  const int64_t bytes = bits / 8, inner = slice * bytes;
  const uint8_t* in = params.as<uint8_t>();
  uint8_t* out = op.output(0).as<uint8_t>();
  const auto total = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, total / inner, total, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i)
      copy_bytes(out + i * inner, in + source(i) * bytes, inner);
  });
  return {};
}

}  // namespace

extern const OpDef kGather;
const OpDef kGather = {
    .name = "GATHER",
    .builtin = 36,
    .max_version = 8,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::GatherOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
