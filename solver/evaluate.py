"""A take's quality: what it shows by itself, and the field's figures against its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body_file import Body
from .errors import BadInput
from .motion.quality import (
    FAST_JOINTS,
    count_swaps,
    jitter,
    limb_rotation_errors,
    measure_feet,
    sole_points,
    speed_ratios,
)
from .take import Take

Array = NDArray[Any]

_DOUBTFUL = 0.5  # mean confidence of the joints below which a moment is doubtful


@dataclass(frozen=True)
class Report:
    """How far a take's 24 joints are from the truth's.

    Attributes:
        moments: how many moments of the take lie within the truth.
        mpjpe: mean per-joint position error in camera axes after moving the pelvis onto the truth's, m. Worlds differ:
            each begins with the way its person happens to face; the camera is the same.
        pa_mpjpe: the same after the best similarity transform of each moment (Procrustes), m.
        root_aligned: the same after one rotation for the whole clip, pelvis on pelvis, m.
        world: with nothing but one rotation about Z and one shift for the whole clip, m.
        acceleration_error: m/s^2.
        speed_ratio: mean speed of wrists and ankles, take over truth; 1 is neither frozen nor shaking.
    """

    moments: int
    mpjpe: float
    pa_mpjpe: float
    root_aligned: float
    world: float
    acceleration_error: float
    speed_ratio: float


def measure(take: Take, body: Body, truth: Take | None = None) -> dict[str, float | int | None]:
    """Every figure by name, in the unit that the name says; None where there is nothing to measure.

    With the truth, its contacts say when feet are planted; without, the take's own.

    Args:
        body: the take's body model.

    Raises:
        BadInput: the take and the truth share fewer than three moments.
    """
    moments = np.ones(len(take), bool) if truth is None else _inside(take, truth)
    contacts = take.contacts if truth is None else _at(truth, take.timestamps, truth.contacts)
    feet = measure_feet(sole_points(take, body)[moments], contacts[moments], take.framerate)
    joints = take.keypoints3d[moments].astype(np.float64)
    own: dict[str, float | int | None] = {
        "moments": int(moments.sum()),
        "jitter_m_s3": jitter(joints, take.framerate) if len(joints) > 3 else None,
        "foot_slip_cm": _scaled(feet.slip, 100),
        "foot_slip_cm_s": _scaled(feet.slip_speed, 100),
        "penetration_cm": 100 * feet.penetration,
        "float_cm": _scaled(feet.floating, 100),
        "swaps_repaired": _whole(take.meta.get("swaps_repaired")),
        "low_confidence_share": float((take.confidence[moments].mean(axis=1) < _DOUBTFUL).mean()),
    }
    if truth is None:
        return own
    report = compare(take, truth)
    theirs = _at(truth, take.timestamps[moments], truth.keypoints3d)
    # The truth's moment that is nearest: rotations are not interpolated as numbers.
    nearest = np.abs(truth.timestamps[None] - take.timestamps[moments][:, None]).argmin(axis=1)
    swing, twist = limb_rotation_errors(take.poses[moments], truth.poses[nearest], body.rest_joints(take.betas))
    speed, peak = speed_ratios(joints, theirs, take.framerate)
    path = [points[:, 0, :2] - points[:1, 0, :2] for points in (_upright_alignment(joints, theirs), theirs)]
    return {
        "mpjpe_mm": 1000 * report.mpjpe,
        "pa_mpjpe_mm": 1000 * report.pa_mpjpe,
        "root_aligned_mm": 1000 * report.root_aligned,
        "world_mm": 1000 * report.world,
        "swing_deg": float(np.degrees(swing)),
        "twist_deg": float(np.degrees(twist)),
        "accel_error_m_s2": report.acceleration_error,
        "rms_speed_ratio": speed,
        "peak_speed_ratio": peak,
        "root_drift_cm": 100 * float(np.linalg.norm(path[0][-1] - path[1][-1])),
        "swaps": count_swaps(joints @ _camera_axes(take), theirs @ _camera_axes(truth)),
        **own,
    }


def compare(take: Take, truth: Take) -> Report:
    """Compare at the take's moments, the truth interpolated in time.

    Raises:
        BadInput: the two share fewer than three moments.
    """
    inside = _inside(take, truth)
    ours = take.keypoints3d[inside].astype(np.float64)
    theirs = _at(truth, take.timestamps[inside], truth.keypoints3d)
    ours_rooted, theirs_rooted = ours - ours[:, :1], theirs - theirs[:, :1]
    turn = _rotation(ours_rooted.reshape(-1, 3), theirs_rooted.reshape(-1, 3))
    aligned = _procrustes(ours, theirs)
    speed = [np.linalg.norm(np.diff(points[:, FAST_JOINTS], axis=0), axis=-1).mean() for points in (ours, theirs)]
    return Report(
        moments=int(inside.sum()),
        mpjpe=_mean_distance(ours_rooted @ _camera_axes(take), theirs_rooted @ _camera_axes(truth)),
        pa_mpjpe=_mean_distance(aligned, theirs),
        root_aligned=_mean_distance(ours_rooted @ turn.T, theirs_rooted),
        world=_mean_distance(_upright_alignment(ours, theirs), theirs),
        acceleration_error=_mean_distance(
            np.diff(ours_rooted @ turn.T, 2, axis=0) * take.framerate**2,
            np.diff(theirs_rooted, 2, axis=0) * take.framerate**2,
        ),
        speed_ratio=float(speed[0] / max(speed[1], 1e-9)),
    )


def format_figures(figures: dict[str, float | int | None]) -> str:
    """The figures as a person reads them, one a line, named as in `measure`."""
    return "\n".join(f"{name:21}{_written(value)}" for name, value in figures.items())


def _written(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value


def _inside(take: Take, truth: Take) -> Array:
    """(T,) which of the take's moments lie within the truth."""
    inside = (take.timestamps >= truth.timestamps[0] - 1e-6) & (take.timestamps <= truth.timestamps[-1] + 1e-6)
    if inside.sum() < 3:
        raise BadInput("The take and its truth share no time.", hint="Compare takes of the same clip.")
    return inside


def _at(truth: Take, times: Array, values: Array) -> Array:
    """The truth's `values` (T, ...) between its moments."""
    flat = values.reshape(len(truth), -1).astype(np.float64)
    return np.stack([np.interp(times, truth.timestamps, column) for column in flat.T], -1).reshape(
        len(times), *values.shape[1:]
    )


def _camera_axes(take: Take) -> Array:
    """(3, 3) whose columns are the camera's axes in the world."""
    return np.array(take.camera.rotation)


def _mean_distance(ours: Array, theirs: Array) -> float:
    return float(np.linalg.norm(ours - theirs, axis=-1).mean())


def _rotation(source: Array, target: Array) -> Array:
    """(3, 3) the rotation that turns `source` (N, 3) onto `target` best."""
    left, _, right = np.linalg.svd(target.T @ source)
    return (left * (1, 1, np.linalg.det(left @ right))) @ right


def _procrustes(ours: Array, theirs: Array) -> Array:
    """Each moment of `ours` (T, 24, 3) moved onto `theirs` by its best similarity (Umeyama 1991)."""
    ours_mean, theirs_mean = ours.mean(axis=1, keepdims=True), theirs.mean(axis=1, keepdims=True)
    a, b = ours - ours_mean, theirs - theirs_mean
    left, values, right = np.linalg.svd(np.einsum("tki,tkj->tij", b, a))
    sign = np.ones((len(a), 3))
    sign[:, 2] = np.linalg.det(left @ right)
    turn = (left * sign[:, None]) @ right
    scale = (values * sign).sum(axis=1) / (a**2).sum(axis=(1, 2))
    return scale[:, None, None] * np.einsum("tij,tkj->tki", turn, a) + theirs_mean


def _upright_alignment(ours: Array, theirs: Array) -> Array:
    """`ours` turned about Z and shifted, once for the clip."""
    a = ours.reshape(-1, 3) - ours.mean(axis=(0, 1))
    b = theirs.reshape(-1, 3) - theirs.mean(axis=(0, 1))
    angle = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a[:, :2] * b[:, :2]).sum())
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array(((cosine, -sine, 0), (sine, cosine, 0), (0, 0, 1)))
    return (a @ turn.T).reshape(ours.shape) + theirs.mean(axis=(0, 1))
