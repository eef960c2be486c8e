# SPDX-License-Identifier: Apache-2.0
"""cygnet compare: two models layer by layer, as text, JSON and a page."""
import html.parser
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data"
FLOAT, INT8 = DATA / "float_convnet.tflite", DATA / "int8_convnet.tflite"
TIMEOUT_S = 120


def call(*arguments):
    return subprocess.run([PROGRAM, "compare", *map(str, arguments)], capture_output=True, text=True, errors="replace",
                          timeout=TIMEOUT_S, check=False)


class Page(html.parser.HTMLParser):
    """The tags of a page with their attributes, and its text outside of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        if not self.open:
            self.text += data


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def done(self, *arguments):
        result = call(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def fails(self, *arguments):
        result = call(*arguments)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr

    def renamed(self, old, new):
        """A copy of the float model with another name for a tensor; equal length."""
        self.assertEqual(len(old), len(new))
        image = FLOAT.read_bytes()
        self.assertEqual(image.count(old), 1)
        path = self.folder / "renamed.tflite"
        path.write_bytes(image.replace(old, new))
        return path

    def page(self, a, b, *arguments):
        path = self.folder / "page.html"
        self.done(a, b, "--html", path, *arguments)
        text = path.read_text(encoding="utf-8")
        return text, Page(text)

    def test_table(self):
        lines = self.done(FLOAT, INT8).splitlines()
        self.assertRegex(lines[0], r"^No layer goes wrong by itself; the least SQNR is [\d.]+ dB, of ")
        self.assertEqual(lines[1], "8 samples, 12 tensors in common")
        self.assertRegex("\n".join(lines), r"# +layer +operator +type +SQNR dB +own dB +max error +mean ")
        self.assertRegex("\n".join(lines), r"4  functional_1/add_1/Add +ADD +FLOAT32 > INT8 +\d")
        self.assertRegex("\n".join(lines), r"A whole run: A [\d.e-]+ ms, B [\d.e-]+ ms")
        self.assertNotIn("us A", self.done(FLOAT, INT8, "--no-times"))

    def test_json(self):
        report = json.loads(self.done(FLOAT, INT8, "--json", "--random", "3"))
        self.assertIsNone(report["first_wrong"])
        self.assertEqual(report["samples"], 8)
        self.assertEqual(report["a"]["operators"], 11)
        self.assertEqual(report["b"]["bytes"], INT8.stat().st_size)
        self.assertGreater(report["a"]["time_us"], 0)
        layers = report["layers"]
        self.assertEqual([layers[0]["operator_a"], layers[0]["operator_b"]], ["input", "input"])
        for layer in layers:
            self.assertEqual([layer["type_a"], layer["type_b"]], ["FLOAT32", "INT8"])
            self.assertGreater(layer["own_sqnr_db"], 25)
            self.assertGreaterEqual(layer["max_error"], layer["mean_error"])
            self.assertTrue(0 <= layer["overlap"] <= 1)
            self.assertIsNone(layer["wrong"])
            histogram = layer["histogram"]
            self.assertEqual(sum(histogram["a"]), layer["elements"])
            self.assertEqual(sum(histogram["b"]), layer["elements"])
        self.assertEqual(len(report["outputs"]), 1)
        self.assertEqual(report["outputs"][0]["sqnr_db"], layers[-1]["sqnr_db"])
        alone = json.loads(self.done(FLOAT, INT8, "--json", "--no-times"))
        self.assertIsNone(alone["a"]["time_us"])
        self.assertNotIn("time_a_us", alone["layers"][1])

    def test_sort(self):
        rows = [line.split() for line in self.done(FLOAT, INT8, "--no-times", "--sort", "sqnr").splitlines()]
        numbers = [float(row[row.index(">") + 2]) for row in rows if ">" in row]
        self.assertEqual(numbers[:12], sorted(numbers[:12]))

    def test_labels(self):
        import numpy as np
        rows = np.random.default_rng(5).uniform(-1, 1, (6, 12, 12, 3)).astype(np.float32)
        np.save(self.folder / "rows.npy", rows)
        run = subprocess.run([PROGRAM, "inspect", FLOAT, "--json"], capture_output=True, text=True, check=True)
        shape = json.loads(run.stdout)["inputs"][0]["shape"]
        rows = np.random.default_rng(5).uniform(-1, 1, [6, *shape[1:]]).astype(np.float32)
        np.save(self.folder / "rows.npy", rows)
        right = []
        for row in rows:
            np.savez(self.folder / "one.npz", **{"image": row[None]})
            out = self.folder / "out.npy"
            subprocess.run([PROGRAM, "run", FLOAT, "--inputs", self.folder / "one.npz", "--outputs", out],
                           check=True, capture_output=True)
            right.append(int(np.load(out).argmax()))
        right[0] = (right[0] + 1) % 3  # one that both miss
        np.save(self.folder / "labels.npy", np.array(right, np.int64))
        report = json.loads(self.done(FLOAT, FLOAT, "--data", self.folder / "rows.npy", "--labels",
                                      self.folder / "labels.npy", "--json", "--no-times"))
        for side in "ab":
            self.assertEqual(report[side]["labelled"], 6)
            self.assertAlmostEqual(report[side]["top1"], 5 / 6)
        self.assertEqual(report["agreement"], 1)
        _, page = self.page(FLOAT, INT8, "--data", self.folder / "rows.npy", "--labels",
                            self.folder / "labels.npy")
        self.assertIn("top-1", page.text)

    def test_page_needs_nothing_else(self):
        text, page = self.page(FLOAT, INT8)
        self.assertNotIn("http:", text)
        self.assertNotIn("https:", text)
        self.assertNotIn("@import", text)
        self.assertNotIn("url(", text)
        for tag, attributes in page.tags:
            self.assertNotIn(tag, ("link", "img", "iframe", "object", "embed", "base", "form"))
            self.assertNotIn("src", attributes)
            self.assertTrue(attributes.get("href", "#").startswith("#"), attributes)
            self.assertFalse([name for name in attributes if name.startswith("on")])
        self.assertIn(("meta", {"http-equiv": "Content-Security-Policy", "content":
                                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"}),
                      page.tags)
        self.assertEqual(len([tag for tag, a in page.tags if tag == "tr" and a.get("id", "").startswith("l")]), 12)
        self.assertIn("functional_1/add_1/Add", page.text)

    def test_page_escapes_names(self):
        for name in (b"<script>alert(1)</scri", b"\"><svg onload=alert()>", b"'&lt;</td></table><b> ",
                     b"\xff\xfe\xe2\x82 \xf0\x9f\xa6\xa2 \xe2\x80\xaeabcdefghi"):
            model = self.renamed(b"functional_1/add_1/Add", name)
            text, page = self.page(model, model, "--no-times")
            self.assertEqual(len([tag for tag, _ in page.tags if tag == "script"]), 1)
            self.assertFalse([a for _, a in page.tags if "onload" in a])
            self.assertIn(name.decode("utf-8", "replace").replace("\ufffd", ""),
                          text.replace("\ufffd", "") if b"\xff" in name else page.text)
            json.loads(self.done(model, model, "--json", "--no-times"))

    def test_before_and_after_optimizing(self):
        """Batch norm and activations that were folded into convolutions, which keep their names."""
        source = SOURCE / "examples" / "digits_training" / "digits_mobilenet.pb"
        before, after = self.folder / "before.tflite", self.folder / "after.tflite"
        for path, flags in ((before, ["--no-optimize"]), (after, [])):
            subprocess.run([PROGRAM, "convert", source, "-o", path, *flags], check=True, capture_output=True,
                           timeout=TIMEOUT_S)
        data = ("--data", SOURCE / "examples" / "digits_training" / "digits_test.npz", "--samples", "20")
        for a, b in ((before, after), (after, before)):
            report = json.loads(self.done(a, b, *data, "--json", "--no-times"))
            self.assertIsNone(report["first_wrong"], report["verdict"])
            self.assertEqual(len(report["layers"]), 31)
            for layer in report["layers"]:
                self.assertTrue(layer["equal"] or layer["sqnr_db"] > 100, layer["name"])

    def test_other_inputs(self):
        message = self.fails(FLOAT, DATA / "float_lstm.tflite")
        self.assertIn("the two models take different inputs: ", message)
        self.assertIn(f"{FLOAT} takes ", message)
        self.assertIn("float_lstm.tflite takes ", message)

    def test_unreadable(self):
        self.assertIn("absent.tflite", self.fails(FLOAT, self.folder / "absent.tflite"))
        self.assertIn("absent", self.fails(FLOAT, INT8, "--data", self.folder / "absent"))
        page = self.folder / "none" / "page.html"
        self.assertIn(str(page.parent), self.fails(FLOAT, INT8, "--html", page))


if __name__ == "__main__":
    unittest.main()
