# SPDX-License-Identifier: Apache-2.0
"""cygnet bench: times of a model and its operators, and the scripts that compare engines."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
CONVNET = SOURCE / "tests" / "data" / "float_convnet.tflite"
SCRIPTS = SOURCE / "bench" / "peers"
TIMEOUT_S = 120


def call(*arguments, lines=""):
    """Runs the program; its exit code and output."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, input=lines,
                          timeout=TIMEOUT_S, check=False)


class Bench(unittest.TestCase):
    def done(self, *arguments, lines=""):
        result = call(*arguments, lines=lines)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def test_table(self):
        table = self.done("bench", CONVNET, "--runs", "3")
        self.assertRegex(table, r"wall +[\d.e-]+ ms +[\d.e-]+ ms\nCPU ")
        self.assertRegex(table, r"runs: 3 after build in .* ms and a first run in .* ms\n")
        self.assertRegex(table, r"multiply-adds: .*, [\d.e+-]+ GOP/s\n")

    def test_json(self):
        report = json.loads(self.done("bench", CONVNET, "--runs", "4", "--json"))
        self.assertEqual(report["runs"], 4)
        self.assertEqual(report["macs"], json.loads(self.done("inspect", CONVNET, "--json"))["macs"])
        for clock in ("wall", "cpu"):
            self.assertGreater(report[f"least_{clock}_ms"], 0)
            self.assertGreaterEqual(report[f"median_{clock}_ms"], report[f"least_{clock}_ms"])
        self.assertNotIn("layers", report)

    def test_layers(self):
        layers = json.loads(self.done("bench", CONVNET, "--runs", "3", "--layers", "--json"))["layers"]
        operators = json.loads(self.done("inspect", CONVNET, "--json"))["operators"]
        for layer in layers:
            operator = operators[layer["index"]]
            self.assertIn(operator["operator"], layer["operator"].split("+"))
            self.assertEqual(layer["shape"], operator["outputs"][0]["shape"])
            self.assertGreaterEqual(layer["least_us"], 0)
        self.assertAlmostEqual(sum(layer["share"] for layer in layers), 1)
        table = self.done("bench", CONVNET, "--runs", "3", "--layers")
        self.assertRegex(table, r"# +operator +type +output +multiply-adds +us +% +GOP/s\n")
        self.assertRegex(table, r"0  CONV_2D +FLOAT32 +\[")

    def test_a_second_when_not_told(self):
        self.assertGreaterEqual(json.loads(self.done("bench", CONVNET, "--json"))["runs"], 5)

    def test_runs_when_told(self):
        for threads in (1, 2):
            lines = self.done("bench", CONVNET, "--stdin", "--threads", threads,
                              lines="run 3\nrun 1\nquit\nrun 1\n").splitlines()
            self.assertEqual(len(lines), 3)
            self.assertRegex(lines[0], r"^ready \d+\.\d+ \d+\.\d+$")
            self.assertEqual([len(line.split(" ")) for line in lines[1:]], [3, 1])
            for pair in lines[1].split(" "):
                self.assertRegex(pair, r"^\d+\.\d+:\d+\.\d+$")
                self.assertGreater(float(pair.split(":")[0]), 0)

    def test_ends_with_the_input(self):
        self.assertEqual(len(self.done("bench", CONVNET, "--stdin", lines="run 2\n").splitlines()), 2)
        self.assertEqual(len(self.done("bench", CONVNET, "--stdin").splitlines()), 1)

    def test_wrong_lines(self):
        for line in ("run", "run 0", "run -1", "run 2 3", "run 9999999", "run 99999999999999999999", "walk 3", "",
                     "quit ", "run x", "run 1\x1b[m"):
            result = call("bench", CONVNET, "--stdin", lines=f"run 1\n{line}\nrun 1\n")
            self.assertEqual(result.returncode, 1, line)
            self.assertEqual(len(result.stdout.splitlines()), 2, line)
            self.assertEqual(result.stderr.count("\n"), 1, line)
            self.assertTrue(result.stderr.startswith("cygnet: standard input: expected 'run N' with N from 1 to "),
                            result.stderr)
            self.assertNotIn("\x1b", result.stderr)

    def test_refusals(self):
        result = call("bench", "no.tflite")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no.tflite", result.stderr)
        for wrong in (["--runs", "0"], ["--stdin", "--layers"], ["--stdin", "--json"], ["--stdin", "--runs", "2"]):
            self.assertEqual(call("bench", CONVNET, *wrong).returncode, 2, wrong)


class Scripts(unittest.TestCase):
    """What needs no other engine."""

    def call(self, name, *arguments):
        return subprocess.run([sys.executable, SCRIPTS / name, *map(str, arguments)], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)

    def test_help(self):
        for script in ("networks.py", "ops.py", "formats.py", "engines.py", "peers.py", "cold_start.py"):
            result = self.call(script, "--help")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stdout, rf"bench/peers/{re.escape(script)} ")

    def test_arguments(self):
        for script, *arguments in (("networks.py",), ("networks.py", "folder", "--only", "alexnet"),
                                   ("networks.py", "folder", "--kinds", "f64"), ("ops.py",),
                                   ("ops.py", "folder", "--kinds", "f16"), ("formats.py",),
                                   ("cold_start.py", "no.so", "--models", CONVNET), ("engines.py", "caffe", "x"),
                                   ("engines.py", "litert", "no.tflite"), ("peers.py",), ("peers.py", PROGRAM),
                                   ("peers.py", PROGRAM, CONVNET, "--engines", "caffe"),
                                   ("peers.py", PROGRAM, CONVNET, "--rounds", "0")):
            result = self.call(script, *arguments)
            self.assertEqual(result.returncode, 2, (script, arguments, result.stderr))
            self.assertIn(f"{script}: error: ", result.stderr)

    def test_only_ourselves(self):
        result = self.call("peers.py", PROGRAM, CONVNET, "--rounds", "2", "--engines", "ncnn")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"float_convnet +float32 +[\d.]+ +[\d.]+ ")
        self.assertIn("ncnn: no file float_convnet.ncnn.param", result.stderr)


if __name__ == "__main__":
    unittest.main()
