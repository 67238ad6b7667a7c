"""Where the detector's 33 landmarks sit on the body: each is a point fixed to one body part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..body_file import JOINT_NAMES, Body, read_body
from ..detect.person_landmarks import LANDMARK_NAMES

Array = NDArray[Any]


def _mirrored(name: str) -> str:
    return name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")


MIRRORED_LANDMARKS = np.array([LANDMARK_NAMES.index(_mirrored(name)) for name in LANDMARK_NAMES])
MIRRORED_JOINTS = np.array([JOINT_NAMES.index(_mirrored(name)) for name in JOINT_NAMES])


@dataclass(frozen=True)
class LandmarkPoints:
    """The landmarks on one shaped body.

    Attributes:
        joint: (33,) the joint whose body part carries the landmark.
        offset: (33, 3) from that joint, in the body part's rest frame, metres.
    """

    joint: Array
    offset: Array

    def place(self, turned: Array, placed: Array) -> Array:
        """(..., 33, 3) landmarks for global rotations (..., 24, 3, 3) and joint positions (..., 24, 3)."""
        moved = np.einsum("...lij,lj->...li", turned[..., self.joint, :, :], self.offset)
        return placed[..., self.joint, :] + moved


def landmark_points(body: Body, betas: Array) -> LandmarkPoints:
    """The landmarks on `body` shaped by `betas` (10,).

    A body file that names no surface points (every SMPL file) borrows the open body's offsets: rest frames agree.
    """
    if not body.landmarks:
        return landmark_points(read_body("open"), np.zeros(10))
    joints = body.rest_joints(betas)
    vertices = body.rest_vertices(betas)
    left = {
        name: _left_landmark(name, joints, vertices, body.landmarks) for name in LANDMARK_NAMES if "right" not in name
    }
    joint = np.zeros(len(LANDMARK_NAMES), np.int64)
    offset = np.zeros((len(LANDMARK_NAMES), 3))
    for index, name in enumerate(LANDMARK_NAMES):
        base, point = left[name.replace("right", "left")]
        joint[index] = base
        offset[index] = point - joints[base]
        if "right" in name:
            joint[index] = MIRRORED_JOINTS[base]
            offset[index] *= (-1, 1, 1)
    return LandmarkPoints(joint, offset)


def _left_landmark(name: str, joints: Array, vertices: Array, named: dict[str, int]) -> tuple[int, Array]:
    """The joint that carries a landmark of the middle or the left side, and the landmark's rest position."""
    at = {joint: index for index, joint in enumerate(JOINT_NAMES)}
    knuckle = at["left_hand"]
    surface: dict[str, tuple[str, Array]] = {
        "nose": ("head", vertices[named["nose"]]),
        "left_eye_inner": ("head", vertices[named["leye"]] + (-0.012, 0.0, 0.0)),
        "left_eye": ("head", vertices[named["leye"]]),
        "left_eye_outer": ("head", vertices[named["leye"]] + (0.012, 0.0, -0.01)),
        "left_ear": ("head", vertices[named["lear"]]),
        "mouth_left": ("head", vertices[named["nose"]] + (0.025, -0.05, -0.01)),
        # The detector means the first knuckles; the body names the fingertips.
        "left_pinky": ("left_hand", (joints[knuckle] + vertices[named["lpinky"]]) / 2),
        "left_index": ("left_hand", (joints[knuckle] + vertices[named["lindex"]]) / 2),
        "left_thumb": ("left_wrist", vertices[named["lthumb"]]),
        # The detector's annotators mark hips at the skin's width, above the joint's centre.
        "left_hip": ("pelvis", joints[at["left_hip"]] + (0.03, 0.03, 0.0)),
        "left_heel": ("left_ankle", vertices[named["LHeel"]]),
        "left_foot_index": ("left_foot", vertices[named["LBigToe"]]),
    }
    if name in surface:
        carrier, point = surface[name]
        return at[carrier], point
    return at[name], joints[at[name]]
