# SPDX-License-Identifier: Apache-2.0
"""Operators that make, move and pick elements."""
import numpy as np
import tensorflow as tf

from tensorflow_cases import RAW, booleans, case, floats, integers, raw

# ---- Shapes

case("Shape", lambda x: RAW.Shape(input=x), floats(3, 4), free=("x0",))
case("Shape_int64", lambda x: RAW.Shape(input=x, out_type=tf.int64), floats(3, 4), free=("x0",))
case("ShapeN", lambda x, y: RAW.ShapeN(input=[x, y]), floats(3, 4), floats(5, 2), free=("x0",))
case("Rank", lambda x: tf.cast(RAW.Rank(input=x), tf.float32) + x, floats(3, 4))
case("Size", lambda x: RAW.Size(input=x), floats(3, 4), free=("x0",))
case("Reshape", lambda x: RAW.Reshape(tensor=x, shape=[2, -1]), floats(3, 4))
case("Reshape_int64", lambda x: RAW.Reshape(tensor=x, shape=np.array([4, 3], np.int64)), floats(3, 4))
case("Reshape_free", lambda x: tf.reshape(x, [tf.shape(x)[0], 4, 3]), floats(2, 3, 4), free=("x0",))
case("Reshape_two_free", lambda x: tf.reshape(x, [tf.shape(x)[0] * 3, 4]), floats(2, 3, 4), free=("x0",))
case("Reshape_given", lambda x, s: tf.reshape(x, s), floats(3, 4), np.array([2, 6], np.int32))
case("Squeeze", lambda x: RAW.Squeeze(input=x, axis=[]), floats(1, 3, 1, 4))
case("Squeeze_axis", lambda x: RAW.Squeeze(input=x, axis=[-2]), floats(1, 3, 1, 4), free=("x0",))
case("ExpandDims", lambda x: [RAW.ExpandDims(input=x, axis=a) for a in (0, 1, -1, 2)], floats(3, 4), free=("x0",))
case("EnsureShape", lambda x: RAW.EnsureShape(input=x, shape=[None, 4]), floats(3, 4))
case("Transpose", lambda x: RAW.Transpose(x=x, perm=[2, 0, 3, 1]), floats(2, 3, 4, 5))
case("Transpose_rank6", lambda x: RAW.Transpose(x=x, perm=[5, 3, 1, 0, 2, 4]), floats(2, 3, 2, 2, 3, 2))
case("InvertPermutation", lambda x: tf.transpose(x, tf.math.invert_permutation([2, 0, 1])), floats(2, 3, 4))
case("BroadcastTo", lambda x: RAW.BroadcastTo(input=x, shape=[2, 3, 4]), floats(3, 1))
case("BroadcastTo_int64", lambda x: RAW.BroadcastTo(input=x, shape=np.array([2, 3], np.int64)),
     integers(1, 3, dtype=np.int64))
case("BroadcastTo_free", lambda x, y: tf.broadcast_to(y, tf.shape(x)), floats(5, 3), floats(3), free=("x0",))
case("BroadcastArgs", lambda x, y: RAW.BroadcastArgs(s0=tf.shape(x), s1=tf.shape(y)), floats(5, 3), floats(1, 3),
     free=("x0",))
case("Fill", lambda x: RAW.Fill(dims=tf.shape(x), value=2.5) + x, floats(5, 3), free=("x0",))
case("Fill_int64", lambda s: RAW.Fill(dims=[2, 3], value=s), np.int64(7))
case("Tile", lambda x: RAW.Tile(input=x, multiples=[2, 1, 3]), floats(2, 3, 4))
case("Tile_int64", lambda x: RAW.Tile(input=x, multiples=np.array([2, 3], np.int64)), integers(2, 3))
case("repeat", lambda x: tf.repeat(x, 3, axis=1), floats(2, 3))
case("Range", lambda n: RAW.Range(start=0, limit=n, delta=2), np.int32(9))
case("Range_float", lambda n: RAW.Range(start=0.5, limit=n, delta=0.75), np.float32(4))
case("LinSpace", lambda a, b: RAW.LinSpace(start=a, stop=b, num=7), np.float32(-1), np.float32(2))
case("LinSpace_constant", lambda x: x + tf.linspace(0.0, 1.0, 4), floats(3, 4))
case("LinSpace_one", lambda a, b: RAW.LinSpace(start=a, stop=b, num=1), np.float32(-1), np.float32(2))
case("OneHot", lambda x: RAW.OneHot(indices=x, depth=5, on_value=2.0, off_value=-1.0), integers(3, low=-1, high=6))
case("OneHot_axis_0", lambda x: RAW.OneHot(indices=x, depth=5, on_value=1.0, off_value=0.0, axis=0),
     integers(3, 2, low=0, high=4))
case("OneHot_int64", lambda x: tf.one_hot(x, 4, dtype=tf.int64), integers(3, low=0, high=3, dtype=np.int64))
case("OneHot_bool", lambda x: tf.one_hot(x, 4, True, False), integers(3, low=0, high=3))
case("MatrixDiag", raw("MatrixDiag", "diagonal"), floats(2, 4))
case("MatrixDiagV2", lambda x: RAW.MatrixDiagV2(diagonal=x, k=0, num_rows=-1, num_cols=-1, padding_value=0.0),
     floats(2, 4))
case("MatrixDiagV3", lambda x: tf.linalg.diag(x), floats(2, 4), free=("x0",))
case("MatrixDiagV3_offset", lambda x: tf.linalg.diag(x, k=1), floats(2, 4))
case("MatrixDiagV3_below", lambda x: tf.linalg.diag(x, k=-2, num_cols=5), floats(2, 3))
case("MatrixDiagV3_several", lambda x: tf.linalg.diag(x, k=(-1, 0)), floats(2, 2, 4), refused="several are not supported")
case("MatrixSetDiagV3_offset", lambda x, d: tf.linalg.set_diag(x, d, k=1), floats(2, 4, 5), floats(2, 4, seed=2))
case("MatrixDiagPartV3_offset", lambda x: [tf.linalg.diag_part(x, k=k) for k in (-3, -1, 1, 2)], floats(2, 5, 4))
case("MatrixSetDiag", raw("MatrixSetDiag", "input", "diagonal"), floats(2, 4, 5), floats(2, 4, seed=2))
case("MatrixSetDiagV3", lambda x, d: tf.linalg.set_diag(x, d), floats(2, 5, 4), floats(2, 4, seed=2))
case("MatrixDiagPartV3", lambda x: tf.linalg.diag_part(x), floats(2, 4, 5))
case("DiagPart", raw("DiagPart", "input"), floats(4, 4))
case("Diag", raw("Diag", "diagonal"), floats(4))
case("MatrixBandPart", lambda x: RAW.MatrixBandPart(input=x, num_lower=1, num_upper=2), floats(2, 5, 6))
case("MatrixBandPart_causal", lambda x: tf.linalg.band_part(x, -1, 0), floats(2, 5, 5))
case("eye", lambda x: tf.linalg.matmul(x, tf.eye(4)), floats(3, 4))
case("trace", tf.linalg.trace, floats(2, 4, 4))
case("sequence_mask", lambda x: tf.sequence_mask(x, 6), integers(4, low=0, high=6))

# ---- Joining and cutting

case("Concat", lambda *x: RAW.Concat(concat_dim=1, values=list(x)), floats(2, 3), floats(2, 4))
case("ConcatV2", lambda *x: RAW.ConcatV2(values=list(x), axis=-1), floats(2, 3), floats(2, 4), free=("x0", "x1"))
case("ConcatV2_int64", lambda *x: RAW.ConcatV2(values=list(x), axis=0), integers(2, 3, dtype=np.int64),
     integers(4, 3, dtype=np.int64))
case("ConcatV2_bool", lambda *x: RAW.ConcatV2(values=list(x), axis=0), booleans(2, 3), booleans(4, 3))
case("Pack", lambda *x: RAW.Pack(values=list(x), axis=1), floats(2, 3), floats(2, 3, seed=2))
case("Pack_last", lambda *x: RAW.Pack(values=list(x), axis=-1), floats(2, 3), floats(2, 3, seed=2))
case("ParallelStack", lambda *x: tf.parallel_stack(list(x)), floats(2, 3), floats(2, 3, seed=2))
case("Unpack", lambda x: RAW.Unpack(value=x, num=3, axis=1), floats(2, 3, 4))
case("Unpack_one", lambda x: RAW.Unpack(value=x, num=1, axis=0), floats(1, 3))
case("Split", lambda x: RAW.Split(axis=-1, value=x, num_split=3), floats(2, 6))
case("Split_one", lambda x: RAW.Split(axis=0, value=x, num_split=1), floats(2, 6))
case("SplitV", lambda x: RAW.SplitV(value=x, size_splits=[2, 1, -1], axis=1, num_split=3), floats(2, 6))
case("SplitV_int64", lambda x: RAW.SplitV(value=x, size_splits=np.array([2, 4], np.int64), axis=1, num_split=2),
     integers(2, 6))
case("Slice", lambda x: RAW.Slice(input=x, begin=[0, 1, 2], size=[2, -1, 1]), floats(2, 3, 4))
case("Slice_int64", lambda x: RAW.Slice(input=x, begin=np.array([0, 1], np.int64), size=np.array([2, 2], np.int64)),
     integers(2, 3))
case("Slice_given", lambda x, b: RAW.Slice(input=x, begin=b, size=[2, 2]), floats(5, 5), np.array([1, 3], np.int32))
SLICES = {
    "plain": lambda x: x[0:2, 1:3, 1:], "negative": lambda x: x[-2:, :-1, -3:-1], "strides": lambda x: x[::2, 1::2],
    "backwards": lambda x: x[::-1, :, ::-2], "shrink": lambda x: x[1, :, 2], "shrink_negative": lambda x: x[-1, -2],
    "new_axis": lambda x: x[:, tf.newaxis, 1:, :, tf.newaxis], "ellipsis": lambda x: x[..., 1],
    "ellipsis_middle": lambda x: x[1, ..., 0:2], "ellipsis_new": lambda x: x[..., tf.newaxis, 1:3, tf.newaxis],
    "new_and_shrink": lambda x: x[1, tf.newaxis, :, 2], "empty": lambda x: x[2:1], "all": lambda x: x[:],
    "all_masks": lambda x: x[tf.newaxis, ..., 1, ::2], "past": lambda x: x[:, -9:9],
}
for name, function in SLICES.items():
    case(f"StridedSlice_{name}", function, floats(3, 4, 5))
case("StridedSlice_free", lambda x: [x[:, 0], x[:, -1, :], x[:, ::-1], x[..., 1:]], floats(3, 4, 5), free=("x0",))
case("StridedSlice_int64", lambda x: x[1:3, ::2], integers(3, 4, dtype=np.int64))
case("StridedSlice_bool", lambda x: x[1:3, ::2], booleans(3, 4))
case("StridedSlice_given", lambda x, i: x[i], floats(3, 4), np.int32(2))
case("Pad", lambda x: RAW.Pad(input=x, paddings=[[1, 2], [0, 3]]), floats(2, 3))
case("Pad_int64", lambda x: RAW.Pad(input=x, paddings=np.array([[1, 2], [0, 3]], np.int64)), integers(2, 3))
case("PadV2", lambda x: RAW.PadV2(input=x, paddings=[[1, 2], [0, 3]], constant_values=-1.5), floats(2, 3))
case("PadV2_rank5", lambda x: RAW.PadV2(input=x, paddings=[[0, 0], [1, 2], [0, 3], [1, 0], [0, 1]],
                                        constant_values=1.5), floats(2, 1, 3, 2, 2))
for mode in ("REFLECT", "SYMMETRIC"):
    case(f"MirrorPad_{mode}", lambda x, m=mode: RAW.MirrorPad(input=x, paddings=[[1, 2], [0, 3]], mode=m), floats(4, 5))
    case(f"MirrorPad_{mode}_rank4", lambda x, m=mode: RAW.MirrorPad(
        input=x, paddings=[[0, 0], [1, 2], [3, 1], [0, 0]], mode=m), floats(2, 4, 5, 3))
case("ReverseV2", lambda x: RAW.ReverseV2(tensor=x, axis=[0, -1]), floats(2, 3, 4))
case("ReverseV2_int32", lambda x: RAW.ReverseV2(tensor=x, axis=[1]), integers(2, 3, 4))
case("ReverseV2_none", lambda x: RAW.ReverseV2(tensor=x, axis=np.zeros(0, np.int32)), floats(2, 3))
case("Reverse", lambda x: RAW.Reverse(tensor=x, dims=[True, False]), floats(2, 3))
case("ReverseSequence", lambda x, n: RAW.ReverseSequence(input=x, seq_lengths=n, seq_dim=1, batch_dim=0),
     floats(3, 5, 2), np.array([2, 5, 1], np.int32))
case("ReverseSequence_time_major", lambda x, n: RAW.ReverseSequence(input=x, seq_lengths=n, seq_dim=0, batch_dim=1),
     floats(5, 3, 2), np.array([2, 5, 1], np.int32))
case("Roll", lambda x: RAW.Roll(input=x, shift=[2], axis=[1]), floats(3, 5))
case("Roll_two", lambda x: RAW.Roll(input=x, shift=[-1, 7], axis=[1, -1]), floats(3, 5, 4), free=("x0",))
case("Roll_scalar", lambda x: RAW.Roll(input=x, shift=2, axis=0), integers(5))
case("DepthToSpace", lambda x: RAW.DepthToSpace(input=x, block_size=2), floats(2, 3, 4, 8))
case("SpaceToDepth", lambda x: RAW.SpaceToDepth(input=x, block_size=2), floats(2, 6, 4, 3))
case("DepthToSpace_nchw", lambda x: RAW.DepthToSpace(input=x, block_size=2, data_format="NCHW"), floats(2, 8, 3, 4),
     reference=lambda x: tf.transpose(RAW.DepthToSpace(input=tf.transpose(x, [0, 2, 3, 1]), block_size=2), [0, 3, 1, 2]))
case("SpaceToBatchND", lambda x: RAW.SpaceToBatchND(input=x, block_shape=[2, 3], paddings=[[1, 1], [0, 2]]),
     floats(2, 4, 4, 3))
case("BatchToSpaceND", lambda x: RAW.BatchToSpaceND(input=x, block_shape=[2, 2], crops=[[0, 1], [1, 0]]),
     floats(8, 3, 3, 2))
case("SpaceToBatchND_1d", lambda x: RAW.SpaceToBatchND(input=x, block_shape=[2], paddings=[[1, 1]]), floats(2, 4, 3))
case("BatchToSpaceND_1d", lambda x: RAW.BatchToSpaceND(input=x, block_shape=[2], crops=[[0, 1]]), floats(4, 4, 3))
case("SpaceToBatch", lambda x: RAW.SpaceToBatch(input=x, paddings=[[1, 1], [0, 2]], block_size=2), floats(2, 4, 4, 3))
case("BatchToSpace", lambda x: RAW.BatchToSpace(input=x, crops=[[0, 1], [1, 0]], block_size=2), floats(8, 3, 3, 2))
case("ExtractImagePatches", lambda x: RAW.ExtractImagePatches(
    images=x, ksizes=[1, 3, 2, 1], strides=[1, 2, 1, 1], rates=[1, 1, 1, 1], padding="SAME"), floats(2, 7, 6, 3))
case("ExtractImagePatches_rates", lambda x: RAW.ExtractImagePatches(
    images=x, ksizes=[1, 3, 2, 1], strides=[1, 1, 1, 1], rates=[1, 2, 2, 1], padding="VALID"), floats(2, 7, 6, 3))
case("ExtractImagePatches_tokens", lambda x: RAW.ExtractImagePatches(
    images=x, ksizes=[1, 4, 4, 1], strides=[1, 4, 4, 1], rates=[1, 1, 1, 1], padding="VALID"), floats(2, 8, 8, 3),
     free=("x0",))
case("frame", lambda x: tf.signal.frame(x, 8, 4), floats(2, 32))
case("meshgrid", lambda x, y: tf.meshgrid(x, y), floats(3), floats(4))

# ---- Picking

case("Gather", lambda x, i: RAW.Gather(params=x, indices=i), floats(5, 3), integers(2, 4, low=0, high=4))
case("GatherV2", lambda x, i: RAW.GatherV2(params=x, indices=i, axis=-1), floats(2, 5), integers(3, low=0, high=4))
case("GatherV2_int64", lambda x, i: RAW.GatherV2(params=x, indices=i, axis=0), floats(5, 2),
     integers(3, low=0, high=4, dtype=np.int64))
case("GatherV2_batch", lambda x, i: RAW.GatherV2(params=x, indices=i, axis=1, batch_dims=1), floats(3, 5, 2),
     integers(3, 4, low=0, high=4))
case("GatherV2_batch_negative", lambda x, i: tf.gather(x, i, batch_dims=-1), floats(3, 5), integers(3, 4, low=0, high=4))
case("GatherV2_scalar", lambda x, i: RAW.GatherV2(params=x, indices=i, axis=1), floats(3, 5), np.int32(2))
case("GatherV2_of_int32", lambda x, i: RAW.GatherV2(params=x, indices=i, axis=0), integers(5, 2), integers(3, low=0, high=4))
case("GatherNd", raw("GatherNd", "params", "indices"), floats(3, 4, 5), integers(6, 2, low=0, high=2))
case("GatherNd_int64", raw("GatherNd", "params", "indices"), floats(3, 4), integers(6, 2, low=0, high=2, dtype=np.int64))
case("GatherNd_rows", raw("GatherNd", "params", "indices"), integers(4, 5), integers(2, 3, 1, low=0, high=3))
case("gather_nd_batch", lambda x, i: tf.gather_nd(x, i, batch_dims=1), floats(3, 4, 5), integers(3, 2, low=0, high=3))
case("ScatterNd", lambda i, u: RAW.ScatterNd(indices=i, updates=u, shape=[6, 3]), np.array([[1], [4], [1]], np.int32),
     floats(3, 3))
case("ScatterNd_int32", lambda i, u: RAW.ScatterNd(indices=i, updates=u, shape=[6]), np.array([[1], [4], [0]], np.int32),
     integers(3))
case("TensorScatterUpdate", lambda x, i, u: RAW.TensorScatterUpdate(tensor=x, indices=i, updates=u), floats(5, 3),
     np.array([[1], [4]], np.int32), floats(2, 3, seed=2))
case("TensorScatterUpdate_points", lambda x, i, u: RAW.TensorScatterUpdate(tensor=x, indices=i, updates=u),
     integers(5, 3), np.array([[1, 2], [4, 0]], np.int32), integers(2, seed=2))
case("TensorScatterAdd", lambda x, i, u: RAW.TensorScatterAdd(tensor=x, indices=i, updates=u), floats(5, 3),
     np.array([[1], [1]], np.int32), floats(2, 3, seed=2))
case("TensorScatterSub", lambda x, i, u: RAW.TensorScatterSub(tensor=x, indices=i, updates=u), floats(5, 3),
     np.array([[1], [3]], np.int32), floats(2, 3, seed=2))
case("Where", raw("Where", "condition"), booleans(3, 4))
case("Where_floats", lambda x: RAW.Where(condition=x), np.where(booleans(9), floats(9), 0).astype(np.float32))
case("boolean_mask", lambda x, m: tf.boolean_mask(x, m), floats(5, 3), booleans(5))
case("Unique", raw("Unique", "x"), np.array([3, 1, 3, 2, 1], np.int32))
case("Unique_int64", lambda x: RAW.Unique(x=x, out_idx=tf.int64), np.array([3, 1, 3, 2, 1], np.int64))
case("TopKV2", lambda x: RAW.TopKV2(input=x, k=3), floats(4, 9))
case("TopKV2_int32", lambda x: RAW.TopKV2(input=x, k=2), np.array([[3, 1, 7, 5], [9, 8, 2, 4]], np.int32))
case("sort", lambda x: tf.sort(x), floats(4, 9))
case("sort_descending", lambda x: tf.sort(x, direction="DESCENDING"), floats(4, 9))
case("argsort", lambda x: tf.argsort(x), floats(4, 9))
case("InTopKV2", lambda x, t: RAW.InTopKV2(predictions=x, targets=t, k=3), floats(4, 9), integers(4, low=0, high=8),
     refused="InTopKV2")
case("DynamicStitch", lambda x, y: RAW.DynamicStitch(indices=[[0, 2], [1, 3]], data=[x, y]), floats(2, 3),
     floats(2, 3, seed=2))
case("SparseToDense", lambda i, v: RAW.SparseToDense(sparse_indices=i, output_shape=[5], sparse_values=v, default_value=-1.0),
     np.array([1, 3], np.int32), floats(2))
case("Identity_chain", lambda x: RAW.PreventGradient(input=RAW.StopGradient(input=RAW.Identity(input=x))) * 2.0, floats(3))
case("IdentityN", lambda x, y: RAW.IdentityN(input=[x, y]), floats(3), floats(4))
case("CheckNumerics", lambda x: RAW.CheckNumerics(tensor=x, message="bad") * 2.0, floats(3))
case("PlaceholderWithDefault", lambda x: x * RAW.PlaceholderWithDefault(input=3.0, shape=[]), floats(3), flags=("--inputs", "x0"))
