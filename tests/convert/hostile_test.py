# SPDX-License-Identifier: Apache-2.0
# ctest: sanitized
"""Broken and hostile training files end in one clear message: no crash, no hang, no memory without bound.

The mutants come from the shared folder's tools, and their tests are skipped where it is absent.
CYGNET_MUTANTS sets how many there are of each format (script/test --long asks for 1,000).
"""
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import zipfile

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "support"))
import graph_bytes as graph

BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
TOOLS = pathlib.Path(os.environ.get("CYGNET_SHARED_DIR", SOURCE.parent / "shared")) / "tools"
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data"
DIGITS = SOURCE / "examples" / "digits_training"
COUNT = int(os.environ.get("CYGNET_MUTANTS", "100"))
SEED = 5
MOST_BYTES = 1 << 30
SANITIZED = re.search(r"^CYGNET_SANITIZE:\w+=\S", (BUILD / "CMakeCache.txt").read_text(), re.M) is not None


def convert(path, *flags):
    """Runs the program in 1 GiB of addresses (a sanitizer needs terabytes of them)."""
    def bounded():
        if not SANITIZED:
            resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    return subprocess.run([PROGRAM, "convert", path, "-o", "/dev/null", "--limits", "untrusted", *flags],
                          capture_output=True, text=True, timeout=60, preexec_fn=bounded, check=False)


def refused(path, *words, flags=()):
    result = convert(path, *flags)
    assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
    assert result.stderr.startswith("cygnet: ") and str(path) in result.stderr, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


# ---- Graphs: rules I1 and I2

X = graph.placeholder("x", 1, 4)


def relu(name, source):
    return graph.node(name, "Relu", (source,), graph.type_attribute("T"))


def with_attribute(*attributes):
    return X + graph.node("sum", "Softmax", ("x",), *attributes)


def function(name, callee):
    """x → callee(callee(x)), or Relu where there is no callee."""
    kind = graph.attribute("f", graph.message(10, graph.message(1, callee))) if callee else b""
    types = b"".join(graph.attribute(k, graph.message(1, graph.number(6, graph.FLOAT))) for k in ("Tin", "Tout"))
    op = "PartitionedCall" if callee else "Relu"
    port = "output" if callee else "activations"
    nodes = b"".join(graph.message(3, graph.message(1, n), graph.message(2, op), graph.message(3, source), kind,
                                   types if callee else graph.type_attribute("T"))
                     for n, source in (("a", "x"), ("b", f"a:{port}:0")))
    argument = graph.number(3, graph.FLOAT)
    signature = graph.message(1, graph.message(1, name), graph.message(2, graph.message(1, "x"), argument),
                              graph.message(3, graph.message(1, "y"), argument))
    return graph.message(1, signature, nodes, graph.message(4, graph.message(1, "y"), graph.message(2, f"b:{port}:0")))


def calls(*functions):
    """A graph whose output is a call of the first function."""
    call = graph.node("call", "PartitionedCall", ("x",),
                      graph.attribute("f", graph.message(10, graph.message(1, "f0"))),
                      *(graph.attribute(k, graph.message(1, graph.number(6, graph.FLOAT))) for k in ("Tin", "Tout")))
    return X + call + graph.message(2, *functions)


def nested(depth):
    value = b""
    for _ in range(depth):
        value = graph.message(10, graph.message(2, graph.message(1, "k"), graph.message(2, value)))
    return value


GRAPHS = {
    "length_beyond_the_end": (X + b"\x0a\xff\xff\xff\xff\x0f", ["I1"]),
    "over_long_number": (X + b"\x0a" + b"\xff" * 11, ["I1"]),
    "field_0": (X + b"\x02\x00", ["I1"]),
    "wrong_wire_type": (X + graph.number(1, 5), ["I1", "field 1"]),
    "deep_nesting": (with_attribute(graph.attribute("k", nested(200))), ["I1", "nested too deep"]),
    "deep_groups": (X + b"\x0b" * 100000, ["I1"]),
    "same_name": (X + X, ["I2", "'x'"]),
    "no_name": (X + graph.node("", "Relu", ("x",)), ["I2", "no name"]),
    "no_such_input": (X + relu("y", "z:0"), ["I2", "'y'", "'z:0'"]),
    "bad_input": (X + relu("y", "x:-1"), ["'x:-1'"]),
    "cycle": (relu("a", "b") + relu("b", "a"), ["I2", "waits for its own result"]),
    "attribute_missing": (X + graph.node("y", "Cast", ("x",)), ["\"y\"", "DstT"]),
    "attribute_of_other_type": (X + graph.node("y", "Cast", ("x",), graph.attribute("DstT", graph.number(3, 1))),
                                ["\"y\"", "DstT"]),
    "content_too_short": (graph.constant("c", (4,), b"\0" * 15) + graph.node("y", "Neg", ("c",)),
                          ["\"c\"", "I2", "15 bytes, expected 16"]),
    "splat_of_4_GiB": (graph.constant("c", (1 << 30,), graph.splat(1)) + graph.node("y", "Neg", ("c",)),
                       ["\"c\"", "I2"]),
    "many_splats": (b"".join(graph.constant(f"c{i}", (1 << 24,), graph.splat(i)) + graph.node(
        f"y{i}", "Neg", (f"c{i}",), graph.type_attribute("T")) for i in range(40)), ["I2"]),
    "too_many_elements": (graph.constant("c", (1 << 40, 1 << 40), b"") + relu("y", "c"), ["\"c\"", "I2"]),
    "negative_dimension": (graph.constant("c", (-4,), b"") + relu("y", "c"), ["I2", "-4"]),
    "rank_of_input": (graph.placeholder("x", *[1] * 9) + relu("y", "x"), ["\"x\"", "rank 0 to 8, got 9"]),
    "huge_input": (graph.placeholder("x", 1 << 20, 1 << 20) + relu("y", "x"), ["T3", "\"x\""]),
    "calls_itself": (calls(function("f0", "f0")), ["I2", "'f0' calls itself"]),
    "two_call_each_other": (calls(function("f0", "f1"), function("f1", "f0")), ["I2", "calls itself"]),
    "no_such_function": (calls(function("f1", "")), ["I2", "\"f0\""]),
    "calls_that_double": (calls(*(function(f"f{i}", f"f{i + 1}" if i < 29 else "") for i in range(30))),
                          ["limit", "operators"]),
    "calls_too_deep": (calls(*(function(f"f{i}", f"f{i + 1}" if i < 99 else "") for i in range(100))),
                       ["I2", "more than 32 calls"]),
    "too_many_operators": (X + b"".join(graph.node(f"n{i}", "Neg", (f"n{i - 1}" if i else "x",),
                                                   graph.type_attribute("T")) for i in range(60000)),
                           ["more operators than the limit"]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_refused(name, tmp_path):
    content, words = GRAPHS[name]
    path = tmp_path / f"{name}.pb"
    path.write_bytes(content)
    refused(path, *words)


def test_long_chains_are_no_deep_recursion(tmp_path):
    """Thousands of operators behind each other, of constants too: converted within the bounds."""
    chain = {
        "identity": X + b"".join(graph.node(f"n{i}", "Identity", (f"n{i - 1}" if i else "x",),
                                            graph.type_attribute("T")) for i in range(50000)),
        "sums": X + graph.constant("c", (4,), struct.pack("<4f", 1, 2, 3, 4)) + b"".join(
            graph.node(f"n{i}", "AddV2", (f"n{i - 1}" if i else "x", "c"), graph.type_attribute("T"))
            for i in range(5000)),
        "constants": graph.constant("c", (1 << 20,), graph.splat(1)) + b"".join(
            graph.node(f"n{i}", "Neg", (f"n{i - 1}" if i else "c",), graph.type_attribute("T"))
            for i in range(300)),
    }
    for name, content in chain.items():
        path = tmp_path / f"{name}.pb"
        path.write_bytes(content)
        result = convert(path)
        assert result.returncode == 0, (name, result.returncode, result.stderr)


# ---- SavedModel, checkpoint, Keras: rules I3 to I5

def copy(source, folder):
    target = folder / source.name
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    return target


def test_damaged_checkpoints_are_refused(tmp_path):
    model = copy(DIGITS / "digits.saved_model", tmp_path)
    index, data = model / "variables/variables.index", model / "variables/variables.data-00000-of-00001"
    good_index, good_data = index.read_bytes(), data.read_bytes()
    cases = (
        (index, good_index[:-1], ["variables.index", "I3"]),
        (index, good_index[:-8] + b"\0" * 8, ["variables.index", "I3", "no footer"]),
        (index, b"", ["variables.index"]),
        (index, good_index[:20] + bytes([good_index[20] ^ 1]) + good_index[21:], ["variables.index", "I3"]),
        (data, good_data[:100], ["I3", "of a shard of 100"]),
        (data, bytes(len(good_data)), ["I3", "checksum"]),
    )
    for path, content, words in cases:
        path.write_bytes(content)
        refused(model, *words)
        index.write_bytes(good_index)
        data.write_bytes(good_data)
    assert convert(model).returncode == 0
    data.unlink()
    refused(model, data.name)


def test_no_path_is_taken_from_a_file(tmp_path):
    """The names of files inside a MetaGraph (its saver's, its assets') are not followed."""
    for name in ("digits_unfrozen.meta", "digits_unfrozen.index", "digits_unfrozen.data-00000-of-00001"):
        copy(DIGITS / name, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "digits_unfrozen.index").rename(tmp_path / "elsewhere" / "digits_unfrozen.index")
    refused(tmp_path / "digits_unfrozen.meta", "--checkpoint")


def rewritten(source, target, **entries):
    """A copy of a .keras file with these entries' contents instead."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, entries.pop(info.filename, None) or old.read(info))
        for name, content in entries.items():
            new.writestr(name, content)
    return target


def test_hostile_keras_archives_are_refused(tmp_path):
    source, target = DIGITS / "digits.keras", tmp_path / "a.keras"
    with zipfile.ZipFile(source) as archive:
        config = archive.read("config.json").decode()
    cases = (
        ({"../evil": b"x"}, ["I5", "../evil"]),
        ({"/etc/evil": b"x"}, ["I5", "/etc/evil"]),
        ({"config.json": b"[" * 300 + b"]" * 300}, ["config.json", "I5", "nested deeper"]),
        ({"config.json": b"{"}, ["config.json", "I5", "JSON"]),
        ({"config.json": b" " * (200 << 20)}, ["config.json", "I5", "unfold"]),
        ({"config.json": config.replace('"Softmax"', '"Lambda"').replace('"Dense"', '"Lambda"').encode()},
         ["I5", "Lambda"]),
        ({"model.weights.h5": b"no HDF5"}, ["model.weights.h5", "I4"]),
    )
    for entries, words in cases:
        refused(rewritten(source, target, **entries), *words)


# ---- Mutants

def seeds(kind, folder):
    """The valid inputs of a format, in a folder of their own; what to convert of each, and flags of survive.py."""
    folder.mkdir()
    if kind == "meta":
        (folder / "digits").mkdir()
        for path in DIGITS.glob("digits_unfrozen.*"):
            shutil.copy(path, folder / "digits")
        return "{}/digits_unfrozen.meta", ["--dirs"]
    patterns = {"tflite": DATA.glob("*.tflite"), "dynamic": DATA.glob("float_*.tflite"),
                "int8": DATA.glob("float_convnet.tflite"), "trained": (DATA / "quantize").glob("*.pairs.tflite")}
    for path in sorted(patterns.get(kind, (DATA / "convert").glob(f"*.{kind}"))):
        copy(path, folder)
    return "{}", ["--dirs"] if kind == "saved_model" else []


# What is asked for of mutants of .tflite files besides converting them.
QUANTIZE = {"dynamic": ["--quantize", "dynamic", "--least-elements", "1"],
            "int8": ["--quantize", "int8", "--data", DATA / "float_convnet.npz"],
            "trained": ["--quantize", "int8"]}


@pytest.mark.skipif(not TOOLS.is_dir(), reason=f"no {TOOLS}")
@pytest.mark.parametrize("kind", ["pb", "pbtxt", "saved_model", "meta", "h5", "keras", "tflite", *QUANTIZE])
def test_mutants(kind, tmp_path):
    what, flags = seeds(kind, tmp_path / "seeds")
    mutants, report = tmp_path / "mutants", tmp_path / "report.jsonl"
    made = subprocess.run([sys.executable, TOOLS / "mutate_any.py", tmp_path / "seeds", mutants, "--count",
                           str(COUNT), "--seed", str(SEED)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    limits = ["--timeout", "60", "--mem-kind", "rss", "--mem", "3G"] if SANITIZED else [
        "--timeout", "20", "--mem-kind", "as", "--mem", str(MOST_BYTES)]
    result = subprocess.run([sys.executable, TOOLS / "survive.py", mutants, *flags, *limits, "--report", report, "--",
                             PROGRAM, "convert", what, "-o", "/dev/null", "--limits", "untrusted", *QUANTIZE.get(kind, [])],
                            capture_output=True, text=True, check=False)
    bad = [line for line in report.read_text().splitlines() if not re.search(r'"class": "(ok|clean)"', line)]
    assert result.returncode == 0, f"seed {SEED}: {result.stdout[-400:]}{result.stderr[-400:]}\n" + "\n".join(bad)
    shutil.rmtree(mutants)
