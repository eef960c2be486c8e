# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Random one-layer Keras models, saved as .keras and .h5 and converted: LiteRT computes what Keras predicts.

Needs TensorFlow and LiteRT (tools/requirements.txt), and is skipped without them. As a script:
  keras_layers_test.py [--only NAME,...] [--rounds N] [--seed N] [--keep FOLDER]
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Folders of these names lie beside this file; they have no version.
keras = pytest.importorskip("keras", minversion="2")
tf = pytest.importorskip("tensorflow", minversion="2")
litert = pytest.importorskip("ai_edge_litert.interpreter")
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import keras_layer_cases
import keras_operation_cases  # noqa: F401: adds its cases to the table

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
CASES = keras_layer_cases.CASES
ROUNDS = int(os.environ.get("CYGNET_KERAS_ROUNDS", "6"))
SEED = 11
TOLERANCE = 1e-4  # of the output's range


def randomize(model, rng):
    for variable in model.weights:
        name = variable.path.rpartition("/")[2]
        value = rng.normal(0, 0.6, variable.shape)
        if "variance" in name:
            value = np.abs(value) + 0.2
        elif name == "count" or "seed" in variable.path:
            continue
        variable.assign(value.astype(np.float32))
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            layer.finalize_state()


def arrays_of(model, rng, batch=2):
    result = []
    for t in model.inputs:
        shape = (batch, *t.shape[1:])
        if t.dtype == "bool":
            mask = rng.integers(0, 2, shape).astype(bool)
            mask[..., 0] = True
            result.append(mask)
        elif t.dtype == "float32":
            result.append(rng.uniform(-1.5, 1.5, shape).astype(np.float32))
        else:
            result.append(rng.integers(0, 7, shape).astype(t.dtype))
    return result


def run_litert(path, arrays):
    interpreter = litert.Interpreter(str(path))
    details = interpreter.get_input_details()
    for d, a in zip(details, arrays):
        interpreter.resize_tensor_input(d["index"], a.shape)
    interpreter.allocate_tensors()
    for d, a in zip(details, arrays):
        interpreter.set_tensor(d["index"], a)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def differences(wanted, got):
    if len(wanted) != len(got):
        return f"{len(got)} outputs instead of {len(wanted)}"
    for i, (w, g) in enumerate(zip(wanted, got)):
        if w.shape != g.shape:
            return f"output {i} has shape {g.shape} instead of {w.shape}"
        error = np.abs(w.astype(np.float64) - g)
        spread = max(float(np.ptp(w)) if w.size else 0, float(np.abs(w).max()) if w.size else 0, 1e-3)
        if not np.all((error <= TOLERANCE * spread) | (np.isnan(w) & np.isnan(g))):
            return f"output {i} differs by {np.nanmax(error):.3g}, its range is {spread:.3g}"
    return ""


def check(name, seed, folder):
    """The messages of what went wrong with one model in both formats; none where all is well."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    inputs, outputs, *reference = CASES[name](keras_layer_cases.R(seed))
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(seed)
    randomize(model, rng)
    arrays = arrays_of(model, rng)
    if reference:
        result = reference[0](arrays)
    else:
        result = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    wanted = [np.asarray(y) for y in tf.nest.flatten(result)]
    wrong = []
    for kind in ("keras", "h5"):
        source, result = folder / f"{name}_{seed}.{kind}", folder / f"{name}_{seed}.{kind}.tflite"
        try:
            model.save(source)
        except (TypeError, NotImplementedError, ValueError) as e:
            if kind == "h5":  # Keras writes some of its own layers only as .keras
                continue
            raise e
        done = subprocess.run([PROGRAM, "convert", source, "-o", result], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            wrong.append(f"{kind}: {done.stderr.strip()}")
            continue
        try:
            message = differences(wanted, run_litert(result, arrays))
        except (RuntimeError, ValueError) as e:
            message = f"LiteRT: {str(e).strip()}"
        if message:
            wrong.append(f"{kind}: {message}")
    if wrong and (folder / f"{name}_{seed}.keras").exists():
        np.savez(folder / f"{name}_{seed}.npz", **{f"in{i}": a for i, a in enumerate(arrays)},
                 **{f"out{i}": w for i, w in enumerate(wanted)})
    return wrong


@pytest.mark.parametrize("name", list(CASES))
def test_layers(name, tmp_path):
    for i in range(ROUNDS):
        wrong = check(name, SEED * 1000 + i, tmp_path)
        assert not wrong, f"{name}, seed {SEED * 1000 + i}: {wrong}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.keep or pathlib.Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    bad = all_models = 0
    for name in [n for n in CASES if not options.only or n in options.only.split(",")]:
        seen = set()
        for i in range(options.rounds):
            all_models += 1
            try:
                wrong = check(name, options.seed * 1000 + i, folder)
            except Exception as e:  # pylint: disable=broad-except
                wrong = [f"model: {type(e).__name__}: {str(e).strip()[:300]}"]
            bad += bool(wrong)
            for w in wrong:
                if w not in seen:
                    print(f"{name}, seed {options.seed * 1000 + i}: {w}", flush=True)
                seen.add(w)
    print(f"{all_models} models, {bad} wrong")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
