"""Lifting: the detector's landmarks, corrected over time, to everything that IKOL needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..body_file import Body
from ..detect.observations import Observations
from ..motion.camera import Intrinsics, put_on_rays, view_rotations
from ..stretches import stretches
from .landmark_points import landmark_points
from .learned import CorrectedLandmarks
from .network import HIPS
from .regressor import landmark_regressor
from .shape import estimate_shape
from .twist import twist_and_leaves

Array = NDArray[Any]


@dataclass(frozen=True)
class Keypoints:
    """IKOL's inputs over T moments of one person. Frame: camera axes (x right, y down, z forward), metres.

    Attributes:
        times: (T,) seconds.
        positions: (T, 24, 3) relative to the middle of the hips.
        confidence: (T, 24) 0..1; 0 where the person was not seen.
        twist: (T, 23, 2) cos, sin; row k - 1 is joint k's rotation about its rest bone, applied before the swing.
        leaf_rotations: (T, 5, 3, 3) head, left hand, right hand, left foot, right foot, relative to the parent.
        betas: (10,) one shape for the clip.
        landmarks: (T, 33, 3) the landmarks that belong to the keypoints.
    """

    times: Array
    positions: Array
    confidence: Array
    twist: Array
    leaf_rotations: Array
    betas: Array
    landmarks: Array


def lift(
    observations: Observations,
    corrected: CorrectedLandmarks,
    body: Body,
    camera: Intrinsics,
    rate_hz: float,
    height: float | None = None,
) -> Keypoints:
    """Keypoints of one person on a uniform time base.

    Args:
        observations: smoothed, gaps filled (their visibility 0).
        corrected: what the network makes of them.
        body: whose shape space and proportions to use.
        camera: turns the detector's crop, which faces the person, into camera axes, and its pixels into rays.
        rate_hz: the time base.
        height: the person's height in metres, if known.
    """
    guess = guess_on_rays(observations, corrected, body, camera, rate_hz, height)
    shape = estimate_shape(guess.keypoints, guess.confidence, body, height)
    landmarks, positions = guess.landmarks * shape.scale, guess.keypoints * shape.scale
    points = landmark_points(body, shape.betas)
    twist, leaves = twist_and_leaves(positions, landmarks, body.rest_joints(shape.betas), points, rate_hz)
    return Keypoints(observations.times, positions, guess.confidence, twist, leaves, shape.betas, landmarks)


@dataclass(frozen=True)
class OnRays:
    """What the networks say, as large as they say it, moved to where the picture shows it.

    Attributes:
        landmarks: (T, 33, 3), keypoints: (T, 24, 3) metres from the middle of the hips, camera axes.
        confidence: (T, 24) of the keypoints, 0..1.
    """

    landmarks: Array
    keypoints: Array
    confidence: Array


def guess_on_rays(
    observations: Observations,
    corrected: CorrectedLandmarks,
    body: Body,
    camera: Intrinsics,
    rate_hz: float,
    height: float | None = None,
) -> OnRays:
    """Corrected landmarks and keypoints, on the rays: proportions are told best there. For the arguments see `lift`."""
    view = view_rotations(observations.landmarks2d, camera)
    landmarks, keypoints = np.empty_like(corrected.landmarks), np.empty_like(corrected.keypoints)
    for part in (stretch.kept for stretch in stretches(len(view))):
        hips = corrected.landmarks[part][:, HIPS].astype(np.float64).mean(axis=1, keepdims=True)
        turned = np.swapaxes(view[part], -1, -2)
        landmarks[part] = (corrected.landmarks[part] - hips) @ turned
        keypoints[part] = (corrected.keypoints[part] - hips) @ turned
    # The rays need a scale.
    confidence = _confidence(observations)
    scale = estimate_shape(keypoints, confidence, body, height).scale
    placed = put_on_rays(landmarks * scale, observations.landmarks2d, camera, rate_hz) / scale
    return OnRays(placed, keypoints + landmark_regressor().astype(np.float32) @ (placed - landmarks), confidence)


def _confidence(observations: Observations) -> Array:
    """(T, 24) of the keypoints: the visibility of the landmarks that each is made of."""
    regressor = np.abs(landmark_regressor().astype(np.float32))
    visibility = observations.landmarks2d[..., 2] * observations.seen[:, None]
    return visibility @ (regressor / regressor.sum(axis=1, keepdims=True)).T
