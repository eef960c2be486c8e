#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times models on Cygnet and on LiteRT with its delegates off, in turn, in one process.

  bench/against_litert.py LIBRARY MODEL.tflite... [--rounds N] [--threads N] [--xnnpack]

LIBRARY is libcygnet.so (CMake option CYGNET_SHARED). Needs the wheels ai-edge-litert and numpy.
Each round runs every engine for about 50 ms; the figure of an engine is the least and the median
process CPU time of one invoke over the rounds. The ratio is LiteRT's time / ours: above 1 we are
faster. A model that LiteRT can't run without delegates (custom operators) is compared with XNNPACK
on, and says so.
"""
import argparse
import ctypes
import os
import statistics
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType


class Tensor(ctypes.Structure):
    """cygnet_tensor of cygnet.h."""
    _fields_ = [("name", ctypes.c_char_p), ("name_length", ctypes.c_size_t), ("type", ctypes.c_int),
                ("rank", ctypes.c_int32), ("dims", ctypes.c_int32 * 8), ("bytes", ctypes.c_size_t),
                ("data", ctypes.c_void_p), ("scale_count", ctypes.c_int32),
                ("quantized_dim", ctypes.c_int32), ("scale", ctypes.c_float), ("zero_point", ctypes.c_int32)]


class InterpreterOptions(ctypes.Structure):
    """cygnet_interpreter_options of cygnet.h."""
    _fields_ = [("struct_size", ctypes.c_size_t), ("threads", ctypes.c_int), ("reference", ctypes.c_int),
                ("signature", ctypes.c_char_p)]


class Cygnet:
    def __init__(self, library, path, threads):
        self.lib = ctypes.CDLL(library)
        self.lib.cygnet_error_message.restype = ctypes.c_char_p
        self.lib.cygnet_interpreter_arena_bytes.restype = ctypes.c_size_t
        self.lib.cygnet_interpreter_arena_bytes.argtypes = [ctypes.c_void_p]
        self.model, self.net = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.lib.cygnet_model_from_file(path.encode(), None, ctypes.byref(self.model)))
        options = InterpreterOptions(ctypes.sizeof(InterpreterOptions), threads, 0, None)
        self.check(self.lib.cygnet_interpreter_create(self.model, ctypes.byref(options), ctypes.byref(self.net)))
        self.check(self.lib.cygnet_interpreter_allocate(self.net))

    def check(self, code):
        if code != 0:
            raise RuntimeError(self.lib.cygnet_error_message().decode())

    def set_inputs(self, arrays):
        for i, a in enumerate(arrays):
            self.check(self.lib.cygnet_interpreter_write_input(
                self.net, i, a.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(a.nbytes)))

    def invoke(self):
        self.check(self.lib.cygnet_interpreter_invoke(self.net))

    def arena_bytes(self):
        return self.lib.cygnet_interpreter_arena_bytes(self.net)


class LiteRt:
    def __init__(self, path, threads, xnnpack):
        kind = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.net = Interpreter(model_path=path, num_threads=threads, experimental_op_resolver_type=kind)
        self.net.allocate_tensors()
        self.inputs = self.net.get_input_details()

    def random_inputs(self):
        generator = np.random.default_rng(1)
        arrays = []
        for d in self.inputs:
            if np.issubdtype(d["dtype"], np.floating):
                arrays.append(generator.random(d["shape"], dtype=np.float32).astype(d["dtype"]))
            else:
                info = np.iinfo(d["dtype"])
                arrays.append(generator.integers(max(info.min, -128), min(info.max, 255), d["shape"], dtype=d["dtype"]))
        return arrays

    def set_inputs(self, arrays):
        for d, a in zip(self.inputs, arrays):
            self.net.set_tensor(d["index"], a)

    def invoke(self):
        self.net.invoke()


def time_once(engine, runs):
    start = time.process_time()
    for _ in range(runs):
        engine.invoke()
    return (time.process_time() - start) / runs * 1000


def runs_for(engine, budget_ms=50):
    engine.invoke()
    start = time.perf_counter()
    engine.invoke()
    once = (time.perf_counter() - start) * 1000
    return max(1, min(2000, int(budget_ms / max(once, 1e-3))))


def compare(library, path, rounds, threads, xnnpack):
    note = ""
    try:
        peer = LiteRt(path, threads, xnnpack)
    except (RuntimeError, ValueError):
        peer, note = LiteRt(path, threads, True), " (XNNPACK: LiteRT has no kernel without it)"
    ours = Cygnet(library, path, threads)
    arrays = peer.random_inputs()
    for engine in (ours, peer):
        engine.set_inputs(arrays)
    runs = [runs_for(ours), runs_for(peer)]
    times = [[], []]
    for _ in range(rounds):
        for i, engine in enumerate((ours, peer)):
            times[i].append(time_once(engine, runs[i]))
    best = [min(t) for t in times]
    median = [statistics.median(t) for t in times]
    print(f"{os.path.basename(path):44s} {best[0]:9.3f} {median[0]:9.3f} {best[1]:9.3f} {median[1]:9.3f} "
          f"{best[1] / best[0]:7.2f} {median[1] / median[0]:7.2f} {ours.arena_bytes() / 1024:9.0f}{note}", flush=True)
    return best[1] / best[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--xnnpack", action="store_true", help="compare with LiteRT's XNNPACK delegate instead")
    args = parser.parse_args()
    print(f"{'CPU ms of one invoke, min and median':44s} {'ours':>9s} {'':9s} {'LiteRT':>9s} {'':9s} {'min':>7s} {'median':>7s} {'arena KiB':>9s}")
    ratios = [compare(args.library, m, args.rounds, args.threads, args.xnnpack) for m in args.models]
    print(f"geometric mean of the ratios: {np.exp(np.mean(np.log(ratios))):.2f}, least: {min(ratios):.2f}")


if __name__ == "__main__":
    main()
