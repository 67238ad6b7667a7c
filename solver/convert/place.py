"""People of other tools' files stand in a take's world: Z up, floor at 0, near the origin. numpy only.

With A the source's axes in the world, the pelvis's rotation becomes A R_0 and its place A (turn J_0 + shift): the
rotation is about the pelvis, so SMPL's own translation is what is left when J_0 is taken off again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..body_file import PARENTS, Body
from ..take import LANDMARK_COUNT, Camera, Take
from .motion import SourceMotion
from .rotations import axis_angles_of, fill_points, fill_rotations, matrices_of

Array = NDArray[Any]

DEFAULT_RATE_HZ = 30.0
_FEET = (7, 8, 10, 11)
# The floor is where the lowest point of the feet is for most of the clip's lowest moments; a single outlier is not it.
_FLOOR_QUANTILE = 0.02
_VIEW_M = 4.0
# SMPL-X's shapes are not SMPL's, and its files say so by nothing but their size.
_SMPLX_VERTICES = 10475
_TITLES = {"open": "the open body", "smpl": "SMPL", "smplx": "SMPL-X"}


@dataclass(frozen=True)
class _Placed:
    """One person on an even time base, in the world: rotations (T, 24, 3, 3), pelvis (T, 3), known (T,) bool."""

    motion: SourceMotion
    rotations: Array
    pelvis: Array
    known: Array


def to_takes(motions: Sequence[SourceMotion], body: Body, rate_hz: float | None = None) -> list[Take]:
    """A take of `body` for each of `motions`, people of one clip, in one world.

    Poses swap between bodies, shapes do not: when a motion's shape is of another model, the take gets the mean shape.
    The people keep their places relative to each other, except that everyone stands on the floor.

    Args:
        rate_hz: moments per second where the files do not say; 30 when None.
    """
    placed = [_in_world(motion, body) for motion in motions]
    if not all(person.motion.keeps_place for person in placed):
        first = placed[0]
        heading = np.eye(3) if first.motion.from_camera else _to_front(first.rotations[0, 0])
        origin = first.pelvis[0] * (1.0, 1.0, 0.0)
        placed = [_moved(person, heading, origin) for person in placed]
    return [_take(person, body, rate_hz) for person in placed]


def joints_of(rotations: Array, pelvis: Array, rest: Array) -> tuple[Array, Array]:
    """SMPL's forward kinematics.

    Args:
        rotations: (T, 24, 3, 3) relative to the parents, joint 0 in the world.
        pelvis: (T, 3) m.
        rest: (24, 3) rest joints, m.

    Returns:
        Joints (T, 24, 3), m, and their rotations in the world (T, 24, 3, 3).
    """
    turns = np.empty_like(rotations)
    joints = np.empty(rotations.shape[:-1])
    turns[:, 0], joints[:, 0] = rotations[:, 0], pelvis
    for joint, parent in list(enumerate(PARENTS))[1:]:
        joints[:, joint] = joints[:, parent] + turns[:, parent] @ (rest[joint] - rest[parent])
        turns[:, joint] = turns[:, parent] @ rotations[:, joint]
    return joints, turns


def shapes_of(body: Body) -> str:
    """Whose shapes `body` has: "open", "smpl" or "smplx"."""
    return "smplx" if body.model == "smpl" and len(body.v_template) == _SMPLX_VERTICES else body.model


def betas_on(motion: SourceMotion, body: Body) -> Array:
    """(10,) the motion's shape when `body` is of its model, else the mean shape."""
    return motion.betas if motion.model == shapes_of(body) else np.zeros(10)


def _in_world(motion: SourceMotion, body: Body) -> _Placed:
    rest = body.rest_joints(betas_on(motion, body))[0]
    turns = np.eye(3) if motion.turns is None else motion.turns
    pelvis = (turns @ rest + motion.shifts) @ motion.axes.T
    rotations = matrices_of(motion.poses)
    rotations[:, 0] = motion.axes @ rotations[:, 0]
    wanted = np.arange(motion.frames[0], motion.frames[-1] + 1)
    return _Placed(
        motion,
        fill_rotations(rotations, motion.frames, wanted),
        fill_points(pelvis, motion.frames, wanted),
        np.isin(wanted, motion.frames),
    )


def _moved(person: _Placed, heading: Array, origin: Array) -> _Placed:
    rotations = person.rotations.copy()
    rotations[:, 0] = heading @ rotations[:, 0]
    return replace(person, rotations=rotations, pelvis=(person.pelvis - origin) @ heading.T)


def _to_front(pelvis: Array) -> Array:
    """The turn about Z that makes a pelvis face -Y; none for one that faces up or down."""
    x, y = pelvis[:2, 2]  # SMPL's bodies face +Z
    if np.hypot(x, y) < 1e-6:
        return np.eye(3)
    angle = -np.pi / 2 - np.arctan2(y, x)
    return matrices_of(np.array([0.0, 0.0, angle]))


def _take(person: _Placed, body: Body, rate_hz: float | None) -> Take:
    motion, count = person.motion, len(person.rotations)
    rate = motion.rate_hz or rate_hz or DEFAULT_RATE_HZ
    betas = betas_on(motion, body)
    rest = body.rest_joints(betas)
    joints, turns = joints_of(person.rotations, person.pelvis, rest)
    # A body of its own legs stands on its own floor; the file's floor is right for the file's body alone.
    own_floor = not motion.keeps_place or motion.model != shapes_of(body)
    drop = np.array([0.0, 0.0, _floor(joints, turns, body, betas) if own_floor else 0.0])
    warnings = list(motion.notices)
    if motion.rate_hz is None and rate_hz is None:
        warnings.append(f"The file does not say how many frames a second it has: {DEFAULT_RATE_HZ:g} were assumed.")
    if np.any(motion.betas):
        warnings += _shape_warnings(motion, body)
    if not person.known.all():
        warnings.append(f"{int((~person.known).sum())} missing frames were filled in; their confidence is 0.")
    return Take(
        poses=axis_angles_of(person.rotations).reshape(count, 72),
        trans=person.pelvis - drop - rest[0],
        betas=betas,
        gender=motion.gender,
        model=body.model,
        framerate=rate,
        timestamps=(motion.frames[0] + np.arange(count)) / rate,
        keypoints3d=joints - drop,
        confidence=np.repeat(person.known[:, None], 24, axis=1).astype(np.float64),
        contacts=np.zeros((count, 4)),
        landmarks2d=np.zeros((count, LANDMARK_COUNT, 3)),
        camera=_camera_before(joints[0, 0] - drop),
        meta={"source": motion.tool, "in_point_s": 0.0, "warnings": warnings},
    )


def _shape_warnings(motion: SourceMotion, body: Body) -> list[str]:
    wanted, given = _TITLES[motion.model], _TITLES[shapes_of(body)]
    if motion.model != shapes_of(body):
        owner = f"{given}'s" if body.model == "open" else "your body file's"
        return [f"The person's shape needs an {wanted} body file: the motion is on {owner} mean shape."]
    if motion.gender != body.gender and body.model != "open":
        return [f"The person's shape is of a {motion.gender} body, your body file is {body.gender}: sizes may be off."]
    return []


def _floor(joints: Array, turns: Array, body: Body, betas: Array) -> float:
    """Height of the floor under (T, 24, 3) joints: where the soles are at the lowest moments."""
    vertices, rest = body.rest_vertices(betas), body.rest_joints(betas)
    heights: list[Array] = []
    for joint in _FEET:
        moved = vertices[body.weights.argmax(axis=1) == joint]
        if len(moved):
            sole = moved[moved[:, 1] < moved[:, 1].min() + 0.005] - rest[joint]
            # The height of every point of the sole: the third row of G o.
            heights.append((turns[:, joint, 2] @ sole.T).min(axis=1) + joints[:, joint, 2])
    if not heights:
        heights.append(joints[:, list(_FEET), 2].min(axis=1))
    return float(np.quantile(np.min(heights, axis=0), _FLOOR_QUANTILE))


def _camera_before(pelvis: Array) -> Camera:
    """A camera of no clip that looks along +Y at the pelvis: other tools' files seldom tell of theirs."""
    position = (float(pelvis[0]), float(pelvis[1]) - _VIEW_M, float(pelvis[2]))
    axes = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
    return Camera(focal_px=1200.0, center_px=(960.0, 540.0), image_size=(1920, 1080), rotation=axes, position=position)
