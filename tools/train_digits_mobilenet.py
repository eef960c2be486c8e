#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a small network in the manner of MobileNetV2 on scikit-learn's digits.

  tools/train_digits_mobilenet.py

Needs the wheels of tools/requirements.txt. Writes examples/digits_training/digits_mobilenet.pb, a frozen
GraphDef. The data, and what the network takes and gives, are those of tools/train_digits.py.

Inverted residuals (Sandler et al., 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
table 2) for pictures of 8×8: expansion by 4, two halvings of the resolution.
"""
import training_files as files
from train_digits import OUT, L, load_digits, train

import numpy as np
import tensorflow as tf

# (expansion, channels, repeats, stride of the first)
BLOCKS = ((1, 16, 1, 1), (4, 16, 2, 1), (4, 24, 2, 2), (4, 32, 2, 2))
LAST_CHANNELS = 128


def normalized(x, name, relu=True):
    x = L.BatchNormalization(momentum=0.95, name=name + "_bn")(x)
    return L.ReLU(6.0, name=name + "_relu")(x) if relu else x


def inverted_residual(x, expansion, channels, stride, name):
    """1×1 to `expansion` times the channels, depthwise 3×3, linear 1×1; added to x where shapes agree."""
    skip, before = x, x.shape[-1]
    if expansion > 1:
        x = L.Conv2D(before * expansion, 1, use_bias=False, name=name + "_expand")(x)
        x = normalized(x, name + "_expand")
    x = L.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=name + "_depthwise")(x)
    x = normalized(x, name + "_depthwise")
    x = L.Conv2D(channels, 1, use_bias=False, name=name + "_project")(x)
    x = normalized(x, name + "_project", relu=False)
    return L.Add(name=name + "_add")([skip, x]) if stride == 1 and before == channels else x


def network():
    x = inputs = L.Input((8, 8, 1), name="image")
    x = L.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(x)
    x = normalized(x, "stem")
    count = 0
    for expansion, channels, repeats, stride in BLOCKS:
        for i in range(repeats):
            count += 1
            x = inverted_residual(x, expansion, channels, stride if i == 0 else 1, f"block{count}")
    x = normalized(L.Conv2D(LAST_CHANNELS, 1, use_bias=False, name="last")(x), "last")
    x = L.GlobalAveragePooling2D(name="pool")(x)
    x = L.Dropout(0.2, name="dropout")(x)
    x = L.Dense(10, activation="softmax", name="scores")(x)
    return tf.keras.Model(inputs, x, name="digits_mobilenet")


def main():
    tf.keras.utils.set_random_seed(3)
    tf.config.experimental.enable_op_determinism()
    digits = load_digits()
    model = network()
    train(model, digits.training, digits.training_labels)
    files.save(model, OUT, "digits_mobilenet", kinds=("pb",))
    scores = np.asarray(model(digits.unseen, training=False))
    right = np.mean(scores.argmax(-1) == digits.unseen_labels)
    size = (OUT / "digits_mobilenet.pb").stat().st_size
    print(f"{model.count_params()} parameters, {right:.1%} of {len(scores)} unseen digits right,",
          f"{size} bytes")
    assert right > 0.98 and size < 400_000


if __name__ == "__main__":
    main()
