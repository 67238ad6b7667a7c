"""Inverse kinematics of two bones, a leg or an arm: its end on a goal, its middle joint on the side where it was.

All T moments at once, in closed form. Points are (T, 3) in the world, metres; rotations are unit quaternions (T, 4), w
first, in the world; angles are radians. `root`, `middle` and `end` are hip, knee and ankle, or shoulder, elbow and
wrist, where the motion has them; the bones' lengths are the distances between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat

Array = NDArray[np.float64]

# A limb is never pulled straighter than this share of its length, unless it was: nearer to 1 its middle joint snaps.
STRAIGHTEST = 0.9995
# Bend of the middle joint, radians, below which its own side tells no more than _LEAST, and above which it tells all.
_VAGUE, _CLEAR = np.radians(3.0), np.radians(12.0)
_LEAST = 1e-3
# Weight from which a straight limb takes its usual side: it turns there while its middle joint is still on the line.
_PULLED = 0.05
# What the front at rest is worth: bend of the middle joint, radians, summed over the moments.
_PRIOR = 1.0


@dataclass(frozen=True)
class Bent:
    """Attributes:
    upper, lower: (T, 4) how the two bones turn in the world from where they were.
    middle, end: (T, 3) where the joints get.
    """

    upper: Array
    lower: Array
    middle: Array
    end: Array


def bend(root: Array, middle: Array, end: Array, goal: Array, side: Array) -> Bent:
    """Put the end on `goal`, or, where the limb does not reach, as far towards it as it does.

    Args:
        side: (T, 3) where the middle joint points from the line between root and goal; of any length, what of it is
            along that line does not count.
    """
    upper, lower = _lengths(middle - root), _lengths(end - middle)
    reach, was = _lengths(goal - root), _lengths(end - root)
    far = np.clip(reach, np.abs(upper - lower) + 1e-6, np.maximum((upper + lower) * STRAIGHTEST, was))
    along = (goal - root) / np.maximum(reach, 1e-9)[:, None]
    cosine = np.clip((upper**2 + far**2 - lower**2) / (2 * upper * far), -1.0, 1.0)[:, None]
    new_middle = root + upper[:, None] * (cosine * along + np.sqrt(1 - cosine**2) * _across(side, along))
    new_end = root + far[:, None] * along
    aim = quat.between(end - root, along)
    turns = [
        quat.multiply(quat.between(quat.rotate(aim, old), new), aim)
        for old, new in ((middle - root, new_middle - root), (end - middle, new_end - new_middle))
    ]
    return Bent(turns[0], turns[1], new_middle, new_end)


def kept_side(
    root: Array,
    middle: Array,
    end: Array,
    goal: Array,
    turns: Array,
    front: Array | None = None,
    weight: Array | None = None,
) -> Array:
    """(T, 3) unit: the side, for `bend`, where the middle joint was; continuous through straight limbs.

    A straight limb has no side of its own. Its upper bone's turn tells it, through the side that the joint takes there
    while it is well bent.

    Args:
        turns: (T, 4) the upper bone's axes.
        front: (3,) where the middle joint points at rest, in those axes; None when that is not known.
        weight: (T,) where it is 0 even a straight limb keeps the side that it has; None is 1.
    """
    line = _unit(end - root)
    off = (middle - root) - line * ((middle - root) * line).sum(axis=1, keepdims=True)
    distance = _lengths(off)
    own = off / np.maximum(distance, 1e-9)[:, None]
    bones = (middle - root, end - middle)
    angle = sum(np.arcsin(np.clip(distance / np.maximum(_lengths(bone), 1e-9), 0, 1)) for bone in bones)
    clear = np.clip((angle - _VAGUE) / (_CLEAR - _VAGUE), 0, 1)
    clear = clear * clear * (3 - 2 * clear)
    # By how far it is bent, or a limb that is long a little beyond straight would outvote one that bends for a moment;
    # where it never bends, a little is all there is to go by.
    usual = ((np.maximum(clear, _LEAST) * angle)[:, None] * quat.rotate(quat.inverse(turns), own)).sum(axis=0)
    usual = usual if front is None else usual + _PRIOR * front
    usual = quat.rotate(turns, usual / max(float(np.linalg.norm(usual)), 1e-9))
    keeps = (clear if weight is None else 1 - np.minimum(weight / _PULLED, 1) * (1 - clear))[:, None]
    side = _across((1 - keeps) * _across(usual, line) + keeps * own, line)
    return quat.rotate(quat.between(end - root, goal - root), side)


def _across(vectors: Array, along: Array) -> Array:
    """Unit vectors (T, 3) of the part of `vectors` that is across `along`."""
    return _unit(vectors - along * (vectors * along).sum(axis=1, keepdims=True))


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _lengths(vectors: Array) -> Array:
    return np.linalg.norm(vectors, axis=1)
