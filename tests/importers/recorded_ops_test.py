# SPDX-License-Identifier: Apache-2.0
"""TensorFlow operators give what TensorFlow computed: graphs and values of tests/data/tensorflow_ops.zip, which
tensorflow_ops_test.py --record writes. Also what convert says of operators that it does not know."""
import os
import pathlib
import subprocess
import zipfile

import pytest

SOURCE = pathlib.Path(os.environ.get("CYGNET_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
RECORDED = SOURCE / "tests" / "data" / "tensorflow_ops.zip"


def call(*words):
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("optimized", [True, False])
def test_recorded(tmp_path, optimized):
    wrong = {}
    with zipfile.ZipFile(RECORDED) as archive:
        archive.extractall(tmp_path)
        names = sorted(n[:-3] for n in archive.namelist() if n.endswith(".pb"))
    assert len(names) > 200
    for name in names:
        flags = (tmp_path / f"{name}.flags").read_text().split("\n")
        if not optimized:
            flags.append("--no-optimize")
        done = call("convert", tmp_path / f"{name}.pb", "-o", tmp_path / "out.tflite", *flags,
                    "--verify", tmp_path / f"{name}.npz")
        if done.returncode != 0:
            wrong[name] = done.stderr.strip()[-300:]
    assert wrong == {}


# ---- Unknown operators: graphs written by hand, in protobuf's wire format

def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, content):
    """An integer or a length-delimited field."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(name, op, inputs=(), **attributes):
    """attributes: name → the bytes of an AttrValue."""
    body = field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
    return field(1, body + b"".join(field(5, field(1, k) + field(2, v)) for k, v in attributes.items()))


def type_attr(number):
    return field(6, number)


def graph():
    shape = field(7, field(2, field(1, 1)) + field(2, field(1, 4)))
    return (node("x", "Placeholder", dtype=type_attr(1), shape=shape)
            + node("encoder/block/Mystery", "Mystery", ["x"], T=type_attr(1), rate=field(3, 7), mode=field(2, "soft"),
                   sizes=field(1, field(3, 1) + field(3, 300)), open=field(5, 1))
            + node("encoder/block/Mystery_1", "Mystery", ["encoder/block/Mystery:1"], T=type_attr(1))
            + node("head/look_up", "LookupTableFindV2", ["encoder/block/Mystery_1"])
            + node("y", "AddV2", ["encoder/block/Mystery", "head/look_up"], T=type_attr(1)))


def test_names_every_place(tmp_path):
    source = tmp_path / "graph.pb"
    source.write_bytes(graph())
    done = call("convert", source, "-o", tmp_path / "out.tflite")
    assert done.returncode == 1
    assert not (tmp_path / "out.tflite").exists()
    for words in (f"{source}: 2 operators are not supported:\n", "\n  LookupTableFindV2, 1 node (look words up before",
                  "\n    head/look_up in layer head\n", "\n  Mystery, 2 nodes\n",
                  "\n    encoder/block/Mystery, encoder/block/Mystery_1 in layer encoder/block", "(--allow-custom)"):
        assert words in done.stderr or "encoder/block/Mystery_1, encoder/block/Mystery in" in done.stderr, done.stderr


def test_keeps_custom_operators(tmp_path):
    source, model = tmp_path / "graph.pb", tmp_path / "out.tflite"
    source.write_bytes(graph())
    done = call("convert", source, "-o", model, "--allow-custom")
    assert done.returncode == 0, done.stderr
    assert "Mystery is kept as a custom operator" in done.stderr
    content = model.read_bytes()
    # Codes, and the flexbuffer's keys and strings.
    for word in (b"Mystery\0", b"LookupTableFindV2\0", b"rate\0", b"mode\0", b"soft\0", b"sizes\0", b"open\0"):
        assert word in content, word
    listing = call("inspect", model)
    assert "Mystery" in listing.stdout + listing.stderr


def test_stops_before_custom_operators(tmp_path):
    source = tmp_path / "graph.pb"
    source.write_bytes(graph())
    done = call("convert", source, "-o", tmp_path / "out.tflite", "--outputs", "encoder/block/Mystery")
    assert done.returncode == 1
    assert "1 operator is not supported:\n  Mystery, 1 node\n" in done.stderr


def test_custom_operator_without_operands(tmp_path):
    source = tmp_path / "graph.pb"
    source.write_bytes(node("origin", "Origin", dtype=type_attr(1)) + node("y", "Relu", ["origin"], T=type_attr(1)))
    done = call("convert", source, "-o", tmp_path / "out.tflite", "--allow-custom", "--outputs", "y")
    assert done.returncode == 0, done.stderr
