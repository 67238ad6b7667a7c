"""A body's leg or arm, by the roles of its bones, bent so that its end is where it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..cleanup import two_bone
from ..cleanup.bell import bell_mean
from .body_frame import RestBody

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Limb:
    """Attributes:
    upper, lower, end: roles of the two bones and of the joint that is to be placed.
    reach: the farthest that the end may be from the limb's root, m.
    front: (3,) where the middle joint points at rest, world.
    """

    upper: str
    lower: str
    end: str
    reach: float
    front: Array


def leg(body: RestBody, side: str) -> Limb:
    return _limb(body, (f"thigh.{side}", f"shin.{side}", f"foot.{side}"), -body.axes[:, 1])


def arm(body: RestBody, side: str) -> Limb:
    return _limb(body, (f"upper_arm.{side}", f"forearm.{side}", f"hand.{side}"), body.axes[:, 1])


def _limb(body: RestBody, roles: tuple[str, str, str], front: Array) -> Limb:
    joints = np.stack([body.joint(role) for role in roles])
    length = float(np.linalg.norm(np.diff(joints, axis=0), axis=1).sum())
    return Limb(*roles, length * two_bone.STRAIGHTEST, front)


def bend(
    body: RestBody, turns: Array, heads: Array, limb: Limb, goal: Array, weight: Array | None = None, calm: int = 0
) -> None:
    """Turn the limb's bones (turns (T, K, 4), heads (T, K, 3), in place) so that its end is at `goal` (T, 3).

    What hangs at the end keeps its turn in the world. Goals out of reach are met in direction.

    Args:
        weight: (T,) 0 leaves a frame as it is, 1 goes to the goal; None is 1.
        calm: samples within which, before and after, the middle joint does not swing round, where `weight` is 1: a goal
            far from where the end was says little about where that joint goes.
    """
    root, middle, end = (body.index(role) for role in (limb.upper, limb.lower, limb.end))
    joints = heads[:, root], heads[:, middle], heads[:, end]
    if weight is not None:
        goal = joints[2] + weight[:, None] * (goal - joints[2])
    front = quat.rotate(quat.inverse(body.turns[root]), limb.front)
    side = two_bone.kept_side(*joints, goal, turns[:, root], front, weight)
    if calm > 0 and weight is not None:
        side = side + weight[:, None] * (bell_mean(side, calm) - side)
    bent = two_bone.bend(*joints, goal, side)
    for role, change in ((limb.upper, bent.upper), (limb.lower, bent.lower)):
        for bone in body.bones(role):
            turns[:, bone] = quat.multiply(change, turns[:, bone])
    heads[:, middle], heads[:, end] = bent.middle, bent.end
