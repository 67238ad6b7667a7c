"""The world: Z up, the clip's first person above the origin facing -Y, the lowest floor at z = 0.

Gravity is the camera's down: right for a camera that is held level.
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
# Floors that differ by less are one floor, seen with an error in depth; by more, somebody stands on something.
_SAME_FLOOR = 0.5  # m


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
        floor: height of the clip's lowest ground along the camera's y (down), metres.
    """
    forward = (LEVEL @ opening[:, :, 2].mean(axis=0))[:2]
    yaw = -np.pi / 2 - np.arctan2(forward[1], forward[0])
    rotation = Rotation.from_euler("z", yaw).as_matrix() @ LEVEL
    start = rotation @ pelvis[: len(opening)].mean(axis=0)
    return Placement(rotation, np.array((-start[0], -start[1], floor)))


def place_on_floor(clip: Placement, floor: float) -> Placement:
    """The placement of one person in the clip's world, with the feet on z = 0 where the floor is the clip's.

    Args:
        floor: the ground's height under this person along the camera's y (down), metres.
    """
    if abs(floor - clip.position[2]) > _SAME_FLOOR:
        return clip
    return Placement(clip.rotation, np.array((clip.position[0], clip.position[1], floor)))
