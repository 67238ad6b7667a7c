"""A whole clip at once: one body before one camera on one floor, moving as people move.

Per-frame solving trusts the detector's depth, frame by frame. Over a clip much more is known: where each landmark is
seen, that feet stand still while planted, that bones keep their length and that motion is smooth. Two rounds: fit,
find what is planted, fit again. Weights from the prototype (DESIGN 10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..body_file import JOINT_NAMES, Body
from ..detect.observations import LANDMARK_NAMES
from ..ikol import Skeleton
from ..ikol.chain import Chain
from ..ikol.kinematics import LEAF_INPUT_ORDER
from ..ikol.sequence import ClipTermination, ClipWindows, solve_sequence
from ..ikol.terms import AngularAcceleration, JointAcceleration, Rotations, Term, Twists
from ..lift import Keypoints, landmark_points
from .camera import Intrinsics
from .clip_terms import BodyPoints, Ground, Hinges, PlantedPoints, PosePrior, RelativePoints, Reprojection
from .contacts import FOOT_POINTS, contact_probability

Array = NDArray[Any]

_INDEPENDENT_SECONDS = 0.1  # the detector's errors are the same for this long: faster video does not know more
_IMAGE_SIGMA = 0.012  # of the person's height in the picture
_DETECTOR_DEPTH_WEIGHT = 0.1
_ACCELERATION = 120.0  # m/s^2, over _INDEPENDENT_SECONDS
_ANGULAR_ACCELERATION = 600.0  # rad/s^2
_TWIST_WEIGHT, _LEAF_WEIGHT = 0.3, 0.3
# Corners of eyes and mouth say what nose, eyes and ears say.
_USED = [i for i, n in enumerate(LANDMARK_NAMES) if not n.endswith(("_inner", "_outer")) and not n.startswith("mouth")]
_ROUNDS = 3
_SHORTEST = 3  # moments; fewer have no acceleration, and nothing to smooth
# Steps beyond these change nothing that can be seen.
_TERMINATION = ClipTermination(max_iterations=6, step=0.02, decrease=0.1)
_WINDOWS = ClipWindows(length=160, margin=25)
# Standard deviations about the rest pose, rad, by joint and axis; what a limb does freely has a wide one.
_FREE = 9.0
_SPREAD = {
    "spine1": (0.35, 0.35, 0.3),
    "spine2": (0.35, 0.35, 0.3),
    "spine3": (0.35, 0.35, 0.3),
    "neck": (0.4, 0.4, 0.4),
    "head": (0.5, 0.5, 0.5),
    "collar": (0.25, 0.25, 0.25),
    "shoulder": (1.5, 1.5, 1.5),
    "elbow": (0.8, _FREE, 0.25),
    "wrist": (0.4, 0.4, 0.4),
    "hand": (0.1, 0.1, 0.1),
    "hip": (1.5, 0.8, 1.0),
    "knee": (_FREE, 0.12, 0.12),
    "ankle": (0.5, 0.35, 0.35),
    "foot": (0.3, 0.1, 0.1),
}
# Joint, axis and sense in which knees and elbows bend.
_HINGES = {"left_knee": (0, 1.0), "right_knee": (0, 1.0), "left_elbow": (1, -1.0), "right_elbow": (1, 1.0)}


@dataclass(frozen=True)
class ClipFit:
    """A person's motion before the camera, camera axes.

    Attributes:
        local: (T, 24, 3, 3) relative to the parent; joint 0 in camera axes.
        pelvis: (T, 3) m.
        floor: y of the ground, m.
    """

    local: Array
    pelvis: Array
    floor: float


def fit_clip(
    start: ClipFit,
    keypoints: Keypoints,
    landmarks2d: Array,
    body: Body,
    skeleton: Skeleton,
    camera: Intrinsics,
    rate_hz: float,
    on_progress: Callable[[float], None],
) -> ClipFit:
    """Refine `start`, solved frame by frame, over the whole clip.

    Args:
        landmarks2d: (T, 33, 3) px, px, visibility.
        on_progress: hears the share that is done, 0..1, and may raise to stop.
    """
    if len(keypoints.times) < _SHORTEST:
        return start
    points, heights = _points_of(body, keypoints.betas)
    bones = skeleton.bones(torch.as_tensor(keypoints.betas, dtype=torch.float32)[None])[0]
    chain = Chain.from_rotations(_tensor(start.local), _tensor(start.pelvis), bones, rate_hz)
    always = _terms(keypoints, landmarks2d, points, camera, rate_hz)
    feet, worth = points.pick(list(FOOT_POINTS)), _worth(rate_hz)
    sole_heights = _tensor(heights[list(FOOT_POINTS)])
    floor = start.floor
    for number in range(_ROUNDS):
        on_progress(number / _ROUNDS)

        def on_window(done: int, count: int, before: int = number) -> None:
            on_progress((before + done / count) / _ROUNDS)

        planted = _contacts(chain, feet, sole_heights, floor, rate_hz)
        ground = (PlantedPoints(feet, planted, worth), Ground(feet, sole_heights, floor, planted, worth))
        chain = solve_sequence(chain, [*always, *ground], _TERMINATION, _WINDOWS, on_window).chain
        floor = _floor(chain, feet, sole_heights, planted, floor)
    return ClipFit(chain.relative.numpy(), chain.pelvis.numpy(), floor)


def _worth(rate_hz: float) -> float:
    """What one frame's evidence counts: the detector's errors last longer than a frame of fast video."""
    return min(1.0, 1 / (rate_hz * _INDEPENDENT_SECONDS))


def _terms(
    keypoints: Keypoints, landmarks2d: Array, points: BodyPoints, camera: Intrinsics, rate_hz: float
) -> list[Term]:
    """Everything but the ground."""
    worth = _worth(rate_hz)
    visibility = _tensor(landmarks2d[:, _USED, 2])
    rays = _tensor((landmarks2d[..., :2] - camera.center_px) / camera.focal_px)
    rows = landmarks2d[..., 1]
    stature = float(np.median(rows.max(axis=1) - rows.min(axis=1))) / camera.focal_px
    joints = list(range(1, 24))
    spread = [_SPREAD[JOINT_NAMES[joint].removeprefix("left_").removeprefix("right_")] for joint in joints]
    hinges = [(JOINT_NAMES.index(name), axis, sign) for name, (axis, sign) in _HINGES.items()]
    confidence = _tensor(keypoints.confidence)
    faster = (rate_hz * _INDEPENDENT_SECONDS) ** 0.5
    return [
        Reprojection(points.pick(_USED), rays[:, _USED], worth * visibility, _IMAGE_SIGMA * stature),
        RelativePoints(
            points.pick(_USED), _tensor(keypoints.landmarks[:, _USED]), worth * _DETECTOR_DEPTH_WEIGHT * visibility
        ),
        Twists(_tensor(keypoints.twist), worth * _TWIST_WEIGHT * confidence[:, 1:]),
        Rotations(
            LEAF_INPUT_ORDER,
            _tensor(keypoints.leaf_rotations),
            worth * _LEAF_WEIGHT * confidence[:, list(LEAF_INPUT_ORDER)],
        ),
        PosePrior(joints, torch.eye(3, dtype=torch.float32).expand(23, 3, 3), _tensor(np.array(spread)), worth),
        Hinges([h[0] for h in hinges], [h[1] for h in hinges], [h[2] for h in hinges], worth),
        JointAcceleration(_ACCELERATION * faster),
        AngularAcceleration(_ANGULAR_ACCELERATION * faster),
    ]


def _points_of(body: Body, betas: Array) -> tuple[BodyPoints, Array]:
    """The landmarks on the body, and (33,) their height above its soles in the rest pose, m."""
    found = landmark_points(body, betas)
    rest, vertices = body.rest_joints(betas), body.rest_vertices(betas)
    heights = rest[found.joint, 1] + found.offset[:, 1] - float(vertices[:, 1].min())
    return BodyPoints([int(joint) for joint in found.joint], _tensor(found.offset)), heights


def _contacts(chain: Chain, feet: BodyPoints, heights: torch.Tensor, floor: float, rate_hz: float) -> torch.Tensor:
    """(T, 4) chance that heels and toes are planted."""
    place = chain.points(feet.bodies, feet.offsets)
    # Contacts are told with z up and the soles at 0.
    upright = torch.stack((place[..., 0], place[..., 2], floor - heights - place[..., 1]), -1)
    return _tensor(contact_probability(upright.numpy(), rate_hz))


def _floor(chain: Chain, feet: BodyPoints, heights: torch.Tensor, probability: torch.Tensor, floor: float) -> float:
    """The ground under the planted points; where nothing is planted, as it was."""
    if float(probability.sum()) < 1.0:
        return floor
    place = chain.points(feet.bodies, feet.offsets)[..., 1] + heights
    return float((probability * place).sum() / probability.sum())


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32)
