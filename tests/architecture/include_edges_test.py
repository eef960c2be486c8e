# SPDX-License-Identifier: Apache-2.0
"""The folders of src/ include each other only along the arrows of the design.

An arrow a → b lets a see b and whatever b may see. Public headers (include/cygnet) may be included
from anywhere. An unlisted folder, or an edge that is not here, fails: change the design first.
"""
import collections
import re
import unittest

from project import SOURCE, sources

ARROWS = {
    "base": [],
    "schema": [],
    "graph": ["base", "schema"],
    "kernels": ["base"],
    "ops": ["graph", "kernels"],
    "format": ["graph"],
    "runtime": ["graph", "format"],
    "delegates": ["runtime"],
    "edit": ["graph", "format", "ops", "runtime"],
    "passes": ["edit"],
    "quantize": ["passes"],
    "importers": ["edit"],
    "convert": ["importers", "passes", "quantize"],
    "advisor": ["passes", "runtime"],
    "capi": ["format", "ops", "runtime", "delegates", "convert", "advisor"],
}
PUBLIC = "cygnet"
# What a folder of the library may use besides its own and the C and C++ standard libraries.
FOREIGN = {"flatbuffers": {"schema", "graph", "format", "ops", "capi", "edit", "quantize",
                           "importers"}}
# They would bring allocation, locale or unwinding code into the runtime (design.md, Dependencies).
FORBIDDEN_HEADERS = {"iostream", "ostream", "istream", "sstream", "fstream", "functional", "thread",
                     "future", "mutex", "condition_variable", "regex", "locale", "format",
                     "stdexcept", "map", "unordered_map", "set", "unordered_set", "string",
                     "vector", "memory", "deque", "list", "any"}
# The one place that wraps a container of the standard library.
WRAPPERS = {"src/base/vector.h": {"vector"}}
RUNTIME_FOLDERS = {"base", "schema", "graph", "kernels", "ops", "format", "runtime", "capi"}


def closure(folder):
    """All folders that an arrow's start may see, itself included."""
    seen, todo = set(), [folder]
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo += ARROWS[current]
    return seen


def includes(path):
    """(line number, "<" or '"', path) of each include."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if found:
            yield number, found[1], found[2]


class IncludeEdges(unittest.TestCase):
    def setUp(self):
        self.files = sources("src")
        self.assertTrue(self.files, "no file found in src/")

    def test_arrows_have_no_cycle(self):
        for folder, targets in ARROWS.items():
            for target in targets:
                self.assertNotIn(folder, closure(target), f"{folder} → {target} closes a circle")

    def test_edges(self):
        wrong = []
        for path in self.files:
            parts = path.relative_to(SOURCE / "src").parts
            folder = parts[0]
            if len(parts) == 1 or folder not in ARROWS:
                wrong.append(f"{path}: no folder of the design holds it")
                continue
            allowed = closure(folder) | {PUBLIC}
            for number, mark, name in includes(path):
                if mark != '"':
                    continue
                target = name.split("/")[0]
                if target in FOREIGN and folder in FOREIGN[target]:
                    continue
                if target not in allowed:
                    wrong.append(f"{path}:{number}: {folder} may not include \"{name}\"")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_public_headers_stand_alone(self):
        wrong = [f"{path}:{number}: \"{name}\""
                 for path in sources("include") for number, mark, name in includes(path)
                 if mark == '"' and not name.startswith(PUBLIC + "/")]
        self.assertEqual(wrong, [], "a public header includes a private one")

    def test_runtime_standard_headers(self):
        wrong = [f"{path}:{number}: <{name}>"
                 for path in self.files
                 if path.relative_to(SOURCE / "src").parts[0] in RUNTIME_FOLDERS
                 for number, mark, name in includes(path)
                 if mark == "<" and name in FORBIDDEN_HEADERS
                 and name not in WRAPPERS.get(path.relative_to(SOURCE).as_posix(), ())]
        self.assertEqual(wrong, [], "the runtime keeps these headers out\n" + "\n".join(wrong))

    def test_no_file_circles(self):
        """No header includes itself by way of others."""
        edges = collections.defaultdict(list)
        for path in self.files:
            name = path.relative_to(SOURCE / "src").as_posix()
            edges[name] = [i[2] for i in includes(path) if i[1] == '"']
        done = set()

        def visit(name, trail):
            self.assertNotIn(name, trail, f"include circle: {' → '.join(trail + [name])}")
            if name not in done:
                for target in list(edges.get(name, [])):
                    visit(target, trail + [name])
                done.add(name)
        for name in list(edges):
            visit(name, [])


if __name__ == "__main__":
    unittest.main()
