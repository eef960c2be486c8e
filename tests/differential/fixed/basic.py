# SPDX-License-Identifier: Apache-2.0
"""Fixed cases: operator, options, shapes, types and quantization."""
import numpy as np

from fixed import compute
from fixed.cases import case, codes
from models import ACTIVATION, QUANTIZED, Operand, integer_limits, operand

BROADCASTS = {
    "same": ((2, 5, 3), (2, 5, 3)),
    "scalar": ((2, 3, 5), ()),
    "scalar_first": ((1,), (7, 3)),
    "channels": ((2, 3, 4, 5), (5,)),
    "per_image": ((2, 3, 4, 5), (2, 1, 1, 5)),
    "column": ((2, 3, 4), (2, 3, 1)),
    "crossed": ((3, 1, 5), (1, 4, 1)),
    "long": ((1, 13, 11), (1, 13, 11)),
}


def binary(op, table, kinds, activations=("none",), low=-1.0, high=1.0, divisor=None):
    """Each type with each broadcast, the activations by turns."""
    turn = 0
    for kind in kinds:
        for name, (a, b) in BROADCASTS.items():
            activation = activations[turn % len(activations)]
            turn += 1
            spread = 1.0 + 0.3 * (turn % 4)
            integer = kind in ("i32", "i64")
            x0 = operand(kind, a, *((-1000, 1000) if integer else (low * spread, high)))
            x1 = operand(kind, b, *((-1000, 1000) if integer else (low, high * spread)))
            if divisor is not None:
                x1 = operand(kind, b, *((1, 50) if integer else divisor))
            shape = np.broadcast_shapes(a, b)
            y = operand(kind, shape, low * 1.6, high * 1.9)
            options = (table, {"fusedActivationFunction": ACTIVATION[activation]}) if table else None
            if table == "FloorDivOptions":
                options = (table, {})
            yield case(op, f"{kind}_{name}_{activation}", [x0, x1], [y], options)


def binary_cases():
    every = ("none", "relu", "relu6", "relu_n1")
    kinds = ("f32", "i8", "u8", "i16", "i32", "i64")
    yield from binary("ADD", "AddOptions", kinds, every)
    yield from binary("SUB", "SubOptions", kinds, every)
    yield from binary("MUL", "MulOptions", kinds, every, -2.0, 2.0)
    yield from binary("DIV", "DivOptions", ("f32", "i32"), every, divisor=(0.3, 2.0))
    yield from quantized_div_cases(every)
    yield from binary("FLOOR_DIV", "FloorDivOptions", ("f32", "i32"), low=-9, high=9, divisor=(0.3, 2.0))
    for kind in ("i8", "i16"):
        x = [Operand((3, 40), kind, low=-100, high=100), Operand((3, 40), kind, low=1, high=9)]
        yield case("FLOOR_DIV", f"{kind}_plain", x, [Operand((3, 40), kind)], ("FloorDivOptions", {}), 3)
    # int16 with scales that are powers of two, which ADD and SUB may only shift.
    for op in ("ADD", "SUB"):
        for name, (a, b, y) in {"left": (2.0**-12, 2.0**-11, 2.0**-11), "right": (2.0**-11, 2.0**-13, 2.0**-11)}.items():
            for shift in (True, False):
                operands = [Operand((3, 7), "i16", s) for s in (a, b, y)]
                options = (f"{op.capitalize()}Options", {"potScaleInt16": shift})
                yield case(op, f"i16_{name}_{'shift' if shift else 'scale'}", operands[:2], operands[2:], options, 4)
    # Scales far apart, results that saturate.
    for op, y_high in (("ADD", 0.4), ("SUB", 0.4), ("MUL", 0.1)):
        for kind in QUANTIZED:
            x0, x1 = operand(kind, (200,), -3.0, 5.0), operand(kind, (200,), -0.01, 0.02)
            y = operand(kind, (200,), -0.2, y_high)
            yield case(op, f"{kind}_saturates", [x0, x1], [y], (f"{op.capitalize()}Options", {}))


def quantized_div_cases(activations):
    """Divisors of both signs, none of which stands for 0."""
    rng = np.random.default_rng(7)
    for kind in QUANTIZED:
        for i, (a, b) in enumerate((((2, 150), (2, 150)), ((3, 50), (1,)), ((7, 9), (9,)))):
            x0, x1 = operand(kind, a, -3.0, 2.0), operand(kind, b, -1.0, 2.0)
            least, most = integer_limits(kind)
            x1.data = rng.integers(least, most + 1, b)
            x1.data[x1.data == x1.zero] += 1
            y = operand(kind, np.broadcast_shapes(a, b), -3.5, 8.0)
            options = ("DivOptions", {"fusedActivationFunction": ACTIVATION[activations[i]]})
            yield case("DIV", f"{kind}_{i}", [x0, x1], [y], options, 2)


def unary(op, kinds, ranges, options=None, y_range=None, same_scale=False, version=None):
    """All codes of quantized types under each input range; random floats."""
    for kind in kinds:
        for i, (low, high) in enumerate(ranges):
            if kind == "f32":
                x, y = operand(kind, (3, 41), low, high), operand(kind, (3, 41))
            else:
                data = codes(kind)
                x = operand(kind, data.shape, low, high, data=data, fed=True)
                y = operand(kind, data.shape, *(y_range(low, high) if callable(y_range) else y_range))
                if same_scale:
                    y.scale, y.zero = x.scale, x.zero
            yield case(op, f"{kind}_{i}", [x], [y], options, version)


def fixed(kind, op):
    """The quantization that TFLite demands of LOGISTIC's, TANH's and SOFTMAX's results."""
    if op == "TANH":
        return (1 / 128, {"i8": 0, "u8": 128}[kind]) if kind != "i16" else (1 / 32768, 0)
    return (1 / 256, {"i8": -128, "u8": 0}[kind]) if kind != "i16" else (1 / 32768, 0)


def sigmoid_cases():
    for op in ("LOGISTIC", "TANH"):
        yield from unary(op, ("f32",), ((-1, 1), (-9, 9), (-90, 90)))
        for kind in QUANTIZED:
            for i, (low, high) in enumerate(((-1, 1), (-4, 7), (-8, 8), (-20, 11), (-0.2, 0.1))):
                data = codes(kind)
                scale, zero = fixed(kind, op)
                x = operand(kind, data.shape, low, high, data=data, fed=True)
                yield case(op, f"{kind}_{i}", [x], [Operand(data.shape, kind, scale, zero)], version=3)
        data = codes("i16")
        for i, power in enumerate((-12, -11, -10, -13)):
            scale, zero = fixed("i16", op)
            x = Operand(data.shape, "i16", 2.0**power, 0, data=data, fed=True)
            yield case(op, f"i16_power_{i}", [x], [Operand(data.shape, "i16", scale, zero)], version=3)


def softmax_cases():
    shapes = {"row": (1, 1001), "rows": (7, 10), "deep": (2, 3, 4, 5), "flat": (9,), "one": (3, 1)}
    for kind in ("f32",) + QUANTIZED:
        for name, shape in shapes.items():
            if kind == "i16" and name == "row":
                shape = (1, 301)
            for i, (high, beta) in enumerate(((4.0, 1.0), (25.0, 1.0), (1.0, 0.5))):
                # LiteRT aborts where the sum of the exponentials passes 512.
                if i and name in ("deep", "flat", "one") or (name, i) == ("row", 2):
                    continue
                x = operand(kind, shape, -high, high)
                y = Operand(shape, kind)
                if kind in QUANTIZED:
                    y.scale, y.zero = fixed(kind, "SOFTMAX")
                yield case("SOFTMAX", f"{kind}_{name}_{i}", [x], [y], ("SoftmaxOptions", {"beta": beta}), 3)


def activation_cases():
    spans = ((-3.0, 9.0), (-7.0, 7.0), (-1.0, 2.0))
    for op in ("RELU", "RELU6", "RELU_N1_TO_1"):
        kinds = ("f32", "i8", "u8") + (("i16",) if op != "RELU_N1_TO_1" else ())
        yield from unary(op, kinds, spans, y_range=lambda low, high: (low * 0.8, high * 0.9))
    yield from unary("HARD_SWISH", ("f32", "i8", "u8"), spans + ((-10.0, 10.0), (-0.5, 0.4)),
                     ("HardSwishOptions", {}), y_range=lambda low, high: (-0.5, high))
    yield case("SQRT", "f32", [operand("f32", (5, 31), 0, 9)], [operand("f32", (5, 31))])
    for kind in ("i8", "i16"):
        data = codes(kind)
        data = data[data >= (-128 if kind == "i8" else 0)]
        x = Operand(data.shape, kind, 0.03, -128 if kind == "i8" else 0, data=data, fed=True)
        yield case("SQRT", kind, [x], [operand(kind, data.shape, 0.0, 3.0)], version=2)
    for kind in ("f32", "i8", "u8"):
        for name, alpha in (("channels", (5,)), ("shared", (1, 1, 5)), ("full", (2, 3, 5)), ("one", (1,))):
            constant = np.random.default_rng(5).uniform(-0.5, 0.9, alpha)
            a = operand(kind, alpha, -0.5, 0.9)
            least, most = integer_limits(kind) if kind != "f32" else (0, 0)
            a.data = constant if kind == "f32" else np.clip(np.round(constant / a.scale) + a.zero, least, most)
            x, y = operand(kind, (2, 3, 5), -3, 2), operand(kind, (2, 3, 5), -1.7, 2)
            yield case("PRELU", f"{kind}_{name}", [x, a], [y])


def conversion_cases():
    edges = np.array([0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 1e9, -1e9], np.float32)
    for kind in QUANTIZED:
        for i, (low, high) in enumerate(((-1.0, 1.0), (-6.3, 2.2))):
            x = operand("f32", (7, 29), low * 1.1, high * 1.1)
            yield case("QUANTIZE", f"f32_{kind}_{i}", [x], [operand(kind, (7, 29), low, high)], ("QuantizeOptions", {}), 1)
        x = Operand(edges.shape, "f32", data=edges, fed=True)
        yield case("QUANTIZE", f"f32_{kind}_edges", [x], [Operand(edges.shape, kind, 1.0, 0)], ("QuantizeOptions", {}), 1)
        for to in QUANTIZED:
            if (kind, to) == ("i16", "u8"):
                continue  # LiteRT refuses it
            for i, (low, high) in enumerate(((-1.0, 1.0), (-0.7, 1.3), (-3.0, 2.0))):
                data = codes(kind)
                x = operand(kind, data.shape, -1.0, 1.0, data=data, fed=True)
                yield case("QUANTIZE", f"{kind}_{to}_{i}", [x], [operand(to, data.shape, low, high)], ("QuantizeOptions", {}), 2)
        data = codes(kind)
        x = operand(kind, data.shape, -3.1, 4.4, data=data, fed=True)
        yield case("DEQUANTIZE", kind, [x], [Operand(data.shape)], ("DequantizeOptions", {}), 3)
    for i, (scale, zero) in enumerate(((0.1, 128), (0.1, 127), (0.2, 128))):
        data = codes("u8")
        x = Operand(data.shape, "u8", 0.1, 128, data=data, fed=True)
        y = Operand(data.shape, "i8", scale, zero - 128)
        yield case("QUANTIZE", f"u8_i8_same_{i}", [x], [y], ("QuantizeOptions", {}), 2)
    x = operand("f16", (4, 9), -60000, 60000)
    yield case("DEQUANTIZE", "f16", [x], [Operand((4, 9))], ("DequantizeOptions", {}), 3)
    for axis in (0, 1, 2):
        shape = (3, 4, 5)
        scales = np.linspace(0.02, 0.3, shape[axis])
        x = Operand(shape, "i8", scales, 0, axis)
        yield case("DEQUANTIZE", f"i8_channels_{axis}", [x], [Operand(shape)], ("DequantizeOptions", {}), 5)


def cast_cases():
    kinds = ("f32", "f64", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "bool")
    for from_kind in kinds:
        for to_kind in kinds:
            if from_kind == to_kind:
                continue
            unsigned = "u" in (from_kind[0], to_kind[0])
            x = operand(from_kind, (3, 7), 0 if unsigned else -100, 100)
            x = Operand((3, 7), from_kind, low=0 if unsigned else -100, high=100)
            yield case("CAST", f"{from_kind}_{to_kind}", [x], [Operand((3, 7), to_kind)], None, 1)
    for from_kind, to_kind in (("i32", "i8"), ("i32", "u8"), ("i64", "i16"), ("i64", "i32"), ("i16", "u8")):
        x = Operand((3, 9), from_kind, low=-30000, high=30000)
        yield case("CAST", f"{from_kind}_{to_kind}_low_bits", [x], [Operand((3, 9), to_kind)], None, 1)


def reduction_cases():
    layouts = {
        "spatial": ((2, 5, 7, 9), (1, 2), False), "spatial_kept": ((1, 4, 4, 33), (1, 2), True),
        "last": ((3, 4, 17), (-1,), False), "first": ((6, 5), (0,), True), "all": ((3, 4, 5), (0, 1, 2), False),
        "split": ((3, 4, 5, 2), (0, 2), False), "outer": ((2, 3, 4), (0, 1), True), "none": ((2, 3), (), False),
    }
    for kind in ("f32", "i8", "u8", "i16", "i32", "i64"):
        for name, (shape, axes, keep) in layouts.items():
            if name == "none" and kind != "f32":
                continue
            reduced = {a % len(shape) for a in axes}
            result = tuple(1 if i in reduced else d for i, d in enumerate(shape) if keep or i not in reduced)
            integer = kind in ("i32", "i64")
            for i in range(2 if kind in QUANTIZED else 1):
                x = operand(kind, shape, *((-1000, 1000) if integer else (-2.0, 3.0)))
                y = operand(kind, result, *((-0.6, 0.9) if i == 0 else (-2.0, 3.0)))
                axis = Operand((len(axes),), "i32", data=np.array(axes, np.int32))
                yield case("MEAN", f"{kind}_{name}_{i}", [x, axis], [y], ("ReducerOptions", {"keepDims": keep}), 2)
    for op in ("ARG_MAX", "ARG_MIN"):
        table = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
        for kind in ("f32", "i8", "u8", "i32", "bool"):
            for i, (shape, axis) in enumerate((((4, 5, 21), -1), ((4, 5, 6), 1), ((7,), 0), ((3, 2, 70), 2))):
                wide = "i64" if i % 2 else "i32"
                x = operand(kind, shape, -9, 9)
                result = tuple(d for j, d in enumerate(shape) if j != axis % len(shape))
                at = Operand((), wide, data=np.array(axis))
                options = (table, {"outputType": 4 if wide == "i64" else 2})
                yield case(op, f"{kind}_{i}", [x, at], [Operand(result, wide)], options, 2)


def all_cases():
    """Every case of every operator."""
    for part in (binary_cases, sigmoid_cases, softmax_cases, activation_cases, conversion_cases, cast_cases,
                 reduction_cases, compute.cases):
        yield from part()
