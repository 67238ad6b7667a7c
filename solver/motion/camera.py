"""The camera: its focal length and tilt, the view of the person, and where the person stands before it.

A camera that looks down or leans to a side is treated as a level one at the same place: seen from one point, a turn of
the camera only moves the picture. What is called camera axes from here on are that level camera's: y is gravity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..detect.person_landmarks import LANDMARK_NAMES
from ..stretches import stretches
from .contacts import FOOT_POINTS
from .smoothing import bridge_positions, low_pass

Array = NDArray[Any]

_DEPTH_CUTOFF_HZ = 2.5  # depth is many times noisier than direction
_IMAGE_SIGMA = 0.02  # m at the person: how far a landmark in the picture is off
_INDEPENDENT = 0.03  # of the landmarks: they err together, a crouch seen as a step away above all
_FLOOR_SIGMA = 0.01  # m
_AIRBORNE = 0.08  # m above the floor where a foot begins to count as being in the air
_ELSEWHERE = 0.2  # m under the floor where it begins to count as standing on another one
_FLOOR_ITERATIONS = 10
_TALLEST = 0.3  # of the clip
_FOOT_POINT_HEIGHTS = np.array((0.017, 0.0, 0.017, 0.0))  # m: heel, toe, heel, toe of a flat foot, above the toes
_NEAR_FLOOR = 0.1  # m
_PIXEL_SIGMA = 5.0  # px
_FOOT_DEPTH_SIGMA = 0.06  # m: how far the detector's depth of a foot's point is off
_LARGEST_STEP = 0.2  # m
_FLATTEST = 0.05  # depth of a ray of length 1 beyond which it is treated as if it were so far aside
_TRUNK = [LANDMARK_NAMES.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")]


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole without distortion.

    Attributes:
        focal_px: pixels.
        center_px: (x, y) pixels.
        image_size: (width, height) pixels.
        level: (3, 3), or (T, 3, 3) for a camera that turned, the picture's axes (x right, y down, z forward) into
            those of a level camera that stands still.
    """

    focal_px: float
    center_px: tuple[float, float]
    image_size: tuple[int, int]
    level: Array = field(default_factory=lambda: np.eye(3))

    def picture_rays(self, pixels: Array) -> Array:
        """(..., 2) x and y at depth 1 of pixels (..., 2), in the picture's own axes."""
        return (pixels - self.center_px) / self.focal_px

    def rays(self, pixels: Array) -> Array:
        """(T, ..., 2) x and y at depth 1 of pixels (T, ..., 2), in camera axes."""
        rays = np.empty(pixels.shape)
        for part in (stretch.kept for stretch in stretches(len(pixels))):
            seen = self.picture_rays(pixels[part])
            level = self.level[part] if self.level.ndim == 3 else self.level
            turned = np.concatenate((seen, np.ones_like(seen[..., :1])), axis=-1) @ np.swapaxes(level, -1, -2)
            rays[part] = turned[..., :2] / np.maximum(turned[..., 2:], _FLATTEST)
        return rays


def level_by(up: Array) -> Array:
    """(3, 3) the shortest turn that brings `up` (3,), against gravity in the picture's axes, onto -y."""
    up = up / np.linalg.norm(up)
    normal = np.cross(up, (0.0, -1.0, 0.0))
    length = float(np.linalg.norm(normal))
    return Rotation.from_rotvec(normal / max(length, 1e-12) * np.arctan2(length, -up[1])).as_matrix()


def intrinsics(image_size: tuple[int, int], focal_px: float) -> Intrinsics:
    """A camera whose principal point is the image's centre."""
    width, height = image_size
    return Intrinsics(focal_px, (width / 2, height / 2), image_size)


def view_rotations(landmarks2d: Array, camera: Intrinsics) -> Array:
    """(T, 3, 3) turns the axes of a crop that faces the person into camera axes.

    The detector sees a crop around the person and reports 3D as if the camera looked straight at it; the ray to the
    person turns that into the picture's own axes, and the camera's tilt into camera axes. landmarks2d: (T, 33, 3).
    """
    middle = camera.picture_rays(landmarks2d[:, _TRUNK, :2]).mean(axis=1)
    ray = np.concatenate([middle, np.ones((len(middle), 1))], axis=1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    normal = np.cross((0.0, 0.0, 1.0), ray)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    angle = np.arctan2(length[:, 0], ray[:, 2])
    return camera.level @ Rotation.from_rotvec(normal / np.maximum(length, 1e-12) * angle[:, None]).as_matrix()


@dataclass(frozen=True)
class Location:
    """Where the body stands before the camera, camera axes.

    Attributes:
        pelvis: (T, 3) metres.
        floor: height of the ground along the camera's y (down), metres.
    """

    pelvis: Array
    floor: float


def put_on_rays(points: Array, landmarks2d: Array, camera: Intrinsics, rate_hz: float) -> Array:
    """The landmarks moved sideways onto the rays on which they are seen; each keeps its depth.

    The detector is sharp in the picture and vague in 3D: this takes from each what it knows best. A landmark that is
    not seen keeps its place. Heels and toes near the floor take their depth from it: the detector sees feet too short
    and therefore pointing down. Returns (T, 33, 3) relative to the pelvis, as `points`.
    """
    location = locate(points, points[:, FOOT_POINTS], landmarks2d, camera, rate_hz)
    rays = camera.rays(landmarks2d[..., :2])
    depth = points[..., 2] + location.pelvis[:, None, 2]
    depth[:, FOOT_POINTS] = _depth_on_floor(depth[:, FOOT_POINTS], rays[:, FOOT_POINTS, 1], location.floor, camera)
    moved = np.empty_like(points)
    for part in (stretch.kept for stretch in stretches(len(points))):
        seen = np.concatenate([rays[part], np.ones_like(rays[part, :, :1])], axis=-1) * depth[part, :, None]
        seen -= location.pelvis[part, None]
        moved[part] = points[part] + landmarks2d[part, :, 2:] * (seen - points[part])
    return moved


def _depth_on_floor(depth: Array, slope: Array, floor: float, camera: Intrinsics) -> Array:
    """(T, 4) depth of heels and toes where their rays meet the floor, as far as they are near it and it can be told.

    depth: (T, 4) as the detector guesses it; slope: (T, 4) y of the rays at depth 1.
    """
    height = floor - slope * depth
    falling = np.maximum(slope, 1e-3)
    met = (floor - _FOOT_POINT_HEIGHTS) / falling
    blur = _PIXEL_SIGMA / camera.focal_px * met / falling
    trust = np.exp(-((height / _NEAR_FLOOR) ** 2)) / (1 + (blur / _FOOT_DEPTH_SIGMA) ** 2)
    return depth + trust * np.clip(met - depth, -_LARGEST_STEP, _LARGEST_STEP)


def locate(points: Array, soles: Array, landmarks2d: Array, camera: Intrinsics, rate_hz: float) -> Location:
    """Put the body where its landmarks fall on the seen ones and its lower foot on one floor.

    Apparent size alone gives a shaky depth: one per cent of error in a leg is centimetres at the feet. A floor that
    is level with the camera settles it, because feet lower in the picture are nearer. A jump is an outlier to the
    floor and stays in the air.

    Args:
        points: (T, 33, 3) the landmarks on the solved body, relative to its pelvis, camera axes, metres.
        soles: (T, P, 3) points under the feet, likewise.
        landmarks2d: (T, 33, 3) px, px, visibility.
    """
    rays = camera.rays(landmarks2d[..., :2])
    lowest = soles[..., 1].max(axis=1)
    normal, right = _reprojection(points, rays, np.maximum(landmarks2d[..., 2], 1e-3))
    position = np.linalg.solve(normal, right)[..., 0]
    # Foreshortened limbs look farther away than they are: the floor is found while the body stands tallest.
    stature = lowest - points[..., 1].min(axis=1)
    tall = stature >= np.quantile(stature, 1 - _TALLEST)
    floor = float(np.median((position[:, 1] + lowest)[tall]))
    # The rows are in metres at the person's depth; neighbouring landmarks err together and count as a few.
    information = _INDEPENDENT / _IMAGE_SIGMA**2
    normal, right = normal * information, right * information
    for _ in range(_FLOOR_ITERATIONS):
        above = floor - (position[:, 1] + lowest)
        trust = (1 + (above / np.where(above > 0, _AIRBORNE, _ELSEWHERE)) ** 2) ** -2 / _FLOOR_SIGMA**2
        held, pulled = normal.copy(), right.copy()
        held[:, 1, 1] += trust
        pulled[:, 1, 0] += trust * (floor - lowest)
        position = np.linalg.solve(held, pulled)[..., 0]
    position = bridge_positions(position, landmarks2d[..., 2].max(axis=1) > 0)
    return Location(_smooth_along_rays(position, points, rays, landmarks2d[..., 2], rate_hz), floor)


def _smooth_along_rays(position: Array, points: Array, rays: Array, visibility: Array, rate_hz: float) -> Array:
    """Depth low-passed, direction as seen: the body stays on the person while its depth does not shake."""
    depth = low_pass(position[:, 2], rate_hz, _DEPTH_CUTOFF_HZ)
    shift = (depth - position[:, 2])[:, None]
    share = np.maximum(visibility, 1e-3)
    middle = (rays * share[..., None]).sum(axis=1) / share.sum(axis=1, keepdims=True)
    return np.concatenate([position[:, :2] + middle * shift, depth[:, None]], axis=1)


def _reprojection(points: Array, rays: Array, weight: Array) -> tuple[Array, Array]:
    """Normal equations (T, 3, 3), (T, 3, 1) of t_x - u t_z = u Z - X and t_y - v t_z = v Z - Y over the landmarks.

    Dividing by the depth, about the same for all, would turn them into angles.
    """
    u, v = rays[..., 0], rays[..., 1]
    right_x = u * points[..., 2] - points[..., 0]
    right_y = v * points[..., 2] - points[..., 1]
    normal = np.zeros((len(points), 3, 3))
    normal[:, 0, 0] = normal[:, 1, 1] = weight.sum(axis=1)
    normal[:, 0, 2] = normal[:, 2, 0] = -(weight * u).sum(axis=1)
    normal[:, 1, 2] = normal[:, 2, 1] = -(weight * v).sum(axis=1)
    normal[:, 2, 2] = (weight * (u * u + v * v)).sum(axis=1)
    right = np.zeros((len(points), 3, 1))
    right[:, 0, 0] = (weight * right_x).sum(axis=1)
    right[:, 1, 0] = (weight * right_y).sum(axis=1)
    right[:, 2, 0] = -(weight * (u * right_x + v * right_y)).sum(axis=1)
    return normal, right
