#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts the files of networks.py for engines that read neither .tflite nor .onnx.

  bench/peers/formats.py FOLDER/NETWORK_f32.tflite...

Writes FOLDER/NETWORK_f32.mnn with MNN's converter (from the .onnx where it refuses the .tflite), and FOLDER/NETWORK_f32.ncnn.param, .ncnn.bin and
.ncnn.shape with pnnx from FOLDER/NETWORK_f32.onnx. Files that are there stay. Needs the wheels MNN
and pnnx; what a converter refuses is said and left out.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

CONVERT_MNN = """
import sys, MNN, _tools
_tools.mnnconvert(["mnnconvert", "-f", sys.argv[1], "--modelFile", sys.argv[2], "--MNNModel", sys.argv[3],
                   "--bizCode", "cygnet"])
"""


def call(command, folder=None):
    result = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = (result.stderr + result.stdout).strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"ended with {result.returncode}")


def make_mnn(source):
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "net.mnn"
        for kind, path in (("TFLITE", source), ("ONNX", source.with_suffix(".onnx"))):
            if not made.exists() and path.exists():
                call([sys.executable, "-c", CONVERT_MNN, kind, path, made])
        if not made.exists():
            raise RuntimeError("the converter wrote nothing")
        shutil.move(made, source.with_suffix(".mnn"))


def make_ncnn(source):
    import onnx
    onnx_file = source.with_suffix(".onnx")
    if not onnx_file.exists():
        raise RuntimeError(f"no file {onnx_file.name}")
    port = onnx.load(onnx_file).graph.input[0].type.tensor_type
    shape = [d.dim_value for d in port.shape.dim]
    kind = "f32" if port.elem_type == onnx.TensorProto.FLOAT else "i32"
    program = pathlib.Path(sys.executable).parent / "pnnx"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(onnx_file, pathlib.Path(folder) / "net.onnx")
        call([program, "net.onnx", f"inputshape=[{','.join(map(str, shape))}]{kind}", "fp16=0"], folder)
        for ending in ("param", "bin"):
            shutil.move(pathlib.Path(folder) / f"net.ncnn.{ending}", source.with_suffix(f".ncnn.{ending}"))
    source.with_suffix(".ncnn.shape").write_text("x".join(map(str, shape)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, help=".tflite files")
    for source in parser.parse_args().models:
        for make, ending in ((make_mnn, ".mnn"), (make_ncnn, ".ncnn.shape")):
            if ending != ".mnn" and not source.stem.endswith("_f32"):
                continue
            if source.with_suffix(ending).exists():
                continue
            try:
                make(source)
                print(source.with_suffix(ending).name, flush=True)
            except (RuntimeError, OSError, ImportError) as error:
                print(f"{source.with_suffix(ending).name}: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
