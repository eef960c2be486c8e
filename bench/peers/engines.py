#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engines that Cygnet is compared with, each behind the protocol of `cygnet bench --stdin`.

  bench/peers/engines.py ENGINE MODEL [--threads N]

Prints `ready BUILD_MS FIRST_MS`, answers each line `run N` with one line of N times in
microseconds, each WALL:CPU (CPU of the process, all threads), and ends on `quit`. A worker of its
own for each engine keeps thread pools, allocators and crashes apart.

Engines: litert (XNNPACK), litert-ref (its own kernels), onnxruntime, openvino (float arithmetic in
float32), openvino-bf16 (what it does by default on a CPU with AMX), ncnn, mnn. Each needs its wheel.
MODEL is what `model_of` says for the .tflite file of networks.py.
"""
import argparse
import os
import pathlib
import sys
import time

import numpy as np

SEED = 1


def random_array(shape, dtype):
    """Floats in [-1, 1), 8- and 16-bit integers over their range, wider ones in [0, 10)."""
    rng = np.random.default_rng(SEED)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.uniform(-1, 1, shape).astype(dtype)
    if dtype.itemsize <= 2 and dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    return rng.integers(0, 10, shape).astype(dtype)


def litert(path, threads, delegates=True):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    kind = OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    net = Interpreter(model_path=path, num_threads=threads, experimental_op_resolver_type=kind)
    net.allocate_tensors()
    for detail in net.get_input_details():
        net.set_tensor(detail["index"], random_array(detail["shape"], detail["dtype"]))
    return net.invoke


def onnxruntime(path, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    types = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8,
             "tensor(int32)": np.int32, "tensor(int64)": np.int64}
    for port in session.get_inputs():
        array = random_array([d if isinstance(d, int) else 1 for d in port.shape], types[port.type])
        binding.bind_ortvalue_input(port.name, ort.OrtValue.ortvalue_from_numpy(array))
    for port in session.get_outputs():
        binding.bind_output(port.name)
    return lambda: session.run_with_iobinding(binding)


def openvino(path, threads, precision="f32"):
    import openvino as ov
    core = ov.Core()
    config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        config["INFERENCE_PRECISION_HINT"] = precision
    net = core.compile_model(core.read_model(path), "CPU", config)
    request = net.create_infer_request()
    for i, port in enumerate(net.inputs):
        request.set_input_tensor(i, ov.Tensor(random_array(list(port.shape), port.element_type.to_dtype())))
    return lambda: request.infer(share_outputs=True)


def ncnn(path, threads):
    import ncnn as library
    net = library.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(path) != 0 or net.load_model(str(pathlib.Path(path).with_suffix(".bin"))) != 0:
        raise RuntimeError("can't load " + path)
    shapes = pathlib.Path(path).with_suffix(".shape").read_text().split()
    array = random_array([int(d) for d in shapes[0].split("x")][1:], np.float32)
    inputs, outputs = net.input_names(), net.output_names()

    def run():
        extractor = net.create_extractor()
        extractor.input(inputs[0], library.Mat(array))
        extractor.extract(outputs[0])
    return run


def mnn(path, threads):
    import MNN
    net = MNN.Interpreter(path)
    session = net.createSession({"backend": "CPU", "precision": "high", "numThread": threads})
    for tensor in net.getSessionInputAll(session).values():
        shape = tensor.getShape()
        kind = {"float": (np.float32, MNN.Halide_Type_Float), "int": (np.int32, MNN.Halide_Type_Int)}
        dtype, halide = kind["int" if tensor.getDataType() == MNN.Halide_Type_Int else "float"]
        tensor.copyFrom(MNN.Tensor(shape, halide, random_array(shape, dtype), MNN.Tensor_DimensionType_Tensorflow))

    def run():
        if net.runSession(session) != 0:
            raise RuntimeError("can't run the session")
    return run


ENGINES = {
    "litert": litert,
    "litert-ref": lambda path, threads: litert(path, threads, False),
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "openvino-bf16": lambda path, threads: openvino(path, threads, None),
    "ncnn": ncnn,
    "mnn": mnn,
}


def model_of(engine, tflite):
    """The file that an engine reads for a network: beside the .tflite, with the engine's ending."""
    endings = {"onnxruntime": ".onnx", "ncnn": ".ncnn.param", "mnn": ".mnn"}
    return pathlib.Path(tflite).with_suffix(endings.get(engine, ".tflite"))


def version_of(engine):
    """The version of the engine's wheel, or None where it is not installed."""
    from importlib import metadata
    wheels = {"litert": "ai-edge-litert", "litert-ref": "ai-edge-litert", "openvino-bf16": "openvino", "mnn": "MNN"}
    try:
        return metadata.version(wheels.get(engine, engine))
    except metadata.PackageNotFoundError:
        return None


def serve(build):
    # Libraries print to standard output; the answers keep it for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    start = time.perf_counter_ns()
    run = build()
    built = time.perf_counter_ns()
    run()
    print(f"ready {(built - start) / 1e6:.3f} {(time.perf_counter_ns() - built) / 1e6:.3f}", file=answers, flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        if len(words) != 2 or words[0] != "run" or not words[1].isdigit():
            sys.exit(f"expected 'run N' or 'quit', got {line!r}")
        times = []
        for _ in range(int(words[1])):
            wall, cpu = time.perf_counter_ns(), time.process_time_ns()
            run()
            cpu_end, wall_end = time.process_time_ns(), time.perf_counter_ns()
            times.append(f"{(wall_end - wall) / 1e3:.3f}:{(cpu_end - cpu) / 1e3:.3f}")
        print(" ".join(times), file=answers, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("model", help="a file in the engine's own format")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if not os.path.exists(args.model):
        parser.error(f"{args.model}: no such file")
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))
    serve(lambda: ENGINES[args.engine](args.model, args.threads))


if __name__ == "__main__":
    main()
