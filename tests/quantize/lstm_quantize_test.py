# SPDX-License-Identifier: Apache-2.0
"""LSTM layers made integer: the numbers of TensorFlow's converter, the results of LiteRT, any batch."""
import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert import schema_py_generated as schema

import networks
from quantize_test import SOURCE, LiteRT, call, decibels, draw, to_integer, to_real
from quantize_test import quantize as networks_quantize
from quantize_test import run_here as run_there

DATA = SOURCE / "tests" / "data"


def samples(shape, count=16):
    """As tools/make_test_models.py draws them."""
    rng = np.random.default_rng(3)
    return [rng.uniform(-1, 1, shape).astype(np.float32) for _ in range(count)]


def quantize(before, arrays, folder, *flags):
    """(file, report)"""
    after, data = folder / "int8.tflite", folder / "samples"
    data.mkdir()
    for i, array in enumerate(arrays):
        np.save(data / f"{i:02}.npy", array)
    report = call("quantize", before, "-o", after, *([] if "--mode" in flags else ["--mode", "int8"]), "--data", data,
                  "--json", *flags)
    return after, json.loads(report)


def layers(path):
    """Of each LSTM layer: (type, shape, scale, zero point, variable, integers) by operand, result, intermediate."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph, rows = model.subgraphs[0], []

    def describe(i):
        if i < 0:
            return None
        t = graph.tensors[i]
        q, data = t.quantization, model.buffers[t.buffer].data
        kind = {schema.TensorType.INT8: np.int8, schema.TensorType.INT16: np.int16, schema.TensorType.INT32: np.int32}
        has = q is not None and q.scale is not None
        return (t.type, tuple(t.shape), float(q.scale[0]) if has else None, int(q.zeroPoint[0]) if has else None,
                bool(t.isVariable), None if data is None or len(data) == 0 else np.frombuffer(bytes(data), kind[t.type]))

    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        if max(code.builtinCode, code.deprecatedBuiltinCode) == schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM:
            rows.append([describe(i) for i in [*op.inputs, *op.outputs, *op.intermediates]])
    return rows


@pytest.mark.parametrize("io", ["float", "int8"])
def test_the_numbers_of_tensorflow(io, tmp_path):
    """lstm.int8.tflite is TensorFlow's conversion of float_lstm.tflite with this sample."""
    after, report = quantize(DATA / "float_lstm.tflite", samples((1, 6, 8), 1), tmp_path, "--ranges", "minmax",
                             "--bias-correction", "off", "--equalization", "off", "--io", io)
    assert report["quantized"]["stay_float"] == []
    ours, theirs = layers(after), layers(DATA / "quantize" / "lstm.int8.tflite")
    assert len(ours) == len(theirs) == 2
    for mine, other in zip(ours, theirs):
        assert len(mine) == len(other) == 24 + 1 + 5
        for k, (a, b) in enumerate(zip(mine, other)):
            assert (a is None) == (b is None)
            if a is None:
                continue
            assert a[:2] == b[:2] and a[3:5] == b[3:5], k
            assert a[2] == (b[2] if k == 19 or b[2] is None else pytest.approx(b[2], rel=1e-6)), k
            assert (a[5] is None) == (b[5] is None)
            if b[5] is not None:
                assert np.abs(a[5].astype(np.int64) - b[5]).max() <= (1 if 12 <= k <= 15 else 0), k
        assert mine[18][2:4] == mine[24][2:4] == mine[29][2:4]


def run_here(path, given, folder):
    """The only output of `cygnet run --reference`."""
    np.save(folder / "in.npy", given)
    call("run", path, "--reference", "--inputs", folder / "in.npy", "--outputs", folder / "out.npz")
    with np.load(folder / "out.npz") as got:
        return got[got.files[0]]


def check(before, after, arrays, folder, least_db):
    """LiteRT and this runtime give the same integers, which are close to the float network's results."""
    for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.AUTO):
        exact, model = LiteRT(before), LiteRT(after)
        model.interpreter = Interpreter(model_path=str(after), num_threads=1, experimental_op_resolver_type=resolver)
        wanted, got = [], []
        for array in arrays:
            for each in (exact, model):
                each.interpreter.resize_tensor_input(each.inputs[0]["index"], array.shape)
                each.interpreter.allocate_tensors()
                each.interpreter.reset_all_variables()
            given = array if model.inputs[0]["dtype"] == np.float32 else to_integer(array, model.inputs[0])
            theirs, ours = model.run([given])[0], run_here(after, given, folder)
            assert np.array_equal(theirs, ours)
            wanted.append(exact.run([array])[0].astype(np.float64))
            got.append(to_real(ours, model.outputs[0]))
        assert decibels(np.stack(wanted), np.stack(got)) >= least_db


@pytest.mark.parametrize("io", ["float", "int8"])
def test_two_layers_as_tensorflow_makes_them(io, tmp_path):
    arrays = samples((1, 6, 8))
    after, _ = quantize(DATA / "float_lstm.tflite", arrays, tmp_path, "--io", io)
    check(DATA / "float_lstm.tflite", after, arrays[:4], tmp_path, 25)


@pytest.mark.parametrize("io", ["float", "int8"])
@pytest.mark.parametrize("batch", [1, 3])
def test_layers_of_keras_with_any_batch(io, batch, tmp_path):
    """Operators set the states, so that they follow the batch."""
    before = tmp_path / "float.tflite"
    call("convert", DATA / "convert" / "lstm.keras", "-o", before)
    after, report = quantize(before, samples((1, 7, 5)), tmp_path, "--io", io)
    check(before, after, samples((batch, 7, 5), 3), tmp_path, 35)
    assert "LSTM" not in " ".join(f["operator"] for f in report["quantized"]["stay_float"])


FORMS = {"plain": {}, "coupled": {"coupled": True}, "peepholes": {"peepholes": True}, "projection": {"projected": 5},
         "coupled_peepholes": {"coupled": True, "peepholes": True}, "wide_projection": {"projected": 11},
         "normalized": {"normalized": True}, "normalized_peepholes": {"normalized": True, "peepholes": True},
         "clips": {"normalized": True, "projected": 5, "cellClip": 0.7, "projClip": 0.3}}


def layer(n, x, projected=0, coupled=False, peepholes=False, normalized=False, **options):
    """One UNIDIRECTIONAL_SEQUENCE_LSTM of 8 cells."""
    cells, outputs = 8, projected or 8

    def gates(make, first=coupled):
        return [-1 if first and g == 0 else make() for g in range(4)]
    inputs = [x, *gates(lambda: n.floats(cells, n.shape(x)[2], low=-0.8, high=0.8)),
              *gates(lambda: n.floats(cells, outputs, low=-0.8, high=0.8))]
    inputs += [-1 if coupled else n.floats(cells), n.floats(cells), n.floats(cells)] if peepholes else [-1] * 3
    inputs += gates(lambda: n.floats(cells, low=-0.4, high=0.4))
    inputs += [n.floats(outputs, cells), n.floats(outputs, low=-0.2, high=0.2)] if projected else [-1] * 2
    inputs += [n.state(1, outputs), n.state(1, cells)]
    inputs += gates(lambda: n.floats(cells, low=0.2, high=1.2)) if normalized else [-1] * 4
    return n.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (*n.shape(x)[:2], outputs),
                "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, **options)


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_layer(form, tmp_path):
    before = tmp_path / "float.tflite"
    before.write_bytes(networks.build(networks.Case(lambda n, x: layer(n, x, **FORMS[form]), shapes=((1, 9, 6),)), 7))
    after, report = quantize(before, samples((1, 9, 6)), tmp_path, "--io", "int8")
    assert report["quantized"]["stay_float"] == []
    check(before, after, samples((1, 9, 6), 3), tmp_path, 33)


def recurrent(n):
    """Weights and biases of an RNN of 8 units, and its state."""
    return [n.floats(8, 6), n.floats(8, 8, low=-0.4, high=0.4), n.floats(8), n.state(1, 8)]


def direction(n):
    """Weights and biases of an LSTM of 8 cells."""
    return [*[n.floats(8, 6) for _ in range(4)], *[n.floats(8, 8, low=-0.4, high=0.4) for _ in range(4)],
            -1, -1, -1, *[n.floats(8) for _ in range(4)], -1, -1]


SEQUENCE = ((1, 9, 6),)
FLOAT = {
    "lstm": networks.Case(lambda n, x: layer(n, x, peepholes=True, projected=5), shapes=SEQUENCE),
    "rnn": networks.Case(lambda n, x: n.op("UNIDIRECTIONAL_SEQUENCE_RNN", [x, *recurrent(n)], (1, 9, 8),
                                           "SequenceRNNOptions", fusedActivationFunction=4), shapes=SEQUENCE),
    "both_rnns": networks.Case(lambda n, x: n.op(
        "BIDIRECTIONAL_SEQUENCE_RNN", [x, *recurrent(n), *recurrent(n), -1, -1, -1], [(1, 9, 8)] * 2,
        "BidirectionalSequenceRNNOptions", fusedActivationFunction=4), shapes=SEQUENCE),
    "both_lstms": networks.Case(lambda n, x: n.op(
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        [x, *direction(n), *direction(n), *[n.state(1, 8) for _ in range(4)], *[-1] * 9], [(1, 9, 8)] * 2,
        "BidirectionalSequenceLSTMOptions", timeMajor=False, fusedActivationFunction=4), shapes=SEQUENCE),
    "svdf": networks.Case(lambda n, x: n.op("SVDF", [x, n.floats(8, 6), n.floats(8, 4), n.floats(4), n.state(1, 32)],
                                            (1, 4), "SVDFOptions", rank=2), shapes=((1, 6),)),
}


@pytest.mark.parametrize("name", FLOAT)
@pytest.mark.parametrize("mode", ["int8", "int16x8", "dynamic"])
def test_layers_that_stay_float_have_small_weights(name, mode, tmp_path):
    made = FLOAT[name]
    before, after, report = networks_quantize(made, tmp_path, mode, "--least-elements", "0")
    left = report["quantized"]["stay_float"]
    assert len(left) == (0 if mode == "dynamic" else 1)
    assert all(each["reason"].endswith("; its weights are int8") for each in left)
    assert report["quantized"]["smaller_constants"] > 1
    exact, model, arrays = LiteRT(before), LiteRT(after), draw(made, 100)
    for theirs, ours, wanted in zip(model.run(arrays), run_there(after, model, arrays, tmp_path), exact.run(arrays)):
        assert np.abs(theirs - ours).max() <= 1e-5 * np.abs(ours).max()
        assert 30 <= decibels(wanted, ours) < 100


def test_only_layers_are_said_to_have_weights(tmp_path):
    """The slice behind a layer of Keras has its name."""
    call("convert", DATA / "convert" / "lstm.keras", "-o", tmp_path / "float.tflite")
    _, report = quantize(tmp_path / "float.tflite", samples((1, 7, 5)), tmp_path, "--mode", "int16x8",
                         "--least-elements", "0")
    for left in report["quantized"]["stay_float"]:
        assert left["reason"].endswith("; its weights are int8") == ("LSTM" in left["operator"])


def test_statistics_that_were_saved_have_the_states(tmp_path):
    arrays = samples((1, 6, 8))
    whole, _ = quantize(DATA / "float_lstm.tflite", arrays, tmp_path, "--ranges", "minmax", "--bias-correction", "off",
                        "--equalization", "off")
    call("quantize", DATA / "float_lstm.tflite", "--data", tmp_path / "samples", "--save-statistics", tmp_path / "s")
    call("quantize", DATA / "float_lstm.tflite", "-o", tmp_path / "again.tflite", "--mode", "int8", "--statistics",
         tmp_path / "s", "--ranges", "minmax", "--bias-correction", "off", "--equalization", "off")
    for a, b in zip(layers(whole), layers(tmp_path / "again.tflite")):
        assert [v and v[:5] for v in a] == [v and v[:5] for v in b]
