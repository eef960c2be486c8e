# SPDX-License-Identifier: Apache-2.0
"""Cases of the operators that move data."""


def cases():
    yield from ()
