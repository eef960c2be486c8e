# SPDX-License-Identifier: Apache-2.0
"""Cases of the operators that multiply and add: convolutions, fully connected, pools, LSTM."""
import zlib

import numpy as np

from fixed.cases import case
from models import ACTIVATION, QUANTIZED, Operand, operand, quantization, random_values

SAME, VALID = 0, 1
KINDS = ("f32", "i8", "i8_tensor", "u8", "i16", "i16_bias32")


def base(kind):
    """The activations' type of a kind."""
    return kind.split("_")[0]


def constant(tensor, name):
    """The tensor as a constant of random data."""
    tensor.data = random_values(np.random.default_rng(zlib.crc32(name.encode())), tensor)
    return tensor


def filter_and_bias(kind, shape, channels, axis, x, name, with_bias=True):
    """Filter and bias (or None) for an input: one scale for each channel of int8, unless `_tensor`."""
    rng = np.random.default_rng(zlib.crc32(name.encode()) + 1)
    if kind == "f32":
        bias = constant(Operand((channels,)), name + "b") if with_bias else None
        return constant(Operand(shape), name), bias
    if kind == "u8":
        weights = Operand(shape, "u8", *quantization("u8", -0.7, 1.0))
    elif kind == "i8_tensor":
        weights = Operand(shape, "i8", 1 / 127, 0)
    else:
        weights = Operand(shape, "i8", rng.uniform(0.3, 1.0, channels).astype(np.float32) / 127, 0, axis)
    constant(weights, name)
    if base(kind) != "u8":
        weights.data = np.maximum(weights.data, -127)
    if not with_bias:
        return weights, None
    bias_scale = np.float32(x.scale) * np.asarray(weights.scale, np.float32)
    bias = Operand((channels,), "i64" if kind == "i16" else "i32", bias_scale, 0)
    bias.data = np.round(rng.uniform(-1, 1, channels) / bias_scale)
    return weights, bias


def compute_case(op, kind, name, x_shape, filter_shape, y_shape, channels, axis, options, fan_in, with_bias=True, more=()):
    """A case with input, filter and bias, with an output range that saturates now and then."""
    key = f"{op}/{name}"
    x = operand(base(kind), x_shape, -1.0, 1.5)
    weights, bias = filter_and_bias(kind, filter_shape, channels, axis, x, key, with_bias)
    reach = 0.8 * np.sqrt(fan_in)
    y = operand(base(kind), y_shape, -reach, 1.2 * reach)
    inputs = list(more) + ([weights, x] if more else [x, weights])
    if bias is not None or op == "FULLY_CONNECTED":
        inputs.append(bias)
    return case(op, f"{kind}_{name}", inputs, [y], options, {"f32": 1, "i8": 3, "u8": 1, "i16": 4}[base(kind)])


def output_size(n, k, stride, dilation, padding):
    return -(-n // stride) if padding == SAME else -(-(n - (k - 1) * dilation) // stride)


CONVOLUTIONS = {
    # name: input, filters (n, kh, kw, c), strides, dilations, padding, activation, bias
    "1x1": ((1, 5, 7, 19), (33, 1, 1, 19), (1, 1), (1, 1), VALID, "none", True),
    "3x3": ((2, 7, 6, 5), (9, 3, 3, 5), (1, 1), (1, 1), SAME, "relu", True),
    "stride": ((1, 9, 10, 3), (16, 3, 3, 3), (2, 2), (1, 1), SAME, "relu6", True),
    "valid": ((1, 9, 8, 4), (7, 2, 3, 4), (1, 2), (1, 1), VALID, "relu_n1", True),
    "dilated": ((1, 11, 9, 4), (6, 3, 3, 4), (1, 1), (2, 3), SAME, "none", True),
    "stride_1x1": ((1, 6, 6, 8), (5, 1, 1, 8), (2, 3), (1, 1), SAME, "none", True),
    "grouped": ((1, 5, 5, 6), (8, 3, 3, 3), (1, 1), (1, 1), SAME, "none", True),
    "whole": ((1, 4, 4, 3), (2, 4, 4, 3), (1, 1), (1, 1), VALID, "none", True),
}


def conv_cases():
    for kind in KINDS:
        for name, (x, w, stride, dilation, padding, activation, bias) in CONVOLUTIONS.items():
            y = (x[0],) + tuple(output_size(x[i], w[i], stride[i - 1], dilation[i - 1], padding) for i in (1, 2)) + (w[0],)
            options = ("Conv2DOptions", {
                "padding": padding, "strideH": stride[0], "strideW": stride[1], "dilationHFactor": dilation[0],
                "dilationWFactor": dilation[1], "fusedActivationFunction": ACTIVATION[activation],
                "quantizedBiasType": 2 if kind == "i16_bias32" else 0})
            yield compute_case("CONV_2D", kind, name, x, w, y, w[0], 0, options, w[1] * w[2] * w[3], bias)


DEPTHWISE = {
    # name: input, window, multiplier, strides, dilations, padding, activation, bias
    "3x3": ((2, 7, 6, 19), (3, 3), 1, (1, 1), (1, 1), SAME, "relu6", True),
    "stride": ((1, 9, 10, 33), (3, 3), 1, (2, 2), (1, 1), SAME, "none", True),
    "5x5": ((1, 8, 9, 8), (5, 5), 1, (2, 1), (1, 1), VALID, "relu", True),
    "multiplied": ((1, 6, 5, 3), (3, 3), 4, (1, 1), (1, 1), SAME, "none", True),
    "dilated": ((1, 9, 9, 5), (3, 3), 1, (1, 1), (2, 2), SAME, "none", False),
    "one_channel": ((1, 6, 7, 1), (3, 3), 8, (2, 2), (1, 1), VALID, "none", True),
}


def depthwise_cases():
    for kind in KINDS[:5]:
        for name, (x, window, multiplier, stride, dilation, padding, activation, bias) in DEPTHWISE.items():
            channels = x[3] * multiplier
            y = (x[0],) + tuple(output_size(x[i], window[i - 1], stride[i - 1], dilation[i - 1], padding) for i in (1, 2)) + (channels,)
            options = ("DepthwiseConv2DOptions", {
                "padding": padding, "strideH": stride[0], "strideW": stride[1], "depthMultiplier": multiplier,
                "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
                "fusedActivationFunction": ACTIVATION[activation]})
            yield compute_case("DEPTHWISE_CONV_2D", kind, name, x, (1,) + window + (channels,), y, channels, 3, options,
                               window[0] * window[1], bias)


TRANSPOSED = {
    # name: input, filters (n, kh, kw, c), strides, padding, bias
    "double": ((1, 4, 5, 6), (3, 2, 2, 6), (2, 2), SAME, True),
    "overlap": ((2, 3, 4, 5), (7, 3, 3, 5), (2, 2), SAME, True),
    "valid": ((1, 3, 3, 4), (2, 3, 3, 4), (2, 1), VALID, False),
    "dense": ((1, 5, 4, 3), (9, 3, 3, 3), (1, 1), SAME, True),
}


def transpose_conv_cases():
    for kind in ("f32", "i8", "i8_tensor", "u8", "i16"):
        for name, (x, w, stride, padding, bias) in TRANSPOSED.items():
            sizes = [x[i] * stride[i - 1] if padding == SAME else (x[i] - 1) * stride[i - 1] + w[i] for i in (1, 2)]
            y = (x[0], *sizes, w[0])
            shape = Operand((4,), "i32", data=np.array(y, np.int32))
            options = ("TransposeConvOptions", {"padding": padding, "strideH": stride[0], "strideW": stride[1]})
            yield compute_case("TRANSPOSE_CONV", kind, name, x, w, y, w[0], 0, options, w[1] * w[2] * w[3], bias, (shape,))


def fully_connected_cases():
    shapes = {
        "vector": ((1, 37), (10, 37), (1, 10), "none", True, False), "batch": ((6, 16), (33, 16), (6, 33), "relu", True, False),
        "flattened": ((2, 3, 8), (5, 24), (2, 5), "relu6", False, False), "kept": ((2, 3, 8), (5, 8), (2, 3, 5), "none", True, True),
        "one": ((3, 1), (1, 1), (3, 1), "none", True, False),
    }
    for kind in ("f32", "i8_tensor", "i8", "u8", "i16_tensor"):
        for name, (x, w, y, activation, bias, keep) in shapes.items():
            options = ("FullyConnectedOptions", {"fusedActivationFunction": ACTIVATION[activation], "keepNumDims": keep})
            made = compute_case("FULLY_CONNECTED", kind.replace("i16_tensor", "i16"), name, x, w, y, w[0], 0, options, w[1], bias)
            if kind == "i16_tensor":
                made["inputs"][1].scale = 1 / 127
                if bias:
                    made["inputs"][2].scale = made["inputs"][0].scale / 127
                made["version"] = 7
            yield made


def pool_cases():
    shapes = {
        "2x2": ((1, 6, 8, 5), (2, 2), (2, 2), VALID, "none"), "3x3": ((2, 7, 7, 18), (3, 3), (2, 2), SAME, "relu"),
        "whole": ((1, 5, 5, 33), (5, 5), (1, 1), VALID, "relu6"), "wide": ((1, 3, 9, 2), (1, 4), (1, 3), SAME, "none"),
    }
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for kind in ("f32",) + QUANTIZED:
            for name, (shape, window, stride, padding, activation) in shapes.items():
                x = operand(kind, shape, -2.0, 7.0)
                y_shape = (shape[0],) + tuple(output_size(shape[i], window[i - 1], stride[i - 1], 1, padding) for i in (1, 2)) + (shape[3],)
                y = operand(kind, y_shape, -2.0, 7.0)
                options = ("Pool2DOptions", {
                    "padding": padding, "strideH": stride[0], "strideW": stride[1], "filterHeight": window[0],
                    "filterWidth": window[1], "fusedActivationFunction": ACTIVATION[activation]})
                yield case(op, f"{kind}_{name}", [x], [y], options)


def lstm_inputs(n_input, n_cell, n_output, batch, cifg, peephole, projection, norm, name):
    """The 24 operands of UNIDIRECTIONAL_SEQUENCE_LSTM in float, but for the input itself."""
    def weights(shape, suffix, use=True, low=-0.5, high=0.5):
        return constant(Operand(shape, low=low, high=high), name + suffix) if use else None
    gates = ("i", "f", "c", "o")
    have = {g: not (cifg and g == "i") for g in gates}
    inputs = [weights((n_cell, n_input), "x" + g, have[g]) for g in gates]
    inputs += [weights((n_cell, n_output), "h" + g, have[g]) for g in gates]
    inputs += [weights((n_cell,), "p" + g, peephole and have[g]) for g in ("i", "f", "o")]
    inputs += [weights((n_cell,), "b" + g, have[g]) for g in gates]
    inputs += [weights((n_output, n_cell), "w", projection), weights((n_output,), "wb", projection)]
    inputs += [Operand((batch, n_output), variable=True), Operand((batch, n_cell), variable=True)]
    if norm:
        inputs += [weights((n_cell,), "n" + g, have[g], 0.5, 1.5) for g in gates]
    return inputs


def lstm_cases():
    variants = {
        "plain": {}, "cifg": {"cifg": True}, "peephole": {"peephole": True}, "projection": {"projection": True},
        "norm": {"norm": True}, "everything": {"peephole": True, "projection": True, "norm": True},
        "clipped": {"clip": (0.3, 0.2), "projection": True}, "batch_major": {"time_major": False},
    }
    for name, variant in variants.items():
        flags = {"cifg": False, "peephole": False, "projection": False, "norm": False, **variant}
        clip, time_major = flags.pop("clip", (0.0, 0.0)), flags.pop("time_major", True)
        time, batch, n_input, n_cell = 5, 3, 4, 6
        n_output = 5 if flags["projection"] else n_cell
        order = (time, batch) if time_major else (batch, time)
        inputs = [Operand(order + (n_input,))] + lstm_inputs(n_input, n_cell, n_output, batch, name=name, **flags)
        options = ("UnidirectionalSequenceLSTMOptions", {
            "fusedActivationFunction": 4, "cellClip": clip[0], "projClip": clip[1], "timeMajor": time_major})
        yield case("UNIDIRECTIONAL_SEQUENCE_LSTM", f"f32_{name}", inputs, [Operand(order + (n_output,))], options, 1)
    yield from integer_lstm_cases()
    yield from bidirectional_lstm_cases()


def bidirectional_lstm_cases():
    variants = {
        "separate": {"merge": False}, "merged": {},  # merged and batch-major: LiteRT reads memory that it never wrote
        "batch_major_separate": {"time_major": False, "merge": False}, "cifg": {"cifg": True},
        "everything": {"peephole": True, "projection": True, "clip": (0.3, 0.2)},
    }
    for name, variant in variants.items():
        flags = {"cifg": False, "peephole": False, "projection": False, **variant}
        clip, time_major, merge = (flags.pop(key, default) for key, default in
                                   (("clip", (0.0, 0.0)), ("time_major", True), ("merge", True)))
        time, batch, n_input, n_cell = 5, 3, 4, 6
        n_output = [5, 5] if flags["projection"] else [n_cell, n_cell]
        order = (time, batch) if time_major else (batch, time)
        inputs, states = [Operand(order + (n_input,))], []
        for direction, n in zip("fb", n_output):
            operands = lstm_inputs(n_input, n_cell, n, batch, norm=False, name=f"bi{name}{direction}", **flags)
            inputs += operands[:17]
            states += operands[17:]
        widths = [sum(n_output)] if merge else n_output
        options = ("BidirectionalSequenceLSTMOptions", {
            "fusedActivationFunction": 4, "cellClip": clip[0], "projClip": clip[1], "mergeOutputs": merge,
            "timeMajor": time_major})
        yield case("BIDIRECTIONAL_SEQUENCE_LSTM", f"f32_{name}", inputs + states + [None] * 9,
                   [Operand(order + (width,)) for width in widths], options, 1 if time_major else 2)


def integer_lstm_cases():
    """int8 activations and weights, int16 cell state: as the converter's full integer quantization makes it."""
    time, batch, n_input, n_cell = 6, 2, 5, 8
    for name, time_major in (("plain", True), ("batch_major", False)):
        order = (time, batch) if time_major else (batch, time)
        x = operand("i8", order + (n_input,), -1.0, 1.2)
        h_scale, h_zero = quantization("i8", -0.9, 0.8)
        inputs = [x]
        key = "lstm8" + name
        for source, n in (("x", n_input), ("h", n_cell)):
            for gate in "ifco":
                weights = constant(Operand((n_cell, n), "i8", 0.006, 0), key + source + gate)
                weights.data = np.maximum(weights.data, -127)
                inputs.append(weights)
        inputs += [None] * 3
        for gate in "ifco":
            scale = float(np.float32(x.scale) * np.float32(0.006))
            bias = Operand((n_cell,), "i32", scale, 0)
            bias.data = np.round(np.random.default_rng(zlib.crc32((key + gate).encode())).uniform(-0.5, 0.5, n_cell) / scale)
            inputs.append(bias)
        inputs += [None, None, Operand((batch, n_cell), "i8", h_scale, h_zero, variable=True),
                   Operand((batch, n_cell), "i16", 2.0**-13, 0, variable=True)] + [None] * 4
        intermediates = [Operand((), "i16", 2.0**-12, 0) for _ in range(4)] + [Operand((), "i8", h_scale, h_zero)]
        options = ("UnidirectionalSequenceLSTMOptions", {"fusedActivationFunction": 4, "timeMajor": time_major})
        made = case("UNIDIRECTIONAL_SEQUENCE_LSTM", f"i8_{name}", inputs,
                    [Operand(order + (n_cell,), "i8", h_scale, h_zero)], options, 3)
        yield {**made, "intermediates": intermediates}


def cases():
    for part in (conv_cases, depthwise_cases, transpose_conv_cases, fully_connected_cases, pool_cases, lstm_cases):
        yield from part()
