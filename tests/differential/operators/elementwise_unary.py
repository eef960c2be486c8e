# SPDX-License-Identifier: Apache-2.0
"""Operators on single elements and on rows of them, casts, quantization."""
import numpy as np
from flatbuffers import flexbuffers

import models
from generator import generator
from models import Case, Operand

INFINITY, NAN = float("inf"), float("nan")


def shape_of(r, low_rank=0):
    return r.shape(low_rank, 5, zero=True)


def floats(r, kind, shape, low, high, special=()):
    """A run-time input of floats, with special values among them now and then."""
    values = r.rng.uniform(low, high, shape)
    if special and r.chance(0.3):
        odd = r.rng.choice(np.array(special, np.float64), shape)
        values = np.where(r.rng.random(shape) < 0.3, odd, values)
    return Operand(shape, kind, data=values, fed=True)


def unary(r, kind, low, high, out_low, out_high, options=None, special=(), shape=None):
    """x of [low, high] → y, quantized to [out_low, out_high] where it is."""
    shape = shape_of(r) if shape is None else shape
    if kind in models.FLOATS:
        x, y = floats(r, kind, shape, low, high, special), Operand(shape, kind)
    else:
        x, y = r.operand(kind, shape, low, high), r.operand(kind, shape, out_low, out_high)
    return Case([x], [y], options)


@generator("EXP", "f32 i8 i16", tolerance=1e-4)
def exp(r, op, kind):
    return unary(r, kind, -4, 2, 0, 6, ("ExpOptions", {}), [0, 80, -100, -INFINITY, INFINITY, NAN])


# Above 0 (or with samples of the 16-bit table not above 1): beyond, LiteRT's interpolation overflows.
@generator("LOG", "f32 i8 i16", tolerance=1e-4)
def log(r, op, kind):
    return unary(r, kind, 0.001 if kind == "f32" else -2, 4, -5, 3, special=[0, 1, 1e30, INFINITY, -1, NAN])


@generator("SIN", "f32 f16", tolerance=1e-4)
def sin(r, op, kind):
    return unary(r, kind, -8, 8, -1, 1, special=[0, 100, -100, NAN])


@generator("COS", "f32 f16", tolerance=1e-4)
def cos(r, op, kind):
    return unary(r, kind, -8, 8, -1, 1, ("CosOptions", {}), [0, 100, -100, NAN])


@generator("SQUARE", "f32")
def square(r, op, kind):
    return unary(r, kind, -9, 9, 0, 1, ("SquareOptions", {}), [0, 1e30, -INFINITY, NAN])


@generator("CEIL", "f32")
def ceil(r, op, kind):
    return unary(r, kind, -9, 9, 0, 1, special=[-0.5, 0, 3, -2, 1e9, INFINITY, NAN])


@generator("FLOOR ROUND", "f32 f16 bf16")
def floor(r, op, kind):
    return unary(r, kind, -9, 9, 0, 1, special=[-0.5, 0.5, 1.5, 2.5, 0, 3, -2, 1e4, INFINITY, NAN])


@generator("ELU", "f32 i8", tolerance=1e-4)
def elu(r, op, kind):
    return unary(r, kind, -5, 5, -1, 5, special=[0, -100, 100, INFINITY, -INFINITY])


@generator("GELU", "f16", tolerance=5e-3, why="LiteRT rounds each step to half, ours the result")
@generator("GELU", "f32 i8 u8 i16", tolerance=1e-4)
def gelu(r, op, kind):
    return unary(r, kind, -4, 4, -0.2, 4, ("GeluOptions", {"approximate": r.chance(0.5)}), [0, -10, 10, NAN])


@generator("LEAKY_RELU", "f32 i8 u8 i16")
def leaky_relu(r, op, kind):
    alpha = r.choice([0.01, 0.2, 0.5, 1.5, r.real(0, 1)])
    return unary(r, kind, -5, 5, -3, 5, ("LeakyReluOptions", {"alpha": alpha}), [0, INFINITY])


@generator("RELU RELU6", "f32 i8 u8 i16")
def relu(r, op, kind):
    return unary(r, kind, -4, 9, -1, r.choice([5, 8]), special=[0, 6, INFINITY, -INFINITY])


@generator("RELU_N1_TO_1 RELU_0_TO_1", "f32 i8 u8")
def relu_narrow(r, op, kind):
    return unary(r, kind, -3, 3, -1, r.choice([0.7, 2]), special=[0, 1, -1, INFINITY])


@generator("HARD_SWISH", "f32 i8 u8")
def hard_swish(r, op, kind):
    return unary(r, kind, -5, 5, -0.4, 5, ("HardSwishOptions", {}), [0, 3, -3, 100])


def sigmoid_result(kind, shape, low):
    if kind == "i16":
        return Operand(shape, kind, 2.0**-15)
    zero = models.integer_limits(kind)[0]
    return Operand(shape, kind, 2.0**-8, zero) if low == 0 else Operand(shape, kind, 2.0**-7, zero + 128)


@generator("LOGISTIC TANH", "f32 f16 bf16 i8 u8 i16", tolerance=1e-4)
def sigmoid(r, op, kind):
    low, shape = 0 if op == "LOGISTIC" else -1, shape_of(r)
    if kind in models.FLOATS:
        return unary(r, kind, -7, 7, low, 1, special=[0, 30, -30, INFINITY, -INFINITY], shape=shape)
    x = r.operand(kind, shape, -6, 6)
    if kind == "i16" and r.chance(0.5):
        x.scale = r.choice([2.0**-12, 2.0**-11, 2.0**-13, 0.0003])
    return Case([x], [sigmoid_result(kind, shape, low)])


def not_negative(r, kind, shape, high):
    """Codes of real numbers that are not below 0."""
    x = r.operand(kind, shape, -high / 2 if kind == "i8" else -high, high)
    x.data, x.fed = r.rng.integers(x.zero, models.integer_limits(kind)[1], shape, endpoint=True), True
    return x


@generator("SQRT RSQRT", "f32 i8 i16")
def root(r, op, kind):
    if kind == "f32":
        return unary(r, kind, 0.01, 50, 0, 1, special=[0, 1e30, INFINITY, -1, NAN])
    shape = shape_of(r)
    return Case([not_negative(r, kind, shape, 9)], [r.operand(kind, shape, -0.5, 3)])


# ---- signs

@generator("ABS", "f32 i8 i16 i32")
def absolute(r, op, kind):
    shape, options = shape_of(r), ("AbsOptions", {})
    if kind == "f32":
        return unary(r, kind, -9, 9, 0, 1, options, [0, -0.0, -INFINITY, NAN])
    if kind == "i32" or (kind == "i16" and r.chance(0.4)):
        most = 2**31 - 1 if kind == "i32" else 32767
        return Case([Operand(shape, kind, low=-most, high=most)], [Operand(shape, kind)], options)
    x, y = r.operand(kind, shape, -4, 3), r.operand(kind, shape, -1, 4)
    if r.chance(0.3):
        y.scale = x.scale
    return Case([x], [y], options)


# LiteRT negates the codes of quantized tensors: as numbers without a scale, or one scale and zero points 0.
@generator("NEG", "f32 f16 bf16 i8 i16 i32 i64")
def neg(r, op, kind):
    shape, options = shape_of(r), ("NegOptions", {})
    if kind in models.FLOATS:
        return unary(r, kind, -9, 9, 0, 1, options, [0, -0.0, INFINITY, NAN])
    least, most = models.integer_limits(kind)
    scale = 0.25 if kind in models.QUANTIZED and r.chance(0.5) else None
    values = r.rng.integers(least, most, shape, endpoint=True)
    return Case([Operand(shape, kind, scale, data=values, fed=True)], [Operand(shape, kind, scale)], options)


@generator("SIGN", "f32 f64 i32")
def sign(r, op, kind):
    shape = shape_of(r)
    if kind == "i32":
        return Case([Operand(shape, kind, low=-3, high=3)], [Operand(shape, kind)], ("SignOptions", {}))
    return Case([floats(r, kind, shape, -2, 2, [0, -0.0, INFINITY])], [Operand(shape, kind)], ("SignOptions", {}))


@generator("ZEROS_LIKE", "f32 i32 i64")
def zeros_like(r, op, kind):
    shape = shape_of(r)
    return Case([Operand(shape, kind, low=-9, high=9)], [Operand(shape, kind)], ("ZerosLikeOptions", {}))


@generator("LOGICAL_NOT", "bool")
def logical_not(r, op, kind):
    shape = shape_of(r)
    return Case([Operand(shape, kind)], [Operand(shape, kind)], ("LogicalNotOptions", {}))


@generator("REAL IMAG COMPLEX_ABS", "c64 c128")
def complex_part(r, op, kind):
    shape = shape_of(r)
    return Case([Operand(shape, kind, low=-9, high=9)], [Operand(shape, "f32" if kind == "c64" else "f64")])


# ---- types

CASTS = ("f32", "f16", "bf16", "f64", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "bool", "c64")
SMALL = ("i4", "i2")


# Floats stay in the integers' ranges, beyond which LiteRT's cast is undefined; f32 to i32, i16 and u8 saturates.
@generator("CAST", " ".join(CASTS + SMALL))
def cast(r, op, kind):
    other = "f32" if kind in SMALL else r.choice(CASTS + (SMALL if kind == "f32" else ()))
    source, target = (kind, other) if r.chance(0.5) else (other, kind)
    shape = shape_of(r)
    options = ("CastOptions", {"inDataType": models.TYPES[source][1], "outDataType": models.TYPES[target][1]})
    y = Operand(shape, target)
    if source in SMALL:
        least, most = models.integer_limits(source)
        return Case([Operand(shape, source, data=r.rng.integers(least, most, shape, endpoint=True))], [y], options)
    if source == "bool":
        return Case([Operand(shape, source)], [y], options)
    if source in models.FLOATS + ("c64",):
        low, high = (0, 250) if target[0] == "u" else (-120, 120)
        if source == "f32" and target in ("i32", "i16", "u8") + SMALL and r.chance(0.5):
            low, high = -1e6, 1e6
        if source == "c64":
            values = r.rng.uniform(low, high, shape) + 1j * r.rng.uniform(low, high, shape)
            return Case([Operand(shape, source, data=values, fed=True)], [y], options)
        special = [0, 0.5, 1.5, 2.5] if target[0] in "iub" and target != "bf16" else [0, 1e-7, 65504, 70000, INFINITY, NAN]
        return Case([floats(r, source, shape, low, high, special)], [y], options)
    least, most = models.integer_limits(source)
    if r.chance(0.5):
        least, most = max(least, -100), min(most, 100)
    return Case([Operand(shape, source, data=r.rng.integers(least, most, shape, endpoint=True), fed=True)], [y], options)


WIDTHS = {"bool": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "f16": 2, "bf16": 2, "f32": 4, "i32": 4, "u32": 4,
          "i64": 8, "u64": 8, "f64": 8, "c64": 8}


@generator("BITCAST", " ".join(WIDTHS) + " i4")
def bitcast(r, op, kind):
    options = ("BitcastOptions", {})
    if kind == "i4":
        shape = r.shape(1, 4)
        return Case([Operand(shape, kind, data=r.rng.integers(-8, 7, shape, endpoint=True))], [Operand(shape, kind)], options)
    other = r.choice([t for t in WIDTHS if "bool" not in (kind, t) or t == kind])
    source, target = (kind, other) if r.chance(0.5) else (other, kind)
    shape, ratio = r.shape(0, 4), WIDTHS[target] // WIDTHS[source]
    wide, narrow = shape + (max(ratio, 1),) if ratio > 1 else shape, shape
    if ratio < 1:
        narrow = shape + (WIDTHS[source] // WIDTHS[target],)
    if source == "bool":
        return Case([Operand(wide, source)], [Operand(narrow, target)], options)
    # Small integers are finite numbers in every type that their bytes may become.
    if source in models.FLOATS + ("c64",):
        return Case([Operand(wide, source, low=-9, high=9)], [Operand(narrow, target)], options)
    least, most = models.integer_limits(source)
    values = r.rng.integers(max(least, 0), min(most, 100), wide, endpoint=True)
    return Case([Operand(wide, source, data=values, fed=True)], [Operand(narrow, target)], options)


# ---- quantization

def with_channels(r, t, low, high):
    """One scale and zero point for each slice along a dimension."""
    t.axis = r.integer(0, len(t.shape) - 1)
    pairs = [models.quantization(t.type, low * r.real(0.3, 1), high * r.real(0.3, 1)) for _ in range(t.shape[t.axis])]
    t.scale, t.zero = [p[0] for p in pairs], [p[1] for p in pairs]
    return t


REQUANTIZED = {"i8": ("i8", "u8", "i16", "i32"), "u8": ("i8", "u8"), "i16": ("i16", "i32")}


@generator("QUANTIZE", "i8 u8 i16 i4")
def quantize(r, op, kind):
    shape, options = shape_of(r), ("QuantizeOptions", {})
    if kind == "i4":
        return Case([floats(r, "f32", shape, -5, 5)], [Operand(shape, kind, 0.5, r.integer(-3, 3))], options)
    y = r.operand(kind, shape, -3, 3)
    if r.chance(0.5):
        source = r.choice(REQUANTIZED[kind])
        if kind == "i16" and r.chance(0.3):
            return Case([r.operand("i16", shape, -3, 3)], [Operand(shape, "i32", 0.001, r.integer(-9, 9))], options)
        if source == "i32":
            x = Operand(shape, source, 0.001, r.integer(-9, 9), data=r.rng.integers(-4000, 4000, shape), fed=True)
        else:
            x = r.operand(source, shape, -3, 3)
        return Case([x], [y], options)
    if len(shape) > 0 and 0 not in shape and r.chance(0.4):
        with_channels(r, y, -3, 3)
    return Case([floats(r, "f32", shape, -4, 4, [0, 1e4, -1e4])], [y], options)


@generator("DEQUANTIZE", "f16 i8 u8 i16 i4 i2")
def dequantize(r, op, kind):
    shape, options = shape_of(r), ("DequantizeOptions", {})
    y = Operand(shape, "f32")
    if kind == "f16":
        return Case([floats(r, kind, shape, -9, 9, [0, 65504, 1e-7, INFINITY, NAN])], [y], options)
    if kind in models.BITS:
        least, most = models.integer_limits(kind)
        x = Operand(shape, kind, 0.3, data=r.rng.integers(least, most, shape, endpoint=True))
        if len(shape) > 0 and 0 not in shape and r.chance(0.4):
            x.axis = r.integer(0, len(shape) - 1)
            x.scale = [r.real(0.01, 1) for _ in range(shape[x.axis])]
        return Case([x], [y], options)
    x = r.operand(kind, shape, -3, 3)
    if kind != "i16" and len(shape) > 0 and 0 not in shape and r.chance(0.4):
        with_channels(r, x, -3, 3)
    return Case([x], [y], options)


# LiteRT has no narrow range here.
@generator("FAKE_QUANT", "f32")
def fake_quant(r, op, kind):
    low = r.choice([0.0, -1.0, r.real(-5, 0), r.real(0, 1)])
    options = {"min": low, "max": low + r.real(1.5, 9), "numBits": r.choice([2, 4, 8, 8, 12, 16]),
               "narrowRange": False}
    return unary(r, kind, -6, 6, 0, 1, ("FakeQuantOptions", options), [0, 100, -100])


@generator("CUSTOM:NumericVerify", "i8 u8 i16")
def numeric_verify(r, op, kind):
    shape = shape_of(r)
    options = {"tolerance": r.real(0, 9), "log_if_failed": False}
    x = r.operand(kind, shape, -3, 3)
    if kind != "i16" and len(shape) > 0 and 0 not in shape and r.chance(0.4):
        with_channels(r, x, -3, 3)
    return Case([x, Operand(shape, "f32", low=-3, high=3)], [Operand(shape, "f32")],
                custom=bytes(flexbuffers.Dumps(options)))


# ---- rows

def rows(r, high_rank=5):
    return r.shape(1, high_rank, most=r.choice([6, 40]))


@generator("SOFTMAX", "f32 f16 i8 u8 i16", tolerance=1e-4)
def softmax(r, op, kind):
    shape = rows(r, 4)
    options = ("SoftmaxOptions", {"beta": r.choice([1.0, 1.0, 0.5, 2.0])})
    if kind in models.FLOATS:
        return Case([Operand(shape, kind, low=-8, high=8)], [Operand(shape, kind)], options)
    y = Operand(shape, kind, 2.0**-8, models.integer_limits(kind)[0])
    if kind == "i16":
        y = Operand(shape, kind, 2.0**-15)
    elif r.chance(0.3):
        y = Operand(shape, "i16", 2.0**-16, -32768)
    return Case([r.operand(kind, shape, -6, 6)], [y], options)


@generator("LOG_SOFTMAX", "f32 i8 u8", tolerance=1e-4)
def log_softmax(r, op, kind):
    shape, options = rows(r), ("LogSoftmaxOptions", {})
    if kind == "f32":
        return Case([Operand(shape, kind, low=-8, high=8)], [Operand(shape, kind)], options)
    y = Operand(shape, kind, 2.0**-4, models.integer_limits(kind)[1])
    return Case([r.operand(kind, shape, -6, 6)], [y], options)


@generator("L2_NORMALIZATION", "f32 i8 u8")
def l2_normalization(r, op, kind):
    shape, options = r.shape(1, 4, most=r.choice([6, 40])), ("L2NormOptions", {"fusedActivationFunction": 0})
    if kind == "f32":
        return Case([Operand(shape, kind, low=-3, high=3)], [Operand(shape, kind)], options)
    y = Operand(shape, kind, 2.0**-7, 0 if kind == "i8" else 128)
    return Case([r.operand(kind, shape, -3, 3)], [y], options)


# LiteRT's reference kernel leaves out the last channel of a window.
@generator("LOCAL_RESPONSE_NORMALIZATION", "f32")
def local_response_normalization(r, op, kind):
    shape = r.shape(4, 4, most=r.choice([6, 12]))
    options = {"radius": r.integer(0, 5), "bias": r.real(0.5, 2), "alpha": r.real(0.01, 1),
               "beta": r.real(0.2, 1.5)}
    return Case([Operand(shape, kind, low=-3, high=3)], [Operand(shape, kind)],
                ("LocalResponseNormalizationOptions", options), oracle="BUILTIN_WITHOUT_DEFAULT_DELEGATES")
