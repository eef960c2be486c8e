# SPDX-License-Identifier: Apache-2.0
"""Types that an operator does not list: an error, or the right answer.

Every type has 0 and 1. So a case of a listed type is made with such values only, and again with another type in
that one's place: what we compute there must be what LiteRT computes for that type or, where it gives an error,
for the listed one.
"""
import dataclasses

import numpy as np

import generator
import models
from litert import Crashed, Refused
from runner import Crash, Failed


def with_bits(case, rng, kind):
    """The case with 0 and 1 for all values of a type."""
    def change(x):
        if x is None or x.type != kind or x.variable:
            return x
        return dataclasses.replace(x, data=rng.integers(0, 2, x.shape), fed=x.input, scale=None, zero=0)
    return dataclasses.replace(case, inputs=[change(x) for x in case.inputs])


def retyped(case, old, new):
    """The case with tensors of type `old` made `new`."""
    def change(x):
        if x is None or x.type != old:
            return x
        data = x.data
        if data is not None and new == "string":
            data = np.array([b"%d" % v for v in np.ravel(data)] + [None], object)[:-1].reshape(np.shape(data))
        return dataclasses.replace(x, type=new, data=data, scale=None, zero=0)
    inputs, outputs = ([change(x) for x in side] for side in (case.inputs, case.outputs))
    return dataclasses.replace(case, inputs=inputs, outputs=outputs)


def same_numbers(got, want):
    if np.shape(got) != np.shape(want):
        return False
    if np.asarray(got).dtype == object:
        got = np.array([complex(v.decode() or "0") for v in np.ravel(got)])
    return bool(np.array_equal(np.ravel(got).astype(np.complex128), np.ravel(want).astype(np.complex128)))


def verdict(session, op, base, new, case, rng):
    """What is wrong with our answer to one case, or None."""
    highest = session.registry[op][1]
    other = retyped(case, base, new)
    try:
        listed = models.feeds(case, rng)
        fed = {f"x{i}": np.asarray(x.data, models.TYPES[new][0]) for i, x in enumerate(other.inputs)
               if x is not None and x.type == new and x.fed}
        feeds = [values | {name: value for name, value in fed.items() if name in values} for values in listed]
        raw = models.build(op, other, case.version or highest)
    except (ValueError, TypeError, OverflowError):
        return None  # there is no such model
    try:
        plain, kernels, differing = session.runner.run(raw, feeds)
    except Crash:
        return "the process died"
    if isinstance(plain, Failed) and isinstance(kernels, Failed):
        return None
    if isinstance(plain, Failed) or isinstance(kernels, Failed) or differing:
        return f"plain loops and kernels don't agree: {plain if isinstance(plain, Failed) else kernels} {differing}"
    try:
        theirs = session.litert.oracle(op, other, feeds, highest)[0] if new != "i2" else None
    except (Refused, Crashed):
        theirs = None
    if theirs is None:
        try:
            theirs = session.litert.oracle(op, case, listed, highest)[0]
        except (Refused, Crashed):
            return None
    for got_run, want_run in zip(plain, theirs):
        for (_, got), want in zip(got_run, want_run):
            if not same_numbers(got, want):
                return f"{got!s:.60} instead of {want!s:.60}".replace("\n", " ")
    return None


def check(session, op, cases):
    """Prints what is wrong with an operator's answers for types that it does not list; whether nothing is."""
    kinds = [k for o, k in generator.GENERATORS if o == op and k in models.TYPES]
    if not kinds or op not in session.registry:
        return True
    base, well = kinds[0], True
    for new in (k for k in models.TYPES if k not in kinds and k not in ("resource", "variant", "u4")):
        for number in range(cases):
            case, rng = generator.GENERATORS[op, base].case(op, base, number)
            if case.model is not None or case.compare is not None or any(x and x.sparsity for x in case.inputs):
                continue
            text = verdict(session, op, base, new, with_bits(case, rng, base), rng)
            if text is not None:
                print(f"{op}/{base}/{number} with {new}: {text}", flush=True)
                well = False
    return well
