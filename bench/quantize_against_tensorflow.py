#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantizes networks with Cygnet and with TensorFlow's converter, and compares what comes out.

  bench/quantize_against_tensorflow.py --cache FOLDER [--only NAME,...|--all] [--modes MODE,...]

Networks: those of keras_networks.py, random weights, with their own softmax and without it (logits).
Both converters get the same pictures. A line is a network and a mode:

  dB, TF dB   signal to quantization noise at the output beside the float network, on pictures of the
              calibration and (unseen) on others; each file run by LiteRT's kernels without delegates
  exact       largest difference between LiteRT's reference kernels and `cygnet run --reference`, and
  fast        between LiteRT's fast kernels and `cygnet run`, in steps of the output's scale; where the
              output is no integer, in 255ths of its range
  MB, s       file sizes and seconds of both on one thread: our whole process, of TensorFlow's the converter
              alone, without what it takes to import TensorFlow and to load the network

A line is a MISS (and the exit code 1) when LiteRT refuses the file, the dB on the calibration's pictures
are less than TensorFlow's (by more than 0.1) or `exact` is more than 1. Where activations are rounded
while it runs (dynamic, int4) the last bit of a float decides now and then which way, and later layers
spread that: there the noise between `cygnet run` and LiteRT has to be less than that of quantizing, and the
dB may be 1 less. Lastly MobileNetV2 with 100 pictures: at least 5 times faster.
TensorFlow's side stays in the cache folder. Needs the wheels of
tools/requirements.txt. Never more than one process at work.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODES = ("int8", "int16x8", "dynamic", "float16", "int4")
QUICK = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "densenet121", "resnet50")
HEADS = {"logits": {"classifier_activation": None}, "softmax": {}}
CALIBRATION, LEAST_SPEEDUP = 20, 5
SLACK_DB = {"dynamic": 1.0}  # else 0.1


# ---- Children: TensorFlow and LiteRT each in a process of their own


def child_make(name, head, count, base):
    """BASE.keras, BASE.f32.tflite and the pictures BASE.calibration.npy, BASE.unseen.npy."""
    sys.path.insert(0, str(ROOT / "bench"))
    import keras_networks
    import tensorflow as tf
    number = list(keras_networks.NETWORKS).index(name)
    model, _ = keras_networks.build(name, number, **HEADS[head])
    np.save(f"{base}.calibration.npy", keras_networks.pictures_for(model, 500 + number, int(count)))
    np.save(f"{base}.unseen.npy", keras_networks.pictures_for(model, 700 + number, 16))
    model.save(f"{base}.keras")
    pathlib.Path(f"{base}.f32.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def child_tensorflow(base, mode):
    """BASE.MODE.tf.tflite; prints the seconds that the converter took."""
    os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1",
                      TF_NUM_INTEROP_THREADS="1")
    import tensorflow as tf
    pictures = np.load(f"{base}.calibration.npy")
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model(f"{base}.keras"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if mode in ("int8", "int16x8"):
        converter.representative_dataset = lambda: ([p] for p in np.split(pictures, len(pictures)))
    if mode == "int16x8":
        # Operators without a 16-bit form may stay float, as they do here.
        sets = tf.lite.OpsSet
        converter.target_spec.supported_ops = [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, sets.TFLITE_BUILTINS]
    start = time.monotonic()
    content = converter.convert()
    seconds = time.monotonic() - start
    pathlib.Path(f"{base}.{mode}.tf.tflite").write_bytes(content)
    print("\nRESULT " + json.dumps({"seconds": seconds}))


def output_step(interpreter):
    """The scale of the first output: of its integers, or of those that it is made of; else None."""
    detail = interpreter.get_output_details()[0]
    if detail["quantization"][0] > 0:
        return float(detail["quantization"][0])
    for op in interpreter._get_ops_details():
        if op["op_name"] == "DEQUANTIZE" and detail["index"] in list(op["outputs"]):
            source = [d for d in interpreter.get_tensor_details() if d["index"] == op["inputs"][0]]
            return float(source[0]["quantization"][0])
    return None


def child_litert(model, pictures, first, count, kernels, out):
    """The first outputs of some pictures as OUT, one run each; prints the step and the kinds of operators."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    resolver = {"fast": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, "reference": OpResolverType.BUILTIN_REF}
    interpreter = Interpreter(model_path=model, num_threads=1, experimental_op_resolver_type=resolver[kernels])
    interpreter.allocate_tensors()
    index, results = interpreter.get_input_details()[0]["index"], []
    for picture in np.load(pictures, mmap_mode="r")[int(first):int(first) + int(count)]:
        interpreter.set_tensor(index, np.ascontiguousarray(picture[None]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy())
    np.save(out, np.concatenate(results))
    kinds = sorted({op["op_name"] for op in interpreter._get_ops_details()})
    print("\nRESULT " + json.dumps({"step": output_step(interpreter), "operators": kinds}))


# ---- The parent


def decibels(wanted, got):
    noise = float(np.sum((wanted - got) ** 2))
    return 10 * math.log10(float(np.sum(wanted ** 2)) / noise) if noise else math.inf


class Refused(Exception):
    """A process ended with an error; its last line."""


class Bench:
    def __init__(self, options):
        self.cache, self.cygnet, self.options = options.cache, str(options.cygnet), options
        self.prefix = options.run_with.split()

    def call(self, *command):
        """(output, seconds) of a process that must succeed."""
        start = time.monotonic()
        done = subprocess.run([*self.prefix, *map(str, command)], capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
            raise Refused(lines[-1][:200])
        return done.stdout, time.monotonic() - start

    def child(self, *arguments):
        text, _ = self.call(sys.executable, __file__, "--child", *arguments)
        answers = [line[7:] for line in text.splitlines() if line.startswith("RESULT ")]
        return json.loads(answers[-1]) if answers else {}

    def network(self, name, head, count=CALIBRATION):
        base = self.cache / (f"{name}-{head}" + ("" if count == CALIBRATION else f"-{count}"))
        if not pathlib.Path(f"{base}.f32.tflite").exists():
            self.child("make", name, head, count, base)
        return base

    def theirs(self, base, mode):
        """(TensorFlow's file, seconds); made once."""
        book, out = pathlib.Path(f"{base}.{mode}.tf.json"), pathlib.Path(f"{base}.{mode}.tf.tflite")
        if not book.exists():
            book.write_text(json.dumps(self.child("tensorflow", base, mode)))
        return out, json.loads(book.read_text())["seconds"]

    def ours(self, base, mode):
        """(our file, seconds)."""
        out = pathlib.Path(f"{base}.{mode}.cygnet.tflite")
        command = [self.cygnet, "quantize", f"{base}.f32.tflite", "-o", out, "--mode", mode,
                   "--data", f"{base}.calibration.npy", "--no-times", *self.options.flags.split()]
        # The clock runs in the process that waits for nothing else.
        text, _ = self.call(sys.executable, __file__, "--child", "timed", *command)
        return out, json.loads(text.splitlines()[-1][7:])["seconds"]

    def litert(self, model, base, pictures, first, count, kernels="fast", keep=False):
        """(outputs, answer) of LiteRT."""
        out = pathlib.Path(f"{model}.{pictures}.{first}.{count}.{kernels}.npy")
        book = out.with_suffix(".json")
        if not (keep and book.exists()):
            answer = self.child("litert", model, f"{base}.{pictures}.npy", first, count, kernels, out)
            book.write_text(json.dumps(answer))
        result = np.load(out), json.loads(book.read_text())
        if not keep:
            out.unlink()
            book.unlink()
        return result

    def here(self, model, base, pictures, first, count, *flags):
        """The outputs of `cygnet run`."""
        with tempfile.TemporaryDirectory() as folder:
            given, out = pathlib.Path(folder, "in.npy"), pathlib.Path(folder, "out.npy")
            np.save(given, np.load(f"{base}.{pictures}.npy", mmap_mode="r")[first:first + count])
            self.call(self.cygnet, "run", model, "--inputs", given, "--outputs", out, *flags)
            return np.load(out)

    def decibels(self, model, base, pictures, keep):
        """SQNR of the file's outputs beside the float network's on the first pictures."""
        count = self.options.pictures
        wanted, _ = self.litert(f"{base}.f32.tflite", base, pictures, 0, count, keep=True)
        got, _ = self.litert(model, base, pictures, 0, count, keep=keep)
        return decibels(wanted.astype(np.float64), got)

    def steps(self, model, base, kernels):
        """Difference between LiteRT's outputs and ours: the largest in steps, and dB."""
        count = self.options.exact_pictures
        wanted, answer = self.litert(model, base, "unseen", 0, count, kernels)
        got = self.here(model, base, "unseen", 0, count, *(["--reference"] if kernels == "reference" else []))
        step = answer["step"] or float(np.ptp(wanted)) / 255 or 1.0
        wanted = wanted.astype(np.float64)
        return float(np.abs(wanted - got).max()) / step, decibels(wanted, got)

    def line(self, base, mode):
        """One line of the table as a dictionary."""
        row = {"network": base.name, "mode": mode}
        try:
            ours, row["seconds"] = self.ours(base, mode)
            row["bytes"] = ours.stat().st_size
            row["db"] = self.decibels(ours, base, "calibration", False)
            row["unseen_db"] = self.decibels(ours, base, "unseen", False)
            row["fast"], _ = self.steps(ours, base, "fast")
            row["exact"], row["exact_db"] = self.steps(ours, base, "reference")
        except Refused as refused:
            row["error"] = str(refused)
        try:
            if mode != "int4":
                theirs, row["tf_seconds"] = self.theirs(base, mode)
                row["tf_bytes"] = theirs.stat().st_size
                row["tf_db"] = self.decibels(theirs, base, "calibration", True)
                row["tf_unseen_db"] = self.decibels(theirs, base, "unseen", True)
        except Refused as refused:  # by TensorFlow, or of its file by LiteRT
            row["tf_error"] = str(refused)
        row["good"] = ("error" not in row and row["db"] >= row.get("tf_db", -math.inf) - SLACK_DB.get(mode, 0.1) and
                       (row["exact"] <= 1 + 1e-3 or
                        mode in ("dynamic", "int4") and row["exact_db"] > row["db"]))
        return row

    def speed(self):
        """MobileNetV2 with 100 pictures, both from the start in this run."""
        base = self.network("mobilenet_v2", "softmax", 100)
        pathlib.Path(f"{base}.int8.tf.json").unlink(missing_ok=True)
        _, theirs = self.theirs(base, "int8")
        ours = min(self.ours(base, "int8")[1] for _ in range(3))
        return {"network": base.name, "mode": "int8", "seconds": ours, "tf_seconds": theirs,
                "times": theirs / ours, "good": theirs >= LEAST_SPEEDUP * ours}


def child_timed(*command):
    """The seconds of a program."""
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    print("RESULT " + json.dumps({"seconds": time.monotonic() - start}))


HEADINGS = (("network", 28), ("mode", 8), ("", 4), ("dB", 6), ("TF dB", 6), ("unseen", 6), ("TF", 6), ("exact", 6),
            ("fast", 6), ("MB", 6), ("TF MB", 6), ("s", 6), ("TF s", 6))


def show(row):
    if "error" in row:
        print(f"{row['network']:28} {row['mode']:8} MISS {row['error']}", flush=True)
        return

    def cell(key, scale=1, digits=2):
        return f"{row[key] / scale:6.{digits}f}" if key in row else f"{'-':>6}"
    cells = [cell("db"), cell("tf_db"), cell("unseen_db"), cell("tf_unseen_db"), cell("exact"), cell("fast"),
             cell("bytes", 1e6), cell("tf_bytes", 1e6), cell("seconds"), cell("tf_seconds"),
             row.get("tf_error", "")[:80]]
    print(f"{row['network']:28} {row['mode']:8} {'ok' if row['good'] else 'MISS':4} {' '.join(cells)}", flush=True)


def chosen_networks(options):
    if options.only:
        return options.only.split(",")
    if not options.all:
        return QUICK
    text = subprocess.run([sys.executable, ROOT / "bench" / "keras_networks.py", "--list"], capture_output=True,
                          text=True, check=True).stdout
    return text.strip().splitlines()[-1].split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--cygnet", default=ROOT / "build" / "release" / "cli" / "cygnet")
    parser.add_argument("--only", default="", help="names of networks; 'speed' for the last comparison alone")
    parser.add_argument("--all", action="store_true", help="every network of keras_networks.py")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--heads", default=",".join(HEADS))
    parser.add_argument("--pictures", type=int, default=CALIBRATION,
                        help="at most so many of each kind for dB (20)")
    parser.add_argument("--exact-pictures", type=int, default=1, help="on which kernels are compared (1)")
    parser.add_argument("--flags", default="", help="more flags for cygnet quantize")
    parser.add_argument("--run-with", default="", help="put in front of every command: 'taskset -c 1'")
    parser.add_argument("--json", type=pathlib.Path, help="a file for the figures")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    bench, rows = Bench(options), []
    names = chosen_networks(options)
    print("".join(f"{title:>{width}} " if width == 6 else f"{title:{width}} " for title, width in HEADINGS))
    for name in names:
        for head in options.heads.split(",") if name != "speed" else ():
            base = bench.network(name, head)
            for mode in options.modes.split(","):
                rows.append(bench.line(base, mode))
                show(rows[-1])
    if not options.only or "speed" in names:
        rows.append(bench.speed())
        row = rows[-1]
        print(f"{row['network']}: {'ok' if row['good'] else 'MISS'}  TensorFlow {row['tf_seconds']:.2f} s, "
              f"Cygnet {row['seconds']:.2f} s: {row['times']:.1f} times faster")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    print(f"{sum(r['good'] for r in rows)} of {len(rows)} good")
    sys.exit(0 if all(r["good"] for r in rows) else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        {"make": child_make, "tensorflow": child_tensorflow, "litert": child_litert,
         "timed": child_timed}[sys.argv[2]](*sys.argv[3:])
    else:
        main()
