# SPDX-License-Identifier: Apache-2.0
"""What differs between two results."""
import numpy as np

# A unit in the last place, which roundings of equal sums may differ by.
LAST_PLACE = {"f16": 2.0**-10, "bf16": 2.0**-7}


def _numbers(kind, array):
    if kind in ("c64", "c128"):
        return np.asarray(array).astype(np.complex128)
    return np.asarray(array).astype(np.float64)


def difference(kind, got, want, tolerance, steps, allowed=0.0):
    """(text or None, worst): what is wrong with one output, and how far its values are apart (floats: beyond
    `allowed`, relative to |want|, or to the output's largest value where that is below 1; integers: steps)."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return f"shape {got.shape} instead of {want.shape}", 0.0
    if got.size == 0:
        return None, 0.0
    if kind == "string":
        bad = np.array([bytes(a) != bytes(b) for a, b in zip(got.ravel(), want.ravel())]).reshape(got.shape)
        apart = bad.astype(float)
    elif kind in ("f32", "f16", "bf16", "f64", "c64", "c128"):
        g, w = _numbers(kind, got), _numbers(kind, want)
        with np.errstate(invalid="ignore", over="ignore"):
            finite = np.abs(w)[np.isfinite(w)]
            scale = min(1.0, float(finite.max())) if finite.size else 1.0
            apart = np.maximum(np.abs(g - w) - allowed, 0) / np.maximum(max(scale, 1e-30), np.abs(w))
            same = (g == w) | (np.isnan(g) & np.isnan(w))
        apart = np.where(same, 0, np.where(np.isnan(apart), np.inf, apart))
        bad = apart > tolerance + LAST_PLACE.get(kind, 0)
    else:
        g, w = got.astype(np.int64), want.astype(np.int64)
        apart = np.abs(g - w).astype(float)
        if kind in ("i64", "u64"):
            apart = np.where(got.astype(want.dtype) == want, 0, np.maximum(apart, 1))
        bad = apart > steps
    worst = float(apart.max())
    if not bad.any():
        return None, worst
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{int(bad.sum())} of {bad.size} differ, first at {list(at)}: {got[at]!s} instead of {want[at]!s}", worst


def results_differ(ours, theirs, tolerance, steps, allowed=0.0):
    """(text or None, worst) of whole results: [[(type, array)] of each run] against [[array] of each run]."""
    worst = 0.0
    for run, (got, want) in enumerate(zip(ours, theirs, strict=True)):
        if len(got) != len(want):
            return f"{len(got)} outputs instead of {len(want)}", worst
        for i, ((kind, values), expected) in enumerate(zip(got, want)):
            text, apart = difference(kind, values, expected, tolerance, steps, allowed)
            worst = max(worst, apart)
            if text is not None:
                return f"run {run}, output {i}: {text}", worst
    return None, worst
