# SPDX-License-Identifier: Apache-2.0
"""Operators that pad, cut into blocks and resize."""
import numpy as np

from generator import generator
from models import Case
from operators.movement import EVERY, computed, integers, like, maybe_constant, moved

PADDED = "f32 f16 bf16 i8 u8 i16 i32 i64 bool"


@generator("PAD", PADDED)
def pad(r, op, kind):
    shape = r.shape(1, 5, zero=True)
    amounts = [[r.choice([0, 0, 1, 2, 3]) for _ in range(2)] for _ in shape]
    x = maybe_constant(r, moved(r, kind, shape))
    y = like(x, [d + sum(a) for d, a in zip(shape, amounts)])
    return Case([x, integers(r, amounts)], [y], ("PadOptions", {}))


@generator("PADV2", PADDED)
def padv2(r, op, kind):
    case = pad(r, op, kind)
    value = maybe_constant(r, like(case.inputs[0], ()))
    return Case([*case.inputs, value], case.outputs, ("PadV2Options", {}))


@generator("MIRROR_PAD", EVERY)
def mirror_pad(r, op, kind):
    mode = r.integer(0, 1)
    shape = r.shape(1, 6)
    amounts = [[r.integer(0, d - 1 + mode) for _ in range(2)] for d in shape]
    x = moved(r, kind, shape)
    y = like(x, [d + sum(a) for d, a in zip(shape, amounts)])
    return Case([x, integers(r, amounts)], [y], ("MirrorPadOptions", {"mode": mode}))


def blocks(r):
    """A shape of rank 3 or 4, blocks, and amounts before and after that they divide."""
    n = r.integer(1, 2)
    shape = r.shape(n + 2, n + 2, most=5)
    block = [r.integer(1, 3) for _ in range(n)]
    return shape, block


@generator("SPACE_TO_BATCH_ND", EVERY)
def space_to_batch(r, op, kind):
    shape, block = blocks(r)
    amounts = []
    for d, b in zip(shape[1:], block):
        before = r.integer(0, 2)
        amounts.append([before, -(d + before) % b + b * r.integer(0, 1)])
    small = [(d + sum(a)) // b for d, a, b in zip(shape[1:], amounts, block)]
    x = moved(r, kind, shape)
    y = like(x, [shape[0] * int(np.prod(block)), *small, shape[-1]])
    return Case([x, integers(r, block, "i32"), integers(r, amounts, "i32")], [y], ("SpaceToBatchNDOptions", {}))


@generator("BATCH_TO_SPACE_ND", EVERY)
def batch_to_space(r, op, kind):
    shape, block = blocks(r)
    crops = []
    for d, b in zip(shape[1:], block):
        before = r.integer(0, min(2, d * b - 1))
        crops.append([before, r.integer(0, min(2, d * b - 1 - before))])
    large = [d * b - sum(c) for d, b, c in zip(shape[1:], block, crops)]
    x = moved(r, kind, [shape[0] * int(np.prod(block)), *shape[1:]])
    y = like(x, [shape[0], *large, shape[-1]])
    return Case([x, integers(r, block, "i32"), integers(r, crops, "i32")], [y], ("BatchToSpaceNDOptions", {}))


@generator("SPACE_TO_DEPTH DEPTH_TO_SPACE", "f32 i8 u8 i32 i64")
def depth_and_space(r, op, kind):
    n, h, w, c = r.shape(4, 4, most=4)
    b = r.integer(1, 3)
    fine, deep = (n, h * b, w * b, c), (n, h, w, c * b * b)
    x = moved(r, kind, fine if op == "SPACE_TO_DEPTH" else deep)
    y = like(x, deep if op == "SPACE_TO_DEPTH" else fine)
    return Case([x], [y], (op.title().replace("_", "") + "Options", {"blockSize": b}))


def resized(r, x, options):
    n, h, w, c = x.shape
    new = [r.choice([r.integer(1, 9), 2 * d, 3 * d, max(1, d // 2), d]) for d in (h, w)]
    given = {"alignCorners": False, "halfPixelCenters": False}
    if (choice := r.integer(0, 2)) > 0:
        given[("alignCorners", "halfPixelCenters")[choice - 1]] = True
    return Case([x, integers(r, new, "i32")], [like(x, (n, *new, c))], (options, given))


@generator("RESIZE_NEAREST_NEIGHBOR", "f32 f16 bf16 i8 u8 i16 u16 i32 u32 bool")
def resize_nearest_neighbor(r, op, kind):
    return resized(r, moved(r, kind, r.shape(4, 4, most=7)), "ResizeNearestNeighborOptions")


@generator("RESIZE_BILINEAR", "f32 i8 u8 i16")
def resize_bilinear(r, op, kind):
    return resized(r, r.operand(kind, r.shape(4, 4, most=7)), "ResizeBilinearOptions")


def dilate_case(r, kind):
    shape = r.shape(1, 6, most=5)
    steps = [r.choice([1, 1, 2, 3]) for _ in shape]
    x = moved(r, kind, shape)
    y = like(x, [(d - 1) * s + 1 for d, s in zip(shape, steps)])
    return Case([x, integers(r, steps, "i32"), maybe_constant(r, like(x, ()))], [y], options2=("DilateOptions", {}))


@generator("DILATE", EVERY)
def dilate(r, op, kind):
    return dilate_case(r, kind)


def spread(x, value, low, high, interior):
    """StableHLO's pad by its definition."""
    full = [(d - 1) * (i + 1) + 1 if d else 0 for d, i in zip(x.shape, interior)]
    out = np.full(full, value, x.dtype)
    out[tuple(slice(None, None, i + 1) for i in interior)] = x
    out = np.pad(out, [(max(a, 0), max(b, 0)) for a, b in zip(low, high)], constant_values=value)
    return out[tuple(slice(max(-a, 0), out.shape[d] - max(-b, 0)) for d, (a, b) in enumerate(zip(low, high)))]


@generator("DILATE", "i4")
def dilate_small(r, op, kind):
    """LiteRT takes each INT4 for a byte, beyond the tensor's end: NumPy is the oracle."""
    case = dilate_case(r, kind)
    return computed(r, case, lambda x, steps, value: spread(x, value, [0] * x.ndim, [0] * x.ndim, steps - 1))


def stablehlo_pad_case(r, kind):
    shape = r.shape(1, 6, most=5)
    interior = [r.choice([0, 0, 1, 2]) for _ in shape]
    low, high = [], []
    for d, i in zip(shape, interior):
        # LiteRT makes every dimension 0 where one is.
        full = (d - 1) * (i + 1) + 1
        low.append(r.integer(-min(3, full - 1), 3))
        high.append(r.integer(-min(3, full - 1 + min(low[-1], 0)), 3))
    x = moved(r, kind, shape)
    y = like(x, [(d - 1) * (i + 1) + 1 + a + b for d, i, a, b in zip(shape, interior, low, high)])
    options = {"edgePaddingLow": low, "edgePaddingHigh": high, "interiorPadding": interior}
    value = maybe_constant(r, like(x, ()))
    return Case([x, value], [y], options2=("StablehloPadOptions", options))


@generator("STABLEHLO_PAD", EVERY)
def stablehlo_pad(r, op, kind):
    return stablehlo_pad_case(r, kind)


@generator("STABLEHLO_PAD", "i4")
def stablehlo_pad_small(r, op, kind):
    """LiteRT takes each INT4 for a byte, beyond the tensor's end: NumPy is the oracle."""
    case = stablehlo_pad_case(r, kind)
    o = case.options2[1]
    return computed(r, case, lambda x, value: spread(x, value, o["edgePaddingLow"], o["edgePaddingHigh"], o["interiorPadding"]))
