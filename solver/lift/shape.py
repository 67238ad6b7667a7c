"""The person's shape from bone lengths over the whole clip: one set of betas, and the scale of the keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ..body_file import JOINT_NAMES, Body

Array = NDArray[Any]

_LENGTH_SIGMA = 0.02  # m: how far a median bone length of the detector is off, its scale apart
# Found on films with truth that the network was not trained on (addon_assets/lifter): keypoints of uncertain depth are
# means of what is possible, which shortens bones; and how large somebody is can hardly be seen.
_SHORTENED, _SCALE_SIGMA = 0.96, 0.045
_HEIGHT_SIGMA = 0.002  # m: a given height is meant
_MIN_CONFIDENCE = 0.5
# Bones whose ends the detector sees; the rest of the body follows through the betas.
_MEASURED = tuple(
    (JOINT_NAMES.index(start.format(side)), JOINT_NAMES.index(end.format(side)))
    for start, end in (
        ("{}_hip", "{}_knee"),
        ("{}_knee", "{}_ankle"),
        ("{}_shoulder", "{}_elbow"),
        ("{}_elbow", "{}_wrist"),
        ("{}_hip", "{}_shoulder"),
    )
    for side in ("left", "right")
)


@dataclass(frozen=True)
class Shape:
    """One person's shape.

    Attributes:
        betas: (10,).
        scale: multiply the detector's metric keypoints by this to fit the body.
    """

    betas: Array
    scale: float


def estimate_shape(keypoints: Array, confidence: Array, body: Body, height: float | None = None) -> Shape:
    """Betas by least squares on median bone lengths, with a standard normal prior (SMPL's own), and a scale.

    The detector's scale is off by a factor that all bones share: without a height, half of what they all are longer or
    shorter than the mean body's is believed to be the person's.

    Args:
        keypoints: (T, 24, 3) metres as the detector guesses them.
        confidence: (T, 24) 0..1.
        height: the person's standing height in metres; then lengths count by their ratios only.
    """
    measured, trust = _median_lengths(keypoints, confidence)
    template_joints, joint_basis = body.joint_regressor @ body.v_template, _joint_basis(body)
    head, sole = int(np.argmax(body.v_template[:, 1])), int(np.argmin(body.v_template[:, 1]))
    starts, ends = np.array(_MEASURED).T

    def lengths(betas: Array) -> Array:
        joints = template_joints + joint_basis @ betas
        return np.linalg.norm(joints[ends] - joints[starts], axis=-1)

    def height_of(betas: Array) -> float:
        rise = (body.v_template[head] + body.shapedirs[head] @ betas) - (
            body.v_template[sole] + body.shapedirs[sole] @ betas
        )
        return float(rise[1])

    def residual(unknown: Array) -> Array:
        betas, scale = unknown[:-1], np.exp(unknown[-1])
        fit = trust * (scale * measured - lengths(betas)) / _LENGTH_SIGMA
        if height is None:
            known = (unknown[-1] + np.log(_SHORTENED)) / _SCALE_SIGMA
        else:
            known = (height_of(betas) - height) / _HEIGHT_SIGMA
        return np.concatenate((fit, betas, (known,)))

    found = np.asarray(least_squares(residual, np.zeros(11)).x)
    return Shape(found[:-1], float(np.exp(found[-1])) if trust.any() else 1.0)


def _joint_basis(body: Body) -> Array:
    return np.einsum("jv,vcb->jcb", body.joint_regressor, body.shapedirs)


def _median_lengths(keypoints: Array, confidence: Array) -> tuple[Array, Array]:
    """(B,) median length of each measured bone, both sides sharing theirs, and (B,) 1 where it was ever seen well."""
    starts, ends = np.array(_MEASURED).T
    lengths = np.linalg.norm(keypoints[:, ends] - keypoints[:, starts], axis=-1)
    seen = np.minimum(confidence[:, starts], confidence[:, ends]) >= _MIN_CONFIDENCE
    medians = np.zeros(len(_MEASURED))
    trust = np.zeros(len(_MEASURED))
    for bone in range(0, len(_MEASURED), 2):  # the two sides follow each other
        values = lengths[:, bone : bone + 2][seen[:, bone : bone + 2]]
        if len(values):
            medians[bone : bone + 2] = np.median(values)
            trust[bone : bone + 2] = 1.0
    return medians, trust
