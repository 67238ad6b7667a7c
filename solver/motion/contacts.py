"""Which parts of the feet are planted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..detect.person_landmarks import LANDMARK_NAMES

Array = NDArray[Any]

FOOT_POINTS = tuple(
    LANDMARK_NAMES.index(f"{side}_{point}") for side in ("left", "right") for point in ("heel", "foot_index")
)
_PLANTED_HEIGHT, _HEIGHT_SPREAD = 0.06, 0.02  # m
_LOWEST, _LOWEST_SPREAD = -0.3, 0.05  # m: deeper is not on this floor but on another
_PLANTED_SPEED, _SPEED_SPREAD = 0.52, 0.12  # m/s


def contact_probability(feet: Array, rate_hz: float) -> Array:
    """(T, 4) probability that a point of the foot is planted: low and slow at once.

    feet: (T, 4, 3) left heel, left toe, right heel, right toe in the world, metres.
    """
    if len(feet) > 1:
        steps = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * rate_hz
        # A foot stands in the last moment before it leaves: it has not moved since the one before.
        speed = np.minimum(np.concatenate((steps[:1], steps)), np.concatenate((steps, steps[-1:])))
    else:
        speed = np.zeros(feet.shape[:2])
    low = _falling(feet[..., 2], _PLANTED_HEIGHT, _HEIGHT_SPREAD) * _falling(-feet[..., 2], -_LOWEST, _LOWEST_SPREAD)
    return low * _falling(speed, _PLANTED_SPEED, _SPEED_SPREAD)


def _falling(value: Array, middle: float, spread: float) -> Array:
    return 1 / (1 + np.exp(np.clip((value - middle) / spread, -50, 50)))
