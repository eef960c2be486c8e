# SPDX-License-Identifier: Apache-2.0
"""Generators of random cases: a function that makes a Case from random numbers, for operators and types.

The functions lie in operators/*.py, one file for a family of operators:

    @generator("ADD SUB", "f32 i8")
    def add(r, op, kind):
        a, b, y = r.broadcast()
        return Case([r.operand(kind, a), r.operand(kind, b)], [r.operand(kind, y)], (op.capitalize() + "Options", {}))
"""
import dataclasses
import importlib
import pathlib
import zlib

import numpy as np

import models

GENERATORS = {}  # (operator, kind): Generator


@dataclasses.dataclass
class Generator:
    make: object
    tolerance: float
    steps: int
    kernel_steps: int
    why: str

    def case(self, op, kind, number):
        """Case `number` of an operator and kind, with the random numbers that it was made from."""
        r = Random(zlib.crc32(f"{op}/{kind}/{number}".encode()))
        return self.make(r, op, kind), r.rng


DEFAULT = Generator(None, tolerance=1e-5, steps=0, kernel_steps=1, why="")  # the rules of fixed cases without a generator


def rules_of(op, kind):
    return GENERATORS.get((op, kind), DEFAULT)


def generator(operators, kinds, tolerance=1e-5, steps=0, kernel_steps=1, why=""):
    """Registers a function make(r, op, kind) → Case.

    operators, kinds: names separated by blanks; the kinds are those of the operator table, mostly types.
    tolerance: of floats, |got − want| ≤ tolerance · max(|want|, min(1, the output's largest)); half types get a unit in the last
        place on top.
    steps: how far integers may differ from the oracle's on the plain loops; `why` when that is not 0.
    kernel_steps: how far integers of the kernels may differ from those of the plain loops.
    """
    assert steps == 0 or why, f"{operators}: steps need a reason"

    def register(make):
        for op in operators.split():
            for kind in kinds.split():
                assert (op, kind) not in GENERATORS, f"two generators of {op} {kind}"
                GENERATORS[op, kind] = Generator(make, tolerance, steps, kernel_steps, why)
        return make

    return register


def load_generators():
    """Imports operators/*.py; GENERATORS."""
    for path in sorted((pathlib.Path(__file__).parent / "operators").glob("*.py")):
        importlib.import_module("operators." + path.stem)
    return GENERATORS


class Random:
    """Random numbers, shapes and operands, the same for the same seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def integer(self, low, high):
        """low ≤ n ≤ high."""
        return int(self.rng.integers(low, high, endpoint=True))

    def real(self, low, high):
        return float(self.rng.uniform(low, high))

    def chance(self, p):
        return bool(self.rng.random() < p)

    def choice(self, options):
        return options[int(self.rng.integers(len(options)))]

    def shape(self, low_rank=1, high_rank=4, most=6, zero=False):
        """A shape whose dimensions are at most `most`; with `zero`, one of them is 0 now and then."""
        dims = [self.choice([1, 2, 3, 5, self.integer(1, most)]) for _ in range(self.integer(low_rank, high_rank))]
        dims = [min(d, most) for d in dims]
        if zero and dims and self.chance(0.1):
            dims[self.integer(0, len(dims) - 1)] = 0
        return tuple(dims)

    def broadcast(self, high_rank=4, zero=True):
        """Two shapes that broadcast to a third, and that."""
        shape = list(self.shape(0, high_rank, zero=zero))
        pair = []
        for _ in range(2):
            dims = [1 if self.chance(0.25) else d for d in shape]
            while dims and self.chance(0.15):
                dims.pop(0)
            pair.append(tuple(dims))
        if self.chance(0.35):
            pair = [tuple(shape), tuple(shape)]
        return pair[0], pair[1], tuple(np.broadcast_shapes(*pair))

    def operand(self, kind, shape, low=-3, high=3, **more):
        """A tensor of about the range [low, high], with a quantization of its own where it has one."""
        if kind in models.QUANTIZED:
            low, high = low * self.real(0.7, 1.3), high * self.real(0.7, 1.3)
            if kind != "i16" and low < 0 < high and self.chance(0.2):
                low = 0.0  # the zero point at an end
        return models.operand(kind, shape, low, high, **more)
