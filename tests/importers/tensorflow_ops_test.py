# SPDX-License-Identifier: Apache-2.0
"""TensorFlow operator by operator: what TensorFlow computes, what the converted file gives in LiteRT, and what
it gives in `cygnet run`. Skipped where TensorFlow or LiteRT is absent.

  tensorflow_ops_test.py --record    writes tests/data/tensorflow_ops.zip, which recorded_ops_test.py runs anywhere
"""
import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

try:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    if not hasattr(tf, "__version__"):
        raise ImportError("TensorFlow is absent")  # what was found is this folder's own of that name
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    import tensorflow_cases as cases
    import tensorflow_cases_array  # noqa: F401
    import tensorflow_cases_math  # noqa: F401
    import tensorflow_cases_nn  # noqa: F401
    NAMES = sorted(cases.CASES)
except ImportError as absent:
    import pytest
    pytest.skip(f"skipped: {absent}", allow_module_level=True)

SOURCE = pathlib.Path(os.environ.get("CYGNET_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
RECORDED = SOURCE / "tests" / "data" / "tensorflow_ops.zip"


def call(*words):
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True, timeout=120)


def wrong(want, got, tolerance):
    """What is wrong with an output, or None."""
    if want.dtype == np.float16:  # computed in float32
        want, tolerance = want.astype(np.float32), 1e-3
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype} {got.shape} instead of {want.dtype} {want.shape}"
    if want.size == 0:
        return None
    if want.dtype.kind != "f":
        return None if np.array_equal(want, got) else f"other values: {got.ravel()[:6]} instead of {want.ravel()[:6]}"
    limit = tolerance * max(1e-30, float(np.nanmax(np.abs(np.where(np.isfinite(want), want, 0)))))
    close = np.isclose(got.astype(np.float64), want.astype(np.float64), rtol=0, atol=limit, equal_nan=True)
    if close.all():
        return None
    worst = np.nanmax(np.abs(got.astype(np.float64) - want.astype(np.float64)))
    return f"difference {worst:.3g}, at most {limit:.3g} is good"


def in_litert(path, inputs, count):
    with open(os.devnull, "w") as void, contextlib.redirect_stderr(void):
        runner = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    details = {d["name"]: d for d in runner.get_input_details()}
    for name, array in inputs.items():
        if name in details and list(details[name]["shape"]) != list(array.shape):
            runner.resize_tensor_input(details[name]["index"], array.shape)
    runner.allocate_tensors()
    for name, array in inputs.items():
        if name in details:
            runner.set_tensor(details[name]["index"], array)
    runner.invoke()
    return [runner.get_tensor(d["index"]) for d in runner.get_output_details()[:count]]


def failures(name, folder):
    """Everything wrong with a case, as text."""
    c = cases.CASES[name]
    graph, outputs, values = cases.frozen(name)
    inputs = {k: a.astype(np.float32) if a.dtype == np.float16 else a for k, a in c.inputs.items()}
    source, model = folder / "graph.pb", folder / "model.tflite"
    source.write_bytes(graph.SerializeToString())
    model.unlink(missing_ok=True)
    flags = list(c.flags) or ["--inputs", ",".join(c.inputs)]
    done = call("convert", source, "-o", model, "--outputs", ",".join(outputs), *flags)
    if c.refused:
        good = done.returncode == 1 and c.refused in done.stderr
        return [] if good else [f"expected '{c.refused}', got {done.returncode}: {done.stderr.strip()[:300]}"]
    if done.returncode != 0:
        return [f"convert: {done.stderr.strip()[:400]}"]
    if c.warns not in done.stderr:
        return [f"expected the warning '{c.warns}', got: {done.stderr.strip()[:300]}"]
    found = []
    if not c.only_ours:
        try:
            for k, got in enumerate(in_litert(model, inputs, len(values))):
                if (difference := wrong(values[k], got, c.tolerance)) is not None:
                    found.append(f"LiteRT {outputs[k]}: {difference}")
        except (RuntimeError, ValueError) as error:
            found.append(f"LiteRT: {str(error)[:300]}")
    np.savez(folder / "in.npz", **inputs)
    done = call("run", model, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    if done.returncode != 0:
        return found + [f"run: {done.stderr.strip()[:300]}"]
    with np.load(folder / "out.npz") as archive:
        for k, (output, want) in enumerate(zip(outputs, values)):
            if output not in archive.files:  # an input that is handed on keeps its name
                output = archive.files[k]
            if (difference := wrong(want, archive[output], c.tolerance)) is not None:
                found.append(f"run {output}: {difference}")
    return found


def run_all(names):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            try:
                problems = failures(name, pathlib.Path(folder))
            except Exception as error:  # a case that TensorFlow itself refuses is a fault of the case
                problems = [f"{type(error).__name__}: {str(error)[:300]}"]
            if problems:
                found[name] = problems
    return found


def test_operators():
    assert run_all(NAMES) == {}


def record():
    """Frozen graphs, inputs, outputs and flags of every third case."""
    with zipfile.ZipFile(RECORDED, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(NAMES):
            c = cases.CASES[name]
            if (number % 3 != 0 and not c.flags) or c.refused:
                continue
            graph, outputs, values = cases.frozen(name)
            arrays = {f"in:{k}": a for k, a in c.inputs.items()} | {f"out:{k}": a for k, a in zip(outputs, values)}
            arrays = {k: a.astype(np.float32) if a.dtype == np.float16 else a for k, a in arrays.items()}
            data = io.BytesIO()
            np.savez(data, **arrays)
            half = any(v.dtype == np.float16 for v in values)
            flags = list(c.flags) or ["--inputs", ",".join(c.inputs)]
            flags += ["--outputs", ",".join(outputs), "--tolerance", str(1e-3 if half else 3 * c.tolerance)]
            files = {"pb": graph.SerializeToString(deterministic=True), "npz": data.getvalue(),
                     "flags": "\n".join(flags).encode()}
            for suffix, content in files.items():
                entry = zipfile.ZipInfo(f"{name}.{suffix}", (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content, compresslevel=9)


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        record()
        sys.exit(0)
    chosen = [n for n in NAMES if not sys.argv[1:] or any(w in n for w in sys.argv[1:])]
    bad = run_all(chosen)
    for name, problems in bad.items():
        print(f"{name}: " + "; ".join(problems))
    print(f"{len(chosen)} cases, {len(bad)} bad")
    sys.exit(bool(bad))
