# SPDX-License-Identifier: Apache-2.0
"""Operators that read or write by index: look-ups, gathers, scatters, segments, windows."""
import dataclasses

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from generator import generator
from models import BITS, QUANTIZED, Case, Operand, integer_limits

MOVED = "f32 f16 bf16 i8 u8 i16 i32 i64 bool"


def some(r, kind, shape, zero_share=0.0):
    """An operand of any kind, constant or fed, with random values; some of them 0."""
    x = r.operand(kind, shape) if kind in QUANTIZED else Operand(tuple(shape), kind, low=-100, high=100)
    if kind in BITS:
        x = Operand(tuple(shape), kind)
    size = int(np.prod(shape, dtype=np.int64))
    if zero_share:
        values = r.rng.integers(0 if kind in ("u8", "u32", "bool") else -3, 2 if kind == "bool" else 4, shape)
        x.data = np.where(r.rng.random(shape) < zero_share, 0, values)
        x.fed = r.chance(0.7)
    elif kind == "string":
        x.data = [bytes(r.rng.integers(97, 123, r.integer(0, 7)).astype(np.uint8)) for _ in range(size)]
        x.fed = r.chance(0.7)
    elif kind in BITS:
        low, high = integer_limits(kind)
        x.data = r.rng.integers(low, high, shape, endpoint=True)
    return x


def like(x, shape):
    """A result with the type and quantization of x."""
    return dataclasses.replace(x, shape=tuple(shape), data=None, fed=False)


def indices(r, shape, below, kind=None):
    """Indices in [0, below), below a number or an array that broadcasts; constant or fed."""
    kind = kind or r.choice(["i32", "i64"])
    values = (r.rng.random(shape) * np.asarray(below)).astype(np.int64)
    return Operand(tuple(shape), kind, data=values, fed=r.chance(0.5))


def scalar(r, value, kind="i32"):
    return Operand((), kind, data=[value], fed=r.chance(0.3))


@generator("GATHER", MOVED + " i4 string")
def gather(r, op, kind):
    shape = list(r.shape(1, 4))
    axis = r.integer(0, len(shape) - 1)
    batch = r.integer(0, axis) if r.chance(0.5) else 0
    if kind == "i4":
        # Slices of an odd number of 4-bit elements are not what LiteRT copies right.
        shape.append(2 * r.integer(1, 3))
        batch = 0
    if kind == "string":
        shape, axis, batch = shape[:1], 0, 0  # LiteRT takes no others
    rows = list(r.shape(0 if kind != "string" else 1, 2))
    x = some(r, kind, shape)
    index = indices(r, shape[:batch] + rows, shape[axis], r.choice(["i16", "i32", "i64"]))
    if kind == "string" and index.type == "i16":
        index.type = "i32"
    return Case([x, index], [like(x, shape[:axis] + rows + shape[axis + 1:])],
                ("GatherOptions", {"axis": axis if r.chance(0.5) else axis - len(shape), "batchDims": batch}))


@generator("GATHER_ND", MOVED + " string")
def gather_nd(r, op, kind):
    shape, rows = r.shape(1, 4), r.shape(1, 2)
    depth = r.integer(1, len(shape))
    x = some(r, kind, shape)
    index = indices(r, rows + (depth,), np.array(shape[:depth]), r.choice(["i16", "i32", "i64"]))
    if kind == "string" and index.type == "i16":
        index.type = "i64"
    return Case([x, index], [like(x, rows + shape[depth:])], ("GatherNdOptions", {}))


@generator("EMBEDDING_LOOKUP", MOVED + " f64 u16 u32 u64 c64 i4")
def embedding_lookup(r, op, kind):
    shape = list(r.shape(2, 4))
    if kind == "i4":
        shape[-1] *= 2
    x, number = some(r, kind, shape), r.shape(1, 1)
    return Case([indices(r, number, shape[0], "i32"), x], [like(x, number + tuple(shape[1:]))])


@generator("EMBEDDING_LOOKUP", "hybrid hybrid_i4w hybrid_i2w")
def embedding_lookup_hybrid(r, op, kind):
    table = {"hybrid": "i8", "hybrid_i4w": "i4", "hybrid_i2w": "i2"}[kind]
    shape = r.shape(1, 3) + (4 * r.integer(1, 4),)  # rows that begin at whole bytes, as LiteRT needs them
    scales = r.rng.uniform(0.01, 1, shape[0]).astype(np.float32)
    low, high = integer_limits(table)
    x = Operand(shape, table, scale=list(map(float, scales)) if r.chance(0.5) else float(scales[0]), zero=0,
                data=r.rng.integers(low, high, shape, endpoint=True))
    if isinstance(x.scale, list):
        x.zero = [0] * shape[0]
    number = r.shape(1, 1)
    return Case([indices(r, number, shape[0], "i32"), x],
                [Operand(number + shape[1:], r.choice(["f32", "f32", "f16"]))])


@generator("EMBEDDING_LOOKUP_SPARSE", "f32")
def embedding_lookup_sparse(r, op, kind):
    dense, table, n = r.shape(1, 3, 4), r.shape(2, 3), r.integer(0, 12)
    places = r.rng.integers(0, np.prod(dense), n)
    if r.chance(0.8):
        places = np.sort(places)
    index = np.stack(np.unravel_index(places, dense), 1).reshape(n, len(dense))
    return Case([indices(r, (n,), table[0], "i32"),
                 Operand((n, len(dense)), "i32", data=index, fed=r.chance(0.5)),
                 Operand((len(dense),), "i32", data=dense, fed=r.chance(0.5)),
                 Operand((n,), "f32", low=0.1, high=2), Operand(table, "f32")],
                [Operand(dense[:-1] + table[1:], "f32")],
                ("EmbeddingLookupSparseOptions", {"combiner": r.integer(0, 2)}))


@generator("HASHTABLE_LOOKUP", "f32 i32 i64 string")
def hashtable_lookup(r, op, kind):
    shape = r.shape(1, 1) if kind == "string" else r.shape(1, 3)
    keys = np.sort(r.rng.choice(40, shape[0], replace=False)) - 20
    x, n = some(r, kind, shape), r.integer(1, 8)
    return Case([Operand((n,), "i32", low=-20, high=20), Operand((shape[0],), "i32", data=keys, fed=r.chance(0.5)), x],
                [like(x, (n,) + shape[1:]), Operand((n,), "u8")])


@generator("LSH_PROJECTION", "f32 f16 i8 u8 i16 i32 i64 bool string")
def lsh_projection(r, op, kind):
    sparse = r.chance(0.5)
    hashes, bits = r.integer(1, 4), r.integer(1, 12)
    shape = r.shape(1, 3, 9)
    if r.chance(0.4):
        shape += (r.integer(10, 90),)  # slices of more than 64 bytes
    if kind == "string":
        shape = shape[:1]
    x = some(r, kind, shape)
    inputs = [Operand((hashes, bits), "f32", data=r.rng.uniform(-1, 1, (hashes, bits))), x]
    if r.chance(0.5):
        inputs.append(Operand((shape[0],), "f32", low=-1, high=1))
    return Case(inputs, [Operand((hashes if sparse else hashes * bits,), "i32")],
                ("LSHProjectionOptions", {"type": 1 if sparse else 2}))


@generator("SKIP_GRAM", "string")
def skip_gram(r, op, kind):
    words = [bytes(r.rng.integers(97, 123, r.integer(1, 5)).astype(np.uint8)) for _ in range(r.integer(0, 7))]
    text = b"".join(w + r.choice([b" ", b"\t", b"  "]) for w in words)
    text = r.choice([b"", b"", b" ", b"  "]) + (text.rstrip() if r.chance(0.7) else text)
    return Case([Operand((1,), "string", data=[text], fed=True)], [Operand((1,), "string")],
                ("SkipGramOptions", {"ngramSize": r.integer(1, 4), "maxSkipSize": r.integer(0, 3),
                                     "includeAllNgrams": r.chance(0.5)}))


@generator("TOPK_V2", "f32 i8 u8 i16 i32 i64")
def topk(r, op, kind):
    shape = r.shape(1, 4, 9)
    x = r.operand(kind, shape) if kind in QUANTIZED else Operand(shape, kind, low=-20, high=20)
    k = r.integer(0, shape[-1])
    result = shape[:-1] + (k,)
    return Case([x, scalar(r, k, r.choice(["i32", "i16"]))],
                [like(x, result), Operand(result, r.choice(["i32", "i16"]))], ("TopKV2Options", {}))


@generator("WHERE", "f32 i8 u8 i32 u32 i64 bool")
def where(r, op, kind):
    shape = r.shape(1, 5, zero=True)
    return Case([some(r, kind, shape, 0.5)], [Operand((1, len(shape)), "i64")], ("WhereOptions", {}))


@generator("UNIQUE", "f32 i8 u8 i16 i32 i64")
def unique(r, op, kind):
    shape = r.shape(1, 1, 20)
    x, places = some(r, kind, shape, 0.3), r.choice(["i32", "i64"])
    return Case([x], [like(x, shape), Operand(shape, places)],
                ("UniqueOptions", {"idxOutType": {"i32": schema.TensorType.INT32, "i64": schema.TensorType.INT64}[places]}))


@generator("SCATTER_ND", "f32 i8 u8 i32 i64 bool")
def scatter_nd(r, op, kind):
    shape, rows = r.shape(1, 4), r.shape(1, 2)
    depth, index = r.integer(1, len(shape)), r.choice(["i32", "i64"])
    x = Operand(rows + shape[depth:], kind, low=-9, high=9)
    where_to = indices(r, rows + (depth,), np.array(shape[:depth]), index)
    if kind == "bool":
        # LiteRT adds bools as bytes: only without equal indices is there an answer.
        places = r.rng.permutation(int(np.prod(shape[:depth])))[:rows[0]]
        rows = (len(places),)
        x = Operand(rows + shape[depth:], kind)
        where_to = Operand(rows + (depth,), index, data=np.stack(np.unravel_index(places, shape[:depth]), 1), fed=r.chance(0.5))
    return Case([where_to, x, Operand((len(shape),), index, data=shape, fed=r.chance(0.4))],
                [Operand(shape, kind)], ("ScatterNdOptions", {}))


@generator("SPARSE_TO_DENSE", "f32 i8 u8 i32 i64")
def sparse_to_dense(r, op, kind):
    shape, n, index = r.shape(1, 4), r.integer(1, 6), r.choice(["i32", "i64"])
    where_to = indices(r, (n, len(shape)), np.array(shape), index)
    if len(shape) == 1 and r.chance(0.6):
        where_to.shape, where_to.data = (n,), where_to.data.reshape(n)
    values = () if r.chance(0.3) else (n,)
    return Case([where_to, Operand((len(shape),), r.choice(["i32", "i64"]), data=shape, fed=r.chance(0.4)),
                 Operand(values, kind, low=-90, high=90), Operand((), kind, low=-90, high=90)],
                [Operand(shape, kind)], ("SparseToDenseOptions", {"validateIndices": False}))


@generator("SEGMENT_SUM", "f32 i32")
def segment_sum(r, op, kind):
    shape = r.shape(1, 3, 8)
    # LiteRT refuses ids that skip a segment.
    ids = np.cumsum(r.rng.integers(0, 2, shape[0]))
    ids -= ids[0]
    return Case([Operand(shape, kind, low=-9, high=9), Operand((shape[0],), "i32", data=ids, fed=r.chance(0.5))],
                [Operand((int(ids[-1]) + 1,) + shape[1:], kind)], ("SegmentSumOptions", {}))


@generator("UNSORTED_SEGMENT_SUM UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN", "f32 i32")
def unsorted_segment(r, op, kind):
    shape, segments = r.shape(1, 3, 8), r.integer(1, 6)
    ids = r.rng.integers(-1, segments, shape[0])
    name = "".join(word.capitalize() for word in op.split("_")) + "Options"
    return Case([Operand(shape, kind, low=-9, high=9), Operand((shape[0],), "i32", data=ids, fed=r.chance(0.5)),
                 Operand(r.choice([(), (1,)]), "i32", data=[segments], fed=r.chance(0.3))],
                [Operand((segments,) + shape[1:], kind)], (name, {}))


@generator("MATRIX_DIAG", "f32 i8 u8 i16 i32 i64")
def matrix_diag(r, op, kind):
    shape = r.shape(1, 4)
    return Case([Operand(shape, kind, low=-90, high=90)], [Operand(shape + shape[-1:], kind)], ("MatrixDiagOptions", {}))


@generator("MATRIX_SET_DIAG", "f32 i8 u8 i16 i32 i64")
def matrix_set_diag(r, op, kind):
    shape = r.shape(2, 4)
    return Case([Operand(shape, kind, low=-90, high=90),
                 Operand(shape[:-2] + (min(shape[-2:]),), kind, low=-90, high=90)],
                [Operand(shape, kind)], ("MatrixSetDiagOptions", {}))


def window(r, rank, shape):
    """Sizes, strides and dilations that fit into a shape."""
    sizes, dilations = [], []
    for d in shape:
        dilation = r.integer(1, 3)
        sizes.append(r.integer(1, (d - 1) // dilation + 1))
        dilations.append(dilation)
    return sizes, [r.integer(1, 3) for _ in range(rank)], dilations


@generator("REDUCE_WINDOW", "f32 f64 i8 u8 i16 i32 i64 bool")
def reduce_window(r, op, kind):
    shape = r.shape(1, 4, 7)
    sizes, strides, dilations = window(r, len(shape), shape)
    n = len(shape)
    y = [(d - (w - 1) * k - 1) // s + 1 for d, w, s, k in zip(shape, sizes, strides, dilations)]
    function = r.choice([5, 6]) if kind == "bool" else r.integer(1, 6)
    return Case([Operand(shape, kind, low=-3, high=3), Operand((), kind, data=[r.integer(0, 1)], fed=r.chance(0.5)),
                 *(Operand((n,), "i64", data=v) for v in (sizes, strides, dilations))],
                [Operand(tuple(y), kind)], options2=("ReduceWindowOptions", {"reduceFunction": function}))

