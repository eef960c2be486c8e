# SPDX-License-Identifier: Apache-2.0
"""Calibration from end to end: where samples come from, statistics that are saved and merged."""
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CYGNET_BUILD_DIR", SOURCE / "build" / "release"))
PROGRAM = BUILD / "cli" / "cygnet"
DATA = SOURCE / "tests" / "data"
CONVNET = DATA / "float_convnet.tflite"  # image [1,16,16,3]
TIMEOUT_S = 120


def quantize(*arguments, model=CONVNET):
    return subprocess.run([PROGRAM, "quantize", model, *map(str, arguments)], capture_output=True,
                          text=True, timeout=TIMEOUT_S, check=False)


def done(*arguments):
    result = quantize(*arguments)
    assert result.returncode == 0, result.stderr
    return result


def refused(folder, *arguments, words, model=CONVNET):
    before = sorted(folder.rglob("*"))
    result = quantize(*arguments, model=model)
    assert result.returncode == 1, result.stdout + result.stderr
    assert words in result.stderr
    assert sorted(folder.rglob("*")) == before, "files were left behind"
    return result.stderr


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for i in range(12):
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


def pixels_of(folder):
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def test_the_same_statistics_for_every_number_of_threads(tmp_path, pictures):
    files = [tmp_path / f"{threads}.stats" for threads in (1, 2, 5)]
    for threads, file in zip((1, 2, 5), files):
        done("--data", pictures, "--threads", threads, "--save-statistics", file)
    assert files[0].read_bytes() == files[1].read_bytes() == files[2].read_bytes()


def test_pictures_arrays_and_records_are_the_same_samples(tmp_path, pictures):
    real = (pixels_of(pictures).astype(np.float32) - np.float32(127.5)) / np.float32(127.5)
    np.savez(tmp_path / "rows.npz", image=real)
    np.save(tmp_path / "before.npy", real[:, None])
    np.save(tmp_path / "bytes.npy", pixels_of(pictures))
    real.tofile(tmp_path / "floats.bin")
    pixels_of(pictures).tofile(tmp_path / "bytes.bin")
    folder = tmp_path / "arrays"
    folder.mkdir()
    for i in range(0, 12, 3):
        np.save(folder / f"{i:02d}.npy", real[i:i + 3])
    sources = {
        "pictures": ["--data", pictures],
        "range": ["--data", pictures, "--range", "-1..1"],
        "npz": ["--data", tmp_path / "rows.npz"],
        "npy": ["--data", tmp_path / "before.npy"],
        "bytes": ["--data", tmp_path / "bytes.npy", "--mean", "127.5", "--std", "127.5"],
        "raw": ["--raw", tmp_path / "floats.bin"],
        "raw bytes": ["--raw", tmp_path / "bytes.bin", "--record-type", "uint8", "--range", "-1..1"],
        "folder": ["--data", folder],
    }
    expected = None
    for name, flags in sources.items():
        file = tmp_path / "out.stats"
        done(*flags, "--save-statistics", file)
        expected = expected or file.read_bytes()
        assert file.read_bytes() == expected, name
    done("--data", pictures, "--range", "0..1", "--save-statistics", file)
    assert file.read_bytes() != expected


def test_parts_merge_to_the_whole(tmp_path, pictures):
    parts = [tmp_path / "a", tmp_path / "b"]
    for i, part in enumerate(parts):
        part.mkdir()
        for path in sorted(pictures.glob("*.png"))[i * 5:i * 5 + 5 + 2 * i]:
            shutil.copy(path, part)
        done("--data", part, "--save-statistics", tmp_path / f"{i}.stats")
    done("--data", pictures, "--save-statistics", tmp_path / "all.stats")
    for method in ("minmax", "percentile", "kl", "mse"):
        merged, whole, half = (tmp_path / name for name in ("m.tflite", "w.tflite", "h.tflite"))
        done("--merge", f"{tmp_path / '0.stats'},{tmp_path / '1.stats'}", "-o", merged,
             "--ranges", method, "--bias-correction", "off")
        done("--statistics", tmp_path / "all.stats", "-o", whole, "--ranges", method,
             "--bias-correction", "off")
        done("--statistics", tmp_path / "0.stats", "-o", half, "--ranges", method,
             "--bias-correction", "off")
        assert merged.read_bytes() == whole.read_bytes(), method
        assert half.read_bytes() != whole.read_bytes(), method


def test_unreadable_pictures_are_named_and_counted(tmp_path, pictures):
    done("--data", pictures, "--save-statistics", tmp_path / "good.stats")
    (pictures / "05a.jpg").write_bytes(b"no picture")
    cut = pictures / "05b.png"
    cut.write_bytes((pictures / "05.png").read_bytes()[:100])
    result = done("--data", pictures, "--save-statistics", tmp_path / "some.stats", "--threads", 3)
    assert result.stderr.count(str(pictures / "05a.jpg")) == 1
    assert result.stderr.count(str(cut)) == 1
    assert "cygnet: warning: 2 of 14 files could not be read\n" in result.stderr
    assert (tmp_path / "some.stats").read_bytes() == (tmp_path / "good.stats").read_bytes()


def test_bad_samples(tmp_path, pictures):
    out = tmp_path / "out.tflite"
    empty, bad = tmp_path / "empty", tmp_path / "bad"
    empty.mkdir()
    bad.mkdir()
    (bad / "a.jpg").write_bytes(b"no picture")
    np.save(tmp_path / "wrong.npy", np.zeros((3, 16, 15, 3), np.float32))
    values = np.zeros((3, 16, 16, 3), np.float32)
    values[1, 2, 3, 1] = np.nan
    np.save(tmp_path / "nan.npy", values)
    values[1, 2, 3, 1] = np.inf
    np.save(tmp_path / "infinite.npy", values)
    refused(tmp_path, "-o", out, "--data", empty, words="the folder has no pictures")
    refused(tmp_path, "-o", out, "--data", bad, words="none of the samples could be read")
    refused(tmp_path, "-o", out, "--data", tmp_path / "none", words="No such file")
    message = refused(tmp_path, "-o", out, "--data", tmp_path / "wrong.npy", words="expected FLOAT32 [")
    assert "got FLOAT32 [3,16,15,3]" in message
    refused(tmp_path, "-o", out, "--data", tmp_path / "nan.npy", words="(sample 1): input 'image' has NaN")
    refused(tmp_path, "-o", out, "--data", tmp_path / "infinite.npy", words="has infinite values")


def test_bad_statistics(tmp_path, pictures):
    out, good = tmp_path / "out.tflite", tmp_path / "good.stats"
    done("--data", pictures, "--save-statistics", good)
    cut = tmp_path / "cut.stats"
    cut.write_bytes(good.read_bytes()[:1000])
    for file in (cut, CONVNET, pictures / "00.png"):
        refused(tmp_path, "-o", out, "--statistics", file, words=f"{file}: no file of statistics")
    refused(tmp_path, "-o", out, "--statistics", tmp_path / "none", words=str(tmp_path / "none"))
    refused(tmp_path, "-o", out, "--statistics", good, model=DATA / "float_decoder.tflite",
            words="the statistics are of another network")
    refused(tmp_path, "--data", pictures, "--save-statistics", tmp_path / "no" / "s",
            words="cannot write")


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
