"""The detector's 3D, corrected by the network over time, and which way it sees up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..detect.observations import Observations
from ..detect.person_landmarks import LANDMARK_NAMES
from ..device import one_thread
from ..motion.camera import Intrinsics
from .network import LANDMARKS, RATE_HZ, LiftNetwork, crop_axes, network_input
from .regressor import landmark_regressor

Array = NDArray[Any]

WEIGHTS = Path(__file__).resolve().parents[2] / "addon_assets" / "lifter" / "lifter.npz"
HIPS = [LANDMARK_NAMES.index(f"{side}_hip") for side in ("left", "right")]
_STRETCH = 3000  # moments at once: keeps memory flat on long clips
_MARGIN = 30  # moments seen on both sides of a stretch, more than the network looks ahead


@dataclass(frozen=True)
class CorrectedLandmarks:
    """One person over T moments, as the network corrects the detector.

    Attributes:
        landmarks: (T, 33, 3), keypoints: (T, 24, 3) metres from the pelvis's keypoint, axes of a crop that faces the
            person (x right, y down, z away).
        up: (T, 3) against gravity, in the picture's axes, as long as it counts.
    """

    landmarks: Array
    keypoints: Array
    up: Array


def correct_landmarks(observations: Observations, camera: Intrinsics, rate_hz: float) -> CorrectedLandmarks:
    """Run the network over a clip.

    Args:
        observations: smoothed, gaps filled (their visibility 0), on a uniform time base.
        camera: its focal length turns pixels into rays; its tilt is not used.
        rate_hz: the time base.
    """
    count = len(observations.times)
    rays = camera.picture_rays(observations.landmarks2d[..., :2])
    seen = np.concatenate((rays, observations.landmarks2d[..., 2:], observations.landmarks3d), axis=-1)
    # The network knows motion at its own rate.
    own = np.arange(max(2, round((count - 1) * RATE_HZ / rate_hz) + 1)) * rate_hz / RATE_HZ
    moved = torch.as_tensor(_at(seen, own), dtype=torch.float32)
    rays, visibility, landmarks = moved.split((2, 1, 3), -1)
    inputs = network_input(rays, visibility.squeeze(-1), landmarks)
    points, up = _run(inputs)
    upward = (crop_axes(rays) @ up[..., None]).squeeze(-1) * visibility.mean(1)
    back = np.arange(count) * RATE_HZ / rate_hz
    placed = _at(points.numpy(), back)
    return CorrectedLandmarks(
        placed[:, :LANDMARKS],
        placed[:, LANDMARKS:],
        _at(upward.numpy(), back),
    )


def _run(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Points and up of each moment, stretch by stretch."""
    network = _network()
    parts: list[tuple[torch.Tensor, torch.Tensor]] = []
    with torch.no_grad(), one_thread():
        for first in range(0, len(inputs), _STRETCH):
            start, end = max(0, first - _MARGIN), min(len(inputs), first + _STRETCH + _MARGIN)
            lifted = network(inputs[None, start:end])
            own = slice(first - start, min(first + _STRETCH, len(inputs)) - start)
            parts.append((lifted.points[0, own], lifted.up[0, own]))
    points, up = (torch.cat(values) for values in zip(*parts, strict=True))
    return points, up


@cache
def _network() -> LiftNetwork:
    network = LiftNetwork(torch.as_tensor(landmark_regressor(), dtype=torch.float32))
    with np.load(WEIGHTS) as stored:
        network.load_state_dict({name: torch.as_tensor(stored[name].astype(np.float32)) for name in stored.files})
    return network.eval()


def _at(values: Array, places: Array) -> Array:
    """`values` (T, ...) between its rows: (N, ...) at `places` (N,), linear."""
    before = np.clip(places.astype(int), 0, max(0, len(values) - 2))
    share = np.clip(places - before, 0.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))
    after = np.minimum(before + 1, len(values) - 1)
    return values[before] * (1 - share) + values[after] * share
