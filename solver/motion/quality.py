"""What an animator sees in a take, in figures: sliding, sinking and floating feet, jitter, speeds, swapped limbs.

Feet are heels and toes of the body's surface, at the height of their soles. A contact is an unbroken stretch of at
least 0.1 s in which a point is planted with a probability above one half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt
from scipy.spatial.transform import Rotation

from ..body import joint_transforms
from ..body_file import JOINT_NAMES, PARENTS, Body
from ..lift import landmark_points
from ..stretches import runs
from ..take import Take
from .contacts import FOOT_POINTS

Array = NDArray[Any]

_SHORTEST_CONTACT = 0.1  # s
_WORST = 95  # percentile: a single moment is no fault that anybody sees
_LOW_PASS = 8.0  # Hz: people move below, noise is above
FAST_JOINTS = [JOINT_NAMES.index(f"{side}_{part}") for side in ("left", "right") for part in ("wrist", "ankle")]
_PAIRS = {
    limb: [[JOINT_NAMES.index(f"{side}_{part}") for part in parts] for side in ("left", "right")]
    for limb, parts in (("legs", ("knee", "ankle", "foot")), ("arms", ("elbow", "wrist", "hand")))
}
_FIRST_CHILD = [next((c for c, p in enumerate(PARENTS) if p == k), -1) for k in range(len(PARENTS))]


@dataclass(frozen=True)
class Feet:
    """How feet meet the floor at z = 0.

    Attributes:
        slip: how far a planted point strays from where it landed, mean over contacts, m; None without contacts.
        slip_speed: mean speed over the floor in contact, m/s; None without contacts.
        penetration: depth of the lowest point under the floor, 95th percentile of the moments, m.
        floating: height of planted points over the floor, 95th percentile, m; None without contacts.
    """

    slip: float | None
    slip_speed: float | None
    penetration: float
    floating: float | None


def sole_points(take: Take, body: Body) -> Array:
    """(T, 4, 3) left heel, left toe, right heel, right toe in the world, m, moved down to the sole."""
    rest, vertices = body.rest_joints(take.betas), body.rest_vertices(take.betas)
    marks = landmark_points(body, take.betas)
    local = Rotation.from_rotvec(take.poses.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
    turned, placed = joint_transforms(local, rest)
    chosen = list(FOOT_POINTS)
    heights = rest[marks.joint[chosen], 1] + marks.offset[chosen, 1] - vertices[:, 1].min()
    points = marks.place(turned, placed)[:, chosen] + take.trans[:, None]
    points[..., 2] -= heights
    return points


def measure_feet(points: Array, contacts: Array, rate_hz: float) -> Feet:
    """Sole points (T, 4, 3), m, against contact probabilities (T, 4)."""
    planted = contacts > 0.5
    strays: list[float] = []
    for foot in range(points.shape[1]):
        for first, last in runs(planted[:, foot], max(2, round(_SHORTEST_CONTACT * rate_hz))):
            there = points[first:last, foot, :2]
            strays.append(float(np.linalg.norm(there - there[0], axis=-1).max()))
    both = planted[1:] & planted[:-1]
    speeds = np.linalg.norm(np.diff(points[..., :2], axis=0), axis=-1)[both] * rate_hz
    heights = points[..., 2][planted]
    return Feet(
        slip=float(np.mean(strays)) if strays else None,
        slip_speed=float(speeds.mean()) if speeds.size else None,
        penetration=float(np.percentile(np.maximum(-points[..., 2].min(axis=1), 0), _WORST)),
        floating=float(np.percentile(np.maximum(heights, 0), _WORST)) if heights.size else None,
    )


def jitter(joints: Array, rate_hz: float) -> float:
    """Mean jerk of joints (T, 24, 3), m/s^3."""
    return float(np.linalg.norm(np.diff(joints, 3, axis=0), axis=-1).mean() * rate_hz**3)


def limb_rotation_errors(poses: Array, truth: Array, rest: Array) -> tuple[float, float]:
    """Mean errors of the joints' relative rotations, (T, 72) each, swing and twist about the bone to the first child,
    rad; without root and leaves. `rest` (24, 3) are the rest joints."""
    inner = [k for k in range(1, len(PARENTS)) if _FIRST_CHILD[k] >= 0]
    axis = np.array([rest[_FIRST_CHILD[k]] - rest[k] for k in inner])
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    ours, theirs = (p.reshape(-1, 24, 3)[:, inner] for p in (poses, truth))
    error = Rotation.from_rotvec(theirs.reshape(-1, 3)).inv() * Rotation.from_rotvec(ours.reshape(-1, 3))
    quaternion = error.as_quat().reshape(-1, len(inner), 4)  # x, y, z, w
    along = (quaternion[..., :3] * axis).sum(-1)
    twist = 2 * np.arctan2(np.abs(along), np.abs(quaternion[..., 3]))
    swing = 2 * np.arccos(np.clip(np.hypot(along, quaternion[..., 3]), 0, 1))
    return float(swing.mean()), float(twist.mean())


def speed_ratios(joints: Array, truth: Array, rate_hz: float) -> tuple[float, float]:
    """Root mean square speed of wrists and ankles, and peak speed of the fastest of them, over the truth's.

    Joints (T, 24, 3) are both low-passed at 8 Hz first.
    """
    ours, theirs = (
        np.linalg.norm(np.diff(_low_passed(points[:, FAST_JOINTS], rate_hz), axis=0), axis=-1)
        for points in (joints, truth)
    )
    fastest = int(theirs.max(axis=0).argmax())
    return (
        float(np.sqrt((ours**2).mean() / max((theirs**2).mean(), 1e-12))),
        float(ours[:, fastest].max() / max(theirs[:, fastest].max(), 1e-6)),
    )


def count_swaps(joints: Array, truth: Array) -> int:
    """Moments in which legs or arms fit the truth better with left for right.

    Joints (T, 24, 3) of both are compared root on root, so they must have the same axes: the camera's, not two worlds'.
    """
    ours, theirs = joints - joints[:, :1], truth - truth[:, :1]
    swapped = np.zeros(len(ours), bool)
    for left, right in _PAIRS.values():
        straight = np.linalg.norm(ours[:, left + right] - theirs[:, left + right], axis=-1).mean(axis=1)
        crossed = np.linalg.norm(ours[:, left + right] - theirs[:, right + left], axis=-1).mean(axis=1)
        apart = np.linalg.norm(theirs[:, left] - theirs[:, right], axis=-1).mean(axis=1)
        swapped |= (crossed < straight) & (straight - crossed > 0.25 * apart)
    return int(swapped.sum())


def _low_passed(points: Array, rate_hz: float) -> Array:
    if rate_hz <= 2 * _LOW_PASS or len(points) < 16:
        return points
    return sosfiltfilt(butter(2, _LOW_PASS, fs=rate_hz, output="sos"), points, axis=0)
