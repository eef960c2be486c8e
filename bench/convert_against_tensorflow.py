#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts networks with Cygnet, runs the results in LiteRT and compares them with TensorFlow.

  bench/convert_against_tensorflow.py --cache FOLDER [--only NAME,...] [--formats KIND,...]

Networks: those of keras_networks.py (random weights and batch-norm statistics) and the small ones of
tools/make_conversion_fixtures.py, each in all formats (saved_model, pb, h5, keras). They are built in the
cache folder once, which takes some 3 GB; --discard removes each large network's files after its turn.
A line is a miss (MISS, and exit code 1 at the end) if Cygnet refuses the network, LiteRT refuses the
result, an output differs from TensorFlow's by 1e-4 of the output's range or more, there are more
operators than TensorFlow's converter emits for the same network, or a constant MUL, ADD or a
BATCH_TO_SPACE_ND is left behind a convolution. Lastly the time and memory of converting ResNet50 from
SavedModel, both converters as whole processes: at least 10 times faster in a third of the memory.
Needs the wheels of tools/requirements.txt. Never more than one process at work.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORMATS = ("saved_model", "pb", "h5", "keras", "pbtxt")
TOLERANCE = 1e-4
NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")


def run(command, **options):
    """(exit code, its output, seconds, peak bytes) of a whole process.

    The peak is never less than this process's own size, some 40 MiB, which a child has as it starts.
    """
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT, **options)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return process.returncode, out.read().decode(errors="replace"), seconds, usage.ru_maxrss * 1024


def read_model(path):
    return schema.ModelT.InitFromPackedBuf(pathlib.Path(path).read_bytes(), 0)


def kind_of(model, op):
    code = model.operatorCodes[op.opcodeIndex]
    return code.customCode.decode() if code.customCode else NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


def count_operators(model):
    return dict(collections.Counter(
        kind_of(model, op) for graph in model.subgraphs for op in graph.operators or []).most_common())


def unfolded(model):
    """Operators behind a convolution that belong into it: constant MUL or ADD per channel, BATCH_TO_SPACE_ND."""
    found = []

    def constant(tensor, channels):
        data = model.buffers[tensor.buffer].data
        shape = [] if tensor.shape is None else list(tensor.shape)
        return (data is not None and len(data) > 0 and
                int(np.prod(shape)) in (1, channels) and (not shape or shape[-1] in (1, channels)))
    for graph in model.subgraphs:
        producer, uses = {}, collections.Counter()
        for op in graph.operators or []:
            producer.update({t: op for t in op.outputs})
            uses.update(op.inputs)
        uses.update(graph.outputs)
        for op in graph.operators or []:
            kind = kind_of(model, op)
            if kind not in ("MUL", "ADD", "SUB", "DIV", "BATCH_TO_SPACE_ND"):
                continue
            for t in op.inputs:
                source = producer.get(t)
                if source is None or uses[t] != 1 or kind_of(model, source) not in CONVOLUTIONS:
                    continue
                if getattr(source.builtinOptions, "fusedActivationFunction", 0):
                    continue
                channels = list(graph.tensors[t].shape)[-1]
                strided = getattr(source.builtinOptions, "strideH", 1) > 1
                if (kind == "BATCH_TO_SPACE_ND" and not strided) or kind != "BATCH_TO_SPACE_ND" and any(
                        constant(graph.tensors[o], channels) for o in op.inputs if o != t):
                    found.append(kind)
    return found


def keyed(details, signature_details):
    """[(name in the signature or None, detail)] in the order of the graph's inputs or outputs."""
    keys = {d["index"]: key for key, d in signature_details.items()}
    return [(keys.get(d["index"]), d) for d in details]


def run_in_litert(path, record):
    """[(recorded output, computed output)]: matched by name where the names agree, else by position."""
    interpreter = Interpreter(model_path=str(path), num_threads=2,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    signature_inputs, signature_outputs = {}, {}
    if interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(next(iter(interpreter.get_signature_list())))
        signature_inputs, signature_outputs = runner.get_input_details(), runner.get_output_details()
        del runner  # While it lives, the interpreter refuses to allocate.
    inputs = keyed(interpreter.get_input_details(), signature_inputs)
    given = {k[3:]: v for k, v in record.items() if k.startswith("in:")}
    by_name = {key or d["name"] for key, d in inputs} == set(given)
    arrays = [given[key or d["name"]] if by_name else value for (key, d), value in zip(inputs, given.values())]
    for (_, detail), array in zip(inputs, arrays):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for (_, detail), array in zip(inputs, arrays):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    outputs = keyed(interpreter.get_output_details(), signature_outputs)
    wanted = {k[4:]: v for k, v in record.items() if k.startswith("out:")}
    if len(outputs) != len(wanted):
        raise ValueError(f"{len(outputs)} outputs, not {len(wanted)}")
    names = [key or d["name"] for key, d in outputs]
    if set(names) != set(wanted):
        names = list(wanted)
    return [(wanted[n], interpreter.get_tensor(d["index"])) for n, (_, d) in zip(names, outputs)]


def difference(pairs):
    """The largest difference of any output in parts of that output's range."""
    worst = 0.0
    for wanted, got in pairs:
        if wanted.shape != got.shape:
            raise ValueError(f"an output has the shape {list(got.shape)}, not {list(wanted.shape)}")
        if not wanted.size:
            continue
        wanted, got = np.asarray(wanted, np.float64), np.asarray(got, np.float64)
        finite = np.isfinite(wanted)
        if not np.array_equal(np.nan_to_num(wanted[~finite]), np.nan_to_num(got[~finite])):
            return float("inf")
        if finite.any():
            wanted, got = wanted[finite], got[finite]
            span = np.ptp(wanted) or max(abs(wanted[0]), 1e-6)
            error = np.abs(wanted - got).max() / span
            worst = max(worst, float("inf") if np.isnan(error) else float(error))
    return worst


def child_check(path, npz):
    """Child process: the comparison and the counts as JSON."""
    model = read_model(path)
    result = {"operators": count_operators(model), "unfolded": unfolded(model)}
    with np.load(npz) as record:
        try:
            result["difference"] = difference(run_in_litert(path, dict(record)))
        except (ValueError, RuntimeError) as error:
            result["error"] = "LiteRT: " + str(error).strip().splitlines()[-1]
    print("\nRESULT " + json.dumps(result))


def child_tensorflow(source, out, npz):
    """Child process: TensorFlow's own converter; exit code 1 where it refuses."""
    os.environ["CUDA_VISIBLE_DEVICES"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "-1", "3"
    import tensorflow as tf
    if source.endswith(".saved_model"):
        converter = tf.lite.TFLiteConverter.from_saved_model(source)
    else:
        keys = np.load(npz).files
        converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            source, [k[3:] for k in keys if k.startswith("in:")], [k[4:] for k in keys if k.startswith("out:")])
    pathlib.Path(out).write_bytes(converter.convert())


def child(mode, *arguments):
    return run([sys.executable, __file__, "--child", mode, *arguments])


def tensorflow_count(name, paths, npz, cache):
    """Operators that TensorFlow's converter emits for a network, or None where it refuses; remembered."""
    book = cache / "tensorflow_operators.json"
    known = json.loads(book.read_text()) if book.exists() else {}
    if name not in known:
        source = paths.get("saved_model") or paths.get("pb")
        out = cache / "tensorflow.tflite"
        code, _, _, _ = child("tensorflow", source, out, npz)
        known[name] = sum(count_operators(read_model(out)).values()) if code == 0 else None
        out.unlink(missing_ok=True)
        book.write_text(json.dumps(known, indent=1))
    return known[name]


def check(cygnet, name, kind, source, npz, limit, cache):
    """One line of the table; false for a miss."""
    out = cache / "cygnet.tflite"
    out.unlink(missing_ok=True)
    command = [cygnet, "convert", source, "-o", out]
    if kind in ("pb", "pbtxt"):
        with np.load(npz) as record:
            command += ["--outputs", ",".join(k[4:] for k in record.files if k.startswith("out:"))]
    code, text, seconds, peak = run(command)
    if code != 0:
        last = (text.strip().splitlines() or [f"exit code {code}"])[-1]
        print(f"{name:26} {kind:11} MISS  {last[:160]}", flush=True)
        return False
    code, text, _, _ = child("check", out, npz)
    answers = [line[7:] for line in text.splitlines() if line.startswith("RESULT ")]
    if not answers:
        print(f"{name:26} {kind:11} MISS  LiteRT ended with exit code {code}", flush=True)
        return False
    answer = json.loads(answers[-1])
    count = sum(answer["operators"].values())
    reasons = [answer["error"]] if "error" in answer else []
    if answer.get("difference", 0) >= TOLERANCE:
        reasons.append("differs")
    if limit is not None and count > limit:
        reasons.append("more operators")
    if answer["unfolded"]:
        counts = collections.Counter(answer["unfolded"])
        reasons.append("unfolded: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    print(f"{name:26} {kind:11} {'MISS' if reasons else 'ok  '}  {answer.get('difference', float('nan')):9.2e} "
          f"{count:5} {'-' if limit is None else limit:>5} {seconds:7.2f} {peak / 2**20:7.0f}  "
          f"{'; '.join(reasons)}", flush=True)
    return not reasons


def compare_resources(cygnet, source, cache):
    """Wall time and peak memory of both converters on one SavedModel; false unless 10 and 3 times less."""
    out = cache / "resources.tflite"
    ours = min((run([cygnet, "convert", source, "-o", out]) for _ in range(3)), key=lambda r: r[2])
    theirs = child("tensorflow", source, out, "-")
    out.unlink(missing_ok=True)
    if ours[0] or theirs[0]:
        print("resources: MISS  a converter failed")
        return False
    times, memory = theirs[2] / ours[2], theirs[3] / ours[3]
    good = times >= 10 and memory >= 3
    print(f"{source.name}: {'ok' if good else 'MISS'}  TensorFlow {theirs[2]:.2f} s, {theirs[3] / 2**20:.0f} MiB; "
          f"Cygnet {ours[2]:.2f} s, {ours[3] / 2**20:.0f} MiB: {times:.1f} times faster, {memory:.1f} times less memory")
    return good


def network_names():
    """Of keras.applications; read without importing TensorFlow here."""
    code, text, _, _ = run([sys.executable, ROOT / "bench" / "keras_networks.py", "--list"])
    if code:
        raise RuntimeError(text)
    return text.strip().splitlines()[-1].split()


def fixtures(cache):
    """{name: {kind: path}} of the small networks, built in every format that can hold them."""
    folder = cache / "small"
    if not (folder / "done").exists():
        code, text, _, _ = run([sys.executable, ROOT / "tools" / "make_conversion_fixtures.py",
                                "--all-formats", folder])
        if code:
            raise RuntimeError(text)
        (folder / "done").touch()
    return {npz.stem: {k: p for k in FORMATS if (p := npz.with_suffix("." + k)).exists()}
            for npz in sorted(folder.glob("*.npz"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--cygnet", default=ROOT / "build" / "release" / "cli" / "cygnet")
    parser.add_argument("--only", default="", help="names of networks, or 'small', 'large', 'resources'")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--discard", action="store_true")
    options = parser.parse_args()
    chosen, kinds, cache = set(filter(None, options.only.split(","))), options.formats.split(","), options.cache
    cache.mkdir(parents=True, exist_ok=True)
    print(f"{'network':26} {'format':11}       difference   ops    TF seconds     MiB", flush=True)
    good = []

    def check_all(name, paths, npz):
        limit = tensorflow_count(name, paths, npz, cache)
        good.extend(check(options.cygnet, name, kind, path, npz, limit, cache)
                    for kind, path in paths.items() if kind in kinds)

    large = network_names()
    if not chosen or chosen - {"large", "resources", *large}:
        for name, paths in fixtures(cache).items():
            if not chosen or chosen & {"small", name}:
                check_all(name, paths, cache / "small" / f"{name}.npz")
    for name in large:
        measured = name == "resnet50" and (not chosen or "resources" in chosen)
        checked = not chosen or chosen & {"large", name}
        if not measured and not checked:
            continue
        code, text, _, _ = run([sys.executable, ROOT / "bench" / "keras_networks.py", name, cache])
        if code:
            raise RuntimeError(text)
        paths = {k: p for k in FORMATS if (p := cache / f"{name}.{k}").exists()}
        if checked:
            check_all(name, paths, cache / f"{name}.npz")
        if measured:
            good.append(compare_resources(options.cygnet, paths["saved_model"], cache))
        if options.discard:
            for path in paths.values():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    (cache / "cygnet.tflite").unlink(missing_ok=True)
    print(f"{sum(good)} of {len(good)} good")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        {"check": child_check, "tensorflow": child_tensorflow}[sys.argv[2]](*sys.argv[3:])
    else:
        main()
