"""The person's shape from bone lengths over the whole clip: one set of betas, and the scale of the keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ..body_file import JOINT_NAMES, Body

Array = NDArray[Any]

_HEIGHT_SIGMA = 0.002  # m: a given height is meant
_MIN_CONFIDENCE = 0.5
_SIDES = ("left", "right")


@dataclass(frozen=True)
class Bone:
    """A bone whose ends the detector sees, and how it is told; the rest of the body follows through the betas.

    Attributes:
        start, end: joints' names without their side.
        shortened: the median length over the true one: keypoints of uncertain depth are means of what is possible,
            which shortens bones.
        spread: how far its log is off, what all bones of one person share apart; twice what was measured, because
            what the networks say of proportions is mostly the mean body's.
    """

    start: str
    end: str
    shortened: float
    spread: float

    def lengths(self, joints: Array) -> Array:
        """(..., 2) lengths of the left and the right one in joints (..., 24, 3)."""
        starts, ends = self.joints
        return np.linalg.norm(joints[..., ends, :] - joints[..., starts, :], axis=-1)

    @property
    def joints(self) -> tuple[list[int], list[int]]:
        """Where the left and the right one start, and where they end."""
        left, right = ([JOINT_NAMES.index(f"{side}_{name}") for name in (self.start, self.end)] for side in _SIDES)
        return [left[0], right[0]], [left[1], right[1]]


# Of the open body's joints; measured by addon_assets/lifter/measure_bones.py on films that the networks had not seen.
BONES = (
    Bone("hip", "knee", 0.954, 0.099),
    Bone("knee", "ankle", 0.974, 0.072),
    Bone("shoulder", "elbow", 0.990, 0.088),
    Bone("elbow", "wrist", 0.935, 0.078),
    Bone("hip", "shoulder", 0.924, 0.073),
)
_SHARED_SPREAD = 0.065  # of the log of what all bones of one person share: how large they are can hardly be seen


@dataclass(frozen=True)
class Shape:
    """One person's shape.

    Attributes:
        betas: (10,).
        scale: multiply the lifter's keypoints by this to fit the body.
    """

    betas: Array
    scale: float


def estimate_shape(keypoints: Array, confidence: Array, body: Body, height: float | None = None) -> Shape:
    """The likeliest betas of median bone lengths, with a standard normal prior (SMPL's own), and a scale.

    Args:
        keypoints: (T, 24, 3) metres as the lifter guesses them.
        confidence: (T, 24) 0..1.
        height: the person's standing height in metres; then lengths count by their ratios only.
    """
    measured = median_lengths(keypoints, confidence)
    seen = np.isfinite(measured)
    told = np.log(measured / [bone.shortened for bone in BONES])[seen]
    spread = np.array([bone.spread for bone in BONES])[seen]
    template_joints, joint_basis = body.joint_regressor @ body.v_template, _joint_basis(body)
    head, sole = int(np.argmax(body.v_template[:, 1])), int(np.argmin(body.v_template[:, 1]))

    def lengths(betas: Array) -> Array:
        joints = template_joints + joint_basis @ betas
        return np.array([bone.lengths(joints).mean() for bone in BONES])[seen]

    def height_of(betas: Array) -> float:
        rise = (body.v_template[head] + body.shapedirs[head] @ betas) - (
            body.v_template[sole] + body.shapedirs[sole] @ betas
        )
        return float(rise[1])

    def residual(unknown: Array) -> Array:
        betas, grown = unknown[:-1], unknown[-1]
        fit = (grown + told - np.log(lengths(betas))) / spread
        known = grown / _SHARED_SPREAD if height is None else (height_of(betas) - height) / _HEIGHT_SIGMA
        return np.concatenate((fit, betas, (known,)))

    betas = np.asarray(least_squares(residual, np.zeros(11)).x)[:-1]
    if not seen.any():
        return Shape(betas, 1.0)
    return Shape(betas, float(np.exp(np.average(np.log(lengths(betas) / measured[seen]), weights=spread**-2))))


def median_lengths(keypoints: Array, confidence: Array) -> Array:
    """Metres of each of BONES over the moments where its ends are seen well, both sides together; nan for none."""
    medians = np.full(len(BONES), np.nan)
    for number, bone in enumerate(BONES):
        starts, ends = bone.joints
        seen = np.minimum(confidence[:, starts], confidence[:, ends]) >= _MIN_CONFIDENCE
        median = np.median(bone.lengths(keypoints)[seen]) if seen.any() else 0.0
        if median > 0.0:
            medians[number] = median
    return medians


def _joint_basis(body: Body) -> Array:
    return np.einsum("jv,vcb->jcb", body.joint_regressor, body.shapedirs)
