# SPDX-License-Identifier: Apache-2.0
"""What training writes: one Keras model or TensorFlow function saved in each format that Cygnet reads.

Needs the wheels of tools/requirements.txt. All files of one model share names: inputs carry the names
of the Keras input layers, outputs are output_0, output_1, ... as in the signature of a SavedModel.
"""
import contextlib
import io
import os
import pathlib
import shutil

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def function_of(model):
    """(tf.function of the inference call with named outputs, its input specs in order)."""
    specs = [tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in model.inputs]

    def call(*inputs):
        result = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        return {f"output_{i}": y for i, y in enumerate(tf.nest.flatten(result))}
    return tf.function(call), specs


def freeze(function, specs):
    """A GraphDef with constants in place of variables; its outputs bear the keys of the function's dict."""
    concrete = function.get_concrete_function(*specs)
    keys = sorted(concrete.structured_outputs)
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    for key, tensor in zip(keys, frozen.outputs):
        node, _, port = tensor.name.rpartition(":")
        graph.node.add(name=key, op="Identity", input=[node if port == "0" else tensor.name]).attr[
            "T"].type = tensor.dtype.as_datatype_enum
    return graph


def save_frozen(model, path):
    function, specs = function_of(model)
    pathlib.Path(path).write_bytes(freeze(function, specs).SerializeToString(deterministic=True))


def save_saved_model(model, path):
    """A SavedModel with the signature serving_default, as Keras's export writes it."""
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.redirect_stdout(io.StringIO()):
        model.export(str(path), format="tf_saved_model", verbose=False)
    (pathlib.Path(path) / "fingerprint.pb").unlink(missing_ok=True)


SAVERS = {
    "saved_model": save_saved_model,
    "pb": save_frozen,
    "h5": lambda model, path: model.save(str(path)),
    "keras": lambda model, path: model.save(str(path)),
}


def save(model, folder, name, kinds=tuple(SAVERS)):
    """Writes folder/NAME.KIND for each kind (a folder for saved_model). Returns {kind: path}."""
    paths = {}
    for kind in kinds:
        paths[kind] = pathlib.Path(folder) / f"{name}.{kind}"
        SAVERS[kind](model, paths[kind])
    return paths


def outputs_of(model, arrays):
    """The recording {in:NAME, out:NAME} of one inference; arrays in the order of the model's inputs."""
    result = model(list(arrays) if len(arrays) > 1 else arrays[0], training=False)
    record = {"in:" + t.name: a for t, a in zip(model.inputs, arrays)}
    for i, value in enumerate(tf.nest.flatten(result)):
        record[f"out:output_{i}"] = np.asarray(value)
    return record


def walk(model):
    """All layers of a model, those of nested models and of wrappers too."""
    return [layer for layer in model._flatten_layers(include_self=False)]


def randomize(model, arrays, seed):
    """Seeded random weights that keep signals alive: every bias, scale and statistic is made different.

    The statistics of a batch normalization are those that a batch of the given inputs has there, then
    shaken; so that neither the network's input drowns in constants nor its output saturates.
    """
    rng = np.random.default_rng(seed)
    for layer in walk(model):
        if any(True for _ in layer._layers):
            continue
        for variable in layer.weights:
            kind, shape = variable.name.split("/")[-1], variable.shape
            if kind in ("bias", "beta"):
                variable.assign(variable + rng.normal(0, 0.1, shape).astype(np.float32))
            elif kind == "gamma":
                variable.assign(rng.uniform(0.6, 1.4, shape).astype(np.float32))
            elif kind == "mean" and isinstance(layer, tf.keras.layers.Normalization):
                variable.assign(rng.uniform(0.3, 0.6, shape).astype(np.float32))
            elif kind == "variance" and isinstance(layer, tf.keras.layers.Normalization):
                variable.assign(rng.uniform(0.04, 0.1, shape).astype(np.float32))
        if isinstance(layer, tf.keras.layers.Normalization):
            layer.finalize_state()
    norms = [l for l in walk(model) if isinstance(l, tf.keras.layers.BatchNormalization)]
    if norms:
        momenta = [l.momentum for l in norms]
        for layer in norms:
            layer.momentum = 0.0
        model(list(arrays) if len(arrays) > 1 else arrays[0], training=True)
        for layer, momentum in zip(norms, momenta):
            layer.momentum = momentum
            variance = np.asarray(layer.moving_variance) + 1e-3
            shape = variance.shape
            mean = layer.moving_mean + np.sqrt(variance) * rng.normal(0, 0.2, shape)
            layer.moving_mean.assign(np.asarray(mean, np.float32))
            layer.moving_variance.assign(np.float32(variance * rng.uniform(0.6, 1.5, shape)))
