# SPDX-License-Identifier: Apache-2.0
# ctest: sanitized
"""Broken and hostile models end in one clear message: no crash, no hang, no memory without bound.

Mutants come from the shared folder's tools, and the tests are skipped where it is absent.
CYGNET_MUTANTS sets how many there are of each kind (script/test --long asks for 1,000).
"""
import io
import lzma
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
SHARED = pathlib.Path(os.environ.get("CYGNET_SHARED_DIR", SOURCE.parent / "shared"))
TOOLS = SHARED / "tools"
PROGRAM = BUILD / "cli" / "cygnet"
COUNT = int(os.environ.get("CYGNET_MUTANTS", "150"))
SEED = 3
# The large models are mutated in smaller lots, which bounds the space on disk.
LOT = 50
RUN = (PROGRAM, "run", "{}", "--random", "1", "--limits", "untrusted")
# Refusals of valid models: what this build does not have, and a shape that is input, here at random.
MISSING = r"does not have these operators|index -?\d+ at position|not supported|RESHAPE .*new shape .* does not hold"

pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason=f"no {TOOLS}")


def sanitized():
    """Whether the program is built with a sanitizer, which reserves terabytes of addresses."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    return re.search(r"^CYGNET_SANITIZE:\w+=\S", cache, re.M) is not None


def tool(name, *arguments):
    return subprocess.run([sys.executable, TOOLS / name, *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def make_mutants(seeds, folder, count, seed):
    result = tool("mutate_tflite.py", seeds, folder, "--count", count, "--seed", seed)
    assert result.returncode == 0, result.stderr
    (folder / "manifest.jsonl").unlink(missing_ok=True)


def survive(folder, report):
    """Runs the program on each file; fails with the offenders' names."""
    result = tool("survive.py", folder, "--timeout", 30 if sanitized() else 10, "--mem-kind",
                  "rss" if sanitized() else "as", "--report", report, "--", *RUN)
    text = report.read_text() if report.exists() else ""
    bad = "\n".join(line for line in text.splitlines()
                    if not re.search(r'"class": "(ok|clean)"', line))
    assert result.returncode == 0, f"seed {SEED}: {result.stdout[-400:]}{result.stderr[-400:]}\n{bad}"


def run(path):
    command = [path if word == "{}" else str(word) for word in RUN]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def one_operator_models(folder):
    result = tool("make_seeds.py", folder)
    assert result.returncode == 0, result.stderr
    return folder


def supported_models(folder):
    """The one-operator models that this build runs: mutants of others get no further than the name."""
    for path in one_operator_models(folder).glob("*.tflite"):
        if run(path).returncode != 0:
            path.unlink()
    assert any(folder.iterdir())
    return folder


def recorded_operators(folder):
    """A model of each operator and type that was recorded beside LiteRT's outputs."""
    folder.mkdir()
    for archive in sorted((SOURCE / "tests" / "data" / "ops").glob("*.npz.xz")):
        seen = set()
        with np.load(io.BytesIO(lzma.decompress(archive.read_bytes()))) as arrays:
            for key in arrays.files:
                kind = key.split("/")[0]
                if key.endswith("/model") and kind not in seen:
                    seen.add(kind)
                    name = f"{archive.name.split('.')[0]}_{kind}.tflite".replace(">", "")
                    (folder / name).write_bytes(arrays[key].tobytes())
    return folder


SEEDS = {
    "own_models": lambda folder: SOURCE / "tests" / "data",
    "every_operator": one_operator_models,
    "supported_operators": supported_models,
    "recorded_operators": recorded_operators,
}


@pytest.mark.parametrize("source", SEEDS)
def test_mutants_of_small_models(source, tmp_path):
    seeds = SEEDS[source](tmp_path / "seeds")
    mutants = tmp_path / "mutants"
    make_mutants(seeds, mutants, COUNT, SEED)
    survive(mutants, tmp_path / "report.jsonl")


def test_valid_models_are_accepted(tmp_path):
    """They run, or are refused for nothing but what this build does not have."""
    refused = []
    own = [path for folder in ("tests/data", "examples") for path in (SOURCE / folder).glob("*.tflite")]
    for path in own + sorted(one_operator_models(tmp_path / "seeds").glob("*.tflite")):
        ran = run(path)
        missing = re.search(MISSING, ran.stderr)
        if ran.returncode != 0 and (path in own or not missing):
            refused.append(ran.stderr)
    assert not refused, "\n".join(refused)


@pytest.mark.parametrize("lot", range(max(1, COUNT // 3 // LOT)))
def test_mutants_of_large_models(lot, tmp_path):
    mutants = tmp_path / "mutants"
    make_mutants(SHARED / "models", mutants, min(LOT, COUNT), SEED + 1 + lot)
    survive(mutants, tmp_path / "report.jsonl")
    for path in mutants.iterdir():
        path.unlink()


def rejected_by_the_verifier(files):
    """The files that tflite_verify.py, which checks the same rules, written by other hands, rejects.

    It takes a constant whose data lies behind the FlatBuffer, which is legal, for one without data.
    """
    verdicts = [line.rsplit(" ", 1) for line in tool("tflite_verify.py", *files).stdout.splitlines()]
    rejected = [path for verdict, path in verdicts if verdict.startswith("reject")
                and not ("buffer_offset_inside" in path and "input not produced" in verdict)]
    assert rejected
    return rejected


@pytest.mark.parametrize("source", ["every_operator", "supported_operators"])
def test_what_the_verifier_rejects_is_refused(source, tmp_path):
    """By `inspect`, which loads without an operator being there, and by `run`."""
    mutants = tmp_path / "mutants"
    make_mutants(SEEDS[source](tmp_path / "seeds"), mutants, COUNT, SEED + 100)
    accepted = []
    for path in rejected_by_the_verifier(sorted(mutants.glob("*.tflite"))):
        inspected = subprocess.run([PROGRAM, "inspect", path], capture_output=True, check=False)
        if inspected.returncode == 0 or run(path).returncode == 0:
            accepted.append(path)
    assert not accepted, "\n".join(accepted)
