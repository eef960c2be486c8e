# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements: shapes, slices, joins and repetitions."""
import dataclasses

import numpy as np

from generator import generator
from models import QUANTIZED, TYPES, Case, Operand, random_values

EVERY = "f32 f16 bf16 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool c64"
CODES = {"i32": 2, "i64": 4}  # of the format


def shape_up_to(r, low, high):
    """A shape; those of more than 4 dimensions are small in each."""
    return r.shape(low, 4, zero=True) if r.chance(0.6) else r.shape(5, high, most=3, zero=True)


def moved(r, kind, shape, **more):
    """A tensor of elements that differ; quantized types mostly with a quantization."""
    if kind in QUANTIZED and r.chance(0.8):
        return r.operand(kind, shape, **more)
    if kind == "string" and not shape:  # LiteRT's Python does not take a scalar
        more = {"data": random_values(r.rng, Operand((), kind))}
    return Operand(tuple(shape), kind, low=-30000, high=30000, **more)


def like(x, shape):
    """A tensor of x's type and quantization."""
    return dataclasses.replace(x, shape=tuple(shape), data=None, fed=False)


def integers(r, values, kinds="i32 i64"):
    """Integers that are a constant or come at run time."""
    array = np.array(values, np.int64)
    return Operand(array.shape, r.choice(kinds.split()), data=array, fed=r.chance(0.3))


def maybe_constant(r, x):
    """The operand as it is, or as a constant."""
    if x.type == "string" or not r.chance(0.2):
        return x
    dtype = TYPES[x.type][0]
    if x.type in ("i4", "bool"):
        data = r.rng.integers(*((-8, 8) if x.type == "i4" else (0, 2)), x.shape).astype(dtype)
    else:
        data = r.rng.integers(0, 100, x.shape).astype(dtype)
    return dataclasses.replace(x, data=data)


def axis_of(r, rank):
    """An axis, and the same as an operator may be given it, counted from the end or not."""
    axis = r.integer(0, rank - 1)
    return axis, axis - rank if r.chance(0.4) else axis


def computed(r, case, function):
    """The case with `function` of its inputs' values as what is expected."""
    values = []
    for i, x in enumerate(case.inputs):
        value = np.asarray(random_values(r.rng, x) if x.data is None else x.data)
        values.append(value.astype(TYPES[x.type][0]).reshape(x.shape))
    case.feeds = [{f"x{i}": v for i, (x, v) in enumerate(zip(case.inputs, values)) if x.input}]
    want = function(*values)

    def compare(ours, theirs):
        got = ours[0][0]
        if got.shape != want.shape:
            return f"shape {got.shape} instead of {want.shape}"
        wrong = np.argwhere(got != want)
        return f"{len(wrong)} of {want.size} differ, first at {wrong[0]}" if len(wrong) else None
    case.compare, case.alone = compare, True
    return case


@generator("CONCATENATION", "f32 f16 bf16 i8 u8 i16 i32 u32 i64 bool i4")
def concatenation(r, op, kind):
    shape = list(shape_up_to(r, 1, 8))
    axis, given = axis_of(r, len(shape))
    sizes = [r.choice([0, 1, 2, 3, 4]) if r.chance(0.9) else 17 for _ in range(r.integer(1, 5))]
    parts = [shape[:axis] + [n] + shape[axis + 1:] for n in sizes]
    y = moved(r, kind, shape[:axis] + [sum(sizes)] + shape[axis + 1:])
    inputs = [maybe_constant(r, like(y, part)) for part in parts]
    if kind == "u8" and y.scale is not None and r.chance(0.6):
        for x in inputs:
            fresh = r.operand(kind, x.shape)
            x.scale, x.zero = fresh.scale, fresh.zero
    return Case(inputs, [y], ("ConcatenationOptions", {"axis": given}))


def factors(r, n):
    """A shape of n elements."""
    if n == 0:
        return [0, *r.shape(0, 2)]
    dims = []
    while n > 1 and len(dims) < 4:
        options = [d for d in range(1, n + 1) if n % d == 0]
        dims.append(r.choice(options))
        n //= dims[-1]
    return dims + ([n] if n > 1 else [])


@generator("RESHAPE", EVERY + " string i4")
def reshape(r, op, kind):
    shape = shape_up_to(r, 0, 8)
    new = factors(r, int(np.prod(shape, dtype=np.int64)))
    given = list(new)
    if given and 0 not in given and r.chance(0.4):
        given[r.integer(0, len(given) - 1)] = -1
    x = moved(r, kind, shape)
    if r.chance(0.3) and given:
        return Case([x], [like(x, new)], ("ReshapeOptions", {"newShape": given}))
    return Case([x, integers(r, given, "i32")], [like(x, new)], ("ReshapeOptions", {}))


@generator("SQUEEZE", EVERY + " string i4")
def squeeze(r, op, kind):
    shape = [r.choice([1, 1, d]) for d in shape_up_to(r, 0, 8)]
    ones = [i for i, d in enumerate(shape) if d == 1]
    chosen = [i for i in ones if r.chance(0.5)]
    dropped = chosen or ones
    x = moved(r, kind, shape)
    y = [d for i, d in enumerate(shape) if i not in dropped]
    given = [i - len(shape) if r.chance(0.4) else i for i in chosen]
    return Case([x], [like(x, y)], ("SqueezeOptions", {"squeezeDims": given}))


@generator("EXPAND_DIMS", EVERY + " string i4")
def expand_dims(r, op, kind):
    shape = list(shape_up_to(r, 0, 7))
    axis, given = axis_of(r, len(shape) + 1)
    x = moved(r, kind, shape)
    axis_shape = [given] if r.chance(0.5) else given
    return Case([x, integers(r, axis_shape)], [like(x, shape[:axis] + [1] + shape[axis:])], ("ExpandDimsOptions", {}))


@generator("SHAPE", EVERY + " string i4")
def shape_of(r, op, kind):
    shape = shape_up_to(r, 0, 8)
    result = r.choice(["i32", "i64"])
    return Case([moved(r, kind, shape)], [Operand((len(shape),), result)], ("ShapeOptions", {"outType": CODES[result]}))


@generator("RANK", EVERY + " string i4")
def rank_of(r, op, kind):
    return Case([moved(r, kind, shape_up_to(r, 0, 8))], [Operand((), "i32")], ("RankOptions", {}))


@generator("TRANSPOSE", EVERY + " i4")
def transpose(r, op, kind):
    shape = shape_up_to(r, 1, 8)
    rank = len(shape)
    order = [int(i) for i in r.rng.permutation(rank)]
    x = maybe_constant(r, moved(r, kind, shape))
    given = [i - rank if r.chance(0.2) else i for i in order]
    return Case([x, integers(r, given, "i32")], [like(x, [shape[i] for i in order])], ("TransposeOptions", {}))


@generator("SLICE", EVERY + " string i4")
def slice_of(r, op, kind):
    shape = shape_up_to(r, 1, 8)
    begin = [r.integer(0, d) for d in shape]
    size = [r.integer(0 if r.chance(0.2) else min(1, d - b), d - b) for b, d in zip(begin, shape)]
    given = [-1 if b + s == d and r.chance(0.5) else s for b, s, d in zip(begin, size, shape)]
    x = maybe_constant(r, moved(r, kind, shape))
    index = r.choice(["i32", "i64"])
    return Case([x, integers(r, begin, index), integers(r, given, index)], [like(x, size)], ("SliceOptions", {}))


def index_item(r, n, options, i):
    """(begin, end, stride) of one item of an index of a dimension of n, and what NumPy takes for it."""
    stride = r.choice([1, 1, 2, 3] if options["offset"] else [1, 1, 2, 3, -1, -2])
    if n > 0 and r.chance(0.25):
        begin = r.integer(-n, n - 1)
        options["shrinkAxisMask"] |= 1 << i
        return (begin, r.integer(-n, n), 1), begin  # the end is of no account
    ends = sorted(r.integer(0, n) for _ in range(2))
    if ends[0] == ends[1] and n > 0 and (options["offset"] or r.chance(0.9)):
        ends = [0, n]
    if options["offset"]:  # LiteRT reads beyond the dimension's end, and crashes where nothing is taken
        return (ends[0], ends[1] - ends[0], stride), slice(*ends, stride)
    begin, end = ends if stride > 0 else (ends[1] - 1, ends[0] - 1)
    taken = [begin, None if end < 0 else end, stride]
    if end < 0 or r.chance(0.3):
        end -= n  # an end of −1 is the last element; one before all others is further down
    if begin >= 0 and r.chance(0.3):
        begin -= n
    begin, end = (x + r.choice([0, 0, 7]) * (1 if x >= n else -1 if x < -n else 0) for x in (begin, end))
    for place, mask in enumerate(("beginMask", "endMask")):
        if r.chance(0.2):
            options[mask] |= 1 << i
            taken[place] = None
    return (begin, end, stride), slice(*taken)


@generator("STRIDED_SLICE", EVERY + " string")
def strided_slice(r, op, kind):
    shape = r.shape(1, 5, zero=True)
    masks = ("beginMask", "endMask", "ellipsisMask", "newAxisMask", "shrinkAxisMask")
    options = {mask: 0 for mask in masks} | {"offset": 0 not in shape and r.chance(0.1)}
    items, index, d = [], [], 0
    spare = 0 if options["offset"] else 5 - len(shape)  # LiteRT takes 5 dimensions with those put in
    ellipsis = r.integer(0, len(shape) - 1) if r.chance(0.25) and not options["offset"] else None
    whole = not options["offset"]  # LiteRT takes dimensions that no item names as they are
    while d < len(shape) and not (items and whole and ellipsis in (None, -1) and r.chance(0.1)):
        i = len(items)
        if spare and r.chance(0.15):
            spare -= 1
            options["newAxisMask"] |= 1 << i
            items.append((0, 1, 1))
            index.append(None)
        elif ellipsis == d:
            # LiteRT loses masks behind an ellipsis that stands for no dimension.
            ellipsis, d = -1, r.integer(d + 1, len(shape))
            options["ellipsisMask"] |= 1 << i
            items.append((0, 0, 1))
            index.append(Ellipsis)
        else:
            item, taken = index_item(r, shape[d], options, i)
            items.append(item)
            index.append(taken)
            d += 1
    x = maybe_constant(r, moved(r, kind, shape))
    y = np.empty(shape, np.int8)[tuple(index)].shape
    columns = [integers(r, column, "i32") for column in zip(*items)]
    return Case([x, *columns], [like(x, y)], ("StridedSliceOptions", options))


@generator("TILE", EVERY + " string")
def tile(r, op, kind):
    shape = shape_up_to(r, 1, 8)
    times = [r.choice([1, 1, 2, 3, 0 if r.chance(0.1) else 1]) for _ in shape]
    x = moved(r, kind, shape)
    return Case([x, integers(r, times)], [like(x, [d * t for d, t in zip(shape, times)])], ("TileOptions", {}))


@generator("FILL", EVERY + " string")
def fill(r, op, kind):
    shape = shape_up_to(r, 0, 8)
    value = maybe_constant(r, moved(r, kind, ()))
    if value.scale is None and kind in QUANTIZED and kind != "u8":
        value.scale, value.zero = 0.5, 0  # LiteRT asks for it
    return Case([integers(r, shape), value], [like(value, shape)], ("FillOptions", {}))


def broadcast_case(r, kind):
    shape = shape_up_to(r, 0, 8)
    start = r.integer(0, len(shape))
    x = moved(r, kind, [1 if r.chance(0.4) else d for d in shape[start:]])
    return Case([x, integers(r, shape)], [like(x, shape)], ("BroadcastToOptions", {}))


@generator("BROADCAST_TO", EVERY)
def broadcast_to(r, op, kind):
    return broadcast_case(r, kind)


@generator("BROADCAST_TO", "i4")
def broadcast_to_small(r, op, kind):
    """LiteRT takes each INT4 for a byte, beyond the tensor's end: NumPy is the oracle."""
    case = broadcast_case(r, kind)
    return computed(r, case, lambda x, shape: np.broadcast_to(x, case.outputs[0].shape))


@generator("BROADCAST_ARGS", "i32 i64")
def broadcast_args(r, op, kind):
    a, b, y = r.broadcast(6)
    operands = [Operand((len(s),), kind, data=np.array(s, np.int64), fed=r.chance(0.6)) for s in (a, b)]
    return Case(operands, [Operand((len(y),), kind)])


@generator("PACK", "f32 i8 u8 i16 i32 u32 i64")
def pack(r, op, kind):
    shape = list(shape_up_to(r, 0, 7))
    axis, given = axis_of(r, len(shape) + 1)
    n = r.integer(1, 4)
    x = moved(r, kind, shape)
    inputs = [maybe_constant(r, like(x, shape)) for _ in range(n)]
    y = like(x, shape[:axis] + [n] + shape[axis:])
    return Case(inputs, [y], ("PackOptions", {"valuesCount": n, "axis": given}))


@generator("UNPACK", "f32 f16 bf16 i8 u8 i16 i32 bool")
def unpack(r, op, kind):
    shape = list(shape_up_to(r, 0, 7))
    axis, given = axis_of(r, len(shape) + 1)
    n = r.integer(1, 4)
    x = moved(r, kind, shape[:axis] + [n] + shape[axis:])
    return Case([x], [like(x, shape) for _ in range(n)], ("UnpackOptions", {"num": n, "axis": given}))


@generator("SPLIT", "f32 i8 u8 i16 i32 i64")
def split(r, op, kind):
    shape = list(shape_up_to(r, 1, 8))
    axis, given = axis_of(r, len(shape))
    n = r.integer(1, 4)
    x = moved(r, kind, shape[:axis] + [n * shape[axis]] + shape[axis + 1:])
    given = [given] if r.chance(0.3) else given
    return Case([integers(r, given, "i32"), x], [like(x, shape) for _ in range(n)], ("SplitOptions", {"numSplits": n}))


@generator("SPLIT_V", "f32 i8 u8 i16 i32 i64")
def split_v(r, op, kind):
    shape = list(r.shape(1, 5))
    axis, given = axis_of(r, len(shape))
    sizes = [r.integer(0 if r.chance(0.2) else 1, 4) for _ in range(r.integer(1, 4))]
    x = moved(r, kind, shape[:axis] + [sum(sizes)] + shape[axis + 1:])
    outputs = [like(x, shape[:axis] + [n] + shape[axis + 1:]) for n in sizes]
    named = list(sizes)
    if r.chance(0.4):
        named[r.integer(0, len(named) - 1)] = -1
    inputs = [x, integers(r, named), integers(r, given, "i32")]
    return Case(inputs, outputs, ("SplitVOptions", {"numSplits": len(sizes)}))


@generator("REVERSE_V2", "f32 f16 bf16 i8 u8 i16 i32 i64 bool")
def reverse_v2(r, op, kind):
    shape = shape_up_to(r, 1, 8)
    # LiteRT reverses neighbouring dimensions only.
    first = r.integer(0, len(shape) - 1)
    axes = list(range(first, r.integer(first, len(shape) - 1) + 1))
    given = [a - len(shape) if r.chance(0.4) else a for a in r.rng.permutation(axes).tolist()]
    x = moved(r, kind, shape)
    return Case([x, integers(r, given, "i32")], [like(x, shape)], ("ReverseV2Options", {}))


@generator("REVERSE_SEQUENCE", "f32 u8 i16 i32 i64")
def reverse_sequence(r, op, kind):
    shape = r.shape(2, 5)
    sequence, batch = (int(i) for i in r.rng.permutation(len(shape))[:2])
    lengths = [r.integer(0 if r.chance(0.2) else 1, shape[sequence]) for _ in range(shape[batch])]
    x = moved(r, kind, shape)
    return Case([x, integers(r, lengths)], [like(x, shape)],
                ("ReverseSequenceOptions", {"seqDim": sequence, "batchDim": batch}))


@generator("DYNAMIC_UPDATE_SLICE", EVERY + " i4")
def dynamic_update_slice(r, op, kind):
    shape = shape_up_to(r, 1, 8)
    part = [r.integer(min(d, 0 if r.chance(0.1) else 1), d) for d in shape]
    begin = [r.integer(-2, d + 2) for d in shape]
    x = maybe_constant(r, moved(r, kind, shape))
    return Case([x, maybe_constant(r, like(x, part)), integers(r, begin)], [like(x, shape)],
                ("DynamicUpdateSliceOptions", {}))


@generator("ONE_HOT", "f32 i8 u8 i32 i64 bool")
def one_hot(r, op, kind):
    shape = list(shape_up_to(r, 0, 7))
    depth = r.integer(0 if r.chance(0.1) else 1, 6)
    axis = r.choice([-1, *range(len(shape) + 1)])
    at = len(shape) if axis < 0 else axis
    index = r.choice(["i32", "i64"])
    indices = Operand(tuple(shape), index, low=-2, high=depth + 1)
    on, off = moved(r, kind, ()), moved(r, kind, ())
    on.scale = off.scale = None
    y = Operand(tuple(shape[:at] + [depth] + shape[at:]), kind)
    return Case([indices, integers(r, depth, "i32"), maybe_constant(r, on), maybe_constant(r, off)], [y],
                ("OneHotOptions", {"axis": axis}))


@generator("RANGE", "f32 i32 i64")
def range_of(r, op, kind):
    start = r.integer(-20, 20)
    delta = r.choice([1, 2, 3, 7, -1, -4])
    limit = start + delta * r.integer(0, 12) + r.integer(0, abs(delta) - 1) * int(np.sign(delta))
    numbers = np.array([start, limit, delta], np.float64)
    if kind == "f32":
        # Sixteenths, so that the number of elements is exact in float32.
        numbers = numbers * 0.25 + [0.0625 * r.integer(0, 3), 0.0, 0.0]
        if (numbers[1] - numbers[0]) * numbers[2] < 0:
            numbers[1] = numbers[0]
    count = int(np.ceil(abs(numbers[1] - numbers[0]) / abs(numbers[2])))
    fed = r.chance(0.5)
    inputs = [Operand((), kind, data=np.array(n).astype(TYPES[kind][0]), fed=fed) for n in numbers]
    return Case(inputs, [Operand((count,), kind)], ("RangeOptions", {}))
