# SPDX-License-Identifier: Apache-2.0
"""Networks trained for quantization become integer networks with TensorFlow's own numbers. The sources and what
TensorFlow and LiteRT make of them are recorded in tests/data/quantize (tools/make_quantize_fixtures.py)."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    Interpreter = None
try:
    import h5py
except ImportError:
    h5py = None

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data" / "quantize"
SOURCES = ["fake_quant.pb", "fake_quant.pairs.tflite", "tfmot.h5", "tfmot.keras", "tfmot.pairs.tflite"]


def call(*arguments):
    """Runs the program; its exit code and output."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def recorded(source):
    """Samples, and TensorFlow's outputs in floats and in int8."""
    with np.load(DATA / f"{source.split('.')[0]}.npz") as file:
        arrays = {k.split(":")[0]: file[k] for k in file.files}
    return arrays["in"], arrays["out"], arrays["int8"]


def operators(path):
    report = json.loads(call("inspect", path, "--json").stdout)
    return report, [(o["operator"], {t["type"] for t in o["inputs"] + o["outputs"]}) for o in report["operators"]]


def to_int8(values, tensor):
    codes = np.round(values / np.float32(tensor["scale"])) + tensor["zero_point"]
    return np.clip(codes, -128, 127).astype(np.int8)


def ours(path, samples, folder, *flags):
    """Outputs of `cygnet run`, a sample at a time."""
    report = operators(path)[0]
    results = []
    for sample in samples:
        np.savez(folder / "in.npz", **{report["inputs"][0]["name"]: sample[None]})
        done = call("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", *flags)
        assert done.returncode == 0, done.stderr
        with np.load(folder / "out.npz") as file:
            results.append(file[file.files[0]])
    return np.concatenate(results)


def litert(content):
    runner = Interpreter(model_content=content,
                         experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    runner.allocate_tensors()
    return runner


def in_litert(path, samples):
    runner = litert(path.read_bytes())
    results = []
    for sample in samples:
        runner.set_tensor(runner.get_input_details()[0]["index"], sample[None])
        runner.invoke()
        results.append(runner.get_tensor(runner.get_output_details()[0]["index"]))
    return np.concatenate(results)


def layers(content):
    """Operator, scales of inputs and outputs, integers of weights and bias, in execution order."""
    runner = litert(content)
    tensors = {t["index"]: t for t in runner.get_tensor_details()}
    result = []
    for op in runner._get_ops_details():
        numbers, integers = [], []
        for i in list(op["inputs"]) + list(op["outputs"]):
            if i < 0 or not len(tensors[i]["quantization_parameters"]["scales"]):
                continue
            parameters = tensors[i]["quantization_parameters"]
            numbers.append((parameters["scales"], parameters["zero_points"]))
        if op["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            integers = [runner.get_tensor(i) for i in op["inputs"][1:]]
        result.append((op["op_name"], numbers, integers))
    return result


class TrainedRanges(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def quantized(self, source, *flags):
        path = self.folder / "out.tflite"
        command = ["quantize", DATA / source, "--mode", "int8"]
        if not source.endswith(".tflite"):
            command = ["convert", DATA / source, "--quantize", "int8"]
        done = call(*command, "-o", path, *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return path

    def test_integers_within_a_step_of_tensorflow(self):
        for source in SOURCES:
            with self.subTest(source):
                path = self.quantized(source, "--io", "int8")
                report, ops = operators(path)
                for op, types in ops:
                    self.assertLessEqual(types, {"INT8", "INT32"}, op)
                self.assertEqual(sum(op == "QUANTIZE" for op, _ in ops), 1)
                samples, floats, want = recorded(source)
                codes = to_int8(samples, report["inputs"][0])
                theirs = DATA / f"{source.split('.')[0]}.int8.tflite"
                pairs = [(ours(path, codes, self.folder, "--reference"), want),
                         (ours(path, codes, self.folder), ours(theirs, codes, self.folder))]
                if Interpreter is not None:
                    pairs.append((in_litert(path, codes), want))
                for got, expected in pairs:
                    self.assertEqual(got.dtype, np.int8)
                    self.assertLessEqual(np.abs(got.astype(int) - expected).max(), 1)
                    self.assertLessEqual(np.abs((got + 128.0) / 256 - floats).max(),
                                         np.abs((want + 128.0) / 256 - floats).max() + 1 / 256)

    @unittest.skipIf(Interpreter is None, "LiteRT is absent")
    def test_numbers_are_tensorflows(self):
        for source in SOURCES:
            with self.subTest(source):
                got = layers(self.quantized(source, "--io", "int8").read_bytes())
                want = layers((DATA / f"{source.split('.')[0]}.int8.tflite").read_bytes())
                moves = ("RESHAPE", "QUANTIZE")  # in another place, or not needed
                got, want = ([layer for layer in list_ if layer[0] not in moves] for list_ in (got, want))
                self.assertEqual([layer[0] for layer in got], [layer[0] for layer in want])
                for (op, numbers, integers), (_, wanted, others) in zip(got, want):
                    self.assertEqual(len(numbers), len(wanted), op)
                    for mine, theirs in zip(sorted(numbers, key=lambda n: tuple(n[0])),
                                            sorted(wanted, key=lambda n: tuple(n[0]))):
                        np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-6, err_msg=op)
                        np.testing.assert_array_equal(mine[1], theirs[1], err_msg=op)
                    for mine, theirs in zip(integers, others):
                        self.assertLessEqual(np.abs(mine.astype(np.int64) - theirs).max(),
                                             0 if mine.dtype == np.int8 else 1, op)

    def test_floats_only_at_the_ends(self):
        for source in ("fake_quant.pb", "tfmot.h5"):
            with self.subTest(source):
                path = self.quantized(source)
                _, ops = operators(path)
                self.assertEqual([ops[0][0], ops[-1][0]], ["QUANTIZE", "DEQUANTIZE"])
                for op, types in ops[1:-1]:
                    self.assertNotIn("FLOAT32", types, op)
                samples, _, want = recorded(source)
                got = ours(path, samples, self.folder, "--reference")
                self.assertLessEqual(np.abs(np.round(got * 256 - 128) - want).max(), 1)

    def test_measured_against_what_training_computed(self):
        """Samples beyond the trained ranges: both networks clip them."""
        samples = 3 * recorded("fake_quant.pb")[0]
        np.savez(self.folder / "data.npz", image=samples)
        done = call("convert", DATA / "fake_quant.pb", "--quantize", "int8", "--data", self.folder / "data.npz",
                    "-o", self.folder / "out.tflite", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)["quantized"]
        self.assertTrue(report["trained_ranges"])
        self.assertEqual(report["stay_float"], [])
        self.assertEqual((report["integer_operators"], report["requantized"]), (10, 1))
        self.assertGreater(report["error"]["sqnr_db"], 28)

    def test_other_widths(self):
        """Ranges trained for 8 bits hold for 16."""
        for source in ("fake_quant.pb", "tfmot.h5"):
            with self.subTest(source):
                path = self.folder / "wide.tflite"
                done = call("convert", DATA / source, "--quantize", "int16x8", "--io", "int16", "-o", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                report, ops = operators(path)
                for op, types in ops:
                    self.assertLessEqual(types, {"INT16", "INT8", "INT32", "INT64"}, op)
                samples, floats, want = recorded(source)
                codes = np.clip(np.round(samples / np.float32(report["inputs"][0]["scale"])), -32767, 32767)
                got = ours(path, codes.astype(np.int16), self.folder) * report["outputs"][0]["scale"]
                self.assertLess(np.abs(got - floats).max(), 0.03)

    @unittest.skipIf(h5py is None, "h5py is absent")
    def test_bad_ranges(self):
        low, high = "quant_conv2/quant_conv2/kernel_min:0", "quant_conv2/quant_conv2/kernel_max:0"
        output = "quant_relu1/quant_relu1/output_"

        def put(weights, name, value):
            del weights[name]
            weights[name] = np.asarray(value, np.float32)

        def both(weights, first, second, values):
            put(weights, first, values[0])
            put(weights, second, values[1])

        cases = {
            "expected one minimum and maximum for each channel": lambda w: put(w, low, np.zeros(3)),
            "limits for 3 channels of [3,3,8,8]": lambda w: both(w, low, high, (-np.ones(3), np.ones(3))),
            "expected min < max, got nan": lambda w: put(w, f"{output}min:0", np.nan),
            "expected min < max, got 3e+09": lambda w: put(w, f"{output}min:0", 3e9),
            "output_max:0: I4: no such data set": lambda w: w.__delitem__(f"{output}max:0"),
        }
        for message, change in cases.items():
            with self.subTest(message):
                path = self.folder / "bad.h5"
                shutil.copy(DATA / "tfmot.h5", path)
                with h5py.File(path, "r+") as file:
                    change(file["model_weights"])
                done = call("convert", path, "--quantize", "int8", "-o", self.folder / "bad.tflite")
                self.assertEqual(done.returncode, 1)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertFalse((self.folder / "bad.tflite").exists())

    def test_floats_without_quantize(self):
        """What training computed, with a hint."""
        for source, count in (("fake_quant.pb", 13), ("tfmot.h5", 16), ("tfmot.keras", 16)):
            with self.subTest(source):
                path = self.folder / "float.tflite"
                done = call("convert", DATA / source, "-o", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"{count} fake-quantization operators", done.stderr)
                self.assertIn("--quantize int8", done.stderr)
                samples, want, _ = recorded(source)
                np.testing.assert_allclose(ours(path, samples, self.folder), want, atol=2e-6)


if __name__ == "__main__":
    unittest.main()
