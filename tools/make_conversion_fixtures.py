#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the small networks of tests/data/convert/: training files, and what TensorFlow computes with them.

  tools/make_conversion_fixtures.py [NAME...] [--all-formats FOLDER]

Needs the wheels of tools/requirements.txt. NAME.npz holds in:INPUT and out:OUTPUT (output_0, output_1,
...) for NAME.saved_model, NAME.pb (frozen GraphDef), NAME.pbtxt, NAME.h5 and NAME.keras. Each network
is kept in the few formats named beside it; --all-formats writes each one that can hold it, elsewhere.
The networks are in conversion_networks_keras.py and conversion_networks_tensorflow.py.
"""
import argparse
import contextlib
import io
import pathlib
import shutil

import training_files as files

import numpy as np
import tensorflow as tf
import conversion_networks_keras
import conversion_networks_tensorflow
from google.protobuf import text_format

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "convert"


def make_keras(name, kinds, build, folder):
    model, arrays = build()
    files.randomize(model, arrays, 5)
    np.savez_compressed(folder / f"{name}.npz", **files.outputs_of(model, arrays))
    files.save(model, folder, name, kinds)


def make_function(name, kinds, build, folder):
    """build() gives (function of named tensors that returns {output_i: tensor}, specs, arrays)."""
    call, specs, arrays = build()
    module = tf.Module()
    module.kept = getattr(call, "kept", ())
    module.call = tf.function(call, input_signature=specs)
    values = {f"in:{s.name}": a for s, a in zip(specs, arrays)}
    values.update({f"out:{k}": np.asarray(v) for k, v in module.call(*arrays).items()})
    np.savez_compressed(folder / f"{name}.npz", **values)
    graph = files.freeze(module.call, specs)
    if "pb" in kinds:
        (folder / f"{name}.pb").write_bytes(graph.SerializeToString(deterministic=True))
    if "pbtxt" in kinds:
        (folder / f"{name}.pbtxt").write_text(text_format.MessageToString(graph))
    if "saved_model" in kinds:
        path = folder / f"{name}.saved_model"
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.redirect_stdout(io.StringIO()):
            tf.saved_model.save(module, str(path), signatures=module.call.get_concrete_function())
        (path / "fingerprint.pb").unlink(missing_ok=True)


def make_graph(name, kinds, build, folder):
    """build() fills a TensorFlow 1 graph and gives the arrays of its inputs; variables only for a SavedModel."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        arrays = build()
        nodes = [n.name for n in graph.get_operations() if n.name.startswith("output_")]
        session.run(tf.compat.v1.global_variables_initializer())
        values = session.run([n + ":0" for n in nodes], {k + ":0": v for k, v in arrays.items()})
        if kinds == ("saved_model",):
            path = folder / f"{name}.saved_model"
            shutil.rmtree(path, ignore_errors=True)
            tensor = graph.get_tensor_by_name
            tf.compat.v1.saved_model.simple_save(session, str(path), {k: tensor(k + ":0") for k in arrays},
                                                 {n: tensor(n + ":0") for n in nodes})
    np.savez_compressed(folder / f"{name}.npz", **{"in:" + k: v for k, v in arrays.items()},
                        **{"out:" + k: v for k, v in zip(nodes, values)})
    data = graph.as_graph_def(add_shapes=False)
    if "pb" in kinds:
        (folder / f"{name}.pb").write_bytes(data.SerializeToString(deterministic=True))
    if "pbtxt" in kinds:
        (folder / f"{name}.pbtxt").write_text(text_format.MessageToString(data))


MAKERS = {
    "keras": (conversion_networks_keras.NETWORKS, make_keras, ("saved_model", "pb", "h5", "keras")),
    "function": (conversion_networks_tensorflow.FUNCTIONS, make_function, ("saved_model", "pb", "pbtxt")),
    "graph": (conversion_networks_tensorflow.GRAPHS, make_graph, ("pb", "pbtxt")),
}


def make(folder, chosen=(), all_formats=False):
    """Writes the networks whose names are chosen, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    for networks, maker, formats in MAKERS.values():
        for name, (kinds, build) in networks.items():
            if chosen and name not in chosen:
                continue
            tf.keras.backend.clear_session()
            tf.keras.utils.set_random_seed(17)
            maker(name, formats if all_formats and kinds != ("saved_model",) else kinds, build, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all-formats", metavar="FOLDER", type=pathlib.Path)
    options = parser.parse_args()
    make(options.all_formats or OUT, options.names, bool(options.all_formats))
    if not options.all_formats:
        sizes = {p: p.stat().st_size for p in OUT.rglob("*") if p.is_file()}
        for path, size in sizes.items():
            print(f"{size:8} {path.relative_to(OUT)}")
        print(sum(sizes.values()), "bytes in all")
        assert max(sizes.values()) < 300_000 and sum(sizes.values()) < 3_500_000


if __name__ == "__main__":
    main()
