# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms and what speech models make of them."""
import numpy as np
from flatbuffers import flexbuffers

from generator import generator
from models import Case, Operand


@generator("RFFT2D", "f32")
def rfft2d(r, op, kind):
    height, width = 2 ** r.integer(1, 5), 2 ** r.integer(1, 6)
    outer = r.shape(0, 3)
    # Longer and shorter than the transform.
    matrix = tuple(max(1, n + r.choice([0, 0, -1, 1, 3, -n // 2])) for n in (height, width))
    lengths = Operand((2,), "i32", data=np.array([height, width]), fed=r.chance(0.3))
    return Case([Operand((*outer, *matrix), low=-2, high=2), lengths],
                [Operand((*outer, height, width // 2 + 1), "c64")], ("Rfft2dOptions", {}), runs=r.integer(1, 2))


@generator("CUSTOM:AudioSpectrogram", "f32")
def audio_spectrogram(r, op, kind):
    window, stride, channels = r.integer(2, 70), r.integer(1, 60), r.integer(1, 3)
    samples = r.integer(1, 200)
    frames = 0 if samples < window else 1 + (samples - window) // stride
    length = 1 << (window - 1).bit_length()
    options = {"window_size": window, "stride": stride, "magnitude_squared": r.chance(0.5)}
    return Case([Operand((samples, channels))], [Operand((channels, frames, length // 2 + 1))],
                custom=bytes(flexbuffers.Dumps(options)), version=1)


@generator("CUSTOM:Mfcc", "f32", tolerance=1e-4)
def mfcc(r, op, kind):
    channels, frames, bins = r.integer(1, 3), r.integer(1, 5), r.integer(2, 130)
    bands = r.integer(1, 40)
    coefficients = r.integer(1, bands)
    rate = r.choice([8000, 16000, 22050, 44100])
    lower, upper = r.choice([0, 20, 125]), r.choice([rate // 2, rate // 2, 4000, 3800, rate // 2 + 100])
    options = {"upper_frequency_limit": float(upper) if r.chance(0.5) else upper,
               "lower_frequency_limit": float(lower) if r.chance(0.5) else lower,
               "filterbank_channel_count": bands, "dct_coefficient_count": coefficients}
    given = Operand((1,), "i32", data=np.array([rate]), fed=r.chance(0.5))
    return Case([Operand((channels, frames, bins), low=0, high=9), given], [Operand((channels, frames, coefficients))],
                custom=bytes(flexbuffers.Dumps(options)), version=1)
