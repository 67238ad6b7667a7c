"""A clip of the rendered set solved three ways: the detector alone, IKOL frame by frame, and the whole pipeline."""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from solver.body import joint_transforms  # noqa: E402  (the path above makes these importable)
from solver.body_file import Body, read_body  # noqa: E402
from solver.detect import BlazePose, Observations, gather_observations, resample_observations  # noqa: E402
from solver.events import SolveRequest  # noqa: E402
from solver.ikol import Skeleton  # noqa: E402
from solver.lens import focal_length  # noqa: E402
from solver.lift import CorrectedLandmarks, landmark_points, lift  # noqa: E402
from solver.lift.regressor import landmark_regressor  # noqa: E402
from solver.motion.camera import Intrinsics, intrinsics, locate, view_rotations  # noqa: E402
from solver.motion.contacts import FOOT_POINTS, contact_probability  # noqa: E402
from solver.motion.smoothing import fill_gaps  # noqa: E402
from solver.motion.world import place_in_world  # noqa: E402
from solver.person import solve_rotations  # noqa: E402
from solver.pipeline import Job, solve  # noqa: E402
from solver.take import Camera, Take, read_take  # noqa: E402
from solver.video import probe_video, read_frames  # noqa: E402

Array = NDArray[Any]


@dataclass(frozen=True)
class ThreeWays:
    """One person's takes over the same moments: raw has joints only, hip-centred, in camera axes."""

    raw: Take
    per_frame: Take
    full: Take


def solve_full(clip: Path, focal_px: float | None = None, height_cm: float | None = None) -> list[Take]:
    """Everybody in the clip by the whole pipeline, as a user gets it."""
    with tempfile.TemporaryDirectory(prefix="ikol-quality-") as folder:
        request = SolveRequest(video=str(clip), out=folder, focal_px=focal_px, height_cm=height_cm)
        return [read_take(path) for path in solve(request, Job(lambda event: None, lambda: False))]


def solve_three_ways(clip: Path, truths: list[Take]) -> list[ThreeWays | None]:
    """One entry for each truth, from the takes that lie nearest to it in the picture; None where the nearest take is
    another person's."""
    full = solve_full(clip)
    video = probe_video(clip)
    with closing(read_frames(clip)) as frames:
        seen = gather_observations(frames, BlazePose(), video.image_size)
    found: list[ThreeWays | None] = []
    for truth in truths:
        take = nearest(full, truth)
        if share_on(take, truth, [other for other in truths if other is not truth]) < 0.5:
            found.append(None)
            continue
        observed = seen[int(np.argmin([picture_distance(person.times, person.landmarks2d, truth) for person in seen]))]
        sampled = fill_gaps(resample_observations(observed, take.timestamps))
        camera = intrinsics(video.image_size, focal_length(video.path, video.image_size, None).pixels)
        found.append(ThreeWays(_raw(sampled, camera, take), _per_frame(sampled, camera, take), take))
    return found


def nearest(takes: list[Take], truth: Take) -> Take:
    """The take whose landmarks lie nearest to the truth's in the picture."""
    return min(takes, key=lambda take: picture_distance(take.timestamps, take.landmarks2d, truth))


def picture_distance(times: Array, landmarks: Array, truth: Take) -> float:
    """Median distance in pixels from the truth's middle, over the moments in which both are seen."""
    return float(np.median(_distances(times, landmarks, truth)))


def share_on(take: Take, own: Take, others: list[Take]) -> float:
    """Share of moments in which the take's landmarks lie nearer to their own person than to any other."""
    mine = _distances(take.timestamps, take.landmarks2d, own)
    theirs = [_distances(take.timestamps, take.landmarks2d, other) for other in others]
    return float(np.mean([mine <= other for other in theirs])) if theirs else 1.0


def without_hidden_contacts(truth: Take, others: list[Take]) -> Take:
    """The truth, its contacts only where the foot is not behind somebody: nobody can hold what is not seen.

    A foot is behind another person who is nearer and whose landmarks lie around it in the picture.
    """
    contacts = truth.contacts.copy()
    feet = truth.landmarks2d[:, list(FOOT_POINTS), :2]
    for other in others:
        low, high = other.landmarks2d[..., :2].min(axis=1), other.landmarks2d[..., :2].max(axis=1)
        inside = ((feet > low[:, None]) & (feet < high[:, None])).all(axis=-1)
        contacts[inside & (_depth(other) < _depth(truth))[:, None]] = 0.0
    return replace(truth, contacts=contacts)


def _depth(take: Take) -> Array:
    """(T,) of the pelvis before the camera, m."""
    return (take.keypoints3d[:, 0] - take.camera.position) @ np.asarray(take.camera.rotation)[:, 2]


def _distances(times: Array, landmarks: Array, truth: Take) -> Array:
    known = landmarks[..., 2].max(axis=1) > 0
    at = np.abs(truth.timestamps[None] - times[known][:, None]).argmin(axis=1)
    return np.linalg.norm(landmarks[known, :, :2] - truth.landmarks2d[at, :, :2], axis=-1).mean(axis=1)


def _raw(observations: Observations, camera: Intrinsics, like: Take) -> Take:
    """The detector's own 3D as joints: a linear map of its landmarks, turned by the ray to the person."""
    view = view_rotations(observations.landmarks2d, camera)
    landmarks = np.einsum("tij,tlj->tli", view, observations.landmarks3d.astype(np.float64))
    count = len(observations.times)
    return _take(
        like, np.zeros((count, 72)), np.zeros((count, 3)), like.betas, landmark_regressor() @ landmarks,
        np.zeros((count, 4)), _camera(camera, np.eye(3), np.zeros(3)),
    )  # fmt: skip


def _per_frame(observations: Observations, camera: Intrinsics, like: Take) -> Take:
    """IKOL on each frame by itself, put before the camera and on the floor; nothing is smoothed but the depth."""
    body: Body = read_body("open")
    keypoints = lift(observations, _uncorrected(observations), body, camera, like.framerate)
    rotations = solve_rotations(keypoints, Skeleton.from_body("open"), torch.device("cpu"), lambda: None)
    rest = body.rest_joints(rotations.betas)
    local = rotations.local.astype(np.float64)
    turned, placed = joint_transforms(local, rest - rest[0])
    marks = landmark_points(body, rotations.betas).place(turned, placed)
    spot = locate(marks, marks[:, FOOT_POINTS], observations.landmarks2d, camera, like.framerate)
    world = place_in_world(spot.pelvis, local[: round(0.5 * like.framerate), 0], spot.floor)
    feet = world.move(marks[:, FOOT_POINTS] + spot.pelvis[:, None])
    local[:, 0] = world.rotation @ local[:, 0]
    return _take(
        like,
        Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(-1, 72),
        world.move(spot.pelvis) - rest[0],
        rotations.betas,
        world.move(placed + spot.pelvis[:, None]),
        contact_probability(feet, like.framerate),
        _camera(camera, world.rotation, world.position),
    )


def _uncorrected(observations: Observations) -> CorrectedLandmarks:
    """The detector's own 3D, where the whole pipeline has the network's."""
    landmarks = observations.landmarks3d.astype(np.float64)
    return CorrectedLandmarks(landmarks, landmark_regressor() @ landmarks, np.zeros((len(landmarks), 3)))


def _take(like: Take, poses: Array, trans: Array, betas: Array, joints: Array, contacts: Array, camera: Camera) -> Take:
    return Take(
        poses=poses,
        trans=trans,
        betas=betas,
        gender=like.gender,
        model=like.model,
        framerate=like.framerate,
        timestamps=like.timestamps,
        keypoints3d=joints,
        confidence=like.confidence,
        contacts=contacts,
        landmarks2d=like.landmarks2d,
        camera=camera,
    )


def _camera(camera: Intrinsics, rotation: Array, position: Array) -> Camera:
    rows = [(float(a), float(b), float(c)) for a, b, c in rotation]
    x, y, z = (float(value) for value in position)
    return Camera(camera.focal_px, camera.center_px, camera.image_size, (rows[0], rows[1], rows[2]), (x, y, z))
