# SPDX-License-Identifier: Apache-2.0
"""Every recorded training file converts, and the result computes what TensorFlow did, in LiteRT and here.

The files are those of tests/data/convert and examples/digits_training.
"""
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "bench"))
import convert_against_tensorflow as comparison

BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
FORMATS = ("saved_model", "pb", "pbtxt", "h5", "keras")


def recorded():
    """(training file, recording) of everything recorded."""
    digits = SOURCE / "examples" / "digits_training"
    pairs = [(path, npz) for folder in (SOURCE / "tests" / "data" / "convert", digits)
             for npz in sorted(folder.glob("*.npz")) for kind in FORMATS
             if (path := npz.with_suffix("." + kind)).exists()]
    pairs.append((digits / "digits_unfrozen.meta", digits / "digits.npz"))
    return [pytest.param(*pair, id=pair[0].name) for pair in pairs]


def call(*arguments):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          check=False)


def run_here(model, record, folder):
    """The recorded outputs beside those of `cygnet run`: by name where the names agree, else by position."""
    inputs = {k: v for k, v in record.items() if k.startswith("in:")}
    np.savez(folder / "in.npz", **inputs)
    result = call("run", model, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    assert result.returncode == 0, result.stderr
    got = np.load(folder / "out.npz")
    wanted = {k[4:]: v for k, v in record.items() if k.startswith("out:")}
    names = got.files if set(got.files) == set(wanted) else list(wanted)
    return [(wanted[name], got[key]) for name, key in zip(names, got.files, strict=True)]


@pytest.mark.parametrize("source, npz", recorded())
def test_converts(source, npz, tmp_path):
    model = tmp_path / "out.tflite"
    record = dict(np.load(npz))
    options = []
    if source.suffix in (".pb", ".pbtxt"):
        options = ["--outputs", ",".join(k[4:] for k in record if k.startswith("out:"))]
    result = call("convert", source, "-o", model, *options)
    assert result.returncode == 0, result.stderr
    for pairs in (comparison.run_in_litert(model, record), run_here(model, record, tmp_path)):
        assert comparison.difference(pairs) < comparison.TOLERANCE


@pytest.mark.parametrize("name, loops, lstm", [("lstm.saved_model", 0, 2), ("gru.pb", 0, 0), ("gru.h5", 0, 0),
                                               ("bidirectional.pb", 0, 2), ("stacked.keras", 0, 3)])
def test_unrolls(name, loops, lstm, tmp_path):
    """--unroll leaves no loop, and what a pass makes an operator of is no loop."""
    source = SOURCE / "tests" / "data" / "convert" / name
    record = dict(np.load(source.with_suffix(".npz")))
    model = tmp_path / "out.tflite"
    options = ["--outputs", ",".join(k[4:] for k in record if k.startswith("out:"))] if source.suffix == ".pb" else []
    result = call("convert", source, "-o", model, "--unroll", *options)
    assert result.returncode == 0, result.stderr
    counts = comparison.count_operators(comparison.read_model(model))
    assert (counts.get("WHILE", 0), counts.get("UNIDIRECTIONAL_SEQUENCE_LSTM", 0)) == (loops, lstm)
    assert comparison.difference(comparison.run_in_litert(model, record)) < comparison.TOLERANCE
