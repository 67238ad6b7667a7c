"""Legs bent so that their feet go where they are planned to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .foot_plan import Plan
from .limbs import Leg
from .motion import Motion
from .two_bone import bend, kept_side

Array = NDArray[np.float64]


def place_feet(motion: Motion, legs: Sequence[Leg], plans: Sequence[Plan], weights: Array) -> Motion:
    """The feet of `legs` on their plans, as far as the legs reach, with the knees' directions kept.

    Args:
        weights: (T,) 0 where the plans ask for nothing: there the legs stay as they are.
    """
    posed = motion.posed()
    rotations = motion.rotations.copy()
    still = np.array([1.0, 0.0, 0.0, 0.0])
    for leg, planned in zip(legs, plans, strict=True):
        joints = posed.heads[:, leg.hip], posed.heads[:, leg.knee], posed.heads[:, leg.ankle]
        turns = quat.continuous(quat.from_matrices(posed.turns[:, leg.hip]))
        bent = bend(*joints, planned.ankle, kept_side(*joints, planned.ankle, turns, weight=weights))
        changes = [(leg.hip, still, bent.upper), (leg.knee, bent.upper, bent.lower)]
        changes.append((leg.ankle, bent.lower, planned.foot))
        if leg.toe >= 0:
            changes.append((leg.toe, planned.foot, planned.toe))
        for bone, carried, change in changes:
            # What the bone's carrier does to it already is taken out; then the world's turn in the bone's own axes.
            turn = quat.multiply(quat.inverse(carried), change)
            axes = quat.from_matrices(posed.turns[:, bone])
            own = quat.multiply(quat.inverse(axes), quat.multiply(turn, axes))
            rotations[:, bone] = quat.multiply(motion.rotations[:, bone], own)
    return replace(motion, rotations=quat.continuous(quat.normalized(rotations)))
