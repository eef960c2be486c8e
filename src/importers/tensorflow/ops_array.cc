// SPDX-License-Identifier: Apache-2.0
// Constants, shapes, and operators that move elements.
#include <algorithm>

#include "importers/tensorflow/call.h"
#include "importers/tensorflow/constant.h"

namespace cygnet::tensorflow {
namespace {

void constant(Call& c) {
  c.out(decode_constant(c.e, c.node.tensor("value"), c.name()));
}

void identity(Call& c) {
  c.out(c.value(0));
}

void identity_n(Call& c) {
  for (int k = 0; k < c.inputs(); ++k) c.out(c.value(k));
}

void nothing(Call&) {}

template <Builtin op>
void shape_like(Call& c) {
  const Type type = to_type(c.node.type("out_type", DataType::int32), c.name());
  schema::ShapeOptionsT options;
  options.out_type = static_cast<schema::TensorType>(type);
  for (int k = 0; k < c.inputs(); ++k)
    c.out(c.e.add(Builtin::SHAPE, {c.in(k)}, options, {c.name(), type}));
}

void rank(Call& c) {
  c.out(c.e.scalar<int32_t>(c.shape(0).rank, c.name()));
}

void size(Call& c) {
  const Type type = to_type(c.node.type("out_type", DataType::int32), c.name());
  schema::ShapeOptionsT options;
  options.out_type = static_cast<schema::TensorType>(type);
  const int32_t dims = c.e.add(Builtin::SHAPE, {c.in(0)}, options, {c.part("shape"), type});
  c.out(reduce(c.e, Builtin::REDUCE_PROD, dims, {0}, false, c.name()));
}

// The target with one dimension left to be worked out where it depends on the batch; as it is, an
// operand, where more do.
void to_reshape(Call& c) {
  if (const auto target = c.e.reshape_target(c.in(1)))
    return c.out(reshape(c.e, c.in(0), *target, c.name()));
  const int32_t shape = cast(c.e, c.in(1), Type::int32, c.part("shape"));
  c.out(c.e.add(Builtin::RESHAPE, {c.in(0), shape}, schema::ReshapeOptionsT(), c.name()));
}

// The shape of tensor x as a reshape's target: −1 where it depends on the batch.
std::vector<int32_t> dims_of(Call& c, int32_t x) {
  std::vector<int32_t> dims;
  for (int d = 0; d < c.e.shape(x).rank; ++d)
    dims.push_back(c.e.dim_free(x, d) ? -1 : c.e.shape(x)[d]);
  return dims;
}

void squeeze(Call& c) {
  const int32_t x = c.in(0);
  std::vector<int64_t> axes = c.node.list_or_empty("squeeze_dims").ints;
  if (axes.empty()) axes = c.node.list_or_empty("axis").ints;
  std::vector<bool> dropped(static_cast<size_t>(c.shape(0).rank), axes.empty());
  for (int64_t a : axes) dropped[static_cast<size_t>(c.axis(a, c.shape(0).rank))] = true;
  std::vector<int32_t> dims, all = dims_of(c, x);
  for (size_t d = 0; d < all.size(); ++d)
    if (!dropped[d] || (axes.empty() && all[d] != 1)) dims.push_back(all[d]);
  if (std::count(dims.begin(), dims.end(), -1) > 1) {
    schema::SqueezeOptionsT options;
    for (int64_t a : axes) options.squeeze_dims.push_back(static_cast<int32_t>(a));
    return c.out(c.e.add(Builtin::SQUEEZE, {x}, options, c.name()));
  }
  c.out(reshape(c.e, x, dims, c.name()));
}

void expand_dims(Call& c) {
  const int32_t x = c.in(0);
  std::vector<int32_t> dims = dims_of(c, x);
  const int32_t axis = c.axis(c.integer(1), c.shape(0).rank + 1);
  dims.insert(dims.begin() + axis, 1);
  if (std::count(dims.begin(), dims.end(), -1) > 1)
    return c.out(c.e.add(Builtin::EXPAND_DIMS, {x, c.e.scalar<int32_t>(axis)}, NoOptions(),
                         c.name()));
  c.out(reshape(c.e, x, dims, c.name()));
}

void to_transpose(Call& c) {
  std::vector<int32_t> perm;
  for (int64_t p : c.integers(1)) perm.push_back(static_cast<int32_t>(p));
  c.out(transpose(c.e, c.in(0), perm, c.name()));
}

void concat_on(Call& c, const std::vector<int32_t>& parts, int64_t axis) {
  schema::ConcatenationOptionsT options;
  options.axis = c.axis(axis, c.e.shape(parts.at(0)).rank);
  c.out(c.e.add(Builtin::CONCATENATION, parts, options, c.name()));
}

void concat_v2(Call& c) {
  concat_on(c, c.all(0, c.inputs() - 1), c.integer(c.inputs() - 1));
}

void concat(Call& c) {
  concat_on(c, c.all(1, c.inputs()), c.integer(0));
}

void pack(Call& c) {
  schema::PackOptionsT options;
  options.values_count = c.inputs();
  options.axis = c.axis(c.node.integer("axis", 0), c.shape(0).rank + 1);
  c.out(c.e.add(Builtin::PACK, c.all(0, c.inputs()), options, c.name()));
}

void out_all(Call& c, int32_t first, int count) {
  for (int k = 0; k < count; ++k) c.out(first + k);
}

void unpack(Call& c) {
  schema::UnpackOptionsT options;
  options.axis = c.axis(c.node.integer("axis", 0), c.shape(0).rank);
  options.num = c.shape(0)[options.axis];
  if (options.num == 0) return;
  out_all(c, c.e.add(Builtin::UNPACK, {c.in(0)}, options,
                     {c.name(), std::vector<Type>(static_cast<size_t>(options.num), c.type(0))}),
          options.num);
}

void split(Call& c) {
  schema::SplitOptionsT options;
  options.num_splits = static_cast<int32_t>(c.node.integer("num_split"));
  if (options.num_splits < 1 || options.num_splits > 65536)
    c.fail("num_split: expected 1 to 65536, got ", options.num_splits);
  const int32_t axis = c.e.scalar<int32_t>(c.axis(c.integer(0), c.shape(1).rank));
  if (options.num_splits == 1) return c.out(c.in(1));
  out_all(c,
          c.e.add(Builtin::SPLIT, {axis, c.in(1)}, options,
                  {c.name(), std::vector<Type>(static_cast<size_t>(options.num_splits), c.type(1))}),
          options.num_splits);
}

void split_v(Call& c) {
  schema::SplitVOptionsT options;
  options.num_splits = static_cast<int32_t>(c.integers(1).size());
  const int32_t axis = c.e.scalar<int32_t>(c.axis(c.integer(2), c.shape(0).rank));
  const int32_t sizes = cast(c.e, c.in(1), Type::int32, c.part("sizes"));
  out_all(c,
          c.e.add(Builtin::SPLIT_V, {c.in(0), sizes, axis}, options,
                  {c.name(), std::vector<Type>(static_cast<size_t>(options.num_splits), c.type(0))}),
          options.num_splits);
}

void slice(Call& c) {
  const int32_t begin = cast(c.e, c.in(1), Type::int32, c.part("begin"));
  const int32_t count = cast(c.e, c.in(2), Type::int32, c.part("size"));
  c.out(c.e.add(Builtin::SLICE, {c.in(0), begin, count}, NoOptions(), c.name()));
}

void strided_slice(Call& c) {
  schema::StridedSliceOptionsT options;
  options.begin_mask = static_cast<int32_t>(c.node.integer("begin_mask", 0));
  options.end_mask = static_cast<int32_t>(c.node.integer("end_mask", 0));
  options.ellipsis_mask = static_cast<int32_t>(c.node.integer("ellipsis_mask", 0));
  options.new_axis_mask = static_cast<int32_t>(c.node.integer("new_axis_mask", 0));
  options.shrink_axis_mask = static_cast<int32_t>(c.node.integer("shrink_axis_mask", 0));
  std::vector<int32_t> operands{c.in(0)};
  for (int k = 1; k < 4; ++k)
    operands.push_back(cast(c.e, c.in(k), Type::int32, c.part(text("operand_", k))));
  c.out(c.e.add(Builtin::STRIDED_SLICE, operands, options, c.name()));
}

int32_t paddings(Call& c) {
  return cast(c.e, c.in(1), Type::int32, c.part("paddings"));
}

void pad(Call& c) {
  c.out(c.e.add(Builtin::PAD, {c.in(0), paddings(c)}, NoOptions(), c.name()));
}

void pad_v2(Call& c) {
  c.out(c.e.add(Builtin::PADV2, {c.in(0), paddings(c), c.in(2)}, NoOptions(), c.name()));
}

void mirror_pad(Call& c) {
  schema::MirrorPadOptionsT options;
  const std::string_view mode = c.node.string("mode");
  if (mode != "REFLECT" && mode != "SYMMETRIC")
    c.fail("mode: expected REFLECT or SYMMETRIC, got ", mode);
  options.mode =
      mode == "REFLECT" ? schema::MirrorPadMode::REFLECT : schema::MirrorPadMode::SYMMETRIC;
  c.out(c.e.add(Builtin::MIRROR_PAD, {c.in(0), paddings(c)}, options, c.name()));
}

void tile(Call& c) {
  c.out(c.e.add(Builtin::TILE, {c.in(0), c.in(1)}, NoOptions(), c.name()));
}

void broadcast_to(Call& c) {
  c.out(c.e.add(Builtin::BROADCAST_TO, {c.in(0), c.in(1)}, NoOptions(), c.name()));
}

void fill(Call& c) {
  c.out(c.e.add(Builtin::FILL, {c.in(0), c.in(1)}, NoOptions(), {c.name(), c.type(1)}));
}

void zeros_like(Call& c) {
  c.out(c.e.add(Builtin::ZEROS_LIKE, {c.in(0)}, NoOptions(), c.name()));
}

void ones_like(Call& c) {
  schema::ShapeOptionsT options;
  options.out_type = schema::TensorType::INT32;
  const int32_t dims =
      c.e.add(Builtin::SHAPE, {c.in(0)}, options, {c.part("shape"), Type::int32});
  const int32_t one = cast(c.e, scalar(c.e, 1), c.type(0), c.part("one"));
  c.out(c.e.add(Builtin::FILL, {dims, one}, NoOptions(), {c.name(), c.type(0)}));
}

void range(Call& c) {
  c.out(c.e.add(Builtin::RANGE, c.all(0, 3), NoOptions(), c.name()));
}

int32_t gather_on(Call& c, int32_t params, int32_t indices, int64_t axis, int64_t batch_dims) {
  schema::GatherOptionsT options;
  options.axis = c.axis(axis, c.e.shape(params).rank);
  options.batch_dims = static_cast<int32_t>(batch_dims);
  return c.e.add(Builtin::GATHER, {params, indices}, options, c.name());
}

void gather_v2(Call& c) {
  c.out(gather_on(c, c.in(0), c.in(1), c.integer(2), c.node.integer("batch_dims", 0)));
}

void gather(Call& c) {
  c.out(gather_on(c, c.in(0), c.in(1), 0, 0));
}

void gather_nd(Call& c) {
  c.out(c.e.add(Builtin::GATHER_ND, {c.in(0), c.in(1)}, NoOptions(), c.name()));
}

void scatter_nd(Call& c) {
  c.out(c.e.add(Builtin::SCATTER_ND, c.all(0, 3), NoOptions(), {c.name(), c.type(1)}));
}

void one_hot(Call& c) {
  schema::OneHotOptionsT options;
  options.axis = static_cast<int32_t>(c.node.integer("axis", -1));
  c.out(c.e.add(Builtin::ONE_HOT, c.all(0, 4), options, {c.name(), c.type(2)}));
}

void reverse(Call& c) {
  int32_t x = c.in(0);
  for (int32_t axis : c.axes(1, 0))
    x = c.e.add(Builtin::REVERSE_V2, {x, c.e.list({axis})}, NoOptions(), c.name());
  c.out(x);
}

void where(Call& c) {
  c.out(c.e.add(Builtin::WHERE, {c.in(0)}, NoOptions(), {c.name(), Type::int64}));
}

void top_k(Call& c) {
  const int32_t values = c.e.add(Builtin::TOPK_V2, {c.in(0), c.in(1)}, NoOptions(),
                                 {c.name(), {c.type(0), Type::int32}});
  out_all(c, values, 2);
}

template <Builtin op, class Options>
void block(Call& c) {
  Options options;
  options.block_size = static_cast<int32_t>(c.node.integer("block_size"));
  c.out(c.e.add(op, {c.in(0)}, options, c.name()));
}

template <Builtin op>
void to_batch_or_back(Call& c) {
  std::vector<int32_t> operands{c.in(0)};
  for (int k = 1; k < 3; ++k)
    operands.push_back(cast(c.e, c.in(k), Type::int32, c.part(text("operand_", k))));
  c.out(c.e.add(op, operands, NoOptions(), c.name()));
}

void invert_permutation(Call& c) {
  const std::vector<int64_t> perm = c.integers(0);
  std::vector<int32_t> inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i)
    inverse[static_cast<size_t>(c.axis(perm[i], static_cast<int>(perm.size())))] =
        static_cast<int32_t>(i);
  c.out(c.e.list(inverse, c.name()));
}

void broadcast_args(Call& c) {
  c.out(c.e.add(Builtin::BROADCAST_ARGS, {c.in(0), c.in(1)}, NoOptions(), c.name()));
}

constexpr OpRow kRows[] = {
    {"Assert", nothing},
    {"BatchToSpaceND", to_batch_or_back<Builtin::BATCH_TO_SPACE_ND>},
    {"BroadcastArgs", broadcast_args},
    {"BroadcastTo", broadcast_to},
    {"CheckNumerics", identity},
    {"Concat", concat},
    {"ConcatV2", concat_v2},
    {"Const", constant},
    {"DepthToSpace", block<Builtin::DEPTH_TO_SPACE, schema::DepthToSpaceOptionsT>},
    {"EnsureShape", identity},
    {"ExpandDims", expand_dims},
    {"Fill", fill},
    {"Gather", gather},
    {"GatherNd", gather_nd},
    {"GatherV2", gather_v2},
    {"Identity", identity},
    {"IdentityN", identity_n},
    {"InvertPermutation", invert_permutation},
    {"MirrorPad", mirror_pad},
    {"NoOp", nothing},
    {"OneHot", one_hot},
    {"OnesLike", ones_like},
    {"Pack", pack},
    {"Pad", pad},
    {"PadV2", pad_v2},
    {"PlaceholderWithDefault", identity},
    {"PreventGradient", identity},
    {"Range", range},
    {"Rank", rank},
    {"Reshape", to_reshape},
    {"ReverseV2", reverse},
    {"ScatterNd", scatter_nd},
    {"Shape", shape_like<Builtin::SHAPE>},
    {"ShapeN", shape_like<Builtin::SHAPE>},
    {"Size", size},
    {"Slice", slice},
    {"Snapshot", identity},
    {"SpaceToBatchND", to_batch_or_back<Builtin::SPACE_TO_BATCH_ND>},
    {"SpaceToDepth", block<Builtin::SPACE_TO_DEPTH, schema::SpaceToDepthOptionsT>},
    {"Split", split},
    {"SplitV", split_v},
    {"Squeeze", squeeze},
    {"StopGradient", identity},
    {"StridedSlice", strided_slice},
    {"Tile", tile},
    {"TopKV2", top_k},
    {"Transpose", to_transpose},
    {"Unpack", unpack},
    {"Where", where},
    {"ZerosLike", zeros_like},
};

}  // namespace

std::span<const OpRow> array_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
