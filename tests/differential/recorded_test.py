# SPDX-License-Identifier: Apache-2.0
# ctest: sanitized
"""Operators give what LiteRT gave on the recorded cases (tests/data/ops; `run.py --record` makes them):
on the plain loops, on the kernels, and integers to the bit on every tier and with more threads."""
import os
import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
import compare
import document
import generator
import models
import recordings
from runner import Failed, Runner

BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", FOLDER.parents[1] / "build" / "release"))
FILES = sorted(recordings.FOLDER.glob("*.npz.xz"))


@pytest.fixture(scope="module")
def runner():
    process = Runner(BUILD)
    yield process
    process.close()


def generated(op, name):
    """The case as its generator made it."""
    kind, number = name.split("/")
    return generator.load_generators()[op, kind].case(op, kind, int(number))[0]


def special(op, name):
    """The function of a case's generator that compares its results."""
    return generated(op, name).compare


def allowed(op, name):
    """How far floats of the kernels may be from the plain loops'; only random cases of hybrid types have that."""
    kind, number = name.split("/")
    return generated(op, name).apart if "hybrid" in kind and number.isdigit() else 0.0


def wrong(op, name, case, rules, runner):
    """What is wrong with one case, or None."""
    raw, feeds, outputs = case
    plain, kernels, differing = runner.run(raw, feeds)
    for way, got in (("plain loops", plain), ("kernels", kernels)):
        if isinstance(got, Failed):
            return f"{way}: {got}"
    want = [[models.from_bytes(kind, octets, shape) for (kind, _), (octets, shape) in zip(got, run)]
            for got, run in zip(plain, outputs, strict=True)]
    if name in rules["special"]:
        recorded = want if any(want) else None
        for got in (plain, kernels):
            text = special(op, name)([[array for _, array in run] for run in got], recorded)
            if text:
                return text
        return None
    text, _ = compare.results_differ(plain, want, rules["tolerance"], rules["steps"])
    if text is not None:
        return f"plain loops: {text}"
    values = [[array for _, array in run] for run in plain]
    text, _ = compare.results_differ(kernels, values, 2 * rules["tolerance"], rules["kernel_steps"], allowed(op, name))
    if text is not None:
        return f"kernels beside plain loops: {text}"
    return f"integers differ on {differing}" if differing else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_recorded(path, runner):
    rules, cases = recordings.read(path)
    op = recordings.operator_name(path)
    found = {name: wrong(op, name, case, rules[name.split("/")[0]], runner) for name, case in cases.items()}
    bad = [f"{name}: {text}" for name, text in found.items() if text]
    assert not bad, "\n".join([f"{len(bad)} of {len(cases)} cases"] + bad)


def test_the_page_of_operators_is_current():
    assert document.PAGE.read_text() == document.page(BUILD), "run tests/differential/document.py"


def test_there_are_recordings():
    assert len(FILES) >= 100
