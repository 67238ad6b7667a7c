"""Somebody who walks in place before a camera that looks down, as a poor detector sees it."""

import numpy as np
from scipy.spatial.transform import Rotation

from solver.body import joint_transforms
from solver.body_file import JOINT_NAMES, read_body
from solver.detect import Observations
from solver.lift import landmark_points
from solver.motion.camera import Intrinsics, intrinsics, view_rotations

BODY = read_body("open")
BETAS = np.array([1.2, -0.8, 0.5, 0, 0, 0.3, 0, 0, 0, 0])
CAMERA: Intrinsics = intrinsics((1280, 720), 1500.0)
UPRIGHT = np.diag((1.0, -1.0, -1.0))  # SMPL's axes to those of a camera that the body faces


def walking_poses(count: int, rate_hz: float = 30.0) -> np.ndarray:
    """(T, 24, 3, 3) a step a second."""
    phase = np.pi * np.arange(count) / rate_hz * 2
    angles = np.zeros((count, 24, 3))
    angles[:, JOINT_NAMES.index("left_hip"), 0] = -0.3 - 0.4 * np.sin(phase)
    angles[:, JOINT_NAMES.index("right_hip"), 0] = -0.3 + 0.4 * np.sin(phase)
    angles[:, JOINT_NAMES.index("left_knee"), 0] = 0.5 + 0.4 * np.cos(phase)
    angles[:, JOINT_NAMES.index("right_knee"), 0] = 0.5 - 0.4 * np.cos(phase)
    angles[:, JOINT_NAMES.index("left_shoulder"), 2] = -1.1
    angles[:, JOINT_NAMES.index("right_shoulder"), 2] = 1.1
    angles[:, JOINT_NAMES.index("left_elbow"), 1] = -0.7
    angles[:, JOINT_NAMES.index("right_elbow"), 1] = 0.7
    return Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(count, 24, 3, 3)


def seen_walk(count: int, rate_hz: float = 30.0, pitch: float = 0.0):
    """Observations, and the true keypoints (T, 24, 3) from the pelvis in the picture's axes.

    The detector's depth is much too flat and its landmarks lie 5 cm off, the same way all the time; `pitch` is how far
    the camera looks down, radians.
    """
    rest = BODY.rest_joints(BETAS)
    turned, placed = joint_transforms(walking_poses(count, rate_hz), rest - rest[0])
    marks = landmark_points(BODY, BETAS).place(turned, placed)
    camera = Rotation.from_euler("x", pitch).as_matrix() @ Rotation.from_euler("y", 0.6).as_matrix() @ UPRIGHT
    marks, joints = marks @ camera.T, placed @ camera.T
    away = marks + np.array((0.3, 0.2, 4.5))
    pixels = away[..., :2] / away[..., 2:] * CAMERA.focal_px + CAMERA.center_px
    image = np.concatenate([pixels, np.ones((count, 33, 1))], -1)
    crop = np.einsum("tji,tlj->tli", view_rotations(image, CAMERA), marks)
    guess = crop * (1, 1, 0.6) + np.random.default_rng(0).normal(0, 0.03, (33, 3))
    guess -= guess[:, 23:25].mean(axis=1, keepdims=True)
    times = np.arange(count) / rate_hz
    return Observations(1, times, image, guess, np.ones(count, bool), CAMERA.image_size), joints
