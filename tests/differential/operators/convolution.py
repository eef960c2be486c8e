# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully connected layers, of float, quantized and hybrid types."""
import numpy as np

import models
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


@generator("CONV_2D", "f32 hybrid hybrid_i4w i8 i8xi4w u8 i16 i16xi4w i16xi8w_i32bias")
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
    return Case([x, w, bias(r, c, x, w, channels)], [y], ("Conv2DOptions", fields))


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
    return Case([x, w, bias(r, c, x, w, depth * multiplier)], [y], ("DepthwiseConv2DOptions", fields))


@generator("FULLY_CONNECTED", "f32 hybrid hybrid_i4w hybrid_i2w i8 i8xi4w u8 i16 i16xi4w i16xi8w_i32bias")
def fully_connected(r, op, kind):
    a, b, c = CONVOLUTION_KINDS[kind]
    k, n = r.choice([1, 3, 4, 16, 33, 130]), r.choice([1, 2, 5, 16, 33, 65])
    keep = r.chance(0.4)
    lead = r.shape(0 if keep else 1, 3, most=4)
    x = activations(r, a, (*lead, k))
    w = weights(r, b, (n, k), 0, least=HYBRID_LEAST if kind == "hybrid" else None)
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
    return Case(operands, [y], ("FullyConnectedOptions", fields))


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
    return Case(operands, [y], ("TransposeConvOptions", fields))
