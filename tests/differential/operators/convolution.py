# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully connected layers, of float, quantized and hybrid types."""
import dataclasses

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import models
from compare import difference
from generator import generator
from models import Case, Operand

# Kind: activations, weights, bias.
CONVOLUTION_KINDS = {
    "f32": ("f32", "f32", "f32"),
    "f32xf16w": ("f32", "f16", "f32"),
    "hybrid": ("f32", "i8", "f32"),
    "hybrid_i4w": ("f32", "i4", "f32"),
    "hybrid_i2w": ("f32", "i2", "f32"),
    "i8": ("i8", "i8", "i32"),
    "i8xi4w": ("i8", "i4", "i32"),
    "u8": ("u8", "u8", "i32"),
    "i16": ("i16", "i8", "i64"),
    "i16xi4w": ("i16", "i4", "i64"),
    "i16xi8w_i32bias": ("i16", "i8", "i32"),
}

# LiteRT's SSE loop of hybrid layers is wrong for weights of -128.
HYBRID_LEAST = -127


def weights(r, kind, shape, axis, per_channel=None, least=None):
    """Constant weights; with scales along `axis`, or one. Symmetric but for u8."""
    if kind in ("f32", "f16"):
        return Operand(shape, kind, data=r.rng.uniform(-1, 1, shape))
    low, high = models.integer_limits(kind)
    low = low if least is None else least
    data = r.rng.integers(low, high, shape, endpoint=True)
    if kind == "u8":
        scale, zero = models.quantization("u8", -r.real(0.5, 1.5), r.real(0.5, 1.5))
        return Operand(shape, kind, scale, zero, data=data)
    if per_channel if per_channel is not None else r.chance(0.7):
        scale = [float(np.float32(r.real(0.5, 1.5) / high)) for _ in range(shape[axis])]
        return Operand(shape, kind, scale, axis=axis, data=data)
    return Operand(shape, kind, float(np.float32(1 / high)), data=data)


def bias(r, kind, x, w, size):
    """A constant bias, of about the size of a few products."""
    if kind == "f32":
        return Operand((size,), kind, data=r.rng.uniform(-2, 2, size))
    scale = [float(np.float32(x.scale * s)) for s in np.atleast_1d(w.scale)]
    data = [round(r.real(-2, 2) / scale[i if len(scale) > 1 else 0]) for i in range(size)]
    return Operand((size,), kind, scale if len(scale) > 1 else scale[0], data=data)


def window(r, most=7):
    """Filter, stride, dilation and padding (0 SAME, 1 VALID), and an input that they fit into."""
    filters, strides, dilations, inputs, outputs = [], [], [], [], []
    padding = r.choice([0, 1])
    dilated = r.chance(0.3)
    for _ in range(2):
        f, s = r.integer(1, 4), r.choice([1, 1, 2, 3])
        d = r.integer(1, 3) if dilated else 1
        extent = (f - 1) * d + 1
        n = r.integer(1, most) if padding == 0 else extent + r.integer(0, most - 1)
        filters.append(f), strides.append(s), dilations.append(d), inputs.append(n)
        outputs.append(-(-n // s) if padding == 0 else (n - extent) // s + 1)
    return filters, strides, dilations, padding, inputs, outputs


def result(r, kind, shape, terms):
    """An operand for the sums of `terms` products of numbers of magnitude 1 to 3."""
    reach = 1 + 1.5 * terms ** 0.5
    return r.operand(kind, shape, -reach, reach)


def activations(r, kind, shape):
    """The input; of float now and then one that is not centered, or 0."""
    if kind != "f32":
        return r.operand(kind, shape)
    low, high = r.choice([(-3, 3), (0, 2), (-5, -1), (-1, 4)])
    return Operand(shape, kind, low=low, high=high)


def rounding(kind, x, w, axis):
    """How far results may be from those that hybrid operators get of quantized activations: kernels may compute with the
    activations themselves. Half a step of the coarser way to quantize them, times a channel's magnitudes of weights."""
    if "hybrid" not in kind:
        return 0.0
    step = max(abs(x.low), abs(x.high)) / 127
    others = tuple(i for i in range(w.data.ndim) if i != axis)
    return step / 2 * np.abs(w.data).sum(axis=others) * np.asarray(w.scale)


@generator("CONV_2D", "f32", tolerance=3e-5, why="minimal filtering rounds relative to the largest output")
@generator("CONV_2D", "hybrid hybrid_i4w i8 i8xi4w u8 i16 i16xi4w i16xi8w_i32bias")
def conv_2d(r, op, kind):
    a, b, c = CONVOLUTION_KINDS[kind]
    filters, strides, dilations, padding, inputs, outputs = window(r)
    # Of several images, a hybrid convolution with filters of one scale quantizes each by itself.
    batch, depth, channels = r.choice([1, 1, 2, 3]), r.choice([1, 3, 4, 8, 17]), r.choice([1, 2, 5, 16, 33])
    groups = 1
    if r.chance(0.2) and a != "u8" and "i4w" not in kind:
        groups = r.integer(2, 3)
        channels *= groups
    # LiteRT reads beyond the one scale of a grouped hybrid filter.
    per_channel = True if groups > 1 and kind.startswith("hybrid") else None
    x = activations(r, a, (batch, *inputs, depth * groups))
    w = weights(r, b, (channels, *filters, depth), 0, per_channel, HYBRID_LEAST if kind == "hybrid" else None)
    y = result(r, a, (batch, *outputs, channels), depth * filters[0] * filters[1])
    fields = {"padding": padding, "strideH": strides[0], "strideW": strides[1], "dilationHFactor": dilations[0],
              "dilationWFactor": dilations[1], "fusedActivationFunction": r.choice([0, 0, 1, 2, 3])}
    if kind == "i16xi8w_i32bias":
        fields["quantizedBiasType"] = models.TYPES["i32"][1]
    return Case([x, w, bias(r, c, x, w, channels)], [y], ("Conv2DOptions", fields), apart=rounding(kind, x, w, 0))


@generator("DEPTHWISE_CONV_2D", "f32 hybrid i8 i8xi4w u8 i16")
def depthwise_conv_2d(r, op, kind):
    a, b, c = CONVOLUTION_KINDS[kind]
    filters, strides, dilations, padding, inputs, outputs = window(r)
    batch, depth, multiplier = r.choice([1, 1, 2, 3]), r.choice([1, 3, 4, 8, 17, 32]), r.choice([1, 1, 1, 2, 3])
    x = activations(r, a, (batch, *inputs, depth))
    # LiteRT wants a scale for each channel of a hybrid filter.
    w = weights(r, b, (1, *filters, depth * multiplier), 3, True if kind == "hybrid" else None)
    y = result(r, a, (batch, *outputs, depth * multiplier), filters[0] * filters[1])
    fields = {"padding": padding, "strideH": strides[0], "strideW": strides[1], "depthMultiplier": multiplier,
              "dilationHFactor": dilations[0], "dilationWFactor": dilations[1],
              "fusedActivationFunction": r.choice([0, 0, 1, 2, 3])}
    return Case([x, w, bias(r, c, x, w, depth * multiplier)], [y], ("DepthwiseConv2DOptions", fields),
                apart=rounding(kind, x, w, 3))


@generator("FULLY_CONNECTED", "f32 hybrid hybrid_i4w hybrid_i2w i8 i8xi4w u8 i16 i16xi4w i16xi8w_i32bias")
def fully_connected(r, op, kind):
    a, b, c = CONVOLUTION_KINDS[kind]
    k, n = r.choice([1, 3, 4, 16, 33, 130]), r.choice([1, 2, 5, 16, 33, 65])
    keep = r.chance(0.4)
    lead = r.shape(0 if keep else 1, 3, most=4)
    x = activations(r, a, (*lead, k))
    w = weights(r, b, (n, k), 0, least=HYBRID_LEAST if kind == "hybrid" else None)
    if kind in ("i8", "i16", "i16xi8w_i32bias") and np.ndim(w.scale) == 0 and r.chance(0.4):
        w.zero = r.integer(-100, 100)
    rows = int(np.prod(lead, dtype=np.int64))
    y = result(r, a, (*lead, n) if keep else (rows, n), k)
    fields = {"keepNumDims": keep, "fusedActivationFunction": r.choice([0, 0, 1, 2, 3])}
    if kind.startswith("hybrid"):
        fields["asymmetricQuantizeInputs"] = r.chance(0.5)
    if kind == "i16xi8w_i32bias":
        fields["quantizedBiasType"] = models.TYPES["i32"][1]
    operands = [x, w, bias(r, c, x, w, n) if r.chance(0.8) else None]
    if operands[2] is None and r.chance(0.5):
        operands.pop()
    return Case(operands, [y], ("FullyConnectedOptions", fields), apart=rounding(kind, x, w, 0))


@generator("TRANSPOSE_CONV", "f32 hybrid i8 u8 i16 i16xi8w_i32bias")
def transpose_conv(r, op, kind):
    a, b, c = CONVOLUTION_KINDS[kind]
    filters, strides, _, padding, outputs, inputs = window(r)
    # TFLite has no dilation here: `window` gives the sizes of the convolution that is transposed.
    outputs = [(n - 1) * s + f if padding == 1 else n for n, s, f, n in zip(inputs, strides, filters, outputs)]
    inputs = [-(-n // s) if padding == 0 else (n - f) // s + 1 for n, s, f in zip(outputs, strides, filters)]
    batch, depth, channels = r.choice([1, 1, 2]), r.choice([1, 3, 8, 17]), r.choice([1, 2, 5, 16])
    x = activations(r, a, (batch, *inputs, depth))
    w = weights(r, b, (channels, *filters, depth), 0)
    shape = Operand((4,), "i32", data=[batch, *outputs, channels], fed=r.chance(0.3))
    y = result(r, a, (batch, *outputs, channels), depth * filters[0] * filters[1])
    fields = {"padding": padding, "strideH": strides[0], "strideW": strides[1],
              "fusedActivationFunction": r.choice([0, 0, 1, 2, 3])}
    operands = [shape, w, x]
    if kind == "i16xi8w_i32bias":
        fields["quantizedBiasType"] = models.TYPES["i32"][1]
    if kind == "i16xi8w_i32bias" or r.chance(0.6):
        operands.append(bias(r, c, x, w, channels))
    return Case(operands, [y], ("TransposeConvOptions", fields), apart=rounding(kind, x, w, 0))


# ---- Against a sum in float64: LiteRT reads FLOAT16 weights as if they were FLOAT32, and has no
# Convolution2DTransposeBias.

def near(want, tolerance=1e-5):
    def compare(ours, theirs):
        text, _ = difference("f32", ours[0][0], want, tolerance, 0)
        return text
    return compare


def activate(y, activation):
    low, high = [(-np.inf, np.inf), (0, np.inf), (-1, 1), (0, 6)][activation]
    return np.clip(y, low, high)


def padded(x, filters, strides, dilations, padding, outputs):
    """The images with zeros around them."""
    pads = []
    for n, f, s, d, out in zip(x.shape[1:3], filters, strides, dilations, outputs):
        total = max(0, (out - 1) * s + (f - 1) * d + 1 - n) if padding == 0 else 0
        pads.append((total // 2, total))
    return np.pad(x, ((0, 0), *pads, (0, 0)))


@generator("CONV_2D", "f32xf16w")
def half_weights(r, op, kind):
    filters, strides, dilations, padding, inputs, outputs = window(r)
    batch, depth, channels = r.choice([1, 2]), r.choice([1, 3, 8, 17]), r.choice([1, 2, 16, 33])
    x = r.rng.uniform(-3, 3, (batch, *inputs, depth)).astype(np.float32)
    w = r.rng.uniform(-1, 1, (channels, *filters, depth)).astype(np.float16)
    b = r.rng.uniform(-2, 2, channels).astype(np.float32)
    activation = r.choice([0, 0, 1, 2, 3])
    y = np.zeros((batch, *outputs, channels))
    wide = padded(x.astype(np.float64), filters, strides, dilations, padding, outputs)
    for i in range(filters[0]):
        for j in range(filters[1]):
            top, left = i * dilations[0], j * dilations[1]
            part = wide[:, top:top + (outputs[0] - 1) * strides[0] + 1:strides[0],
                        left:left + (outputs[1] - 1) * strides[1] + 1:strides[1]]
            y += part @ w[:, i, j].astype(np.float64).T
    fields = {"padding": padding, "strideH": strides[0], "strideW": strides[1], "dilationHFactor": dilations[0],
              "dilationWFactor": dilations[1], "fusedActivationFunction": activation}
    return Case([Operand(x.shape, data=x, fed=True), Operand(w.shape, "f16", data=w), Operand(b.shape, data=b)],
                [Operand(y.shape)], ("Conv2DOptions", fields), compare=near(activate(y + b, activation), 3e-5))


@generator("CUSTOM:Convolution2DTransposeBias", "f32")
def transpose_bias(r, op, kind):
    same = r.chance(0.5)
    filters, strides = [r.integer(1, 4) for _ in range(2)], [r.integer(1, 3) for _ in range(2)]
    batch, depth, channels = r.choice([1, 2]), r.choice([1, 3, 17]), r.choice([1, 2, 16])
    inputs = [r.integer(1, 6) for _ in range(2)]
    x = r.rng.uniform(-3, 3, (batch, *inputs, depth)).astype(np.float32)
    w = r.rng.uniform(-1, 1, (channels, *filters, depth)).astype(np.float32)
    b = r.rng.uniform(-2, 2, channels).astype(np.float32)
    whole = [max((n - 1) * s + f, n * s) for n, s, f in zip(inputs, strides, filters)]
    y = np.zeros((batch, *whole, channels))
    for i in range(filters[0]):
        for j in range(filters[1]):
            y[:, i:i + (inputs[0] - 1) * strides[0] + 1:strides[0], j:j + (inputs[1] - 1) * strides[1] + 1:strides[1]] += \
                x.astype(np.float64) @ w[:, i, j].astype(np.float64).T
    outputs = [n * s if same else (n - 1) * s + f for n, s, f in zip(inputs, strides, filters)]
    first = [max(0, f - s) // 2 if same else 0 for s, f in zip(strides, filters)]
    y = y[:, first[0]:first[0] + outputs[0], first[1]:first[1] + outputs[1]] + b
    custom = np.array([1 if same else 2, strides[1], strides[0]], np.int32).tobytes()
    return Case([Operand(x.shape, data=x, fed=True), Operand(w.shape, data=w), Operand(b.shape, data=b)],
                [Operand(y.shape)], custom=custom, compare=near(y))


# ---- Three dimensions

def window_3d(r):
    padding = r.choice([0, 1])
    filters, strides, dilations, small, large = [], [], [], [], []
    for _ in range(3):
        f, s, d = r.integer(1, 3), r.choice([1, 1, 2]), r.choice([1, 1, 2])
        extent = (f - 1) * d + 1
        n = r.integer(1, 5) if padding == 0 else extent + r.integer(0, 3)
        filters.append(f), strides.append(s), dilations.append(d), large.append(n)
        small.append(-(-n // s) if padding == 0 else (n - extent) // s + 1)
    fields = {"padding": padding, "fusedActivationFunction": r.choice([0, 0, 1, 2, 3])}
    for name, s, d in zip(("D", "H", "W"), strides, dilations):
        fields["stride" + name], fields[f"dilation{name}Factor"] = s, d
    return filters, large, small, ("Conv3DOptions", fields)


@generator("CONV_3D", "f32")
def conv_3d(r, op, kind):
    filters, inputs, outputs, options = window_3d(r)
    batch, depth, channels = r.choice([1, 2]), r.choice([1, 3, 5]), r.choice([1, 2, 7])
    operands = [Operand((batch, *inputs, depth)), weights(r, "f32", (*filters, depth, channels), 0)]
    if r.chance(0.7):
        operands.append(Operand((channels,), data=r.rng.uniform(-2, 2, channels)))
    return Case(operands, [Operand((batch, *outputs, channels))], options)


@generator("CONV_3D_TRANSPOSE", "f32")
def conv_3d_transpose(r, op, kind):
    filters, outputs, inputs, options = window_3d(r)
    batch, depth, channels = r.choice([1, 2]), r.choice([1, 3, 5]), r.choice([1, 2, 7])
    shape = Operand((5,), "i32", data=[batch, *outputs, channels], fed=r.chance(0.3))
    operands = [shape, weights(r, "f32", (*filters, channels, depth), 0), Operand((batch, *inputs, depth))]
    if r.chance(0.7):
        operands.append(Operand((channels,), data=r.rng.uniform(-2, 2, channels)))
    return Case(operands, [Operand((batch, *outputs, channels))], options)


# ---- Sparse weights

def index_list(r, values):
    """(type, table) of a list of indices, in any of the widths that hold it."""
    names = ["Int32Vector"] + (["Uint16Vector"] if max(values, default=0) < 2**16 else []) + \
        (["Uint8Vector"] if max(values, default=0) < 2**8 else [])
    name = r.choice(names)
    table = getattr(schema, name + "T")()
    table.values = np.array(values, {"I": np.int32, "U": np.uint16 if "16" in name else np.uint8}[name[0]])
    return getattr(schema.SparseIndexVector, name), table


def sparsify(r, dense, order, blocks, sparse):
    """(stored elements, SparsityParametersT). blocks: {dimension: size}; order: of the dimensions, then of the
    blocks; sparse: for each level whether it holds indices."""
    rank, names = dense.ndim, sorted(blocks)
    split, outer, inner = [], [], []
    for d, n in enumerate(dense.shape):
        outer.append(len(split))
        split.append(n // blocks.get(d, 1))
        if d in blocks:
            inner.append(len(split))
            split.append(blocks[d])
    arrays = [dense.reshape(split).transpose([*outer, *inner]).transpose(order)]
    table = schema.SparsityParametersT()
    table.traversalOrder, table.blockMap, table.dimMetadata = list(order), names or None, []
    for holds_indices in sparse:
        metadata = schema.DimensionMetadataT()
        metadata.format = int(holds_indices)
        if holds_indices:
            segments, indices, kept = [0], [], []
            for a in arrays:
                indices += [i for i in range(len(a)) if a[i].any()]
                kept += [a[i] for i in range(len(a)) if a[i].any()]
                segments.append(len(indices))
            metadata.arraySegmentsType, metadata.arraySegments = index_list(r, segments)
            metadata.arrayIndicesType, metadata.arrayIndices = index_list(r, indices)
            arrays = kept
        else:
            metadata.denseSize = arrays[0].shape[0] if arrays else split[([*outer, *inner])[order[len(table.dimMetadata)]]]
            arrays = [a[i] for a in arrays for i in range(len(a))]
        table.dimMetadata.append(metadata)
    return np.array(arrays, dense.dtype), table


def mostly_zero(r, kind, shape, blocks):
    """Random elements, most blocks of which are 0."""
    dtype = models.TYPES[kind][0]
    dense = r.rng.uniform(-1, 1, shape).astype(dtype) if kind != "i8" else r.rng.integers(-127, 127, shape, endpoint=True).astype(dtype)
    mask = r.rng.random([n // blocks.get(d, 1) for d, n in enumerate(shape)]) < r.choice([0.0, 0.1, 0.3, 0.9])
    for d, size in blocks.items():
        mask = np.repeat(mask, size, d)
    return dense * mask.astype(dtype)


@generator("DENSIFY", "f32 f16 i8")
def densify(r, op, kind):
    rank = r.integer(1, 4)
    blocks = {d: r.choice([2, 4]) for d in range(rank) if r.chance(0.3)}
    shape = [r.integer(1, 4) * blocks.get(d, 1) for d in range(rank)]
    dense = mostly_zero(r, kind, shape, blocks)
    # LiteRT takes the blocks in their own order only.
    order = [*r.rng.permutation(rank).tolist(), *range(rank, rank + len(blocks))]
    sparse = [r.chance(0.5) for _ in range(rank)] + [False] * len(blocks)
    stored, table = sparsify(r, dense, order, blocks, sparse)
    return Case([Operand(tuple(shape), kind, data=stored, sparsity=table)], [Operand(tuple(shape), kind)], ("DensifyOptions", {}))


@generator("FULLY_CONNECTED", "sparse_f32 sparse_hybrid")
@generator("FULLY_CONNECTED", "sparse_i8", steps=1, why="LiteRT's loop for sparse weights rounds twice, its dense one once")
def sparse_fully_connected(r, op, kind):
    a = {"sparse_f32": "f32", "sparse_hybrid": "f32", "sparse_i8": "i8"}[kind]
    b, c = ("f32" if kind == "sparse_f32" else "i8"), ("i32" if a == "i8" else "f32")
    block = r.choice([1, 4]) if kind == "sparse_f32" else 16
    m, n, k = r.choice([1, 3, 4]), r.integer(1, 20), block * r.integer(1, 6)
    blocks = {1: block} if block > 1 else {}
    dense = mostly_zero(r, b, (n, k), blocks)
    stored, table = sparsify(r, dense, [0, 1, 2][:2 + len(blocks)], blocks, [False, True, False][:2 + len(blocks)])
    x = activations(r, a, (m, k))
    w = Operand((n, k), b, data=stored, sparsity=table)
    if b == "i8":
        w.scale = [float(np.float32(r.real(0.5, 1.5) / 127)) for _ in range(n)] if n > 1 else float(np.float32(1 / 127))
    fields = {"fusedActivationFunction": r.choice([0, 1, 3])}
    if kind == "sparse_hybrid":
        fields["asymmetricQuantizeInputs"] = r.chance(0.5)
    return Case([x, w, bias(r, c, x, w, n)], [result(r, a, (m, n), k)], ("FullyConnectedOptions", fields),
                apart=rounding(kind, x, dataclasses.replace(w, data=dense), 0))


@generator("FULLY_CONNECTED", "shuffled")
def shuffled_fully_connected(r, op, kind):
    m, n, k = r.choice([1, 4]), 4 * r.integer(1, 5), 16 * r.integer(1, 5)
    scale = float(np.float32(r.real(0.5, 1.5) / 127))
    x = Operand((m, k), "u8", scale, 128)
    w = Operand((n, k), "u8", scale, 128, data=r.rng.integers(0, 255, (n, k), endpoint=True))
    y = Operand((m, n), "i16", float(np.float32(4 * k ** 0.5 / 32767)))
    fields = {"weightsFormat": 1, "fusedActivationFunction": r.choice([0, 1, 3])}

    def model(version):
        builder = models.ModelBuilder()
        graph = builder.subgraph()
        inputs = [graph.input(x, "x0"), graph.tensor(w), graph.tensor(bias_of)]
        graph.op(op, inputs, [graph.output(y, "y0"), graph.tensor(Operand((m, k), "u8"))], ("FullyConnectedOptions", fields),
                 version=version)
        return builder.finish()

    bias_of = bias(r, "i32", x, w, n)
    values = r.rng.integers(0, 255, (m, k), endpoint=True).astype(np.uint8)
    return Case([x, w, bias_of], [y], model=model, feeds=[{"x0": values}])
