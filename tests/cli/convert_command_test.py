# SPDX-License-Identifier: Apache-2.0
"""`cygnet convert` from end to end: what it prints, reports and compares, and what it refuses."""
import json
import os
import pathlib
import pty
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "support"))
import graph_bytes as graph

BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data"
DIGITS = SOURCE / "examples" / "digits_training"
FROZEN, SAVED, KERAS = (DIGITS / f"digits.{kind}" for kind in ("pb", "saved_model", "h5"))
RECORDED = DIGITS / "digits.npz"
TIMEOUT_S = 120


class ConvertTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.path("out.tflite")

    def path(self, name):
        return self.folder / name

    def call(self, *arguments, **options):
        return subprocess.run([PROGRAM, "convert", *map(str, arguments)], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False, **options)

    def done(self, *arguments, **options):
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def refused(self, *arguments, words, code=1, **options):
        """Ends with one message that has all the words, and changes no file."""
        before = {p: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout} {result.stderr}")
        self.assertRegex(result.stderr, "^cygnet: ")
        self.assertEqual(result.stderr.count("cygnet: "), 1, result.stderr)
        for word in words:
            self.assertIn(str(word), result.stderr)
        after = {p: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        self.assertEqual(before, after)
        return result

    def save(self, name, **arrays):
        np.savez(self.path(name), **arrays)
        return self.path(name)

    def write(self, name, content):
        self.path(name).write_bytes(content)
        return self.path(name)


class Output(ConvertTest):
    def test_table(self):
        text = self.done(FROZEN, "-o", self.out)
        head, sizes, result = text.splitlines()[:3]
        self.assertEqual(head.split(), ["operators", "multiply-adds", "weights", "file"])
        self.assertRegex(sizes, r"^TensorFlow +29 ")
        self.assertRegex(result, rf"^{self.out} +9 ")
        self.assertRegex(text, r"\nfold-batch-norm +11 +-11  \S")
        self.assertRegex(text, r"\ntime: .* \(reading .*, passes .*, writing .*\)\n$")

    def test_every_source_gives_a_model(self):
        for source in (FROZEN, SAVED, KERAS, DIGITS / "digits.keras", DIGITS / "digits_unfrozen.meta",
                       DATA / "float_convnet.tflite", DATA / "int8_lstm.tflite"):
            with self.subTest(source.name):
                self.done(source, "-o", self.out)
                self.assertEqual(self.out.read_bytes()[4:8], b"TFL3")

    def test_same_bytes_each_time(self):
        self.done(SAVED, "-o", self.out)
        first = self.out.read_bytes()
        self.done(SAVED, "-o", self.out)
        self.assertEqual(first, self.out.read_bytes())

    def test_report(self):
        report = self.path("report.json")
        self.done(FROZEN, "-o", self.out, "--report", report, "--verify", RECORDED)
        found = json.loads(report.read_text())
        self.assertEqual(set(found), {"source", "format", "source_bytes", "imported", "optimized",
                                      "file_bytes", "passes", "warnings", "verified", "import_ms",
                                      "passes_ms", "write_ms"})
        self.assertEqual(found["source"], str(FROZEN))
        self.assertEqual(found["source_bytes"], FROZEN.stat().st_size)
        self.assertEqual(found["file_bytes"], self.out.stat().st_size)
        for part in ("imported", "optimized"):
            size = found[part]
            self.assertEqual(size["operators"], sum(size["kinds"].values()))
            self.assertGreater(size["multiply_adds"], 40000)
            self.assertGreater(size["constant_bytes"], 20000)
        self.assertEqual(found["imported"]["operators"] - found["optimized"]["operators"],
                         sum(p["operators_removed"] for p in found["passes"]))
        self.assertEqual(set(found["passes"][0]), {"name", "rewrites", "operators_removed", "ms"})
        self.assertEqual([v["tensor"] for v in found["verified"]], ["output_0"])
        self.assertEqual(found["warnings"], [])

    def test_json(self):
        printed = json.loads(self.done(FROZEN, "-o", self.out, "--json", "--verify", RECORDED))
        self.assertEqual(printed["optimized"]["operators"], 9)

    def test_passes_left_out(self):
        counts = {}
        for flags in ("", "--passes=-fold-batch-norm", "--no-optimize"):
            printed = json.loads(self.done(FROZEN, "-o", self.out, "--json", *flags.split()))
            counts[flags] = printed["optimized"]["operators"]
            self.assertNotIn("-fold-batch-norm" in flags and "fold-batch-norm",
                             [p["name"] for p in printed["passes"]])
        self.assertLess(counts[""], counts["--passes=-fold-batch-norm"])
        self.assertEqual(counts["--no-optimize"], 29)
        self.refused(FROZEN, "-o", self.out, "--passes=-nonsense", words=["nonsense"])

    def test_progress_on_a_terminal_only(self):
        master, slave = pty.openpty()
        with subprocess.Popen([PROGRAM, "convert", FROZEN, "-o", self.out], stdout=subprocess.DEVNULL,
                              stderr=slave) as process:
            os.close(slave)
            shown = b""
            try:
                while block := os.read(master, 4096):
                    shown += block
            except OSError:  # The other end is closed.
                pass
        os.close(master)
        self.assertEqual(process.returncode, 0)
        for step in (b"convert: reading", b"convert: fold-constants", b"convert: writing"):
            self.assertIn(step, shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-20:])


class Verify(ConvertTest):
    MODEL = DATA / "float_convnet.tflite"

    def everything(self):
        """Inputs and all values of MODEL as LiteRT computes them, by the tensors' names."""
        net = Interpreter(str(self.MODEL), experimental_preserve_all_tensors=True,
                          experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        net.allocate_tensors()
        (detail,) = net.get_input_details()
        x = np.random.default_rng(1).random(detail["shape"], np.float32)
        net.set_tensor(detail["index"], x)
        net.invoke()
        values = {}
        for op in net._get_ops_details():
            for index in op["outputs"]:
                name = net._get_tensor_details(index, 0)["name"]
                values[name] = net.get_tensor(index)
        output = net.get_output_details()[0]["name"]
        return x, {n: v for n, v in values.items() if n != output}, values[output]

    def compare(self, arrays, *flags):
        return self.call(self.MODEL, "-o", self.out, "--no-optimize", *flags,
                         "--verify", self.save("all.npz", **arrays))

    def test_values_on_the_way(self):
        x, inner, y = self.everything()
        arrays = {"in:image": x, "out:output_0": y} | {f"out:{n}": v for n, v in inner.items()}
        self.assertGreaterEqual(len(inner), 3)
        result = self.compare(arrays)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count(" agrees\n"), len(inner) + 1)

    def test_the_first_layer_that_differs_is_named(self):
        x, inner, y = self.everything()
        names = list(inner)
        for broken in (names[1:], names[-1:]):
            arrays = {"in:image": x, "out:output_0": y + 1}
            arrays |= {f"out:{n}": v + (n in broken) * np.ptp(v) for n, v in inner.items()}
            result = self.compare(arrays)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"the first tensor is '{broken[0]}' (nothing was written)", result.stderr)
            self.assertEqual(result.stdout.count(" differs\n"), len(broken) + 1)
            self.assertFalse(self.out.exists())

    def test_tolerance(self):
        record = dict(np.load(RECORDED))
        record["out:output_0"] = record["out:output_0"] + np.float32(1e-3)
        npz = self.save("a.npz", **record)
        self.refused(FROZEN, "-o", self.out, "--verify", npz, words=[npz, "'output_0'"])
        self.done(FROZEN, "-o", self.out, "--verify", npz, "--tolerance", "2e-3")

    def test_infinities_and_nan(self):
        x = np.array([[1, np.inf, np.nan, -1]], np.float32)
        source = self.write("a.pb", graph.small_graph())
        for y, good in (([[2, np.inf, np.nan, 0]], True), ([[2, np.inf, 0, 0]], False),
                        ([[2, 1, np.nan, 0]], False), ([[np.nan, np.inf, np.nan, 0]], False)):
            npz = self.save("a.npz", **{"in:x": x, "out:out": np.array(y, np.float32)})
            self.assertEqual(self.call(source, "-o", self.out, "--verify", npz).returncode, 0 if good else 1, y)

    def test_what_is_missing_is_named(self):
        record = dict(np.load(RECORDED))
        x, y = record["in:image"], record["out:output_0"]
        for arrays, words in (({"in:image": x}, ["out:output_0"]), ({"out:output_0": y}, ["in:image"]),
                              ({"in:a": x, "in:b": x, "out:output_0": y}, ["in:image", "in:a", "in:b"]),
                              ({}, ["out:output_0"])):
            npz = self.save("a.npz", **arrays)
            self.refused(FROZEN, "-o", self.out, "--verify", npz, words=[npz, *words])
        self.refused(FROZEN, "-o", self.out, "--verify", self.path("absent.npz"), words=["absent.npz"])
        self.refused(FROZEN, "-o", self.out, "--verify", FROZEN, words=[FROZEN, "not an .npz archive"])

    def test_wrong_shapes_and_types(self):
        record = dict(np.load(RECORDED))
        x, y = record["in:image"], record["out:output_0"]
        for arrays, words in (({"in:image": x[:, :7], "out:output_0": y}, ["'image'"]),
                              ({"in:image": x.astype(np.int32), "out:output_0": y}, ["'image'", "FLOAT32", "INT32"]),
                              ({"in:image": x, "out:output_0": y[:1]}, ["'output_0'"]),
                              ({"in:image": x, "out:output_0": y.T}, ["'output_0'"]),
                              ({"in:image": x, "out:output_0": y.astype(np.float64)}, ["'output_0'"])):
            npz = self.save("a.npz", **arrays)
            self.refused(FROZEN, "-o", self.out, "--verify", npz, words=words)


class OldCommandLine(ConvertTest):
    """Commands of published articles, as they stand there but for the files and tensors."""

    def check(self, command, operators=9):
        self.done(*command.split())
        self.assertEqual(self.out.read_bytes()[4:8], b"TFL3")
        shown = json.loads(subprocess.run([PROGRAM, "inspect", self.out, "--json"], capture_output=True,
                                          text=True, check=True).stdout)
        self.assertEqual(len(shown["operators"]), operators)
        self.out.unlink()
        return shown

    def test_frozen_graph(self):
        shown = self.check(f"--graph_def_file={FROZEN} --output_file={self.out} --output_format=TFLITE "
                           "--input_arrays=image --output_arrays=output_0 --input_shapes=1,8,8,1 "
                           "--inference_type=FLOAT --input_data_type=FLOAT --allow_custom_ops")
        self.assertEqual(shown["inputs"][0]["shape"], [1, 8, 8, 1])

    def test_toco(self):
        self.check(f"--input_file={FROZEN} --output_file={self.out} --input_format=TENSORFLOW_GRAPHDEF "
                   "--output_format=TFLITE --input_shape=1,8,8,1 --input_array=image --output_array=output_0 "
                   "--inference_type=FLOAT --std_dev_value=127.5 --mean_value=127.5 "
                   "--change_concat_input_ranges=true")

    def test_flags_and_values_apart(self):
        self.check(f"--output_file {self.out} --graph_def_file {FROZEN} --input_arrays image "
                   "--output_arrays output_0 --input_shapes 3,8,8,1 --enable_v1_converter")

    def test_middle_of_a_graph(self):
        source = self.write("a.pb", graph.small_graph())
        shown = self.check(f"--graph_def_file={source} --output_file={self.out} --input_arrays=sum:0 "
                           "--output_arrays=out:0 --input_shapes=2,5", operators=1)
        self.assertEqual(shown["inputs"][0]["shape"], [2, 5])

    def test_saved_model(self):
        self.check(f"--saved_model_dir={SAVED} --output_file={self.out} --saved_model_tag_set=serve "
                   "--saved_model_signature_key=serving_default")

    def test_keras(self):
        self.check(f"--keras_model_file={KERAS} --output_file={self.out}")

    def test_what_is_not_converted(self):
        for flags, words in (("--output_format=GRAPHVIZ_DOT", ["GRAPHVIZ_DOT", "TFLITE"]),
                             ("--inference_type=QUANTIZED_UINT8", ["QUANTIZED_UINT8", "FLOAT"])):
            self.refused(f"--graph_def_file={FROZEN}", f"--output_file={self.out}", flags, words=words, code=2)


class Refusals(ConvertTest):
    def test_usage(self):
        for arguments in (("-o", self.out, FROZEN, "more"), (FROZEN,), (FROZEN, "-o"),
                          (FROZEN, "-o", self.out, "--what"), (FROZEN, "-o", self.out, "--atrous=no"),
                          (FROZEN, "-o", self.out, "--tolerance=-1"), (FROZEN, "-o", self.out, "--tolerance=x"),
                          (FROZEN, "-o", self.out, f"--graph_def_file={FROZEN}")):
            self.refused(*arguments, words=["--help"], code=2)

    def test_names_and_shapes(self):
        for arguments, words in (
                (("--outputs", "nope"), ["'nope'"]), (("--inputs", "nope"), ["'nope'"]),
                (("--inputs", "image:1x8xbx1"), ["'b'"]), (("--inputs", "image:1x8x8x0"), ["'0'"]),
                (("--input_arrays", "image", "--input_shapes", "1,8,8,1:3"), ["--input_shapes"]),
                (("--input_arrays", "image", "--input_shapes", "1,8,,1"), ["--input_shapes"]),
                (("--input_arrays", "image", "--input_shapes", "1,99999999999,8,1"), ["99999999999"]),
                (("--inputs", "image:1x8x8"), ["rank 4"])):
            self.refused(FROZEN, "-o", self.out, *arguments, words=words)
        self.refused(SAVED, "-o", self.out, "--signature=nope", words=["signature", "'serving_default'"])
        self.refused(SAVED, "-o", self.out, "--tags=nope", words=["'nope'", "'serve'"])

    def test_sources(self):
        self.refused("-o", self.out, words=["what to convert"])
        self.refused(self.path("absent.pb"), "-o", self.out, words=["absent.pb", "no such file"])
        self.refused(self.folder, "-o", self.out, words=[self.folder, "SavedModel"])
        for content in (b"", b"no model", os.urandom(1000)):
            self.refused(self.write("a.bin", content), "-o", self.out, words=["a.bin"])

    def test_unsupported_operators_are_all_listed(self):
        source = self.write("a.pb", graph.placeholder("x", 4) + b"".join(
            graph.node(name, op, ("x",), graph.type_attribute("T"))
            for name, op in (("one", "Nonsense"), ("two", "Nonsense"), ("three", "MoreNonsense"))))
        words = [source, "2 operators", "  Nonsense, 2 nodes\n", "one", "two", "  MoreNonsense, 1 node\n    three",
                 "--outputs", "--allow-custom"]
        self.refused(source, "-o", self.out, "--outputs", "one,two,three", words=words)

    def test_unwritable_outputs(self):
        self.path("plain").write_bytes(b"")
        for path, words in ((self.path("absent/out.tflite"), "No such file"), (self.folder, "directory"),
                            (self.path("plain/out.tflite"), "Not a directory"),
                            ("/dev/full", "No space left"), ("", "empty name")):
            self.refused(FROZEN, f"--output={path}" if path else "-o", *([] if path else [path]), words=[words])
            if path and path != "/dev/full":
                self.refused(FROZEN, "-o", self.out, "--report", path, words=[path])

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root may write everywhere")
    def test_no_permission(self):
        closed = self.path("closed")
        closed.mkdir()
        (closed / "old.tflite").write_bytes(b"old")
        closed.chmod(0o555)
        self.folder.chmod(0o755)
        for path in (closed / "out.tflite", closed / "old.tflite"):
            command = [PROGRAM, "convert", FROZEN, "-o", path]
            if os.geteuid() == 0:
                command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if "setpriv:" in result.stderr or "failed to execute" in result.stderr:
                self.skipTest(result.stderr)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertRegex(result.stderr, f"^cygnet: cannot write {path}: Permission denied\n$")
        closed.chmod(0o755)
        self.assertEqual([p.name for p in closed.iterdir()], ["old.tflite"])

    def test_the_source_is_not_overwritten(self):
        model = self.path("a.tflite")
        shutil.copy(DATA / "float_convnet.tflite", model)
        self.path("link.tflite").symlink_to(model)
        for out in (model, self.path("link.tflite"), f"{self.folder}/./a.tflite"):
            self.refused(model, "-o", out, words=[out, "would replace what is read"])
        self.refused(model, "-o", self.out, "--report", model, words=[model, "would replace"])
        self.refused(model, "-o", self.out, "--report", self.out, words=["both"])


class WholeOrNotAtAll(ConvertTest):
    """Whatever ends the writing, the destination is the old file or the whole new one."""
    WIDTH = 4 << 20

    def setUp(self):
        super().setUp()
        self.source = self.write("a.pb", graph.small_graph(self.WIDTH))
        self.out.write_bytes(b"old")

    def files(self):
        return sorted(p.name for p in self.folder.iterdir())

    def test_an_existing_file_is_replaced(self):
        self.out.chmod(0o640)
        self.done(FROZEN, "-o", self.out)
        self.assertEqual(self.out.read_bytes()[4:8], b"TFL3")
        self.assertEqual(self.out.stat().st_mode & 0o777, 0o640)

    def test_no_space(self):
        def few_bytes():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        self.refused(self.source, "-o", self.out, words=[self.out, "File too large"], preexec_fn=few_bytes)
        self.assertEqual(self.out.read_bytes(), b"old")
        self.assertEqual(self.files(), ["a.pb", "out.tflite"])

    def test_killed_while_writing(self):
        self.done(self.source, "-o", self.path("whole.tflite"))
        whole = self.path("whole.tflite").read_bytes()
        self.assertGreater(len(whole), 4 * self.WIDTH)
        before = 0
        for _ in range(20):
            process = subprocess.Popen([PROGRAM, "convert", self.source, "-o", self.out],
                                       stdout=subprocess.DEVNULL)
            while process.poll() is None and not list(self.folder.glob(".out.tflite.*")):
                time.sleep(0.0002)
            process.send_signal(signal.SIGKILL)
            process.wait()
            found = self.out.read_bytes()
            self.assertIn(found, (b"old", whole))
            if found == b"old":
                before += 1
                if before == 3:
                    break
            for path in self.folder.glob(".out.tflite.*"):
                path.unlink()
            self.out.write_bytes(b"old")
        self.assertGreater(before, 0, "no run was killed in time")
        self.done(self.source, "-o", self.out)
        self.assertEqual(self.out.read_bytes(), whole)


if __name__ == "__main__":
    unittest.main()
