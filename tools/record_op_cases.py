#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what LiteRT's reference kernels compute for models of one operator.

    record_op_cases.py [OPERATOR…]     all operators of op_cases*.py, or those named

Writes tests/data/ops/OPERATOR.npz.xz. For each case NAME the archive holds `NAME/model` (the .tflite file's
bytes), `NAME/in:TENSOR` and `NAME/out:TENSOR`; tests/ops/recorded_test.py runs Cygnet on them. Needs
the wheels of tools/requirements.txt; the outputs are those of ai-edge-litert 2.3.0.
"""
import io
import itertools
import lzma
import pathlib
import sys
import zipfile
import zlib

import numpy as np

import op_cases
import op_cases_arithmetic
import op_cases_detection
import op_cases_indexing
import op_cases_movement
import op_models

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "ops"


def save(path, arrays):
    """As numpy.savez, compressed as a whole; the same bytes on every run."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(key + ".npy"), buffer.getvalue())
    path.write_bytes(lzma.compress(whole.getvalue(), preset=9))


def main(wanted):
    groups = {}
    for case in itertools.chain(op_cases.all_cases(), op_cases_movement.all_cases(), op_cases_indexing.all_cases(),
                                op_cases_arithmetic.all_cases(), op_cases_detection.all_cases()):
        groups.setdefault(case["op"], []).append(case)
    unknown = set(wanted) - set(groups)
    if unknown:
        sys.exit(f"no cases for {', '.join(sorted(unknown))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    refused = []
    for op, cases in groups.items():
        if wanted and op not in wanted:
            continue
        arrays, ordinary = {}, 0
        for case in cases:
            name = case["name"]
            rng = np.random.default_rng(zlib.crc32(f"{op}/{name}".encode()))
            try:
                model, inputs, outputs, resolver = op_models.record(case, rng)
            except (ValueError, RuntimeError) as error:
                refused.append(f"{op} {name}: {str(error).splitlines()[0]}")
                continue
            ordinary += resolver != "BUILTIN_REF"
            assert f"{name}/model" not in arrays, f"{op}: two cases {name}"
            arrays[f"{name}/model"] = np.frombuffer(model, np.uint8)
            arrays.update({f"{name}/in:{key}": array for key, array in inputs.items()})
            arrays.update({f"{name}/out:{key}": array for key, array in outputs.items()})
        path = FOLDER / f"{op}.npz.xz"
        save(path, arrays)
        note = f", {ordinary} from the ordinary kernels" if ordinary else ""
        print(f"{op}: {len(cases)} cases, {path.stat().st_size} bytes{note}")
    if refused:
        sys.exit("LiteRT refuses\n" + "\n".join(refused))


if __name__ == "__main__":
    main(sys.argv[1:])
