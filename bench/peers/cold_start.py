#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cold start of Cygnet and LiteRT from C: process start to first result, and peak memory.

  bench/peers/cold_start.py LIBRARY... --models MODEL.tflite... [--rounds N]

Each LIBRARY is libcygnet.so (CMake option CYGNET_SHARED) or libLiteRt.so of the wheel
ai-edge-litert, whose C API it is started through. Builds cold_start.c with the C compiler, then
starts one process for each library and model in turn; files are in the page cache. Shows the least
and the median of the wall time from the start of the process to its end, the least CPU time, the
medians of its parts, and the peak of resident memory. libcygnet.so also starts with a weights cache
that an earlier process wrote; below the table that start is compared with what it can't do without.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def build(folder):
    program = pathlib.Path(folder) / "cold_start"
    subprocess.run(["cc", "-O2", f"-I{HERE.parents[1] / 'include'}", str(HERE / "cold_start.c"), "-o", str(program),
                    "-ldl"], check=True)
    return program


def start(program, library, model, *more):
    """(wall ms, CPU ms, peak KB, [model ms, build ms, first ms]) of one process."""
    reader, writer = os.pipe()
    begin = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(program, [str(program), str(library), str(model), *more], os.environ, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader) as output:
        words = output.read().split()
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status) != 0 or len(words) < 4:
        sys.exit(f"{library} can't run {model}")
    # Libraries may greet on standard output; the program's line is the last.
    parts = [float(w) for w in words[-4:-1]]
    return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, int(words[-1]), parts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="+", type=pathlib.Path)
    parser.add_argument("--models", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    for path in (*args.libraries, *args.models):
        if not path.exists():
            parser.error(f"{path}: no such file")
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder)
        print("| model | library | wall ms | median | CPU ms | open | prepare | first run | peak MB |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        notes = []
        for model in args.models:
            cache = pathlib.Path(folder) / f"{model.stem}.weights"
            ways = [(library.absolute(), more) for library in args.libraries
                    for more in ([(), (str(cache),)] if "cygnet" in library.name else [()])]
            starts = {way: [] for way in ways}
            for library, more in ways:
                start(program, library, model, *more)
            for _ in range(args.rounds):
                for library, more in ways:
                    starts[library, more].append(start(program, library, model, *more))
            for (library, more), times in starts.items():
                walls, cpus, peaks, parts = zip(*times)
                medians = [statistics.median(p) for p in zip(*parts)]
                cells = [min(walls), statistics.median(walls), min(cpus), *medians]
                print(f"| {model.stem} | {library.name}{' with cache' if more else ''} | "
                      + " | ".join(f"{c:.1f}" for c in cells) + f" | {max(peaks) / 1e3:.1f} |", flush=True)
                if more:
                    steady = start(program, library, model, *more, "200")[3][2]
                    reading = min(float(subprocess.check_output([program, "read", model, cache]))
                                  for _ in range(args.rounds))
                    ready = min(p[1] + p[2] for p in parts)
                    notes.append(f"{model.stem}: with the cache prepared and run in {ready:.2f} ms; steady state "
                                 f"{steady:.2f} ms, reading model and cache {reading:.2f} ms: "
                                 f"{(ready - reading) / steady:.2f} times steady state after reading")
        print("", *notes, sep="\n")


if __name__ == "__main__":
    main()
