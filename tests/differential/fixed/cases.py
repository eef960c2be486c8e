# SPDX-License-Identifier: Apache-2.0
"""What the lists of fixed cases share: a case as a dictionary, data of every code."""
import numpy as np

from models import integer_limits

def case(op, name, inputs, outputs, options=None, version=None):
    """`name` is unique for the operator; `version`: the one that the model asks for, None: all in turn."""
    return {"op": op, "name": name, "inputs": inputs, "outputs": outputs, "options": options, "version": version}


def codes(kind):
    """Every 8-bit value, or 16-bit values from end to end, as data to feed."""
    least, most = integer_limits(kind)
    if kind == "i16":
        return np.unique(np.concatenate([np.arange(least, most, 97), np.arange(-300, 300, 7), [most]]))
    return np.arange(least, most + 1)
