# SPDX-License-Identifier: Apache-2.0
"""What every file of the repository keeps to."""
import re
import unittest

from project import SOURCE, sources, tracked

MAX_LINES = 500
SCRIPTS = {".py", ".sh", ".cmake"}
# Paths of one machine. The word boundary keeps URLs and relative paths out.
MACHINE_PATHS = re.compile(rb"(?<![\w.$}/~-])/(?:tmp|root|work|home)/\w")


class Layout(unittest.TestCase):
    def test_file_length(self):
        folders = ("src", "include", "cli", "tests", "tools", "bench", "fuzz", "apps", "python")
        files = sources(*folders, suffixes={".cc", ".h", ".hpp", ".c", ".inl", ".py"})
        self.assertTrue(files)
        long = [f"{path.relative_to(SOURCE)}: {lines} lines" for path in files
                if (lines := path.read_bytes().count(b"\n")) > MAX_LINES]
        self.assertEqual(long, [], f"longer than {MAX_LINES} lines: split by task")

    def test_licence_line(self):
        wrong = []
        for path in tracked():
            kind = path.suffix
            script = kind in SCRIPTS or path.name == "CMakeLists.txt" or path.parent.name == "script"
            if kind not in {".cc", ".h", ".hpp", ".c", ".inl", ".fbs"} and not script:
                continue
            marks = ("#",) if script else ("//", "/*")
            head = "\n".join(path.read_text().splitlines()[:2])
            if not any(f"{mark} SPDX-License-Identifier: Apache-2.0" in head for mark in marks):
                wrong.append(str(path.relative_to(SOURCE)))
        self.assertEqual(wrong, [], "no SPDX line in the first two lines")

    def test_no_machine_paths(self):
        wrong = []
        for path in tracked():
            if path == SOURCE / "tests" / "architecture" / "layout_test.py":
                continue
            for found in MACHINE_PATHS.finditer(path.read_bytes()):
                wrong.append(f"{path.relative_to(SOURCE)}: {found[0].decode()}...")
        self.assertEqual(wrong, [], "a path of some machine")

    def test_nothing_unfinished(self):
        words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
        wrong = [f"{path.relative_to(SOURCE)}:{number}"
                 for path in sources("src", "include", "cli", "bench")
                 for number, line in enumerate(path.read_text().splitlines(), 1)
                 if words.search(line)]
        self.assertEqual(wrong, [])

    def test_each_operator_has_tests(self):
        """Each operator that src/ops defines is named by a test in tests/ops or tests/runtime, or a recorded case."""
        schema = (SOURCE / "src" / "schema" / "tflite.fbs").read_text()
        known = set(re.findall(r"^\s*([A-Z][A-Z0-9_]+)\s*(?:=|,)", schema, re.M))
        defined = {name for path in sources("src/ops", suffixes={".cc"})
                   for name in re.findall(r'"([A-Z][A-Z0-9_]+)"', path.read_text())} & known
        self.assertGreater(len(defined), 20)
        tests = [path.read_text() for path in sources("tests/ops", "tests/runtime", suffixes={".cc", ".h"})
                 + sorted((SOURCE / "tools").glob("op_cases*.py"))]
        missing = sorted(name for name in defined
                         if not any(re.search(rf"\b{name}\b", text) for text in tests))
        self.assertEqual(missing, [], "operators without a test")


if __name__ == "__main__":
    unittest.main()
