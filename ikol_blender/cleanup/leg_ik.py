"""Two-bone inverse kinematics: an ankle on its goal, the knee on the side where it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat

Array = NDArray[np.float64]

# A leg is never pulled straighter than this share of its length: nearer to 1 the knee snaps.
STRAIGHTEST = 0.9995
# How much a straight leg's knee is drawn to the front, in lengths of the thigh.
_FRONT = 0.01


@dataclass(frozen=True)
class Bent:
    """World rotations (T, 4) that thigh and shin make from where they were, and where the ankle gets, (T, 3)."""

    thigh: Array
    shin: Array
    ankle: Array


def bend(hip: Array, knee: Array, ankle: Array, goal: Array, front: Array) -> Bent:
    """Put the ankle on `goal`, or as near as the leg reaches.

    Args:
        hip, knee, ankle: (T, 3) where the joints are.
        goal: (T, 3)
        front: (T, 3) where the thigh's front points: a straight leg's knee goes there.
    """
    thigh, shin = _length(knee - hip), _length(ankle - knee)
    reach = np.linalg.norm(goal - hip, axis=1)
    far = np.clip(reach, np.abs(thigh - shin) + 1e-6, (thigh + shin) * STRAIGHTEST)
    along = (goal - hip) / np.maximum(reach, 1e-9)[:, None]
    turn = quat.between(ankle - hip, along)
    aside = quat.rotate(turn, knee - hip + _FRONT * thigh[:, None] * front)
    aside -= along * (aside * along).sum(axis=1, keepdims=True)
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-12)
    cosine = np.clip((thigh**2 + far**2 - shin**2) / (2 * thigh * far), -1.0, 1.0)[:, None]
    new_knee = hip + thigh[:, None] * (cosine * along + np.sqrt(1 - cosine**2) * aside)
    new_ankle = hip + far[:, None] * along
    changes = [
        quat.multiply(quat.between(quat.rotate(turn, was), now), turn)
        for was, now in ((knee - hip, new_knee - hip), (ankle - knee, new_ankle - new_knee))
    ]
    return Bent(changes[0], changes[1], new_ankle)


def _length(bones: Array) -> Array:
    return np.linalg.norm(bones, axis=1)
