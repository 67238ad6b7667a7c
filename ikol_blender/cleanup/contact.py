"""When feet stand, from how ankles and balls of the feet move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .butterworth import low_pass
from .gaps import Flags, spans
from .limbs import Leg
from .motion import Motion
from .skeleton import Posed

Array = NDArray[np.float64]

# In leg lengths a second: a joint stands when it comes below the first speed, from and until it is above the second.
_LANDS, _LEAVES = 0.25, 0.4
# In leg lengths: how high above the ground a joint may stand, and how far it may rise as it lands and leaves.
_HEIGHT, _RISE = 0.08, 0.015
_JITTER_HZ = 8.0  # jitter of the capture is faster than this
# Shorter is no contact, and no step in between.
_SHORTEST_S, _SHORTEST_STEP_S = 0.1, 0.2
# In leg lengths: what was away for less than a step, and no farther than this, has stood all the while.
_STAYS = 0.02
# The ground at a moment is the lowest within this time around it: captures drift up and down. It is not much above the
# lowest of all, or feet that dangle from a chair would stand.
_GROUND_S, _GROUND_ABOVE = 1.25, 0.5


@dataclass(frozen=True)
class FootContact:
    """Of one foot.

    Attributes:
        heel: (T,) whether the heel stands.
        toe: (T,) whether the ball of the foot stands.
    """

    heel: Flags
    toe: Flags

    @property
    def any(self) -> Flags:
        return self.heel | self.toe

    @property
    def flat(self) -> Flags:
        return self.heel & self.toe


def detect_contacts(motion: Motion, legs: Sequence[Leg]) -> tuple[FootContact, ...]:
    """For each of `legs`."""
    posed = motion.posed()
    size = float(np.mean([leg_length(motion, leg) for leg in legs]))
    ankles, balls = [posed.heads[:, leg.ankle] for leg in legs], [ball_path(posed, leg) for leg in legs]
    heels, toes = standing(ankles, balls, size, motion.rate_hz)
    return tuple(FootContact(heel, toe) for heel, toe in zip(heels, toes, strict=True))


def standing(
    ankles: Sequence[Array], balls: Sequence[Array], leg_length: float, rate_hz: float
) -> tuple[list[Flags], list[Flags]]:
    """(T,) for each of `ankles` and `balls`: when the joint, and for an ankle that is the heel below it, stands.

    Args:
        ankles, balls: (T, 3) paths of a body's joints, world, m; those of one kind are equally high while they stand.
        leg_length: hip to ankle, m.
    """
    paths = [*ankles, *balls]
    if not paths:
        return [], []
    # At once: the filter goes through time in Python.
    calm = [*np.moveaxis(low_pass(np.stack(paths, axis=1), rate_hz, _JITTER_HZ), 1, 0)]
    kinds = calm[: len(ankles)], calm[len(ankles) :]
    found = [_standing(kind, rate_hz, leg_length) if kind else [] for kind in kinds]
    return found[0], found[1]


def ball_path(posed: Posed, leg: Leg) -> Array:
    """(T, 3) where the ball of the foot is."""
    return posed.tails[:, leg.ankle] if leg.toe < 0 else posed.heads[:, leg.toe]


def leg_length(motion: Motion, leg: Leg) -> float:
    """Hip to ankle along the bones, m."""
    joints = motion.skeleton.rests[[leg.hip, leg.knee, leg.ankle], :3, 3]
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=1).sum() * motion.skeleton.scale)


def _standing(paths: Sequence[Array], rate_hz: float, size: float) -> list[Flags]:
    """When the joints with `paths`, each (T, 3), of the same height while they stand, do so."""
    if len(paths[0]) < 3:
        return [np.zeros(len(path), np.bool_) for path in paths]
    # One ground for both feet: who stands on one leg holds the other above it.
    lowest = np.min([path[:, 2] for path in paths], axis=0)
    reach = round(_GROUND_S * rate_hz)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(lowest, reach, "edge"), 2 * reach + 1)
    ground = np.minimum(around.min(axis=1), lowest.min() + _GROUND_ABOVE * size)
    return [_stands(path, path[:, 2] - ground, rate_hz, size) for path in paths]


def _stands(path: Array, height: Array, rate_hz: float, size: float) -> Flags:
    speed = np.linalg.norm(np.gradient(path, axis=0), axis=1) * rate_hz
    found = (height < _HEIGHT * size) & (speed < _LEAVES * size)
    slow = speed < _LANDS * size
    for start, end in spans(found):
        inside = path[start:end, 2]
        down = np.flatnonzero(inside < np.median(inside) + _RISE * size)
        found[start : start + down[0]] = found[start + down[-1] + 1 : end] = False
        if not slow[start:end].any():
            found[start:end] = False
    return _lasting(found, path, _STAYS * size, rate_hz)


def _lasting(flags: Flags, path: Array, near: float, rate_hz: float) -> Flags:
    """`flags` without moments too short to be a step: a foot that left the floor for less was there all along, or, if
    it went farther than `near`, m, stood shorter before and after: to be held here, then there, it needs the time."""
    found = flags.copy()
    step = round(_SHORTEST_STEP_S * rate_hz)
    for start, end in spans(~flags):
        if start > 0 and end < len(flags) and end - start < step:
            stayed = np.linalg.norm(path[start - 1 : end + 1] - path[start - 1], axis=1).max() < near
            lacking = 0 if stayed else step - (end - start)
            found[max(start - lacking // 2, 0) : end + lacking - lacking // 2] = stayed
    for start, end in spans(found):
        if end - start < _SHORTEST_S * rate_hz:
            found[start:end] = False
    return found
