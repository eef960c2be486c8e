# SPDX-License-Identifier: Apache-2.0
"""Small float networks that together have every operator that Cygnet can make an integer one."""
import dataclasses
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import models
from models import Operand

SAME, VALID = 0, 1


class Net:
    """A float .tflite model under construction; tensors are indices."""

    def __init__(self, seed):
        self.builder = models.ModelBuilder()
        self.graph = self.builder.subgraph()
        self.rng = np.random.default_rng(seed)

    def input(self, shape, kind="f32", signature=None):
        return self.graph.input(Operand(tuple(shape), kind, signature=signature), f"x{len(self.graph.table.inputs)}")

    def floats(self, *shape, low=-1.0, high=1.0):
        """A constant of random numbers."""
        return self.constant(self.rng.uniform(low, high, shape))

    def constant(self, values, kind="f32"):
        values = np.asarray(values, models.TYPES[kind][0])
        return self.graph.tensor(Operand(values.shape, kind, data=values))

    def state(self, *shape):
        """Zeros that an operator keeps."""
        return self.graph.tensor(Operand(shape, "f32", variable=True))

    def ints(self, *values):
        return self.constant(np.array(values, np.int32), "i32")

    def shape(self, tensor):
        return tuple(int(d) for d in self.graph.table.tensors[tensor].shape)

    def op(self, name, inputs, shape, options=None, kind="f32", version=1, **fields):
        """An operator with one result (or as many as there are shapes in a list); options: a table's name."""
        shapes = shape if isinstance(shape, list) else [shape]
        kinds = kind if isinstance(kind, list) else [kind] * len(shapes)
        results = [self.graph.tensor(Operand(s, k)) for s, k in zip(shapes, kinds)]
        self.graph.op(name, inputs, results, None if options is None else (options, fields), version=version)
        return results if isinstance(shape, list) else results[0]

    def finish(self, outputs):
        self.graph.table.outputs = list(outputs)
        return self.builder.finish()

    # ---- Layers that several networks have

    def conv(self, x, channels, kernel=3, stride=1, groups=1, bias=True, activation=0):
        n, h, w, c = self.shape(x)
        reach = 1.7 / np.sqrt(kernel * kernel * c // groups)
        inputs = [x, self.floats(channels, kernel, kernel, c // groups, low=-reach, high=reach)]
        if bias:
            inputs.append(self.floats(channels, low=-0.5, high=0.5))
        return self.op("CONV_2D", inputs, (n, -(-h // stride), -(-w // stride), channels), "Conv2DOptions",
                       padding=SAME, strideH=stride, strideW=stride, fusedActivationFunction=activation)

    def depthwise(self, x, multiplier=1, stride=1, activation=0):
        n, h, w, c = self.shape(x)
        out = c * multiplier
        inputs = [x, self.floats(1, 3, 3, out, low=-0.5, high=0.5), self.floats(out, low=-0.5, high=0.5)]
        return self.op("DEPTHWISE_CONV_2D", inputs, (n, -(-h // stride), -(-w // stride), out),
                       "DepthwiseConv2DOptions", padding=SAME, strideH=stride, strideW=stride,
                       depthMultiplier=multiplier, fusedActivationFunction=activation)

    def dense(self, x, units, keep=False, bias=True):
        shape = self.shape(x)
        inputs = [x, self.floats(units, shape[-1], low=-0.5, high=0.5)]
        inputs.append(self.floats(units) if bias else -1)
        return self.op("FULLY_CONNECTED", inputs, (*shape[:-1], units), "FullyConnectedOptions", keepNumDims=keep)

    def transpose_conv(self, x, channels):
        n, h, w, c = self.shape(x)
        inputs = [self.ints(n, 2 * h, 2 * w, channels), self.floats(channels, 3, 3, c, low=-0.4, high=0.4), x,
                  self.floats(channels, low=-0.5, high=0.5)]
        return self.op("TRANSPOSE_CONV", inputs, (n, 2 * h, 2 * w, channels), "TransposeConvOptions", padding=SAME,
                       strideH=2, strideW=2)

    def same(self, name, x, options=None, **fields):
        """An operator on each element."""
        return self.op(name, [x], self.shape(x), options, **fields)

    def pair(self, name, a, b, options=None, kind="f32", **fields):
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        return self.op(name, [a, b], shape, options, kind, **fields)


@dataclasses.dataclass
class Case:
    """make(net, inputs...) → results; values in [low, high] are fed."""
    make: object
    shapes: tuple = ((1, 8, 8, 4),)
    rows: int = 0           # more than 0: the last input has numbers below that
    low: float = -1.0
    high: float = 1.0
    least_db: float = 30.0  # of int8
    wide: bool = True       # every operator has a 16-bit form
    batches: bool = False   # the first dimension is known only while it runs


FLAT = ((6, 10),)
CASES = {}


def case(name, **fields):
    def add(make):
        CASES[name] = Case(make, **fields)
        return make
    return add


def simple(name, make, **fields):
    CASES[name] = Case(make, **fields)


# ---- Layers with weights
simple("conv", lambda n, x: n.conv(n.conv(x, 6, activation=1), 5, stride=2))
simple("conv_groups", lambda n, x: n.conv(x, 6, groups=2))
simple("depthwise", lambda n, x: n.depthwise(n.depthwise(x, 2, activation=3), stride=2))
simple("dense", lambda n, x: n.dense(x, 7), shapes=FLAT)
simple("dense_without_bias", lambda n, x: n.dense(x, 7, bias=False), shapes=FLAT)
simple("dense_rank_3", lambda n, x: n.dense(x, 7, keep=True), shapes=((2, 3, 10),))
simple("transpose_conv", lambda n, x: n.transpose_conv(x, 3))

# ---- Results of fixed types
simple("logistic", lambda n, x: n.same("LOGISTIC", x), low=-6, high=6)
simple("softmax", lambda n, x: n.same("SOFTMAX", x, "SoftmaxOptions", beta=1.0), low=-6, high=6, shapes=FLAT)
simple("tanh", lambda n, x: n.same("TANH", x), low=-3, high=3)
simple("l2_normalization", lambda n, x: n.same("L2_NORMALIZATION", x, "L2NormOptions"), wide=False)
simple("log_softmax", lambda n, x: n.same("LOG_SOFTMAX", x), low=-4, high=4, shapes=FLAT, wide=False)
simple("softmax_between", lambda n, x: n.dense(n.same("SOFTMAX", n.dense(x, 8), "SoftmaxOptions", beta=1.0), 4),
       shapes=FLAT)
simple("concatenated_logistics", lambda n, x: n.op(
    "CONCATENATION", [n.same("LOGISTIC", x), n.same("TANH", x), x], (1, 8, 8, 12), "ConcatenationOptions", axis=3))


# ---- Functions of one operand
for kind in ("RELU", "RELU6"):
    simple(kind.lower(), lambda n, x, kind=kind: n.same(kind, x), low=-8, high=8)
for kind in ("ABS", "ELU", "EXP", "HARD_SWISH", "RELU_0_TO_1", "RELU_N1_TO_1"):
    simple(kind.lower(), lambda n, x, kind=kind: n.same(kind, x), low=-4, high=4, wide=False)
simple("gelu", lambda n, x: n.same("GELU", x, "GeluOptions", approximate=False), low=-4, high=4, wide=False)
for kind in ("LOG", "SQRT", "RSQRT"):
    simple(kind.lower(), lambda n, x, kind=kind: n.same(kind, x), low=0.5, high=4, wide=False)
simple("leaky_relu", lambda n, x: n.same("LEAKY_RELU", x, "LeakyReluOptions", alpha=0.1))
simple("prelu", lambda n, x: n.pair("PRELU", x, n.floats(1, 1, 4, low=0, high=0.5)))

# ---- Functions of two
for kind, table in (("ADD", "AddOptions"), ("MUL", "MulOptions"), ("SUB", "SubOptions"),
                    ("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"), ("MAXIMUM", "MaximumMinimumOptions"),
                    ("MINIMUM", "MaximumMinimumOptions")):
    wide = kind != "SQUARED_DIFFERENCE"
    simple(kind.lower(), lambda n, a, b, kind=kind, table=table: n.pair(kind, a, n.same("TANH", b), table),
           shapes=((1, 8, 8, 4),) * 2, high=3, wide=wide)
    simple(f"{kind.lower()}_constant", lambda n, x, kind=kind, table=table: n.pair(kind, x, n.floats(1, 1, 1, 4), table),
           wide=wide)
simple("add_relu", lambda n, x: n.pair("ADD", x, n.conv(x, 4), "AddOptions", fusedActivationFunction=1))
simple("residual", lambda n, x: n.conv(n.pair("ADD", x, n.depthwise(x), "AddOptions"), 3))
simple("batch_matmul", lambda n, a, b: n.op("BATCH_MATMUL", [a, b], (2, 5, 6), "BatchMatMulOptions"),
       shapes=((2, 5, 8), (2, 8, 6)))
simple("batch_matmul_constant", lambda n, a: n.op("BATCH_MATMUL", [a, n.floats(2, 6, 8)], (2, 5, 6),
                                                  "BatchMatMulOptions", adjY=True), shapes=((2, 5, 8),))
simple("mean", lambda n, x: n.op("MEAN", [x, n.ints(1, 2)], (1, 1, 1, 4), "ReducerOptions", keepDims=True), low=0)
simple("mean_of_channels", lambda n, x: n.op("MEAN", [x, n.ints(3)], (1, 8, 8), "ReducerOptions"), low=0)
simple("sum", lambda n, x: n.op("SUM", [x, n.ints(1)], (1, 8, 4), "ReducerOptions"))

# ---- What moves or selects values, beside a layer with a range of its own
for kind in ("REDUCE_MAX", "REDUCE_MIN"):
    simple(kind.lower(), lambda n, x, kind=kind: n.op(kind, [n.conv(x, 4), n.ints(1, 2)], (1, 4), "ReducerOptions"))
for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    simple(kind.lower(), lambda n, x, kind=kind: n.op(kind, [n.conv(x, 4)], (1, 4, 4, 4), "Pool2DOptions", padding=SAME,
                                                      strideH=2, strideW=2, filterHeight=3, filterWidth=3))
simple("concatenation", lambda n, x: n.op("CONCATENATION", [x, n.conv(x, 3), n.floats(1, 8, 8, 2)], (1, 8, 8, 9),
                                          "ConcatenationOptions", axis=3))
simple("pad", lambda n, x: n.op("PAD", [n.conv(x, 4), n.constant([[0, 0], [1, 2], [0, 1], [0, 0]], "i32")],
                                (1, 11, 9, 4), "PadOptions"))
simple("padv2", lambda n, x: n.op("PADV2", [x, n.constant([[0, 0], [1, 2], [0, 1], [0, 0]], "i32"),
                                            n.constant(np.float32(-2))], (1, 11, 9, 4), "PadV2Options"))
simple("mirror_pad", lambda n, x: n.op("MIRROR_PAD", [x, n.constant([[0, 0], [1, 2], [0, 1], [0, 0]], "i32")],
                                       (1, 11, 9, 4), "MirrorPadOptions", mode=0))
simple("resize_bilinear", lambda n, x: n.op("RESIZE_BILINEAR", [n.conv(x, 3), n.ints(13, 16)], (1, 13, 16, 3),
                                            "ResizeBilinearOptions", halfPixelCenters=True))
simple("resize_nearest", lambda n, x: n.op("RESIZE_NEAREST_NEIGHBOR", [n.conv(x, 3), n.ints(13, 16)], (1, 13, 16, 3),
                                           "ResizeNearestNeighborOptions", halfPixelCenters=True))
simple("reshape", lambda n, x: n.dense(n.op("RESHAPE", [n.conv(x, 2), n.ints(1, 128)], (1, 128), "ReshapeOptions",
                                            newShape=[1, 128]), 5))
simple("expand_squeeze", lambda n, x: n.op("SQUEEZE", [n.op("EXPAND_DIMS", [n.conv(x, 3), n.ints(0)], (1, 1, 8, 8, 3))],
                                           (8, 8, 3), "SqueezeOptions", squeezeDims=[0, 1]))
simple("gather", lambda n, x: n.op("GATHER", [n.conv(x, 6), n.ints(5, 0, 3)], (1, 8, 8, 3), "GatherOptions", axis=3))
simple("gather_nd", lambda n, x: n.op("GATHER_ND", [n.conv(x, 6), n.constant([[0, 1], [0, 5]], "i32")], (2, 8, 6)),
       wide=False)
simple("slice", lambda n, x: n.op("SLICE", [n.conv(x, 4), n.ints(0, 1, 2, 0), n.ints(1, 5, 4, 4)], (1, 5, 4, 4)))
simple("strided_slice", lambda n, x: n.op("STRIDED_SLICE", [n.conv(x, 4), n.ints(0, 0, 1, 0), n.ints(1, 8, 8, 4),
                                                            n.ints(1, 2, 3, 1)], (1, 4, 3, 4), "StridedSliceOptions"))
simple("transpose", lambda n, x: n.op("TRANSPOSE", [n.conv(x, 3), n.ints(0, 3, 1, 2)], (1, 3, 8, 8)))
simple("reverse", lambda n, x: n.op("REVERSE_V2", [n.conv(x, 3), n.ints(1)], (1, 8, 8, 3)))
simple("tile", lambda n, x: n.op("TILE", [n.conv(x, 3), n.ints(1, 2, 1, 2)], (1, 16, 8, 6)))
simple("broadcast_to", lambda n, x: n.op("BROADCAST_TO", [x, n.ints(3, 8, 8, 4)], (3, 8, 8, 4), version=2),
       wide=False)
simple("depth_to_space", lambda n, x: n.op("DEPTH_TO_SPACE", [n.conv(x, 8)], (1, 16, 16, 2), "DepthToSpaceOptions",
                                           blockSize=2), wide=False)
simple("space_to_depth", lambda n, x: n.op("SPACE_TO_DEPTH", [n.conv(x, 3)], (1, 4, 4, 12), "SpaceToDepthOptions",
                                           blockSize=2), wide=False)
simple("topk", lambda n, x: n.op("TOPK_V2", [n.dense(x, 9), n.ints(3)], [(6, 3), (6, 3)], "TopKV2Options",
                                 kind=["f32", "i32"])[0], shapes=FLAT, wide=False)


@case("batches_and_space")
def _(n, x):
    crops = n.constant([[0, 0], [0, 0]], "i32")
    apart = n.op("SPACE_TO_BATCH_ND", [x, n.ints(2, 2), crops], (4, 4, 4, 4))
    return n.op("BATCH_TO_SPACE_ND", [n.conv(apart, 3), n.ints(2, 2), crops], (1, 8, 8, 3))


@case("split")
def _(n, x):
    a, b = n.op("SPLIT", [n.ints(3), n.conv(x, 6)], [(1, 8, 8, 3)] * 2, "SplitOptions", numSplits=2)
    return n.pair("MUL", a, b, "MulOptions")


@case("split_v")
def _(n, x):
    a, b = n.op("SPLIT_V", [n.conv(x, 6), n.ints(2, 4), n.ints(3)], [(1, 8, 8, 2), (1, 8, 8, 4)], "SplitVOptions",
                numSplits=2)
    return [n.conv(a, 3), b]


@case("pack_unpack")
def _(n, x):
    a, b = n.op("UNPACK", [n.conv(x, 2)], [(1, 8, 8)] * 2, "UnpackOptions", num=2, axis=3)
    return n.op("PACK", [b, a, b], (1, 3, 8, 8), "PackOptions", valuesCount=3, axis=1)


@case("shape", batches=True)
def _(n, x):
    y = n.conv(x, 3)
    sizes = n.op("SHAPE", [y], (4,), "ShapeOptions", kind="i32", outType=2)
    count = n.op("STRIDED_SLICE", [sizes, n.ints(0), n.ints(1), n.ints(1)], (), "StridedSliceOptions", kind="i32",
                 shrinkAxisMask=1)
    return n.op("RESHAPE", [y, n.op("PACK", [count, n.constant(192, "i32")], (2,), "PackOptions", kind="i32", valuesCount=2)],
                (1, 192), "ReshapeOptions")


@case("select")
def _(n, x):
    return n.op("SELECT_V2", [n.constant(np.arange(256).reshape(1, 8, 8, 4) % 3 > 0, "bool"), n.conv(x, 4), x],
                (1, 8, 8, 4))


# ---- Results that are no real numbers
for kind in ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"):
    simple(kind.lower(), lambda n, x, kind=kind: n.pair(kind, n.conv(x, 4), n.floats(1, 1, 1, 4), kind="bool"), wide=False)
simple("arg_max", lambda n, x: n.op("ARG_MAX", [n.dense(x, 12), n.ints(1)], (6,), "ArgMaxOptions", kind="i32",
                                    outputType=2), shapes=FLAT, wide=False)
simple("arg_min", lambda n, x: n.op("ARG_MIN", [n.dense(x, 12), n.ints(1)], (6,), "ArgMinOptions", kind="i32",
                                    outputType=2), shapes=FLAT, wide=False)


@case("lstm", shapes=((1, 9, 6),), wide=False)
def _(n, x):
    """Two layers, the second one's cell state far below 1."""
    for units, reach in ((8, 0.7), (5, 0.1)):
        width = n.shape(x)[2]
        gates = [n.floats(units, width, low=-reach, high=reach) for _ in range(4)]
        gates += [n.floats(units, units, low=-reach, high=reach) for _ in range(4)]
        biases = [n.floats(units, low=-reach, high=reach) for _ in range(4)]
        x = n.op("UNIDIRECTIONAL_SEQUENCE_LSTM",
                 [x, *gates, -1, -1, -1, *biases, -1, -1, n.state(1, units), n.state(1, units), -1, -1, -1, -1],
                 (1, 9, units), "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=10.0)
    return x


# ---- What takes weights in fewer bits beside float activations
HYBRID = {
    "conv": CASES["conv"], "depthwise": CASES["depthwise"], "dense": CASES["dense"],
    "dense_rank_3": CASES["dense_rank_3"], "transpose_conv": CASES["transpose_conv"],
    "batch_matmul_constant": CASES["batch_matmul_constant"],
    "rows": Case(lambda n, x, i: n.pair("MUL", x, n.op("GATHER", [n.floats(20, 10), i], (6, 10), "GatherOptions"),
                                        "MulOptions"), shapes=((6, 10), (6,)), rows=20),
    "look_up": Case(lambda n, x, i: n.pair("MUL", x, n.op("EMBEDDING_LOOKUP", [i, n.floats(20, 10)], (6, 10)),
                                           "MulOptions"), shapes=((6, 10), (6,)), rows=20),
}


def build(made, seed):
    """The .tflite file of a case."""
    net = Net(seed)
    kinds = ["f32"] * (len(made.shapes) - 1) + ["i32" if made.rows else "f32"]
    signature = lambda shape: (-1, *shape[1:]) if made.batches else None
    results = made.make(net, *[net.input(shape, kind, signature(shape)) for shape, kind in zip(made.shapes, kinds)])
    return net.finish(results if isinstance(results, list) else [results])
