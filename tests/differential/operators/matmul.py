# SPDX-License-Identifier: Apache-2.0
"""Products of matrices."""
import numpy as np
from flatbuffers import flexbuffers

import models
from generator import generator
from models import Case, Operand


@generator("BATCH_MATMUL", "f32 i8 i16 hybrid i8->i32")
def batch_matmul(r, op, kind):
    m, k, n = r.integer(1, 20), r.choice([1, 3, 8, 33, 130]), r.choice([1, 2, 7, 16, 40])
    rank = r.integer(0, 3)
    batch = [r.integer(1, 3) for _ in range(rank)]
    if kind == "hybrid":
        # LiteRT mistakes scales and sums where more than one leading dimension is not 1.
        kept = r.integer(0, rank - 1) if rank else 0
        batch = [d if i == kept and not (rank == 3 and i == 0) else 1 for i, d in enumerate(batch)]
    leading = []
    for _ in range(2):
        dims = [1 if r.chance(0.25) else d for d in batch]
        while dims and r.chance(0.2):
            dims.pop(0)
        leading.append(dims)
    adj_x, adj_y = r.chance(0.4), r.chance(0.4)
    xs = (*leading[0], k, m) if adj_x else (*leading[0], m, k)
    ys = (*leading[1], n, k) if adj_y else (*leading[1], k, n)
    out = (*np.broadcast_shapes(*leading), m, n)
    fields = {"adjX": adj_x, "adjY": adj_y}
    reach = 1 + 3 * k ** 0.5
    if kind == "f32":
        operands = r.operand("f32", xs), r.operand("f32", ys), r.operand("f32", out)
    elif kind == "hybrid":
        fields["asymmetricQuantizeInputs"] = r.chance(0.5)
        low, high = r.choice([(-3, 3), (0, 2), (-1, 4)])
        axis = len(ys) - (2 if adj_y else 1)
        scale = [float(np.float32(r.real(0.5, 1.5) / 127)) for _ in range(n)] if r.chance(0.5) else float(np.float32(1 / 127))
        y = Operand(ys, "i8", scale, axis=axis, data=r.rng.integers(-127, 127, ys, endpoint=True), fed=np.ndim(scale) == 0 and r.chance(0.3))
        operands = Operand(xs, "f32", low=low, high=high), y, Operand(out, "f32")
    elif kind == "i8->i32":
        operands = r.operand("i8", xs), r.operand("i8", ys), Operand(out, "i32")
    else:
        second = r.operand(kind, ys) if kind == "i8" or r.chance(0.7) else Operand(ys, "i8", float(np.float32(1 / 127)))
        operands = r.operand(kind, xs), second, r.operand(kind, out, -reach, reach)
    if kind != "hybrid" and r.chance(0.4):
        operands[1].data = models.random_values(r.rng, operands[1])
    return Case(list(operands[:2]), [operands[2]], ("BatchMatMulOptions", fields))


@generator("CUSTOM:aeq.hadamard_rotation", "f32")
def hadamard_rotation(r, op, kind):
    size = 2 ** r.integer(0, 7)
    shape = (*[r.integer(1, 4) for _ in range(r.integer(1, 2))], size * r.integer(1, 3))
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("hadamard_size")
        builder.Int(size)
        builder.Key("random_binary_vector")
        with builder.Vector():
            for _ in range(size):
                builder.Int(1)
    return Case([Operand(shape)], [Operand(shape)], custom=bytes(builder.Finish()))
