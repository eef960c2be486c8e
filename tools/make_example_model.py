#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_example_model.py [--only digits|shapes|scenes]: trains the networks that script/demo shows.

Writes to examples/, in about six minutes on two cores:
  digits_int8.tflite   handwritten digits, int8 throughout, x: [1, 28, 28, 1] grey, 10 classes
  shapes_segmentation.tflite   float32 U-Net, x: [1, 64, 64, 3] in -1..1, 4 classes a pixel
each with labels, a picture and outputs recorded from LiteRT's reference kernels; and
  shapes_scenes/calibration, test   scenes that training did not see, for quantization
  shapes_scenes/masks               the class of each pixel of those in test

The digits are scikit-learn's bundled copy of the "Optical Recognition of Handwritten Digits" data set
(E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0); the picture shows one that
training did not see. The shapes are drawn by this script. Needs the wheels of tools/requirements.txt.
"""
import argparse
import os
import pathlib

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # trains several times faster

import model_making as mm
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFilter

L = tf.keras.layers
OUT = pathlib.Path(__file__).resolve().parent.parent / "examples"
DIGIT_SIDE, SHAPE_SIDE = 28, 64
SCENES = 32
SHAPES = ["background", "disc", "box", "triangle"]


def paper(rng, size, bright):
    """An unevenly lit sheet: float grey values [size, size]."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    light = bright + rng.uniform(-40, 40) * x + rng.uniform(-40, 40) * y
    return light + rng.normal(0, rng.uniform(1, 6), (size, size))


def write_digit(rng, digit, size):
    """One 8x8 digit as ink on paper: uint8 [size, size], shifted, turned and scaled at random."""
    framed = np.pad(digit * 255 / 16, 1).astype(np.uint8)
    sheet = Image.new("L", (192, 192), 0)
    sheet.paste(Image.fromarray(framed).resize((120, 120), Image.BICUBIC), (36, 36))
    sheet = sheet.rotate(rng.uniform(-14, 14), Image.BICUBIC)
    half = 96 / rng.uniform(1.12, 1.7)
    cx, cy = 96 + rng.uniform(-8, 8), 96 + rng.uniform(-8, 8)
    box = (cx - half, cy - half, cx + half, cy + half)
    ink = np.asarray(sheet.resize((size, size), Image.BICUBIC, box=box), np.float32) / 255
    ink = np.clip(ink * 1.5 - 0.15, 0, 1)
    grey = paper(rng, size, rng.uniform(170, 240)) * (1 - ink) + rng.uniform(0, 70) * ink
    return np.clip(grey, 0, 255).astype(np.uint8)


def digit_net():
    x = inputs = L.Input((DIGIT_SIDE, DIGIT_SIDE, 1), batch_size=None, name="image")

    def block(x, channels, stride):
        x = L.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = L.ReLU(6.0)(L.BatchNormalization()(x))
        x = L.Conv2D(channels, 1, use_bias=False)(x)
        return L.ReLU(6.0)(L.BatchNormalization()(x))
    x = L.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    x = block(x, 32, 1)
    x = block(x, 48, 2)
    x = L.Add()([x, block(x, 48, 1)])
    x = block(x, 64, 2)
    x = L.Dense(10, activation="softmax", name="scores")(L.GlobalAveragePooling2D()(x))
    return tf.keras.Model(inputs, x)


def fit(model, x, y, epochs, batch=64):
    """Trains with a learning rate that falls as a cosine."""
    steps = epochs * (len(x) // batch)
    rate = tf.keras.optimizers.schedules.CosineDecay(4e-3, steps)
    model.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def fixed_batch(model, shape):
    """The same network for one picture at a time, which gives the file static shapes."""
    inputs = L.Input(shape, batch_size=1, name="image")
    return tf.keras.Model(inputs, model(inputs))


def to_unit(pictures):
    return np.asarray(pictures, np.float32) / 127.5 - 1


def accuracy(path, pictures, labels):
    """Share of pictures whose best class is right, by LiteRT on the int8 model."""
    interpreter = mm.open_reference(path)
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    right = 0
    for picture, label in zip(pictures, labels):
        value = (picture.astype(np.int16) - 128).astype(np.int8).reshape(source["shape"])
        interpreter.set_tensor(source["index"], value)
        interpreter.invoke()
        right += interpreter.get_tensor(result["index"]).argmax() == label
    return right / len(labels)


def make_digits():
    from sklearn.datasets import load_digits
    data = load_digits()
    train = 1500
    mm.seed(11)
    rng = np.random.default_rng(11)
    copies = [(write_digit(rng, d, DIGIT_SIDE), t) for _ in range(8)
              for d, t in zip(data.images[:train], data.target[:train])]
    x = to_unit([c[0] for c in copies])[..., None]
    y = np.array([c[1] for c in copies])
    model = digit_net()
    fit(model, x, y, 12)
    test = [write_digit(rng, d, DIGIT_SIDE) for d in data.images[train:]]
    samples = [[x[i:i + 1]] for i in range(0, 2000, 10)] + [[np.full_like(x[:1], v)] for v in (-1, 1)]
    path = OUT / "digits_int8.tflite"
    path.write_bytes(mm.convert(fixed_batch(model, x.shape[1:]), "int8", samples, tf.int8))
    print(f"{path.name}: {path.stat().st_size} bytes,",
          f"{accuracy(path, test, data.target[train:]):.1%} of {len(test)} unseen digits right")
    (OUT / "digits_labels.txt").write_text(
        "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n")
    chosen = train + int(np.flatnonzero(data.target[train:] == 7)[3])
    picture = write_digit(np.random.default_rng(5), data.images[chosen], 168)
    tint = np.stack([picture, picture * 0.97 + 4, picture * 0.86 + 22], axis=-1)
    Image.fromarray(np.clip(tint, 0, 255).astype(np.uint8)).save(OUT / "digit.png", optimize=True)
    mm.record(path, {"image": (test[0].astype(np.int16) - 128).astype(np.int8)[None, ..., None]})


def corners(rng, kind, cx, cy, radius):
    """The corners of a box or triangle around a centre, turned at random."""
    count = {2: 4, 3: 3}[kind]
    start = rng.uniform(0, 2 * np.pi)
    return [(cx + radius * np.cos(start + 2 * np.pi * i / count),
             cy + radius * np.sin(start + 2 * np.pi * i / count)) for i in range(count)]


def bold_color(rng, ground):
    """A colour that stands out from the ground's."""
    while True:
        color = rng.integers(0, 256, 3)
        if np.abs(color - ground).max() > 70:
            return tuple(int(v) for v in color)


def draw_scene(rng, size):
    """Shapes on an uneven ground: uint8 picture [size, size, 3] and classes uint8 [size, size]."""
    scale = 3
    big = size * scale
    ground = np.stack([paper(rng, size, rng.uniform(60, 200)) for _ in range(3)], axis=-1)
    picture = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).resize((big, big))
    classes = Image.new("L", (big, big), 0)
    pens = ImageDraw.Draw(picture), ImageDraw.Draw(classes)
    for _ in range(rng.integers(1, 4)):
        kind = int(rng.integers(1, 4))
        radius = rng.uniform(0.16, 0.3) * big
        cx, cy = rng.uniform(0.2, 0.8, 2) * big
        fill = bold_color(rng, ground.mean(axis=(0, 1)))
        for pen, color in zip(pens, (fill, kind)):
            if kind == 1:
                pen.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=color)
        if kind != 1:
            shape = corners(rng, kind, cx, cy, radius)
            pens[0].polygon(shape, fill=fill)
            pens[1].polygon(shape, fill=kind)
    picture = picture.resize((size, size), Image.LANCZOS)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.012) * size))
    noisy = np.asarray(picture, np.float32) + rng.normal(0, rng.uniform(0, 8), (size, size, 3))
    return (np.clip(noisy, 0, 255).astype(np.uint8),
            np.asarray(classes.resize((size, size), Image.NEAREST)))


def shape_net():
    x = inputs = L.Input((SHAPE_SIDE, SHAPE_SIDE, 3), name="image")

    def block(x, channels, stride=1):
        x = L.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = L.Conv2D(channels, 1, use_bias=False)(L.BatchNormalization()(x))
        return L.ReLU(6.0)(L.BatchNormalization()(x))
    x = L.Conv2D(12, 3, strides=2, padding="same", activation="relu6")(x)
    half = block(x, 16)
    quarter = block(block(half, 32, 2), 32)
    eighth = block(block(quarter, 40, 2), 40)
    x = block(block(eighth, 48, 2), 48)
    for skip, channels in ((eighth, 40), (quarter, 24), (half, 16)):
        x = L.Concatenate()([L.UpSampling2D(2, interpolation="bilinear")(x), skip])
        x = block(x, channels)
    x = L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(len(SHAPES), 1)(x))
    return tf.keras.Model(inputs, L.Softmax(name="classes")(x))


def varied_scene(size):
    """The first scene in which each class fills a good part and none covers another."""
    for number in range(1000, 3000):
        picture, classes = draw_scene(np.random.default_rng(number), size)
        pairs = np.concatenate([
            np.stack([classes[1:].ravel(), classes[:-1].ravel()]),
            np.stack([classes[:, 1:].ravel(), classes[:, :-1].ravel()])], axis=1)
        touching = (pairs[0] != pairs[1]) & (pairs.min(axis=0) > 0)
        share = np.bincount(classes.ravel(), minlength=len(SHAPES)) / classes.size
        if share.min() > 0.07 and not touching.any():
            return picture
    raise AssertionError("no such scene")


def make_shapes():
    tf.keras.utils.set_random_seed(12)
    rng = np.random.default_rng(12)
    scenes = [draw_scene(rng, SHAPE_SIDE) for _ in range(4000)]
    x, y = to_unit([s[0] for s in scenes]), np.array([s[1] for s in scenes])
    model = shape_net()
    fit(model, x[200:], y[200:], 28, batch=32)
    right = np.mean(model.predict(x[:200], verbose=0).argmax(-1) == y[:200])
    path = OUT / "shapes_segmentation.tflite"
    path.write_bytes(mm.convert(fixed_batch(model, x.shape[1:])))
    print(f"{path.name}: {path.stat().st_size} bytes, {right:.1%} of the pixels of 200 scenes right")
    (OUT / "shapes_labels.txt").write_text("\n".join(SHAPES) + "\n")
    picture = varied_scene(192)
    Image.fromarray(picture).save(OUT / "shapes.png", optimize=True)
    mm.record(path, {"image": x[:1]})


def save_scenes():
    """Scenes from other seeds than those that were trained on; classes as grey values of PNG files."""
    folder = OUT / "shapes_scenes"
    for name, first in (("calibration", 5000), ("test", 6000)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "masks").mkdir(exist_ok=True)
        for i in range(SCENES):
            picture, classes = draw_scene(np.random.default_rng(first + i), SHAPE_SIDE)
            Image.fromarray(picture).save(folder / name / f"{i:02}.jpg", quality=92, subsampling=0)
            if name == "test":
                Image.fromarray(classes).save(folder / "masks" / f"{i:02}.png", optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("digits", "shapes", "scenes"))
    chosen = parser.parse_args().only
    OUT.mkdir(exist_ok=True)
    if chosen in (None, "digits"):
        make_digits()
    if chosen in (None, "shapes"):
        make_shapes()
    if chosen in (None, "scenes"):
        save_scenes()


if __name__ == "__main__":
    main()
