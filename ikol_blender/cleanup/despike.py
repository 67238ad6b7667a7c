"""Single moments that jump away and back, as detectors make them, are replaced by what lies around them.

Each sample is compared with the cubic through its two neighbours on either side. A spike of the size a is a away from
it, and spoils its neighbours' cubics by -2/3 a and 1/6 a: a pattern at the highest frequency that there is, which no
punch makes. Size alone would take the turning point of every quick motion for a spike.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from . import quaternions as quat
from .motion import Motion

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The cubic's weights for the samples two and one before, one and two after; and what a spike of 1 does around it.
_CUBIC = np.array([-1.0, 4.0, 0.0, 4.0, -1.0]) / 6
_PATTERN = np.array([1 / 6, -2 / 3, 1.0, -2 / 3, 1 / 6])
# How much of what is off around a spike the pattern must explain (cosine).
_LIKENESS = 0.85
# How far, of its size, a spike goes away from the sample before and comes back to the one after.
_AWAY = 0.3
# The median absolute deviation of normal noise is its standard deviation over this.
_MAD = 1.4826
# Less than this is jitter, not a spike.
_STILL_RAD, _STILL_UNITS = np.radians(4), 0.02
_WINDOW_S = 1.0
_PASSES = 3  # spikes close to each other hide each other's pattern


def despike(motion: Motion, threshold: float = 5.0) -> Motion:
    """Args:
    threshold: a spike is this many times as far off as is usual around it.
    """
    reach = max(3, round(_WINDOW_S * motion.rate_hz / 2))
    if len(motion) < 5:
        return motion
    rotations, locations = quat.continuous(motion.rotations), motion.locations.copy()
    for _ in range(_PASSES):
        middle = quat.normalized(_cubic(rotations))
        steps = quat.log(quat.multiply(quat.inverse(rotations[:-1]), rotations[1:]))
        off = quat.log(quat.multiply(quat.inverse(middle), rotations))
        turns = _spikes(off, steps, reach, threshold * _MAD, _STILL_RAD)
        between = _cubic(locations)
        moves = _spikes(locations - between, np.diff(locations, axis=0), reach, threshold * _MAD, _STILL_UNITS)
        if not (turns.any() or moves.any()):
            break
        rotations = quat.continuous(np.where(turns[..., None], middle, rotations))
        locations = np.where(moves[..., None], between, locations)
    return replace(motion, rotations=rotations, locations=locations)


def _cubic(values: Array) -> Array:
    """(T, K, C) what the neighbours say of each sample; the ends go on evenly."""
    padded = np.concatenate([2 * values[:1] - values[2:0:-1], values, 2 * values[-1:] - values[-2:-4:-1]])
    return sliding_window_view(padded, 5, axis=0) @ _CUBIC


def _spikes(off: Array, steps: Array, reach: int, times: float, still: float) -> Flags:
    """(T, K) samples that jump away and back, and whose neighbours are off as that puts them.

    Args:
        off: (T, K, 3) how far each sample is from its neighbours' cubic.
        steps: (T - 1, K, 3) from sample to sample.
        times, still: a spike is `times` as far off as half of the samples within `reach`, and `still` more.
    """
    around = sliding_window_view(np.pad(off, ((2, 2), (0, 0), (0, 0))), 5, axis=0)
    sizes = np.linalg.norm(off, axis=-1)
    explained = ((around @ _PATTERN) * off).sum(axis=-1) / np.maximum(sizes, 1e-12)
    whole = np.sqrt((around**2).sum(axis=(-1, -2)) * (_PATTERN**2).sum())
    away = np.zeros_like(off)
    back = np.zeros_like(off)
    away[1:], back[:-1] = steps, -steps
    there = np.minimum((away * off).sum(axis=-1), (back * off).sum(axis=-1)) > _AWAY * sizes**2
    usual = np.median(sliding_window_view(np.pad(sizes, ((reach, reach), (0, 0)), "edge"), 2 * reach + 1, axis=0), -1)
    found = there & (sizes > times * usual + still) & (explained > _LIKENESS * whole)
    # Of spikes side by side the larger one goes first: without it the other may be none.
    larger = sliding_window_view(np.pad(sizes, ((2, 2), (0, 0))), 5, axis=0).max(axis=-1)
    return found & (sizes >= larger)
