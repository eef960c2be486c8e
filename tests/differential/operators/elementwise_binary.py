# SPDX-License-Identifier: Apache-2.0
"""Operators on two or more operands, element by element."""
import dataclasses

import numpy as np

import models
from generator import generator
from models import Case, Operand

ACTIVATIONS = [0, 0, 1, 2, 3]  # none, RELU, RELU_N1_TO_1, RELU6
INTEGERS = ("i16", "i32", "i64")


def camel(op):
    return "".join(word.capitalize() for word in op.split("_"))


def settle(r, x):
    """Makes an operand a constant now and then."""
    if r.chance(0.8):
        return x
    return dataclasses.replace(x, data=models.random_values(r.rng, x))


def two(r, a, b):
    """Both operands, at most one of them a constant."""
    return [a, settle(r, b)] if r.chance(0.5) else [settle(r, a), b]


def pair(r, kind, low=-3, high=3, low_b=None, high_b=None):
    """Two operands that broadcast, and the result's shape."""
    a, b, y = r.broadcast(high_rank=6 if r.chance(0.3) else 4)
    low_b, high_b = (low, high) if low_b is None else (low_b, high_b)
    return two(r, r.operand(kind, a, low, high), r.operand(kind, b, low_b, high_b)), y


def same_shape(r, make, zero=True):
    """Two operands of one shape."""
    shape = r.shape(0, 5, zero=zero)
    return two(r, make(shape), make(shape)), shape


# ---- Arithmetic with an activation

def fused(r, op, choices=ACTIVATIONS, **fields):
    return camel(op) + "Options", {"fusedActivationFunction": r.choice(choices), **fields}


@generator("ADD", "f16")
@generator("ADD SUB", "f32 i8 u8 i32 i64")
def sum_of_two(r, op, kind):
    wide = kind in INTEGERS and r.chance(0.2)
    inputs, y = pair(r, kind, *((-2**31, 2**31 - 1) if wide else (-9, 9) if kind in INTEGERS else (-3, 3)))
    return Case(inputs, [r.operand(kind, y, -5, 6)], fused(r, op))


@generator("ADD SUB", "i16")
def sum_of_int16(r, op, kind):
    if op == "ADD" and r.chance(0.4):  # without quantization
        a, b, y = r.broadcast()
        inputs = two(r, Operand(a, kind, low=-2**15, high=2**15 - 1), Operand(b, kind, low=-9, high=9))
        return Case(inputs, [Operand(y, kind)], fused(r, op, potScaleInt16=r.chance(0.5)), version=5)
    if r.chance(0.3):  # scales that are powers of two; ADD of LiteRT does not broadcast then
        scale = 2.0 ** r.integer(-14, -9)
        scales = [scale, scale * 2.0 ** -r.integer(0, 4)]
        if r.chance(0.5):
            scales.reverse()
        inputs, y = same_shape(r, lambda shape: Operand(shape, kind, scales.pop()))
        return Case(inputs, [Operand(y, kind, scale)], fused(r, op, potScaleInt16=True))
    inputs, y = pair(r, kind)
    return Case(inputs, [r.operand(kind, y, -5, 6)], fused(r, op, potScaleInt16=False))


@generator("MUL", "f32 f16 i8 u8 i32 i64")
def product(r, op, kind):
    wide = kind in INTEGERS and r.chance(0.2)
    inputs, y = pair(r, kind, *((-2**31, 2**31 - 1) if wide else (-9, 9) if kind in INTEGERS else (-3, 3)))
    return Case(inputs, [r.operand(kind, y, -7, 8)], fused(r, op))


@generator("MUL", "i16 u32 c64")
def product_of_others(r, op, kind):
    if kind == "i16" and r.chance(0.6):
        inputs, y = pair(r, kind)
        return Case(inputs, [r.operand(kind, y, -7, 8)], fused(r, op))
    a, b, y = r.broadcast()
    low, high = {"i16": (-2**15, 2**15 - 1), "u32": (0, 2**32 - 1), "c64": (-3, 3)}[kind]
    if r.chance(0.5):
        low, high = max(low, -5), min(high, 5)
    inputs = two(r, Operand(a, kind, low=low, high=high), Operand(b, kind, low=low, high=high))
    # LiteRT takes −1 of RELU_N1_TO_1 for a large uint32.
    choices = {"i16": ACTIVATIONS, "u32": [0, 1, 3], "c64": [0]}[kind]
    return Case(inputs, [Operand(y, kind)], fused(r, op, choices))


def nonzero(r, x, low, high):
    """The divisor, without what stands for 0."""
    values = np.array(models.random_values(r.rng, x))
    if x.type in models.FLOATS:
        values = np.array(np.sign(values) * (np.abs(values) + low))
        values[values == 0] = high
    else:
        values[values == (x.zero if x.scale is not None else 0)] = 1 if x.zero != 1 else 2
    return dataclasses.replace(x, data=values, fed=r.chance(0.7))


@generator("DIV", "f32 i8 u8 i16 i32")
def quotient(r, op, kind):
    a, b, y = r.broadcast(high_rank=5)
    x = r.operand(kind, a, -9, 9) if kind != "i32" else Operand(a, kind, low=-1000, high=1000)
    if kind in models.QUANTIZED:
        # Quotients near 0 shift by more than 31 bits in LiteRT, which has no meaning.
        codes = np.array(models.random_values(r.rng, x), np.int32)
        middle = sum(models.integer_limits(kind)) / 2
        codes[np.abs(codes - x.zero) < 16] = x.zero + (16 if x.zero < middle else -16)
        x = dataclasses.replace(x, data=codes, fed=True)
    divisor = nonzero(r, r.operand(kind, b, -3, 4) if kind != "i32" else Operand(b, kind, low=-9, high=9), 0.3, 1.0)
    return Case([x, divisor], [r.operand(kind, y, -20, 20)], fused(r, op))


@generator("FLOOR_DIV FLOOR_MOD", "f32 i8 i16 i32")
def floored(r, op, kind):
    a, b, y = r.broadcast(high_rank=5)
    # The least number divided by −1 is anything in LiteRT.
    low, high = (-127, 127) if kind == "i8" else (-1000, 1000) if kind != "f32" else (-9.0, 9.0)
    if kind == "i32" and r.chance(0.2):
        low, high = -2**31 + 1, 2**31 - 1
    x = Operand(a, kind, low=low, high=high)
    divisor = nonzero(r, Operand(b, kind, low=-9, high=9), 0.3, 1.0)
    if kind == "f32":  # halves, whose quotients are not near an integer by rounding alone
        x = dataclasses.replace(x, data=np.round(models.random_values(r.rng, x) * 2) / 2, fed=True)
        divisor = dataclasses.replace(divisor, data=np.sign(divisor.data) * np.ceil(np.abs(divisor.data) * 2) / 2)
    return Case([x, divisor], [Operand(y, kind)], (camel(op) + "Options", {}))


@generator("FLOOR_MOD", "i64")
def floored_long(r, op, kind):
    a, b, y = r.broadcast()
    divisor = nonzero(r, Operand(b, kind, low=-2**r.integer(3, 40), high=2**r.integer(3, 40)), 1, 1)
    return Case([Operand(a, kind, low=-2**60, high=2**60), divisor], [Operand(y, kind)], ("FloorModOptions", {}))


# ---- Others on two operands

@generator("MAXIMUM MINIMUM", "f32 f16 bf16 i8 u8 i16 i32 i64")
def most(r, op, kind):
    a, b, y = r.broadcast(high_rank=6 if r.chance(0.3) else 4)
    x = r.operand(kind, a) if kind in models.QUANTIZED and r.chance(0.7) else Operand(a, kind, low=-100, high=100)
    inputs = two(r, x, dataclasses.replace(x, shape=b))
    return Case(inputs, [dataclasses.replace(x, shape=y)], ("MaximumMinimumOptions", {}))


@generator("SQUARED_DIFFERENCE", "f32 i8 i32")
def squared_difference(r, op, kind):
    inputs, y = pair(r, kind, *((-1000, 1000) if kind == "i32" else (-3, 3)))
    return Case(inputs, [r.operand(kind, y, 0, 20)], ("SquaredDifferenceOptions", {}))


@generator("POW", "f32", tolerance=1e-4)
def real_power(r, op, kind):
    a, b, y = r.broadcast()
    if r.chance(0.3):  # one exponent, which LiteRT multiplies out
        exponent = Operand((), kind, data=float(r.integer(0, 5)))
        return Case([Operand(a, kind, low=-3, high=3), exponent], [Operand(a, kind)], ("PowOptions", {}))
    return Case([Operand(a, kind, low=0.1, high=4), settle(r, Operand(b, kind, low=-3, high=3))], [Operand(y, kind)],
                ("PowOptions", {}))


@generator("POW", "i32")
def integer_power(r, op, kind):
    a, b, y = r.broadcast()
    most = r.integer(2, 9)
    return Case([Operand(a, kind, low=-most, high=most), Operand(b, kind, low=0, high=9)], [Operand(y, kind)],
                ("PowOptions", {}))


@generator("ATAN2", "f32 f16 bf16 f64", tolerance=1e-4)
def angle(r, op, kind):
    inputs, y = same_shape(r, lambda shape: Operand(shape, kind, low=-5, high=5))
    return Case(inputs, [Operand(y, kind)], ("ATan2Options", {}))


@generator("BITWISE_XOR", "i8 u8 i16 u16 i32 u32")
def exclusive_or(r, op, kind):
    low, high = models.integer_limits(kind)
    a, b, y = r.broadcast()
    inputs = two(r, Operand(a, kind, low=low, high=high), Operand(b, kind, low=low, high=high))
    return Case(inputs, [Operand(y, kind)], ("BitwiseXorOptions", {}))


@generator("RIGHT_SHIFT", "i8 u8 i16 u16 i32 u32")
def right_shift(r, op, kind):
    low, high = models.integer_limits(kind)
    a, b, y = r.broadcast()
    shift = (-3, 40) if r.chance(0.5) else (0, 7)
    inputs = two(r, Operand(a, kind, low=low, high=high), Operand(b, kind, low=max(low, shift[0]), high=shift[1]))
    return Case(inputs, [Operand(y, kind)], ("RightShiftOptions", {}))


@generator("LOGICAL_AND LOGICAL_OR", "bool")
def logical(r, op, kind):
    inputs, y = pair(r, kind)
    return Case(inputs, [Operand(y, kind)], (camel(op) + "Options", {}))


@generator("PRELU", "f32 i8 u8 i16")
def prelu(r, op, kind):
    shape = r.shape(1, 5, zero=True)
    alpha = tuple(1 if r.chance(0.4) else d for d in shape)[r.integer(0, len(shape)) if r.chance(0.4) else 0:]
    slope = settle(r, r.operand("i8" if kind == "i16" else kind, alpha, -0.5, 0.9))
    return Case([r.operand(kind, shape), slope], [r.operand(kind, shape, -2, 3)])


@generator("ADD_N", "f32 i32")
def add_n(r, op, kind):
    shape = r.shape(0, 5, zero=True)
    low, high = (-2**31, 2**31 - 1) if kind == "i32" and r.chance(0.3) else (-9, 9)
    inputs = [Operand(shape, kind, low=low, high=high)] + [settle(r, Operand(shape, kind, low=low, high=high))
                                                           for _ in range(r.integer(1, 6))]
    return Case(inputs, [Operand(shape, kind)], ("AddNOptions", {}))


# ---- Comparisons

COMPARISONS = "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL"


def compared(op, inputs, y):
    return Case(inputs, [Operand(y, "bool")], (camel(op) + "Options", {}))


@generator(COMPARISONS, "f32 f16 i32 i64")
def comparison(r, op, kind):
    a, b, y = r.broadcast(high_rank=6 if r.chance(0.3) else 4)
    inputs = [Operand(a, kind, low=-2, high=2), Operand(b, kind, low=-2, high=2)]
    if kind in models.FLOATS:  # whole numbers, so that some are equal
        inputs = [dataclasses.replace(x, data=np.round(models.random_values(r.rng, x)), fed=True) for x in inputs]
    return compared(op, two(r, *inputs) if kind not in models.FLOATS else inputs, y)


@generator("LESS GREATER", "bf16")
def comparison_of_bfloat16(r, op, kind):
    return comparison(r, op, kind)


@generator("EQUAL NOT_EQUAL", "bool")
def comparison_of_booleans(r, op, kind):
    inputs, y = pair(r, kind)
    return compared(op, inputs, y)


@generator("EQUAL NOT_EQUAL", "string")
def comparison_of_strings(r, op, kind):
    a, b, y = r.broadcast()
    words = [b"", b"a", b"ab", b"b", "äß".encode(), b"a\0b"]

    def some(shape):
        values = np.empty(int(np.prod(shape, dtype=np.int64)), object)
        values[:] = [r.choice(words) for _ in range(values.size)]
        # The oracle's Python feeds scalars as something else.
        return Operand(shape, kind, data=values.reshape(shape), fed=shape != () and r.chance(0.7))

    return compared(op, [some(a), some(b)], y)


@generator(COMPARISONS, "i8 u8")
def comparison_of_codes(r, op, kind):
    # Scales of 1 and more shift by a negative number in LiteRT, which has no meaning.
    inputs, y = pair(r, kind, *r.choice([(-3, 3), (-90, 90), (-0.1, 0.2)]))
    if r.chance(0.3):  # one quantization, so that some are equal
        inputs[1] = dataclasses.replace(inputs[1], scale=inputs[0].scale, zero=inputs[0].zero)
    return compared(op, inputs, y)


@generator("EQUAL NOT_EQUAL", "i16")
def equality_of_int16(r, op, kind):
    # NOT_EQUAL of LiteRT writes nothing for int16 without quantization.
    if op == "EQUAL" and r.chance(0.4):
        a, b, y = r.broadcast()
        return compared(op, two(r, Operand(a, kind, low=-3, high=3), Operand(b, kind, low=-3, high=3)), y)
    inputs, y = pair(r, kind, *r.choice([(-3, 3), (-1000, 1000)]))
    return compared(op, inputs, y)


@generator("LESS LESS_EQUAL GREATER GREATER_EQUAL", "i16")
def order_of_int16(r, op, kind):
    # LiteRT orders the codes, also where their scales differ.
    a, b, y = r.broadcast()
    x = r.operand(kind, a) if r.chance(0.5) else Operand(a, kind, low=-3, high=3)
    return compared(op, two(r, x, dataclasses.replace(x, shape=b)), y)


# ---- Choice, buckets, sums along an axis

SELECTED = "f32 f16 bf16 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool c64"


def value(r, kind, shape):
    return r.operand(kind, shape) if kind in models.QUANTIZED else Operand(shape, kind, low=0, high=100)


@generator("SELECT", SELECTED)
def select(r, op, kind):
    shape = r.shape(0, 5, zero=True)
    condition = r.choice([shape, (), shape[:1]])
    x = value(r, kind, shape)
    return Case([settle(r, Operand(condition, "bool")), *two(r, x, x)], [x], ("SelectOptions", {}))


@generator("SELECT_V2", SELECTED)
def select_v2(r, op, kind):
    shape = r.shape(0, 6, zero=True)
    shapes = [tuple(1 if r.chance(0.25) else d for d in shape)[min(len(shape), r.choice([0, 0, 0, 1, 2])):] for _ in range(3)]
    if r.chance(0.2):
        shapes = [shape] * 3
    shape = np.broadcast_shapes(*shapes)
    x = value(r, kind, shapes[1])
    y = dataclasses.replace(x, shape=shapes[2])
    return Case([settle(r, Operand(shapes[0], "bool")), *two(r, x, y)], [dataclasses.replace(x, shape=shape)],
                ("SelectV2Options", {}))


@generator("BUCKETIZE", "f32 f64 i32 i64")
def bucketize(r, op, kind):
    edges = np.sort(np.round(r.rng.uniform(-9, 9, r.integer(1, 9)) * r.choice([1, 4]))) / r.choice([1, 2])
    shape = r.shape(0, 4, zero=True)
    x = Operand(shape, kind, low=-10, high=10)
    x = dataclasses.replace(x, data=np.round(models.random_values(r.rng, x)), fed=True) if r.chance(0.5) else x
    return Case([x], [Operand(shape, "i32")], ("BucketizeOptions", {"boundaries": [float(e) for e in edges]}))


@generator("CUMSUM", "f32 i32 i64")
def cumulative_sum(r, op, kind):
    shape = r.shape(1, 5, zero=True)
    axis = Operand(r.choice([(), (1,)]), "i32", data=r.integer(-len(shape), len(shape) - 1), fed=r.chance(0.5))
    return Case([Operand(shape, kind, low=-9, high=9), axis], [Operand(shape, kind)],
                ("CumsumOptions", {"exclusive": r.chance(0.5), "reverse": r.chance(0.5)}))


# ---- StableHLO

NUMBERS = "f32 f16 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool"


@generator("STABLEHLO_ADD STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_MINIMUM", NUMBERS)
def stablehlo(r, op, kind):
    low, high = (-9, 9) if kind in models.FLOATS or kind == "bool" or r.chance(0.3) else models.integer_limits(kind)
    inputs, y = same_shape(r, lambda shape: Operand(shape, kind, low=max(low, -2**63), high=high))
    return Case(inputs, [Operand(y, kind)])


@generator("STABLEHLO_AND", "i8 u8 i16 u16 i32 u32 i64 u64 bool")
def stablehlo_and(r, op, kind):
    low, high = (0, 1) if kind == "bool" else models.integer_limits(kind)
    inputs, y = same_shape(r, lambda shape: Operand(shape, kind, low=low, high=high))
    return Case(inputs, [Operand(y, kind)])


@generator("STABLEHLO_SHIFT_LEFT", "i8 i16 i32")
def stablehlo_shift_left(r, op, kind):
    # Shifts by the type's bits and more are not defined in LiteRT.
    shape = r.shape(0, 5, zero=True)
    low, high = models.integer_limits(kind)
    inputs = two(r, Operand(shape, kind, low=low, high=high), Operand(shape, kind, low=0, high=int(kind[1:]) - 1))
    return Case(inputs, [Operand(shape, kind)], options2=("StablehloShiftLeftOptions", {}))
