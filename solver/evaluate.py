"""A take against its truth: the field's figures, in millimetres and seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body_file import JOINT_NAMES
from .errors import BadInput
from .take import Take

Array = NDArray[Any]

_FAST = [JOINT_NAMES.index(f"{side}_{part}") for side in ("left", "right") for part in ("wrist", "ankle")]


@dataclass(frozen=True)
class Report:
    """How far a take's 24 joints are from the truth's.

    Attributes:
        moments: how many moments of the take lie within the truth.
        mpjpe: mean per-joint position error after moving the pelvis onto the truth's, m.
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


def compare(take: Take, truth: Take) -> Report:
    """Compare at the take's moments, the truth interpolated in time.

    Raises:
        BadInput: the two share fewer than three moments.
    """
    inside = (take.timestamps >= truth.timestamps[0] - 1e-6) & (take.timestamps <= truth.timestamps[-1] + 1e-6)
    if inside.sum() < 3:
        raise BadInput("The take and its truth share no time.", hint="Compare takes of the same clip.")
    ours = take.keypoints3d[inside].astype(np.float64)
    theirs = _at(truth, take.timestamps[inside])
    ours_rooted, theirs_rooted = ours - ours[:, :1], theirs - theirs[:, :1]
    turn = _rotation(ours_rooted.reshape(-1, 3), theirs_rooted.reshape(-1, 3))
    aligned = _procrustes(ours, theirs)
    speed = [np.linalg.norm(np.diff(points[:, _FAST], axis=0), axis=-1).mean() for points in (ours, theirs)]
    return Report(
        moments=int(inside.sum()),
        mpjpe=_mean_distance(ours_rooted, theirs_rooted),
        pa_mpjpe=_mean_distance(aligned, theirs),
        root_aligned=_mean_distance(ours_rooted @ turn.T, theirs_rooted),
        world=_mean_distance(_upright_alignment(ours, theirs), theirs),
        acceleration_error=_mean_distance(
            np.diff(ours_rooted @ turn.T, 2, axis=0) * take.framerate**2,
            np.diff(theirs_rooted, 2, axis=0) * take.framerate**2,
        ),
        speed_ratio=float(speed[0] / max(speed[1], 1e-9)),
    )


def format_report(report: Report) -> str:
    """The figures as a person reads them, one a line."""
    return "\n".join(
        (
            f"moments             {report.moments}",
            f"PA-MPJPE            {report.pa_mpjpe * 1e3:.1f} mm",
            f"MPJPE               {report.mpjpe * 1e3:.1f} mm",
            f"root-aligned        {report.root_aligned * 1e3:.1f} mm",
            f"world               {report.world * 1e3:.1f} mm",
            f"acceleration error  {report.acceleration_error:.1f} m/s2",
            f"speed ratio         {report.speed_ratio:.2f}",
        )
    )


def _at(truth: Take, times: Array) -> Array:
    flat = truth.keypoints3d.reshape(len(truth), -1).astype(np.float64)
    return np.stack([np.interp(times, truth.timestamps, column) for column in flat.T], -1).reshape(len(times), -1, 3)


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
