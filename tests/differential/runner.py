# SPDX-License-Identifier: Apache-2.0
"""Cygnet in a process of its own: the other end of runner.cc."""
import os
import pathlib
import struct
import subprocess

import numpy as np

import models


class Failed(Exception):
    """Cygnet gave an error."""


class Runner:
    """run(raw, feeds) → what the plain loops and the kernels computed, and what differs among tiers."""

    def __init__(self, build):
        self.program = pathlib.Path(build) / "tests" / "differential" / "differential_runner"
        self.process = None

    def registry(self):
        """{operator: (code, highest version)}; custom operators by "CUSTOM:code"."""
        lines = subprocess.run([self.program, "--registry"], capture_output=True, text=True, check=True).stdout.splitlines()
        found = {}
        for name, code, version in (line.rsplit(" ", 2) for line in lines):
            found["CUSTOM:" + name if int(code) == 32 else name] = (int(code), int(version))
        return found

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _read(self, size):
        data = self.process.stdout.read(size)
        if len(data) != size:
            self.close()
            raise Crash()
        return data

    def _number(self):
        return struct.unpack("<I", self._read(4))[0]

    def _bytes(self):
        return self._read(self._number())

    def _result(self, runs):
        if self._read(1) == b"\1":
            return Failed(self._bytes().decode(errors="replace"))
        results = []
        for _ in range(runs):
            outputs = []
            for _ in range(self._number()):
                kind = models.NAME_OF[self._read(1)[0]]
                shape = struct.unpack(f"<{(rank := self._number())}i", self._read(4 * rank))
                outputs.append((kind, models.from_bytes(kind, self._bytes(), shape)))
            results.append(outputs)
        return results

    def run(self, raw, feeds):
        """(plain, kernels, differing): results are [[(type, array) of each output] of each run], or Failed;
        differing: the tier whose integers are not those of the others, or ""."""
        if self.process is None:
            self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})
        request = [struct.pack("<I", len(raw)), raw, struct.pack("<I", len(feeds))]
        inputs = models.graph_inputs(raw)
        for values in feeds:
            request.append(struct.pack("<I", len(inputs)))
            for name, kind in inputs:
                shape, data = np.shape(values[name]), models.to_bytes(kind, values[name])
                request.append(struct.pack(f"<I{len(shape)}iI", len(shape), *shape, len(data)))
                request.append(data)
        try:
            self.process.stdin.write(b"".join(request))
            self.process.stdin.flush()
        except BrokenPipeError:
            self.close()
            raise Crash() from None
        return self._result(len(feeds)), self._result(len(feeds)), self._bytes().decode()


class Crash(Exception):
    """Cygnet's process died."""
