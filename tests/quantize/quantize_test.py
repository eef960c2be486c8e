# SPDX-License-Identifier: Apache-2.0
"""Quantized networks run in LiteRT, compute there what they compute here, and come close to the float network."""
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import networks
from networks import CASES, HYBRID

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
CALIBRATION = 16


def call(*arguments):
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def draw(made, seed):
    rng = np.random.default_rng(seed)
    arrays = [np.float32(rng.uniform(made.low, made.high, shape)) for shape in made.shapes]
    if made.rows:
        arrays[-1] = rng.integers(0, made.rows, made.shapes[-1], dtype=np.int32)
    return arrays


def quantize(made, folder, mode, *flags):
    """(float file, quantized file, what was reported)."""
    before, after = folder / "float.tflite", folder / f"{mode}.tflite"
    before.write_bytes(networks.build(made, 7))
    samples = folder / "samples"
    samples.mkdir(exist_ok=True)
    for i in range(CALIBRATION):
        np.savez(samples / f"{i:02}.npz", **{f"x{k}": v for k, v in enumerate(draw(made, 100 + i))})
    report = call("quantize", before, "-o", after, "--mode", mode, "--data", samples, "--json", *flags)
    return before, after, json.loads(report)


def interpreter(path):
    """LiteRT with its plainest kernels that have the model's operators.

    The plain ones lack some, and leave the sums of SUM unwritten.
    """
    for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            made = Interpreter(model_path=str(path), num_threads=1, experimental_op_resolver_type=resolver)
        except ValueError:
            if resolver != OpResolverType.BUILTIN_REF:
                raise
            continue
        if "SUM" not in {op["op_name"] for op in made._get_ops_details()}:
            break
    made.allocate_tensors()
    return made


class LiteRT:
    """A model in LiteRT."""

    def __init__(self, path):
        self.interpreter = interpreter(path)
        self.inputs, self.outputs = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        self.kinds = {op["op_name"] for op in self.interpreter._get_ops_details()}

    def integers(self, arrays):
        """The inputs in the model's own types."""
        return [value if d["dtype"] in (np.float32, np.int32) else to_integer(value, d) for value, d in zip(arrays, self.inputs)]

    def run(self, arrays):
        for detail, value in zip(self.inputs, arrays):
            self.interpreter.set_tensor(detail["index"], value)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(d["index"]).copy() for d in self.outputs]


def to_integer(value, detail):
    scale, zero = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(value.astype(np.float64) / scale) + zero, limits.min, limits.max).astype(detail["dtype"])


def to_real(value, detail):
    scale, zero = detail["quantization"]
    return (value.astype(np.float64) - zero) * scale if scale else value.astype(np.float64)


def run_here(path, model, arrays, folder):
    """The outputs of `cygnet run --reference`, in the model's order."""
    np.savez(folder / "in.npz", **{d["name"]: v for d, v in zip(model.inputs, arrays)})
    call("run", path, "--reference", "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    with np.load(folder / "out.npz") as got:
        return [got[d["name"]] for d in model.outputs]


def decibels(wanted, got):
    noise = float(np.sum((wanted - got) ** 2))
    return 10 * np.log10(float(np.sum(wanted ** 2)) / noise) if noise else np.inf


def check(made, before, after, folder, least_db, float_limit=1 / 255):
    """LiteRT's kernels and ours agree on the quantized file, which is close to the float one.

    Integers differ by 1 at most, floats by float_limit parts of their range.
    """
    exact, model = LiteRT(before), LiteRT(after)
    arrays = draw(made, 100)
    given = model.integers(arrays)
    theirs, ours, wanted = model.run(given), run_here(after, model, given, folder), exact.run(arrays)
    for detail, a, b, c in zip(model.outputs, theirs, ours, wanted):
        assert a.shape == b.shape == c.shape and a.dtype == b.dtype
        if c.dtype != np.float32:
            assert np.array_equal(a, b)
            assert np.mean(a == c) > 0.9
            continue
        difference = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
        assert difference <= (float_limit * np.ptp(a) if detail["dtype"] == np.float32 else 1)
        assert decibels(c.astype(np.float64), to_real(b, detail)) >= least_db
    return model


@pytest.mark.parametrize("name", CASES)
def test_int8(name, tmp_path):
    made = CASES[name]
    before, after, report = quantize(made, tmp_path, "int8", "--io", "int8")
    model = check(made, before, after, tmp_path, made.least_db)
    assert report["quantized"]["stay_float"] == []
    assert "DEQUANTIZE" not in model.kinds


@pytest.mark.parametrize("name", CASES)
def test_int16x8(name, tmp_path):
    made = CASES[name]
    before, after, report = quantize(made, tmp_path, "int16x8", "--io", "int16")
    check(made, before, after, tmp_path, made.least_db)
    assert (report["quantized"]["stay_float"] == []) == made.wide


@pytest.mark.parametrize("name", ["conv", "residual", "concatenation", "softmax_between"])
@pytest.mark.parametrize("io", ["float", "uint8"])
def test_inputs_and_outputs_of_other_types(name, io, tmp_path):
    made = CASES[name]
    before, after, _ = quantize(made, tmp_path, "int8", "--io", io)
    model = check(made, before, after, tmp_path, made.least_db)
    assert model.inputs[0]["dtype"] == {"float": np.float32, "uint8": np.uint8}[io]


@pytest.mark.parametrize("name", HYBRID)
@pytest.mark.parametrize("mode, least_db", [("dynamic", 30), ("int4", 12), ("float16", 55)])
def test_fewer_bits(name, mode, least_db, tmp_path):
    made = HYBRID[name]
    before, after, report = quantize(made, tmp_path, mode, "--least-elements", "0")
    check(made, before, after, tmp_path, least_db, float_limit=1e-5)
    assert report["quantized"]["smaller_constants"] > 0


def test_a_convolution_without_bias_gets_one(tmp_path):
    made = networks.Case(lambda n, x: n.conv(x, 5, bias=False))
    _, after, _ = quantize(made, tmp_path, "int8", "--bias-correction", "off")
    model, arrays = LiteRT(after), draw(made, 100)
    assert np.array_equal(model.run(arrays)[0], run_here(after, model, arrays, tmp_path)[0])


def test_every_operator_has_a_case(tmp_path):
    text = (SOURCE / "src" / "quantize" / "scheme.cc").read_text()
    table = text[text.index("kSchemes[]"):text.index("};", text.index("kSchemes[]"))]
    wanted, seen = set(re.findall(r"Builtin::(\w+)", table)), set()
    wanted.discard("FAKE_QUANT")  # of trained ranges, see trained_ranges_test.py
    assert len(wanted) > 50
    for name, made in CASES.items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(networks.build(made, 7))
        seen |= LiteRT(path).kinds
    assert wanted <= seen
