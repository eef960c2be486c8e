# SPDX-License-Identifier: Apache-2.0
"""Operators that draw random numbers."""
import numpy as np

from generator import generator
from models import Case, Operand


def seeds(r):
    """Options: seeds of both kinds of LiteRT, sometimes none."""
    if r.chance(0.2):
        return {}
    return {"seed": r.integer(-2**62, 2**62) if r.chance(0.5) else r.integer(0, 99), "seed2": r.integer(0, 2**40)}


def same_moments(ours, theirs):
    """Mean and spread, where bits can't be the same: no seed is given."""
    for got, want in zip(ours, theirs):
        n, a, b = got[0].size, got[0].astype(float), want[0].astype(float)
        if n == 0:
            continue
        spread = max(float(b.std()), 1e-3)
        if abs(a.mean() - b.mean()) > 8 * spread * np.sqrt(2 / n) + 1e-6:
            return f"mean {a.mean()} instead of {b.mean()}"
        if n > 500 and not 0.7 < a.std() / spread < 1.4:
            return f"spread {a.std()} instead of {b.std()}"
    return None


@generator("RANDOM_UNIFORM RANDOM_STANDARD_NORMAL", "f32", tolerance=1e-4)
def random(r, op, kind):
    options, shape = seeds(r), r.shape(1, 4)
    if not options:
        shape = (50, 41)
    if op == "RANDOM_STANDARD_NORMAL":
        shape = shape[:-1] + (2 * shape[-1],)  # LiteRT writes past the end of an odd number
    return Case([Operand((len(shape),), "i32", data=shape, fed=r.chance(0.3))], [Operand(shape, "f32")],
                ("RandomOptions", options), runs=r.integer(1, 3), compare=None if options else same_moments)


@generator("MULTINOMIAL", "f32")
def multinomial(r, op, kind):
    options, batch, classes = seeds(r), r.integer(1, 4), r.integer(1, 9)
    samples = r.integer(0, 20) if options else 2000
    logits = r.rng.normal(0, 2, (batch, classes)).astype(np.float32)
    return Case([Operand((batch, classes), "f32", data=logits, fed=r.chance(0.7)),
                 Operand((), "i32", data=[samples], fed=r.chance(0.5))],
                [Operand((batch, samples), r.choice(["i32", "i64"]))], ("RandomOptions", options),
                runs=r.integer(1, 3), compare=None if options else same_moments)


@generator("STABLEHLO_RNG_BIT_GENERATOR", "i32 u32 i64 u64")
def rng_bit_generator(r, op, kind):
    algorithm = r.integer(0, 2)
    n = 2 if algorithm == 2 else r.integer(2, 3)
    state = r.rng.integers(0, 2**63, n).astype(np.uint64)
    if r.chance(0.3):
        state[1] = 2**32 - 2  # the counter's lower word overflows
    return Case([Operand((n,), "u64", data=state, fed=r.chance(0.5))],
                [Operand((n,), "u64"), Operand(r.shape(0, 3), kind)],
                options2=("StablehloRngBitGeneratorOptions", {"algorithm": algorithm}))
