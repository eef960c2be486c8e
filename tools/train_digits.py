#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a small network on scikit-learn's digits and exports it in every format that training writes.

  tools/train_digits.py

Needs the wheels of tools/requirements.txt. Writes to examples/digits_training/:

  digits.saved_model/       SavedModel (TensorFlow 2)
  digits.pb                 frozen GraphDef
  digits_unfrozen.meta,     TensorFlow 1 MetaGraph with variables, and its checkpoint; the batch
    digits_unfrozen.index,    normalizations say by is_training that this is inference
    digits_unfrozen.data-*
  digits.h5, digits.keras   Keras
  digits_test.npz           the digits that training did not see, as the network takes them
  digits_test_labels.npy    which digits they are: int32 [N]
  digits.npz                32 of them, and TensorFlow's output
  digits_calibration.npz    200 of the digits that it was trained on, to find ranges of activations with

The network takes image, float32 [N, 8, 8, 1] from 0 to 1, and gives ten probabilities. Its output is
named output_0 in the two graphs and in the signature of the SavedModel.
"""
import pathlib
from typing import NamedTuple

import training_files as files

import numpy as np
import tensorflow as tf

L = tf.keras.layers
V1 = tf.compat.v1
OUT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits_training"
TRAIN = 1400
CALIBRATION = 200


class Digits(NamedTuple):
    """Pictures, float32 [N, 8, 8, 1] from 0 to 1, and which digits they are, int32 [N]."""
    training: np.ndarray
    training_labels: np.ndarray
    unseen: np.ndarray
    unseen_labels: np.ndarray


def load_digits():
    """The data set in a seeded order, split."""
    from sklearn import datasets
    data = datasets.load_digits()
    order = np.random.default_rng(3).permutation(len(data.images))
    pictures = data.images[order].astype(np.uint8)[..., None].astype(np.float32) / 16
    labels = data.target[order].astype(np.int32)
    return Digits(pictures[:TRAIN], labels[:TRAIN], pictures[TRAIN:], labels[TRAIN:])


def save_samples(digits):
    """Files of digits alone, which serve every network that was trained on them."""
    np.savez_compressed(OUT / "digits_test.npz", image=digits.unseen)
    np.save(OUT / "digits_test_labels.npy", digits.unseen_labels)
    np.savez_compressed(OUT / "digits_calibration.npz", image=digits.training[:CALIBRATION])


def network():
    """Convolution, a depthwise-separable residual block, a strided one, dropout, softmax."""
    x = inputs = L.Input((8, 8, 1), name="image")
    x = L.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(x)
    x = skip = L.ReLU(6.0, name="stem_relu")(L.BatchNormalization(name="stem_bn")(x))
    x = L.DepthwiseConv2D(3, padding="same", use_bias=False, name="block1_depthwise")(x)
    x = L.ReLU(6.0, name="block1_relu")(L.BatchNormalization(name="block1_bn1")(x))
    x = L.Conv2D(16, 1, use_bias=False, name="block1_project")(x)
    x = L.Add(name="block1_add")([L.BatchNormalization(name="block1_bn2")(x), skip])
    x = L.ZeroPadding2D(1, name="block2_pad")(x)
    x = L.DepthwiseConv2D(3, strides=2, use_bias=False, name="block2_depthwise")(x)
    x = L.ReLU(6.0, name="block2_relu")(L.BatchNormalization(name="block2_bn1")(x))
    x = L.Conv2D(24, 1, use_bias=False, name="block2_project")(x)
    x = L.Activation("relu6", name="block2_out")(L.BatchNormalization(name="block2_bn2")(x))
    x = L.Dropout(0.2, name="dropout")(L.Flatten(name="flatten")(x))
    return tf.keras.Model(inputs, L.Dense(10, activation="softmax", name="scores")(x), name="digits")


def train(model, x, y):
    """Fits on the digits moved by up to one pixel, with a learning rate that falls as a cosine."""
    rng = np.random.default_rng(7)
    batch, epochs = 50, 40
    rate = tf.keras.optimizers.schedules.CosineDecay(5e-3, epochs * len(x) // batch)
    model.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    for _ in range(epochs):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        shifts = np.clip(np.round(rng.normal(1, 0.4, (len(x), 2))), 0, 2).astype(int)
        moved = np.stack([p[a:a + 8, b:b + 8] for p, (a, b) in zip(padded, shifts)])
        order = rng.permutation(len(x))
        model.fit(moved[order], y[order], batch_size=batch, epochs=1, verbose=0)


def save_unfrozen(model, path):
    """The network once more as a TensorFlow 1 graph: variables, is_training, a Saver's checkpoint."""
    values = {layer.name: [np.asarray(w) for w in layer.weights] for layer in model.layers}
    graph = tf.Graph()
    with graph.as_default():
        image = V1.placeholder(tf.float32, [None, 8, 8, 1], name="image")

        def variable(name, value):
            return V1.get_variable(name, initializer=tf.constant(value), use_resource=False)

        def normalized(x, name, relu=True):
            with V1.variable_scope(name):
                scale, offset, mean, variance = (
                    variable(n, v) for n, v in zip(("gamma", "beta", "moving_mean", "moving_variance"),
                                                   values[name]))
                x = V1.nn.fused_batch_norm(x, scale, offset, mean, variance, epsilon=1e-3,
                                           is_training=False)[0]
            return tf.nn.relu6(x) if relu else x

        def convolved(x, name, depthwise=False, stride=1, padding="SAME"):
            with V1.variable_scope(name):
                kernel = variable("weights", values[name][0])
                op = V1.nn.depthwise_conv2d if depthwise else V1.nn.conv2d
                return op(x, kernel, [1, stride, stride, 1], padding)
        x = skip = normalized(convolved(image, "stem"), "stem_bn")
        x = normalized(convolved(x, "block1_depthwise", True), "block1_bn1")
        x = normalized(convolved(x, "block1_project"), "block1_bn2", relu=False) + skip
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = normalized(convolved(x, "block2_depthwise", True, 2, "VALID"), "block2_bn1")
        x = normalized(convolved(x, "block2_project"), "block2_bn2")
        x = tf.reshape(x, [tf.shape(x)[0], int(np.prod(x.shape[1:]))])
        with V1.variable_scope("scores"):
            x = V1.nn.xw_plus_b(x, variable("weights", values["scores"][0]),
                                variable("biases", values["scores"][1]))
        tf.nn.softmax(x, name="output_0")
        with V1.Session(graph=graph) as session:
            session.run(V1.global_variables_initializer())
            V1.train.Saver().save(session, str(path), write_state=False,
                                  strip_default_attrs=True)


def run_unfrozen(path, x):
    with tf.Graph().as_default(), V1.Session() as session:
        V1.train.import_meta_graph(str(path) + ".meta").restore(session, str(path))
        return session.run("output_0:0", {"image:0": x})


def main():
    tf.keras.utils.set_random_seed(3)
    tf.config.experimental.enable_op_determinism()
    digits = load_digits()
    model = network()
    train(model, digits.training, digits.training_labels)
    OUT.mkdir(parents=True, exist_ok=True)
    plain = tf.keras.models.clone_model(model)
    plain.set_weights(model.get_weights())
    files.save(plain, OUT, "digits")
    save_unfrozen(plain, OUT / "digits_unfrozen")
    scores = np.asarray(plain(digits.unseen, training=False))
    assert np.abs(run_unfrozen(OUT / "digits_unfrozen", digits.unseen) - scores).max() < 1e-5
    save_samples(digits)
    np.savez_compressed(OUT / "digits.npz", **files.outputs_of(plain, [digits.unseen[:32]]))
    right = np.mean(scores.argmax(-1) == digits.unseen_labels)
    size = sum(p.stat().st_size for p in OUT.rglob("*") if p.is_file() and "mobilenet" not in p.name)
    print(f"{plain.count_params()} parameters, {right:.1%} of {len(scores)} unseen digits right,",
          f"{size} bytes in all")
    assert right > 0.97 and size < 700_000


if __name__ == "__main__":
    main()
