"""The camera: its focal length, the view of the person, and where the person stands before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..detect.observations import LANDMARK_NAMES
from .smoothing import low_pass

Array = NDArray[Any]

ASSUMED_FOCAL = 1.2  # times the longer side: between a phone (about 1.1) and a standard lens (about 1.4)
_DEPTH_CUTOFF_HZ = 1.5  # depth comes from apparent size, ten times noisier than the direction
_TRUNK = [LANDMARK_NAMES.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")]


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole without distortion.

    Attributes:
        focal_px: pixels.
        center_px: (x, y) pixels.
        image_size: (width, height) pixels.
    """

    focal_px: float
    center_px: tuple[float, float]
    image_size: tuple[int, int]


def intrinsics(image_size: tuple[int, int], focal_px: float | None) -> Intrinsics:
    """The given focal length, or the assumed one; the principal point is the image's centre."""
    width, height = image_size
    return Intrinsics(focal_px or ASSUMED_FOCAL * max(image_size), (width / 2, height / 2), image_size)


def view_rotations(landmarks2d: Array, camera: Intrinsics) -> Array:
    """(T, 3, 3) turns the axes of a crop that faces the person into camera axes.

    The detector sees a crop around the person and reports 3D as if the camera looked straight at it; the ray to the
    person turns that into the camera's own axes. landmarks2d: (T, 33, 3).
    """
    middle = landmarks2d[:, _TRUNK, :2].mean(axis=1) - camera.center_px
    ray = np.concatenate([middle / camera.focal_px, np.ones((len(middle), 1))], axis=1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    normal = np.cross((0.0, 0.0, 1.0), ray)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    angle = np.arctan2(length[:, 0], ray[:, 2])
    return Rotation.from_rotvec(normal / np.maximum(length, 1e-12) * angle[:, None]).as_matrix()


def locate(points: Array, landmarks2d: Array, camera: Intrinsics, rate_hz: float) -> Array:
    """Where the body stands in camera axes, by least-squares reprojection over the clip.

    Args:
        points: (T, 33, 3) the landmarks on the solved body, relative to its pelvis, camera axes, metres.
        landmarks2d: (T, 33, 3) px, px, visibility.

    Returns:
        (T, 3) position of the pelvis, metres. The depth is smoothed over the clip and the direction follows it, so
        the body stays on the person while its depth does not shake.
    """
    rays = (landmarks2d[..., :2] - camera.center_px) / camera.focal_px
    weight = np.sqrt(np.maximum(landmarks2d[..., 2], 1e-3))
    depth = low_pass(_solve_position(points, rays, weight)[:, 2], rate_hz, _DEPTH_CUTOFF_HZ)
    # With the depth known, each axis is a weighted mean: u (Z + t_z) = X + t_x.
    share = weight**2 / (points[..., 2] + depth[:, None]) ** 2
    share = share / share.sum(axis=1, keepdims=True)
    sideways = rays * (points[..., 2:] + depth[:, None, None]) - points[..., :2]
    return np.concatenate([(share[..., None] * sideways).sum(axis=1), depth[:, None]], axis=1)


def _solve_position(points: Array, rays: Array, weight: Array) -> Array:
    """(T, 3) least squares of t_x - u t_z = u Z - X and t_y - v t_z = v Z - Y over the landmarks."""
    count = points.shape[1]
    rows = np.zeros((len(points), count, 2, 3))
    rows[:, :, 0, 0] = rows[:, :, 1, 1] = 1.0
    rows[..., 2] = -rays
    right = rays * points[..., 2:] - points[..., :2]
    rows = (rows * weight[..., None, None]).reshape(len(points), -1, 3)
    right = (right * weight[..., None]).reshape(len(points), -1, 1)
    normal = rows.transpose(0, 2, 1) @ rows
    return np.linalg.solve(normal, rows.transpose(0, 2, 1) @ right)[..., 0]
