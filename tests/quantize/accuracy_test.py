# SPDX-License-Identifier: Apache-2.0
"""Two networks that were trained on digits, quantized: what they still get right of digits they never saw.

Right digits and errors of the outputs are counted here from what `cygnet run` wrote;
script/quantization_accuracy has to come to the same.
"""
import functools
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
SCRIPT = SOURCE / "script" / "quantization_accuracy"
DIGITS = SOURCE / "examples" / "digits_training"
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


@pytest.fixture(scope="module", name="scores")
def make_scores(tmp_path_factory):
    """scores(NETWORK, MODE): the probabilities [N, 10] of the unseen digits; MODE "float": unquantized."""
    folder = tmp_path_factory.mktemp("accuracy")

    @functools.cache
    def scores(network, mode):
        model, out = folder / f"{network}_{mode}.tflite", folder / f"{network}_{mode}.npz"
        if mode == "float":
            cygnet("convert", DIGITS / f"{network}.pb", "-o", model)
        else:
            cygnet("quantize", DIGITS / f"{network}.pb", "-o", model, "--mode", mode, "--data", CALIBRATION)
        cygnet("run", model, "--inputs", TEST, "--outputs", out)
        with np.load(out) as arrays:
            (result,) = arrays.values()
        return result
    return scores


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


def run_script(program, folder):
    return subprocess.run([SCRIPT, program, folder], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


def test_script_counts_the_same(scores, tmp_path):
    done = run_script(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [line[:2] for line in lines] == [[n, m] for n in NETWORKS for m in ("float", *MODES)]
    for line in lines:
        network, mode, size, _, count, _, rows = line[:7]
        assert int(size) == (tmp_path / f"{network}_{mode}.tflite").stat().st_size
        assert (int(count), int(rows)) == (right(scores(network, mode)), len(LABELS))


def test_script_fails_when_too_few_are_right(tmp_path):
    """A program that stores weights in 4 bits loses more than half a per cent."""
    program = tmp_path / "cygnet"
    program.write_text("#!/bin/sh\n"
                       'case "$*" in *"--mode int8"*) set -- "$@" --weights int4 --per-tensor ;; esac\n'
                       f'exec "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    done = run_script(program, tmp_path)
    assert done.returncode == 1, done.stdout
    assert re.search(r"too few right: digits int8", done.stderr.strip())
