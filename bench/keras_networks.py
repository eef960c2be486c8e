# SPDX-License-Identifier: Apache-2.0
"""Seeded networks of keras.applications with random weights and batch-norm statistics, in four formats.

  bench/keras_networks.py NAME FOLDER | --list
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

import numpy as np
import tensorflow as tf
import training_files as files

# name: (class in keras.applications, input side)
NETWORKS = {
    "mobilenet_v2": ("MobileNetV2", 224),
    "mobilenet_v1": ("MobileNet", 224),
    "mobilenet_v3_small": ("MobileNetV3Small", 224),
    "efficientnet_b0": ("EfficientNetB0", 224),
    "resnet50": ("ResNet50", 224),
    "nasnet_mobile": ("NASNetMobile", 224),
    "convnext_tiny": ("ConvNeXtTiny", 224),
    "densenet121": ("DenseNet121", 224),
    "mobilenet_v3_large": ("MobileNetV3Large", 224),
    "efficientnet_v2b0": ("EfficientNetV2B0", 224),
    "resnet50_v2": ("ResNet50V2", 224),
    "inception_v3": ("InceptionV3", 299),
    "xception": ("Xception", 299),
    "inception_resnet_v2": ("InceptionResNetV2", 299),
    "vgg16": ("VGG16", 224),
}


def build(name, number=0, **options):
    """The network, with a classifier whose logits spread, and a recording of one picture.

    `options` go to the network's function.
    """
    kind, side = NETWORKS[name]
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(100 + number)
    model = getattr(tf.keras.applications, kind)(weights=None, input_shape=(side, side, 3), **options)
    pictures = pictures_for(model, 200 + number, 2)
    files.randomize(model, [pictures], 300 + number)
    spread_logits(model, pictures)
    return model, files.outputs_of(model, [pictures[:1]])


def pictures_for(model, seed, count):
    """[count, H, W, 3]: structure at several scales, in the range that the network's own head expects."""
    side = model.input_shape[1]
    rng = np.random.default_rng(seed)
    pictures = sum(np.repeat(np.repeat(rng.uniform(0, 1, (count, -(-side // s), -(-side // s), 3)), s, 1), s, 2)
                   [:, :side, :side] for s in (1, 4, 16, 64)) / 4
    scaled = any(isinstance(l, (tf.keras.layers.Rescaling, tf.keras.layers.Normalization))
                 for l in model.layers)
    return np.float32(pictures * 255 if scaled else pictures * 2 - 1)


def spread_logits(model, pictures):
    """Scales the classifier so that its scores are neither all alike nor a single one."""
    head = model.layers[-1]
    if not head.weights:
        head = next(l for l in reversed(model.layers) if l.weights)
    before = tf.keras.Model(model.inputs, head.input)(pictures, training=False)
    features = np.asarray(before).reshape(len(pictures), -1)[:1]
    kernel = np.asarray(head.kernel)
    scores = features @ kernel.reshape(-1, kernel.shape[-1])
    head.kernel.assign(kernel * (2 / scores.std()))


def make(name, folder):
    """Writes folder/NAME.saved_model, .h5, .keras, .pb and .npz unless all are there."""
    folder = pathlib.Path(folder)
    paths = {kind: folder / f"{name}.{kind}" for kind in files.SAVERS}
    record = folder / f"{name}.npz"
    if record.exists() and all(p.exists() for p in paths.values()):
        return paths, record
    folder.mkdir(parents=True, exist_ok=True)
    model, values = build(name, list(NETWORKS).index(name))
    files.save(model, folder, name)
    np.savez(record, **values)
    scores = values["out:output_0"]
    print(json.dumps({"name": name, "range": [float(scores.min()), float(scores.max())],
                      "sum": float(scores.sum())}))
    return paths, record


if __name__ == "__main__" and sys.argv[1] == "--list":
    print(*NETWORKS)
elif __name__ == "__main__":
    make(sys.argv[1], sys.argv[2])
