# SPDX-License-Identifier: Apache-2.0
"""StableHLO's gather, scatter and sliding window, which LiteRT runs."""
import numpy as np

from generator import generator
from models import Case, ModelBuilder, Operand

from operators.indexing import window

NUMBERS = "f32 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool"


def with_body(op, body, kind, inputs, output, options):
    """A case of an operator whose region is a subgraph of the one operator `body`, or of none."""
    def model(version):
        builder = ModelBuilder()
        main = builder.subgraph()
        indices = [main.input(x, f"x{i}") if x.input else main.tensor(x, f"x{i}") for i, x in enumerate(inputs)]
        main.op(op, indices, [main.output(output, "y0")], options2=options, version=version)
        region = builder.subgraph("region")
        a, b = (region.input(Operand((), kind), name) for name in "ab")
        if body is None:
            region.table.outputs.append(b)
        else:
            region.op(body, [a, b], [region.output(Operand((), kind), "r")])
        return builder.finish()
    return Case(inputs, [output], model=model)


@generator("STABLEHLO_REDUCE_WINDOW", "f32 f64 i8 u8 i16 i32 i64 bool")
def reduce_window(r, op, kind):
    shape = r.shape(1, 4, 6)
    n = len(shape)
    base = [r.integer(1, 3) if r.chance(0.4) else 1 for _ in shape]
    pads = [[r.integer(-1, 2), r.integer(0, 2)] if r.chance(0.5) else [0, 0] for _ in shape]
    pads = [p if d > 2 else [max(p[0], 0), p[1]] for p, d in zip(pads, shape)]
    padded = [(d - 1) * b + 1 + p[0] + p[1] for d, b, p in zip(shape, base, pads)]
    sizes, strides, dilations = window(r, n, padded)
    y = tuple((d - (w - 1) * k - 1) // s + 1 for d, w, s, k in zip(padded, sizes, strides, dilations))
    logical = ["LOGICAL_AND", "LOGICAL_OR", "STABLEHLO_AND"]
    body = r.choice(logical if kind == "bool" else
                    ["ADD", "MUL", "MAXIMUM", "MINIMUM", "STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM",
                     "STABLEHLO_MINIMUM"] + logical)
    inputs = [Operand(shape, kind, low=-3, high=3), Operand((), kind, data=[r.integer(0, 1)], fed=r.chance(0.5))]
    case = with_body(op, body, kind, inputs, Operand(y, kind),
                     ("StablehloReduceWindowOptions", {
                         "windowDimensions": sizes, "windowStrides": strides, "windowDilations": dilations,
                         "baseDilations": base, "padding": [p for pair in pads for p in pair],
                         "bodySubgraphIndex": 1}))
    return case


def index_tensor(r, batch, vector_dim, count, low, high):
    """Index vectors [batch…] with their numbers along vector_dim; some of them out of range."""
    values = r.rng.integers(low, np.asarray(high) + 1, batch + (count,))
    kind = r.choice(["i32", "i64"])
    if vector_dim == len(batch) and count == 1 and r.chance(0.3):
        return Operand(batch, kind, data=values.reshape(batch), fed=r.chance(0.6))
    values = np.moveaxis(values, -1, vector_dim)
    return Operand(values.shape, kind, data=np.ascontiguousarray(values), fed=r.chance(0.6))


@generator("STABLEHLO_GATHER", NUMBERS + " f16 bf16 c64")
def gather(r, op, kind):
    shape = r.shape(1, 4)
    rank = len(shape)
    sizes = [1 if r.chance(0.4) else r.integer(1, d) for d in shape]
    collapsed = [i for i in range(rank) if sizes[i] == 1 and r.chance(0.6)]
    mapped = [int(i) for i in r.rng.permutation(rank)[:r.integer(1, rank)]]
    batch = r.shape(0, 2, 4)
    vector_dim = r.integer(0, len(batch))
    starts = index_tensor(r, batch, vector_dim, len(mapped), -1, [shape[i] for i in mapped])
    offsets = [sizes[i] for i in range(rank) if i not in collapsed]
    result = len(batch) + len(offsets)
    offset_dims = sorted(int(i) for i in r.rng.permutation(result)[:len(offsets)])
    rest, inner = list(batch), list(offsets)
    y = tuple(inner.pop(0) if i in offset_dims else rest.pop(0) for i in range(result))
    return Case([Operand(shape, kind, low=-90, high=90), starts], [Operand(y, kind)],
                options2=("StablehloGatherOptions", {
                    "offsetDims": offset_dims, "collapsedSliceDims": collapsed, "startIndexMap": mapped,
                    "indexVectorDim": vector_dim, "sliceSizes": sizes}))


@generator("STABLEHLO_SCATTER", NUMBERS + " f16")
def scatter(r, op, kind):
    shape = r.shape(1, 4)
    rank = len(shape)
    inserted = [i for i in range(rank) if r.chance(0.5)]
    mapped = [int(i) for i in r.rng.permutation(rank)[:r.integer(1, rank)]]
    sizes = [r.integer(1, shape[i]) for i in range(rank) if i not in inserted]
    batch = r.shape(0, 2, 4)
    vector_dim = r.integer(0, len(batch))
    # LiteRT writes before the operand where an index is below 0; above, both leave the element out.
    index = index_tensor(r, batch, vector_dim, len(mapped), 0, [shape[i] for i in mapped])
    total = len(batch) + len(sizes)
    window_dims = sorted(int(i) for i in r.rng.permutation(total)[:len(sizes)])
    rest, inner = list(batch), list(sizes)
    updates = tuple(inner.pop(0) if i in window_dims else rest.pop(0) for i in range(total))
    body = r.choice([None, "STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM"])
    inputs = [Operand(shape, kind, low=-5, high=5), index, Operand(updates, kind, low=-5, high=5)]
    return with_body(op, body, kind, inputs, Operand(shape, kind),
                     ("StablehloScatterOptions", {
                         "updateWindowDims": window_dims, "insertedWindowDims": inserted,
                         "scatterDimsToOperandDims": mapped, "indexVectorDim": vector_dim,
                         "updateComputationSubgraphIndex": 1}))
