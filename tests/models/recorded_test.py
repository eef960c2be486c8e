# SPDX-License-Identifier: Apache-2.0
"""Every model that has recorded outputs gives them: LiteRT's reference kernels are the oracle.

The models are those of tests/data and examples, and of the shared folder where it is beside the
checkout. With --reference (plain loops) integers are within 1 step everywhere and exact in 99.9 % of
the elements, class numbers equal in 99.9 %, floats within 1e-4 of the output's range. The fast
kernels requantize in float, so there the whole network is compared with how far LiteRT's own fast
path (XNNPACK) is off in the same comparison.
"""
import os
import pathlib
import subprocess

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
SHARED = pathlib.Path(os.environ.get("CYGNET_SHARED_DIR", SOURCE.parent / "shared"))
FOLDERS = (SOURCE / "tests" / "data", SOURCE / "examples", SHARED / "models")

EXACT_SHARE = 0.999
FLOAT_TOLERANCE = 1e-4  # of the output's range
INT16_STEPS = 2  # of 65,536
# Floats that are computed from integer tensors move by whole steps of those.
WIDER = {"movenet_single_pose_lightning_ptq": 0.01, "int8_keypoints": 0.02}


def recordings():
    """(recording, model, signature or None) of everything recorded."""
    found = []
    for recording in (path for folder in FOLDERS for path in sorted(folder.glob("*.npz"))):
        model, _, signature = recording.stem.partition(".")
        path = recording.with_name(model + ".tflite")
        if path.exists():
            found.append(pytest.param(recording, path, signature or None, id=recording.stem))
    return found


def split(recording):
    """The recorded inputs and outputs by their names."""
    arrays = np.load(recording)
    return tuple({key[len(mark):]: arrays[key] for key in arrays.files if key.startswith(mark)}
                 for mark in ("in:", "out:"))


def run(model, inputs, folder, *options):
    """Outputs of the program, by name."""
    np.savez(folder / "in.npz", **inputs)
    command = [BUILD / "cli" / "cygnet", "run", model, "--inputs", folder / "in.npz", "--outputs",
               folder / "out.npz", *options]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300,
                            check=False)
    assert result.returncode == 0, result.stderr
    arrays = np.load(folder / "out.npz")
    return {key: arrays[key] for key in arrays.files}


def run_litert(model, inputs, signature):
    """Outputs of LiteRT's default path, by name."""
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    signatures = interpreter.get_signature_list()
    signature = signature or next(iter(signatures), None)
    if signature and sorted(signatures[signature]["inputs"]) == sorted(inputs):
        return interpreter.get_signature_runner(signature)(**inputs)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], inputs[detail["name"]])
    interpreter.invoke()
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()}


def options_for(signature):
    return ("--signature", signature) if signature else ()


def distance(got, expected):
    """Mean distance, in steps for integers and in output ranges for floats."""
    difference = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    if expected.dtype.kind == "f":
        return difference.mean() / max(np.ptp(expected), 1e-6)
    return difference.mean()


def check_names(got, expected):
    """Names, shapes and types agree. A lone output may be recorded under its tensor's name."""
    if len(got) == 1 and len(expected) == 1:
        got[next(iter(expected))] = got.pop(next(iter(got)))
    assert sorted(got) == sorted(expected)
    for name, value in expected.items():
        assert got[name].shape == value.shape, name
        assert got[name].dtype == value.dtype, name


@pytest.mark.parametrize("recording, model, signature", recordings())
def test_plain_loops_give_the_recorded_outputs(recording, model, signature, tmp_path):
    inputs, expected = split(recording)
    got = run(model, inputs, tmp_path, "--reference", *options_for(signature))
    check_names(got, expected)
    for name, value in expected.items():
        if value.dtype.kind == "f":
            bound = WIDER.get(model.stem, FLOAT_TOLERANCE * max(np.ptp(value), 1e-6))
            assert np.abs(got[name] - value).max() <= bound, name
            continue
        difference = np.abs(got[name].astype(np.int64) - value.astype(np.int64))
        assert (difference == 0).mean() >= EXACT_SHARE, name
        if value.dtype.itemsize < 4:  # wider ones are class numbers and indices, not quantized
            assert difference.max(initial=0) <= 1, name


@pytest.mark.parametrize("recording, model, signature", recordings())
def test_fast_kernels_are_as_near_as_xnnpack(recording, model, signature, tmp_path):
    inputs, expected = split(recording)
    got = run(model, inputs, tmp_path, *options_for(signature))
    check_names(got, expected)
    if model.stem == "transpose_bias":  # LiteRT lacks that operator
        theirs = dict(expected)
    else:
        theirs = run_litert(model, inputs, signature)
    check_names(theirs, expected)
    for name, value in expected.items():
        if value.dtype == np.int16:  # XNNPACK has none: LiteRT runs its reference kernels here too
            difference = np.abs(got[name].astype(np.int64) - value.astype(np.int64))
            assert difference.max() <= INT16_STEPS, name
            continue
        floor = FLOAT_TOLERANCE if value.dtype.kind == "f" else 1 - EXACT_SHARE
        assert distance(got[name], value) <= max(distance(theirs[name], value), floor), name


@pytest.mark.parametrize("recording, model, signature", recordings())
def test_threads_do_not_change_the_bits(recording, model, signature, tmp_path):
    inputs, _ = split(recording)
    options = options_for(signature)
    one = run(model, inputs, tmp_path, *options)
    three = run(model, inputs, tmp_path, "--threads", "3", *options)
    for name, value in one.items():
        assert value.tobytes() == three[name].tobytes(), name


@pytest.mark.parametrize("recording, model, signature", recordings())
def test_a_weights_cache_does_not_change_the_bits(recording, model, signature, tmp_path):
    inputs, _ = split(recording)
    options = options_for(signature)
    cache = tmp_path / "weights"
    plain = run(model, inputs, tmp_path, *options)
    written = run(model, inputs, tmp_path, "--weights-cache", cache, *options)
    file = cache.read_bytes() if cache.exists() else None
    read = run(model, inputs, tmp_path, "--weights-cache", cache, *options)
    for name, value in plain.items():
        assert value.tobytes() == written[name].tobytes(), name
        assert value.tobytes() == read[name].tobytes(), name
    assert (cache.read_bytes() if cache.exists() else None) == file  # complete after the first run
