"""A whole clip at once: one body before one camera on one floor, moving as people move.

Per-frame solving trusts the detector's depth, frame by frame. Over a clip much more is known: where each landmark is
seen, that feet stand still while planted, that bones keep their length and that motion is smooth. Rounds of fitting,
and of finding what is planted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..body_file import Body
from ..ikol import Skeleton
from ..ikol.chain import Chain
from ..ikol.sequence import ClipTermination, ClipWindows, solve_sequence
from ..lift import Keypoints, LandmarkPoints, landmark_points, seen_points
from ..stretches import stretches
from .camera import Intrinsics
from .clip_terms import BodyPoints
from .contacts import FOOT_POINTS
from .evidence import clip_evidence, frame_worth, smooth_as_it_moves
from .standing import Feet

Array = NDArray[Any]

_SHORTEST = 3  # moments; fewer have no acceleration, and nothing to smooth
# Steps beyond these change nothing that can be seen; what a next round goes on from may be rough.
_TERMINATION = ClipTermination(max_iterations=9, step=0.02, decrease=0.1)
_ROUGH = replace(_TERMINATION, max_iterations=7)
_WINDOW, _MARGIN_SECONDS = 160, 0.8  # frames, s


@dataclass(frozen=True)
class _Round:
    """What a round of fitting trusts; the one before it found where the body, its contacts and the ground are.

    Attributes:
        outlier: error in the picture, in standard deviations, beyond which a landmark is hardly believed.
        ground_sigma: how well the ground is known, m.
        release: speed, m/s, at which a planted foot of somebody who steps fast is let go.
        edges: chance that a moment beside a contact, in which such a foot slides over the floor, belongs to it.
        termination: when it is done.
    """

    outlier: float
    ground_sigma: float
    release: float
    edges: float
    termination: ClipTermination


# A body far off trusts its landmarks to pull it near, and no contact that it seems to have; later, contacts count more.
_ROUNDS = (
    _Round(8.0, 0.06, 0.6, 0.0, _ROUGH),
    _Round(4.0, 0.03, 1.0, 0.2, _TERMINATION),
    _Round(2.0, 0.008, 1.2, 0.35, _TERMINATION),
)
_TURN = replace(_ROUNDS[1], edges=0.0, termination=_ROUGH)  # how the floor lies is told by sure contacts


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
    points, seen, feet = body_points(body, keypoints.betas)
    chain = chain_of(start, keypoints, skeleton, rate_hz)
    worth, floor = frame_worth(rate_hz), start.floor
    sight = in_sight(keypoints)
    for number, trust in enumerate(_ROUNDS):
        on_progress(number / len(_ROUNDS))

        def on_window(done: int, count: int, before: int = number) -> None:
            on_progress((before + done / count) / len(_ROUNDS))

        planted = feet.contacts(chain, floor, trust.edges, sight)
        ground = (
            feet.still(chain, feet.held(chain, planted), worth, trust.release),
            feet.grounded(planted, floor, worth, trust.ground_sigma),
        )
        evidence = clip_evidence(keypoints, landmarks2d, points, seen, camera, rate_hz, trust.outlier)
        terms = [*evidence, smooth_as_it_moves(chain), *ground]
        chain = solve_sequence(chain, terms, trust.termination, _windows(rate_hz), on_window).chain
        floor = feet.floor(chain, planted, floor)
        del evidence, ground, terms  # before the next round's are made
    local = np.empty(chain.frames.shape, np.float32)
    for part in (stretch.kept for stretch in stretches(len(local))):
        local[part] = chain.window(part).relative.numpy()
    return ClipFit(local, chain.pelvis.numpy(), floor)


def find_floor_turn(
    start: ClipFit,
    keypoints: Keypoints,
    landmarks2d: Array,
    body: Body,
    skeleton: Skeleton,
    camera: Intrinsics,
    rate_hz: float,
    level: Array,
    on_progress: Callable[[float], None],
) -> Array:
    """(3, 3) turns camera axes such that what this person stands on becomes level, as far as the person tells it.

    A floor that rises towards the back is a camera that looks lower than it was thought to. Arguments are `fit_clip`'s,
    and `level` (2, 2), what else says that the camera is level already: for slopes along x and z, 1/rad^2.
    """
    if len(keypoints.times) < _SHORTEST:
        return np.eye(3)
    points, seen, feet = body_points(body, keypoints.betas)
    chain = chain_of(start, keypoints, skeleton, rate_hz)
    trust, sight = _TURN, in_sight(keypoints)
    planted = feet.contacts(chain, start.floor, trust.edges, sight)
    terms = [
        *clip_evidence(keypoints, landmarks2d, points, seen, camera, rate_hz, trust.outlier),
        smooth_as_it_moves(chain),
        feet.still(chain, planted, frame_worth(rate_hz), trust.release),
    ]

    def on_window(done: int, count: int) -> None:
        on_progress(done / count)

    chain = solve_sequence(chain, terms, trust.termination, _windows(rate_hz), on_window).chain
    return feet.floor_turn(chain, feet.contacts(chain, start.floor, trust.edges, sight), level)


def _windows(rate_hz: float) -> ClipWindows:
    return ClipWindows(_WINDOW, round(_MARGIN_SECONDS * rate_hz))


def in_sight(keypoints: Keypoints) -> Array:
    """(T,) whether the person is seen."""
    return keypoints.confidence.max(axis=1) > 0


def chain_of(start: ClipFit, keypoints: Keypoints, skeleton: Skeleton, rate_hz: float) -> Chain:
    bones = skeleton.bones(torch.as_tensor(keypoints.betas, dtype=torch.float32)[None])[0]
    local, pelvis = _tensor(start.local), _tensor(start.pelvis)
    frames = torch.empty_like(local)
    for part in (stretch.kept for stretch in stretches(len(local))):
        frames[part] = Chain.from_rotations(local[part], pelvis[part], bones, rate_hz).frames
    return Chain(frames, pelvis, bones, rate_hz)


def body_points(body: Body, betas: Array) -> tuple[BodyPoints, BodyPoints, Feet]:
    """The landmarks on the body, the same where the detector marks them, and heels and toes."""
    found = landmark_points(body, betas)
    rest, vertices = body.rest_joints(betas), body.rest_vertices(betas)
    heights = rest[found.joint, 1] + found.offset[:, 1] - float(vertices[:, 1].min())
    points, chosen = _fixed(found), list(FOOT_POINTS)
    return points, _fixed(seen_points(body, betas)), Feet(points.pick(chosen), _tensor(heights[chosen]))


def _fixed(points: LandmarkPoints) -> BodyPoints:
    return BodyPoints([int(joint) for joint in points.joint], _tensor(points.offset))


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32)
