# SPDX-License-Identifier: Apache-2.0
"""tflite.fbs is wire-compatible with the schema that the ai-edge-litert wheel ships.

First the two are compared as text: every table, field, slot, type, default, union member and enum
value. Then objects filled with random values are written with the code of one and read with the
code of the other, both ways; so is an empty object, for the defaults.
"""
import importlib
import pathlib
import random
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest

flatbuffers = pytest.importorskip("flatbuffers")
import schema_facts  # noqa: E402 (needs flatbuffers)

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "src" / "schema" / "tflite.fbs"
SEED = 20240607
ROUNDS = 3  # random objects of each table beyond one for each union member


@pytest.fixture(scope="module")
def flatc():
    """The compiler that the build uses."""
    path = shutil.which("flatc")
    if path is None:
        pytest.skip("flatc is not installed (script/bootstrap installs it)")
    return path


@pytest.fixture(scope="module")
def theirs():
    """(facts, module) of the wheel's schema."""
    module = pytest.importorskip("ai_edge_litert.schema_py_generated")
    source = pathlib.Path(module.__file__).read_text(encoding="utf-8")
    return schema_facts.from_python(source), module


@pytest.fixture(scope="module")
def our_facts(flatc, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bfbs")
    subprocess.run([flatc, "--binary", "--schema", "--bfbs-builtins", "-o", folder, SCHEMA],
                   check=True)
    return schema_facts.from_bfbs((folder / "tflite.bfbs").read_bytes())


@pytest.fixture(scope="module")
def our_code(flatc, our_facts, tmp_path_factory):
    """A namespace with the tables (X) and object classes (XT) that flatc makes of our schema."""
    folder = tmp_path_factory.mktemp("code")
    subprocess.run([flatc, "--python", "--gen-object-api", "-o", folder, SCHEMA], check=True)
    sys.path.insert(0, str(folder))
    code = types.SimpleNamespace()
    for name in our_facts.tables:
        module = importlib.import_module(f"cygnet.schema.{name}")
        for class_name in (name, f"{name}T"):
            setattr(code, class_name, getattr(module, class_name))
    sys.path.remove(str(folder))
    return code


def differences(got, expected, path=""):
    """Lines that say where two nested dicts differ."""
    if not isinstance(got, dict) or not isinstance(expected, dict):
        return [] if got == expected else [f"{path}: got {got}, expected {expected}"]
    found = []
    for key in sorted(set(got) | set(expected)):
        found += differences(got.get(key), expected.get(key), f"{path}.{key}" if path else key)
    return found


# ---- As text

def test_facts_are_complete(theirs):
    """Guards the comparison itself: the wheel's text was understood."""
    facts, _ = theirs
    assert len(facts.tables) > 150
    assert sum(len(fields) for fields in facts.tables.values()) > 300
    assert facts.enums["BuiltinOperator"]["STABLEHLO_CASE"] == 209
    assert facts.tables["Conv2DOptions"]["DilationWFactor"] == schema_facts.Field(4, "int32", 1)
    assert facts.tables["Tensor"]["ShapeSignature"] == schema_facts.Field(7, "[int32]", None)
    assert facts.tables["Operator"]["BuiltinOptions2"].kind == "union BuiltinOptions2"


def test_tables_and_fields(our_facts, theirs):
    assert not differences(our_facts.tables, theirs[0].tables)


def test_number_of_slots(our_facts, theirs):
    assert not differences(our_facts.slots, theirs[0].slots)


def test_enumerations_and_unions(our_facts, theirs):
    assert not differences(our_facts.enums, theirs[0].enums)


def test_union_members_are_tables_of_that_name(our_facts):
    unions = {field.kind.split()[1] for fields in our_facts.tables.values()
              for field in fields.values() if field.kind.startswith("union ")}
    for union in unions:
        assert set(our_facts.enums[union]) - {"NONE"} <= set(our_facts.tables)


def test_file(our_facts):
    assert our_facts.identifier == "TFL3"
    assert our_facts.root == "Model"


def test_no_field_is_mandatory(our_facts):
    """A file may leave out any field."""
    assert our_facts.mandatory == ()


def test_weights_are_aligned(our_facts):
    """Weights are used in place, so whatever writes a model must align them."""
    assert our_facts.attributes["Buffer.Data"]["force_align"] == "16"


# ---- As objects

class Filler:
    """Fills object classes of `code` with random values; no scalar has its default."""

    def __init__(self, facts, code, rng):
        self._facts = facts
        self._code = code
        self._rng = rng

    def scalar(self, kind, default=None):
        while True:
            if kind == "bool":
                value = self._rng.random() < 0.5
            elif kind.startswith("float"):
                value = self._rng.randint(-(1 << 20), 1 << 20) / 64  # exact in float32
            else:
                limits = np.iinfo(kind)
                value = self._rng.randint(int(limits.min), int(limits.max))
            if value != default:
                return value

    def value(self, field):
        kind = field.kind
        if kind.startswith("["):
            element = schema_facts.Field(0, kind[1:-1], None)
            return [self.value(element) for _ in range(self._rng.randint(1, 4))]
        if kind == "string":
            return "".join(self._rng.choices("abcdefgh_é0123", k=self._rng.randint(1, 12)))
        if kind.startswith("table "):
            return self.table(kind.split()[1])
        return self.scalar(kind, field.default)

    def table(self, name, member=None):
        """Object of table `name`; its unions hold their member number `member`, or a random one."""
        filled = getattr(self._code, f"{name}T")()
        for field_name, field in self._facts.tables[name].items():
            attribute = field_name[:1].lower() + field_name[1:]
            if not field.kind.startswith("union "):
                if not self._says_union_member(name, field_name):
                    setattr(filled, attribute, self.value(field))
                continue
            members = self._members(field)
            chosen = self._rng.choice(members) if member is None else members[member % len(members)]
            setattr(filled, f"{attribute}Type", self._facts.enums[field.kind.split()[1]][chosen])
            setattr(filled, attribute, self.table(chosen))
        return filled

    def variants(self, name):
        """How many objects of the table it takes to see every member of its unions."""
        return max((len(self._members(field)) for field in self._facts.tables[name].values()
                    if field.kind.startswith("union ")), default=0)

    def _members(self, field):
        return [key for key in self._facts.enums[field.kind.split()[1]] if key != "NONE"]

    def _says_union_member(self, name, field_name):
        owner = self._facts.tables[name].get(field_name.removesuffix("Type"))
        return field_name.endswith("Type") and owner is not None and owner.kind.startswith("union ")


def plain(value):
    """The value as dicts, lists and scalars, whichever code it comes from."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, np.ndarray)):
        return [plain(element) for element in value]
    if hasattr(value, "Pack"):
        return {"table": type(value).__name__, **{key: plain(v) for key, v in vars(value).items()}}
    return value.item() if isinstance(value, np.generic) else value


def passed_on(written, reader):
    """`written`, packed with its own code and read with the class `reader`T's code."""
    builder = flatbuffers.Builder(64)
    builder.Finish(written.Pack(builder), file_identifier=b"TFL3")
    table, objects = reader
    return objects.InitFromObj(table.GetRootAs(builder.Output(), 0))


def lost_in_passing(facts, writer, reader):
    """Lines that say what came out differently when `writer`'s objects are read by `reader`."""
    rng = random.Random(SEED)
    filler = Filler(facts, writer, rng)
    found = []
    for name in sorted(facts.tables):
        reading = getattr(reader, name), getattr(reader, f"{name}T")
        samples = [getattr(writer, f"{name}T")()]
        samples += [filler.table(name, member) for member in range(filler.variants(name))]
        samples += [filler.table(name) for _ in range(ROUNDS)]
        for sample in samples:
            try:
                arrived = plain(passed_on(sample, reading))
            except Exception as error:  # a wrong slot makes the reader follow anything
                found.append(f"{name}: {type(error).__name__}: {error}")
                continue
            found += differences(arrived, plain(sample), name)
    return list(dict.fromkeys(found))


def test_we_read_what_the_wheel_writes(theirs, our_code):
    facts, code = theirs
    assert not lost_in_passing(facts, code, our_code)


def test_the_wheel_reads_what_we_write(our_facts, our_code, theirs):
    assert not lost_in_passing(our_facts, our_code, theirs[1])
