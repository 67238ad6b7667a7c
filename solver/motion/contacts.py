"""Which parts of the feet are planted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ..detect.person_landmarks import LANDMARK_NAMES
from ..stretches import runs
from .smoothing import low_pass

Array = NDArray[Any]

FOOT_POINTS = tuple(
    LANDMARK_NAMES.index(f"{side}_{point}") for side in ("left", "right") for point in ("heel", "foot_index")
)
NEAREST = 0.1  # m: nobody is filmed from closer
_PLANTED_HEIGHT, _HEIGHT_SPREAD = 0.06, 0.02  # m
_LOWEST, _LOWEST_SPREAD = -0.3, 0.05  # m: deeper is not on this floor but on another
# What counts as standing still, for feet that step calmly and fast: of fast steps, more is blurred into the stances.
_PLANTED_SPEEDS, _SPEED_SPREADS = (0.52, 0.8), (0.12, 0.15)  # m/s
_CALM_STEPS, _FAST_STEPS = 4.0, 6.0  # m/s: a foot's highest speed in walking, and in running
_STEPS_SECONDS, _STEPS_HZ = 0.75, 6.0  # s before and after in which the speed counts, Hz up to which
# What lies still rests on something: where a floor is known badly, a foot at rest is on it from this much higher.
_RESTING_HEIGHT = 0.05  # m
_RESTING_SPEED, _RESTING_SPREAD = 0.15, 0.03  # m/s
_SLIDING_HEIGHT, _SLIDING_SPREAD = 0.004, 0.0008  # m: nobody moves a foot so low, and as fast as this:
_SLOWEST_STEP, _FASTEST_STEP, _STEP_SPREAD = 1.5, 4.0, 0.15  # m/s
# How far a foot may be found from where it stands when nothing but its depth is off:
_FARTHEST = 0.6  # m along the line of sight
_BESIDE, _SLANT = 0.02, 0.2  # m beside it, and m for each m along it: a heel that rolls goes up, not away
_BESIDE_SPREAD, _OUT_OF_LINE = 0.01, 0.05  # m, chance
_SAME_PLACE = 0.15  # m from one contact to the next
_SHORTEST_STAY, _LONGEST_STAY = 0.1, 0.5  # s


def contact_probability(feet: Array, rate_hz: float) -> Array:
    """(T, 4) probability that a point of the foot is planted: low and slow at once.

    feet: (T, 4, 3) left heel, left toe, right heel, right toe in the world, metres.
    """
    speed = _speed(feet, rate_hz)
    resting = _RESTING_HEIGHT * _falling(speed, _RESTING_SPEED, _RESTING_SPREAD)
    low = _near_floor(feet[..., 2] - resting, _PLANTED_HEIGHT, _HEIGHT_SPREAD)
    haste = step_haste(feet, rate_hz)[:, None]
    slowest, spread = (calm + haste * (fast - calm) for calm, fast in (_PLANTED_SPEEDS, _SPEED_SPREADS))
    return low * _falling(speed, slowest, spread)


def step_haste(feet: Array, rate_hz: float) -> Array:
    """(T,) 0 where the feet step as in walking, 1 where as fast as in running or faster; `feet` as above, any axes."""
    if len(feet) < 2:
        return np.zeros(len(feet))
    smooth = low_pass(feet, rate_hz, _STEPS_HZ)
    speed = np.linalg.norm(np.gradient(smooth, 1 / rate_hz, axis=0), axis=-1).max(axis=1)
    highest = maximum_filter1d(speed, 2 * round(_STEPS_SECONDS * rate_hz) + 1, mode="nearest")
    return np.clip((highest - _CALM_STEPS) / (_FAST_STEPS - _CALM_STEPS), 0.0, 1.0)


def beside_contacts(feet: Array, planted: Array, rate_hz: float) -> Array:
    """(T, 4) probability that a moment beside a contact belongs to it.

    Who moves a foot lifts it. One of somebody who steps fast that is found sliding over the floor just before a landing
    or just after a step's start stood there, and its motion was blurred.

    Args:
        feet: as `contact_probability`'s.
        planted: (T, 4) probability that the points are planted.
    """
    neighbour = np.zeros_like(planted)
    neighbour[:-1] = planted[1:]
    neighbour[1:] = np.maximum(neighbour[1:], planted[:-1])
    speed = _speed(feet, rate_hz)
    stepping = _falling(speed, _FASTEST_STEP, _STEP_SPREAD) * _falling(-speed, -_SLOWEST_STEP, _STEP_SPREAD)
    sliding = stepping * _near_floor(feet[..., 2], _SLIDING_HEIGHT, _SLIDING_SPREAD)
    return neighbour * sliding * step_haste(feet, rate_hz)[:, None]


def in_line_with_contacts(feet: Array, planted: Array, hips: Array, reach: Array, rate_hz: float) -> Array:
    """(T, P) probability that a point still stands, or stands already, where the contact before or after has it.

    Depth is what a camera tells worst: a foot found going straight away from it, or coming straight towards it, may not
    have moved. Where that lasts, only of feet that step fast: walkers' contacts are told well without.

    Args:
        feet: (T, P, 3) heels and toes from the camera at the origin, any axes, m.
        planted: (T, P) probability that the points are planted.
        hips: (T, P, 3) where their legs hang on; reach: (P,) how far from there they can be, m.
    """
    haste = step_haste(feet, rate_hz)[:, None]
    stays = _stays(feet, planted, hips, reach, haste, rate_hz)
    stood = _stays(feet[::-1], planted[::-1], hips[::-1], reach, haste[::-1], rate_hz)[::-1]
    return np.maximum(stays, stood)


def _stays(feet: Array, planted: Array, hips: Array, reach: Array, haste: Array, rate_hz: float) -> Array:
    """(T, P) chance that a point is where the contact before it ended, as far as the line of sight tells.

    haste: (T, 1) `step_haste`.
    """
    count, stands = len(feet), planted > 0.5
    moment = np.arange(count)[:, None]
    end = np.maximum.accumulate(np.where(stands, moment, -1))
    again = np.minimum.accumulate(np.where(stands, moment, count)[::-1])[::-1]
    stood, stands_again = (
        np.take_along_axis(feet, np.clip(at, 0, count - 1)[..., None], axis=0) for at in (end, again)
    )
    line = feet / np.maximum(np.linalg.norm(feet, axis=-1, keepdims=True), NEAREST)
    along = ((feet - stood) * line).sum(-1)
    beside = np.linalg.norm(feet - stood - along[..., None] * line, axis=-1)
    chance = _falling(beside, _BESIDE + _SLANT * np.abs(along), _BESIDE_SPREAD)
    late = moment - end > round(_LONGEST_STAY * rate_hz)
    # Who runs on leaves the foot behind, farther than a leg is long.
    left_behind = np.linalg.norm(stood - hips, axis=-1) > reach
    gone = (end < 0) | late | left_behind | (np.abs(along) > _FARTHEST) | (chance < _OUT_OF_LINE)
    # What was gone once since the contact does not come back to it.
    stays = (np.maximum.accumulate(np.where(gone, moment, -1)) < end) & ~stands
    column = np.broadcast_to(np.arange(feet.shape[1]), end.shape)
    length = np.zeros(end.shape, np.int64)
    np.add.at(length, (end[stays], column[stays]), 1)
    length = np.take_along_axis(length, np.maximum(end, 0), axis=0)
    # A few moments are chance, unless they are all there are until the point stands there again: nobody steps so soon.
    lasts = length >= _SHORTEST_STAY * rate_hz - 1e-9
    back = (again < count) & (length == again - end - 1) & (np.linalg.norm(stands_again - stood, axis=-1) < _SAME_PLACE)
    return np.where(stays, chance * np.where(back & ~lasts, 1.0, haste * (lasts | back)), 0.0)


def contacts_in_sight(feet: Array, planted: Array, seen: Array) -> Array:
    """(T, P) `planted` (T, P), out of sight only what lasts in one place from the moment before until the one after.

    Who walks on out of sight must not be held by feet last seen standing.

    Args:
        feet: (T, P, 3) where the points are, m.
        seen: (T,) whether the person is.
    """
    kept = planted * seen[:, None]
    for first, last in runs(~seen):
        if first > 0 and last < len(seen):
            lasts = planted[first - 1 : last + 1].min(axis=0) > 0.5
            lasts &= np.linalg.norm(feet[last] - feet[first - 1], axis=-1) < _SAME_PLACE
            kept[first:last] = planted[first:last] * lasts
    return kept


def _speed(feet: Array, rate_hz: float) -> Array:
    """(T, P) m/s: of the step to the next moment or of that from the one before, whichever is slower.

    A foot stands in the last moment before it leaves: it has not moved since the one before.
    """
    if len(feet) < 2:
        return np.zeros(feet.shape[:-1])
    steps = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * rate_hz
    return np.minimum(np.concatenate((steps[:1], steps)), np.concatenate((steps, steps[-1:])))


def _near_floor(height: Array, highest: float, spread: float) -> Array:
    return _falling(height, highest, spread) * _falling(-height, -_LOWEST, _LOWEST_SPREAD)


def _falling(value: Array, middle: Array | float, spread: Array | float) -> Array:
    return 1 / (1 + np.exp(np.clip((value - middle) / spread, -50, 50)))
