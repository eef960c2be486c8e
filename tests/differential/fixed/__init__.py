# SPDX-License-Identifier: Apache-2.0
"""Cases that somebody thought of, beside the random ones of operators/."""
import importlib
import zlib

import numpy as np

import models

PARTS = ("basic", "arithmetic", "detection", "indexing", "movement")


def all_cases():
    """(operator, kind, name, Case, random numbers for its feeds) of every fixed case."""
    for part in PARTS:
        for made in importlib.import_module("fixed." + part).all_cases():
            case = models.Case(made["inputs"], made["outputs"], made["options"], intermediates=made.get("intermediates", []),
                               version=made["version"])
            first = made["name"].split("_")[0]
            kind = first if first in models.TYPES else next(x.type for x in made["inputs"] if x is not None)
            yield made["op"], kind, made["name"], case, np.random.default_rng(zlib.crc32(f"{made['op']}/{made['name']}".encode()))
