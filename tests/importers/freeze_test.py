# SPDX-License-Identifier: Apache-2.0
"""`cygnet freeze`: the frozen graph gives what was recorded of its source, converted by Cygnet and, where it is
installed, run by TensorFlow; nothing is left of variables and training."""
import json
import os
import pathlib
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get("CYGNET_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data" / "convert"
DIGITS = SOURCE / "examples" / "digits_training"
SOURCES = (sorted(DATA.glob("*.saved_model")) + sorted(DATA.glob("*.pb")) + sorted(DIGITS.glob("*.saved_model"))
           + sorted(DIGITS.glob("*.meta")))
GONE = ("VarHandleOp", "ReadVariableOp", "VariableV2", "AssignVariableOp", "SaveV2", "RestoreV2", "PartitionedCall",
        "StatefulPartitionedCall")


def call(*words):
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True, timeout=120)


def freeze(source, target, *flags):
    done = call("freeze", source, "-o", target, "--json", *flags)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def record_of(source):
    own = source.with_suffix(".npz")
    return own if own.exists() else source.parent / (source.name.split("_")[0].split(".")[0] + ".npz")


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.name)
def test_converts_like_its_source(source, tmp_path):
    frozen = tmp_path / "frozen.pb"
    made = freeze(source, frozen)
    content = frozen.read_bytes()
    for op in GONE:  # as the field "op" of a node
        assert bytes([0x12, len(op)]) + op.encode() + b"\x1a" not in content, op
    assert made["outputs"]
    recorded = record_of(source)
    inputs = [flag for name in made["inputs"] for flag in ("--inputs", name)]
    verify = ["--verify", recorded]
    if "no array 'out:" in call("convert", source, "-o", tmp_path / "out.tflite", *verify).stderr:
        verify = []  # an output that is an input goes by the input's name
    done = call("convert", frozen, "-o", tmp_path / "out.tflite", "--outputs", ",".join(made["outputs"]),
                *inputs, *verify)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.name)
def test_runs_in_tensorflow(source, tmp_path):
    tf = pytest.importorskip("tensorflow", minversion="2")  # the folder of that name has no version
    import numpy as np
    frozen = tmp_path / "frozen.pb"
    made = freeze(source, frozen)
    graph_def = tf.compat.v1.GraphDef.FromString(frozen.read_bytes())
    with np.load(record_of(source)) as archive:
        arrays = dict(archive)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        got = session.run([f"{name}:0" for name in made["outputs"]],
                          {f"{name}:0": arrays[f"in:{name}"] for name in made["inputs"] if f"in:{name}" in arrays})
    for name, value in zip(made["outputs"], got):
        want = arrays[f"out:{name}"]
        assert value.shape == want.shape, name
        want, value = want.astype(np.float64), value.astype(np.float64)
        assert np.abs(value - want).max() <= 1e-5 * max(1e-6, np.ptp(want)), name


def test_chosen_outputs(tmp_path):
    frozen = tmp_path / "frozen.pb"
    made = freeze(DATA / "unet.pb" if (DATA / "unet.pb").exists() else DATA / "portrait.pb", frozen,
                  "--output-nodes", "output_0")
    assert made["outputs"] == ["output_0"] and made["variables"] == 0


def test_refuses(tmp_path):
    target = tmp_path / "frozen.pb"
    target.write_text("old")
    done = call("freeze", DATA / "attention.keras", "-o", target)
    assert done.returncode == 1 and "expected a SavedModel folder" in done.stderr
    done = call("freeze", DATA / "portrait.pb", "-o", target, "--output-nodes", "nowhere")
    assert done.returncode == 1 and "there is no node 'nowhere'" in done.stderr
    assert target.read_text() == "old"
