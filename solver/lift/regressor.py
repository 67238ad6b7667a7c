"""The linear map from the detector's 33 landmarks to the 24 SMPL keypoints.

Fitted on the open body in random poses and shapes: the weights that keep the mean squared keypoint error least when
every landmark is also noisy. Each keypoint's weights sum to 1, so the map follows any rotation, shift and scale.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..body import joint_transforms
from ..body_file import JOINT_NAMES, read_body
from .landmark_points import MIRRORED_JOINTS, MIRRORED_LANDMARKS, landmark_points

Array = NDArray[Any]

LANDMARK_NOISE = 0.02  # m per axis: what the detector adds, after smoothing (3 to 43 mm, by axis and clip)
_SAMPLES = 800
# Standard deviation of each axis of a random pose, radians; limbs wide, trunk narrow.
_SPREAD = {
    "hip": (0.8, 0.3, 0.3),
    "knee": (0.0, 0.1, 0.1),
    "ankle": (0.3, 0.2, 0.2),
    "foot": (0.1, 0.05, 0.05),
    "spine": (0.2, 0.15, 0.12),
    "neck": (0.25, 0.3, 0.2),
    "head": (0.25, 0.3, 0.2),
    "collar": (0.1, 0.15, 0.15),
    "shoulder": (0.5, 0.6, 0.7),
    "elbow": (0.4, 0.0, 0.15),
    "wrist": (0.2, 0.2, 0.3),
    "hand": (0.05, 0.05, 0.1),
}


@cache
def landmark_regressor() -> Array:
    """(24, 33) rows sum to 1; mirrored landmarks give mirrored keypoints."""
    landmarks, keypoints = _sample_bodies()
    count = landmarks.shape[2]
    # Minimise |W L - K|^2 + samples * noise^2 |W|^2 subject to W 1 = 1: the KKT system of equality-constrained
    # least squares, the coordinates of all samples being its rows.
    rows = landmarks.reshape(-1, count)
    targets = keypoints.reshape(-1, keypoints.shape[2])
    normal = rows.T @ rows + len(rows) * LANDMARK_NOISE**2 * np.eye(count)
    system = np.block([[normal, np.ones((count, 1))], [np.ones((1, count)), np.zeros((1, 1))]])
    right = np.vstack([rows.T @ targets, np.ones((1, targets.shape[1]))])
    weights = np.linalg.solve(system, right)[:count].T
    mirrored = weights[MIRRORED_JOINTS][:, MIRRORED_LANDMARKS]
    return (weights + mirrored) / 2


def _sample_bodies() -> tuple[Array, Array]:
    """Coordinates first: landmarks (N, 3, 33) and keypoints (N, 3, 24) of random people, pelvis at the origin."""
    body = read_body("open")
    random = np.random.default_rng(2023)
    angles = np.zeros((_SAMPLES, 24, 3))
    for joint, name in enumerate(JOINT_NAMES[1:], start=1):
        part = name.removeprefix("left_").removeprefix("right_").rstrip("123")
        angles[:, joint] = random.normal(0.0, _SPREAD[part], (_SAMPLES, 3))
    bend = np.abs(random.normal(0.0, 0.8, (4, _SAMPLES)))
    angles[:, JOINT_NAMES.index("left_knee"), 0] += bend[0]
    angles[:, JOINT_NAMES.index("right_knee"), 0] += bend[1]
    angles[:, JOINT_NAMES.index("left_elbow"), 1] -= bend[2]
    angles[:, JOINT_NAMES.index("right_elbow"), 1] += bend[3]
    # Thighs swing forward more than back, and arms hang more than they stretch out.
    angles[:, 1:3, 0] -= 0.5
    angles[:, JOINT_NAMES.index("left_shoulder"), 2] -= 0.7
    angles[:, JOINT_NAMES.index("right_shoulder"), 2] += 0.7
    rotations = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(_SAMPLES, 24, 3, 3)
    landmarks = np.empty((_SAMPLES, 33, 3))
    keypoints = np.empty((_SAMPLES, 24, 3))
    shapes = random.normal(0.0, 1.0, (30, 10))
    for shape, chosen in zip(shapes, np.array_split(np.arange(_SAMPLES), len(shapes)), strict=True):
        rest = body.rest_joints(shape)
        turned, placed = joint_transforms(rotations[chosen], rest - rest[0])
        keypoints[chosen] = placed
        landmarks[chosen] = landmark_points(body, shape).place(turned, placed)
    return landmarks.transpose(0, 2, 1), keypoints.transpose(0, 2, 1)
