#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_test_models.py [--only NAME]: writes tests/data/*.tflite and their recorded outputs.

Small networks with random weights, made with TensorFlow's converter: each exercises a group of
operators in one of the number formats that Cygnet runs. Outputs are recorded from LiteRT's reference
kernels. Needs a Python with the wheels of tools/requirements.txt (python -m venv V &&
V/bin/pip install -r tools/requirements.txt && V/bin/python tools/make_test_models.py).
"""
import argparse
import pathlib
import struct
import tempfile

import model_making as mm
import numpy as np
import tensorflow as tf

L = tf.keras.layers
OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"


def randomize(model, value=7):
    """Gives every weight a value far from its default, so that a swapped or lost one is seen."""
    rng = np.random.default_rng(value)
    for layer in model.layers:
        weights = []
        for variable, old in zip(layer.weights, layer.get_weights()):
            if "variance" in variable.name:
                weights.append(rng.uniform(0.5, 2, old.shape))
            elif "gamma" in variable.name:
                weights.append(rng.uniform(0.5, 1.5, old.shape))
            elif "alpha" in variable.name:
                weights.append(rng.uniform(0.05, 0.4, old.shape))
            else:
                fan_in = max(1, int(np.prod(old.shape[:-1])) if old.ndim > 1 else 4)
                weights.append(rng.normal(0, 1.2 / np.sqrt(fan_in), old.shape))
        layer.set_weights([w.astype(np.float32) for w in weights])
    return model


def samples(*shapes, count=16):
    """Representative inputs for quantization, uniform in [-1, 1)."""
    rng = np.random.default_rng(3)
    return [[rng.uniform(-1, 1, s).astype(np.float32) for s in shapes] for _ in range(count)]


def convnet():
    """Convolution, depthwise, residual add, pools, mean, dense, softmax; batch norms to fold."""
    x = inputs = L.Input((16, 16, 3), batch_size=1, name="image")
    x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    y = L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = L.ReLU()(L.BatchNormalization()(y))
    y = L.BatchNormalization()(L.Conv2D(8, 1, use_bias=False)(y))
    x = L.Add()([x, y])
    x = L.Concatenate()([L.MaxPooling2D(2)(x), L.AveragePooling2D(2)(x)])
    x = L.Conv2D(12, 3, padding="valid", activation="relu6")(x)
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dense(10, activation="softmax", name="scores")(x)
    return randomize(tf.keras.Model(inputs, x))


def activations():
    """Squeeze and excite with hard swish, logistic, tanh, PReLU."""
    x = inputs = L.Input((12, 10, 4), batch_size=1, name="x")
    x = L.Conv2D(8, 3, padding="same")(x)
    x = x * tf.keras.ops.relu6(x + 3.0) * (1.0 / 6.0)
    gate = L.GlobalAveragePooling2D(keepdims=True)(x)
    gate = L.Conv2D(4, 1, activation="relu")(gate)
    gate = L.Conv2D(8, 1, activation="sigmoid")(gate)
    x = L.Multiply()([x, gate])
    x = L.PReLU(shared_axes=[1, 2])(x)
    x = L.Subtract()([L.Conv2D(8, 1, activation="tanh")(x), x])
    return randomize(tf.keras.Model(inputs, x))


def dilated():
    """Dilated depthwise and ordinary convolutions, a depth multiplier of 2, odd sizes."""
    x = inputs = L.Input((13, 11, 4), batch_size=1, name="x")
    x = L.DepthwiseConv2D(3, dilation_rate=2, padding="same", activation="relu")(x)
    x = L.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding="same")(x)
    x = L.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu6")(x)
    x = L.Conv2D(5, (1, 3), padding="valid")(x)
    return randomize(tf.keras.Model(inputs, x))


def decoder():
    """Transposed convolutions, bilinear and nearest resizing, a skip connection."""
    x = inputs = L.Input((12, 12, 3), batch_size=1, name="x")
    skip = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(skip)
    x = L.Conv2DTranspose(6, 3, strides=2, padding="same")(x)
    x = L.Concatenate()([x, skip])
    x = L.UpSampling2D(2, interpolation="bilinear")(x)
    x = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = L.Conv2DTranspose(3, 2, strides=2, padding="valid")(x)
    x = tf.keras.ops.image.resize(L.MaxPooling2D(2)(x), (20, 15), interpolation="nearest")
    return randomize(tf.keras.Model(inputs, x))


@tf.function(experimental_attributes={
    "api_implements": "lstm_cygnet", "api_preferred_device": "CPU",
    "go_backwards": False, "time_major": False})
def lstm_layer(sequence, h, c, kernel, recurrent, bias):
    """One LSTM layer over [batch, time, features], gates in the order input, forget, cell, output.

    The converter replaces a function with these attributes, operands and results (last output, whole
    sequence, both states, a number that it drops) by UNIDIRECTIONAL_SEQUENCE_LSTM.
    """
    outputs = []
    for step in range(sequence.shape[1]):
        gates = tf.matmul(sequence[:, step], kernel) + tf.matmul(h, recurrent) + bias
        i, f, g, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        outputs.append(h)
    return h, tf.stack(outputs, axis=1), h, c, tf.constant(0.0)


class Lstm(tf.Module):
    """Two LSTM layers, the first giving its whole sequence, then a dense layer."""

    def __init__(self):
        rng = np.random.default_rng(4)

        def weights(*shape):
            return tf.Variable(rng.normal(0, 0.5, shape).astype(np.float32))
        self.first = [weights(8, 48), weights(12, 48), weights(48)]
        self.second = [weights(12, 40), weights(10, 40), weights(40)]
        self.dense = weights(10, 5)

    @tf.function(input_signature=[tf.TensorSpec([1, 6, 8], tf.float32, name="sequence")])
    def run(self, sequence):
        zero = tf.zeros((1, 12))
        whole = lstm_layer(sequence, zero, zero, *map(tf.identity, self.first))[1]
        zero = tf.zeros((1, 10))
        last = lstm_layer(whole, zero, zero, *map(tf.identity, self.second))[0]
        return {"scores": tf.nn.softmax(tf.matmul(last, self.dense))}


class Blocks(tf.Module):
    """Moves between batch, space and depth."""

    @tf.function(input_signature=[tf.TensorSpec([1, 8, 6, 4], tf.float32, name="x")])
    def run(self, x):
        y = tf.space_to_batch_nd(x, [2, 2], [[1, 1], [0, 0]])
        z = tf.batch_to_space(y * 0.5, [2, 2], [[1, 1], [0, 0]])
        deep = tf.nn.space_to_depth(x, 2)
        return {"spaced": y, "sum": tf.nn.depth_to_space(deep, 2) + z, "deep": deep}


class Shapes(tf.Module):
    """Operators that move values without computing."""

    @tf.function(input_signature=[tf.TensorSpec([2, 6, 8, 3], tf.float32, name="x")])
    def run(self, x):
        padded = tf.pad(x, [[0, 0], [1, 2], [2, 1], [0, 1]])
        low = tf.pad(x, [[0, 0], [0, 1], [1, 0], [0, 0]], constant_values=-1.5)
        sliced = x[:, 5:0:-2, 1::3, :2]
        a, b, c = tf.split(tf.transpose(x, [3, 0, 2, 1]), 3, axis=0)
        joined = tf.concat([tf.squeeze(a, 0), tf.squeeze(c, 0)], axis=1)
        parts = tf.unstack(tf.squeeze(b, 0), axis=0)
        return {"padded": padded, "low": low, "sliced": sliced, "joined": joined,
                "packed": tf.stack([parts[1], parts[0]], axis=2),
                "flat": tf.reshape(sliced, [4, -1])}


class Arithmetic(tf.Module):
    """Broadcast arithmetic, division, square root, means, casts."""

    @tf.function(input_signature=[tf.TensorSpec([2, 3, 4], tf.float32, name="a"),
                                  tf.TensorSpec([3, 1], tf.float32, name="b"),
                                  tf.TensorSpec([4, 5], tf.int32, name="n")])
    def run(self, a, b, n):
        return {"sum": tf.nn.relu(a + b), "difference": b - a, "product": a * b,
                "quotient": a / (b + 2.0), "root": tf.sqrt(a * a + 0.25),
                "mean": tf.reduce_mean(a, [0, 2]), "floor": tf.math.floordiv(n, 7),
                "cast": tf.cast(a * 10.0, tf.int32), "wide": tf.cast(n, tf.int64) * 3,
                "half": tf.math.floordiv(tf.cast(n, tf.float32), 1.5)}


class Keypoints(tf.Module):
    """Where each channel of a heat map is highest, and the offset stored there."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.heat = tf.Variable(rng.normal(0, 0.4, (3, 3, 3, 4)).astype(np.float32))
        self.offset = tf.Variable(rng.normal(0, 0.4, (3, 3, 3, 8)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, 12, 12, 3], tf.float32, name="image")])
    def run(self, image):
        heat = tf.sigmoid(tf.nn.conv2d(image, self.heat, 2, "SAME"))
        offset = tf.nn.conv2d(image, self.offset, 2, "SAME")
        place = tf.argmax(tf.reshape(heat, [36, 4]), axis=0, output_type=tf.int32)
        row, column = tf.math.floordiv(place, 6), place - tf.math.floordiv(place, 6) * 6
        channels = tf.constant([0, 1, 2, 3])
        offsets = tf.reshape(offset, [6, 6, 4, 2])
        moved = tf.gather_nd(offsets, tf.stack([row, column, channels], axis=1))
        dy, dx = tf.unstack(moved, axis=1)
        y = (tf.cast(row, tf.float32) + dy) * (1.0 / 6.0)
        x = (tf.cast(column, tf.float32) + dx) * (1.0 / 6.0)
        score = tf.gather_nd(tf.reshape(heat, [36, 4]), tf.stack([place, channels], axis=1))
        return {"keypoints": tf.stack([y, x, score], axis=1)}


class TwoSignatures(tf.Module):
    """Two functions that share a weight."""

    def __init__(self):
        rng = np.random.default_rng(6)
        self.weight = tf.Variable(rng.normal(0, 0.5, (6, 4)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([2, 6], tf.float32, name="x")])
    def encode(self, x):
        return {"code": tf.tanh(tf.matmul(x, self.weight))}

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32, name="code")])
    def decode(self, code):
        return {"x": tf.matmul(code, self.weight, transpose_b=True), "half": 0.5 * code}


def from_module(module, mode="float32", data=None, io_type=None, methods=("run",)):
    """Converts a tf.Module by way of a SavedModel, which is where signatures come from."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={m: getattr(module, m) for m in methods})
        return mm.convert(folder, mode, data, io_type)


def transpose_bias():
    """TRANSPOSE_CONV of a float model rewritten as MediaPipe's custom operator of the same meaning.

    Its operands are input, weights and bias; its options the raw padding, stride width and height.
    """
    from ai_edge_litert import schema_py_generated as schema
    import flatbuffers
    x = inputs = L.Input((5, 6, 4), batch_size=1, name="x")
    x = L.Conv2DTranspose(3, 2, strides=2, padding="same")(x)
    plain = mm.convert(randomize(tf.keras.Model(inputs, x)))
    model = schema.ModelT.InitFromPackedBuf(plain, 0)
    graph = model.subgraphs[0]
    (op,) = [o for o in graph.operators
             if model.operatorCodes[o.opcodeIndex].builtinCode == schema.BuiltinOperator.TRANSPOSE_CONV]
    options = op.builtinOptions
    _, weights, image, bias = op.inputs
    op.inputs = [image, weights, bias]
    op.customOptions = list(struct.pack(
        "<3i", 2 if options.padding == schema.Padding.VALID else 1, options.strideW, options.strideH))
    op.builtinOptions, op.builtinOptionsType = None, 0
    code = model.operatorCodes[op.opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"Convolution2DTransposeBias", 1
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()), plain


IMAGE = samples((1, 16, 16, 3))
MODELS = {
    "float_convnet": lambda: mm.convert(convnet()),
    "float16_convnet": lambda: mm.convert(convnet(), "float16"),
    "int8_convnet": lambda: mm.convert(convnet(), "int8", IMAGE, tf.int8),
    "uint8_io_convnet": lambda: mm.convert(convnet(), "int8", IMAGE, tf.uint8),
    "int16x8_convnet": lambda: mm.convert(convnet(), "int16x8", IMAGE, tf.int16),
    "float_activations": lambda: mm.convert(activations()),
    "int8_activations": lambda: mm.convert(activations(), "int8", samples((1, 12, 10, 4)), tf.int8),
    "float_dilated": lambda: mm.convert(dilated()),
    "int8_dilated": lambda: mm.convert(dilated(), "int8", samples((1, 13, 11, 4)), tf.int8),
    "float_decoder": lambda: mm.convert(decoder()),
    "int8_decoder": lambda: mm.convert(decoder(), "int8", samples((1, 12, 12, 3)), tf.int8),
    "int16x8_decoder": lambda: mm.convert(decoder(), "int16x8", samples((1, 12, 12, 3)), tf.int16),
    "float_lstm": lambda: from_module(Lstm()),
    "int8_lstm": lambda: from_module(Lstm(), "int8", samples((1, 6, 8)), tf.int8),
    "float_blocks": lambda: from_module(Blocks()),
    "int8_blocks": lambda: from_module(Blocks(), "int8", samples((1, 8, 6, 4)), tf.int8),
    "float_shapes": lambda: from_module(Shapes()),
    "int8_shapes": lambda: from_module(Shapes(), "int8", samples((2, 6, 8, 3)), tf.int8),
    "arithmetic": lambda: from_module(Arithmetic()),
    "float_keypoints": lambda: from_module(Keypoints()),
    "int8_keypoints": lambda: from_module(Keypoints(), "int8", samples((1, 12, 12, 3))),
    "two_signatures": lambda: from_module(TwoSignatures(), methods=("encode", "decode")),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="make just this model")
    chosen = parser.parse_args().only
    OUT.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        if chosen in (None, name):
            mm.seed(1)
            path = OUT / f"{name}.tflite"
            path.write_bytes(make())
            mm.record(path)
            print(f"{name}: {path.stat().st_size} bytes, {' '.join(mm.operators(path))}", flush=True)
    if chosen in (None, "transpose_bias"):
        mm.seed(1)
        path = OUT / "transpose_bias.tflite"
        custom, plain = transpose_bias()
        path.write_bytes(plain)
        mm.record(path)  # LiteRT has no such operator: its TRANSPOSE_CONV computes the same values
        path.write_bytes(custom)
        print(f"transpose_bias: {path.stat().st_size} bytes, {' '.join(mm.operators(path))}")


if __name__ == "__main__":
    main()
