# SPDX-License-Identifier: Apache-2.0
"""What a FlatBuffers schema puts on the wire, read from two places in one form.

from_bfbs reads a binary schema (flatc --binary --schema), from_python the text of a module that
flatc --python wrote. Both give Facts; a field's kind is "int32", "[int32]", "string", "table NAME",
"[table NAME]" or "union NAME", in the words of FlatBuffers' Python runtime for scalars.
"""
import ast
import dataclasses
import re

import flatbuffers
from flatbuffers import number_types
from flatbuffers.table import Table


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a table. `default` is None for all but scalars."""
    slot: int
    kind: str
    default: object


@dataclasses.dataclass
class Facts:
    """tables: name → field in CamelCase → Field; slots: table → number of slots, unused ones
    included; enums: enumeration or union → name → value; the rest only from a binary schema."""
    tables: dict
    slots: dict
    enums: dict
    identifier: str = ""
    root: str = ""
    mandatory: tuple = ()  # fields a reader refuses to miss, or whose absence is a value of its own
    attributes: dict = dataclasses.field(default_factory=dict)  # "Table.Field" → key → value


def camel_case(name):
    """fused_activation_function → FusedActivationFunction."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


# ---- Binary schema. The slots are those of reflection.fbs, the format's description of itself.

BASE_TYPES = ("none", "uint8", "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32",
              "int64", "uint64", "float32", "float64", "string", "vector", "table", "union")


class _Record:
    """Fields of one table in a binary schema by slot."""

    def __init__(self, table):
        self._table = table

    def _at(self, slot):
        return self._table.Offset(4 + 2 * slot)

    def scalar(self, slot, flags, default=0):
        return self._table.GetSlot(4 + 2 * slot, default, flags)

    def text(self, slot):
        return self._table.String(self._at(slot) + self._table.Pos).decode()

    def record(self, slot):
        at = self._at(slot)
        if not at:
            return None
        return _Record(Table(self._table.Bytes, self._table.Indirect(at + self._table.Pos)))

    def records(self, slot):
        at = self._at(slot)
        if not at:
            return []
        start = self._table.Vector(at)
        return [_Record(Table(self._table.Bytes, self._table.Indirect(start + 4 * i)))
                for i in range(self._table.VectorLen(at))]


def from_bfbs(data):
    """Facts of the binary schema `data`; names without their namespace."""
    schema = _Record(Table(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0)))

    def plain_name(record):
        return record.text(0).rpartition(".")[2]

    object_names = [plain_name(record) for record in schema.records(0)]
    enum_names = [plain_name(record) for record in schema.records(1)]

    def kind_of(type_record):
        index = type_record.scalar(2, number_types.Int32Flags, -1)

        def spell(base):
            word = BASE_TYPES[base]
            if word == "table":
                return f"table {object_names[index]}"
            return f"union {enum_names[index]}" if word == "union" else word

        word = spell(type_record.scalar(0, number_types.Int8Flags))
        return f"[{spell(type_record.scalar(1, number_types.Int8Flags))}]" if word == "vector" else word

    facts = Facts({}, {}, {}, schema.text(2), plain_name(schema.record(4)))
    mandatory = []
    for name, record in zip(object_names, schema.records(0)):
        fields = record.records(1)
        facts.slots[name] = len(fields)
        facts.tables[name] = {}
        for field in fields:
            field_name = camel_case(field.text(0))
            kind = kind_of(field.record(1))
            default = None
            if kind.startswith("float"):
                default = field.scalar(5, number_types.Float64Flags)
            elif kind in BASE_TYPES and kind != "string":
                default = field.scalar(4, number_types.Int64Flags)
            required, optional = (field.scalar(slot, number_types.BoolFlags) for slot in (7, 11))
            if required or (optional and default is not None):
                mandatory.append(f"{name}.{field_name}")
            facts.attributes[f"{name}.{field_name}"] = {
                pair.text(0): pair.text(1) for pair in field.records(9)}
            if not field.scalar(6, number_types.BoolFlags):  # deprecated: the slot is unused
                slot = field.scalar(2, number_types.Uint16Flags)
                facts.tables[name][field_name] = Field(slot, kind, default)
    facts.mandatory = tuple(mandatory)
    for name, record in zip(enum_names, schema.records(1)):
        facts.enums[name] = {value.text(0): value.scalar(1, number_types.Int64Flags)
                             for value in record.records(1)}
    return facts


# ---- Generated Python

_GETTER = re.compile(r"^    def (\w+)\(self(, j)?\):\n((?:^        .*\n)+)", re.MULTILINE)


def _field_of_getter(body, unions, attribute):
    """Field that the body of an accessor reads, or None where it is no accessor."""
    offset = re.search(r"self\._tab\.Offset\((\d+)\)", body)
    if offset is None:
        return None
    scalar = re.search(r"self\._tab\.Get\(flatbuffers\.number_types\.(\w+)Flags", body)
    child = re.search(r"^ +obj = (\w+)\(", body, re.MULTILINE)
    default = None
    if "self._tab.Union(" in body:
        kind = f"union {unions[attribute]}"
    elif "self._tab.String(" in body:
        kind = "string"
    elif scalar:
        kind = scalar.group(1).lower()
    else:
        kind = f"table {child.group(1)}"
    if "self._tab.Vector(" in body:
        kind = f"[{kind}]"
    elif scalar:
        default = ast.literal_eval(re.findall(r"return (.+)$", body, re.MULTILINE)[-1])
    return Field((int(offset.group(1)) - 4) // 2, kind, default)


def from_python(source):
    """Facts of the text of a module that flatc --python --gen-object-api wrote as one file."""
    lines = source.splitlines(keepends=True)
    texts = {node.name: "".join(lines[node.lineno - 1:node.end_lineno])
             for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    starts = dict(re.findall(r"^def (\w+)Start\(builder\):\n +builder\.StartObject\((\d+)\)",
                             source, re.MULTILINE))
    facts = Facts({}, {}, {})
    for name, text in texts.items():
        if "__slots__" in text:
            unions = {attribute[:1].upper() + attribute[1:]: union for attribute, union in
                      re.findall(r"self\.(\w+) = (\w+)Creator\(", texts[f"{name}T"])}
            getters = [match.groups() for match in _GETTER.finditer(text)]
            helpers = {"Init"} | {getter + suffix for getter, is_vector, _ in getters if is_vector
                                  for suffix in ("AsNumpy", "Length", "IsNone")}
            facts.slots[name] = int(starts[name])
            facts.tables[name] = {
                getter: _field_of_getter(body, unions, getter)
                for getter, _, body in getters if getter not in helpers}
        elif "    def " not in text:
            facts.enums[name] = {key: int(value) for key, value in
                                 re.findall(r"^    (\w+) = (-?\d+)$", text, re.MULTILINE)}
    return facts
