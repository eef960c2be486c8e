# SPDX-License-Identifier: Apache-2.0
"""Scales, zero points, weights and biases are those of TensorFlow's converter where the method is the same.

tests/data/quantize holds a network of inverted residuals and TensorFlow's int8 file of it (made by
tools/make_residuals_fixture.py). What differs is known: LiteRT, by which TensorFlow calibrates, writes an
ADD's result over its second operand where nobody else reads that, and the calibration takes what it then
sees there for the operand's values too; and TensorFlow rounds with scales that are not yet floats.
"""
import os
import pathlib
import subprocess

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data" / "quantize"
DTYPES = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}
KINDS = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}


def pictures():
    with np.load(DATA / "residuals.npz") as taken:
        return np.float32(taken["pictures"]) / np.float32(127.5) - 1


class File:
    """The main subgraph of a .tflite file."""

    def __init__(self, path):
        self.model = schema.ModelT.InitFromPackedBuf(pathlib.Path(path).read_bytes(), 0)
        self.graph = self.model.subgraphs[0]

    def kinds(self):
        codes = [self.model.operatorCodes[op.opcodeIndex] for op in self.graph.operators]
        return [KINDS[max(c.builtinCode, c.deprecatedBuiltinCode)] for c in codes]

    def operands(self, number):
        """[(place, tensor)] of an operator's operands and results that are quantized."""
        op = self.graph.operators[number]
        places = [(f"input {i}", t) for i, t in enumerate(op.inputs)]
        places += [(f"output {i}", t) for i, t in enumerate(op.outputs)]
        tensors = [(place, self.graph.tensors[t]) for place, t in places if t >= 0]
        return [(place, t) for place, t in tensors
                if t.quantization is not None and t.quantization.scale is not None]

    def values(self, tensor):
        data = self.model.buffers[tensor.buffer].data
        return None if data is None else np.frombuffer(bytes(data), DTYPES[tensor.type]).astype(np.int64)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantize")
    np.save(folder / "pictures.npy", pictures())
    done = subprocess.run([str(PROGRAM), "quantize", str(DATA / "residuals.tflite"), "-o", str(folder / "ours.tflite"),
                           "--data", str(folder / "pictures.npy"), "--io", "int8", "--ranges", "minmax",
                           "--bias-correction", "off", "--equalization", "off"],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return File(folder / "ours.tflite"), File(DATA / "residuals_int8.tflite")


def pairs(files):
    """(operator's number, kind, place, our tensor, TensorFlow's)."""
    ours, theirs = files
    for number, kind in enumerate(ours.kinds()):
        a, b = ours.operands(number), theirs.operands(number)
        assert [place for place, _ in a] == [place for place, _ in b]
        for (place, one), (_, other) in zip(a, b):
            yield number, kind, place, one, other


def test_the_same_operators(files):
    ours, theirs = files
    assert ours.kinds() == theirs.kinds()
    assert ours.kinds().count("ADD") == 3


def test_scales_and_zero_points_are_equal(files):
    compared, left_out = 0, overwritten(files)
    for number, kind, place, ours, theirs in pairs(files):
        if ours.name in left_out:
            continue
        where = f"operator {number} {kind} {place}"
        assert ours.type == theirs.type, where
        assert len(ours.quantization.scale) == len(theirs.quantization.scale), where
        assert np.allclose(ours.quantization.scale, theirs.quantization.scale, rtol=3e-6, atol=0), where
        assert np.array_equal(ours.quantization.zeroPoint, theirs.quantization.zeroPoint), where
        compared += 1
    assert compared > 60


def overwritten(files):
    """Names of the tensors over which LiteRT writes an ADD's result."""
    return [ours.name for _, kind, place, ours, _ in pairs(files) if kind == "ADD" and place == "input 1"]


def test_weights_and_biases_differ_by_rounding_alone(files):
    different = {"input 1": [0, 0], "input 2": [0, 0]}
    for number, kind, place, ours, theirs in pairs(files):
        a, b = files[0].values(ours), files[1].values(theirs)
        assert (a is None) == (b is None)
        if a is None:
            continue
        assert np.abs(a - b).max() <= 1, f"operator {number} {kind} {place}"
        different[place][0] += int(np.sum(a != b))
        different[place][1] += a.size
    weights, biases = different["input 1"], different["input 2"]
    assert weights[1] > 5000 and weights[0] <= 3
    assert biases[1] > 300 and biases[0] <= biases[1] // 50


def litert(keep):
    """The float network; keep: no memory is shared."""
    interpreter = Interpreter(model_path=str(DATA / "residuals.tflite"), num_threads=1,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                              experimental_preserve_all_tensors=keep)
    interpreter.allocate_tensors()
    return interpreter


def adds():
    """[(second operand, result)] of the float network's ADDs."""
    network = File(DATA / "residuals.tflite")
    ops = [op for op, kind in zip(network.graph.operators, network.kinds()) if kind == "ADD"]
    return [(op.inputs[1], op.outputs[0]) for op in ops]


def ranges():
    """{tensor: (least, largest), of 0 too} of the tensors of adds() on the pictures."""
    interpreter, seen = litert(True), {}
    for picture in pictures():
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        for t in np.ravel(adds()):
            values, (low, high) = interpreter.get_tensor(t), seen.get(t, (0.0, 0.0))
            seen[t] = min(low, float(values.min())), max(high, float(values.max()))
    return seen


@pytest.mark.parametrize("keep", [True, False])
def test_an_add_overwrites_its_second_operand_in_litert(keep):
    interpreter = litert(keep)
    for pair in adds():
        second, result = (interpreter.tensor(t)().__array_interface__["data"][0] for t in pair)
        assert (second == result) != keep


def test_the_overwritten_operand_has_its_own_range_here(files):
    seen, left_out = ranges(), overwritten(files)
    found = {ours.name: (ours.quantization.scale[0], theirs.quantization.scale[0])
             for _, _, _, ours, theirs in pairs(files) if ours.name in left_out}
    assert len(found) == len(adds())
    for (second, result), name in zip(adds(), left_out):
        (low, high), (sum_low, sum_high) = seen[second], seen[result]
        ours, theirs = found[name]
        assert np.isclose(ours, (high - low) / 255, rtol=1e-5)
        assert np.isclose(theirs, (max(high, sum_high) - min(low, sum_low)) / 255, rtol=1e-5)
