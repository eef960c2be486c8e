// SPDX-License-Identifier: Apache-2.0
// SPARSE_TO_DENSE: one value everywhere, others where indices say.
//   input 0: indices, int32 or int64: [], [n] (places in an output of rank 1) or [n, k]; input 1:
//   the output's shape [k], int32 or int64; input 2: values, [] (one for all indices) or [n], f32,
//   int8, uint8, int32 or int64; input 3: the value elsewhere, one element of that type
//   output 0: of the values' type; of equal indices the last counts.
// An index that does not lie in its dimension is an error of the run.
// Source: TFLite's reference kernel, LiteRT 2.3, which takes ranks up to 4; here up to 8.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor &indices = op.input(0), &values = op.input(2);
  CYGNET_TRY(expect_type("input 0", indices, {Type::int32, Type::int64}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank("input 1", op.input(1), 1));
  CYGNET_TRY(expect_type("input 2", values,
                         {Type::float32, Type::int8, Type::uint8, Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 2", values, "input 3", op.input(3)));
  CYGNET_TRY(expect_same_type("input 2", values, "output 0", op.output(0)));
  CYGNET_TRY(expect_elements("input 3", op.input(3), 1));
  CYGNET_TRY(expect_rank_between("input 0", indices, 0, 2));
  CYGNET_TRY(expect_rank_between("input 2", values, 0, 1));
  const int32_t rank = indices.shape.rank;
  const int32_t n = rank == 0 ? 1 : indices.shape[0], depth = rank == 2 ? indices.shape[1] : 1;
  CYGNET_TRY(expect_shape("input 1", op.input(1), Shape{depth}));
  if (values.shape.rank == 1) CYGNET_TRY(expect_shape("input 2", values, Shape{n}));
  if (!op.known(1)) return op.defer();
  Shape shape;
  CYGNET_TRY(read_dimensions("input 1", op.input(1), &shape));
  return op.set_output(0, shape);
}

Status invoke(OpContext& op) {
  const Tensor &indices = op.input(0), &values = op.input(2);
  Tensor& out = op.output(0);
  const int depth = out.shape.rank, bytes = type_bits(out.type) / 8;
  const int64_t n = indices.shape.rank == 0 ? 1 : indices.shape[0];
  Filler(op.input(3).as<uint8_t>(), bytes)(out.as<uint8_t>(), static_cast<int64_t>(out.bytes));
  for (int64_t i = 0; i < n; ++i) {
    int64_t place = 0;
    for (int k = 0; k < depth; ++k) {
      const int64_t index = integer_at(indices, i * depth + k);
      if (index < 0 || index >= out.shape[k])
        return Status::error(
            Code::invalid_argument,
            "input 0: index %lld at position %lld is not in dimension %d of output 0 %s",
            static_cast<long long>(index), static_cast<long long>(i * depth + k), k,
            shape_text(out.shape).text);
      place = place * out.shape[k] + index;
    }
    const int64_t from = values.shape.rank == 0 ? 0 : i;
    std::memcpy(out.as<uint8_t>() + place * bytes, values.as<uint8_t>() + from * bytes,
                static_cast<size_t>(bytes));
    if (i % 4096 == 4095 && op.stopped()) return {};
  }
  return {};
}

}  // namespace

extern const OpDef kSparseToDense;
const OpDef kSparseToDense = {
    .name = "SPARSE_TO_DENSE",
    .builtin = 68,
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SparseToDenseOptions),
    .min_inputs = 4,
    .max_inputs = 4,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
