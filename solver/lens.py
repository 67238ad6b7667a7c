"""The focal length: as given, as the file tells it, or assumed; always with how sure that is.

Phones write the focal length of their lens, as if for 35 mm film, into their films (MOV, MP4). It is found in
QuickTime's metadata boxes: `keys` names the entries, `ilst` holds their values, in the film's `meta` box or a track's.
Reference: Apple, QuickTime File Format, chapter Metadata.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_ASSUMED = 1.2  # times the longer side: between a phone (about 1.1) and a standard lens (about 1.4)
_ASSUMED_SIGMA = 0.15  # lenses from 0.9 to 1.4 times the longer side are common
_METADATA_SIGMA = 0.1
_FILM_WIDTH = 36.0  # mm
_STEADYING = 1.1  # phones cut a border off their films to steady them, which the lens' focal length does not tell
_PLAUSIBLE_MM = (8.0, 600.0)
_NAME = b"focal_length.35mm_equivalent"  # com.apple.quicktime.camera. in front, or camera. alone
_LARGEST_INDEX = 1 << 28  # bytes of a film's index that are read
_LONGEST_INTEGER = 8  # bytes
_INTEGERS = {21: True, 22: False, 65: True, 66: True, 67: True, 74: True, 75: False, 76: False, 77: False, 78: False}


@dataclass(frozen=True)
class FocalLength:
    """A focal length and how it is known.

    Attributes:
        pixels: of the upright picture.
        source: "given", "metadata", "assumed" or "estimated".
        sigma: how far it may be off, relative.
    """

    pixels: float
    source: str
    sigma: float


def focal_length(path: Path, image_size: tuple[int, int], given_px: float | None) -> FocalLength:
    """The focal length of a film: the given one, or else what the file says, or else the assumed one."""
    if given_px is not None:
        return FocalLength(given_px, "given", 0.0)
    equivalent = read_equivalent(path)
    if equivalent is not None:
        return FocalLength(_STEADYING * equivalent / _FILM_WIDTH * max(image_size), "metadata", _METADATA_SIGMA)
    return FocalLength(_ASSUMED * max(image_size), "assumed", _ASSUMED_SIGMA)


def read_equivalent(path: Path) -> float | None:
    """Millimetres on 35 mm film, as a MOV or MP4 says; None where it does not."""
    try:
        with open(path, "rb") as stream:
            index = _film_index(stream)
    except (OSError, struct.error):
        return None  # whether the film can be read is for the decoder to say
    for held in _metadata(index):
        try:
            value = _named_value(held)
        except struct.error:
            continue  # a broken box; another may be whole
        if value is not None and _PLAUSIBLE_MM[0] <= value <= _PLAUSIBLE_MM[1]:
            return value
    return None


def _film_index(stream: BinaryIO) -> bytes:
    """What the box `moov` holds; empty in other files."""
    end = stream.seek(0, 2)
    start = 0
    while start + 8 <= end:
        stream.seek(start)
        size, kind = struct.unpack(">I4s", stream.read(8))
        header = 8
        if size == 1:
            size, header = struct.unpack(">Q", stream.read(8))[0], 16
        elif size == 0:
            size = end - start
        if size < header or (start == 0 and not kind.isalpha()):
            break
        if kind == b"moov":
            return stream.read(min(size - header, _LARGEST_INDEX))
        start += size
    return b""


def _boxes(held: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes that follow each other."""
    start = 0
    while start + 8 <= len(held):
        size, kind = struct.unpack_from(">I4s", held, start)
        if size < 8:
            return
        yield kind, held[start + 8 : start + size]
        start += size


def _metadata(index: bytes) -> Iterator[bytes]:
    """The film's and its tracks' metadata boxes."""
    for kind, held in _boxes(index):
        if kind == b"meta":
            yield held
        elif kind == b"trak":
            yield from (inner for name, inner in _boxes(held) if name == b"meta")


def _named_value(held: bytes) -> float | None:
    """The 35 mm equivalent's number within a metadata box."""
    if held[4:8] != b"hdlr":
        held = held[4:]  # MP4 puts a version first, QuickTime does not
    boxes = dict(_boxes(held))
    keys, start = boxes.get(b"keys", b""), 8
    for number in range(1, struct.unpack_from(">I", keys, 4)[0] + 1 if len(keys) >= 8 else 1):
        size = struct.unpack_from(">I", keys, start)[0]
        if keys[start + 8 : start + size].endswith(_NAME):
            item = dict(_boxes(boxes.get(b"ilst", b""))).get(struct.pack(">I", number), b"")
            return _number(dict(_boxes(item)).get(b"data", b""))
        start += max(size, 8)
    return None


def _number(data: bytes) -> float | None:
    """A value of one of QuickTime's well-known types: text, a whole number or a float."""
    if len(data) < 9:
        return None
    kind, held = struct.unpack_from(">I", data)[0], data[8:]
    if kind in _INTEGERS:
        return float(int.from_bytes(held, "big", signed=_INTEGERS[kind])) if len(held) <= _LONGEST_INTEGER else None
    if kind in (23, 24):
        value = float(struct.unpack_from(">f" if kind == 23 else ">d", held)[0])
        return value if math.isfinite(value) else None
    found = re.match(rb"\s*(\d+(?:\.\d+)?)", held) if kind == 1 else None
    return None if found is None else float(found[1])
