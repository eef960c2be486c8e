# SPDX-License-Identifier: Apache-2.0
"""Fixed cases of the operators that make, select and repeat elements."""
import numpy as np

from fixed.cases import case
from fixed.movement import ints, moved
from models import Operand, operand

KINDS = ("f32", "i8", "u8", "i16", "i32", "i64", "bool")
NUMBERS = ("f32", "i32", "i64")


def scalar(value, kind, fed=False):
    return Operand((), kind, data=np.array(value), fed=fed)


def shape_cases():
    for i, shape in enumerate(((2, 3), (4,), (), (1, 0, 5))):
        for out, code in (("i32", 2), ("i64", 4)) if shape else ():
            yield case("SHAPE", f"{i}_{out}", [Operand(shape)], [Operand((len(shape),), out)], ("ShapeOptions", {"outType": code}))
        yield case("RANK", str(i), [Operand(shape)], [Operand((), "i32")], ("RankOptions", {}))
    for kind in KINDS:
        for i, dims in enumerate(((3, 2), (4,), ())):
            value = operand(kind, (), -9, 7) if kind != "bool" else Operand((), kind)
            result = operand(kind, dims, -9, 7) if kind != "bool" else Operand(dims, kind)
            yield case("FILL", f"{kind}_{i}", [ints(dims, "i64" if i else "i32", fed=i == 0), value], [result], ("FillOptions", {}))
    steps = (("f32", 0, 1, 0.1), ("f32", 3, -2.5, -0.7), ("i32", 2, 17, 4), ("i32", 9, -9, -5), ("i64", 0, 5, 1))
    for i, (kind, *values) in enumerate(steps):
        for fed in (False, True):
            yield case("RANGE", f"{i}_{fed}", [scalar(v, kind, fed) for v in values], [Operand((1,), kind)], ("RangeOptions", {}))


def part_cases():
    slices = (((6,), (2,), (3,)), ((4, 5), (1, 2), (-1, 2)), ((2, 3, 4, 2), (1, 0, 1, 0), (1, -1, 2, 2)), ((3, 4), (0, 4), (3, 0)))
    tiles = (((3,), (4,)), ((2, 3), (1, 2)), ((2, 1, 3), (2, 3, 1)), ((2, 3), (0, 1)))
    # params, indices, axis, batch_dims
    gathers = (((5,), (3, 0, 4), 0, 0), ((4, 3), ((2, 0), (1, 1)), -1, 0), ((2, 3, 4), (2, 0), 1, 0), ((2, 3, 4), ((3, 0, 1), (2, 2, 1)), 2, 1),
               ((2, 3, 2), ((2, 1), (0, 0)), 1, 1), ((4, 2), 3, 0, 0))
    spreads = (((3,), (2, 3)), ((2, 1), (2, 4)), ((1, 2, 1), (3, 2, 2)), ((), (2, 2)))
    for kind in KINDS:
        for i, (shape, begin, size) in enumerate(slices):
            result = [d - b if s < 0 else s for d, b, s in zip(shape, begin, size)]
            yield moved("SLICE", str(i), kind, shape, result, [ints(begin, fed=i == 1), ints(size, fed=i == 1)], ("SliceOptions", {}), 3)
        for i, (shape, times) in enumerate(tiles):
            if kind not in ("i8", "u8", "i16"):
                result = [d * t for d, t in zip(shape, times)]
                yield moved("TILE", str(i), kind, shape, result, [ints(times, "i64" if i % 2 else "i32", fed=i == 2)], ("TileOptions", {}), 3)
        for i, (shape, indices, axis, batch) in enumerate(gathers):
            at, index = axis % len(shape), np.array(indices)
            result = shape[:at] + index.shape[batch:] + shape[at + 1:]
            yield moved("GATHER", str(i), kind, shape, result, [ints(indices, "i64" if i % 2 else "i32", fed=i > 2)],
                        ("GatherOptions", {"axis": axis, "batchDims": batch}), 5)
        for i, (shape, result) in enumerate(spreads):
            yield moved("BROADCAST_TO", str(i), kind, shape, result, [ints(result, fed=i == 1)], ("BroadcastToOptions", {}), 3)
        for i, (shape, axis) in enumerate((((5,), 0), ((3, 4), 1), ((2, 3, 4), -2))):
            yield moved("REVERSE_V2", str(i), kind, shape, shape, [ints((axis,))], ("ReverseV2Options", {}), 3)
        for i, (shape, edges) in enumerate((((3,), ((2, 1),)), ((2, 3), ((1, 0), (2, 2))), ((1, 3, 4, 2), ((0, 0), (1, 2), (3, 0), (0, 0))))):
            result = [d + a + b for d, (a, b) in zip(shape, edges)]
            for mode in (0, 1):
                yield moved("MIRROR_PAD", f"{i}_{mode}", kind, shape, result, [ints(edges, "i64" if i else "i32")],
                            ("MirrorPadOptions", {"mode": mode}), 2)
        for i, (shape, part, begin) in enumerate((((6,), (2,), (3,)), ((4, 5), (2, 3), (3, -1)), ((2, 3, 4), (1, 3, 2), (1, 0, 1)))):
            more = [operand(kind, part, -9, 7), ints(begin, "i64" if i == 2 else "i32", fed=True)]
            yield moved("DYNAMIC_UPDATE_SLICE", str(i), kind, shape, shape, more, ("DynamicUpdateSliceOptions", {}), 4)
    for i, (a, b) in enumerate((((2, 1, 3), (4, 1)), ((3,), (2, 3)), ((1, 1), (5, 1)))):
        yield case("BROADCAST_ARGS", str(i), [ints(a, fed=True), ints(b, fed=True)], [Operand((max(len(a), len(b)),), "i32")])


def choice_cases():
    for kind in ("f32", "i8", "u8", "i16", "i32", "i64"):
        for i, (shape, axis, sizes) in enumerate((((6,), 0, (1, 3, 2)), ((2, 7, 2), 1, (2, -1, 1)), ((2, 4), -1, (1, 3)))):
            at = axis % len(shape)
            left = shape[at] - sum(s for s in sizes if s >= 0)
            parts = [shape[:at] + (left if s < 0 else s,) + shape[at + 1:] for s in sizes]
            yield case("SPLIT_V", f"{kind}_{i}", [operand(kind, shape, -2, 3), ints(sizes), ints(axis, fed=i == 2)],
                       [operand(kind, p, -2, 3) for p in parts], ("SplitVOptions", {"numSplits": len(sizes)}), 2)
        for i, (shape, k) in enumerate((((7,), 3), ((2, 5), 5), ((2, 2, 4), 1))):
            result = (*shape[:-1], k)
            yield case("TOPK_V2", f"{kind}_{i}", [operand(kind, shape, -4, 4), ints(k, fed=i == 1)],
                       [operand(kind, result, -4, 4), Operand(result, "i32")], ("TopKV2Options", {}), 3 if kind == "i16" else 2)
    for kind in (*NUMBERS, "i8", "u8", "bool"):
        for i, (indices, depth, axis) in enumerate((((0, 3, 1, -1), 4, -1), (((2, 0), (1, 5)), 3, 0), (((2, 0, 1),), 3, 1))):
            shape = list(np.shape(indices))
            shape.insert(len(shape) if axis < 0 else axis, depth)
            yield case("ONE_HOT", f"{kind}_{i}", [ints(indices, fed=True), ints(depth), scalar(1, kind), scalar(0, kind)],
                       [Operand(shape, kind)], ("OneHotOptions", {"axis": axis}), 1)
        scatters = ((((3,), (0,), (3,)), (5,)), (((1,), (2,)), (3, 2)), (((0, 1), (1, 0)), (2, 2)), ((((2, 0),), ((0, 1),)), (3, 2, 2)))
        for i, (indices, shape) in enumerate(scatters):
            at = np.array(indices)
            updates = Operand(at.shape[:-1] + shape[at.shape[-1]:], kind, low=-50, high=50)
            yield case("SCATTER_ND", f"{kind}_{i}", [ints(indices, fed=True), updates, ints(shape, fed=i == 1)], [Operand(shape, kind)],
                       ("ScatterNdOptions", {}), 1)
        for i, shape in enumerate(((6,), (3, 4), (2, 2, 3))):
            x = Operand(shape, kind, low=-1.4, high=1.4, data=np.arange(np.prod(shape)).reshape(shape) % 3 != 1, fed=True)
            yield case("WHERE", f"{kind}_{i}", [x], [Operand((1, len(shape)), "i64")], ("WhereOptions", {}), 1)
    for kind in ("f32", "i32", "bool"):
        for i, (numbers, table) in enumerate((((2, 0, 2), (4, 3)), ((1,), (2, 3, 2)))):
            yield case("EMBEDDING_LOOKUP", f"{kind}_{i}", [ints(numbers, fed=True), Operand(table, kind, low=-50, high=50)],
                       [Operand((len(numbers), *table[1:]), kind)], None, 1)


def product_cases():
    layouts = (((), 3, 4, 5, ()), ((2,), 5, 7, 3, (2,)), ((3,), 1, 9, 6, ()), ((2, 1), 4, 2, 3, (1, 3)), ((), 2, 33, 17, (2,)), ((1, 2), 16, 8, 32, (2,)))
    for i, (left, m, k, n, right) in enumerate(layouts):
        for adj_x, adj_y in ((False, False), (False, True), (True, False), (True, True)):
            x = Operand((*left, *((k, m) if adj_x else (m, k))))
            y = Operand((*right, *((n, k) if adj_y else (k, n))))
            result = Operand((*np.broadcast_shapes(left, right), m, n))
            yield case("BATCH_MATMUL", f"{i}_{int(adj_x)}{int(adj_y)}", [x, y], [result], ("BatchMatMulOptions", {"adjX": adj_x, "adjY": adj_y}), 2)


def all_cases():
    """Every case of every operator here."""
    for part in (shape_cases, part_cases, choice_cases, product_cases):
        yield from part()
