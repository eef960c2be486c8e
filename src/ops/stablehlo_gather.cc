// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_GATHER: slices of an operand, each from a start index that a tensor holds.
//   input 0: operand [o…], any type of whole bytes; input 1: start indices [s…], int32 or int64
//   output 0: of the operand's type and of the rank that the file declares. Its dimensions
//   offset_dims index a slice without the dimensions collapsed_slice_dims; the others, the batch,
//   index the start indices without index_vector_dim.
// Options: slice_sizes [rank], 1 in collapsed dimensions; start_index_map: the operand's dimension
// that each number of a start index is for; index_vector_dim, the rank of input 1 where every
// number is an index of its own. Start indices are moved so that the slice lies in the operand.
// Source: LiteRT 2.3, StableHLO's specification.
#include <algorithm>

#include "ops/movement.h"
#include "ops/stablehlo_dims.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct Dims {
  DimList offset, collapsed, map, sizes;
  int vector_dim = 0;
  bool is_offset[kMaxRank] = {};     // of the output
  bool is_collapsed[kMaxRank] = {};  // of the operand
};

Status read_dims(const OpContext& op, int rank, Dims* d) {
  const auto& options = op.options<schema::StablehloGatherOptions>();
  const Tensor &operand = op.input(0), &starts = op.input(1);
  CYGNET_TRY(d->offset.read("offset_dims", options.offset_dims(), rank, true));
  CYGNET_TRY(d->collapsed.read("collapsed_slice_dims", options.collapsed_slice_dims(),
                               operand.shape.rank, true));
  CYGNET_TRY(d->map.read("start_index_map", options.start_index_map(), operand.shape.rank, false));
  CYGNET_TRY(read_vector_dim(options.index_vector_dim(), starts, d->map.count, &d->vector_dim));
  const auto* sizes = options.slice_sizes();
  const int count = sizes == nullptr ? 0 : static_cast<int>(sizes->size());
  CYGNET_TRY(expect_range("slice_sizes: count", count, operand.shape.rank, operand.shape.rank));
  d->collapsed.mark(d->is_collapsed);
  d->offset.mark(d->is_offset);
  for (int i = 0; i < count; ++i) {
    const int64_t size = sizes->Get(static_cast<unsigned>(i));
    CYGNET_TRY(expect_range("slice_sizes", size, 0, operand.shape[i]));
    if (d->is_collapsed[i])
      CYGNET_TRY(expect_range("slice_sizes of a collapsed dimension", size, 1, 1));
    d->sizes.dims[d->sizes.count++] = static_cast<int>(size);
  }
  return {};
}

Status infer(OpContext& op) {
  const Tensor &operand = op.input(0), &starts = op.input(1);
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_type("input 1", starts, {Type::int32, Type::int64}));
  const auto* offset_dims = op.options<schema::StablehloGatherOptions>().offset_dims();
  const int offsets = offset_dims == nullptr ? 0 : static_cast<int>(offset_dims->size());
  const auto vector_dim = op.options<schema::StablehloGatherOptions>().index_vector_dim();
  const int batch = starts.shape.rank - (vector_dim == starts.shape.rank ? 0 : 1);
  CYGNET_TRY(expect_range("T2: rank of output 0", int64_t{batch} + offsets, 0, kMaxRank));
  Dims d;
  CYGNET_TRY(read_dims(op, batch + offsets, &d));
  CYGNET_TRY(expect_range("offset_dims: count", d.offset.count,
                          operand.shape.rank - d.collapsed.count,
                          operand.shape.rank - d.collapsed.count));
  Shape shape;
  int slice_dim = 0, start_dim = 0;
  for (int i = 0; i < batch + offsets; ++i) {
    if (d.is_offset[i]) {
      while (d.is_collapsed[slice_dim]) ++slice_dim;
      shape.push(d.sizes.dims[slice_dim++]);
    } else {
      if (start_dim == d.vector_dim) ++start_dim;
      shape.push(starts.shape[start_dim++]);
    }
  }
  return op.set_output(0, shape);
}

// Place in the operand of the slice's first element for each batch index; and what the output's
// offset dimensions add.
struct Walk {
  Shape batch;  // the output with offset dimensions of size 1
  int64_t operand_stride[kMaxRank];
};

int64_t slice_start(const OpContext& op, const Dims& d, const Walk& walk, const Shape& index) {
  const Tensor &operand = op.input(0), &starts = op.input(1);
  const IndexVector vector(starts.shape, d.vector_dim, d.is_offset, index);
  int64_t place = 0;
  for (int k = 0; k < d.map.count; ++k) {
    const int dim = d.map.dims[k];
    const int64_t most = operand.shape[dim] - d.sizes.dims[dim];
    const int64_t start = integer_at(starts, vector.place(k));
    place += std::clamp<int64_t>(start, 0, most) * walk.operand_stride[dim];
  }
  return place;
}

Status invoke(OpContext& op) {
  const Tensor& operand = op.input(0);
  Tensor& out = op.output(0);
  if (out.bytes == 0) return {};
  Dims d;
  CYGNET_TRY(read_dims(op, out.shape.rank, &d));
  Walk walk{out.shape, {}};
  int64_t stride = 1;
  for (int i = operand.shape.rank - 1; i >= 0; stride *= operand.shape[i--])
    walk.operand_stride[i] = stride;
  // The copy of one slice: over the offset dimensions.
  StridedCopy copy;
  copy.element_bytes = type_bits(out.type) / 8;
  int64_t out_stride[kMaxRank];
  stride = 1;
  for (int i = out.shape.rank - 1; i >= 0; stride *= out.shape[i--]) out_stride[i] = stride;
  for (int i = 0, dim = 0; i < out.shape.rank; ++i) {
    if (!d.is_offset[i]) continue;
    while (d.is_collapsed[dim]) ++dim;
    copy.push(out.shape[i], walk.operand_stride[dim++], out_stride[i]);
    walk.batch[i] = 1;
  }
  Shape index = walk.batch;
  for (int i = 0; i < index.rank; ++i) index[i] = 0;
  const int64_t slices = walk.batch.elements();
  for (int64_t s = 0; s < slices; ++s) {
    int64_t to = 0;
    for (int i = 0; i < index.rank; ++i) to += index[i] * out_stride[i];
    run_copy(op, copy, operand.as<uint8_t>() + slice_start(op, d, walk, index) * copy.element_bytes,
             out.as<uint8_t>() + to * copy.element_bytes);
    if (s % 4096 == 4095 && op.stopped()) return {};
    next_index(walk.batch, &index);
  }
  return {};
}

}  // namespace

extern const OpDef kStablehloGather;
const OpDef kStablehloGather = {
    .name = "STABLEHLO_GATHER",
    .builtin = 201,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::StablehloGatherOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
