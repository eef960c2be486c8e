#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Cygnet with other engines on whole networks, in turn on the same core.

  bench/peers/networks.py NETS --onnx
  bench/peers/peers.py build/release/cli/cygnet NETS/*.tflite --json results.json
  bench/peers/peers.py --report results.json > table.md

Every engine has a process of its own, all alive together; each round gives every engine a turn of
about 25 ms. The figures of an engine are the least and the median process CPU time of a run (with
--threads above 1: wall time). A ratio is the peer's least time divided by Cygnet's: above 1 Cygnet
is faster. Engines that lack their wheel, a model file or an operator are left out and said so.
--json adds to what the file holds, so that the networks can be measured a few at a time.
"""
import argparse
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import engines
import workers

HERE = pathlib.Path(__file__).resolve().parent
# Engines whose arithmetic has the precision that the network asks for; others are shown only.
COMPARED = ("litert", "litert-ref", "onnxruntime", "openvino", "ncnn", "mnn")
SHOWN = ("openvino-bf16",)
KIND_NAMES = {"f32": "float32", "f16": "float16 weights", "dyn": "dynamic range", "int8": "int8", "uint8": "uint8"}


def measure_peaks():
    """Giga-operations a second of one core by instruction: {"float32": …, "int8": …}."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "peak"
        command = ["c++", "-std=c++20", "-O2", "-march=native", str(HERE / "peak.cc"), "-o", str(program)]
        try:
            subprocess.run(command, check=True, capture_output=True)
            lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
        except (OSError, subprocess.CalledProcessError):
            return {}
    return {name: float(value) for name, value in map(str.split, lines)}


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def inspect(cygnet, model):
    result = subprocess.run([cygnet, "inspect", str(model), "--json"], capture_output=True, text=True, check=False)
    return json.loads(result.stdout) if result.returncode == 0 else {}


def split_name(model, report):
    """(network, kind): by the file's name, or by what the first operator that multiplies reads."""
    name, _, kind = model.stem.rpartition("_")
    if kind in KIND_NAMES and name:
        return name, kind
    types = [o["inputs"][0]["type"] for o in report.get("operators", []) if o["macs"]]
    return model.stem, {"INT8": "int8", "UINT8": "uint8"}.get(types[0] if types else "", "f32")


def measure(model, args):
    names = ["cygnet", *args.engines]
    done, failures = workers.compare(names, model, args.cygnet, args.threads, args.rounds)
    report = inspect(args.cygnet, model)
    name, kind = split_name(model, report)
    return {"network": name, "kind": kind, "threads": args.threads, "macs": report.get("macs", 0),
            "engines": {n: {"least_us": w.least, "median_us": w.median, "build_ms": w.build_ms, "first_ms": w.first_ms,
                            "runs": len(w.times)} for n, w in done.items()}, "failures": failures}


def best_peer(row):
    """(name, microseconds) of the fastest engine that Cygnet is compared with, or None."""
    times = [(e["least_us"], n) for n, e in row["engines"].items() if n in COMPARED]
    return min(times)[::-1] if times else None


def ratio(row, peer):
    ours, theirs = row["engines"].get("cygnet"), row["engines"].get(peer)
    return theirs["least_us"] / ours["least_us"] if ours and theirs else None


def share_of_peak(row, peaks):
    """Of the vector instructions' peak (AMX tiles are faster still)."""
    peak = peaks.get("int8" if row["kind"] in ("int8", "uint8") else "float32")
    ours = row["engines"].get("cygnet")
    return 2 * row["macs"] / ours["least_us"] / 1e3 / peak if peak and ours and row["macs"] else None


def geometric_mean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def text(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def report(results, markdown, unit="ms"):
    """The lines of the table: a row for each network and kind, then the geometric means."""
    scale = {"ms": 1e-3, "us": 1}[unit]
    rows, peaks = results["rows"], results["machine"].get("peaks", {})
    peers = [p for p in (*COMPARED, *SHOWN) if any(p in r["engines"] for r in rows)]
    head = ["network", "kind", "MMAC", f"ours {unit}", "median", "% peak", *(f"{p} {unit}" for p in peers), "best peer",
            "vs litert", "vs best"]
    table = [head]
    for r in rows:
        best, ours = best_peer(r), r["engines"].get("cygnet")
        share = share_of_peak(r, peaks)
        time = lambda e, what: text(e[what] * scale, 3 if unit == "ms" else 1) if e else "-"
        table.append([r["network"], KIND_NAMES[r["kind"]] + (f" x{r['threads']}" if r["threads"] > 1 else ""),
                      text(r["macs"] / 1e6, 1), time(ours, "least_us"), time(ours, "median_us"),
                      text(share and share * 100, 0), *(time(r["engines"].get(p), "least_us") for p in peers),
                      best[0] if best else "-", text(ratio(r, "litert")), text(best and ratio(r, best[0]))])
    lines = format_table(table, markdown)
    lines.append("")
    for kind, threads in sorted({(r["kind"], r["threads"]) for r in rows}):
        chosen = [r for r in rows if r["kind"] == kind and r["threads"] == threads]
        means = [f"{p} {text(geometric_mean(ratio(r, p) for r in chosen))}" for p in peers]
        best = geometric_mean(ratio(r, best_peer(r)[0]) for r in chosen if best_peer(r))
        lines.append(f"Geometric mean, {KIND_NAMES[kind]}, {threads} thread{'s' * (threads > 1)}: best peer {text(best)}; "
                     + ", ".join(means))
    return lines


def format_table(table, markdown):
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in table]
        return [lines[0], "| " + " | ".join(["---"] * 2 + ["---:"] * (len(table[0]) - 2)) + " |", *lines[1:]]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
            for row in table]


def load(path):
    if path is not None and path.exists():
        return json.loads(path.read_text())
    return {"machine": {}, "rows": []}


def add_row(results, row):
    key = lambda r: (r["network"], r["kind"], r["threads"])
    results["rows"] = [r for r in results["rows"] if key(r) != key(row)] + [row]
    order = list(KIND_NAMES)
    results["rows"].sort(key=lambda r: (r["threads"], order.index(r["kind"])))


def save(path, results):
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(results, indent=1) + "\n")
    partial.replace(path)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cygnet", nargs="?", help="the program cygnet")
    parser.add_argument("models", nargs="*", type=pathlib.Path, help=".tflite files named NETWORK_KIND.tflite")
    parser.add_argument("--engines", default=",".join((*COMPARED, *SHOWN)), help="with commas between (all)")
    parser.add_argument("--threads", type=int, default=1, help="of each engine, pinned to as many cores (1)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of every engine (15)")
    parser.add_argument("--json", type=pathlib.Path, help="file of results to make or to add to")
    parser.add_argument("--us", dest="unit", action="store_const", const="us", default="ms",
                        help="show microseconds, not milliseconds")
    parser.add_argument("--report", type=pathlib.Path, help="only print the Markdown table of a file of results")
    args = parser.parse_args()
    args.engines = args.engines.split(",")
    unknown = [e for e in args.engines if e not in engines.ENGINES]
    if unknown:
        parser.error(f"unknown engine: {unknown[0]}; there are: {', '.join(engines.ENGINES)}")
    if args.report is None and (args.cygnet is None or not args.models):
        parser.error("the program and models are missing")
    missing = [p for p in (args.cygnet, *args.models) if p is not None and not pathlib.Path(p).exists()]
    if missing:
        parser.error(f"{missing[0]}: no such file")
    if args.threads < 1 or args.rounds < 1:
        parser.error("--threads and --rounds are at least 1")
    return args


def main():
    args = parse_arguments()
    if args.report is not None:
        print("\n".join(report(load(args.report), True, args.unit)))
        return
    cores = sorted(os.sched_getaffinity(0))[:args.threads]
    if len(cores) < args.threads:
        sys.exit(f"{args.threads} threads, but {len(cores)} cores")
    os.sched_setaffinity(0, cores)
    results = load(args.json)
    if not results["machine"].get("peaks"):
        results["machine"] = {"processor": processor(), "peaks": measure_peaks()}
    versions = {e: engines.version_of(e) for e in args.engines}
    results["machine"]["versions"] = {**results["machine"].get("versions", {}), **{e: v for e, v in versions.items() if v}}
    fresh = {"machine": results["machine"], "rows": []}
    for model in args.models:
        row = measure(model, args)
        for engine, why in row["failures"].items():
            print(f"{model.name}: {engine}: {why}", file=sys.stderr, flush=True)
        add_row(fresh, row)
        if args.json is not None:  # read again: another run may have added rows meanwhile
            results = {**load(args.json), "machine": results["machine"]}
            add_row(results, row)
            save(args.json, results)
    print("\n".join(report(fresh, False, args.unit)), flush=True)


if __name__ == "__main__":
    main()
