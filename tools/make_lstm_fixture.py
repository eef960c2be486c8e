#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/quantize/lstm.int8.tflite: TensorFlow's conversion of float_lstm.tflite to int8 with one sample.

With more samples its calibration would begin each with the states that the one before left.
"""
import make_test_models as made
import model_making as mm

OUT = made.OUT / "quantize" / "lstm.int8.tflite"


def main():
    mm.seed(1)
    OUT.write_bytes(made.from_module(made.Lstm(), "int8", made.samples((1, 6, 8), count=1), made.tf.int8))
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
