# SPDX-License-Identifier: Apache-2.0
"""Cases of the operators on plain numbers: functions, comparisons, logic, selections, reductions, norms."""
import numpy as np

from fixed.basic import BROADCASTS
from fixed.cases import case
from models import Operand, operand

SPANS = {"f32": (-3.0, 4.0), "i32": (-1000, 1000), "i64": (-1000, 1000), "bool": (0, 1)}


def numbers(kind, shape, low=None, high=None, **more):
    span = SPANS[kind]
    return operand(kind, shape, span[0] if low is None else low, span[1] if high is None else high, **more)


UNARY = {
    # operator: option table, types, range of f32
    "EXP": ("ExpOptions", ("f32",), (-9, 9)), "LOG": (None, ("f32",), (0.01, 40)), "SIN": (None, ("f32",), (-30, 30)),
    "COS": ("CosOptions", ("f32",), (-30, 30)), "RSQRT": (None, ("f32",), (0.01, 40)),
    "SQUARE": ("SquareOptions", ("f32",), (-9, 9)), "FLOOR": (None, ("f32",), (-9, 9)),
    "CEIL": (None, ("f32",), (-9, 9)), "ROUND": (None, ("f32",), (-9, 9)), "ELU": (None, ("f32",), (-9, 9)),
    "ABS": ("AbsOptions", ("f32", "i32"), (-9, 9)), "SIGN": (None, ("f32", "i32"), (-9, 9)),
    "NEG": ("NegOptions", ("f32", "i32", "i64"), (-9, 9)), "RELU_0_TO_1": (None, ("f32",), (-2, 3)),
    "ZEROS_LIKE": ("ZerosLikeOptions", ("f32", "i32", "i64"), (-9, 9)),
    "LOGICAL_NOT": ("LogicalNotOptions", ("bool",), (0, 1)), "LOG_SOFTMAX": ("LogSoftmaxOptions", ("f32",), (-7, 7)),
    "L2_NORMALIZATION": ("L2NormOptions", ("f32",), (-7, 7)),
}


def unary_cases():
    for op, (table, kinds, span) in UNARY.items():
        for kind in kinds:
            for name, shape in {"row": (41,), "deep": (2, 3, 1, 5)}.items():
                x = numbers(kind, shape, *(span if kind == "f32" else ()))
                if op in ("L2_NORMALIZATION",) and name == "row":
                    continue
                yield case(op, f"{kind}_{name}", [x], [Operand(shape, kind)], (table, {}) if table else None, 1)
    halves = np.arange(-4, 4.5, 0.5)
    x = Operand(halves.shape, data=halves, fed=True)
    yield case("ROUND", "f32_halves", [x], [Operand(halves.shape)], None, 1)
    for alpha in (0.2, -0.5):
        options = ("LeakyReluOptions", {"alpha": alpha})
        yield case("LEAKY_RELU", f"f32_{alpha}", [numbers("f32", (3, 41))], [Operand((3, 41))], options, 1)
    for approximate in (False, True):
        options = ("GeluOptions", {"approximate": approximate})
        yield case("GELU", f"f32_{approximate}", [numbers("f32", (3, 41), -6, 6)], [Operand((3, 41))], options, 1)
    # Where a window ends inside the row, LiteRT's reference kernel leaves its last element out; its ordinary kernel does
    # not, nor does TensorFlow.
    for radius in (7, 9):
        options = ("LocalResponseNormalizationOptions", {"radius": radius, "bias": 1.2, "alpha": 0.3, "beta": 0.6})
        x = numbers("f32", (2, 3, 2, 7))
        yield case("LOCAL_RESPONSE_NORMALIZATION", f"f32_{radius}", [x], [Operand((2, 3, 2, 7))], options, 1)


NUMBERS = ("f32", "i32", "i64")
BINARY = {
    # operator: option table, types, type of the result
    "MAXIMUM": ("MaximumMinimumOptions", NUMBERS, None), "MINIMUM": ("MaximumMinimumOptions", NUMBERS, None),
    "SQUARED_DIFFERENCE": ("SquaredDifferenceOptions", ("f32", "i32"), None), "FLOOR_MOD": ("FloorModOptions", NUMBERS, None),
    "POW": ("PowOptions", ("f32", "i32"), None), "ATAN2": (None, ("f32",), None),
    "LOGICAL_AND": ("LogicalAndOptions", ("bool",), None), "LOGICAL_OR": ("LogicalOrOptions", ("bool",), None),
    "EQUAL": ("EqualOptions", NUMBERS + ("bool",), "bool"), "NOT_EQUAL": ("NotEqualOptions", NUMBERS + ("bool",), "bool"),
    "LESS": ("LessOptions", NUMBERS, "bool"), "LESS_EQUAL": ("LessEqualOptions", NUMBERS, "bool"),
    "GREATER": ("GreaterOptions", NUMBERS, "bool"), "GREATER_EQUAL": ("GreaterEqualOptions", NUMBERS, "bool"),
}


def binary_cases():
    for op, (table, kinds, result) in BINARY.items():
        for kind in kinds:
            for name, (a, b) in BROADCASTS.items():
                if op == "ATAN2" and a != b:
                    continue
                x0, x1 = numbers(kind, a), numbers(kind, b)
                if result and kind != "bool":
                    x0, x1 = (Operand(s, kind, low=-1, high=1) for s in (a, b))
                if op == "FLOOR_MOD":
                    x1 = numbers(kind, b, 1, 9)
                if op == "POW":
                    x0, x1 = numbers(kind, a, 1, 4), numbers(kind, b, 0, 4)
                y = Operand(np.broadcast_shapes(a, b), result or kind)
                yield case(op, f"{kind}_{name}", [x0, x1], [y], (table, {}) if table else None)
    for kind in NUMBERS:
        signs = [Operand((9, 9), kind, low=-9, high=9), Operand((9, 1), kind, data=[[-4], [-3], [-2], [-1], [1], [2], [3], [4], [5]])]
        yield case("FLOOR_MOD", f"{kind}_signs", signs, [Operand((9, 9), kind)], ("FloorModOptions", {}), 1)


def select_cases():
    one = {"same": ((2, 3, 5),) * 3, "scalar": ((), (2, 3, 5), (2, 3, 5)), "slices": ((6,), (6, 3), (6, 3))}
    two = {"same": ((2, 3, 5),) * 3, "scalar_y": ((2, 3, 5), (2, 3, 5), ()), "crossed": ((1, 3, 1), (2, 1, 5), (5,)),
           "row": ((3,), (3, 3), (3, 3))}
    for op, table, layouts in (("SELECT", "SelectOptions", one), ("SELECT_V2", "SelectV2Options", two)):
        for kind in ("f32", "i32", "i64", "bool"):
            for name, shapes in layouts.items():
                x = [Operand(shapes[0], "bool"), numbers(kind, shapes[1]), numbers(kind, shapes[2])]
                y = shapes[1] if op == "SELECT" else np.broadcast_shapes(*shapes)
                yield case(op, f"{kind}_{name}", x, [Operand(y, kind)], (table, {}), 1)


def reduction_cases():
    layouts = {
        "spatial": ((2, 5, 7, 9), (1, 2), False), "kept": ((1, 4, 4, 33), (1, 2), True), "last": ((3, 4, 17), (-1,), False),
        "first": ((6, 5), (0,), True), "all": ((3, 4, 5), (0, 1, 2), False), "split": ((3, 4, 5, 2), (0, 2), False),
    }
    groups = {"SUM": NUMBERS, "REDUCE_PROD": NUMBERS, "REDUCE_MAX": NUMBERS, "REDUCE_MIN": NUMBERS,
              "REDUCE_ANY": ("bool",), "REDUCE_ALL": ("bool",)}
    for op, kinds in groups.items():
        for kind in kinds:
            for name, (shape, axes, keep) in layouts.items():
                reduced = {a % len(shape) for a in axes}
                result = tuple(1 if i in reduced else d for i, d in enumerate(shape) if keep or i not in reduced)
                x = numbers(kind, shape)
                if op == "REDUCE_PROD":
                    x = Operand(shape, kind, low=0.7 if kind == "f32" else -2, high=1.3 if kind == "f32" else 2)
                axis = Operand((len(axes),), "i32", data=np.array(axes, np.int32))
                yield case(op, f"{kind}_{name}", [x, axis], [Operand(result, kind)], ("ReducerOptions", {"keepDims": keep}), 1)
    for kind in NUMBERS:
        for i, (exclusive, reverse) in enumerate(((False, False), (True, False), (False, True), (True, True))):
            axis = Operand((), "i32", data=np.array((0, 1, -1, -3)[i], np.int32))
            options = ("CumsumOptions", {"exclusive": exclusive, "reverse": reverse})
            yield case("CUMSUM", f"{kind}_{i}", [numbers(kind, (3, 4, 5)), axis], [Operand((3, 4, 5), kind)], options, 1)


def all_cases():
    """Every case of every operator of this file."""
    for part in (unary_cases, binary_cases, select_cases, reduction_cases):
        yield from part()
