# SPDX-License-Identifier: Apache-2.0
"""`cygnet quantize`: what it refuses, and networks with nothing to find a range of."""
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "quantize"))
from networks import Net

BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data"
CONVNET = DATA / "float_convnet.tflite"  # image [1,16,16,3]
MODES = ("int8", "int16x8", "dynamic", "int4", "float16")


def call(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def refused(folder, *arguments, words):
    """Exit code 1, one message with these words, and nothing written."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = call("quantize", *arguments)
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.startswith("cygnet: ") and result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.fixture
def samples(tmp_path):
    path = tmp_path / "samples.npy"
    np.save(path, np.float32(np.random.default_rng(1).uniform(-1, 1, (4, 16, 16, 3))))
    return path


def made(folder, make, shape=(1, 4, 4, 3), values=None):
    """(file of a network of one input, file of samples)."""
    net = Net(5)
    model, data = folder / "float.tflite", folder / "data.npy"
    x = net.input(shape)
    model.write_bytes(net.finish([make(net, x)]))
    rng = np.random.default_rng(2)
    np.save(data, np.float32(rng.uniform(-1, 1, (4, *shape[1:])) if values is None else values))
    return model, data


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_integers_need_samples(tmp_path, mode):
    refused(tmp_path, CONVNET, "-o", tmp_path / "out.tflite", "--mode", mode, words=["needs samples", "--data"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["int8_convnet", "int16x8_convnet"])
def test_a_quantized_network(tmp_path, samples, mode, name):
    refused(tmp_path, DATA / f"{name}.tflite", "-o", tmp_path / "out.tflite", "--mode", mode, "--data", samples,
            words=["quantized already", "scale", "quantize the float network"])


def test_patterns_without_a_match(tmp_path, samples):
    common = [CONVNET, "-o", tmp_path / "out.tflite", "--data", samples]
    refused(tmp_path, *common, "--keep-float", "nothing*", words=["'nothing*'", "cygnet inspect"])
    refused(tmp_path, *common, "--keep-float-ops", "LSTM", words=["has no operator LSTM"])


def test_places_that_cannot_be_written(tmp_path, samples):
    (tmp_path / "taken.tflite").mkdir()
    for out in (tmp_path / "nowhere" / "out.tflite", tmp_path / "taken.tflite"):
        refused(tmp_path, CONVNET, "-o", out, "--data", samples, words=["cannot write", str(out)])
    refused(tmp_path, CONVNET, "-o", tmp_path / "out.tflite", "--data", samples, "--report",
            tmp_path / "nowhere" / "report.json", words=["cannot write"])


def test_types_that_a_mode_has_not(tmp_path, samples):
    for mode, io in (("int8", "int16"), ("int16x8", "int8"), ("dynamic", "int8"), ("float16", "uint8")):
        refused(tmp_path, CONVNET, "-o", tmp_path / "out.tflite", "--mode", mode, "--io", io, "--data", samples,
                words=[f"{mode} has no inputs or outputs of"])


def test_an_existing_file_stays_when_quantizing_fails(tmp_path):
    out = tmp_path / "out.tflite"
    out.write_bytes(b"as it was")
    refused(tmp_path, CONVNET, "-o", out, words=["needs samples"])
    assert out.read_bytes() == b"as it was"


@pytest.mark.parametrize("kind, what", [("LOG", "NaN"), ("EXP", "infinite values")])
def test_the_layer_that_gives_no_finite_numbers_is_named(tmp_path, kind, what):
    values = np.full((3, 4, 4, 3), 0.5)
    values[1, 0, 0, 0] = -1 if kind == "LOG" else 200
    model, data = made(tmp_path, lambda n, x: n.conv(n.same(kind, x), 2), values=values)
    refused(tmp_path, model, "-o", tmp_path / "out.tflite", "--data", data,
            words=["sample 1", "operator 0", kind, what])


def constant_sums(net, x):
    """A layer whose weights are all 0: its results are its bias."""
    layer = net.op("CONV_2D", [x, net.constant(np.zeros((2, 1, 1, 3))), net.constant([0.25, -3.0])], (4, 4, 4, 2),
                   "Conv2DOptions", padding=1, strideH=1, strideW=1)
    return net.pair("ADD", layer, net.floats(1, 1, 1, 2), "AddOptions")


def zero_channels(net, x):
    """A layer of which one channel has weights of 0 and a bias, another has neither."""
    weights = np.random.default_rng(3).uniform(-1, 1, (4, 1, 1, 3))
    weights[1:3] = 0
    return net.op("CONV_2D", [x, net.constant(weights), net.constant([0.1, 0.7, 0, -0.2])], (4, 4, 4, 4),
                  "Conv2DOptions", padding=1, strideH=1, strideW=1)


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
@pytest.mark.parametrize("make", [constant_sums, zero_channels, lambda n, x: n.conv(n.same("TANH", x), 3)])
@pytest.mark.parametrize("zeros", [False, True])
def test_constant_activations_and_channels_of_zeros(tmp_path, mode, make, zeros):
    """The result is close to the float network's, in both engines."""
    model, data = made(tmp_path, make, (4, 4, 4, 3), np.zeros((4, 4, 4, 4, 3)) if zeros else
                       np.random.default_rng(4).uniform(-1, 1, (4, 4, 4, 4, 3)))
    out = tmp_path / "out.tflite"
    result = call("quantize", model, "-o", out, "--mode", mode, "--data", data)
    assert result.returncode == 0, result.stderr
    arrays = np.load(data)
    wanted = [run_float(model, array) for array in arrays]
    scale = max(float(np.abs(wanted).max()), 1e-3)
    for got in run_both(out, arrays):
        assert np.isfinite(got).all()
        assert np.abs(got - np.stack(wanted)).max() < scale / 40


def run_float(model, array):
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy()


def run_both(model, arrays):
    """[N, ...] by LiteRT and by cygnet."""
    ours = []
    for array in arrays:
        np.save(model.with_suffix(".in.npy"), array)
        result = call("run", model, "--inputs", model.with_suffix(".in.npy"), "--outputs", model.with_suffix(".npy"))
        assert result.returncode == 0, result.stderr
        ours.append(np.load(model.with_suffix(".npy")))
    return np.stack([run_float(model, array) for array in arrays]), np.stack(ours)
