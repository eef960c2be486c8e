# SPDX-License-Identifier: Apache-2.0
"""Reductions over axes, arg max and min."""
import numpy as np

import models
from generator import generator
from models import Case, Operand

NUMBERS = "f32 i8 u8 i16 i32 i64"


def axes_of(r, rank):
    """Axes as a constant or a run-time operand: (operand, the axes as numbers from 0)."""
    axes = [int(a) for a in r.rng.permutation(rank)[:r.integer(1, rank)]]
    values = [a - rank if r.chance(0.4) else a for a in axes]
    scalar = len(values) == 1 and r.chance(0.3)
    return Operand(() if scalar else (len(values),), "i32", data=values[0] if scalar else values, fed=r.chance(0.25)), axes


def reduced(shape, axes, keep):
    return tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)


def reduction(r, x, y_of):
    """A case that reduces x; y_of(shape) makes the result's operand."""
    axes, numbers = axes_of(r, len(x.shape))
    keep = r.chance(0.5)
    return Case([x, axes], [y_of(reduced(x.shape, numbers, keep))], ("ReducerOptions", {"keepDims": keep}))


def shape_of(r):
    return r.shape(1, 5, most=r.choice([6, 20]))


@generator("MEAN", NUMBERS)
def mean(r, op, kind):
    shape = shape_of(r)
    if kind in models.QUANTIZED:
        return reduction(r, r.operand(kind, shape, -3, 3), lambda s: r.operand(kind, s, -2, 2))
    most = 3 if kind == "f32" else 2**31 - 1
    return reduction(r, Operand(shape, kind, low=-most, high=most), lambda s: Operand(s, kind))


@generator("SUM", "f32 u8 i32 i64")
def sum_of(r, op, kind):
    shape = shape_of(r)
    if kind == "u8":
        return reduction(r, r.operand(kind, shape, -3, 3), lambda s: r.operand(kind, s, -12, 12))
    most = {"f32": 3, "i32": 2**31 - 1}.get(kind, 2**40)
    return reduction(r, Operand(shape, kind, low=-most, high=most), lambda s: Operand(s, kind))


@generator("SUM", "i8 i16", steps=1,
           why="LiteRT's reference kernel leaves these sums unwritten; its ordinary one scales in float and rounds down")
def quantized_sum(r, op, kind):
    case = reduction(r, r.operand(kind, shape_of(r), -3, 3), lambda s: r.operand(kind, s, -12, 12))
    case.oracle = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
    return case


@generator("REDUCE_PROD", NUMBERS)
def product(r, op, kind):
    shape = r.shape(1, 4, most=5)
    if kind in ("i8", "i16") and r.chance(0.7):
        return reduction(r, r.operand(kind, shape, -1.5, 1.5), lambda s: r.operand(kind, s, -2, 2))
    low, high = (-1.5, 1.5) if kind == "f32" else (0 if kind == "u8" else -5, 5)
    return reduction(r, Operand(shape, kind, low=low, high=high), lambda s: Operand(s, kind))


@generator("REDUCE_MAX REDUCE_MIN", NUMBERS)
def extreme(r, op, kind):
    shape = shape_of(r)
    if kind in models.QUANTIZED and r.chance(0.7):
        x = r.operand(kind, shape, -3, 3)
        return reduction(r, x, lambda s: Operand(s, kind, x.scale, x.zero))
    low, high = (-1e3, 1e3) if kind == "f32" else models.integer_limits(kind)
    x = Operand(shape, kind, low=low, high=high)
    if kind == "i64":
        x.data, x.fed = r.rng.integers(low, high, shape, endpoint=True), True
    return reduction(r, x, lambda s: Operand(s, kind))


@generator("REDUCE_ANY REDUCE_ALL", "bool")
def truth(r, op, kind):
    shape = shape_of(r)
    x = Operand(shape, kind, data=r.rng.random(shape) < r.choice([0.1, 0.5, 0.9]), fed=True)
    return reduction(r, x, lambda s: Operand(s, kind))


@generator("ARG_MAX ARG_MIN", "f32 i8 u8 i32 bool")
def arg(r, op, kind):
    shape = r.shape(1, 5, most=r.choice([6, 100]) if r.chance(0.3) else 6)
    axis = r.integer(0, len(shape) - 1)
    value = axis - len(shape) if r.chance(0.4) else axis
    out = r.choice(["i32", "i64"])
    x = Operand(shape, kind) if kind == "bool" else r.operand(kind, shape, -3, 3)
    axis_operand = Operand(r.choice([(), (1,)]), r.choice(["i32", "i64"]), data=np.array(value), fed=r.chance(0.3))
    axis_operand.data = np.full(axis_operand.shape, value)
    name = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
    return Case([x, axis_operand], [Operand(reduced(shape, [axis], False), out)],
                (name, {"outputType": models.TYPES[out][1]}))
