"""What a clip costs at a focal length: whoever walks nearer or away takes steps whose length the legs tell.

How large somebody is in the picture tells the depth only times the focal length; feet that stand still while the body
passes over them tell how far it really went. The clip is fitted at several focal lengths, all with the feet planted in
the same moments, and what is left of the landmarks' and the motion's errors is compared. What a landmark is always off
by, the same on the body throughout, would be blamed on the focal length too: it is found along with the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..body_file import Body
from ..ikol import Skeleton
from ..ikol.chain import Chain
from ..ikol.sequence import ClipTermination, solve_sequence
from ..ikol.terms import Term
from ..lift import Keypoints
from .camera import Intrinsics
from .clip_fit import ClipFit, body_points, chain_of, in_sight
from .clip_terms import BodyPoints, RelativePoints, Reprojection
from .evidence import clip_evidence, frame_worth, smooth_as_it_moves

Array = NDArray[Any]

_TERMINATION = ClipTermination(max_iterations=20, step=4e-3, decrease=0.02)  # costs are compared: well converged
_FIRST_ROUNDS, _ROUNDS = 6, 3  # of fitting the motion and the landmarks' places in turn; a neighbour's are near
_OUTLIER, _GROUND_SIGMA, _RELEASE, _EDGES = 2.0, 0.01, 1.2, 0.2  # much as in the last round of the clip's fit
_PLACE_SIGMA = 0.02  # m: how far a landmark is always off its place on the body
_PLANTED = 0.5
_STRIDE_SECONDS = 0.3  # shorter moves are the depth's wandering


@dataclass(frozen=True)
class Walk:
    """What stays the same while focal lengths are tried.

    Attributes:
        fit: the motion solved with the focal length `focal_px` and the camera's `level`, (T, 3, 3).
        chain: its poses.
        planted: (T, 4) chance that heels and toes are planted.
    """

    fit: ClipFit
    focal_px: float
    level: Array
    chain: Chain
    planted: Tensor


@dataclass(frozen=True)
class FocalTrial:
    """A clip fitted with one focal length.

    Attributes:
        cost: what is left, in squared expected errors.
        local: (T, 24, 3, 3), pelvis: (T, 3), level: (T, 3, 3): the motion, and the camera's.
        places: (n, 3) where the landmarks were found off their places on the body, m.
    """

    focal_px: float
    cost: float
    local: Array
    pelvis: Array
    level: Array
    places: Tensor


def count_steps(planted: Tensor) -> int:
    """How often the foot that alone is on the ground changes; `planted` (T, 4) as in a Walk."""
    left, right = (side > _PLANTED for side in (planted[:, :2].amax(1), planted[:, 2:].amax(1)))
    standing = left[left != right]
    return int((standing[1:] != standing[:-1]).sum())


def way_in_depth(pelvis: Array, rate_hz: float) -> float:
    """Metres that somebody at `pelvis` (T, 3), camera axes, goes towards the camera and away from it."""
    step = max(1, round(_STRIDE_SECONDS * rate_hz))
    return float(np.abs(np.diff(pelvis[::step, 2])).sum())


def take_walk(
    fit: ClipFit, keypoints: Keypoints, body: Body, skeleton: Skeleton, camera: Intrinsics, rate_hz: float
) -> Walk:
    """The walk of a clip that was fitted with `camera`."""
    _, _, feet = body_points(body, keypoints.betas)
    chain = chain_of(fit, keypoints, skeleton, rate_hz)
    planted = feet.contacts(chain, fit.floor, _EDGES, in_sight(keypoints))
    return Walk(fit, camera.focal_px, _level(camera, len(fit.pelvis)), chain, planted)


def try_focal(
    walk: Walk,
    near: FocalTrial | None,
    keypoints: Keypoints,
    landmarks2d: Array,
    body: Body,
    skeleton: Skeleton,
    camera: Intrinsics,
) -> FocalTrial:
    """Fit the walk with `camera`'s focal length, from the trial that is `near`est or else from the walk's own fit.

    Args:
        keypoints: lifted with `camera`.
        landmarks2d: (T, 33, 3) px, px, visibility.
    """
    rate_hz, worth = walk.chain.frame_rate, frame_worth(walk.chain.frame_rate)
    points, marks, feet = body_points(body, keypoints.betas)
    seen, relative, *others = clip_evidence(keypoints, landmarks2d, points, marks, camera, rate_hz, _OUTLIER)
    assert isinstance(seen, Reprojection) and isinstance(relative, RelativePoints)
    smooth = smooth_as_it_moves(walk.chain)
    # What is farther away moves more in depth to look the same, and must not cost more for it.
    others.append(replace(smooth, sigma_depth=camera.focal_px / walk.focal_px * smooth.sigma_depth))
    own, told = seen.points, relative.points
    start = _moved(walk, near, camera)
    chain = chain_of(start, keypoints, skeleton, rate_hz)
    places = torch.zeros_like(own.offsets) if near is None else near.places
    floor, terms = feet.floor(chain, walk.planted, start.floor), list[Term]()
    for number in range(_FIRST_ROUNDS if near is None else _ROUNDS):
        if number > 0:
            places = _find_places(chain, seen, own)
        seen = replace(seen, points=BodyPoints(own.bodies, own.offsets + places))
        relative = replace(relative, points=BodyPoints(told.bodies, told.offsets + places))
        ground = (
            feet.still(walk.chain, walk.planted, worth, _RELEASE),
            feet.grounded(walk.planted, floor, worth, _GROUND_SIGMA),
        )
        terms = [seen, relative, *others, *ground]
        chain = solve_sequence(chain, terms, _TERMINATION, None).chain
        floor = feet.floor(chain, walk.planted, floor)
    cost = sum(float(term.linearize(chain).cost.double().sum()) for term in terms)
    cost += float((places * places).sum()) / 2 / _PLACE_SIGMA**2
    return FocalTrial(
        camera.focal_px, cost, chain.relative.numpy(), chain.pelvis.numpy(), _level(camera, len(start.pelvis)), places
    )


def _moved(walk: Walk, near: FocalTrial | None, camera: Intrinsics) -> ClipFit:
    """The motion as it would look the same through `camera`: as much farther away as that magnifies."""
    if near is None:
        local, pelvis, level, focal_px = walk.fit.local, walk.fit.pelvis, walk.level, walk.focal_px
    else:
        local, pelvis, level, focal_px = near.local, near.pelvis, near.level, near.focal_px
    now = _level(camera, len(pelvis))
    seen = np.einsum("tji,tj->ti", level, pelvis) * (1.0, 1.0, camera.focal_px / focal_px)
    turned = local.copy()
    turned[:, 0] = now @ np.swapaxes(level, -1, -2) @ local[:, 0]
    return ClipFit(turned.astype(np.float32), np.einsum("tij,tj->ti", now, seen).astype(np.float32), walk.fit.floor)


def _level(camera: Intrinsics, count: int) -> Array:
    return np.broadcast_to(camera.level, (count, 3, 3))


def _find_places(chain: Chain, seen: Reprojection, own: BodyPoints) -> Tensor:
    """(n, 3) how far the landmarks are always off their `own` places on the body, as the picture shows them, m."""
    errors = seen.errors(chain)
    jacobian = errors.slope @ chain.frames[:, own.bodies]
    known = torch.eye(3) / _PLACE_SIGMA**2
    normal = torch.einsum("tn,tnij,tnik->njk", errors.weight, jacobian, jacobian) + known
    before = seen.points.offsets - own.offsets
    pull = torch.einsum("tn,tnij,tni->nj", errors.weight, jacobian, errors.residual) + before / _PLACE_SIGMA**2
    return before - torch.linalg.solve(normal, pull[..., None])[..., 0]
