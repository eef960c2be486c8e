#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/convert/keras2.{h5,keras,npz}: what Keras 2 writes, with the results of TensorFlow.

Needs tf_keras 2.21 beside the wheels of requirements.txt. keras2.npz holds in:INPUT and out:output_i.
"""
import pathlib

import training_files  # noqa: F401: settings of TensorFlow

import numpy as np
import tensorflow as tf
import tf_keras as keras

L = keras.layers
OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "convert"


def network():
    """Functions of TensorFlow, slices, a nested and a shared model, attention, statistics of its own."""
    a, b = L.Input((6, 4), name="a"), L.Input((6, 4), name="b")
    block_in = L.Input((6, 4))
    block = keras.Model(block_in, L.LayerNormalization()(L.Dense(4, activation="hard_sigmoid")(block_in)), name="block")
    tail = keras.Sequential([L.Conv1D(5, 3, padding="causal"), L.BatchNormalization(), L.ReLU(6.0)], name="tail")
    x = block(a) + 2.0 * block(b) - tf.reduce_mean(b, axis=1, keepdims=True)
    y = tail(tf.concat([x, tf.nn.relu(a)[:, ::-1]], axis=-1))
    attended = L.MultiHeadAttention(2, 3, name="attention")(x, b)
    flat = tf.reshape(y[:, 1:, :4], [tf.shape(y)[0], 20]) / 3.0
    return keras.Model([a, b], [L.Dense(3, activation="softmax")(flat), attended,
                                L.Bidirectional(L.GRU(3))(tf.clip_by_value(attended, -1.0, 1.0))])


def main():
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    model = network()
    for variable in model.weights:
        value = rng.normal(0, 0.5, variable.shape)
        variable.assign(np.abs(value) + 0.2 if "variance" in variable.name else value)
    arrays = [rng.uniform(-1, 1, (2, 6, 4)).astype(np.float32) for _ in model.inputs]
    results = model(arrays, training=False)
    np.savez_compressed(OUT / "keras2.npz", **{f"in:{t.name}": v for t, v in zip(model.inputs, arrays)},
                        **{f"out:output_{i}": np.asarray(v) for i, v in enumerate(results)})
    for kind in ("h5", "keras"):
        model.save(OUT / f"keras2.{kind}")


if __name__ == "__main__":
    main()
