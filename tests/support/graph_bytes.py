# SPDX-License-Identifier: Apache-2.0
"""TensorFlow graphs as bytes, written by hand: protobuf's wire format and the messages of a GraphDef."""
import struct

FLOAT, INT32 = 1, 3


def varint(value):
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, *parts):
    """A length-delimited field; strings count as UTF-8."""
    body = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
    return varint(field << 3 | 2) + varint(len(body)) + body


def attribute(key, value):
    return message(5, message(1, key), message(2, value))


def type_attribute(key, kind=FLOAT):
    return attribute(key, number(6, kind))


def node(name, op, inputs=(), *attributes):
    """A node of a GraphDef, as its field."""
    return message(1, message(1, name), message(2, op), *(message(3, i) for i in inputs), *attributes)


def shape(*dims):
    return b"".join(message(2, number(1, d)) for d in dims)


def placeholder(name, *dims, kind=FLOAT):
    return node(name, "Placeholder", (), type_attribute("dtype", kind),
                attribute("shape", message(7, shape(*dims))))


def constant(name, dims, content, kind=FLOAT):
    """A Const; `content` is the bytes of the values, or an already encoded field of a TensorProto."""
    tensor = number(1, kind) + message(2, shape(*dims))
    tensor += content if isinstance(content, Encoded) else message(4, content)
    return node(name, "Const", (), type_attribute("dtype", kind), attribute("value", message(8, tensor)))


class Encoded(bytes):
    """A field of a TensorProto, encoded."""


def splat(value):
    return Encoded(message(5, struct.pack("<f", value)))


def ints(*values):
    return struct.pack(f"<{len(values)}i", *values)


def small_graph(width=4):
    """x: [1, width] → relu(x + 1); nodes x, one, sum, out."""
    return (placeholder("x", 1, width) + constant("one", (width,), struct.pack("<f", 1) * width) +
            node("sum", "AddV2", ("x", "one"), type_attribute("T")) +
            node("out", "Relu", ("sum",), type_attribute("T")))
