# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms."""
import numpy as np

from generator import generator
from models import Case, Operand


@generator("RFFT2D", "f32")
def rfft2d(r, op, kind):
    height, width = 2 ** r.integer(1, 5), 2 ** r.integer(1, 6)
    outer = r.shape(0, 3)
    # Longer and shorter than the transform.
    matrix = tuple(max(1, n + r.choice([0, 0, -1, 1, 3, -n // 2])) for n in (height, width))
    lengths = Operand((2,), "i32", data=np.array([height, width]), fed=r.chance(0.3))
    return Case([Operand((*outer, *matrix), low=-2, high=2), lengths],
                [Operand((*outer, height, width // 2 + 1), "c64")], ("Rfft2dOptions", {}), runs=r.integer(1, 2))
