# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Every generator's random models beside LiteRT, 20 of each operator and type."""
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", FOLDER.parents[1] / "build" / "release"))


def run(*flags):
    done = subprocess.run([sys.executable, FOLDER / "run.py", "--build", BUILD, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_random_cases():
    run("--cases", "20")


def test_fixed_cases():
    run("--fixed")


def test_types_that_an_operator_does_not_list():
    run("--unlisted", "--cases", "3")
