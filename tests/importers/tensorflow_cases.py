# SPDX-License-Identifier: Apache-2.0
"""What a case of tensorflow_ops_test.py is made of, and how TensorFlow freezes and computes it."""
import dataclasses
import functools

import numpy as np
import tensorflow as tf

RAW = tf.raw_ops


@dataclasses.dataclass
class Case:
    """A network of one or a few operators. function(*inputs) gives a tensor or a list of tensors."""
    function: object
    inputs: dict
    free: tuple = ()          # inputs whose first dimension stays open
    tolerance: float = 2e-6   # of the output's range
    reference: object = None  # computes what TensorFlow's processor kernels can't
    flags: tuple = ()         # of cygnet convert
    only_ours: str = ""       # why LiteRT can't run it
    refused: str = ""         # words of the message with which convert refuses it
    warns: str = ""           # words of the warning


CASES = {}


def case(name, function, *arrays, **options):
    assert name not in CASES, name
    CASES[name] = Case(function, {f"x{k}": np.asarray(a) for k, a in enumerate(arrays)}, **options)


def raw(op, *names, **attributes):
    """The operator with its tensor arguments under these names, in the order of the inputs."""
    call = getattr(RAW, op)
    return lambda *x: call(**dict(zip(names, x)), **attributes)


def floats(*shape, low=-3.0, high=3.0, seed=1):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def integers(*shape, low=-20, high=20, seed=1, dtype=np.int32):
    return np.random.default_rng(seed).integers(low, high, shape, endpoint=True).astype(dtype)


def booleans(*shape, seed=1):
    return np.random.default_rng(seed).integers(0, 2, shape).astype(bool)


def listed(results):
    if isinstance(results, (list, tuple)):
        return [r for r in results if r is not None]
    return [results]


@functools.cache
def frozen(name):
    """GraphDef, names of the outputs and their values as TensorFlow computes them."""
    c = CASES[name]
    specs = [tf.TensorSpec((None, *a.shape[1:]) if k in c.free else a.shape, a.dtype, name=k)
             for k, a in c.inputs.items()]

    def network(*x):
        return [tf.identity(y, name=f"y{k}") for k, y in enumerate(listed(c.function(*x)))]

    concrete = tf.function(network, autograph=False).get_concrete_function(*specs)
    graph = concrete.graph.as_graph_def()
    if c.refused:
        return graph, [f"y{k}" for k in range(len(concrete.outputs))], []
    tensors = [tf.constant(a) for a in c.inputs.values()]
    if c.reference is not None:
        values = listed(c.reference(*tensors))
    else:
        values = concrete(*tensors)
    return graph, [f"y{k}" for k in range(len(values))], [np.asarray(v) for v in values]
