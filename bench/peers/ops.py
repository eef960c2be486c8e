#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes models of one operator each, for comparing engines operator by operator.

  bench/peers/ops.py FOLDER [--only conv,softmax_256] [--kinds f32,int8] [--list]
  bench/peers/peers.py build/release/cli/cygnet FOLDER/*.tflite --us --engines litert,litert-ref,openvino

Writes FOLDER/CASE_{f32,int8}.tflite with TensorFlow's converter; --only takes the cases whose names
begin so. Files that are there stay. Needs tensorflow.

Sizes are those of the layers of common networks. Names: conv3x3_s2_224x224_3to32 is a convolution
of stride 2 on a [1, 224, 224, 3] input with 32 output channels; dw is a depthwise convolution, tconv
a transposed one, fc_196x192to768 a product of [196, 192] and [192, 768], bmm_12x128x64 one of
[12, 128, 64] with the transpose of another.
"""
import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

SEED = 11
KINDS = ("f32", "int8")
CALIBRATION_SAMPLES = 4
ACTIVATIONS_SHAPE = (1, 56, 56, 64)


class Maker:
    """Functions of cases: each returns (function of tensors, shapes of its inputs)."""

    def __init__(self):
        import numpy as np
        import tensorflow as tf
        self.tf, self.rng = tf, np.random.default_rng(SEED)

    def weights(self, *shape):
        spread = 1 / max(1, int(self.tf.reduce_prod(shape[:-1]))) ** 0.5
        return self.tf.constant(self.rng.normal(0, spread, shape), self.tf.float32)

    def conv(self, size, strides, side, c_in, c_out, dilation=1):
        w, b = self.weights(size, size, c_in, c_out), self.weights(c_out)
        return (lambda x: self.tf.nn.bias_add(self.tf.nn.conv2d(x, w, strides, "SAME", dilations=dilation), b),
                [(1, *side, c_in)])

    def depthwise(self, size, strides, side, channels, dilation=1):
        w, b = self.weights(size, size, channels, 1), self.weights(channels)
        return (lambda x: self.tf.nn.bias_add(self.tf.nn.depthwise_conv2d(
            x, w, (1, strides, strides, 1), "SAME", dilations=(dilation, dilation)), b), [(1, *side, channels)])

    def transposed(self, size, strides, side, c_in, c_out):
        w = self.weights(size, size, c_out, c_in)
        shape = (1, side[0] * strides, side[1] * strides, c_out)
        return lambda x: self.tf.nn.conv2d_transpose(x, w, shape, strides, "SAME"), [(1, *side, c_in)]

    def fully_connected(self, rows, n_in, n_out):
        w, b = self.weights(n_in, n_out), self.weights(n_out)
        return lambda x: self.tf.nn.bias_add(self.tf.matmul(x, w), b), [(rows, n_in)]

    def batch_matmul(self, batch, rows, depth):
        shape = (1, batch, rows, depth)
        return lambda x, y: self.tf.matmul(x, y, transpose_b=True), [shape, shape]

    def binary(self, function, *shapes):
        return function, list(shapes)

    def with_constant(self, function, shape, constant_shape):
        c = self.weights(*constant_shape)
        return lambda x: function(x, c), [shape]

    def unary(self, function, shape=ACTIVATIONS_SHAPE):
        return function, [shape]

    def prelu(self):
        layer = self.tf.keras.layers.PReLU(alpha_initializer="glorot_uniform", shared_axes=[1, 2])
        layer.build(ACTIVATIONS_SHAPE)
        return layer, [ACTIVATIONS_SHAPE]

    def layer_norm(self, rows, width):
        tf, scale, shift = self.tf, self.weights(width) + 1, self.weights(width)

        def run(x):
            centred = x - tf.reduce_mean(x, -1, keepdims=True)
            variance = tf.reduce_mean(tf.math.square(centred), -1, keepdims=True)
            return centred * tf.math.rsqrt(variance + 1e-6) * scale + shift
        return run, [(1, rows, width)]

    def resize(self, shape, size, corners=False, half=False, nearest=False):
        raw = self.tf.raw_ops
        function = raw.ResizeNearestNeighbor if nearest else raw.ResizeBilinear
        return (lambda x: function(images=x, size=size, align_corners=corners, half_pixel_centers=half)), [shape]


def convolution_cases(m):
    cases = {}
    for side, c_in, c_out in ((112, 16, 96), (112, 32, 64), (14, 512, 512), (14, 576, 96), (14, 96, 576),
                              (28, 256, 256), (56, 120, 120), (56, 127, 127), (56, 128, 128), (56, 144, 24),
                              (56, 24, 144), (56, 16, 64), (56, 17, 64), (56, 64, 64), (56, 65, 65),
                              (7, 1024, 1024), (7, 320, 1280)):
        cases[f"conv1x1_{side}x{side}_{c_in}to{c_out}"] = lambda a=side, i=c_in, o=c_out: m.conv(1, 1, (a, a), i, o)
    for size, strides, side, c_in, c_out, d in (
            (3, 1, 33, 256, 256, 2), (3, 1, 128, 16, 16, 1), (3, 1, 14, 256, 256, 1), (3, 1, 256, 2, 2, 1),
            (3, 1, 256, 4, 4, 1), (3, 1, 256, 8, 8, 1), (3, 1, 28, 128, 128, 1), (3, 1, 56, 64, 64, 1),
            (3, 1, 56, 65, 65, 1), (3, 1, 7, 512, 512, 1), (3, 2, 224, 3, 32, 1), (7, 2, 224, 3, 64, 1)):
        name = f"conv{size}x{size}_{f'd{d}' if d > 1 else f's{strides}'}_{side}x{side}_{c_in}to{c_out}"
        cases[name] = lambda k=size, s=strides, a=side, i=c_in, o=c_out, d=d: m.conv(k, s, (a, a), i, o, d)
    return cases


def depthwise_cases(m):
    cases = {}
    for size, side, c, strides, d in (
            (3, 33, 576, 1, 1), (3, 64, 128, 1, 1), (3, 33, 576, 1, 2), (3, 64, 128, 1, 2), (3, 33, 576, 1, 4),
            (3, 64, 128, 1, 4), (3, 112, 32, 1, 1), (3, 128, 16, 1, 1), (3, 14, 512, 1, 1), (3, 28, 256, 1, 1),
            (3, 56, 128, 1, 1), (3, 56, 144, 1, 1), (3, 56, 30, 1, 1), (3, 56, 32, 1, 1), (3, 7, 1024, 1, 1),
            (3, 112, 64, 2, 1), (3, 112, 96, 2, 1), (3, 14, 512, 2, 1), (3, 28, 256, 2, 1), (3, 56, 128, 2, 1),
            (5, 14, 480, 1, 1), (5, 28, 120, 1, 1), (5, 7, 960, 1, 1), (5, 14, 672, 2, 1), (5, 56, 72, 2, 1)):
        name = f"dw{size}x{size}_{f'd{d}' if d > 1 else f's{strides}'}_{side}x{side}x{c}"
        cases[name] = lambda k=size, a=side, c=c, s=strides, d=d: m.depthwise(k, s, (a, a), c, d)
    return cases


def activation_cases(m):
    tf = m.tf
    functions = {
        "elu": tf.nn.elu, "exp": tf.exp, "gelu": lambda x: tf.nn.gelu(x, False), "gelu_tanh": lambda x: tf.nn.gelu(x, True),
        "hardswish": lambda x: x * (tf.nn.relu6(x + 3) * (1 / 6)), "leaky": lambda x: tf.nn.leaky_relu(x, 0.1),
        "relu6": tf.nn.relu6, "sigmoid": tf.sigmoid, "softsign": lambda x: x / (1 + tf.abs(x)),
        "swish": lambda x: x * tf.sigmoid(x), "tanh": tf.tanh}
    cases = {name: lambda f=f: m.unary(f) for name, f in functions.items()}
    cases["prelu"] = m.prelu
    for shape in ((1, 12, 128, 128), (1, 160, 160, 2), (1, 1001), (1, 256, 256, 2), (1, 65, 65, 21)):
        name = "softmax_" + "x".join(map(str, shape if len(shape) == 2 else shape[1:]))
        cases[name] = lambda s=shape: m.unary(tf.nn.softmax, s)
    cases["layernorm_196x192"] = lambda: m.layer_norm(196, 192)
    return cases


def movement_cases(m):
    tf = m.tf
    mean = lambda x: tf.reduce_mean(x, (1, 2))
    pool = lambda f, size, s: lambda x: f(x, size, s, "SAME")
    pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
    blocks = lambda x: tf.batch_to_space(tf.abs(tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])), [2, 2],
                                         [[0, 0], [0, 0]])
    cases = {
        "argmax_257x257x21": lambda: m.unary(lambda x: tf.argmax(x, -1, tf.int32), (1, 257, 257, 21)),
        "avgpool3s1_35x35x192": lambda: m.unary(pool(tf.nn.avg_pool2d, 3, 1), (1, 35, 35, 192)),
        "maxpool3s2_112x112x64": lambda: m.unary(pool(tf.nn.max_pool2d, 3, 2), (1, 112, 112, 64)),
        "mean_56x56x64": lambda: m.unary(mean, (1, 56, 56, 64)),
        "mean_7x7x1280": lambda: m.unary(mean, (1, 7, 7, 1280)),
        "concat_64x64x32x2": lambda: m.binary(lambda x, y: tf.concat([x, y], -1), (1, 64, 64, 32), (1, 64, 64, 32)),
        "d2s2_64x64x64": lambda: m.unary(lambda x: tf.nn.depth_to_space(x, 2), (1, 64, 64, 64)),
        "s2d2_128x128x16": lambda: m.unary(lambda x: tf.nn.space_to_depth(x, 2), (1, 128, 128, 16)),
        "s2d2_224x224x3": lambda: m.unary(lambda x: tf.nn.space_to_depth(x, 2), (1, 224, 224, 3)),
        "s2b_b2s_64x64x128": lambda: m.unary(blocks, (1, 64, 64, 128)),
        "pad_112x112x32": lambda: m.unary(lambda x: tf.pad(x, pads), (1, 112, 112, 32)),
        "transpose_0213_1x128x12x64": lambda: m.unary(lambda x: tf.transpose(x, (0, 2, 1, 3)), (1, 128, 12, 64)),
        "resizenn2x_64x64x32": lambda: m.resize((1, 64, 64, 32), (128, 128), nearest=True),
        "resize_17to257x21_hp": lambda: m.resize((1, 17, 17, 21), (257, 257), half=True),
    }
    for side, c in ((128, 16), (128, 2), (64, 32)):
        for ending, flags in (("", {}), ("_ac", {"corners": True}), ("_hp", {"half": True})):
            cases[f"resize2x_{side}x{side}x{c}{ending}"] = (
                lambda a=side, c=c, f=flags: m.resize((1, a, a, c), (2 * a, 2 * a), **f))
    return cases


def product_cases(m):
    tf, image = m.tf, (1, 64, 64, 128)
    cases = {
        "add_bias_64x64x128": lambda: m.with_constant(tf.add, image, (128,)),
        "add_hwbc_64x64x128_1": lambda: m.binary(tf.add, image, (1, 64, 64, 1)),
        "add_same_64x64x128": lambda: m.binary(tf.add, image, image),
        "mul_same_64x64x128": lambda: m.binary(tf.multiply, image, image),
        "mul_se_28x28x120": lambda: m.binary(tf.multiply, (1, 28, 28, 120), (1, 1, 1, 120)),
        "bmm_12x128x64": lambda: m.batch_matmul(12, 128, 64),
        "fc_1024to1000": lambda: m.fully_connected(1, 1024, 1000),
        "fc_196x192to768": lambda: m.fully_connected(196, 192, 768),
    }
    for size, side, c_in, c_out in ((2, 128, 16, 2), (2, 64, 32, 16), (3, 64, 32, 16), (4, 64, 32, 16)):
        cases[f"tconv{size}x{size}_s2_{side}x{side}_{c_in}to{c_out}"] = (
            lambda k=size, a=side, i=c_in, o=c_out: m.transposed(k, 2, (a, a), i, o))
    return cases


def all_cases():
    m = Maker()
    return {**convolution_cases(m), **depthwise_cases(m), **product_cases(m), **activation_cases(m), **movement_cases(m)}


def convert(tf, function, shapes, kind):
    """The bytes of the .tflite file of one case."""
    import numpy as np
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as freeze
    signature = [tf.TensorSpec(s, tf.float32) for s in shapes]
    concrete = freeze(tf.function(lambda *x: function(*x), autograph=False).get_concrete_function(*signature))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], None)
    if kind == "int8":
        def samples():
            rng = np.random.default_rng(SEED)
            for _ in range(CALIBRATION_SAMPLES):
                yield [rng.uniform(-4, 4, s).astype(np.float32) for s in shapes]
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        if concrete.outputs[0].dtype == tf.float32:
            converter.inference_output_type = tf.int8
    return converter.convert()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--only", help="beginnings of the cases' names, with commas between (all)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of f32 and int8 (both)")
    parser.add_argument("--list", action="store_true", help="print the cases' names")
    args = parser.parse_args()
    kinds = args.kinds.split(",")
    if args.folder is None and not args.list:
        parser.error("FOLDER is missing")
    for unknown in [k for k in kinds if k not in KINDS]:
        parser.error(f"unknown kind: {unknown}")
    cases = all_cases()
    if args.only:
        cases = {n: c for n, c in cases.items() if n.startswith(tuple(args.only.split(",")))}
    if not cases:
        parser.error(f"no case begins with {args.only}")
    if args.list:
        print("\n".join(cases))
        return
    import tensorflow as tf
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, case in cases.items():
        for kind in kinds:
            path = args.folder / f"{name}_{kind}.tflite"
            if path.exists():
                continue
            try:
                data = convert(tf, *case(), kind)
            except Exception as error:  # the converter refuses some types; the rest goes on
                print(f"{path.name}: {type(error).__name__}: {error}".splitlines()[0], file=sys.stderr, flush=True)
                continue
            partial = path.with_suffix(".part")
            partial.write_bytes(data)
            partial.replace(path)


if __name__ == "__main__":
    main()
