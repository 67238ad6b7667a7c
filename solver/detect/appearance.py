"""What somebody looks like: enough to tell two people apart who cross."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .person_landmarks import LANDMARK_NAMES

Array = NDArray[Any]

_CORNERS = [LANDMARK_NAMES.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
_INNER = np.linspace(0.2, 0.8, 6)  # of the way across the torso: its rim shows arms and what is behind


def torso_colour(rgb: Array, image: Array) -> Array:
    """(3,) mean colour of the torso, 0..1; not a number where it lies outside the picture.

    Args:
        rgb: (H, W, 3) uint8.
        image: (33, 3) landmarks: px, px, visibility.
    """
    shoulders, hips = image[_CORNERS[:2], :2], image[_CORNERS[2:], :2]
    across = _INNER[:, None]
    top, bottom = ((1 - across) * pair[0] + across * pair[1] for pair in (shoulders, hips))
    down = _INNER[:, None, None]
    points = np.rint((1 - down) * top + down * bottom).astype(int).reshape(-1, 2)
    height, width = rgb.shape[:2]
    inside = (points >= 0).all(axis=1) & (points[:, 0] < width) & (points[:, 1] < height)
    if not inside.any():
        return np.full(3, np.nan)
    columns, rows = points[inside].T
    return rgb[rows, columns].mean(axis=0) / 255
