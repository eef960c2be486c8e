#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/quantize/: networks trained for quantization, and what TensorFlow makes of them.

  tools/make_quantize_fixtures.py

  fake_quant.pb        a frozen graph with FakeQuant nodes
  tfmot.h5             a network that tensorflow-model-optimization has wrapped
  tfmot.keras          the same
  NAME.int8.tflite     TensorFlow's conversion, int8 inputs and outputs
  NAME.pairs.tflite    TensorFlow's conversion to floats: QUANTIZE and DEQUANTIZE stay in pairs
  NAME.npz             in:INPUT [N, ...], out:OUTPUT what TensorFlow computes from each of the N samples,
                       int8:OUTPUT what LiteRT computes with NAME.int8.tflite

Needs tensorflow 2.21, tf_keras, tensorflow-model-optimization 0.8.1 and ai-edge-litert.
"""
import os
import pathlib
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter, OpResolverType

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "quantize"
V1 = tf.compat.v1
RAW = tf.raw_ops
SAMPLES = 16


# ---- A graph as tf.contrib.quantize left it

class Graph:
    """Operators with FakeQuant behind them; numbers from one seed."""

    def __init__(self):
        self.random = np.random.default_rng(3)

    def normal(self, *shape, scale=0.3):
        return (self.random.normal(size=shape) * scale).astype(np.float32)

    def factor(self, n):
        """Of a batch normalization: some negative."""
        return (self.random.uniform(0.4, 1.6, n) * np.where(self.random.random(n) < 0.25, -1, 1)).astype(np.float32)

    @staticmethod
    def range(x, low, high):
        return RAW.FakeQuantWithMinMaxVars(inputs=x, min=np.float32(low), max=np.float32(high), num_bits=8)

    @staticmethod
    def weights(w, value, per_channel):
        """w rounded to 8 bits over 95 % of the range of its value."""
        if per_channel:
            most = np.abs(value).reshape(-1, value.shape[-1]).max(0) * np.float32(0.95)
            return RAW.FakeQuantWithMinMaxVarsPerChannel(inputs=w, min=-most, max=most, narrow_range=True)
        most = np.abs(value).max() * np.float32(0.95)
        return RAW.FakeQuantWithMinMaxVars(inputs=w, min=-most, max=most, narrow_range=True)

    def scaled(self, w, factor, per_channel):
        """Weights times a factor for each channel, multiplied in the graph, then rounded."""
        return self.weights(tf.multiply(tf.constant(w), factor), w * factor, per_channel)

    def normalized(self, x):
        n = x.shape[-1]
        return RAW.FusedBatchNormV3(x=x, scale=self.factor(n), offset=self.normal(n), mean=self.normal(n, scale=0.05),
                                    variance=np.full(n, 0.9, np.float32), epsilon=1e-3, is_training=False).y

    def build(self, image):
        x = self.range(image, -2.1, 2.3)
        w = self.normal(3, 3, 3, 12)
        x = self.normalized(tf.nn.conv2d(x, self.weights(w, w, True), 2, "SAME"))
        x = self.range(tf.nn.relu6(x), 0, 6)
        w = self.scaled(self.normal(3, 3, 12, 1), self.factor(12)[:, None], False)
        y = self.range(tf.nn.relu(tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME") + self.normal(12)), 0, 3.7)
        w = self.scaled(self.normal(3, 3, 12, 12, scale=0.15), self.factor(12), False)
        y = self.range(tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(y, w, 1, "SAME"), self.normal(12))), 0, 2.9)
        x = self.range(x + y, 0, 7.3)
        w = self.normal(1, 1, 12, 8)
        y = self.range(tf.nn.bias_add(tf.nn.conv2d(x, self.weights(w, w, True), 1, "VALID"), self.normal(8)), -4.2, 4.4)
        x = self.range(tf.concat([x, y], -1), -4.2, 7.3)
        x = tf.nn.avg_pool2d(tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), 2, 2, "VALID")
        x = tf.reshape(x, [-1, 80])
        w = self.normal(80, 6, scale=0.25)
        x = tf.linalg.matmul(x, self.weights(w, w, False)) + self.normal(6)
        return tf.nn.softmax(self.range(x, -5, 5))


def fake_quant():
    graph = tf.Graph()
    with graph.as_default():
        image = V1.placeholder(tf.float32, [1, 6, 6, 3], "image")
        tf.identity(Graph().build(image), "probabilities")
    definition = graph.as_graph_def()
    (OUT / "fake_quant.pb").write_bytes(definition.SerializeToString(deterministic=True))
    wrapped = V1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    function = wrapped.prune("image:0", "probabilities:0")
    samples = np.clip(np.random.default_rng(4).normal(size=(SAMPLES, 6, 6, 3)), -3, 3).astype(np.float32)
    outputs = np.concatenate([function(tf.constant(s[None])).numpy() for s in samples])
    record("fake_quant", lambda: tf.lite.TFLiteConverter.from_concrete_functions([function]), "probabilities",
           samples, outputs)


# ---- A network wrapped by tensorflow-model-optimization

def network():
    layers = keras.layers
    x = image = layers.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
    x = layers.BatchNormalization(name="norm1")(x)
    x = layers.ReLU(6.0, name="relu1")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.BatchNormalization(name="norm2")(x)
    y = layers.ReLU(name="relu2")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2")(y)
    x = layers.Add(name="add")([x, y])
    y = layers.Conv2D(4, 1, name="conv3")(x)
    x = layers.Concatenate(name="concatenate")([x, y])
    x = layers.MaxPooling2D(2, name="max")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(16, activation="relu", name="dense1")(x)
    x = layers.Dense(5, name="dense2")(x)
    return keras.Model(image, layers.Softmax(name="softmax")(x))


def wrapped():
    keras.utils.set_random_seed(1)
    model = tfmot.quantization.keras.quantize_model(network())
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    random = np.random.default_rng(0)
    samples = (random.normal(size=(512, 12, 12, 3)) + random.normal(size=(512, 1, 1, 3))).astype(np.float32)
    labels = np.argmax(samples.mean((1, 2)) @ random.normal(size=(3, 5)), 1)
    model.fit(samples, labels, epochs=40, batch_size=32, verbose=0)
    model.save(OUT / "tfmot.h5", include_optimizer=False)
    model.save(OUT / "tfmot.keras")
    compress(OUT / "tfmot.keras")
    samples = samples[:SAMPLES]
    record("tfmot", lambda: tf.lite.TFLiteConverter.from_keras_model(model), model.output_names[0], samples,
           model.predict(samples, verbose=0))


def compress(path):
    """Keras stores, which takes ten times the room."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


# ---- TensorFlow's conversion

def run(content, samples):
    runner = Interpreter(model_content=content,
                         experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    runner.allocate_tensors()
    source, result = runner.get_input_details()[0], runner.get_output_details()[0]
    scale, zero = source["quantization"]
    outputs = []
    for s in samples:
        codes = np.clip(np.round(s[None] / np.float32(scale)) + zero, -128, 127).astype(np.int8)
        runner.set_tensor(source["index"], codes)
        runner.invoke()
        outputs.append(runner.get_tensor(result["index"]))
    return np.concatenate(outputs)


def record(name, converter, output, samples, outputs):
    pairs = converter()
    (OUT / f"{name}.pairs.tflite").write_bytes(pairs.convert())
    integers = converter()
    integers.optimizations = [tf.lite.Optimize.DEFAULT]
    integers.inference_input_type = integers.inference_output_type = tf.int8
    content = integers.convert()
    (OUT / f"{name}.int8.tflite").write_bytes(content)
    np.savez_compressed(OUT / f"{name}.npz", **{"in:image": samples, f"out:{output}": outputs,
                                                f"int8:{output}": run(content, samples)})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    fake_quant()
    wrapped()
