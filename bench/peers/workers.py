# SPDX-License-Identifier: Apache-2.0
"""Workers that run a model when told to, and turns of all of them on the same core."""
import pathlib
import statistics
import subprocess
import sys
import tempfile

import engines

HERE = pathlib.Path(__file__).resolve().parent
TURN_MS = 25
WARM_MS = 60
MOST_RUNS = 1000


class Worker:
    """A process that speaks the protocol of `cygnet bench --stdin`."""

    def __init__(self, name, command, clock):
        self.name, self.clock = name, clock
        self.times = []  # microseconds of single runs
        self.complaints = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.complaints, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError(self.reason())
        self.build_ms, self.first_ms = map(float, line.split()[1:3])

    def reason(self):
        """Why the process ended: the last line of its standard error."""
        self.process.kill()
        code = self.process.wait()
        self.complaints.seek(0)
        lines = self.complaints.read().strip().splitlines()
        return f"{lines[-1][:160] if lines else 'no message'} (exit code {code})"

    def run(self, count):
        """Times of `count` runs in microseconds. Raises RuntimeError when the process has ended."""
        try:
            self.process.stdin.write(f"run {count}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise RuntimeError(self.reason())
        pick = 1 if self.clock == "cpu" else 0
        return [float(pair.split(":")[pick]) for pair in line.split()]

    def warm_up(self):
        """Runs until the time settles; then says how many runs make a turn."""
        once = min(self.run(2))
        once = min(self.run(max(1, min(MOST_RUNS, int(WARM_MS * 1000 / max(once, 1))))))
        self.turn = max(1, min(MOST_RUNS, int(TURN_MS * 1000 / max(once, 1))))

    def take_turn(self):
        self.times += self.run(self.turn)

    @property
    def least(self):
        return min(self.times)

    @property
    def median(self):
        return statistics.median(self.times)

    def close(self):
        self.process.stdout.close()
        if self.process.poll() is None:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.close()
                self.process.wait(timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()


def start(engine, model, cygnet, threads):
    """A worker of an engine for a .tflite file. Raises RuntimeError where the engine can't run it."""
    clock = "cpu" if threads == 1 else "wall"
    if engine == "cygnet":
        return Worker(engine, [cygnet, "bench", model, "--stdin", "--threads", threads], clock)
    path = engines.model_of(engine, model)
    if not path.exists():
        raise RuntimeError(f"no file {path.name}")
    if engines.version_of(engine) is None:
        raise RuntimeError("not installed")
    return Worker(engine, [sys.executable, HERE / "engines.py", engine, path, "--threads", threads], clock)


def compare(names, model, cygnet, threads, rounds):
    """Runs all engines in turn. Returns {engine: Worker} of those that ran, {engine: why not}."""
    workers, failures = {}, {}
    try:
        for name in names:
            try:
                workers[name] = start(name, model, cygnet, threads)
                workers[name].warm_up()
            except (RuntimeError, OSError) as error:
                failures[name] = str(error)
                worker = workers.pop(name, None)
                if worker is not None:
                    worker.close()
        for _ in range(rounds):
            for name, worker in list(workers.items()):
                try:
                    worker.take_turn()
                except RuntimeError as error:
                    failures[name] = str(error)
                    workers.pop(name).close()
    finally:
        for worker in workers.values():
            worker.close()
    return workers, failures
