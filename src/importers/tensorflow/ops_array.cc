// SPDX-License-Identifier: Apache-2.0
// Constants, shapes, and operators that move elements.
#include <algorithm>
#include <cstring>

#include "importers/tensorflow/call.h"
#include "importers/tensorflow/constant.h"

namespace cygnet::tensorflow {
namespace {

void constant(Call& c) {
  const TensorProto& tensor = c.node.tensor("value");
  if (tensor.dtype != DataType::complex64) return c.out(decode_constant(c.e, tensor, c.name()));
  const TensorValue value = decode_tensor(tensor);
  Shape shape;
  for (int64_t d : value.dims) {
    if (d > INT32_MAX || shape.rank == kMaxRank) c.fail("I2: shape ", tensor.shape.text());
    shape.push(static_cast<int32_t>(d));
  }
  std::vector<float> parts(value.bytes.size() / sizeof(float));
  if (!parts.empty()) std::memcpy(parts.data(), value.bytes.data(), value.bytes.size());
  std::vector<float> real, imaginary;
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    real.push_back(parts[i]);
    imaginary.push_back(parts[i + 1]);
  }
  c.out(Value::of(c.e.constant<float>(shape, real, c.part("real")),
                  c.e.constant<float>(shape, imaginary, c.part("imaginary"))));
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
  if (c.e.shape_unknown(c.in(0)))
    return c.out(c.e.add(Builtin::RANK, {c.in(0)}, NoOptions(), {c.name(), Type::int32}));
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

void squeeze_unknown(Call& c, const std::vector<int64_t>& axes) {
  schema::SqueezeOptionsT options;
  for (int64_t a : axes) options.squeeze_dims.push_back(c.axis_of(a, c.in(0)));
  c.out(c.e.add(Builtin::SQUEEZE, {c.in(0)}, options, c.name()));
}

void squeeze(Call& c) {
  const int32_t x = c.in(0);
  std::vector<int64_t> axes = c.node.list_or_empty("squeeze_dims").ints;
  if (axes.empty()) axes = c.node.list_or_empty("axis").ints;
  if (c.e.shape_unknown(x)) return squeeze_unknown(c, axes);
  std::vector<bool> dropped(static_cast<size_t>(c.shape(0).rank), axes.empty());
  for (int64_t a : axes) dropped[static_cast<size_t>(c.axis(a, c.shape(0).rank))] = true;
  std::vector<int32_t> dims, all = dims_of(c, x);
  for (size_t d = 0; d < all.size(); ++d)
    if (!dropped[d] || (axes.empty() && all[d] != 1)) dims.push_back(all[d]);
  if (std::count(dims.begin(), dims.end(), -1) > 1) return squeeze_unknown(c, axes);
  c.out(reshape(c.e, x, dims, c.name()));
}

void expand_dims(Call& c) {
  const int32_t x = c.in(0);
  std::vector<int32_t> dims = dims_of(c, x);
  const int32_t axis = c.axis_of(c.integer(1), x, 1);
  if (!c.e.shape_unknown(x)) dims.insert(dims.begin() + axis, 1);
  if (c.e.shape_unknown(x) || std::count(dims.begin(), dims.end(), -1) > 1)
    return c.out(
        c.e.add(Builtin::EXPAND_DIMS, {x, c.e.scalar<int32_t>(axis)}, NoOptions(), c.name()));
  c.out(reshape(c.e, x, dims, c.name()));
}

void to_transpose(Call& c) {
  std::vector<int32_t> perm;
  for (int64_t p : c.integers(1)) perm.push_back(static_cast<int32_t>(p));
  c.out(transpose(c.e, c.in(0), perm, c.name()));
}

void concat_on(Call& c, const std::vector<int32_t>& parts, int64_t axis) {
  schema::ConcatenationOptionsT options;
  const auto known =
      std::find_if(parts.begin(), parts.end(), [&](int32_t p) { return !c.e.shape_unknown(p); });
  options.axis = c.axis_of(axis, known == parts.end() ? parts.at(0) : *known);
  c.out(c.e.add(Builtin::CONCATENATION, parts, options, c.name()));
}

// Tensors [1, ...] one behind the other.
void parallel_concat(Call& c) {
  concat_on(c, c.all(0, c.inputs()), 0);
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
  out_all(c,
          c.e.add(Builtin::UNPACK, {c.in(0)}, options,
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
  out_all(
      c,
      c.e.add(Builtin::SPLIT, {axis, c.in(1)}, options,
              {c.name(), std::vector<Type>(static_cast<size_t>(options.num_splits), c.type(1))}),
      options.num_splits);
}

void split_v(Call& c) {
  schema::SplitVOptionsT options;
  options.num_splits = static_cast<int32_t>(c.integers(1).size());
  const int32_t axis = c.e.scalar<int32_t>(c.axis(c.integer(2), c.shape(0).rank));
  const int32_t sizes = cast(c.e, c.in(1), Type::int32, c.part("sizes"));
  out_all(
      c,
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
  const Type type = c.type(0);
  if (type != Type::float32 && type != Type::int32 && type != Type::int64)
    return c.out(c.e.add(Builtin::FILL,
                         {shape_of(c.e, c.in(0), c.part("shape")), scalar_of(c.e, 0, type)},
                         NoOptions(), {c.name(), type}));
  c.out(c.e.add(Builtin::ZEROS_LIKE, {c.in(0)}, NoOptions(), c.name()));
}

void ones_like(Call& c) {
  const int32_t dims = shape_of(c.e, c.in(0), c.part("shape"));
  const int32_t one = scalar_of(c.e, 1, c.type(0));
  c.out(c.e.add(Builtin::FILL, {dims, one}, NoOptions(), {c.name(), c.type(0)}));
}

void range(Call& c) {
  c.out(c.e.add(Builtin::RANGE, c.all(0, 3), NoOptions(), c.name()));
}

int32_t gather_on(Call& c, int32_t params, int32_t indices, int64_t axis, int64_t batch_dims) {
  schema::GatherOptionsT options;
  options.axis = c.axis_of(axis, params);
  options.batch_dims = batch_dims == 0 ? 0 : c.axis_of(batch_dims, indices);
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
  const int32_t indices = cast(c.e, c.in(0), Type::int32, c.part("indices"));
  const int32_t shape = cast(c.e, c.in(2), Type::int32, c.part("shape"));
  c.out(
      c.e.add(Builtin::SCATTER_ND, {indices, c.in(1), shape}, NoOptions(), {c.name(), c.type(1)}));
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
  const std::string_view format = c.node.string("data_format", "NHWC");
  if (format == "NHWC") return c.out(c.e.add(op, {c.in(0)}, options, c.name()));
  if (format != "NCHW") c.fail("data_format: expected NHWC or NCHW, got ", format);
  const int32_t x = transpose(c.e, c.in(0), {0, 2, 3, 1}, c.part("nhwc"));
  c.out(transpose(c.e, c.e.add(op, {x}, options, c.part("result")), {0, 3, 1, 2}, c.name()));
}

template <Builtin op>
void to_batch_or_back(Call& c) {
  if (op == Builtin::BATCH_TO_SPACE_ND && strided_in_grid(c)) return;
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
    {"ParallelConcat", parallel_concat},
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
