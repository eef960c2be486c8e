# SPDX-License-Identifier: Apache-2.0
"""Fixed cases of operators on boxes, sequences, segments and volumes."""
import numpy as np

from fixed.cases import case
from fixed.indexing import scalar
from fixed.movement import ints
from models import ACTIVATION, Operand, operand


def box_cases():
    rng = np.random.default_rng(3)
    for i, (n, most, limit, least) in enumerate(((1, 3, 0.5, 0.0), (12, 5, 0.4, 0.2), (40, 40, 0.3, 0.1), (25, 10, 1.0, 0.0), (9, 0, 0.5, 0.0))):
        corners = rng.uniform(0, 0.7, (n, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(0.1, 0.4, (n, 2))], 1)
        if i == 2:
            boxes[::3] = boxes[::3][:, [2, 3, 0, 1]]  # the other corner first
        fed = [Operand((n, 4), data=boxes.astype(np.float32), fed=True),
               Operand((n,), data=rng.permutation(n).astype(np.float32) / n, fed=True)]
        settings = [scalar(most, "i32", fed=i == 1), scalar(limit, "f32"), scalar(least, "f32")]
        lists = [Operand((most,), "i32"), Operand((most,)), Operand((), "i32")]
        yield case("NON_MAX_SUPPRESSION_V4", str(i), fed + settings, [lists[0], lists[2]], ("NonMaxSuppressionV4Options", {}), 1)
        for sigma in (0.0, 0.5):
            yield case("NON_MAX_SUPPRESSION_V5", f"{i}_{sigma}", [*fed, *settings, scalar(sigma, "f32")], lists,
                       ("NonMaxSuppressionV5Options", {}), 1)


def sequence_cases():
    for kind in ("f32", "i32", "i64", "u8"):
        for i, (shape, sequence, batch, lengths) in enumerate((((3, 5), 1, 0, (2, 5, 0)), ((5, 3, 2), 0, 1, (4, 1, 5)),
                                                               ((2, 3, 4, 2), 2, 0, (3, 4)), ((4, 2, 3), 0, 2, (1, 2, 4)))):
            yield case("REVERSE_SEQUENCE", f"{kind}_{i}", [operand(kind, shape, -9, 9) if kind != "u8" else Operand(shape, kind, low=0, high=99),
                                                           ints(lengths, "i64" if i % 2 else "i32", fed=True)],
                       [Operand(shape, kind)], ("ReverseSequenceOptions", {"seqDim": sequence, "batchDim": batch}), 1)
    for kind in ("f32", "i32"):
        for i, (shape, ids) in enumerate((((5, 3), (0, 0, 1, 2, 2)), ((4,), (0, 0, 0, 1)), ((3, 2, 2), (0, 1, 2)))):
            for fed in (False, True):
                yield case("SEGMENT_SUM", f"{kind}_{i}_{int(fed)}", [operand(kind, shape, -9, 9), ints(ids, fed=fed)],
                           [Operand((ids[-1] + 1, *shape[1:]), kind)], ("SegmentSumOptions", {}), 1)
    for kind in ("f32", "i8", "u8", "i16", "i32", "i64"):
        for i, values in enumerate(((3, 1, 3, 2, 1, 7), (5,), (4, 4, 4), tuple(range(20, 0, -1)))):
            for code, places in ((2, "i32"), (4, "i64")):
                x = Operand((len(values),), kind, data=np.array(values), fed=True)
                yield case("UNIQUE", f"{kind}_{i}_{places}", [x], [Operand((1,), kind), Operand((len(values),), places)],
                           ("UniqueOptions", {"idxOutType": code}), 1)


def quantizing_cases():
    for i, (low, high, bits) in enumerate(((-1.7, 2.3, 8), (0.0, 6.0, 8), (-3.0, -1.0, 8), (1.0, 2.0, 4), (-1.0, 1.0, 16), (-0.3, 5.0, 2))):
        yield case("FAKE_QUANT", str(i), [Operand((3, 41), low=-4, high=7)], [Operand((3, 41))],
                   ("FakeQuantOptions", {"min": low, "max": high, "numBits": bits}), 2)


def volume_cases():
    shapes = (((1, 4, 5, 6, 2), (2, 3, 3, 2, 4)), ((2, 3, 4, 3, 3), (1, 1, 1, 3, 2)), ((1, 5, 7, 6, 1), (3, 2, 3, 1, 5)))
    windows = ((0, (1, 1, 1), (1, 1, 1)), (1, (1, 2, 2), (1, 1, 1)), (0, (2, 2, 1), (1, 1, 1)), (1, (1, 1, 1), (1, 2, 2)))
    for i, (x, f) in enumerate(shapes):
        for j, (padding, stride, dilation) in enumerate(windows):
            if padding == 1 and any(d < (k - 1) * e + 1 for d, k, e in zip(x[1:4], f, dilation)):
                continue
            size = [-(-(d if padding == 0 else d - (k - 1) * e) // s) for d, k, s, e in zip(x[1:4], f, stride, dilation)]
            options = {"padding": padding, "fusedActivationFunction": ACTIVATION[("none", "relu")[j % 2]]}
            for axis, s, e in zip("DHW", stride, dilation):
                options[f"stride{axis}"] = s
                options[f"dilation{axis}Factor"] = e
            bias = [Operand((f[4],))] if j != 2 else []
            yield case("CONV_3D", f"{i}_{j}", [Operand(x), Operand(f), *bias], [Operand((x[0], *size, f[4]))], ("Conv3DOptions", options), 1)


def all_cases():
    """Every case of every operator here."""
    for part in (box_cases, sequence_cases, quantizing_cases, volume_cases):
        yield from part()
