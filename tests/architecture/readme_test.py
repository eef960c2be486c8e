# SPDX-License-Identifier: Apache-2.0
"""What README.md tells a newcomer to do works: its C program, its commands, its file names."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from project import BUILD, SOURCE

README = (SOURCE / "README.md").read_text()
LIBRARY = BUILD / "src" / "libcygnet.a"


class Readme(unittest.TestCase):
    def test_c_program(self):
        """Compiles as C, links without a C++ runtime library, runs."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        self.assertTrue(compiler)
        (program,) = re.findall(r"```c\n(.*?)```", README, re.S)
        with tempfile.TemporaryDirectory() as folder:
            source, binary = os.path.join(folder, "main.c"), os.path.join(folder, "main")
            with open(source, "w", encoding="utf-8") as file:
                file.write(program)
            built = subprocess.run(
                [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE / 'include'}", source,
                 str(LIBRARY), "-lm", "-lpthread", "-o", binary],
                capture_output=True, text=True, check=False)
            self.assertEqual(built.returncode, 0, built.stderr)
            ran = subprocess.run([binary], cwd=SOURCE, capture_output=True, text=True, timeout=60,
                                 check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(len(ran.stdout.splitlines()), 10, ran.stdout)

    def test_commands(self):
        """What follows a "$" runs, and prints the first words that stand below it."""
        commands = re.findall(r"^\$ build/release/cli/cygnet (.*)\n *(\S+)", README, re.M)
        self.assertGreaterEqual(len(commands), 3)
        with tempfile.TemporaryDirectory() as folder:
            for command, first in commands:
                words = shlex.split(command.replace("build/demo", folder))
                ran = subprocess.run([str(BUILD / "cli" / "cygnet"), *words], cwd=SOURCE,
                                     capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(ran.returncode, 0, f"{command}: {ran.stderr}")
                self.assertTrue(ran.stdout.lstrip(" ").startswith(first), f"{command}: {ran.stdout}")

    def test_named_files_exist(self):
        for page in ("README.md", "CONTRIBUTING.md", "examples/README.md"):
            text = (SOURCE / page).read_text()
            for name in re.findall(r"`((?:script|docs|examples|include|tools)/[\w./-]+)`", text):
                self.assertTrue((SOURCE / name).exists(), f"{page} names {name}")


if __name__ == "__main__":
    unittest.main()
