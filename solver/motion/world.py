"""The world, first version: Z up, the person at the origin facing -Y, feet on z = 0.

Gravity is the camera's down. The floor follows the lowest foot over about a second, so that a jump stays a jump while
a slow drift of depth does not lift the person off the ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

Array = NDArray[Any]

# Camera axes (x right, y down, z forward) of a level camera that looks along +Y.
LEVEL = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)))
_FLOOR_WINDOW_SECONDS = 1.0
_START_SECONDS = 0.5


@dataclass(frozen=True)
class Placement:
    """How camera space lies in the world: world = rotation @ camera + position.

    Attributes:
        rotation: (3, 3).
        position: (3,) the camera's centre, metres.
        lift: (T,) added to the body's height at each moment so that its feet meet the floor, metres.
    """

    rotation: Array
    position: Array
    lift: Array


def place_in_world(pelvis: Array, pelvis_rotation: Array, soles: Array, rate_hz: float) -> Placement:
    """Turn, move and ground a person seen by a level camera.

    Args:
        pelvis: (T, 3) in camera axes, metres.
        pelvis_rotation: (T, 3, 3) SMPL's joint 0 in camera axes.
        soles: (T, P, 3) points under the feet, camera axes.
    """
    opening = slice(0, max(1, round(_START_SECONDS * rate_hz)))
    forward = (LEVEL @ pelvis_rotation[opening, :, 2].mean(axis=0))[:2]
    yaw = -np.pi / 2 - np.arctan2(forward[1], forward[0])
    rotation = Rotation.from_euler("z", yaw).as_matrix() @ LEVEL
    start = rotation @ pelvis[opening].mean(axis=0)
    lowest = (soles @ rotation.T)[..., 2].min(axis=1)
    window = max(1, round(_FLOOR_WINDOW_SECONDS * rate_hz))
    floor = gaussian_filter1d(minimum_filter1d(lowest, window, mode="nearest"), window / 4, mode="nearest")
    ground = float(np.median(floor))
    return Placement(rotation, -np.array((start[0], start[1], ground)), ground - floor)
