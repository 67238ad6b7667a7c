"""Where the sole is under a foot's bones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contact import FootContact, leg_length
from .limbs import Leg
from .motion import Motion
from .skeleton import Posed

Array = NDArray[np.float64]

_HEEL_BACK = 0.25  # behind the ankle, in lengths from ankle to ball
# A rest pose whose feet point this much along the legs (sine) is no standing one: it tells nothing of the sole.
_POINTED = 0.8
# The armature's origin is where it stands when it is no farther below its lowest foot than this, in leg lengths.
_SOLE_THICKNESS = 0.15


@dataclass(frozen=True)
class Sole:
    """The points that touch the floor when the foot is flat. Metres, in bones' own axes.

    Attributes:
        heel: (3,) from the ankle, in the foot bone's axes.
        ball: (3,) from the ankle, in the foot bone's axes.
        joint: (3,) the joint of the toes from the ankle, in the foot bone's axes.
        up: (3,) what is up when the foot is flat, in the foot bone's axes.
        tip: (3,) of the toes, from the ball joint, in the toe bone's axes; None where there is no toe bone.
        toe_up: (3,) what is up when the toes are flat, in the toe bone's axes; None where there is none.
    """

    heel: Array
    ball: Array
    joint: Array
    up: Array
    tip: Array | None
    toe_up: Array | None


def find_soles(motion: Motion, posed: Posed, legs: Sequence[Leg], contacts: Sequence[FootContact]) -> tuple[Sole, ...]:
    """For each of `legs`: from the rest pose if that stands, else from how the feet are turned while they stand."""
    skeleton = motion.skeleton
    rests, scale = skeleton.rests[:, :3, :3], skeleton.scale
    up = _rest_up(motion, legs)
    level = _rest_level(motion, legs, up)
    found: list[Sole] = []
    for leg, contact in zip(legs, contacts, strict=True):
        axes = _unit_columns(rests[leg.ankle])
        ankle = skeleton.rests[leg.ankle, :3, 3]
        ball = _ball(motion, leg)
        forward = (ball - ankle) @ axes * scale
        stands = abs((ball - ankle) @ up) < _POINTED * np.linalg.norm(ball - ankle)
        foot_up = up @ axes if stands else _mean_up(posed.turns[:, leg.ankle], contact, forward)
        # Without a standing rest pose, the sole is where the ball joint is.
        ankle_height = float((ankle @ up - level) * scale) if stands else float(-forward @ foot_up)
        ball_height = float((ball @ up - level) * scale) if stands else 0.0
        flat = forward - foot_up * (forward @ foot_up)
        tip = toe_up = None
        if leg.toe >= 0:
            toe_axes = _unit_columns(rests[leg.toe])
            toe_up = toe_axes.T @ axes @ foot_up
            along = np.array([0.0, skeleton.lengths[leg.toe] * scale, 0.0])
            tip = along - toe_up * (along @ toe_up + ball_height)
        heel = -foot_up * ankle_height - _HEEL_BACK * flat
        found.append(Sole(heel, forward - foot_up * ball_height, forward, foot_up, tip, toe_up))
    return tuple(found)


def _rest_up(motion: Motion, legs: Sequence[Leg]) -> Array:
    """(3,) the axis of the armature that its legs rest along, from ankle to hip."""
    joints = motion.skeleton.rests[:, :3, 3]
    line = sum((joints[leg.hip] - joints[leg.ankle] for leg in legs), np.zeros(3))
    nearest = int(np.abs(line).argmax())
    return np.eye(3)[nearest] * np.sign(line[nearest])


def _rest_level(motion: Motion, legs: Sequence[Leg], up: Array) -> float:
    """How high the floor is at rest along `up`, in the armature's units: its origin, or else its lowest foot."""
    joints = motion.skeleton.rests[:, :3, 3]
    lowest = min(float(min(joints[leg.ankle] @ up, _ball(motion, leg) @ up)) for leg in legs)
    size = leg_length(motion, legs[0]) / motion.skeleton.scale
    return 0.0 if 0 <= lowest < _SOLE_THICKNESS * size else lowest


def _ball(motion: Motion, leg: Leg) -> Array:
    """(3,) the ball joint at rest; where the foot's bone ends if there is none."""
    skeleton = motion.skeleton
    if leg.toe >= 0:
        return skeleton.rests[leg.toe, :3, 3]
    return skeleton.rests[leg.ankle, :3, 3] + _unit_columns(skeleton.rests[leg.ankle, :3, :3])[:, 1] * float(
        skeleton.lengths[leg.ankle]
    )


def _mean_up(turns: Array, contact: FootContact, forward: Array) -> Array:
    """(3,) the world's up in a bone's axes while the foot stands."""
    for chosen in (contact.flat, contact.any, np.ones(len(turns), np.bool_)):
        if chosen.any():
            mean = turns[chosen][:, 2].mean(axis=0)
            if np.linalg.norm(mean) > 0.1:
                return mean / np.linalg.norm(mean)
    across = np.cross(forward, [1.0, 0.0, 0.0])
    return across / max(float(np.linalg.norm(across)), 1e-9)


def _unit_columns(axes: Array) -> Array:
    return axes / np.linalg.norm(axes, axis=0)
