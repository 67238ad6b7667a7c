"""The last step of a solve: people, solved before the camera, become takes in one world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .body import joint_transforms
from .body_file import Body
from .detect import Observations
from .lift import Keypoints, landmark_points
from .motion.camera import Intrinsics
from .motion.clip_fit import ClipFit
from .motion.contacts import FOOT_POINTS, contact_probability
from .motion.world import START_SECONDS, Placement, place_in_world, place_on_floor
from .stretches import stretches
from .take import Camera, Take

Array = NDArray[Any]


@dataclass(frozen=True)
class SolvedPerson:
    """A person solved before the camera: what was seen, what was made of it, the moments in which left and right were
    put right, and warnings for the user."""

    observations: Observations
    keypoints: Keypoints
    fit: ClipFit
    camera: Intrinsics
    swaps: int
    warnings: list[str]


def assemble_takes(people: Sequence[SolvedPerson], body: Body, rate_hz: float, meta: dict[str, Any]) -> list[Take]:
    """The takes of a clip's people, all in the world of the first: where they met, they meet."""
    first = people[0].fit
    opening = first.local[: max(1, round(START_SECONDS * rate_hz)), 0]
    clip = place_in_world(first.pelvis, opening, max(person.fit.floor for person in people))
    return [
        _assemble_take(
            person,
            place_on_floor(clip, person.fit.floor),
            body,
            rate_hz,
            {**meta, "swaps_repaired": person.swaps, "warnings": person.warnings},
        )
        for person in people
    ]


def _assemble_take(
    person: SolvedPerson, placement: Placement, body: Body, rate_hz: float, meta: dict[str, Any]
) -> Take:
    observations, keypoints, fit = person.observations, person.keypoints, person.fit
    rest = body.rest_joints(keypoints.betas)
    marks = landmark_points(body, keypoints.betas)
    count = len(fit.local)
    level = np.broadcast_to(person.camera.level, (count, 3, 3))
    turns = Rotation.from_matrix(level[0].T @ level).as_rotvec()
    poses = np.empty((count, 72), np.float32)
    joints = np.empty((count, 24, 3), np.float32)
    feet = np.empty((count, len(FOOT_POINTS), 3), np.float32)
    for chosen in (stretch.kept for stretch in stretches(count)):
        local, pelvis = fit.local[chosen].astype(np.float64), fit.pelvis[chosen, None]
        turned, placed = joint_transforms(local, rest - rest[0])
        joints[chosen] = placement.move(placed + pelvis)
        feet[chosen] = placement.move(marks.place(turned, placed)[:, FOOT_POINTS] + pelvis)
        local[:, 0] = placement.rotation @ local[:, 0]
        poses[chosen] = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(-1, 72)
    return Take(
        poses=poses,
        trans=placement.move(fit.pelvis) - rest[0],
        betas=keypoints.betas,
        gender=body.gender,
        model=body.model,
        framerate=rate_hz,
        timestamps=observations.times,
        keypoints3d=joints,
        confidence=keypoints.confidence,
        contacts=contact_probability(feet, rate_hz),
        landmarks2d=observations.landmarks2d,
        camera=_camera_in_world(person.camera, placement.rotation @ level[0], placement.position),
        meta=meta,
        camera_turns=turns if np.abs(turns).max() > 1e-6 else None,
    )


def _camera_in_world(camera: Intrinsics, rotation: Array, position: Array) -> Camera:
    rows = [tuple(float(value) for value in row) for row in rotation]
    return Camera(
        focal_px=camera.focal_px,
        center_px=camera.center_px,
        image_size=camera.image_size,
        rotation=tuple((row[0], row[1], row[2]) for row in rows),
        position=(float(position[0]), float(position[1]), float(position[2])),
    )
