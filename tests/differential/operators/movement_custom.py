# SPDX-License-Identifier: Apache-2.0
"""Custom operators that LiteRT's wheel has not: the oracle is their formula in NumPy."""
import struct

import numpy as np
from flatbuffers import flexbuffers

from generator import generator
from models import Case, Operand, random_values

SAME, VALID = 1, 2


def judged(case, feeds, wanted, tolerance=0.0):
    """The case with these feeds; `wanted`: the arrays that come out."""
    case.feeds = [{f"x{i}": x for i, x in enumerate(feeds)}]

    def compare(ours, theirs):
        for i, (got, want) in enumerate(zip(ours[0], wanted, strict=True)):
            if got.shape != want.shape:
                return f"output {i}: shape {got.shape} instead of {want.shape}"
            far = np.abs(got.astype(np.float64) - want) > tolerance * np.maximum(1, np.abs(want))
            if far.any():
                at = tuple(np.argwhere(far)[0])
                return f"output {i}: {got[at]} instead of {want[at]} at {at}"
        return None
    case.compare, case.alone = compare, True
    return case


def window(n, size, stride, padding):
    """(number of windows, padding before the first) along a dimension of n."""
    if padding == VALID:
        return (n - size) // stride + 1, 0
    count = -(-n // stride)
    return count, max((count - 1) * stride + size - n, 0) // 2


class Pool:
    """A random pool: options, and the windows' largest elements."""

    def __init__(self, r):
        n, h, w, c = r.shape(4, 4, most=6)
        self.padding = r.choice([SAME, VALID])
        self.size = [r.integer(1, min(3, d)) if self.padding == VALID else r.integer(1, 3) for d in (h, w)]
        self.stride = [r.integer(1, 3) for _ in range(2)]
        self.activation = r.integer(0, 3)
        # Small whole numbers, so that elements are equal now and then.
        self.x = r.rng.integers(-4, 5, (n, h, w, c)).astype(np.float32)
        windows = [window(d, s, t, self.padding) for d, s, t in zip((h, w), self.size, self.stride)]
        self.out = (n, windows[0][0], windows[1][0], c)
        self.pad = [p for _, p in windows]

    def run(self, place):
        """(largest elements, place(index in x, place in the window) of each)."""
        y = np.zeros(self.out, np.float32)
        places = np.zeros(self.out, np.float64)
        for n, i, j, c in np.ndindex(self.out):
            best = None
            for a in range(self.size[0]):
                for b in range(self.size[1]):
                    row, column = i * self.stride[0] - self.pad[0] + a, j * self.stride[1] - self.pad[1] + b
                    if not (0 <= row < self.x.shape[1] and 0 <= column < self.x.shape[2]):
                        continue
                    value = self.x[n, row, column, c]
                    if best is None or value > best[0]:
                        best = (value, place((n, row, column, c), (a, b)))
            y[n, i, j, c], places[n, i, j, c] = best
        return y, places

    def bytes(self):
        """MediaPipe's options: TFLite's structure for pools."""
        (h, w), (y, x) = self.size, self.stride
        return struct.pack("<10i", self.padding, x, y, w, h, self.activation, 0, 0, 0, 0)


@generator("CUSTOM:MaxPoolWithArgmax", "f32")
def max_pool_with_argmax(r, op, kind):
    pool = Pool(r)
    with_batch = r.chance(0.3)
    index = r.choice(["i32", "i64"])
    options = {"ksize": [1, *pool.size, 1], "strides": [1, *pool.stride, 1],
               "padding": "SAME" if pool.padding == SAME else "VALID", "include_batch_in_index": with_batch}
    if r.chance(0.3):
        del options["include_batch_in_index"]
        with_batch = False
    batches, h, w, c = pool.x.shape
    y, places = pool.run(lambda at, _: ((at[0] * with_batch * h + at[1]) * w + at[2]) * c + at[3])
    case = Case([Operand(pool.x.shape)], [Operand(pool.out), Operand(pool.out, index)],
                custom=bytes(flexbuffers.Dumps(options)))
    return judged(case, [pool.x], [y, places])


@generator("CUSTOM:MaxPoolingWithArgmax2D", "f32")
def max_pooling_with_argmax(r, op, kind):
    pool = Pool(r)
    y, places = pool.run(lambda _, at: at[0] * pool.size[1] + at[1])
    low, high = [(-np.inf, np.inf), (0, np.inf), (-1, 1), (0, 6)][pool.activation]
    case = Case([Operand(pool.x.shape)], [Operand(pool.out), Operand(pool.out)], custom=pool.bytes())
    return judged(case, [pool.x], [np.clip(y, low, high), np.float32(places) + np.float32(0.1)])


@generator("CUSTOM:MaxUnpooling2D", "f32")
def max_unpooling(r, op, kind):
    pool = Pool(r)
    n, h, w, c = pool.x.shape
    (kh, kw), (sh, sw) = pool.size, pool.stride
    in_window = r.chance(0.5)
    if in_window:  # MediaPipe's
        out = (n, h * kh, w * kw, c)
        places = r.rng.integers(0, kh * kw, pool.x.shape).astype(np.float32) + np.float32(0.1)
        pad = [max((d - 1) * s + k - d * k, 0) // 2 for d, s, k in ((h, sh, kh), (w, sw, kw))]
    else:
        out = (n, h * sh, w * sw, c) if pool.padding == SAME else (n, (h - 1) * sh + kh, (w - 1) * sw + kw, c)
        places = r.rng.integers(-1, out[1] * out[2] * c + 1, pool.x.shape).astype(np.int32)
    y = np.zeros(out, np.float32)
    for at in np.ndindex(pool.x.shape):
        image, place = y[at[0]], int(places[at])
        if in_window:
            row, column = at[1] * sh - pad[0] + place // kw, at[2] * sw - pad[1] + place % kw
            if 0 <= row < out[1] and 0 <= column < out[2]:
                image[row, column, at[3]] = pool.x[at]
        elif 0 <= place < image.size:
            image.ravel()[place] = pool.x[at]
    case = Case([Operand(pool.x.shape), Operand(places.shape, "f32" if in_window else "i32")], [Operand(out)],
                custom=pool.bytes())
    return judged(case, [pool.x, places], [y])


@generator("CUSTOM:DenseImageWarp", "f32")
def dense_image_warp(r, op, kind):
    n, h, w, c = r.shape(4, 4, most=6)
    h, w = max(h, 2), max(w, 2)
    x = random_values(r.rng, Operand((n, h, w, c), low=-3, high=3))
    flow = random_values(r.rng, Operand((n, h, w, 2), low=-h, high=h))
    y = np.zeros(x.shape)
    for b, i, j in np.ndindex(n, h, w):
        row, column = np.clip([i - np.float64(flow[b, i, j, 0]), j - np.float64(flow[b, i, j, 1])], 0, [h - 1, w - 1])
        top, left = min(int(row), h - 2), min(int(column), w - 2)
        v, u = row - top, column - left
        quad = x[b, top:top + 2, left:left + 2].astype(np.float64)
        y[b, i, j] = (1 - v) * ((1 - u) * quad[0, 0] + u * quad[0, 1]) + v * ((1 - u) * quad[1, 0] + u * quad[1, 1])
    case = Case([Operand(x.shape), Operand(flow.shape)], [Operand(x.shape)])
    return judged(case, [x, flow], [y], 1e-5)
