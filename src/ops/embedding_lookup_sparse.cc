// SPDX-License-Identifier: Apache-2.0
// EMBEDDING_LOOKUP_SPARSE: weighted sums of a table's rows. The rows to look up are the elements of
// a sparse tensor; those that differ only in their last index come together.
//   input 0: ids [n], int32; input 1: indices [n, k], int32; input 2: dense shape [k], int32;
//   input 3: weights [n], f32; input 4: table [rows, …], f32, rank ≥ 2
//   output 0: f32 [dense shape without the last dimension, …]: out[index] = Σ w·table[id] / d with
//   d = 1 (SUM), Σ w (MEAN) or √(Σ w²) (SQRTN) of the ids in a row with the same index; 0 where
//   there are none.
// An id or index out of range is an error of the run, and so is d = 0. Source: TFLite's reference
// kernel, LiteRT 2.3.
#include <algorithm>
#include <cmath>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Combiner = schema::CombinerType;

Status infer(OpContext& op) {
  const Tensor &ids = op.input(0), &indices = op.input(1), &table = op.input(4);
  for (int i = 0; i < 3; ++i)
    CYGNET_TRY(expect_type(i == 0   ? "input 0"
                           : i == 1 ? "input 1"
                                    : "input 2",
                           op.input(i), {Type::int32}));
  CYGNET_TRY(expect_type("input 3", op.input(3), {Type::float32}));
  CYGNET_TRY(expect_type("input 4", table, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", ids, 1));
  CYGNET_TRY(expect_rank("input 1", indices, 2));
  CYGNET_TRY(expect_rank_between("input 4", table, 2, kMaxRank));
  const int32_t n = ids.shape[0], depth = indices.shape[1];
  CYGNET_TRY(expect_shape("input 1", indices, Shape{n, depth}));
  CYGNET_TRY(expect_shape("input 2", op.input(2), Shape{depth}));
  CYGNET_TRY(expect_shape("input 3", op.input(3), Shape{n}));
  CYGNET_TRY(expect_range("last dimension of input 1", depth, 1, kMaxRank));
  CYGNET_TRY(expect_range("T2: rank of output 0", depth + table.shape.rank - 2, 1, kMaxRank));
  CYGNET_TRY(expect_range(
      "combiner", static_cast<int>(op.options<schema::EmbeddingLookupSparseOptions>().combiner()),
      0, static_cast<int>(Combiner::MAX)));
  if (!op.known(2)) return op.defer();
  Shape dense, shape;
  CYGNET_TRY(read_dimensions("input 2", op.input(2), &dense));
  for (int i = 0; i + 1 < depth; ++i) shape.push(dense[i]);
  for (int i = 1; i < table.shape.rank; ++i) shape.push(table.shape[i]);
  return op.set_output(0, shape);
}

// The number of the output's row that element i of the sparse tensor belongs to.
Status row_of(const OpContext& op, int32_t i, int64_t* row) {
  const int32_t depth = op.input(1).shape[1];
  const int32_t* index = op.input(1).as<int32_t>() + int64_t{i} * depth;
  *row = 0;
  for (int k = 0; k + 1 < depth; ++k) {
    const int32_t size = op.output(0).shape[k];
    if (index[k] < 0 || index[k] >= size)
      return Status::error(Code::invalid_argument,
                           "input 1: index %d at position %d is not in [0, %d)", index[k],
                           i * depth + k, size);
    *row = *row * size + index[k];
  }
  return {};
}

struct Total {
  float weights = 0, squares = 0;
  bool any = false;
};

Status finish(Combiner combiner, const Total& total, float* row, int64_t n) {
  if (combiner == Combiner::SUM || !total.any) return {};
  const float divisor = combiner == Combiner::MEAN ? total.weights : std::sqrt(total.squares);
  if (divisor == 0)
    return Status::error(Code::invalid_argument, "input 3: the weights of a row add up to 0");
  for (int64_t k = 0; k < n; ++k) row[k] /= divisor;
  return {};
}

Status invoke(OpContext& op) {
  const Tensor& table = op.input(4);
  Tensor& out = op.output(0);
  const Combiner combiner = op.options<schema::EmbeddingLookupSparseOptions>().combiner();
  const int64_t n = table.shape.elements(1, table.shape.rank);
  if (out.bytes > 0) std::memset(out.data, 0, out.bytes);
  Total total;
  int64_t current = 0;
  for (int32_t i = 0; i < op.input(0).shape[0]; ++i) {
    const int32_t id = op.input(0).as<int32_t>()[i];
    if (id < 0 || id >= table.shape[0])
      return Status::error(Code::invalid_argument,
                           "input 0: id %d at position %d is not in [0, %d)", id, i,
                           table.shape[0]);
    int64_t row = 0;
    CYGNET_TRY(row_of(op, i, &row));
    if (row != current) {
      CYGNET_TRY(finish(combiner, total, out.as<float>() + current * n, n));
      total = {};
      current = row;
    }
    const float w = op.input(3).as<float>()[i];
    total.weights += w;
    total.squares += w * w;
    total.any = true;
    const float* from = table.as<float>() + id * n;
    float* to = out.as<float>() + row * n;
    for (int64_t k = 0; k < n; ++k) to[k] += from[k] * w;
    if (i % 4096 == 4095 && op.stopped()) return {};
  }
  return finish(combiner, total, out.as<float>() + current * n, n);
}

}  // namespace

extern const OpDef kEmbeddingLookupSparse;
const OpDef kEmbeddingLookupSparse = {
    .name = "EMBEDDING_LOOKUP_SPARSE",
    .builtin = 33,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::EmbeddingLookupSparseOptions),
    .min_inputs = 5,
    .max_inputs = 5,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
