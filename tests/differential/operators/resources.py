# SPDX-License-Identifier: Apache-2.0
"""Resource variables and hash tables."""
import numpy as np

import models
from generator import generator
from models import Case, ModelBuilder, Operand

# Not of strings: LiteRT copies them into memory that it has not taken.
VALUES = ("f32", "f16", "f64", "i8", "u8", "i16", "i32", "u32", "i64", "bool")


def handle(graph, container, name):
    h = graph.tensor(Operand((), "resource"))
    graph.op("VAR_HANDLE", [], [h], ("VarHandleOptions", {"container": container, "sharedName": name}))
    return h


@generator("VAR_HANDLE", "resource")
@generator("READ_VARIABLE", "resource->any")
@generator("ASSIGN_VARIABLE", "resource+any")
def variables(r, op, kind):
    """Two variables, of one name in two containers or of two names. Each run reads the first, gives it a
    new value and copies what it was to the second. Shapes never change: LiteRT reads with the shape that the
    file gives or that the variable had when READ_VARIABLE was prepared, whatever it has now."""
    kind = r.choice(VALUES)
    shape = r.shape(0, 3, 4, zero=True)
    names = r.choice([(("", "v"), ("", "w")), (("a", "v"), ("b", "v")), (("", "v"), ("", "v"))])
    model = ModelBuilder()
    graph, init = model.subgraph(), model.subgraph("init")

    def value(of):
        return models.random_values(r.rng, Operand(of, kind, low=-3, high=3))

    for name in names:
        start = init.tensor(Operand(shape, kind, data=value(shape)))
        init.op("ASSIGN_VARIABLE", [handle(init, *name), start], [], ("AssignVariableOptions", {}))
    x = graph.input(Operand(shape, kind), "x0")
    graph.op("CALL_ONCE", [], [], ("CallOnceOptions", {"initSubgraphIndex": 1}))
    first, second = (handle(graph, *name) for name in names)
    outputs = [graph.output(Operand(shape, kind), f"y{k}") for k in range(3)]
    graph.op("READ_VARIABLE", [first], [outputs[0]], ("ReadVariableOptions", {}))
    graph.op("READ_VARIABLE", [second], [outputs[1]], ("ReadVariableOptions", {}))
    graph.op("ASSIGN_VARIABLE", [second, outputs[0]], [], ("AssignVariableOptions", {}))
    graph.op("ASSIGN_VARIABLE", [first, x], [], ("AssignVariableOptions", {}))
    graph.op("READ_VARIABLE", [handle(graph, *names[0])], [outputs[2]], ("ReadVariableOptions", {}))
    raw = model.finish()
    return Case(model=lambda version: raw, feeds=[{"x0": value(shape)} for _ in range(3)])


def words(r, count):
    return [bytes(r.rng.integers(97, 100, r.integer(0, 3)).astype(np.uint8)) for _ in range(count)]


def column(r, kind, count):
    """Random keys or values, few enough that some are equal."""
    if kind == "string":
        return np.array(words(r, count) + [None], object)[:-1]
    return np.array([r.choice([r.integer(-4, 4), r.integer(-2**63, 2**63 - 1)]) for _ in range(count)], np.int64)


@generator("HASHTABLE", "resource")
@generator("HASHTABLE_SIZE", "resource->i64")
@generator("HASHTABLE_FIND HASHTABLE_IMPORT", "i64->string string->i64")
def hash_tables(r, op, kind):
    """A table filled by an initializer (now and then by the main graph), asked for known and unknown keys."""
    key, value = kind.split("->") if kind in ("i64->string", "string->i64") else r.choice([("i64", "string"), ("string", "i64")])
    codes = {"i64": models.schema.TensorType.INT64, "string": models.schema.TensorType.STRING}
    options = ("HashtableOptions", {"tableId": r.integer(0, 100), "keyDtype": codes[key], "valueDtype": codes[value]})
    count = r.integer(1, 9)
    keys, values = column(r, key, count), column(r, value, count)
    model = ModelBuilder()
    graph, init = model.subgraph(), model.subgraph("init")

    def table(where):
        h = where.tensor(Operand((1,), "resource"))
        where.op("HASHTABLE", [], [h], options)
        return h

    filled = init if r.chance(0.8) else graph
    filler = [table(filled), filled.tensor(Operand((count,), key, data=keys)),
              filled.tensor(Operand((count,), value, data=values))]
    shape = r.shape(1 if key == "string" else 0, 3, 4)  # LiteRT's Python does not take a scalar string
    x = graph.input(Operand(shape, key), "x0")
    if filled is init:
        graph.op("CALL_ONCE", [], [], ("CallOnceOptions", {"initSubgraphIndex": 1}))
    filled.op("HASHTABLE_IMPORT", filler, [], ("HashtableImportOptions", {}))
    h = table(graph)
    standard = graph.tensor(Operand(r.choice([(), (1,)]), value, data=column(r, value, 1)))
    graph.op("HASHTABLE_FIND", [h, x, standard], [graph.output(Operand(shape, value), "y0")], ("HashtableFindOptions", {}))
    graph.op("HASHTABLE_SIZE", [h], [graph.output(Operand((1,), "i64"), "y1")], ("HashtableSizeOptions", {}))
    raw = model.finish()
    size = int(np.prod(shape, dtype=np.int64))
    feeds = []
    for _ in range(2):
        asked = column(r, key, size)
        for i in range(size):
            if r.chance(0.6):
                asked[i] = keys[r.integer(0, count - 1)]
        feeds.append({"x0": asked.reshape(shape)})
    return Case(model=lambda version: raw, feeds=feeds)
