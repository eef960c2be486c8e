# SPDX-License-Identifier: Apache-2.0
"""Recorded cases: what LiteRT computed, for machines without it.

tests/data/ops/OPERATOR.npz.xz holds, for each recorded case KIND/NAME, `…/model` (the .tflite file), the bytes of
inputs and outputs as `…/in:RUN:NAME` and `…/out:RUN:INDEX` and their shapes as `…/shape:RUN:NAME` and
`…/result:RUN:INDEX`; and one `rules`: JSON that has tolerance, steps, kernel_steps, why of each kind, and the
`special` cases, which their generator's own function compares (`formula`: without LiteRT's outputs).
"""
import dataclasses
import io
import json
import lzma
import pathlib
import zipfile

import numpy as np

import generator
import models

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data" / "ops"
CASES = 3  # random ones of each operator and kind
LARGEST = 30_000  # bytes of a case that is recorded


def save(path, arrays):
    """As numpy.savez, compressed as a whole; the same bytes on every run."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(key + ".npy"), buffer.getvalue())
    path.write_bytes(lzma.compress(whole.getvalue(), preset=9))


def file_name(op):
    return op.replace("CUSTOM:", "custom_") + ".npz.xz"


def operator_name(path):
    return path.name.removesuffix(".npz.xz").replace("custom_", "CUSTOM:")


def _octets(raw):
    return np.frombuffer(raw, np.uint8)


def case_arrays(name, raw, feeds, outputs):
    """One case as arrays; outputs: [[(type, array)] of each run]."""
    arrays = {f"{name}/model": _octets(raw)}
    kinds = dict(models.graph_inputs(raw))
    for run, values in enumerate(feeds):
        for key in kinds:
            arrays[f"{name}/in:{run}:{key}"] = _octets(models.to_bytes(kinds[key], values[key]))
            arrays[f"{name}/shape:{run}:{key}"] = np.array(np.shape(values[key]), np.int32)
    for run, results in enumerate(outputs):
        for i, (kind, values) in enumerate(results):
            arrays[f"{name}/out:{run}:{i}"] = _octets(models.to_bytes(kind, values))
            arrays[f"{name}/result:{run}:{i}"] = np.array(np.shape(values), np.int32)
    return arrays


def record(session, operators, fixed):
    """Writes the archives of these operators (none: all): the fixed cases, {(operator, kind): {name: outcome}}, and
    the first random ones of each kind. Whether all are well."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = {row for row in {*fixed, *generator.GENERATORS} if not operators or row[0] in operators}
    bad = []
    for op in sorted({op for op, _ in rows}):
        arrays, rules = {}, {}
        for kind in sorted(k for o, k in rows if o == op):
            found = [(f"{kind}/{name}", outcome) for name, outcome in fixed.get((op, kind), {}).items()]
            bad += [f"{op} {name}: {outcome.text}" for name, outcome in found if outcome.state != "ok"]
            if (op, kind) in generator.GENERATORS:
                random = _random_cases(session, op, kind)
                bad += [f"{op} {kind}: {len(random)} of {CASES} cases"] if len(random) < CASES else []
                found += random
            found = [(name, outcome) for name, outcome in found if outcome.state == "ok"]
            for name, outcome in found:
                arrays.update(case_arrays(name, *outcome.record[:2], outcome.outputs or []))
            entry = dataclasses.asdict(generator.rules_of(op, kind))
            del entry["make"]
            entry["special"] = [name for name, outcome in found if outcome.special]
            entry["formula"] = any(not outcome.outputs for _, outcome in found)
            rules[kind] = entry
        arrays["rules"] = _octets(json.dumps(rules, sort_keys=True).encode())
        save(FOLDER / file_name(op), arrays)
    print("\n".join(bad) or f"{len({op for op, _ in rows})} operators recorded")
    return not bad


def _random_cases(session, op, kind):
    """Random cases of the first, the second and the highest version that are small; LiteRT runs them."""
    rules = generator.GENERATORS[op, kind]
    highest = session.registry.get(op, (0, 1))[1]
    found, taken = [], set()
    for first in (0, 1, highest - 1):
        for number in range(first, first + 12 * highest, highest):
            if number in taken:
                continue
            taken.add(number)
            case, rng = rules.case(op, kind, number)
            outcome = session.try_case(op, number, case, rng, rules)
            if outcome.state == "ok" and _size(outcome) <= LARGEST:
                found.append((f"{kind}/{number}", outcome))
                break
    return found


def _size(outcome):
    return sum(array.nbytes for array in case_arrays("", *outcome.record[:2], outcome.outputs or []).values())


def read_rules(path):
    """({kind: its rules}, number of cases)."""
    with np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as archive:
        return json.loads(archive["rules"].tobytes()), sum(key.endswith("/model") for key in archive.files)


def read(path):
    """(operator's rules, {case: (raw, feeds, outputs)}), where outputs are bytes and shapes: [[(bytes, shape)]]."""
    cases, rules = {}, {}
    with np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as archive:
        for key in archive.files:
            if key == "rules":
                rules = json.loads(archive[key].tobytes())
                continue
            kind, number, what = key.split("/", 2)
            cases.setdefault(f"{kind}/{number}", {})[what] = archive[key]
    return rules, {name: _case(parts) for name, parts in cases.items()}


def _case(parts):
    raw = parts["model"].tobytes()
    kinds = models.graph_inputs(raw)
    runs = 1 + max([int(key.split(":")[1]) for key in parts if key.startswith(("in:", "out:"))], default=0)
    feeds, outputs = [], []
    for run in range(runs):
        feeds.append({name: models.from_bytes(kind, parts[f"in:{run}:{name}"].tobytes(), tuple(parts[f"shape:{run}:{name}"]))
                      for name, kind in kinds})
        count = sum(key.startswith(f"out:{run}:") for key in parts)
        outputs.append([(parts[f"out:{run}:{i}"].tobytes(), tuple(parts[f"result:{run}:{i}"])) for i in range(count)])
    return raw, feeds, outputs
