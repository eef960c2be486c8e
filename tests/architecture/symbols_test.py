# SPDX-License-Identifier: Apache-2.0
"""What the compiled library defines and needs."""
import pathlib
import re
import subprocess
import tempfile
import unittest

from project import BUILD

LIBRARY = BUILD / "src" / "libcygnet.a"
SHARED = BUILD / "src" / "libcygnet.so"
KERNELS = BUILD / "src" / "kernels" / "CMakeFiles"
# Smallest preset, all instruction sets. Raise it knowingly, or find out what grew.
MAX_STRIPPED_BYTES = 2_000_000
OBJECT = re.compile(r"/([^/]+\.cc)\.o(?:bj)?$")


def nm_program():
    """The nm of the build's target."""
    cache = BUILD / "CMakeCache.txt"
    found = re.search(r"^CMAKE_NM:FILEPATH=(.+)$", cache.read_text(), re.M) if cache.exists() else None
    return found[1] if found else "nm"


def nm(path, *options):
    """(kind, mangled name) of each symbol; the demangled name is for people."""
    lines = subprocess.run([nm_program(), "-P", *options, str(path)], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return [(f[1], f[0]) for f in (line.split() for line in lines) if len(f) >= 2]


class Symbols(unittest.TestCase):
    def test_kernels_define_no_weak_symbol(self):
        """An inline function compiled for AVX-512 may otherwise be chosen for the whole program."""
        objects = sorted(path for path in KERNELS.rglob("*.cc.o*") if OBJECT.search(str(path)))
        self.assertTrue(objects, f"no kernel objects below {KERNELS}")
        wrong = [f"{OBJECT.search(str(path))[1]}: {name}" for path in objects
                 for kind, name in nm(path, "--defined-only") if kind in "WwVvu"]
        self.assertEqual(wrong, [], "weak symbols in kernel objects\n" + "\n".join(wrong))

    def test_runtime_needs_no_unwinder_and_no_operator_new(self):
        """Failed allocations and errors are values; deleting an object needs no operator delete."""
        forbidden = re.compile(
            r"^(_Zn[wa]m|_Zd[la]Pv|__cxa_(throw|allocate_exception|begin_catch|guard_|atexit)"
            r"|_ZSt\d+__throw|_ZTVN10__cxxabiv1|_ZTI|abort$|exit$|printf$|puts$|stdout$|stderr$)")
        wrong = sorted({name for kind, name in nm(LIBRARY, "--undefined-only")
                        if forbidden.search(name)})
        self.assertEqual(wrong, [], "the library needs these")

    def test_no_static_constructors(self):
        listing = subprocess.run(["readelf", "-SW", str(LIBRARY)], capture_output=True, text=True,
                                 check=True).stdout
        wrong, name = [], ""
        for line in listing.splitlines():
            if line.startswith("File: "):
                name = line[6:]
            elif re.search(r"\.(init_array|ctors)\b", line):
                wrong.append(name)
        self.assertEqual(wrong, [], "objects with static constructors")

    def test_shared_library_exports_the_c_api_alone(self):
        if not SHARED.exists():
            self.skipTest("the shared library is not built")
        names = [name.split("@")[0] for kind, name in nm(SHARED, "-D", "--defined-only")]
        self.assertTrue(names)
        wrong = [name for name in names if not name.startswith("cygnet_")]
        self.assertEqual(wrong, [], "exported besides cygnet_*")

    def test_size_of_the_stripped_library(self):
        if not SHARED.exists():
            self.skipTest("the shared library is not built")
        with tempfile.NamedTemporaryFile() as stripped:
            subprocess.run(["strip", "-o", stripped.name, str(SHARED.resolve())], check=True)
            size = pathlib.Path(stripped.name).stat().st_size
        print(f"stripped shared library: {size} bytes")
        self.assertLessEqual(size, MAX_STRIPPED_BYTES)


if __name__ == "__main__":
    unittest.main()
