#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares operators with LiteRT on models with random shapes, options and values.

    run.py                             every operator and type, 20 cases each
    run.py ADD SUB --cases 100         these operators
    run.py ADD --kinds "f32 i8"        these types
    run.py --case ADD/f32/7 --keep DIR one case; its model and arrays are kept in DIR
    run.py --unlisted ADD              types that the operator does not list: an error, or the right answer
    run.py --coverage OPS.csv          fails when a row's type (columns op, dtypes, tier) has no generator
    run.py --fixed ADD                 the fixed cases
    run.py --record ADD                writes the fixed cases and the first random ones into tests/data/ops

Needs the wheels ai-edge-litert, ml_dtypes, flatbuffers and numpy, and the program differential_runner.
The oracle is LiteRT's reference kernels where they have the operator, else its ordinary ones.
"""
import argparse
import collections
import dataclasses
import pathlib
import sys

import numpy as np

import compare
import fixed
import generator
import models
import recordings
import unlisted
from litert import Crashed, LiteRT, Refused
from runner import Crash, Failed, Runner

SOURCE = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Outcome:
    """What became of one case."""
    state: str  # ok, failed, refused (by LiteRT and us), ours (LiteRT gives an error, we don't)
    text: str = ""
    worst: float = 0.0
    resolver: str = ""
    record: tuple = None  # (model, feeds, what LiteRT computed or None)
    outputs: list = None  # what it computed, with types: [[(type, array)] of each run]; None where LiteRT has no part
    special: bool = False  # compared by the case's own function


def judge(case, rules, plain, kernels, differing, theirs):
    """(text or None, worst) of one case's results."""
    for name, got in (("plain loops", plain), ("kernels", kernels)):
        if isinstance(got, Failed):
            return f"{name}: {got}", 0.0
    if case.compare is not None:
        for name, got in (("plain loops", plain), ("kernels", kernels)):
            text = case.compare([[values for _, values in run] for run in got], theirs)
            if text:
                return f"{name}: {text}", 0.0
        return None, 0.0
    text, worst = compare.results_differ(plain, theirs, rules.tolerance, rules.steps)
    if text is not None:
        return f"plain loops: {text}", worst
    values = [[array for _, array in run] for run in plain]
    text, _ = compare.results_differ(kernels, values, 2 * rules.tolerance, rules.kernel_steps, case.apart)
    if text is not None:
        return f"kernels beside plain loops: {text}", worst
    if differing:
        return f"integers differ on {differing}", worst
    return None, worst


class Session:
    def __init__(self, build):
        self.runner, self.litert = Runner(build), LiteRT()
        self.registry = self.runner.registry()

    def close(self):
        self.runner.close()
        self.litert.close()

    def try_case(self, op, number, case, rng, rules):
        """Runs one case in both."""
        highest = self.registry.get(op, (0, 1))[1]
        version = case.version or 1 + number % highest
        feeds = models.feeds(case, rng)
        raw = models.build(op, case, version)
        theirs, resolver, error = None, "", None
        try:
            if not case.alone:
                theirs, resolver = self.litert.oracle(op, case, feeds, highest)
        except (Refused, Crashed) as failure:
            error = failure
        try:
            plain, kernels, differing = self.runner.run(raw, feeds)
        except Crash:
            return Outcome("failed", "the process died")
        record = (raw, feeds, theirs)
        if error is not None and not (case.compare and isinstance(error, Refused) and "Didn't find op" in str(error)) \
                and not (case.compare and "unresolved custom op" in str(error).lower()):
            if isinstance(plain, Failed) and isinstance(kernels, Failed):
                return Outcome("refused", f"LiteRT: {error}; ours: {plain}", record=record)
            return Outcome("ours", f"LiteRT: {error}", record=record)
        text, worst = judge(case, rules, plain, kernels, differing, theirs)
        if text is not None and self.unsteady(op, case, feeds, highest, theirs):
            return Outcome("refused", "LiteRT: another answer each time", record=record)
        if text is not None:
            return Outcome("failed", text, worst, resolver, record)
        outputs = None
        if theirs is not None:
            outputs = [[(kind, want) for (kind, _), want in zip(got_run, want_run)]
                       for got_run, want_run in zip(plain, theirs)]
        return Outcome("ok", "", worst, resolver, record, outputs, case.compare is not None)

    def unsteady(self, op, case, feeds, highest, theirs):
        """Whether LiteRT computes something else when it is asked again: it reads memory that it never wrote."""
        if theirs is None or case.compare is not None:
            return False
        for _ in range(3):
            again, _ = self.litert.oracle(op, case, feeds, highest)
            if any(np.array(a, order="C").tobytes() != np.array(b, order="C").tobytes()
                   for run, other in zip(theirs, again) for a, b in zip(run, other) if a.dtype != object):
                return True
        return False

    def row(self, op, kind, wanted):
        """Outcomes by case number, until `wanted` of them are accepted by LiteRT."""
        rules = generator.GENERATORS[op, kind]
        outcomes, accepted = {}, 0
        for number in range(3 * wanted):
            if accepted == wanted:
                break
            case, rng = rules.case(op, kind, number)
            outcomes[number] = self.try_case(op, number, case, rng, rules)
            accepted += outcomes[number].state in ("ok", "failed")
        return outcomes


def summary(outcomes):
    return collections.Counter(o.state for o in outcomes.values())


def report(op, kind, outcomes, wanted, verbose):
    """Prints a row of the table and what failed in it; whether all is well."""
    count = summary(outcomes)
    worst = max((o.worst for o in outcomes.values()), default=0.0)
    plain = sum(o.resolver == "BUILTIN_REF" for o in outcomes.values())
    well = count["failed"] == 0 and count["ok"] == wanted
    print(f"{op:32} {kind:18} {count['ok']:4} ok {plain:4} ref  worst {worst:<9.3g}"
          + (f" {count['refused']} refused by both" if count["refused"] else "")
          + (f" {count['ours']} ours only" if count["ours"] else "")
          + (f" {count['failed']} FAILED" if count["failed"] else "")
          + ("" if well or count["failed"] else f" TOO FEW of {wanted}"), flush=True)
    shown = [(n, o) for n, o in outcomes.items() if o.state == "failed" or (not well and o.state != "ok") or (verbose and o.state != "ok")]
    for number, outcome in shown[:10 if verbose else 3]:
        print(f"    {op}/{kind}/{number} {outcome.state}: {outcome.text[:400]}")
    return well


def fixed_rows(session, operators):
    """Runs the fixed cases: {(operator, kind): {name: outcome}}."""
    rows = collections.defaultdict(dict)
    for number, (op, kind, name, case, rng) in enumerate(fixed.all_cases()):
        if not operators or op in operators:
            rows[op, kind][name] = session.try_case(op, number, case, rng, generator.rules_of(op, kind))
    return rows


def one_case(session, name, keep):
    op, kind, number = name.rsplit("/", 2)
    rules = generator.GENERATORS[op, kind]
    case, rng = rules.case(op, kind, int(number))
    outcome = session.try_case(op, int(number), case, rng, rules)
    print(outcome.state, outcome.text, f"worst {outcome.worst:.3g}", outcome.resolver)
    if case.model is None:
        for x in [*case.inputs, *case.outputs]:
            print("   ", x)
        print("   ", case.options or case.options2 or "")
    if keep:
        raw, feeds, theirs = outcome.record
        folder = pathlib.Path(keep)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.tflite").write_bytes(raw)
        np.savez(folder / "in.npz", **feeds[0])
        if theirs:
            np.savez(folder / "out.npz", *theirs[0])
    return outcome.state == "ok"


def coverage(path):
    """Rows of the operator table whose types have no generator."""
    import csv
    missing = []
    for row in csv.DictReader(open(path)):
        op, kinds = row["op"].split("(")[0], row["dtypes"]
        if kinds.startswith(("none", "(")):
            continue
        for kind in kinds.split("|"):
            if (op, kind) not in generator.GENERATORS and (op, kind.split("(")[0]) not in generator.GENERATORS:
                missing.append(f"{op} {kind}")
    print("\n".join(missing) or "every row has its generators")
    return not missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operators", nargs="*")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--build", default=SOURCE / "build" / "release", type=pathlib.Path)
    parser.add_argument("--case")
    parser.add_argument("--keep")
    parser.add_argument("--unlisted", action="store_true")
    parser.add_argument("--coverage")
    parser.add_argument("--fixed", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="show refused cases too")
    flags = parser.parse_args()
    generators = generator.load_generators()
    if flags.coverage:
        return coverage(flags.coverage)
    session = Session(flags.build)
    try:
        if flags.case:
            return one_case(session, flags.case, flags.keep)
        if flags.fixed:
            rows = fixed_rows(session, flags.operators)
            well = [report(*row, outcomes, len(outcomes), flags.verbose) for row, outcomes in sorted(rows.items())]
            print(f"{sum(well)} of {len(well)} rows pass, {sum(map(len, rows.values()))} fixed cases")
            return all(well)
        if flags.record:
            return recordings.record(session, flags.operators, fixed_rows(session, flags.operators))
        unknown = set(flags.operators) - {op for op, _ in generators}
        if unknown:
            sys.exit(f"no generator of {', '.join(sorted(unknown))}")
        rows = [(op, kind) for op, kind in sorted(generators)
                if (not flags.operators or op in flags.operators) and (not flags.kinds or kind in flags.kinds.split())]
        if flags.unlisted:
            return all([unlisted.check(session, op, flags.cases) for op in sorted({op for op, _ in rows})])
        well = [report(op, kind, session.row(op, kind, flags.cases), flags.cases, flags.verbose) for op, kind in rows]
        print(f"{sum(well)} of {len(well)} rows pass, {flags.cases} cases each")
        return all(well)
    finally:
        session.close()


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
