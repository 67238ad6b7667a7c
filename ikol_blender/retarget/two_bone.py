"""A leg or an arm bent so that its end is where it should be, its knee or elbow on the side where it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from .bell import bell_mean
from .body_frame import RestBody

Array = NDArray[np.float64]

# A limb is never pulled straighter than this share of its length: nearer to 1 its middle joint snaps.
STRAIGHTEST = 0.9995
# Bend of the middle joint, radians, below which its own side tells little, and above which it tells all.
_VAGUE, _CLEAR = np.radians(3.0), np.radians(12.0)
_PRIOR = 2.0


@dataclass(frozen=True)
class Limb:
    """Attributes:
    upper, lower, end: roles of the two bones and of the joint that is to be placed.
    lengths: m, of the two bones.
    front: (3,) where the middle joint points at rest, world.
    """

    upper: str
    lower: str
    end: str
    lengths: tuple[float, float]
    front: Array

    @property
    def reach(self) -> float:
        """The farthest that the end may be from the limb's root, m."""
        return sum(self.lengths) * STRAIGHTEST


def leg(body: RestBody, side: str) -> Limb:
    return _limb(body, (f"thigh.{side}", f"shin.{side}", f"foot.{side}"), -body.axes[:, 1])


def arm(body: RestBody, side: str) -> Limb:
    return _limb(body, (f"upper_arm.{side}", f"forearm.{side}", f"hand.{side}"), body.axes[:, 1])


def _limb(body: RestBody, roles: tuple[str, str, str], front: Array) -> Limb:
    root, middle, end = (body.joint(role) for role in roles)
    return Limb(*roles, (float(np.linalg.norm(middle - root)), float(np.linalg.norm(end - middle))), front)


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
    a, k, old = heads[:, root], heads[:, middle].copy(), heads[:, end].copy()
    if weight is not None:
        goal = old + weight[:, None] * (goal - old)
    upper, lower = limb.lengths
    reach = np.linalg.norm(goal - a, axis=1)
    far = np.clip(reach, abs(upper - lower) + 1e-6, np.maximum(limb.reach, np.linalg.norm(old - a, axis=1)))
    along = (goal - a) / np.maximum(reach, 1e-9)[:, None]
    turn = quat.between(old - a, along)
    side = _across(quat.rotate(turn, _side(body, turns, limb, k - a, old - a, weight)), along)
    if calm > 0 and weight is not None:
        side = _across(side + weight[:, None] * (bell_mean(side, calm) - side), along)
    cosine = np.clip((upper**2 + far**2 - lower**2) / (2 * upper * far), -1.0, 1.0)
    new_middle = a + upper * (cosine[:, None] * along + np.sqrt(1 - cosine**2)[:, None] * side)
    new_end = a + far[:, None] * along
    for role, was, now in ((limb.upper, k - a, new_middle - a), (limb.lower, old - k, new_end - new_middle)):
        swing = quat.between(quat.rotate(turn, was), now)
        change = quat.multiply(swing, turn)
        for bone in body.bones(role):
            turns[:, bone] = quat.multiply(change, turns[:, bone])
    heads[:, middle], heads[:, end] = new_middle, new_end


def _side(body: RestBody, turns: Array, limb: Limb, to_middle: Array, to_end: Array, weight: Array | None) -> Array:
    """(T, 3) unit, across the limb, where the middle joint points; continuous through straight limbs.

    A straight limb has no side of its own. Its upper bone's turn tells it, through the side that the joint takes
    there while it is well bent.
    """
    root = body.index(limb.upper)
    delta = quat.multiply(turns[:, root], quat.inverse(body.turns[root]))
    along = to_end / np.maximum(np.linalg.norm(to_end, axis=1, keepdims=True), 1e-9)
    own = to_middle - along * (to_middle * along).sum(axis=1, keepdims=True)
    distance = np.linalg.norm(own, axis=1, keepdims=True)
    own /= np.maximum(distance, 1e-9)
    angle = np.arcsin(np.clip(distance[:, 0] / limb.lengths[0], 0, 1)) + np.arcsin(
        np.clip(distance[:, 0] / limb.lengths[1], 0, 1)
    )
    clear = np.clip((angle - _VAGUE) / (_CLEAR - _VAGUE), 0, 1)
    clear = clear * clear * (3 - 2 * clear)
    clear = (clear if weight is None else 1 - weight * (1 - clear))[:, None]
    usual = _PRIOR * limb.front + (clear * quat.rotate(quat.inverse(delta), own)).sum(axis=0)
    usual = quat.rotate(delta, usual / max(float(np.linalg.norm(usual)), 1e-9))
    return _across((1 - clear) * _across(usual, along) + clear * own, along)


def _across(vectors: Array, along: Array) -> Array:
    """Unit vectors (T, 3) of the part of `vectors` that is across `along`."""
    part = vectors - along * (vectors * along).sum(axis=1, keepdims=True)
    return part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
