"""One person in one picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LANDMARK_NAMES = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
# What hangs from a shoulder and from a hip.
LIMBS = {"shoulder": ("elbow", "wrist", "pinky", "index", "thumb"), "hip": ("knee", "ankle", "heel", "foot_index")}


@dataclass(frozen=True)
class PersonLandmarks:
    """One person in one picture.

    Attributes:
        person: the tracker's number, stable over the clip.
        image: (33, 3) px, px, visibility 0..1, in the full upright picture.
        world: (33, 3) metres from the middle of the hips; x right, y down, z away, as if the camera faced the person.
        presence: the network's belief that there is a person, 0..1.
        colour: (3,) mean colour of the torso, 0..1; not a number where it is not known.
    """

    person: int
    image: Array
    world: Array
    presence: float
    colour: Array = field(default_factory=lambda: np.full(3, np.nan))
