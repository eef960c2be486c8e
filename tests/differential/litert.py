# SPDX-License-Identifier: Apache-2.0
"""LiteRT in a process of its own, because it does not survive every model."""
import multiprocessing

import numpy as np

import models

# Tried in this order: its plain kernels, then those that it runs by default, without a delegate.
RESOLVERS = ("BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES")


class Refused(Exception):
    """LiteRT gave an error."""


class Crashed(Exception):
    """LiteRT's process died."""


def _run(raw, feeds, resolver):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    interpreter = Interpreter(model_content=raw, num_threads=1,
                              experimental_op_resolver_type=getattr(OpResolverType, resolver))
    results = []
    for number, values in enumerate(feeds):
        details = interpreter.get_input_details()
        resized = number == 0
        for detail in details:
            value = values[detail["name"]]
            if tuple(detail["shape"]) != np.shape(value):
                interpreter.resize_tensor_input(detail["index"], np.shape(value))
                resized = True
        if resized:
            interpreter.allocate_tensors()
        for detail in details:
            value = values[detail["name"]]
            if np.size(value):
                interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        results.append([np.array(interpreter.get_tensor(d["index"])) for d in interpreter.get_output_details()])
    return results


def _serve(connection):
    while True:
        request = connection.recv()
        if request is None:
            return
        try:
            connection.send(("ok", _run(*request)))
        except Exception as error:
            connection.send(("error", str(error).strip() or type(error).__name__))


class LiteRT:
    """run(raw, feeds, resolver) → [[array of each output] of each run]; a crashed process is replaced."""

    def __init__(self, seconds=60):
        self.seconds = seconds
        self.process = None

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()

    def run(self, raw, feeds, resolver):
        if self.process is None:
            self._start()
        try:
            self.connection.send((raw, feeds, resolver))
            if not self.connection.poll(self.seconds):
                raise EOFError("no answer")
            kind, value = self.connection.recv()
        except (EOFError, ConnectionError, BrokenPipeError) as error:
            self.close()
            raise Crashed(str(error) or "the process died") from None
        if kind == "error":
            raise Refused(value)
        return value

    def oracle(self, op, case, feeds, highest):
        """Outputs of the plainest kernels that run a case, and those kernels' name."""
        errors = []
        for resolver in [case.oracle] if case.oracle else RESOLVERS:
            for version in range(case.version or highest, 0, -1):
                try:
                    return self.run(models.build(op, case, version), feeds, resolver), resolver
                except (Refused, Crashed) as error:
                    errors.append(error)
                    if "Didn't find op" not in str(error):
                        break
        # The error of the kernels that know the operator says more.
        errors.sort(key=lambda e: "Didn't find op" in str(e))
        raise errors[0]
