"""One person of a clip: from what was seen to motion before the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .assemble import SolvedPerson
from .body import joint_transforms
from .body_file import Body
from .detect import Observations, repair, resample_observations
from .device import one_thread
from .ikol import IKOLLayer, Skeleton
from .lift import CorrectedLandmarks, Keypoints, landmark_points, lift
from .motion.camera import Intrinsics, locate
from .motion.clip_fit import ClipFit, find_floor_turn, fit_clip
from .motion.contacts import FOOT_POINTS
from .motion.smoothing import bridge_rotations, fill_gaps, smooth
from .stretches import stretches
from .video import uniform_times

Array = NDArray[Any]

_GUESSED_SHARE = 0.1  # out of sight for longer is worth a warning
_NOTHING_KNOWN = np.zeros((2, 2))


@dataclass(frozen=True)
class Track:
    """A person's observations made ready: repaired, on the clip's time base, smooth, without gaps.

    Attributes:
        swaps: moments in which left and right were put right.
        unseen: share of the moments in which the person was out of sight.
    """

    observations: Observations
    swaps: int
    unseen: float


def prepare_track(observed: Observations, rate_hz: float) -> Track:
    """Make what was seen of a person ready for lifting."""
    repaired = repair(observed)
    observations = resample_observations(repaired.observations, _moments_in_sight(observed, rate_hz))
    unseen = 1.0 - float(observations.seen.mean())
    return Track(smooth(fill_gaps(observations), rate_hz), repaired.swapped, unseen)


@dataclass(frozen=True)
class Rotations:
    """IKOL's result for one person over T moments, camera axes.

    Attributes:
        local: (T, 24, 3, 3) relative to the parent; joint 0 in camera axes.
        betas: (10,).
    """

    local: Array
    betas: Array


@dataclass(frozen=True)
class PersonSolver:
    """Solves people; what is the same for everybody in a clip.

    Attributes:
        height: of the person, m, where it is known.
        rate_hz: time base.
        stop_if_cancelled: called now and then; raises to stop.
    """

    body: Body
    skeleton: Skeleton
    height: float | None
    rate_hz: float
    device: torch.device
    stop_if_cancelled: Callable[[], None]

    def solve(
        self, track: Track, corrected: CorrectedLandmarks, camera: Intrinsics, on_progress: Callable[[float], None]
    ) -> SolvedPerson:
        """The person's motion over the whole clip."""
        keypoints, start = self._begin(track, corrected, camera)
        image = track.observations.landmarks2d
        fit = fit_clip(start, keypoints, image, self.body, self.skeleton, camera, self.rate_hz, on_progress)
        warnings: list[str] = []
        if track.unseen > _GUESSED_SHARE:
            number = track.observations.person
            warnings.append(
                f"Person {number} was out of sight for {track.unseen:.0%} of the time; that part is guessed."
            )
        return SolvedPerson(track.observations, keypoints, fit, camera, track.swaps, warnings)

    def find_floor_turn(
        self,
        track: Track,
        corrected: CorrectedLandmarks,
        camera: Intrinsics,
        on_progress: Callable[[float], None],
        level: Array = _NOTHING_KNOWN,
    ) -> Array:
        """(3, 3) turns camera axes such that what the person stands on becomes level.

        `level` (2, 2): what else says that it is level already, for slopes along x and z, 1/rad^2.
        """
        keypoints, start = self._begin(track, corrected, camera)
        image = track.observations.landmarks2d
        return find_floor_turn(
            start, keypoints, image, self.body, self.skeleton, camera, self.rate_hz, level, on_progress
        )

    def lift(self, track: Track, corrected: CorrectedLandmarks, camera: Intrinsics) -> Keypoints:
        """The person's keypoints before the camera."""
        return lift(track.observations, corrected, self.body, camera, self.rate_hz, self.height)

    def _begin(self, track: Track, corrected: CorrectedLandmarks, camera: Intrinsics) -> tuple[Keypoints, ClipFit]:
        """Keypoints, and the motion solved frame by frame."""
        keypoints = self.lift(track, corrected, camera)
        rotations = solve_rotations(keypoints, self.skeleton, self.device, self.stop_if_cancelled)
        bridged = bridge_rotations(rotations.local, track.observations.seen)
        rotations = Rotations(bridged, rotations.betas)
        return keypoints, place_before_camera(rotations, track.observations, self.body, camera, self.rate_hz)


def solve_rotations(
    keypoints: Keypoints, skeleton: Skeleton, device: torch.device, stop_if_cancelled: Callable[[], None]
) -> Rotations:
    """IKOL over a clip, frame by frame, in batches."""
    layer = IKOLLayer(skeleton).to(device)
    betas = torch.as_tensor(keypoints.betas, dtype=torch.float32, device=device)
    local = np.empty((len(keypoints.times), 24, 3, 3), np.float32)
    for chosen in (stretch.kept for stretch in stretches(len(local))):
        stop_if_cancelled()
        positions, twist, leaves, confidence = (
            torch.as_tensor(values[chosen], dtype=torch.float32, device=device)
            for values in (keypoints.positions, keypoints.twist, keypoints.leaf_rotations, keypoints.confidence)
        )
        with torch.no_grad(), one_thread():
            solution = layer(positions, betas=betas, twist=twist, leaf_rotations=leaves, confidence=confidence)
        local[chosen] = solution.rotations.cpu().numpy()
    return Rotations(local, keypoints.betas)


def _moments_in_sight(observed: Observations, rate_hz: float) -> Array:
    """The clip's uniform moments from the person's first sight to the last: nobody acts before entering."""
    times, sight = uniform_times(observed.times, rate_hz), observed.times[observed.seen]
    half = 0.5 / rate_hz
    return times[(times > sight[0] - half) & (times < sight[-1] + half)]


def place_before_camera(
    rotations: Rotations, observations: Observations, body: Body, camera: Intrinsics, rate_hz: float
) -> ClipFit:
    """Where the body, solved frame by frame, stands before the camera: the start of the fit over the clip."""
    rest = body.rest_joints(rotations.betas)
    marks = landmark_points(body, rotations.betas)
    points = np.empty(observations.landmarks3d.shape, np.float32)
    for part in (stretch.kept for stretch in stretches(len(points))):
        points[part] = marks.place(*joint_transforms(rotations.local[part].astype(np.float64), rest - rest[0]))
    location = locate(points, points[:, FOOT_POINTS], observations.landmarks2d, camera, rate_hz)
    return ClipFit(rotations.local, location.pelvis, location.floor)
