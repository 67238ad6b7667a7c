"""Where the detector marks the 33 landmarks in the picture, which is not quite where they are on the body.

An ankle is marked 3 cm above and before the joint, an ear 4 cm further in, a thumb at its knuckle. Measured in the
films of the lifter's training set, where the truth is known, by addon_assets/lifter/measure_seen_points.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..body_file import Body
from ..detect.person_landmarks import LANDMARK_NAMES
from .landmark_points import LandmarkPoints, landmark_points

Array = NDArray[Any]

# m, from the landmark on the body, in the rest frame of the part that carries it; of the middle and the left side.
_ASIDE = {
    "nose": (0.000, 0.011, -0.018),
    "left_eye_inner": (-0.005, 0.008, -0.011),
    "left_eye": (-0.009, 0.008, -0.015),
    "left_eye_outer": (-0.011, 0.008, -0.011),
    "left_ear": (-0.036, -0.005, 0.026),
    "mouth_left": (-0.011, 0.027, -0.021),
    "left_shoulder": (-0.010, -0.006, 0.011),
    "left_elbow": (0.001, 0.004, 0.013),
    "left_wrist": (0.007, 0.001, 0.004),
    "left_pinky": (-0.025, 0.002, 0.019),
    "left_index": (-0.034, 0.002, -0.001),
    "left_thumb": (-0.020, 0.030, -0.031),
    "left_hip": (-0.015, 0.013, 0.006),
    "left_knee": (0.002, 0.014, -0.011),
    "left_ankle": (-0.001, 0.024, 0.015),
    "left_heel": (0.007, 0.018, 0.023),
    "left_foot_index": (0.009, -0.001, -0.021),
}


def seen_points(body: Body, betas: Array) -> LandmarkPoints:
    """`landmark_points`, each moved to where the detector marks it."""
    points = landmark_points(body, betas)
    return LandmarkPoints(points.joint, points.offset + _aside())


def _aside() -> Array:
    """(33, 3) m; mirrored landmarks are moved alike."""
    aside = np.zeros((len(LANDMARK_NAMES), 3))
    for index, name in enumerate(LANDMARK_NAMES):
        if name in _ASIDE:
            aside[index] = _ASIDE[name]
        elif name.replace("right", "left") in _ASIDE:
            aside[index] = np.array(_ASIDE[name.replace("right", "left")]) * (-1, 1, 1)
    return aside
