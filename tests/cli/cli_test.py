# SPDX-License-Identifier: Apache-2.0
"""The program from end to end: what it does, and what it says when it can't."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import zipfile

import numpy as np
from PIL import Image

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data"
CONVNET = DATA / "float_convnet.tflite"
CONVNET_INPUT = (1, 16, 16, 3)
TIMEOUT_S = 120


def call(*arguments):
    """Runs the program; its exit code and output."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name):
        return self.folder / name

    def done(self, *arguments):
        result = call(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def refused(self, *arguments, words, code=1):
        """The call fails with one message that has all the words, and leaves no file behind."""
        before = sorted(self.folder.iterdir())
        result = call(*arguments)
        self.assertEqual(result.returncode, code, f"{arguments}: {result.stdout} {result.stderr}")
        self.assertTrue(result.stderr.startswith("cygnet: "), result.stderr)
        if code == 1:
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(sorted(self.folder.iterdir()), before, "files were left behind")

    def save(self, name, **arrays):
        np.savez(self.path(name), **arrays)
        return self.path(name)

    def picture(self, name, size=(40, 30), mode="RGB"):
        width, height = size
        y, x = np.mgrid[0:height, 0:width]
        pixels = np.stack([x * 5, y * 7, x + y, np.full_like(x, 200)], 2).astype(np.uint8)
        image = Image.fromarray(pixels[:, :, :len(mode)] if mode != "L" else pixels[:, :, 0])
        image.save(self.path(name))
        return self.path(name)


class Usage(CliTest):
    def test_help_and_version(self):
        self.assertRegex(self.done("--version"), r"^cygnet \d+\.\d+")
        for command in ("inspect", "run", "bench", "classify", "segment"):
            self.assertIn(command, self.done("--help"))
            self.assertIn(f"Examples:\n  cygnet {command} ", self.done(command, "--help"))

    def test_usage_errors_end_with_2(self):
        for arguments in ([], ["dance"], ["run"], ["run", CONVNET], ["inspect", CONVNET, "--what"],
                          ["run", CONVNET, "--inputs", "a", "--random", "1"],
                          ["run", CONVNET, "--random", "x"],
                          ["run", CONVNET, "--random", "1", "--threads", "0"],
                          ["run", CONVNET, "--random", "1", "--limits", "none"],
                          ["segment", CONVNET, "a.png"], ["classify", CONVNET]):
            self.refused(*arguments, words=["--help"], code=2)


class Inspect(CliTest):
    def test_table(self):
        text = self.done("inspect", CONVNET)
        for words in ("CONV_2D", "FLOAT32", "[1,16,16,3]", "image", "arena", "multiply-adds"):
            self.assertIn(words, text)

    def test_json(self):
        model = json.loads(self.done("inspect", CONVNET, "--json"))
        self.assertTrue(model["runs"])
        self.assertEqual(model["inputs"][0]["name"], "image")
        self.assertEqual(model["inputs"][0]["shape"], list(CONVNET_INPUT))
        self.assertEqual(model["unsupported"], [])
        self.assertEqual(sum(op["macs"] or 0 for op in model["operators"]), model["macs"])
        self.assertGreater(model["arena_bytes"], 0)

    def test_signatures(self):
        text = self.done("inspect", DATA / "two_signatures.tflite")
        self.assertIn("encode", text)
        self.assertIn("decode", text)
        text = self.done("inspect", DATA / "two_signatures.tflite", "--signature", "encode")
        self.assertIn("TANH", text)


class Run(CliTest):
    def test_recorded_outputs(self):
        for recorded in sorted(DATA.glob("*_convnet.npz")):
            with self.subTest(recorded.stem):
                out = self.path("out.npz")
                self.done("run", recorded.with_suffix(".tflite"), "--inputs", recorded,
                          "--outputs", out, "--reference")
                arrays, expected = np.load(out), np.load(recorded)
                for key in (key for key in expected.files if key.startswith("out:")):
                    found, wanted = arrays[key[4:]], expected[key]
                    self.assertEqual(found.dtype, wanted.dtype)
                    self.assertEqual(found.shape, wanted.shape)
                    slack = 1 if wanted.dtype.kind in "iu" else 1e-4 * np.ptp(wanted)
                    np.testing.assert_allclose(found.astype(float), wanted.astype(float), rtol=0,
                                               atol=slack)

    def test_signature(self):
        model = DATA / "two_signatures.tflite"
        x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)
        inputs = self.save("in.npz", x=x)
        self.done("run", model, "--inputs", inputs, "--outputs", self.path("out.npz"),
                  "--signature", "encode")
        self.assertEqual(np.load(self.path("out.npz"))["code"].shape, (2, 4))
        self.refused("run", model, "--inputs", inputs, "--signature", "absent",
                     words=["absent", "encode", "decode"])

    def test_npy(self):
        x = np.zeros(CONVNET_INPUT, np.float32)
        np.save(self.path("in.npy"), np.asfortranarray(x))
        self.done("run", CONVNET, "--inputs", self.path("in.npy"), "--outputs", self.path("o.npy"))
        self.assertEqual(np.load(self.path("o.npy")).shape, (1, 10))

    def test_compressed_inputs_give_the_same(self):
        x = np.random.default_rng(1).random(CONVNET_INPUT, np.float32)
        np.savez_compressed(self.path("a.npz"), image=x)
        np.savez(self.path("b.npz"), image=x)
        for name in "ab":
            self.done("run", CONVNET, "--inputs", self.path(name + ".npz"),
                      "--outputs", self.path(name + "_out.npz"))
        self.assertEqual(self.path("a_out.npz").read_bytes(), self.path("b_out.npz").read_bytes())

    def test_random_is_determined_by_the_seed(self):
        results = []
        for seed, threads in ((1, 1), (1, 3), (2, 1)):
            self.done("run", CONVNET, "--random", seed, "--outputs", self.path("o.npz"),
                      "--threads", threads, "--repeat", 3, "--limits", "untrusted")
            results.append(np.load(self.path("o.npz"))["output_0"])
        np.testing.assert_array_equal(results[0], results[1])
        self.assertTrue((results[0] != results[2]).any())

    def test_labels(self):
        inputs = DATA / "float_convnet.npz"
        scores = next(v for k, v in np.load(inputs).items() if k.startswith("out:"))
        best = scores.argmax(-1).ravel()
        for kind in (np.int32, np.int64):
            np.save(self.path("labels.npy"), best.astype(kind))
            text = self.done("run", CONVNET, "--inputs", inputs, "--labels", self.path("labels.npy"))
            self.assertIn(f"right: {best.size} of {best.size} rows (100 %)", text)
        np.save(self.path("labels.npy"), (best + 1).astype(np.int32))
        result = json.loads(self.done("run", CONVNET, "--inputs", inputs, "--labels",
                                      self.path("labels.npy"), "--json"))
        self.assertEqual((result["rows_right"], result["rows"]), (0, best.size))

    def test_wrong_labels(self):
        for labels, words in ((np.zeros(5000, np.int32), "5000 classes"),
                              (np.zeros(1, np.float32), "INT32 or INT64"),
                              (np.zeros((1, 1), np.int32), "INT32 or INT64")):
            np.save(self.path("labels.npy"), labels)
            self.refused("run", CONVNET, "--random", "1", "--labels", self.path("labels.npy"),
                         words=["labels", words])

    def test_json(self):
        result = json.loads(self.done("run", CONVNET, "--random", 1, "--json"))
        self.assertEqual(result["outputs"][0]["shape"], [1, 10])
        self.assertGreater(result["median_ms"], 0)

    def test_an_existing_output_is_replaced(self):
        self.path("o.npz").write_bytes(b"old")
        self.done("run", CONVNET, "--random", 1, "--outputs", self.path("o.npz"))
        self.assertEqual(np.load(self.path("o.npz")).files, ["output_0"])


class RunRefusals(CliTest):
    def refused_inputs(self, inputs, *words):
        self.refused("run", CONVNET, "--inputs", inputs, "--outputs", self.path("out.npz"),
                     words=[str(inputs), *words])

    def test_missing_files(self):
        absent = self.path("absent.tflite")
        self.refused("run", absent, "--random", 1, words=[str(absent), "No such file"])
        self.refused("inspect", absent, words=[str(absent)])
        self.refused("inspect", self.folder, words=[str(self.folder)])
        self.refused_inputs(self.path("absent.npz"), "No such file")

    def test_no_model(self):
        self.path("a.tflite").write_bytes(b"")
        self.refused("inspect", self.path("a.tflite"), words=["a.tflite"])
        self.path("a.tflite").write_bytes(os.urandom(3000))
        self.refused("run", self.path("a.tflite"), "--random", 1, words=["a.tflite"])

    def test_truncated_models(self):
        whole = CONVNET.read_bytes()
        for n in (7, 8, 100, len(whole) // 2, len(whole) - 1):
            self.path("a.tflite").write_bytes(whole[:n])
            self.refused("run", self.path("a.tflite"), "--random", 1, words=["a.tflite"])

    def test_wrong_key(self):
        x = np.zeros(CONVNET_INPUT, np.float32)
        self.refused_inputs(self.save("a.npz", picture=x), "'image'", "'picture'")
        self.refused_inputs(self.save("b.npz", image=x, more=x), "'more'", "'image'")
        self.refused_inputs(self.save("c.npz"), "'image'")

    def test_wrong_shape_and_type(self):
        self.refused_inputs(self.save("a.npz", image=np.zeros((1, 16, 15, 3), np.float32)),
                            "'image'", "[1,16,16,3]", "[1,16,15,3]")
        self.refused_inputs(self.save("b.npz", image=np.zeros((16, 16, 3), np.float32)),
                            "[1,16,16,3]", "[16,16,3]")
        self.refused_inputs(self.save("c.npz", image=np.zeros(CONVNET_INPUT)),
                            "'image'", "FLOAT32", "FLOAT64")
        self.refused_inputs(self.save("d.npz", image=np.array(["text"])), "'image'", "STRING [1]")

    def test_no_archive(self):
        for name, content in (("a.npz", b""), ("b.npz", b"no archive " * 10),
                              ("c.npz", self.save("x.npz", image=np.zeros(9)).read_bytes()[:-30])):
            self.path(name).write_bytes(content)
            self.refused_inputs(self.path(name), "not an .npz archive")

    def test_forged_size(self):
        with zipfile.ZipFile(self.path("a.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("image.npy", np.lib.format.magic(1, 0) + b"\x10\x00{'descr': '<f4'}")
        self.refused_inputs(self.path("a.npz"), "'image'", "header")

    def test_unwritable_outputs(self):
        for path in (self.path("absent/out.npz"), self.folder, "/dev/full"):
            self.refused("run", CONVNET, "--random", 1, "--outputs", path, words=[str(path)])
        self.refused("run", DATA / "two_signatures.tflite", "--random", 1, "--outputs",
                     self.path("o.npy"), words=["2 arrays"])

    def test_weights_cache(self):
        cache = self.path("weights")
        self.done("run", CONVNET, "--random", 1, "--outputs", self.path("a.npz"), "--weights-cache", cache)
        written = cache.read_bytes()
        self.done("run", CONVNET, "--random", 1, "--outputs", self.path("a.npz"), "--weights-cache", cache)
        self.assertEqual(cache.read_bytes(), written)
        cache.write_bytes(written[:100] + b"x" + written[101:])  # damaged: written anew
        self.done("run", CONVNET, "--random", 1, "--outputs", self.path("a.npz"), "--weights-cache", cache)
        self.assertEqual(cache.read_bytes(), written)

    def test_weights_cache_that_cannot_be_written(self):
        path = self.path("absent/weights")
        result = call("run", CONVNET, "--random", 1, "--outputs", self.path("a.npz"), "--weights-cache", path)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, f"cygnet: warning: {path}: the weights cache can't be written: "
                                        "No such file or directory\n")


class Classify(CliTest):
    def test_pictures_of_every_format(self):
        paths = [self.picture(name) for name in ("a.png", "a.jpg", "a.bmp")]
        paths.append(self.picture("grey.png", mode="L"))
        text = self.done("classify", DATA / "uint8_io_convnet.tflite", *paths, "--top", 3)
        self.assertEqual(len(text.splitlines()), len(paths) * 5)
        for path in paths:
            self.assertIn(str(path), text)

    def test_same_as_run_on_pillows_resize(self):
        path = self.picture("a.png", (57, 33))
        x = np.asarray(Image.open(path).resize((16, 16), Image.BILINEAR))
        np.savez(self.path("raw.npz"), image=x[None])
        np.savez(self.path("real.npz"), image=(x[None].astype(np.float32) - 127.5) / 127.5)
        for model, inputs in (("uint8_io_convnet", "raw.npz"), ("float_convnet", "real.npz")):
            model = DATA / f"{model}.tflite"
            self.done("run", model, "--inputs", self.path(inputs), "--outputs", self.path("o.npy"))
            expected = np.load(self.path("o.npy"))[0].astype(np.float64)
            result = json.loads(self.done("classify", model, path, "--json", "--top", 10))[0]
            scores = [c["score"] for c in result["classes"]]
            self.assertEqual(scores, sorted(scores, reverse=True))
            order = [c["class"] for c in result["classes"]]
            np.testing.assert_array_equal(expected[order], np.sort(expected)[::-1])

    def test_photographs_are_turned_upright(self):
        pixels = np.repeat(np.repeat(np.arange(24, dtype=np.uint8).reshape(4, 6) * 10, 16, 0), 16, 1)
        upright = Image.fromarray(pixels).convert("RGB")
        upright.save(self.path("upright.jpg"), quality=100, subsampling=0)
        expected = self.done("classify", CONVNET, self.path("upright.jpg"), "--json")
        undo = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM,
                5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
        for orientation, how in undo.items():
            with self.subTest(orientation):
                stored = upright if how is None else upright.transpose(how)
                exif = Image.Exif()
                exif[0x0112] = orientation
                stored.save(self.path("a.jpg"), quality=100, subsampling=0, exif=exif)
                found = self.done("classify", CONVNET, self.path("a.jpg"), "--json")
                one, two = (np.array([c["score"] for c in sorted(
                    json.loads(text)[0]["classes"], key=lambda c: c["class"])])
                            for text in (expected, found))
                np.testing.assert_allclose(one, two, atol=1e-3)

    def test_mean_and_std(self):
        path = self.picture("a.png")
        first = self.done("classify", CONVNET, path, "--json", "--mean", 127.5, "--std", 127.5)
        self.assertEqual(first, self.done("classify", CONVNET, path, "--json"))
        other = self.done("classify", CONVNET, path, "--json", "--mean", "1,2,3", "--std", 255)
        self.assertNotEqual(first, other)
        self.refused("classify", CONVNET, path, "--mean", "1,2", words=["--mean", "1 or 3"])
        self.refused("classify", CONVNET, path, "--std", "0", words=["--std"])

    def test_labels(self):
        path = self.picture("a.png")
        self.path("labels").write_text("\n".join(f"label {i}" for i in range(10)))
        result = json.loads(self.done("classify", CONVNET, path, "--json", "--labels",
                                      self.path("labels")))[0]["classes"][0]
        self.assertEqual(result["label"], f"label {result['class']}")
        self.path("labels").write_text("one\ntwo\n")
        self.refused("classify", CONVNET, path, "--labels", self.path("labels"),
                     words=["labels", "2", "10"])

    def test_refusals(self):
        self.path("a.png").write_bytes(b"no picture")
        self.refused("classify", CONVNET, self.path("a.png"), words=["a.png", "not a JPEG"])
        self.refused("classify", CONVNET, self.path("b.png"), words=["b.png", "No such file"])
        good = self.picture("c.jpg")
        self.path("d.jpg").write_bytes(good.read_bytes()[:400])
        self.refused("classify", CONVNET, self.path("d.jpg"), words=["d.jpg", "JPEG"])
        self.refused("classify", DATA / "two_signatures.tflite", good, words=["no picture"])


class Segment(CliTest):
    def test_refusals(self):
        picture = self.picture("a.png")
        self.refused("segment", CONVNET, picture, "-o", self.path("o.png"),
                     words=["float_convnet.tflite", "[1,height,width]", "[1,10]"])
        self.refused("segment", CONVNET, picture, "-o", self.path("absent/o.png"),
                     words=["absent/o.png"])
        self.refused("segment", CONVNET, picture, "-o", self.path("o.png"),
                     "--background", "#12345", words=["#12345"])
        self.refused("segment", CONVNET, picture, "-o", self.path("o.png"),
                     "--background", self.path("absent.jpg"), words=["absent.jpg"])


SHARED = pathlib.Path(os.environ.get("CYGNET_SHARED_DIR", SOURCE.parent / "shared"))


@unittest.skipUnless((SHARED / "models").is_dir(), f"no models in {SHARED}")
class TrainedModels(CliTest):
    def model(self, name):
        return SHARED / "models" / f"{name}.tflite"

    def image(self, name):
        return SHARED / "images" / name

    def test_classify_the_cat(self):
        labels = self.image("imagenet_labels.txt")
        names = [line.split(",")[0].lower() for line in labels.read_text().splitlines()]
        for model in ("mobilenet_v1_0.25_128_quant", "mobilenet_v2_1.0_224_quant",
                      "tf2_mobilenet_v2_1.0_224_ptq"):
            with self.subTest(model):
                recorded = np.load(SHARED / "models" / f"{model}.npz")
                scores = next(recorded[k] for k in recorded.files if k.startswith("out:"))[0]
                expected = np.argsort(-scores.astype(int), kind="stable")[:3]
                self.assertEqual({names[i] for i in expected},
                                 {"egyptian cat", "tabby", "tiger cat"})
                result = json.loads(self.done("classify", self.model(model), self.image("cat.bmp"),
                                              "--labels", labels, "--top", 3, "--json"))
                found = [c["class"] for c in result[0]["classes"]]
                self.assertEqual(found, list(expected))

    def test_segment_the_bird(self):
        model = "deeplabv3_mnv2_dm05_pascal_quant"
        mask, out = self.path("mask.png"), self.path("out.png")
        expected = np.load(SHARED / "models" / f"{model}.npz")["out:ArgMax"][0]
        # LiteRT's own fast kernels agree with its reference kernels in 0.9925 of the pixels.
        for flags, least in ((["--reference"], 0.999), ([], 0.9925)):
            text = self.done("segment", self.model(model), self.image("bird_segmentation.bmp"),
                             "-o", out, "--mask", mask, "--labels",
                             self.image("pascal_voc_segmentation_labels.txt"), *flags)
            self.assertIn("bird", text)
            self.assertGreaterEqual((np.asarray(Image.open(mask)) == expected).mean(), least)
            self.assertEqual(Image.open(out).size, (513, 513))

    def test_segment_the_portrait(self):
        expected = np.asarray(Image.open(self.image("grace_hopper_mask.png"))) > 127
        mask = self.path("mask.png")
        for background in ("blur", "#00ff00", "transparent", self.image("cat.bmp")):
            self.done("segment", self.model("selfie_segmentation"), self.image("grace_hopper.bmp"),
                      "-o", self.path("out.png"), "--mask", mask, "--background", background)
            found = np.asarray(Image.open(mask)) > 127
            self.assertGreaterEqual((found & expected).sum() / (found | expected).sum(), 0.95)
            out = Image.open(self.path("out.png"))
            self.assertEqual(out.size, (512, 600))
            self.assertEqual(out.mode, "RGBA" if background == "transparent" else "RGB")


if __name__ == "__main__":
    unittest.main()
