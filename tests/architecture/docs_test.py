# SPDX-License-Identifier: Apache-2.0
"""docs/convert.md lists every pass, and none that is gone."""
import re
import unittest

from project import SOURCE


class Passes(unittest.TestCase):
    def test_every_pass_is_described(self):
        names = set()
        for path in (SOURCE / "src" / "passes").glob("*.cc"):
            names.update(re.findall(r'Pass k\w+ = \{\s*\.name = "([a-z-]+)"', path.read_text()))
        self.assertTrue(names, "no pass found")
        text = (SOURCE / "docs" / "convert.md").read_text()
        section = text[text.index("## Passes"):text.index("## Verifying")]
        self.assertEqual(set(re.findall(r"^\| ([a-z]+(?:-[a-z]+)+) \|", section, re.M)), names)


if __name__ == "__main__":
    unittest.main()
