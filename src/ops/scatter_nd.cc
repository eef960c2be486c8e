// SPDX-License-Identifier: Apache-2.0
// SCATTER_ND: zeros, with slices added where indices say.
//   input 0: indices, int32 or int64 [i…, k]; input 1: updates [i…, dk, …], float32, int8, uint8,
//   int32, int64 or bool; input 2: the output's shape [d0, …], int32 or int64 [rank], k ≤ rank
//   output 0: out[indices[i…, 0], …, indices[i…, k−1]] += updates[i…]; integers wrap around, of
//   bools the sum is the disjunction. An index that does not lie in its dimension is an error of
//   the run.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Shape& indices = op.input(0).shape;
  const Tensor& updates = op.input(1);
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_type(
      "input 1", updates,
      {Type::float32, Type::int8, Type::uint8, Type::int32, Type::int64, Type::boolean}));
  CYGNET_TRY(expect_same_type("input 1", updates, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 2", op.input(2), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank("input 2", op.input(2), 1));
  CYGNET_TRY(expect_rank_between("input 0", op.input(0), 1, kMaxRank));
  if (!op.known(2)) return op.defer();
  Shape shape;
  CYGNET_TRY(read_dimensions("input 2", op.input(2), &shape));
  const int32_t depth = indices[indices.rank - 1];
  CYGNET_TRY(expect_range("last dimension of input 0", depth, 1, shape.rank));
  CYGNET_TRY(
      expect_range("T2: rank of input 1", indices.rank - 1 + shape.rank - depth, 0, kMaxRank));
  Shape wanted = indices;
  --wanted.rank;
  for (int d = depth; d < shape.rank; ++d) wanted.push(shape[d]);
  CYGNET_TRY(expect_shape("input 1", updates, wanted));
  return op.set_output(0, shape);
}

template <class T>
void add(const void* from, int64_t n, void* to) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(y[i] + x[i]);
}

void add_bools(const void* from, int64_t n, void* to) {
  const auto* x = static_cast<const uint8_t*>(from);
  auto* y = static_cast<uint8_t*>(to);
  for (int64_t i = 0; i < n; ++i) y[i] = y[i] != 0 || x[i] != 0;
}

using Add = void (*)(const void*, int64_t, void*);

Add add_of(Type type) {
  switch (type) {
    case Type::float32:
      return add<float>;
    case Type::int32:
      return add<uint32_t>;
    case Type::int64:
      return add<uint64_t>;
    case Type::boolean:
      return add_bools;
    default:
      return add<uint8_t>;
  }
}

Status invoke(OpContext& op) {
  const Tensor &indices = op.input(0), &updates = op.input(1);
  Tensor& out = op.output(0);
  const int depth = indices.shape[indices.shape.rank - 1];
  const int64_t rows = indices.shape.elements(0, indices.shape.rank - 1);
  const int64_t slice = out.shape.elements(depth, out.shape.rank);
  const int64_t bytes = type_bits(out.type) / 8;
  const Add add_slice = add_of(out.type);
  if (out.bytes > 0) std::memset(out.data, 0, out.bytes);
  for (int64_t i = 0; i < rows; ++i) {
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
    if (slice > 0)
      add_slice(updates.as<uint8_t>() + i * slice * bytes, slice,
                out.as<uint8_t>() + place * slice * bytes);
    if (i % 4096 == 4095 && op.stopped()) return {};
  }
  return {};
}

}  // namespace

extern const OpDef kScatterNd;
const OpDef kScatterNd = {
    .name = "SCATTER_ND",
    .builtin = 122,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ScatterNdOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
