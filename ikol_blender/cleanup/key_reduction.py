"""The fewest keys that keep every bone and joint within a tolerance, with handles that an animator would set.

Curves are cubic pieces, smooth at their keys, fitted by least squares (Schneider, Graphics Gems I, 1990, is the classic
for one curve). What is ours is that all bones share one budget: an error of the hip moves the foot, so joints are
measured in the world, and the track that pushes a joint out of its tolerance is the one that gets a key. Long motions
are worked on in parts that meet in a common key.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .hermite import Curve
from .key_insertion import first_curves, insert_keys
from .key_removal import remove_keys
from .key_tracks import Tolerance, Track, begin
from .motion import Motion

Array = NDArray[np.float64]

_PART_SAMPLES = 480
_STILL = 1e-6
_SLOPE_REACH = 3


def reduce_keys(motion: Motion, tracks: Sequence[Track], tolerance: Tolerance) -> list[Curve]:
    """One curve for each of `tracks`; one knot for what never changes.

    Args:
        motion: what the tracks' samples give, T samples.
    """
    still = [bool(np.ptp(track.samples, axis=0).max() <= _STILL) for track in tracks]
    moving = [track for track, is_still in zip(tracks, still, strict=True) if not is_still]
    last = len(motion) - 1
    edges = np.linspace(0, last, max(1, round(last / _PART_SAMPLES)) + 1).round().astype(int)
    parts: list[list[Curve]] = [[] for _ in moving]
    for start, end in pairwise(edges):
        if end > start:
            for part, curve in zip(parts, _reduced(motion, moving, tolerance, int(start), int(end)), strict=True):
                part.append(Curve(curve.knots + start, curve.values, curve.slopes))
    found = iter(parts)
    return [
        Curve(np.zeros(1, np.int64), track.samples[:1], np.zeros_like(track.samples[:1]))
        if is_still
        else _joined(next(found))
        for track, is_still in zip(tracks, still, strict=True)
    ]


def _reduced(motion: Motion, tracks: Sequence[Track], tolerance: Tolerance, start: int, end: int) -> list[Curve]:
    parts = [track.part(start, end) for track in tracks]
    ends = [_end_slopes(track.samples, start, end) for track in tracks]
    attempt = begin(motion.part(start, end))
    enough = insert_keys(attempt, parts, first_curves(parts, ends), ends, tolerance)
    fewer = remove_keys(attempt, parts, enough, tolerance)
    # Removal judges joints to first order: what slipped past it is put right.
    return insert_keys(attempt, parts, fewer, ends, tolerance)


def _end_slopes(samples: Array, start: int, end: int) -> Array:
    """(2, C) the slopes at which neighbouring parts meet; not a number where they are free: at the motion's ends."""
    slopes = np.full((2, samples.shape[1]), np.nan)
    for row, index in enumerate((start, end)):
        if 0 < index < len(samples) - 1:
            reach = min(_SLOPE_REACH, index, len(samples) - 1 - index)
            offsets = np.arange(-reach, reach + 1)
            slopes[row] = offsets @ samples[index - reach : index + reach + 1] / (offsets @ offsets)
    return slopes


def _joined(parts: Sequence[Curve]) -> Curve:
    """Parts that share their end knots as one curve."""
    heads = [(part.knots[:-1], part.values[:-1], part.slopes[:-1]) for part in parts[:-1]] + [
        (parts[-1].knots, parts[-1].values, parts[-1].slopes)
    ]
    return Curve(*(np.concatenate(arrays) for arrays in zip(*heads, strict=True)))
