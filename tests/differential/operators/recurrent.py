# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks: LSTM, RNN and SVDF, whose state outlives a run.

"hybrid" are float activations with int8 weights; their rows are quantized while running, so that the
last place of a float decides now and then (in one case of a hundred) which of two neighboring codes an
element gets: tolerance CODE is what that makes.
"""
import dataclasses

import numpy as np

from generator import generator
from models import ACTIVATION, Case, Operand

CODE = 5e-3
# Without an activation LiteRT's cell leaves its scratch memory in the result.
ACTIVATIONS = [ACTIVATION[name] for name in ("tanh", "tanh", "tanh", "relu", "relu6", "relu_n1", "sign_bit")]


def activation(r, extra=()):
    return r.choice(ACTIVATIONS + list(extra))


def float_operand(r, shape, spread=0.6, fed=0.0):
    data = r.rng.uniform(-spread, spread, shape).astype(np.float32)
    return Operand(tuple(shape), "f32", data=data, fed=r.chance(fed))


def weights(r, kind, shape, spread=0.6, fed=0.0):
    """Constant weights of about [−spread, spread]."""
    if kind == "f32":
        return float_operand(r, shape, spread, fed)
    data = r.rng.integers(-127, 128, shape)
    # Files of 2018 call hybrid weights UINT8.
    unsigned = kind == "hybrid" and r.old_types
    if unsigned:
        data = data.astype(np.int8).view(np.uint8)
    return Operand(tuple(shape), "u8" if unsigned else "i8", float(np.float32(spread / 127)), 0, data=data,
                   fed=kind == "hybrid" and r.chance(fed))


def vector16(r, n, spread, low=-32767):
    return Operand((n,), "i16", float(np.float32(spread / 32767)), 0, data=r.rng.integers(low, 32768, n))


def state(shape, kind="f32", scale=None, zero=0):
    return Operand(tuple(shape), kind, scale, zero, variable=True)


# ---- LSTM

@dataclasses.dataclass
class Cell:
    """Sizes and parts of one direction."""
    batch: int
    input: int
    cells: int
    output: int
    coupled: bool
    peephole: bool
    projection: bool
    norm: bool
    aux: int = 0


def random_cell(r, kind, norm=True, fixed=None):
    projection = r.chance(0.35)
    cells = r.choice([1, 2, 3, 4, 5, 8, 17, r.integer(1, 40)])
    cell = Cell(batch=r.integer(1, 4), input=r.choice([1, 2, 3, 4, 7, 8, 16, r.integer(1, 40)]), cells=cells,
                # LiteRT's scratch memory has no room for more outputs than cells.
                output=min(cells, r.choice([1, 2, 4, 5, 11])) if projection else cells, coupled=r.chance(0.35),
                peephole=r.chance(0.35), projection=projection, norm=norm and r.chance(0.35))
    if kind == "i8" and cell.peephole:
        cell.output = cell.cells  # LiteRT reads peepholes as if they had `output` elements
    return dataclasses.replace(cell, **(fixed or {}))


def cell_operands(r, kind, cell, fed=0.0, diagonal=False):
    """The 17 operands of one direction: weights, peepholes, biases, projection."""
    def gates(make, own=True):
        return [None if (g == 0 and cell.coupled) or not own else make() for g in range(4)]

    c = cell
    operands = gates(lambda: weights(r, kind, (c.cells, c.input), fed=fed))
    operands += gates(lambda: float_operand(r, (c.cells,)) if diagonal else weights(r, kind, (c.cells, c.output), fed=fed))
    if kind == "i8":
        peephole, bias = lambda: vector16(r, c.cells, 0.5), lambda: bias32(r, c.cells)
    else:
        peephole, bias = lambda: weights(r, kind, (c.cells,), 0.5), lambda: float_operand(r, (c.cells,))
    operands += [p for g, p in enumerate(gates(peephole, c.peephole)) if g != 2]
    operands += gates(bias)
    operands.append(weights(r, kind, (c.output, c.cells)) if c.projection else None)
    own = c.projection and r.chance(0.7)
    operands.append((bias32(r, c.output) if kind == "i8" else float_operand(r, (c.output,))) if own else None)
    return operands


def bias32(r, n):
    return Operand((n,), "i32", 1e-4, 0, data=r.rng.integers(-4000, 4000, n))


def norm_operands(r, kind, cell):
    def make():
        if kind == "i8":
            return vector16(r, cell.cells, 1.0, low=-9000)
        return float_operand(r, (cell.cells,), 1.2)
    return [None if (g == 0 and cell.coupled) or not cell.norm else make() for g in range(4)]


def cell_options(r, **more):
    return {"fusedActivationFunction": activation(r), "cellClip": r.choice([0.0, 0.0, 0.4, 5.0]),
            "projClip": r.choice([0.0, 0.0, 0.3]), "asymmetricQuantizeInputs": r.chance(0.5), **more}


def quantized(r, low=-1.0, high=1.0):
    """(scale, zero point) of int8."""
    x = r.operand("i8", (1,), low, high)
    return x.scale, x.zero


def lstm_case(r, kind, cell, x_shape, y_shape, options, diagonal=False):
    """LSTM's full kernel or UNIDIRECTIONAL_SEQUENCE_LSTM."""
    h, c = (cell.batch, cell.output), (cell.batch, cell.cells)
    if r.chance(0.2):
        h, c = (cell.batch * cell.output,), (cell.batch * cell.cells,)
    operands = cell_operands(r, kind, cell, 0.15 if kind != "i8" else 0.0, diagonal)
    norms = norm_operands(r, kind, cell)
    tail = norms if any(norms) or r.chance(0.5) else []
    runs = r.integer(1, 4)
    if kind != "i8":
        x = Operand(x_shape, "f32", low=-1.5, high=1.5)
        return Case([x, *operands, state(h), state(c), *tail], [Operand(y_shape)], options, runs=runs)
    scale, zero = quantized(r)
    hidden = quantized(r) if cell.projection else (scale, zero)
    log2 = r.integer(-15, -9)
    intermediates = [Operand((), "i16", float(np.float32(r.real(1e-4, 1e-3)))) for _ in range(4)]
    intermediates.append(Operand((), "i8", *hidden))
    return Case([r.operand("i8", x_shape, -1.5, 1.5), *operands, state(h, "i8", scale, zero),
                 state(c, "i16", 2.0**log2), *tail], [Operand(y_shape, "i8", scale, zero)], options, runs=runs,
                intermediates=intermediates)


@generator("UNIDIRECTIONAL_SEQUENCE_LSTM", "f32 i8", tolerance=2e-5, kernel_steps=0)
@generator("UNIDIRECTIONAL_SEQUENCE_LSTM", "hybrid", tolerance=CODE)
def unidirectional_lstm(r, op, kind):
    r.old_types = r.chance(0.2)
    cell = random_cell(r, kind)
    diagonal = kind != "i8" and r.chance(0.2)
    if diagonal:
        cell = dataclasses.replace(cell, projection=False, output=cell.cells)
    steps, time_major = r.integer(1, 5), r.chance(0.5)
    outer = (steps, cell.batch) if time_major else (cell.batch, steps)
    options = cell_options(r, timeMajor=time_major, diagonalRecurrentTensors=diagonal)
    return lstm_case(r, kind, cell, (*outer, cell.input), (*outer, cell.output),
                     ("UnidirectionalSequenceLSTMOptions", options), diagonal)


@generator("LSTM", "f32 i8", tolerance=2e-5, kernel_steps=0)
@generator("LSTM", "hybrid", tolerance=CODE)
def lstm(r, op, kind):
    r.old_types = r.chance(0.2)
    if kind == "f32" and r.chance(0.3):
        return basic_lstm(r, op, kind)
    cell = random_cell(r, kind)
    return lstm_case(r, kind, cell, (cell.batch, cell.input), (cell.batch, cell.output), ("LSTMOptions", cell_options(r)))


@generator("LSTM", "u8", tolerance=2e-5, kernel_steps=0)
def basic_lstm(r, op, kind):
    batch, depth, cells = r.integer(1, 4), r.integer(1, 20), r.integer(1, 20)
    joined, gates = depth + cells, 4 * cells
    kept = not r.chance(0.2)  # else the caller gives the state
    options = ("LSTMOptions", {"kernelType": 1, "fusedActivationFunction": ACTIVATION["tanh"]})
    runs = r.integer(1, 4)
    if kind == "f32":
        inputs = [Operand((batch, depth), low=-1.5, high=1.5), Operand((batch, cells), variable=kept),
                  float_operand(r, (gates, joined)), float_operand(r, (gates,)), Operand((batch, cells), variable=kept)]
        shapes = [(batch, cells), (batch, cells), (batch, joined), (batch, gates)]
        return Case(inputs, [Operand(shape) for shape in shapes], options, runs=runs, version=r.integer(2, 4))
    scale = float(np.float32(r.real(0.5, 2) / 128))
    activations = {"type": "u8", "scale": 1 / 128, "zero": 128}
    states = {"type": "i16", "scale": 2.0**-11}
    inputs = [Operand((batch, depth), **activations), Operand((batch, cells), variable=kept, **activations),
              Operand((gates, joined), "u8", scale, r.integer(100, 156), data=r.rng.integers(0, 256, (gates, joined))),
              Operand((gates,), "i32", scale / 128, 0, data=r.rng.integers(-9000, 9000, gates)),
              Operand((batch, cells), variable=kept, **states)]
    outputs = [Operand((batch, cells), **activations), Operand((batch, cells), **states),
               Operand((batch, joined), **activations), Operand((batch, gates), "i16", 2.0**-12)]
    return Case(inputs, outputs, options, runs=runs, version=r.integer(2, 4))


@generator("BIDIRECTIONAL_SEQUENCE_LSTM", "f32", tolerance=2e-5)
@generator("BIDIRECTIONAL_SEQUENCE_LSTM", "hybrid", tolerance=CODE)
def bidirectional_lstm(r, op, kind):
    r.old_types = r.chance(0.2)
    steps, time_major, merge = r.integer(1, 5), r.chance(0.5), r.chance(0.5)
    ahead = random_cell(r, kind, norm=False)
    # With merged results and the batch outside, LiteRT takes the states of all but the first sequence from elsewhere.
    if merge and not time_major:
        ahead = dataclasses.replace(ahead, batch=1)
    # LiteRT wants both directions of one size.
    same = {name: getattr(ahead, name) for name in ("batch", "input", "cells", "output", "projection")}
    behind = random_cell(r, kind, norm=False, fixed=same)
    outer = (steps, ahead.batch) if time_major else (ahead.batch, steps)
    mode = r.choice(["none", "none", "weights", "second input"])
    width = {"none": 0, "weights": r.integer(1, 9), "second input": ahead.input}[mode]

    def aux_weights(cell):
        own = [mode == "weights" and not (g == 0 and cell.coupled) for g in range(4)]
        return [weights(r, kind, (cell.cells, width)) if there else None for there in own]

    inputs = [Operand((*outer, ahead.input), low=-1.5, high=1.5), *cell_operands(r, kind, ahead),
              *cell_operands(r, kind, behind)]
    inputs += [state((c.batch, n)) for c in (ahead, behind) for n in (c.output, c.cells)]
    inputs += [Operand((*outer, width), low=-1.5, high=1.5) if width else None, *aux_weights(ahead), *aux_weights(behind)]
    widths = [ahead.output + behind.output] if merge else [ahead.output, behind.output]
    return Case(inputs, [Operand((*outer, n)) for n in widths],
                ("BidirectionalSequenceLSTMOptions", cell_options(r, timeMajor=time_major, mergeOutputs=merge)),
                runs=r.integer(1, 4))


# ---- RNN

def network(r, kind, batch, depth, units):
    # Small enough that differences don't grow from step to step.
    spread = min(0.6, 1.2 / units**0.5)
    return [weights(r, kind, (units, depth), fed=0.15), weights(r, kind, (units, units), spread, fed=0.15),
            float_operand(r, (units,)), state((batch, units))]


@generator("RNN UNIDIRECTIONAL_SEQUENCE_RNN", "f32 hybrid", tolerance=2e-5)
def rnn(r, op, kind):
    r.old_types = r.chance(0.2)
    batch, depth, units = r.integer(1, 4), r.integer(1, 30), r.choice([1, 2, 4, 8, r.integer(1, 30)])
    options = {"fusedActivationFunction": activation(r, [0]), "asymmetricQuantizeInputs": r.chance(0.5)}
    table, outer = "RNNOptions", (batch,)
    if op != "RNN":
        table, steps, options["timeMajor"] = "SequenceRNNOptions", r.integer(1, 5), r.chance(0.5)
        outer = (steps, batch) if options["timeMajor"] else (batch, steps)
    return Case([Operand((*outer, depth), low=-1.5, high=1.5), *network(r, kind, batch, depth, units)],
                [Operand((*outer, units))], (table, options), runs=r.integer(1, 4))


@generator("BIDIRECTIONAL_SEQUENCE_RNN", "f32 hybrid", tolerance=2e-5)
def bidirectional_rnn(r, op, kind):
    r.old_types = r.chance(0.2)
    batch, depth, steps = r.integer(1, 4), r.integer(1, 20), r.integer(1, 5)
    time_major, merge = r.chance(0.5), r.chance(0.5)
    if kind == "hybrid" and time_major:
        steps = 1  # LiteRT runs the whole sequence once for each of its steps
    # Without zero points LiteRT takes those of the second sequence from nowhere.
    asymmetric = kind == "hybrid" and time_major and merge or r.chance(0.5)
    outer = (steps, batch) if time_major else (batch, steps)
    mode = r.choice(["none", "none", "weights", "second input"])
    if mode == "second input" and not time_major:
        mode = "none"  # LiteRT reads the first input in both directions
    # LiteRT goes through the auxiliary input in rows of the first input's size.
    width = depth if mode != "none" else 0
    sizes = [r.integer(1, 20), r.integer(1, 20)]
    inputs = [Operand((*outer, depth), low=-1.5, high=1.5)]
    for units in sizes:
        inputs += network(r, kind, batch, depth, units)
    inputs.append(Operand((*outer, width), low=-1.5, high=1.5) if width else None)
    inputs += [weights(r, kind, (units, width)) if mode == "weights" else None for units in sizes]
    options = {"timeMajor": time_major, "mergeOutputs": merge, "fusedActivationFunction": activation(r, [0]),
               "asymmetricQuantizeInputs": asymmetric}
    return Case(inputs, [Operand((*outer, n)) for n in ([sum(sizes)] if merge else sizes)],
                ("BidirectionalSequenceRNNOptions", options), runs=r.integer(1, 4))


# ---- SVDF

@generator("SVDF", "f32 i8 hybrid", tolerance=2e-5)
def svdf(r, op, kind):
    r.old_types = r.chance(0.2)
    batch, depth, units, rank, memory = (r.integer(1, n) for n in (4, 30, 12, 4, 10))
    filters = units * rank
    # LiteRT's int8 wants RELU, and leaves it to the output's range.
    act = ACTIVATION["relu"] if kind == "i8" else activation(r, [0])
    options = ("SVDFOptions", {"rank": rank, "fusedActivationFunction": act,
                               "asymmetricQuantizeInputs": r.chance(0.5)})
    biased, runs = r.chance(0.7), r.integer(1, 4)
    if kind == "i8":
        bias = Operand((units,), "i32", 1e-4, 0, data=r.rng.integers(-9000, 9000, units)) if biased else None
        scale = float(np.float32(1.5 * depth**0.5 / 32768))
        time = Operand((filters, memory), "i16", 0.5 / 32767, 0, data=r.rng.integers(-32767, 32768, (filters, memory)))
        return Case([r.operand("i8", (batch, depth), -1, 1), weights(r, kind, (filters, depth)), time, bias,
                     state((batch, filters * memory), "i16", scale)], [r.operand("i8", (batch, units), -2, 2)], options,
                    runs=runs)
    return Case([Operand((batch, depth), low=-1.5, high=1.5), weights(r, kind, (filters, depth), fed=0.15),
                 weights(r, kind, (filters, memory)), float_operand(r, (units,)) if biased else None,
                 state((batch, filters * memory))], [Operand((batch, units))], options, runs=runs)
