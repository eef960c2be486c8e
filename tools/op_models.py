# SPDX-License-Identifier: Apache-2.0
"""Models of one operator, built with the object API of the schema that the ai-edge-litert wheel ships.

A case is a dictionary: `op` (name of the builtin), `name` (unique for the operator), `inputs` and
`outputs` (lists of Operand, None for an absent optional input), `options` (name of the option table
and its fields), `version`, `custom` (a custom operator's code and option bytes) and `intermediates`.
"""
import dataclasses

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {
    "f32": (np.float32, schema.TensorType.FLOAT32),
    "f16": (np.float16, schema.TensorType.FLOAT16),
    "f64": (np.float64, schema.TensorType.FLOAT64),
    "i8": (np.int8, schema.TensorType.INT8),
    "u8": (np.uint8, schema.TensorType.UINT8),
    "i16": (np.int16, schema.TensorType.INT16),
    "u16": (np.uint16, schema.TensorType.UINT16),
    "i32": (np.int32, schema.TensorType.INT32),
    "u32": (np.uint32, schema.TensorType.UINT32),
    "i64": (np.int64, schema.TensorType.INT64),
    "u64": (np.uint64, schema.TensorType.UINT64),
    "bool": (np.bool_, schema.TensorType.BOOL),
}
QUANTIZED = ("i8", "u8", "i16")
ACTIVATION = {"none": 0, "relu": 1, "relu_n1": 2, "relu6": 3}
VERSION = {"f32": 1, "u8": 1, "i8": 2, "i16": 4, "i32": 3, "i64": 3}


@dataclasses.dataclass
class Operand:
    """A tensor. `data` makes it a constant, or, with `fed`, the value that an input gets."""
    shape: tuple
    type: str = "f32"
    scale: object = None  # a number, or one for each slice along `axis`
    zero: object = 0
    axis: int = 0
    data: object = None
    fed: bool = False
    variable: bool = False
    low: float = -1.0  # of random data, in the tensor's own units for integers without a scale
    high: float = 1.0


def full_range(kind):
    """Least and largest value of an integer type."""
    limits = np.iinfo(TYPES[kind][0])
    return limits.min, limits.max


def quantization(kind, low, high):
    """Scale and zero point that map [low, high] to an 8-bit type; int16 is symmetric."""
    if kind == "i16":
        return float(np.float32(max(abs(low), abs(high)) / 32767)), 0
    least, most = full_range(kind)
    scale = float(np.float32((high - low) / 255))
    return scale, int(np.clip(round(least - low / scale), least, most))


def operand(kind, shape, low=-1.0, high=1.0, **more):
    """A tensor whose real values span [low, high]."""
    if kind in QUANTIZED:
        scale, zero = quantization(kind, low, high)
        return Operand(shape, kind, scale, zero, **more)
    return Operand(shape, kind, low=low, high=high, **more)


def case(op, name, inputs, outputs, options=None, version=None):
    if version is None:
        version = VERSION.get(inputs[0].type, 1)
    return {"op": op, "name": name, "inputs": inputs, "outputs": outputs, "options": options, "version": version}


def codes(kind):
    """Every 8-bit value, or 16-bit values from end to end, as data to feed."""
    least, most = full_range(kind)
    if kind == "i16":
        return np.unique(np.concatenate([np.arange(least, most, 97), np.arange(-300, 300, 7), [most]]))
    return np.arange(least, most + 1)


def random_values(rng, operand):
    """Random data for an operand: all codes for quantized types, [low, high] for others."""
    dtype = TYPES[operand.type][0]
    if operand.type == "bool":
        return rng.integers(0, 2, operand.shape).astype(dtype)
    if operand.type in QUANTIZED and operand.scale is not None:
        least, most = full_range(operand.type)
        return rng.integers(least, most + 1, operand.shape).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        return rng.integers(int(operand.low), int(operand.high) + 1, operand.shape).astype(dtype)
    return rng.uniform(operand.low, operand.high, operand.shape).astype(dtype)


def _tensor(operand, name, buffer):
    tensor = schema.TensorT()
    tensor.name = name
    tensor.shape = [int(d) for d in operand.shape]
    tensor.type = TYPES[operand.type][1]
    tensor.buffer = buffer
    tensor.isVariable = operand.variable
    tensor.hasRank = True
    if operand.scale is not None:
        parameters = schema.QuantizationParametersT()
        parameters.scale = [float(s) for s in np.atleast_1d(operand.scale)]
        zeros = np.broadcast_to(np.atleast_1d(operand.zero), len(parameters.scale))
        parameters.zeroPoint = [int(z) for z in zeros]
        parameters.quantizedDimension = operand.axis
        tensor.quantization = parameters
    return tensor


def _operator(case):
    operator = schema.OperatorT()
    operator.opcodeIndex = 0
    if case.get("options"):
        table, fields = case["options"]
        options = getattr(schema, table + "T")()
        for field, value in fields.items():
            if not hasattr(options, field):
                raise AttributeError(f"{table} has no field {field}")
            setattr(options, field, value)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        operator.builtinOptions = options
    if case.get("custom"):
        operator.customOptions = np.frombuffer(case["custom"][1], np.uint8)
    return operator


def _opcode(case, version):
    opcode = schema.OperatorCodeT()
    builtin = schema.BuiltinOperator.CUSTOM if case.get("custom") else getattr(schema.BuiltinOperator, case["op"])
    opcode.builtinCode = builtin
    opcode.deprecatedBuiltinCode = min(builtin, 127)
    opcode.version = version
    if case.get("custom"):
        opcode.customCode = case["custom"][0]
    return opcode


def build(case, version):
    """The .tflite file of a case. Inputs are named x0, x1, …, outputs y0, y1, …"""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version = 3
    model.description = "one operator"
    model.buffers = [schema.BufferT()]
    graph.name = "main"
    graph.tensors, graph.inputs, graph.outputs = [], [], []
    operator = _operator(case)

    def add(operand, name):
        buffer = 0
        if operand.data is not None and not operand.fed:
            constant = schema.BufferT()
            array = np.ascontiguousarray(operand.data, TYPES[operand.type][0])
            constant.data = np.frombuffer(array.tobytes(), np.uint8)
            model.buffers.append(constant)
            buffer = len(model.buffers) - 1
        graph.tensors.append(_tensor(operand, name, buffer))
        return len(graph.tensors) - 1

    operator.inputs = []
    for i, operand in enumerate(case["inputs"]):
        index = -1 if operand is None else add(operand, f"x{i}")
        operator.inputs.append(index)
        if operand is not None and not operand.variable and (operand.data is None or operand.fed):
            graph.inputs.append(index)
    operator.outputs = [add(operand, f"y{i}") for i, operand in enumerate(case["outputs"])]
    graph.outputs = list(operator.outputs)
    if case.get("intermediates"):
        operator.intermediates = [add(o, f"i{i}") for i, o in enumerate(case["intermediates"])]
    graph.operators = [operator]
    model.subgraphs = [graph]
    model.operatorCodes = [_opcode(case, version)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def feeds(case, rng):
    """The values of a case's graph inputs, by name."""
    arrays = {}
    for i, operand in enumerate(case["inputs"]):
        if operand is None or operand.variable:
            continue
        if operand.fed:
            arrays[f"x{i}"] = np.asarray(operand.data, TYPES[operand.type][0])
        elif operand.data is None:
            arrays[f"x{i}"] = random_values(rng, operand)
    return arrays


def open_interpreter(model):
    """LiteRT's interpreter on its reference kernels, else on its ordinary ones without a delegate."""
    for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=resolver)
            interpreter.allocate_tensors()
            return interpreter, resolver.name
        except (ValueError, RuntimeError) as error:
            if "Didn't find op" not in str(error):
                raise
    raise ValueError("no resolver knows this operator and version")


def record(case, rng):
    """Runs a case: the model, its inputs and outputs by name, and the resolver that ran it."""
    inputs = feeds(case, rng)
    for version in range(case.get("version", 1), 0, -1):
        model = build(case, version)
        try:
            interpreter, resolver = open_interpreter(model)
        except ValueError as error:
            if "no resolver" in str(error) and version > 1:
                continue
            raise
        break
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], inputs[detail["name"]])
    interpreter.invoke()
    outputs = {d["name"]: interpreter.get_tensor(d["index"]).copy() for d in interpreter.get_output_details()}
    return model, inputs, outputs, resolver
