# SPDX-License-Identifier: Apache-2.0
"""Models of one operator, built with the object API of the schema that the ai-edge-litert wheel ships."""
import dataclasses

import flatbuffers
import ml_dtypes
import numpy as np
from ai_edge_litert import schema_py_generated as schema

# Short name: (NumPy type of the values, type code). Of STRING the values are bytes objects, of the
# types below 8 bits int8 numbers.
TYPES = {
    "f32": (np.float32, schema.TensorType.FLOAT32),
    "f16": (np.float16, schema.TensorType.FLOAT16),
    "bf16": (ml_dtypes.bfloat16, schema.TensorType.BFLOAT16),
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
    "c64": (np.complex64, schema.TensorType.COMPLEX64),
    "c128": (np.complex128, schema.TensorType.COMPLEX128),
    "string": (np.object_, schema.TensorType.STRING),
    "resource": (np.int32, schema.TensorType.RESOURCE),
    "variant": (np.int32, schema.TensorType.VARIANT),
    "i4": (np.int8, schema.TensorType.INT4),
    "u4": (np.uint8, schema.TensorType.UINT4),
    "i2": (np.int8, schema.TensorType.INT2),
}
NAME_OF = {code: name for name, (_, code) in TYPES.items()}
QUANTIZED = ("i8", "u8", "i16")
FLOATS = ("f32", "f16", "bf16", "f64")
BITS = {"i4": 4, "u4": 4, "i2": 2}
ACTIVATION = {"none": 0, "relu": 1, "relu_n1": 2, "relu6": 3, "tanh": 4, "sign_bit": 5}


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
    sparsity: object = None  # schema.SparsityParametersT; `data` are then the values that are stored
    signature: object = None  # shape with −1 for dimensions that are known only while running

    @property
    def input(self):
        """Whether it is an input of the graph."""
        return not self.variable and (self.data is None or self.fed)


@dataclasses.dataclass
class Case:
    """A model of one operator (or any model) and what it is fed with."""
    inputs: list = dataclasses.field(default_factory=list)  # Operand, or None where one is absent
    outputs: list = dataclasses.field(default_factory=list)
    options: tuple = None  # (name of the table, {field: value})
    options2: tuple = None
    custom: bytes = None  # options of a custom operator
    intermediates: list = dataclasses.field(default_factory=list)
    runs: int = 1  # invocations, each with random inputs of its own
    version: int = None  # fixed (LiteRT's kernels may get an older one); else all of the operator's in turn
    model: object = None  # function(version) → bytes of another model than that of one operator
    feeds: list = None  # [{input's name: array}], one for each run; else random
    oracle: str = None  # LiteRT's kernels to compare with where its plainest are wrong; see litert.RESOLVERS
    compare: object = None  # function(ours, theirs) → None or what is wrong, with lists of arrays for each run
    apart: object = 0.0  # how far floats of the kernels may be from the plain loops' beyond the tolerance; an array: by channel
    alone: bool = False  # LiteRT is not asked, because it lacks the operator or breaks on it; `compare` judges


def integer_limits(kind):
    """Least and largest value of an integer type."""
    if kind in BITS:
        bits = BITS[kind]
        return (0, 2**bits - 1) if kind[0] == "u" else (-2**(bits - 1), 2**(bits - 1) - 1)
    limits = np.iinfo(TYPES[kind][0])
    return int(limits.min), int(limits.max)


def quantization(kind, low, high):
    """Scale and zero point that map [low, high] to an 8-bit type; int16 is symmetric."""
    if kind == "i16":
        return float(np.float32(max(abs(low), abs(high)) / 32767)), 0
    least, most = integer_limits(kind)
    scale = float(np.float32((high - low) / (most - least)))
    return scale, int(np.clip(round(least - low / scale), least, most))


def operand(kind, shape, low=-1.0, high=1.0, **more):
    """A tensor whose real values span [low, high]."""
    if kind in QUANTIZED:
        scale, zero = quantization(kind, low, high)
        return Operand(tuple(shape), kind, scale, zero, **more)
    return Operand(tuple(shape), kind, low=low, high=high, **more)


def random_values(rng, operand):
    """Random data for an operand: all codes for quantized types, [low, high] for others."""
    kind, shape = operand.type, operand.shape
    dtype = TYPES[kind][0]
    if kind == "bool":
        return rng.integers(0, 2, shape).astype(dtype)
    if kind == "string":
        size = int(np.prod(shape, dtype=np.int64))
        values = [bytes(rng.integers(97, 123, rng.integers(0, 9)).astype(np.uint8)) for _ in range(size)]
        return np.array(values + [None], object)[:-1].reshape(shape)
    if kind in ("c64", "c128"):
        parts = rng.uniform(operand.low, operand.high, (2, *shape))
        return (parts[0] + 1j * parts[1]).astype(dtype)
    if kind in FLOATS:
        return rng.uniform(operand.low, operand.high, shape).astype(dtype)
    least, most = integer_limits(kind)
    if operand.scale is None and kind not in BITS:
        least, most = max(least, int(operand.low)), min(most, int(operand.high))
    return rng.integers(least, most, shape, dtype=np.uint64 if kind == "u64" else np.int64, endpoint=True).astype(dtype)


# ---- Values as a tensor's bytes

def pack_strings(values):
    """TensorFlow Lite's string tensor: count, offsets, bytes."""
    texts = [bytes(v) if isinstance(v, (bytes, bytearray, np.bytes_)) else str(v).encode() for v in values]
    ends = np.cumsum([0] + [len(t) for t in texts])
    head = 4 * (len(texts) + 2)
    return np.array([len(texts), *(head + ends)], np.int32).tobytes() + b"".join(texts)


def unpack_strings(raw):
    count = int(np.frombuffer(raw, np.int32, 1)[0])
    offsets = np.frombuffer(raw, np.int32, count + 1, 4)
    return [raw[a:b] for a, b in zip(offsets, offsets[1:])]


def to_bytes(kind, values):
    """The bytes of a tensor with these values."""
    if kind == "string":
        return pack_strings(np.asarray(values, object).ravel())
    array = np.ascontiguousarray(values, TYPES[kind][0]).ravel()
    if kind not in BITS:
        return array.tobytes()
    bits = BITS[kind]
    each = 8 // bits
    whole = np.zeros(-(-array.size // each) * each, np.uint8)
    whole[:array.size] = array.view(np.uint8) & (2**bits - 1)
    parts = whole.reshape(-1, each)
    return np.bitwise_or.reduce([parts[:, i] << np.uint8(bits * i) for i in range(each)], axis=0).astype(np.uint8).tobytes()


def from_bytes(kind, raw, shape):
    """The values of a tensor with these bytes."""
    size = int(np.prod(shape, dtype=np.int64))
    if kind == "string":
        return np.array(unpack_strings(raw) + [None], object)[:-1].reshape(shape)
    dtype = TYPES[kind][0]
    if kind not in BITS:
        return np.frombuffer(raw, dtype).reshape(shape)
    bits = BITS[kind]
    packed = np.frombuffer(raw, np.uint8)
    values = np.stack([packed >> np.uint8(bits * i) for i in range(8 // bits)], 1).ravel()[:size] & (2**bits - 1)
    if kind[0] == "i":
        values = ((values ^ 2**(bits - 1)).astype(np.int8) - np.int8(2**(bits - 1)))
    return values.astype(dtype).reshape(shape)


# ---- Building

def _tensor(operand, name, buffer):
    tensor = schema.TensorT()
    tensor.name = name
    tensor.shape = [int(d) for d in operand.shape]
    tensor.type = TYPES[operand.type][1]
    tensor.buffer = buffer
    tensor.isVariable = operand.variable
    tensor.hasRank = True
    tensor.sparsity = operand.sparsity
    if operand.signature is not None:
        tensor.shapeSignature = [int(d) for d in operand.signature]
    if operand.scale is not None:
        parameters = schema.QuantizationParametersT()
        parameters.scale = [float(s) for s in np.atleast_1d(operand.scale)]
        zeros = np.broadcast_to(np.atleast_1d(operand.zero), len(parameters.scale))
        parameters.zeroPoint = [int(z) for z in zeros]
        parameters.quantizedDimension = operand.axis
        tensor.quantization = parameters
    return tensor


def option_table(name, fields):
    """The object of an option table; a field that it has not is an error."""
    options = getattr(schema, name + "T")()
    for field, value in fields.items():
        if not hasattr(options, field):
            raise AttributeError(f"{name} has no field {field}")
        setattr(options, field, value)
    return options


class Subgraph:
    """One subgraph of a model under construction: tensors by Operand, operators by name."""

    def __init__(self, model, name):
        self.model, self.table = model, schema.SubGraphT()
        self.table.name = name
        self.table.tensors, self.table.inputs, self.table.outputs, self.table.operators = [], [], [], []

    def tensor(self, operand, name=None):
        """Adds a tensor; its index. A constant brings its buffer."""
        buffer = 0
        if operand.data is not None and not operand.fed:
            buffer = self.model.buffer(to_bytes(operand.type, operand.data))
        name = f"t{len(self.table.tensors)}" if name is None else name
        self.table.tensors.append(_tensor(operand, name, buffer))
        return len(self.table.tensors) - 1

    def input(self, operand, name=None):
        index = self.tensor(operand, name)
        self.table.inputs.append(index)
        return index

    def output(self, operand, name=None):
        index = self.tensor(operand, name)
        self.table.outputs.append(index)
        return index

    def op(self, name, inputs, outputs, options=None, options2=None, custom=None, version=1, intermediates=()):
        """Adds an operator on tensor indices. A custom operator is named "CUSTOM:code"."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.model.opcode(name, version)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        operator.intermediates = list(intermediates) or None
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options[0])
            operator.builtinOptions = option_table(*options)
        if options2 is not None:
            operator.builtinOptions2Type = getattr(schema.BuiltinOptions2, options2[0])
            operator.builtinOptions2 = option_table(*options2)
        if custom is not None:
            operator.customOptions = np.frombuffer(custom, np.uint8)
        self.table.operators.append(operator)


class ModelBuilder:
    """A model of any number of subgraphs; the first is the main one."""

    def __init__(self):
        self.table = schema.ModelT()
        self.table.version = 3
        self.table.description = "differential test"
        self.table.buffers, self.table.subgraphs, self.table.operatorCodes = [schema.BufferT()], [], []
        self.codes = {}

    def subgraph(self, name="main"):
        graph = Subgraph(self, name)
        self.table.subgraphs.append(graph.table)
        return graph

    def buffer(self, raw):
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(raw, np.uint8)
        self.table.buffers.append(buffer)
        return len(self.table.buffers) - 1

    def opcode(self, name, version):
        if (name, version) not in self.codes:
            code = schema.OperatorCodeT()
            custom = name.startswith("CUSTOM:")
            code.builtinCode = schema.BuiltinOperator.CUSTOM if custom else getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.customCode = name[len("CUSTOM:"):] if custom else None
            code.version = version
            self.table.operatorCodes.append(code)
            self.codes[name, version] = len(self.table.operatorCodes) - 1
        return self.codes[name, version]

    def finish(self):
        """The .tflite file; what the models' vectors of bytes hold lies at multiples of 16."""
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.table.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def build(op, case, version):
    """The .tflite file of a case. Inputs are named x0, x1, …, outputs y0, y1, …"""
    if case.model is not None:
        return case.model(version)
    model = ModelBuilder()
    graph = model.subgraph()
    inputs = []
    for i, x in enumerate(case.inputs):
        if x is None:
            inputs.append(-1)
        else:
            inputs.append(graph.input(x, f"x{i}") if x.input else graph.tensor(x, f"x{i}"))
    outputs = [graph.output(y, f"y{i}") for i, y in enumerate(case.outputs)]
    intermediates = [graph.tensor(t, f"i{i}") for i, t in enumerate(case.intermediates)]
    graph.op(op, inputs, outputs, case.options, case.options2, case.custom, version, intermediates)
    return model.finish()


def feeds(case, rng):
    """The values of a case's graph inputs by name, one dictionary for each run."""
    if case.feeds is not None:
        return case.feeds
    runs = []
    for _ in range(case.runs):
        runs.append({f"x{i}": np.asarray(x.data, TYPES[x.type][0]).reshape(x.shape) if x.fed else random_values(rng, x)
                     for i, x in enumerate(case.inputs) if x is not None and x.input})
    return runs


def graph_inputs(raw):
    """[(name, short type)] of the main subgraph's inputs."""
    model = schema.Model.GetRootAs(raw, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(graph.Inputs(i)) for i in range(graph.InputsLength())]
    return [((t.Name() or b"").decode(), NAME_OF[t.Type()]) for t in tensors]
