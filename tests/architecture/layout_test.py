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

    def test_each_operator_has_a_test(self):
        """src/ops/NAME.cc that defines an operator has tests/ops/NAME_test.cc."""
        missing = [path.name for path in sources("src/ops", suffixes={".cc"})
                   if re.search(r"\bOpDef\s+\w+\s*[={]", path.read_text())
                   and not (SOURCE / "tests" / "ops" / f"{path.stem}_test.cc").exists()]
        self.assertEqual(missing, [], "operators without a test file")


if __name__ == "__main__":
    unittest.main()
