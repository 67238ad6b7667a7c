"""The moments at which a motion turns back: an animator's extremes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# A swing of less than this is no extreme.
SWING_RAD, SWING_M = np.radians(8), 0.05


def rotation_extremes(rotations: Array) -> Indices:
    """Sample indices at which a bone's rotation (T, 4) turns back along the axis that it turns most about."""
    vectors = quat.log(quat.multiply(quat.inverse(quat.normalized(rotations.mean(axis=0))), rotations))
    return turning_points(_along_main_axis(vectors), SWING_RAD)


def location_extremes(locations: Array, metres_per_unit: float) -> Indices:
    """Sample indices at which a bone's location (T, 3) turns back along the direction that it moves most."""
    return turning_points(_along_main_axis(locations) * metres_per_unit, SWING_M)


def turning_points(values: Array, swing: float) -> Indices:
    """Indices of the maxima and minima of `values` (T,), in turn, that lie at least `swing` apart; not the ends."""
    found: list[int] = []
    high = low = 0
    rising = 0  # which way the motion goes: 1, -1, or 0 before the first swing
    for index, value in enumerate(values):
        if rising >= 0 and value > values[high]:
            high = index
        if rising <= 0 and value < values[low]:
            low = index
        if rising >= 0 and values[high] - value >= swing:
            found.append(high)
            rising, low = -1, index
        elif rising <= 0 and value - values[low] >= swing:
            found.append(low)
            rising, high = 1, index
    return np.array([index for index in found if 0 < index < len(values) - 1], np.int64)


def _along_main_axis(points: Array) -> Array:
    """(T,) the coordinate of `points` (T, 3) along their first principal axis."""
    centred = points - points.mean(axis=0)
    return centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
