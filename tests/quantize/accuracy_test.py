# SPDX-License-Identifier: Apache-2.0
"""Networks trained on digits and on shapes, quantized: what they still get right of what they never saw.

Right digits and pixels and errors of the outputs are counted here from what `cygnet run` wrote;
script/quantization_accuracy has to come to the same.
"""
import functools
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
SCRIPT = SOURCE / "script" / "quantization_accuracy"
DIGITS = SOURCE / "examples" / "digits_training"
SHAPES = SOURCE / "examples" / "shapes_segmentation.tflite"
SCENES = SOURCE / "examples" / "shapes_scenes"
CALIBRATION, TEST = DIGITS / "digits_calibration.npz", DIGITS / "digits_test.npz"
LABELS = np.load(DIGITS / "digits_test_labels.npy")
NETWORKS = ("digits", "digits_mobilenet")
# Mode: the share of the digits that it may get wrong more than the float network, the least SQNR of
# the outputs in dB.
MODES = {"int8": (0.005, 35), "int16x8": (0.001, 40), "float16": (0.001, 65), "dynamic": (0.005, 45),
         "int4": (0.01, 22)}
TIMEOUT_S = 120


def cygnet(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(model, inputs, out):
    """The only output of a model."""
    cygnet("run", model, "--inputs", inputs, "--outputs", out)
    with np.load(out) as arrays:
        (result,) = arrays.values()
    return result


def mean_iou(scores):
    """Over the classes: intersection over union of all pixels; scores: [N, 64, 64, 4]."""
    wanted = np.stack([np.asarray(Image.open(p)) for p in sorted((SCENES / "masks").glob("*.png"))])
    named = scores.argmax(-1)
    return np.mean([np.sum((named == k) & (wanted == k)) / np.sum((named == k) | (wanted == k))
                    for k in range(scores.shape[-1])])


@pytest.fixture(scope="module", name="model")
def make_model(tmp_path_factory):
    """model(NETWORK, MODE): the file; MODE "float": unquantized."""
    folder = tmp_path_factory.mktemp("accuracy")

    @functools.cache
    def make(network, mode):
        model = folder / f"{network}_{mode}.tflite"
        if mode == "float":
            cygnet("convert", DIGITS / f"{network}.pb", "-o", model)
        else:
            cygnet("quantize", DIGITS / f"{network}.pb", "-o", model, "--mode", mode, "--data", CALIBRATION)
        return model
    return make


@pytest.fixture(scope="module", name="scores")
def make_scores(model):
    """scores(NETWORK, MODE): the probabilities [N, 10] of the unseen digits."""
    @functools.cache
    def scores(network, mode):
        path = model(network, mode)
        return run(path, TEST, path.with_suffix(".npz"))
    return scores


@pytest.fixture(scope="module", name="pixels")
def make_pixels(tmp_path_factory):
    """{MODE: [N, 64, 64, 4]}: the shares of classes in the unseen scenes, float and int8."""
    folder = tmp_path_factory.mktemp("pixels")
    models = {"float": SHAPES, "int8": folder / "int8.tflite"}
    cygnet("quantize", SHAPES, "-o", models["int8"], "--data", SCENES / "calibration")
    shares = {mode: [] for mode in models}
    for picture in sorted((SCENES / "test").glob("*.jpg")):
        value = np.asarray(Image.open(picture), np.float32)[None] / np.float32(127.5) - 1
        np.savez(folder / "scene.npz", image=value)
        for mode, model in models.items():
            shares[mode].append(run(model, folder / "scene.npz", folder / "out.npz"))
    return {mode: np.concatenate(parts) for mode, parts in shares.items()}


def right(scores):
    return int(np.sum(scores.argmax(-1) == LABELS))


def test_calibration_digits_are_not_test_digits():
    rows = [np.load(path)["image"].reshape(-1, 64) for path in (CALIBRATION, TEST)]
    assert rows[0].shape[0] == 200 and rows[1].shape[0] == len(LABELS)
    assert not (rows[0][:, None] == rows[1][None]).all(-1).any()


@pytest.mark.parametrize("network", NETWORKS)
def test_float_network_is_good(scores, network):
    assert right(scores(network, "float")) > 0.98 * len(LABELS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("network", NETWORKS)
def test_quantized_network_is_nearly_as_good(scores, network, mode):
    drop, least_db = MODES[mode]
    wanted, got = (scores(network, m).astype(np.float64) for m in ("float", mode))
    assert right(got) >= right(wanted) - drop * len(LABELS)
    sqnr = 10 * np.log10(np.sum(wanted ** 2) / np.sum((got - wanted) ** 2))
    assert sqnr >= least_db


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("network", NETWORKS)
def test_litert_names_the_same_digits(model, scores, network, mode):
    interpreter = Interpreter(str(model(network, mode)), num_threads=1)
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    pictures = np.load(TEST)["image"]
    interpreter.resize_tensor_input(source["index"], pictures.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], pictures)
    interpreter.invoke()
    named = interpreter.get_tensor(result["index"]).argmax(-1)
    assert np.mean(named == scores(network, mode).argmax(-1)) > 0.99


def test_quantized_segmentation_names_the_same_pixels(pixels):
    wanted, got = pixels["float"], pixels["int8"]
    assert np.mean(wanted.argmax(-1) == got.argmax(-1)) > 0.99
    assert mean_iou(got) > mean_iou(wanted) - 0.01 > 0.75


def run_script(program, folder):
    return subprocess.run([SCRIPT, program, folder], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


def test_script_counts_the_same(scores, pixels, tmp_path):
    done = run_script(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [line[:2] for line in lines] == [[n, m] for n in (*NETWORKS, SHAPES.stem)
                                            for m in ("float", *MODES)]
    for line in lines:
        network, mode, size, _, count, _, rows = line[:7]
        if network == SHAPES.stem:
            if mode in pixels:
                assert abs(float(rows) - 100 * mean_iou(pixels[mode])) < 0.06
            continue
        assert int(size) == (tmp_path / f"{network}_{mode}.tflite").stat().st_size
        assert (int(count), int(rows)) == (right(scores(network, mode)), len(LABELS))


def test_script_fails_when_too_few_are_right(tmp_path):
    """Ranges of activations that were found on much darker digits cut off what other digits need."""
    dark = tmp_path / "dark.npz"
    np.savez(dark, image=np.load(CALIBRATION)["image"] * np.float32(0.1))
    program = tmp_path / "cygnet"
    program.write_text("#!/bin/sh\n"
                       "for word; do\n"
                       "  shift\n"
                       f'  case $word in *digits_calibration.npz) word="{dark}" ;; esac\n'
                       '  set -- "$@" "$word"\n'
                       "done\n"
                       f'exec "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    done = run_script(program, tmp_path)
    assert done.returncode == 1, done.stdout
    assert re.search(r"too few right: digits int8", done.stderr.strip())
