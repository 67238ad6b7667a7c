"""Feet that stand still while they stand, on one floor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..retarget.body_frame import RestBody
from ..retarget.contact import standing
from ..retarget.planting import plant_feet
from ..retarget.transfer import Posed, own_location, own_rotations, pose_source
from .butterworth import low_pass
from .motion import Motion

Array = NDArray[np.float64]

_RISE_HZ = 1.0  # the body is lifted and lowered no faster than this


@dataclass(frozen=True)
class LockedFeet:
    """Attributes:
    motion: with its feet locked.
    slip_before, slip_after: m, the farthest that a standing joint strays from the middle of its contact.
    """

    motion: Motion
    slip_before: float
    slip_after: float


def lock_feet(body: RestBody, motion: Motion, floor: bool) -> LockedFeet:
    """Hold ankles and balls of the feet while they stand.

    Args:
        body: the motion's own armature at rest, all of its bones.
        floor: lift or lower the body, slowly, so that standing ankles have the height that they have at rest.
    """
    posed = pose_source(body, motion)
    if floor:
        posed = Posed(posed.turns, posed.heads - _too_high(body, posed, motion.rate_hz)[:, None])
    planted = plant_feet(body, posed, body, posed, motion.rate_hz)
    rotations, locations = own_rotations(body, planted.posed), motion.locations.copy()
    root = body.bones("hips")[0]
    locations[:, root] = own_location(body, planted.posed, root)
    return LockedFeet(
        replace(motion, rotations=rotations, locations=locations), planted.slip_before, planted.slip_after
    )


def _too_high(body: RestBody, posed: Posed, rate_hz: float) -> Array:
    """(T, 3) how far standing ankles are above where they rest, slowly changing; along the world's Z."""
    high, found = np.zeros(len(posed.heads)), np.zeros(len(posed.heads))
    for side in "LR":
        stands = standing(body, posed, f"foot.{side}", rate_hz)
        height = posed.heads[:, body.bones(f"foot.{side}")[0], 2] - body.floor[2] - body.height(f"foot.{side}")
        high += np.where(stands, height, 0.0)
        found += stands
    known = np.flatnonzero(found)
    if not len(known):
        return np.zeros((len(high), 3))
    path = np.interp(np.arange(len(high)), known, high[known] / found[known])
    return np.stack([0 * path, 0 * path, low_pass(path, rate_hz, _RISE_HZ)], axis=1)
