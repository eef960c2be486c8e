# SPDX-License-Identifier: Apache-2.0
"""Fixed cases of the operators that move elements and that resize."""
import itertools

import numpy as np

from fixed.cases import case
from models import QUANTIZED, Operand, operand

KINDS = ("f32", "i8", "u8", "i16", "i32", "i64")


def ints(values, kind="i32", fed=False):
    """A constant of integers, or an input that gets them."""
    array = np.array(values, np.int64)
    return Operand(array.shape, kind, data=array, fed=fed)


def moved(op, name, kind, shape, result, more=(), options=None, version=None, first=()):
    """One case in which input and output are quantized alike."""
    x, y = operand(kind, shape, -9, 7), operand(kind, result, -9, 7)
    if kind in ("i32", "i64"):
        x.low, x.high = -30000, 30000
    return case(op, f"{kind}_{name}", [*first, x, *more], [y], options, version)


def concatenation_cases():
    layouts = {"last": ((2, 3, 0), -1, (4, 1, 2)), "first": ((0, 5), 0, (1, 2)), "middle": ((2, 0, 3, 2), 1, (3, 1, 1, 2)),
               "one": ((2, 0), 1, (3,)), "rank5": ((1, 2, 1, 0, 2), 3, (2, 2))}
    for kind in KINDS:
        for name, (shape, axis, sizes) in layouts.items():
            at = axis % len(shape)
            shapes = [shape[:at] + (n,) + shape[at + 1:] for n in sizes]
            result = shape[:at] + (sum(sizes),) + shape[at + 1:]
            options = ("ConcatenationOptions", {"axis": axis})
            parts = [operand(kind, s, -2, 3) for s in shapes]
            yield case("CONCATENATION", f"{kind}_{name}", parts, [operand(kind, result, -2, 3)], options)
    # uint8 inputs are rescaled one by one.
    codes = np.arange(256)
    for i, ranges in enumerate((((-1, 1), (-2, 3), (0, 0.3)), ((-8, 8), (-2, 3.1), (-0.5, 40)))):
        parts = [operand("u8", (256,), low, high, data=codes, fed=True) for low, high in ranges]
        yield case("CONCATENATION", f"u8_rescaled_{i}", parts, [operand("u8", (768,), -2, 3)],
                   ("ConcatenationOptions", {"axis": 0}), 1)


def pad_cases():
    layouts = {"image": ((1, 3, 4, 2), ((0, 0), (1, 2), (0, 1), (0, 0))), "channels": ((1, 3, 4, 2), ((0, 0), (0, 0), (0, 0), (1, 3))),
               "flat": ((5,), ((2, 1),)), "all": ((2, 1, 3), ((1, 1), (2, 0), (0, 2))), "none": ((2, 3), ((0, 0), (0, 0))),
               "rank5": ((1, 2, 2, 1, 2), ((0, 1), (1, 0), (0, 0), (2, 1), (0, 1)))}
    for kind in KINDS:
        for i, (name, (shape, paddings)) in enumerate(layouts.items()):
            result = tuple(d + a + b for d, (a, b) in zip(shape, paddings))
            amounts = ints(paddings, "i64" if i % 2 else "i32", fed=i == 3)
            yield moved("PAD", name, kind, shape, result, [amounts], ("PadOptions", {}), 4)
            value = operand(kind, (), -9, 7, data=np.array(3 if kind != "f32" else -1.25))
            yield moved("PADV2", name, kind, shape, result, [amounts, value], ("PadV2Options", {}), 4)


def shape_cases():
    for kind in KINDS:
        for i, (shape, new, result) in enumerate((((2, 6), (3, -1), (3, 4)), ((2, 3, 4), (-1,), (24,)), ((4,), (1, 2, 2, 1), (1, 2, 2, 1)))):
            yield moved("RESHAPE", f"option_{i}", kind, shape, result, (), ("ReshapeOptions", {"newShape": list(new)}))
            yield moved("RESHAPE", f"constant_{i}", kind, shape, result, [ints(new)], ("ReshapeOptions", {}))
            yield moved("RESHAPE", f"late_{i}", kind, shape, result, [ints(new, fed=True)], ("ReshapeOptions", {}))
        for i, (shape, dims, result) in enumerate((((1, 3, 1, 2), (), (3, 2)), ((1, 3, 1), (0,), (3, 1)), ((1, 3, 1), (-1,), (1, 3)))):
            yield moved("SQUEEZE", str(i), kind, shape, result, (), ("SqueezeOptions", {"squeezeDims": list(dims)}))
        for i, (axis, result) in enumerate(((0, (1, 2, 3)), (-1, (2, 3, 1)), (1, (2, 1, 3)))):
            yield moved("EXPAND_DIMS", str(i), kind, (2, 3), result, [ints(axis)], ("ExpandDimsOptions", {}), 1)
        for i, perm in enumerate(((0, 1, 2, 3), (3, 2, 1, 0), (0, 3, 1, 2), (0, 2, 3, 1), (1, 0, 3, 2))):
            shape = (2, 3, 5, 4)
            yield moved("TRANSPOSE", str(i), kind, shape, tuple(shape[p] for p in perm), [ints(perm, fed=i == 1)],
                        ("TransposeOptions", {}), 4)
        yield moved("TRANSPOSE", "rank6", kind, (2, 1, 3, 2, 2, 3), (3, 2, 2, 3, 1, 2), [ints((5, 0, 3, 2, 1, 4))],
                    ("TransposeOptions", {}), 4)


def stack_cases():
    for kind in KINDS:
        for i, (shape, axis, n) in enumerate((((2, 3), 0, 2), ((2, 3), 1, 3), ((2, 3), -1, 2), ((4,), -2, 1), ((), 0, 3))):
            at = axis % (len(shape) + 1)
            whole = shape[:at] + (n,) + shape[at:]
            slices = [operand(kind, shape, -2, 3) for _ in range(n)]
            yield case("PACK", f"{kind}_{i}", slices, [operand(kind, whole, -2, 3)], ("PackOptions", {"valuesCount": n, "axis": axis}), 2)
            if kind != "i64":
                results = [operand(kind, shape, -2, 3) for _ in range(n)]
                yield case("UNPACK", f"{kind}_{i}", [operand(kind, whole, -2, 3)], results, ("UnpackOptions", {"num": n, "axis": axis}), 3)
        for i, (shape, axis, n) in enumerate((((4, 6), 0, 2), ((4, 6), -1, 3), ((2, 4, 3), 1, 4), ((5,), 0, 1))):
            at = axis % len(shape)
            part = shape[:at] + (shape[at] // n,) + shape[at + 1:]
            results = [operand(kind, part, -2, 3) for _ in range(n)]
            yield case("SPLIT", f"{kind}_{i}", [ints(axis, fed=i == 2), operand(kind, shape, -2, 3)], results, ("SplitOptions", {"numSplits": n}), 4)


def slice_cases():
    fields = ("beginMask", "endMask", "ellipsisMask", "newAxisMask", "shrinkAxisMask", "offset")
    # shape, begin, end, strides, options by the order of `fields`
    slices = (
        ((6,), (1,), (5,), (2,), ()), ((6,), (-1,), (-6,), (-2,), ()), ((6,), (-9,), (9,), (1,), ()),
        ((4, 5), (1, 3), (3, 0), (1, -1), ()), ((4, 5), (2, 2), (0, 0), (1, 1), (1, 2)), ((4, 5), (2, 2), (0, 0), (-1, -1), (3, 3)),
        ((4, 5), (1, 2), (2, 3), (1, 1), (0, 0, 0, 0, 1)), ((4, 5), (-1, -2), (0, 0), (1, 1), (0, 0, 0, 0, 3)),
        ((2, 3, 4), (0, 1), (0, 3), (1, 1), (0, 0, 1)), ((2, 3, 4), (1, 0, 3), (2, 0, 0), (1, 1, -1), (0, 0, 2, 0, 1)),
        ((2, 3), (0, 0, 1), (0, 2, 3), (1, 1, 1), (0, 0, 0, 1)), ((2, 3, 4), (0, 0, 1), (1, 0, 3), (1, 1, 1), (0, 0, 2, 1)),
        ((8, 3), (2, 0), (3, 2), (1, 1), (0, 0, 0, 0, 0, True)), ((8, 3), (-4, 1), (2, 1), (1, 1), (0, 0, 0, 0, 0, True)),
        ((2, 3, 2, 3, 2), (0, 2, 1, 0, 0), (2, 0, 2, 3, 1), (1, -1, 1, 2, 1), ()), ((3, 4), (1,), (3,), (1,), ()),
    )
    for kind in KINDS:
        for i, (shape, begin, end, strides, options) in enumerate(slices):
            late = i % 4 == 3
            index = [ints(v, fed=late) for v in (begin, end, strides)]
            # The result's declared shape is not read: the operator works it out.
            yield moved("STRIDED_SLICE", str(i), kind, shape, (1,), index, ("StridedSliceOptions", dict(zip(fields, options))), 4)


def gather_cases():
    for kind in KINDS:
        for i, (shape, indices) in enumerate((((5,), ((3,), (0,))), ((4, 3), ((2,), (0,), (2,))), ((4, 3), ((2, 1), (0, 2))),
                                              ((2, 3, 4), (((1, 2), (0, 0)), ((1, 0), (0, 1)))), ((2, 3, 4), (1, 2, 3)))):
            at = np.array(indices)
            result = at.shape[:-1] + shape[at.shape[-1]:]
            wide = "i64" if i % 2 else "i32"
            yield moved("GATHER_ND", str(i), kind, shape, result, [ints(indices, wide, fed=i < 2)], ("GatherNdOptions", {}), 5)


def block_cases():
    for kind in ("f32", "i8", "u8", "i32", "i64"):
        for i, (n, h, w, c, b) in enumerate(((1, 2, 2, 1, 2), (2, 2, 3, 3, 2), (1, 1, 2, 2, 3), (1, 3, 2, 4, 1))):
            fine, coarse = (n, h * b, w * b, c), (n, h, w, c * b * b)
            yield moved("SPACE_TO_DEPTH", str(i), kind, fine, coarse, (), ("SpaceToDepthOptions", {"blockSize": b}), 2)
            yield moved("DEPTH_TO_SPACE", str(i), kind, coarse, fine, (), ("DepthToSpaceOptions", {"blockSize": b}), 2)
        layouts = (((1, 4, 4, 1), (2, 2), ((0, 0), (0, 0))), ((2, 3, 5, 2), (2, 3), ((1, 0), (0, 1))), ((2, 6, 3), (3,), ((0, 3),)),
                   ((1, 2, 2, 3), (4, 2), ((1, 1), (4, 0))))
        for i, (shape, block, edges) in enumerate(layouts):
            padded = [d + sum(e) for d, e in zip(shape[1:-1], edges)]
            batches = shape[0] * int(np.prod(block))
            small = (batches, *(d // b for d, b in zip(padded, block)), shape[-1])
            more = [ints(block, fed=i == 2), ints(edges, fed=i == 2)]
            yield moved("SPACE_TO_BATCH_ND", str(i), kind, shape, small, more, ("SpaceToBatchNDOptions", {}), 3)
            yield moved("BATCH_TO_SPACE_ND", str(i), kind, small, shape, more, ("BatchToSpaceNDOptions", {}), 3)


def resize_cases():
    layouts = (((1, 4, 4, 3), (8, 8)), ((2, 5, 3, 2), (7, 10)), ((1, 9, 8, 1), (3, 5)), ((1, 1, 1, 4), (3, 2)), ((1, 6, 5, 2), (1, 1)),
               ((1, 3, 33, 1), (5, 65)), ((1, 4, 3, 5), (9, 7)), ((1, 3, 3, 1), (3, 3)))
    modes = {"plain": (False, False), "align": (True, False), "half": (False, True)}
    for op, kind in itertools.product(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), ("f32", *QUANTIZED)):
        for (mode, (align, half)), (i, (shape, size)) in itertools.product(modes.items(), enumerate(layouts)):
            table = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
            options = (table, {"alignCorners": align, "halfPixelCenters": half})
            yield moved(op, f"{mode}_{i}", kind, shape, (shape[0], *size, shape[3]), [ints(size, fed=i == 1)], options, 4)


def all_cases():
    """Every case of every operator here."""
    for part in (concatenation_cases, pad_cases, shape_cases, stack_cases, slice_cases, gather_cases, block_cases, resize_cases):
        yield from part()
