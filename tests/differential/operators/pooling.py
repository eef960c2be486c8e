# SPDX-License-Identifier: Apache-2.0
"""Pools over height and width."""
import dataclasses

from generator import generator
from models import Case


@generator("AVERAGE_POOL_2D MAX_POOL_2D", "f32 i8 u8 i16")
@generator("L2_POOL_2D", "f32")
def pool_2d(r, op, kind):
    padding = r.choice([0, 1])
    filters, strides, inputs, outputs = [], [], [], []
    for _ in range(2):
        f, s = r.integer(1, 4), r.choice([1, 1, 2, 3])
        n = r.integer(1, 8) if padding == 0 else f + r.integer(0, 6)
        filters.append(f), strides.append(s), inputs.append(n)
        outputs.append(-(-n // s) if padding == 0 else (n - f) // s + 1)
    batch, depth = r.choice([1, 1, 2, 3]), r.choice([1, 3, 4, 17, 40])
    x = r.operand(kind, (batch, *inputs, depth))
    y = dataclasses.replace(x, shape=(batch, *outputs, depth))
    fields = {"padding": padding, "strideH": strides[0], "strideW": strides[1], "filterHeight": filters[0],
              "filterWidth": filters[1], "fusedActivationFunction": r.choice([0, 0, 1, 2, 3])}
    return Case([x], [y], ("Pool2DOptions", fields))
