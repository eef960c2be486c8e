# SPDX-License-Identifier: Apache-2.0
"""Control flow: IF, WHILE, STABLEHLO_CASE, STABLEHLO_COMPOSITE, CALL_ONCE, with bodies of any type."""
import numpy as np
from flatbuffers import flexbuffers

import models
from generator import generator
from models import Case, ModelBuilder, Operand

NUMBERS = ("f32", "i32", "i64")
ANY = NUMBERS + ("i8", "u8", "bool", "string", "i16")


class Body:
    """Something that a subgraph does with one tensor; the same from call to call."""

    def __init__(self, r, kind, shape, growing=True):
        choices = ["same", "constant"]
        if kind in NUMBERS:
            choices += ["add", "multiply", "add"]
        if growing and shape:
            choices += ["flat"] + (["twice"] if kind != "string" else [])
        self.what, self.kind, self.shape = r.choice(choices), kind, shape
        self.value = models.random_values(r.rng, Operand(shape, kind, low=-3, high=3))

    def tensor(self, graph, shape=None, name=None):
        return graph.tensor(Operand(self.shape if shape is None else shape, self.kind), name)

    def add(self, graph, x):
        """Adds its operators on tensor x; the result's index."""
        if self.what == "same":
            return x
        constant = Operand(self.shape, self.kind, data=self.value)
        if self.what == "constant":
            return graph.tensor(constant)
        y = self.tensor(graph)
        if self.what == "twice":
            graph.op("CONCATENATION", [x, x], [y], ("ConcatenationOptions", {"axis": 0}))
        elif self.what == "flat":
            to = graph.tensor(Operand((1,), "i32", data=np.array([-1], np.int32)))
            y = self.tensor(graph, (1,))
            graph.op("RESHAPE", [x, to], [y], ("ReshapeOptions", {"newShape": [-1]}))
        elif self.what == "add":
            graph.op("ADD", [x, graph.tensor(constant)], [y], ("AddOptions", {}))
        else:
            graph.op("MUL", [x, graph.tensor(constant)], [y], ("MulOptions", {}))
        return y


def branch(model, r, kind, shape, name, depth=1):
    """A subgraph c, x → y; with `depth` it may hold an IF of its own. Its index."""
    body = Body(r, kind, shape)
    inner = [branch(model, r, kind, shape, f"{name}{k}", depth - 1) for k in range(2)] if depth and r.chance(0.3) else None
    graph = model.subgraph(name)
    c = graph.input(Operand((), "bool"), "c")
    x = graph.input(Operand(shape, kind), "x")
    if inner:
        y = graph.tensor(Operand(shape, kind))
        graph.op("IF", [c, c, x], [y], ("IfOptions", {"thenSubgraphIndex": inner[0], "elseSubgraphIndex": inner[1]}))
    else:
        y = body.add(graph, x)
    graph.table.outputs.append(y)
    return len(model.table.subgraphs) - 1


def shape_for(r, kind, most):
    """LiteRT's Python does not take a scalar string."""
    return r.shape(1 if kind == "string" else 0, 3, most)


def value(r, kind, shape):
    return models.random_values(r.rng, Operand(shape, kind, low=-3, high=3))


@generator("IF", "bool any")
def if_(r, op, kind):
    kind = r.choice(ANY) if kind == "any" else "f32"
    shape = shape_for(r, kind, 4)
    model = ModelBuilder()
    graph = model.subgraph()
    c = graph.input(Operand(r.choice([(), (1,)]), "bool"), "x0")
    own = graph.tensor(Operand((), "bool"))
    x = graph.input(Operand(shape, kind), "x1")
    shape_of_c = graph.tensor(Operand((0,), "i32", data=np.zeros(0, np.int32)))
    yes, no = (branch(model, r, kind, shape, name) for name in ("yes", "no"))
    graph.op("RESHAPE", [c, shape_of_c], [own], ("ReshapeOptions", {"newShape": []}))
    y = graph.output(Operand(shape, kind), "y0")
    graph.op(op, [c, own, x], [y], ("IfOptions", {"thenSubgraphIndex": yes, "elseSubgraphIndex": no}))
    raw = model.finish()
    c_shape = tuple(graph.table.tensors[c].shape)
    feeds = [{"x0": np.full(c_shape, truth), "x1": value(r, kind, shape)} for truth in (True, False, True)]
    return Case(model=lambda version: raw, feeds=feeds)


@generator("WHILE", "bool any")
def while_(r, op, kind):
    kind = r.choice(ANY) if kind == "any" else "f32"
    shape = shape_for(r, kind, 3)
    model = ModelBuilder()
    graph = model.subgraph()
    condition = model.subgraph("condition")
    i = condition.input(Operand((), "i32"), "i")
    condition.input(Operand(shape, kind), "x")
    most = condition.input(Operand((), "i32"), "n")
    condition.op("LESS", [i, most], [condition.output(Operand((), "bool"), "more")], ("LessOptions", {}))
    nested = branch(model, r, kind, shape, "nested") if r.chance(0.3) else None
    body = model.subgraph("body")
    i = body.input(Operand((), "i32"), "i")
    x = body.input(Operand(shape, kind), "x")
    n = body.input(Operand((), "i32"), "n")
    one = body.tensor(Operand((), "i32", data=np.int32(1)))
    body.op("ADD", [i, one], [body.output(Operand((), "i32"), "next")], ("AddOptions", {}))
    if nested is None:
        body.table.outputs.append(Body(r, kind, shape).add(body, x))
    else:
        odd = body.tensor(Operand((), "bool"))
        body.op("EQUAL", [i, one], [odd], ("EqualOptions", {}))
        body.op("IF", [odd, odd, x], [body.output(Operand(shape, kind), "y")],
                ("IfOptions", {"thenSubgraphIndex": nested, "elseSubgraphIndex": nested}))
    body.table.outputs.append(n)
    inputs = [graph.input(Operand((), "i32"), "x0"), graph.input(Operand(shape, kind), "x1"),
              graph.input(Operand((), "i32"), "x2")]
    outputs = [graph.output(Operand((), "i32"), "y0"), graph.output(Operand(shape, kind), "y1"),
               graph.output(Operand((), "i32"), "y2")]
    indices = {"condSubgraphIndex": 1, "bodySubgraphIndex": len(model.table.subgraphs) - 1}
    graph.op(op, inputs, outputs, ("WhileOptions", indices))
    raw = model.finish()
    feeds = [{"x0": np.int32(0), "x1": value(r, kind, shape), "x2": np.int32(turns)}
             for turns in (r.integer(1, 4), r.integer(0, 4), r.integer(-1, 3))]
    return Case(model=lambda version: raw, feeds=feeds)


@generator("STABLEHLO_CASE", "i32 any")
def case(r, op, kind):
    kind = r.choice(ANY) if kind == "any" else "f32"
    shape = shape_for(r, kind, 4)
    model = ModelBuilder()
    graph = model.subgraph()
    index, x = graph.input(Operand((), "i32"), "x0"), graph.input(Operand(shape, kind), "x1")
    # LiteRT looks at no shapes but those of the first and the second branch.
    growing = r.chance(0.3)
    count = 2 if growing else r.integer(1, 4)
    for k in range(count):
        inner = model.subgraph(f"branch{k}")
        y = Body(r, kind, shape, growing).add(inner, inner.input(Operand(shape, kind), "x"))
        inner.table.outputs.append(y)
    y = graph.output(Operand(shape, kind), "y0")
    graph.op(op, [index, x], [y], options2=("StablehloCaseOptions", {"branchSubgraphIndices": list(range(1, count + 1))}))
    raw = model.finish()
    feeds = [{"x0": np.int32(k), "x1": value(r, kind, shape)} for k in (r.integer(0, count - 1), r.integer(-2, count + 1))]
    return Case(model=lambda version: raw, feeds=feeds)


@generator("STABLEHLO_COMPOSITE", "any")
def composite(r, op, kind):
    kind = r.choice(ANY)
    shape = shape_for(r, kind, 4)
    model = ModelBuilder()
    graph = model.subgraph()
    x = graph.input(Operand(shape, kind), "x0")
    inner = model.subgraph("decomposition")
    y = inner.input(Operand(shape, kind), "x")
    for _ in range(r.integer(1, 3)):
        body = Body(r, kind, shape, growing=False)
        if body.what not in ("same", "constant"):
            y = body.add(inner, y)
    out = inner.output(Operand((1, *shape), kind), "y")
    axis = inner.tensor(Operand((), "i32", data=np.int32(0)))
    inner.op("EXPAND_DIMS", [y, axis], [out], ("ExpandDimsOptions", {}))
    y = graph.output(Operand((1, *shape), kind), "y0")
    attributes = np.frombuffer(flexbuffers.Dumps({"n": 1}), np.uint8)
    graph.op(op, [x], [y], options2=("StableHLOCompositeOptions", {
        "name": "test.something", "decompositionSubgraphIndex": 1, "compositeAttributes": attributes, "version": 1}))
    raw = model.finish()
    return Case(model=lambda version: raw, feeds=[{"x0": value(r, kind, shape)} for _ in range(2)])


@generator("CALL_ONCE", "any")
def call_once(r, op, kind):
    """A counter that an initializer sets: it runs in the first invocation only."""
    kind = r.choice(NUMBERS)
    shape = shape_for(r, kind, 4)
    model = ModelBuilder()
    graph = model.subgraph()
    init = model.subgraph("init")
    x = graph.input(Operand(shape, kind), "x0")

    def handle(where):
        h = where.tensor(Operand((), "resource"))
        where.op("VAR_HANDLE", [], [h], ("VarHandleOptions", {"container": "", "sharedName": "counter"}))
        return h

    start = init.tensor(Operand(shape, kind, data=value(r, kind, shape)))
    init.op("ASSIGN_VARIABLE", [handle(init), start], [], ("AssignVariableOptions", {}))
    for _ in range(r.integer(1, 2)):
        graph.op(op, [], [], ("CallOnceOptions", {"initSubgraphIndex": 1}))
    h, old = handle(graph), graph.tensor(Operand(shape, kind))
    graph.op("READ_VARIABLE", [h], [old], ("ReadVariableOptions", {}))
    y = graph.output(Operand(shape, kind), "y0")
    graph.op("ADD", [old, x], [y], ("AddOptions", {}))
    graph.op("ASSIGN_VARIABLE", [h, y], [], ("AssignVariableOptions", {}))
    raw = model.finish()
    return Case(model=lambda version: raw, feeds=[{"x0": value(r, kind, shape)} for _ in range(3)])
