#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/quantize/residuals*: a small network of inverted residuals, and TensorFlow's int8 file of it.

  tools/make_residuals_fixture.py [FOLDER]

residuals.tflite the float network, residuals_int8.tflite what TensorFlow's converter makes of it with the
pictures in residuals.npz (bytes; the network takes them from -1 to 1). Needs the wheels of
tools/requirements.txt.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import numpy as np
import tensorflow as tf
import training_files as files

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIDE, PICTURES = 32, 8


def block(x, channels, stride, name):
    """Expand, depthwise, project; added to x where the shapes are equal."""
    layers, before = tf.keras.layers, x
    x = layers.Conv2D(4 * x.shape[-1], 1, use_bias=False, name=f"{name}_expand")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = layers.BatchNormalization()(x)
    return layers.Add(name=f"{name}_add")([before, x]) if before.shape == x.shape else x


def network():
    layers = tf.keras.layers
    picture = tf.keras.Input((SIDE, SIDE, 3), name="picture")
    x = layers.Conv2D(8, 3, 2, "same", use_bias=False)(picture)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for i, (channels, stride) in enumerate([(8, 1), (12, 2), (12, 1), (12, 1), (16, 2)]):
        x = block(x, channels, stride, f"block{i}")
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(picture, layers.Dense(10, activation="softmax")(x))


def pictures():
    rng = np.random.default_rng(3)
    smooth = tf.image.resize(rng.uniform(0, 255, (PICTURES, 5, 5, 3)), (SIDE, SIDE), "bilinear").numpy()
    return np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests" / "data" / "quantize"
    folder.mkdir(parents=True, exist_ok=True)
    tf.keras.utils.set_random_seed(1)
    model, taken = network(), pictures()
    arrays = np.float32(taken) / np.float32(127.5) - 1
    files.randomize(model, [arrays], 2)
    np.savez_compressed(folder / "residuals.npz", pictures=taken)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (folder / "residuals.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([p] for p in np.split(arrays, len(arrays)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (folder / "residuals_int8.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
