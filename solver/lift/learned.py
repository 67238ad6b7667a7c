"""The detector's 3D, corrected by networks over time, and which way they see up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..detect.observations import Observations
from ..device import one_thread
from ..motion.camera import Intrinsics
from ..stretches import stretches
from .network import JOINTS, LANDMARKS, RATE_HZ, LiftNetwork, crop_axes, network_input
from .regressor import landmark_regressor

Array = NDArray[Any]

WEIGHTS = Path(__file__).resolve().parents[2] / "addon_assets" / "lifter" / "lifter.npz"
_MARGIN = 30  # moments seen on both sides of a stretch, more than the network looks ahead


@dataclass(frozen=True)
class CorrectedLandmarks:
    """One person over T moments, as the networks correct the detector.

    Attributes:
        landmarks: (T, 33, 3), keypoints: (T, 24, 3) metres from the pelvis's keypoint, axes of a crop that faces the
            person (x right, y down, z away).
        up: (T, 3) against gravity, in the picture's axes, as long as it counts.
    """

    landmarks: Array
    keypoints: Array
    up: Array


def correct_landmarks(
    observations: Observations, camera: Intrinsics, rate_hz: float, networks: Sequence[LiftNetwork] | None = None
) -> CorrectedLandmarks:
    """Run the networks over a clip; what they say is averaged.

    Args:
        observations: smoothed, gaps filled (their visibility 0), on a uniform time base.
        camera: its focal length turns pixels into rays; its tilt is not used.
        rate_hz: the time base.
        networks: others than those of WEIGHTS.
    """
    networks = read_networks(WEIGHTS) if networks is None else networks
    count = len(observations.times)
    # The networks know motion at their own rate.
    own = np.arange(max(2, round((count - 1) * RATE_HZ / rate_hz) + 1)) * rate_hz / RATE_HZ
    points, upward = np.empty((len(own), LANDMARKS + JOINTS, 3), np.float32), np.empty((len(own), 3), np.float32)
    for stretch in stretches(len(own), _MARGIN):
        lifted_points, lifted_up = _lift(networks, observations, camera, own[stretch.reach])
        points[stretch.kept], upward[stretch.kept] = lifted_points[stretch.inner], lifted_up[stretch.inner]
    back = np.arange(count) * RATE_HZ / rate_hz
    placed = _at(points, back)
    return CorrectedLandmarks(placed[:, :LANDMARKS], placed[:, LANDMARKS:], _at(upward, back))


def _lift(
    networks: Sequence[LiftNetwork], observations: Observations, camera: Intrinsics, places: Array
) -> tuple[Array, Array]:
    """Points (N, 57, 3) and up (N, 3), as `CorrectedLandmarks` has them, at `places` (N,) between the moments."""
    landmarks2d = torch.as_tensor(_at(observations.landmarks2d, places))
    landmarks = torch.as_tensor(_at(observations.landmarks3d, places))
    visibility = landmarks2d[..., 2]
    rays = torch.as_tensor(camera.picture_rays(landmarks2d[..., :2].numpy()), dtype=torch.float32)
    with torch.no_grad(), one_thread():
        inputs = network_input(rays, visibility, landmarks)[None]
        lifted = [network(inputs) for network in networks]
        points, up = (torch.cat([getattr(one, name) for one in lifted]).mean(0) for name in ("points", "up"))
        upward = (crop_axes(rays) @ up[..., None]).squeeze(-1) * visibility.mean(1, keepdim=True)
    return points.numpy(), upward.numpy()


@cache
def read_networks(path: Path) -> tuple[LiftNetwork, ...]:
    """The networks of a file of weights, each weight stacked over them."""
    with np.load(path) as stored:
        weights = {name: torch.as_tensor(stored[name].astype(np.float32)) for name in stored.files}
    count = len(next(iter(weights.values())))
    return tuple(make_network({name: weight[n] for name, weight in weights.items()}) for n in range(count))


def make_network(weights: dict[str, Tensor]) -> LiftNetwork:
    """A trained network, to be asked."""
    network = LiftNetwork(torch.as_tensor(landmark_regressor(), dtype=torch.float32))
    network.load_state_dict(weights)
    return network.eval()


def _at(values: Array, places: Array) -> Array:
    """`values` (T, ...) between its rows: (N, ...) at `places` (N,), linear, single precision."""
    found = np.empty((len(places), *values.shape[1:]), np.float32)
    for stretch in stretches(len(places)):
        chosen = places[stretch.kept]
        before = np.clip(chosen.astype(int), 0, max(0, len(values) - 2))
        share = np.clip(chosen - before, 0.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))
        after = np.minimum(before + 1, len(values) - 1)
        found[stretch.kept] = values[before] * (1 - share) + values[after] * share
    return found
