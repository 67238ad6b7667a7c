"""Single moments that jump away and back, as detectors make them, are replaced by what lies around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from . import quaternions as quat
from .motion import Motion

Array = NDArray[np.float64]

# The median absolute deviation of normal noise is its standard deviation over this.
_MAD = 1.4826
# Less than this is jitter, not a spike.
_STILL_RAD, _STILL_UNITS = np.radians(2), 0.01


def despike(motion: Motion, window_s: float = 0.25, threshold: float = 5.0) -> Motion:
    """A sample is a spike when it lies `threshold` standard deviations from the median of the window around it
    (Hampel's identifier, with the spread by the median absolute deviation). Spikes are bridged from their neighbours.
    """
    reach = max(1, round(window_s * motion.rate_hz / 2))
    if len(motion) < 2 * reach + 1:
        return motion
    middle = quat.normalized(_median(motion.rotations, reach))
    away = quat.angle_between(middle, motion.rotations)
    turned_off = away > threshold * _MAD * _median(away, reach) + _STILL_RAD
    distance = np.linalg.norm(motion.locations - _median(motion.locations, reach), axis=-1)
    moved_off = distance > threshold * _MAD * _median(distance, reach) + _STILL_UNITS
    rotations, locations = motion.rotations.copy(), motion.locations.copy()
    for bone in range(len(motion.skeleton)):
        start, end, share = _neighbours(turned_off[:, bone])
        rotations[:, bone] = quat.slerp(rotations[start, bone], rotations[end, bone], share)
        start, end, share = _neighbours(moved_off[:, bone])
        locations[:, bone] += share[:, None] * (locations[end, bone] - locations[start, bone]) + (
            locations[start, bone] - locations[:, bone]
        )
    return replace(motion, rotations=quat.continuous(rotations), locations=locations)


def _median(values: Array, reach: int) -> Array:
    """The median of the 2 `reach` + 1 samples around each; the ends are repeated."""
    padded = np.concatenate([np.repeat(values[:1], reach, axis=0), values, np.repeat(values[-1:], reach, axis=0)])
    return np.median(sliding_window_view(padded, 2 * reach + 1, axis=0), axis=-1)


def _neighbours(off: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """For each sample the good samples before and after it, and where between them it lies; itself when it is good."""
    good = np.flatnonzero(~off)
    index = np.arange(len(off))
    if not len(good):
        return index, index, np.zeros(len(off))
    before = good[np.maximum(np.searchsorted(good, index, side="right") - 1, 0)]
    after = good[np.minimum(np.searchsorted(good, index), len(good) - 1)]
    return before, after, np.where(after > before, (index - before) / np.maximum(after - before, 1), 0.0)
