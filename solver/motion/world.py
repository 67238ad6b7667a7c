"""The world, first version: Z up, the person at the origin facing -Y, feet on z = 0.

Gravity is the camera's down: whoever holds a camera level is right, and the next version finds out by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[Any]

# Camera axes (x right, y down, z forward) of a level camera that looks along +Y.
LEVEL = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)))
START_SECONDS = 0.5


@dataclass(frozen=True)
class Placement:
    """How camera space lies in the world: world = rotation @ camera + position.

    Attributes:
        rotation: (3, 3).
        position: (3,) the camera's centre, metres.
    """

    rotation: Array
    position: Array

    def move(self, points: Array) -> Array:
        """Points (..., 3) in camera axes to the world."""
        return points @ self.rotation.T + self.position


def place_in_world(pelvis: Array, opening: Array, floor: float) -> Placement:
    """Turn and move a person seen by a level camera.

    Args:
        pelvis: (T, 3) in camera axes, metres.
        opening: (N, 3, 3) SMPL's joint 0 in camera axes over the first START_SECONDS.
        floor: the ground's height along the camera's y (down), metres.
    """
    forward = (LEVEL @ opening[:, :, 2].mean(axis=0))[:2]
    yaw = -np.pi / 2 - np.arctan2(forward[1], forward[0])
    rotation = Rotation.from_euler("z", yaw).as_matrix() @ LEVEL
    start = rotation @ pelvis[: len(opening)].mean(axis=0)
    return Placement(rotation, np.array((-start[0], -start[1], floor)))
