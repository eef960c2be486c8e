# SPDX-License-Identifier: Apache-2.0
"""What the model-making scripts share: conversion with TensorFlow, recording with LiteRT.

Needs the wheels of tools/requirements.txt.

A recording NAME.npz lies beside NAME.tflite. Its keys are `in:KEY` and `out:KEY`, where KEY is the
tensor's name in the signature, or the tensor's own name where the model has no signature. The arrays
come from LiteRT's reference kernels (resolver BUILTIN_REF, no delegate, one thread); where those lack
an operator's version (int8 DEPTH_TO_SPACE), from its ordinary kernels without a delegate. A model with
several signatures has NAME.npz for its first one and NAME.SIGNATURE.npz for each other.
"""
import contextlib
import io
import os
import pathlib

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def seed(value):
    """Makes what follows repeatable on one version of TensorFlow."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(value)
    tf.config.experimental.enable_op_determinism()


def random_input(spec, rng):
    """One array for an interpreter's input detail: all values for integers, [-1, 1) for floats."""
    shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype in (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.int16)):
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        return rng.integers(-100, 101, shape).astype(dtype)
    return rng.uniform(-1, 1, shape).astype(dtype)


def open_reference(path):
    """LiteRT's interpreter with its reference kernels, else its built-in ones without a delegate."""
    for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            interpreter = Interpreter(model_path=str(path), num_threads=1,
                                      experimental_op_resolver_type=resolver)
            break
        except ValueError as error:
            if "Didn't find op" not in str(error) or resolver != OpResolverType.BUILTIN_REF:
                raise
    interpreter.allocate_tensors()
    return interpreter


def run_reference(path, inputs=None, signature=None, rng_seed=1):
    """Runs a model and returns {in:KEY: array, out:KEY: array}.

    inputs: {KEY: array}; random values where None. signature: None for the first one.
    """
    interpreter = open_reference(path)
    rng = np.random.default_rng(rng_seed)
    signatures = interpreter.get_signature_list()
    record = {}
    if signatures:
        runner = interpreter.get_signature_runner(signature or next(iter(signatures)))
        given = {}
        for key, detail in sorted(runner.get_input_details().items()):
            given[key] = inputs[key] if inputs else random_input(detail, rng)
            record["in:" + key] = given[key]
        for key, value in sorted(runner(**given).items()):
            record["out:" + key] = value
        return record
    for detail in interpreter.get_input_details():
        value = inputs[detail["name"]] if inputs else random_input(detail, rng)
        record["in:" + detail["name"]] = value
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    for detail in interpreter.get_output_details():
        record["out:" + detail["name"]] = interpreter.get_tensor(detail["index"])
    return record


def record(path, inputs=None, rng_seed=1):
    """Writes the recordings that belong beside the model."""
    path = pathlib.Path(path)
    signatures = list(open_reference(path).get_signature_list())
    for number, signature in enumerate(signatures or [None]):
        values = run_reference(path, inputs, signature, rng_seed)
        suffix = f".{signature}.npz" if number else ".npz"
        np.savez_compressed(path.with_suffix(suffix), **values)


def convert(source, mode="float32", samples=None, io_type=None):
    """Bytes of a .tflite made from a Keras model or from a list of concrete functions with a module.

    mode: float32; float16 (weights); int8 or int16x8 (full quantization, ranges from samples, a list
    of lists of float arrays). io_type: type of inputs and outputs of a quantized model.
    """
    if isinstance(source, tf.keras.Model):
        converter = tf.lite.TFLiteConverter.from_keras_model(source)
    elif isinstance(source, str):
        converter = tf.lite.TFLiteConverter.from_saved_model(source)
    else:
        functions, module = source
        converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, module)
    if mode == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    elif mode in ("int8", "int16x8"):
        ops = tf.lite.OpsSet
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [
            ops.TFLITE_BUILTINS_INT8 if mode == "int8"
            else ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
        converter.representative_dataset = lambda: iter(samples)
        if io_type is not None:
            converter.inference_input_type = io_type
            converter.inference_output_type = io_type
    elif mode != "float32":
        raise ValueError(mode)
    with contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def operators(path):
    """Names of the operators of all subgraphs, sorted, without repetition."""
    from ai_edge_litert import schema_py_generated as schema
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    model = schema.ModelT.InitFromPackedBuf(pathlib.Path(path).read_bytes(), 0)
    codes = {op.opcodeIndex for graph in model.subgraphs for op in graph.operators or []}
    found = set()
    for code in codes:
        entry = model.operatorCodes[code]
        builtin = max(entry.builtinCode, entry.deprecatedBuiltinCode)
        found.add(entry.customCode.decode() if entry.customCode else names[builtin])
    return sorted(found)
