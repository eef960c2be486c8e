# SPDX-License-Identifier: Apache-2.0
"""Where the checkout and the build lie, for the structure tests."""
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
CODE = {".cc", ".h", ".hpp", ".c", ".inl"}


def sources(*folders, suffixes=CODE):
    """The source files below the folders of the checkout, sorted."""
    return sorted(path for folder in folders for path in (SOURCE / folder).rglob("*")
                  if path.suffix in suffixes and path.is_file())


def tracked():
    """The files that git tracks or would, or every file where this is no git checkout."""
    listed = subprocess.run(
        ["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return sorted(SOURCE / name for name in set(listed.stdout.split("\0")) if name
                      and (SOURCE / name).is_file())
    skipped = {"build", ".venv", ".git", "__pycache__"}
    return sorted(path for path in SOURCE.rglob("*")
                  if path.is_file() and not skipped & set(path.relative_to(SOURCE).parts))

