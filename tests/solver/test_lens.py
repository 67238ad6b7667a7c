"""What a film says of its lens is read; anything else is assumed, and said to be."""

import struct

import cv2
import numpy as np
import pytest

from solver.lens import focal_length, read_equivalent
from solver.video import probe_video

NAME = b"com.apple.quicktime.camera.focal_length.35mm_equivalent"
SIZE = (640, 360)


def box(kind, *held):
    content = b"".join(held)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def meta(kind, value, version=b"", names=(b"com.apple.quicktime.make", NAME)):
    """A metadata box whose last entry has a value of QuickTime's type `kind`."""
    keys = b"".join(struct.pack(">I4s", 8 + len(name), b"mdta") + name for name in names)
    make = box(struct.pack(">I", 1), box(b"data", struct.pack(">II", 1, 0), b"Apple"))
    lens = box(struct.pack(">I", len(names)), box(b"data", struct.pack(">II", kind, 0), value))
    head = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    named = box(b"keys", bytes(4), struct.pack(">I", len(names)), keys)
    return box(b"meta", version, head, named, box(b"ilst", make, lens))


def film(path, tail):
    """A real film whose index, which OpenCV writes last, says more."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, SIZE)
    for _ in range(3):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    writer.release()
    data = path.read_bytes()
    start = data.rindex(b"moov") - 4
    size = struct.unpack_from(">I", data, start)[0]
    assert start + size == len(data)
    path.write_bytes(data[:start] + struct.pack(">I", size + len(tail)) + data[start + 4 :] + tail)
    return path


@pytest.mark.parametrize(
    "kind, value",
    [
        (22, struct.pack(">H", 26)),
        (67, struct.pack(">i", 26)),
        (23, struct.pack(">f", 26.0)),
        (24, struct.pack(">d", 26.0)),
        (1, b"26.00mm"),
    ],
)
@pytest.mark.parametrize("version", [b"", bytes(4)])
def test_the_lens_is_read(tmp_path, kind, value, version):
    path = film(tmp_path / "film.mov", meta(kind, value, version))
    assert read_equivalent(path) == 26.0
    assert probe_video(path).image_size == SIZE
    found = focal_length(path, SIZE, None)
    assert found.source == "metadata"
    assert found.pixels == pytest.approx(26 / 36 * 640 * 1.1)
    assert found.sigma == 0.1


def test_a_tracks_metadata_is_read(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(box(b"ftyp", b"qt  ") + box(b"moov", box(b"trak", box(b"tkhd", bytes(20)), meta(21, b"\x1a"))))
    assert read_equivalent(path) == 26.0


def test_a_broken_box_does_not_hide_a_whole_one(tmp_path):
    path = tmp_path / "film.mov"
    broken = box(b"meta", box(b"hdlr", bytes(25)), box(b"keys", bytes(4), struct.pack(">I", 5)))
    path.write_bytes(box(b"ftyp", b"qt  ") + box(b"moov", broken, box(b"trak", meta(21, b"\x1a"))))
    assert read_equivalent(path) == 26.0


def test_the_assumed_focal_length_follows_the_longer_side(tmp_path):
    path = film(tmp_path / "film.mp4", b"")
    assert focal_length(path, (720, 1280), None) == focal_length(path, (1280, 720), None)


def test_a_given_focal_length_wins(tmp_path):
    found = focal_length(film(tmp_path / "film.mov", meta(22, b"\x1a")), SIZE, 700.0)
    assert (found.pixels, found.source, found.sigma) == (700.0, "given", 0.0)


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        meta(22, b"\x00"),
        meta(23, struct.pack(">f", float("nan"))),
        meta(1, b"wide"),
        meta(22, b"\x1a", names=(b"com.apple.quicktime.model",)),
        meta(22, b""),
        meta(22, b"\xff" * 200),
    ],
)
def test_a_film_that_says_nothing_of_use_has_the_assumed_one(tmp_path, tail):
    found = focal_length(film(tmp_path / "film.mp4", tail), SIZE, None)
    assert (found.pixels, found.source) == (pytest.approx(768), "assumed")
    assert found.sigma > 0.1


def test_damaged_and_foreign_files_say_nothing(tmp_path):
    whole = film(tmp_path / "film.mov", meta(22, b"\x1a")).read_bytes()
    start = whole.rindex(b"moov")
    random = np.random.default_rng(1)
    for number in range(200):
        damaged = bytearray(whole)
        for place in random.integers(start + 4, len(whole), 6):
            damaged[place] = random.integers(256)
        path = tmp_path / f"damaged{number}.mov"
        path.write_bytes(bytes(damaged[: random.integers(start, len(whole) + 1)]))
        value = read_equivalent(path)
        assert value is None or 8 <= value <= 600
    for content in (b"", b"RIFF\x00\x00\x00\x00AVI ", bytes(100)):
        (tmp_path / "other").write_bytes(content)
        assert read_equivalent(tmp_path / "other") is None
    assert read_equivalent(tmp_path / "missing.mp4") is None
