# SPDX-License-Identifier: Apache-2.0
"""Single operators give what LiteRT's reference kernels gave (tests/data/ops, made by
tools/record_op_cases.py): on the plain loops the same integers and floats within 1e-5, on kernels
integers within 1 step."""
import io
import lzma
import os
import pathlib
import subprocess

import numpy as np
import pytest

SOURCE = pathlib.Path(os.environ.get("CYGNET_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
FILES = sorted((SOURCE / "tests" / "data" / "ops").glob("*.npz.xz"))


def read_cases(path):
    """{case: {"model": array, "in": {tensor: array}, "out": {tensor: array}}}"""
    cases = {}
    with np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as archive:
        for key in archive.files:
            name, what = key.split("/", 1)
            case = cases.setdefault(name, {"in": {}, "out": {}})
            if what == "model":
                case["model"] = archive[key]
            else:
                side, tensor = what.split(":", 1)
                case[side][tensor] = archive[key]
    return cases


def run(folder, case, *flags):
    """The outputs by name, or the error's text."""
    model, inputs, outputs = folder / "model.tflite", folder / "in.npz", folder / "out.npz"
    model.write_bytes(case["model"].tobytes())
    np.savez(inputs, **case["in"])
    outputs.unlink(missing_ok=True)
    command = [PROGRAM, "run", model, "--inputs", inputs, "--outputs", outputs, *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.strip()}"
    with np.load(outputs) as archive:
        return {key: archive[key] for key in archive.files}


def difference(want, got, steps):
    """What is wrong with an output, or None."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype} {got.shape} instead of {want.dtype} {want.shape}"
    if want.size == 0:
        return None
    if want.dtype.kind == "f":
        bad = ~np.isclose(got.astype(np.float64), want.astype(np.float64), rtol=1e-5, equal_nan=True,
                          atol=1e-5 * min(1.0, float(np.nanmax(np.abs(want)))))
    else:
        bad = np.abs(got.astype(np.int64) - want.astype(np.int64)) > steps
    if not bad.any():
        return None
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{int(bad.sum())} of {bad.size} differ, first at {list(at)}: {got[at]!s} instead of {want[at]!s}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_recorded(path, tmp_path):
    wrong = []
    for name, case in read_cases(path).items():
        for flags, steps in ((["--reference"], 0), ([], 1)):
            got = run(tmp_path, case, *flags)
            if isinstance(got, str):
                wrong.append(f"{name} {flags}: {got}")
                continue
            for tensor, want in case["out"].items():
                text = difference(want, got[tensor], steps)
                if text is not None:
                    wrong.append(f"{name} {flags} {tensor}: {text}")
    assert not wrong, "\n".join([f"{len(wrong)} differences"] + wrong)


def test_there_are_recordings():
    assert len(FILES) >= 20
