"""People in motion before a camera, and what a detector would say of them: training data without end.

Poses are the motion capture's, legs, arms and trunks exchanged between takes, bent by smooth random turns, mirrored and
slowed or hurried. The detector's errors are borrowed from the films: what it got wrong there of somebody else in
another motion, limbs exchanged. So a network cannot learn by heart which error belongs to which of the few films.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from cmu import Motion
from films import MOMENTS, TOLD, Errors, Films, Seen, from_hips
from scipy.interpolate import CubicSpline
from torch import Tensor

from solver.body_file import JOINT_NAMES, PARENTS, Body
from solver.detect.person_landmarks import LANDMARK_NAMES, LIMBS
from solver.ikol import so3
from solver.lift.landmark_points import MIRRORED_JOINTS, landmark_points
from solver.lift.network import HIPS, LANDMARKS, crop_axes

_POOL_RATE_HZ = 60.0
_LEGS = [j for j, name in enumerate(JOINT_NAMES) if name.split("_")[-1] in ("hip", "knee", "ankle", "foot")]
_ARMS = {
    side: [JOINT_NAMES.index(f"{side}_{part}") for part in ("collar", "shoulder", "elbow", "wrist", "hand")]
    for side in ("left", "right")
}
_TRUNK = [JOINT_NAMES.index(name) for name in ("spine1", "spine2", "spine3", "neck", "head")]
# Random turns that bend the motion: constant over a stretch, and wandering within it, radians.
_BEND = {"hip": (0.25, 0.10), "knee": (0.12, 0.06), "spine": (0.08, 0.04), "neck": (0.15, 0.08), "head": (0.15, 0.08)}
_BEND |= {"collar": (0.08, 0.04), "shoulder": (0.45, 0.2), "elbow": (0.3, 0.15), "wrist": (0.3, 0.15)}
_BEND |= {"ankle": (0.15, 0.08), "foot": (0.05, 0.02), "hand": (0.1, 0.05)}
_TILTED = 0.15  # share of the people who lie or tumble
# What an arm's or leg's landmarks get wrong can be another person's: in space from where the limb hangs on, in the
# picture as it is.
_LIMBS = [
    (LANDMARK_NAMES.index(f"{side}_{root}"), [LANDMARK_NAMES.index(f"{side}_{part}") for part in parts])
    for side in ("left", "right")
    for root, parts in LIMBS.items()
]
_EXCHANGED = 0.4


@dataclass(frozen=True)
class Pool:
    """All motion at 60 Hz, end to end: rotations (N, 24, 3, 3), pelvis (N, 3), and where takes start and how long they
    are (K)."""

    rotations: Tensor
    pelvis: Tensor
    starts: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class ShapedPoints:
    """Rest joints and landmarks of any shape: both are linear in the betas.

    Attributes:
        joints: (24, 3); joint_basis: (24, 3, 10).
        offsets: (33, 3) of the landmarks from the joints `carriers`; offset_basis: (33, 3, 10).
    """

    joints: Tensor
    joint_basis: Tensor
    carriers: list[int]
    offsets: Tensor
    offset_basis: Tensor


def make_pool(motions: list[Motion]) -> Pool:
    """The motion capture, brought to 60 Hz."""
    rotations: list[Tensor] = []
    pelvis: list[Tensor] = []
    for motion in motions:
        step = motion.rate_hz / _POOL_RATE_HZ
        chosen = np.round(np.arange(0, len(motion.pelvis) - 1, step)).astype(int)
        rotations.append(torch.tensor(motion.rotations[chosen], dtype=torch.float32))
        pelvis.append(torch.tensor(motion.pelvis[chosen], dtype=torch.float32))
    lengths = torch.tensor([len(part) for part in pelvis])
    return Pool(torch.cat(rotations), torch.cat(pelvis), lengths.cumsum(0) - lengths, lengths)


def shaped_points(body: Body) -> ShapedPoints:
    """Where joints and landmarks lie on every shape of `body`."""
    zero = np.zeros(10)
    base, marks = body.rest_joints(zero), landmark_points(body, zero)
    joints, offsets = [], []
    for unit in np.eye(10):
        joints.append(body.rest_joints(unit) - base)
        offsets.append(landmark_points(body, unit).offset - marks.offset)
    as_tensor = lambda values: torch.tensor(np.array(values), dtype=torch.float32)  # noqa: E731
    return ShapedPoints(
        as_tensor(base),
        as_tensor(np.stack(joints, -1)),
        [int(joint) for joint in marks.joint],
        as_tensor(marks.offset),
        as_tensor(np.stack(offsets, -1)),
    )


def simulate(pool: Pool, points: ShapedPoints, films: Films, count: int) -> Seen:
    """`count` stretches of MOMENTS, seen with the errors of `films`."""
    joints, landmarks = _place(points, *_move(pool, count))
    everything = torch.cat((landmarks, joints), 2)
    everything = everything - joints[:, MOMENTS // 2 : MOMENTS // 2 + 1, :1]
    turn, place = _camera(count)
    placed = everything @ (turn @ _laid_down(count)).mT[:, None] + place[:, None, None]
    placed[..., 2].clamp_min_(0.4)
    rays = placed[:, :, :LANDMARKS, :2] / placed[:, :, :LANDMARKS, 2:]
    axes = crop_axes(rays)
    truth = (placed - placed[:, :, LANDMARKS : LANDMARKS + 1]) @ axes
    up = (turn[:, None] @ torch.tensor((0.0, 1.0, 0.0)))[..., None, :] @ axes
    errors = _borrow(films, count)
    share = 0.7 + 0.6 * torch.rand(count, 1, 1, 1)
    depth = placed[:, :, HIPS, 2:].mean(2, keepdim=True)
    wrong = share * errors.picture + torch.randn(count, 1, LANDMARKS, 2) * 0.004
    focal = torch.exp(torch.randn(count, 1, 1, 1) * 0.18)  # the camera's is not known
    told = torch.tensor(TOLD) * torch.exp(torch.randn(count, 1, 1, 1) * 0.04)
    told = told * (1 + torch.randn(count, 1, 1, 1) * torch.tensor((0.0, 0.0, 0.15)))
    guess = from_hips(truth[:, :, :LANDMARKS]) * told + share * errors.space
    guess = guess + torch.randn(count, 1, LANDMARKS, 3) * torch.tensor((0.01, 0.01, 0.02))
    return Seen((rays + wrong / depth) * focal, errors.visibility, from_hips(guess), truth, up.squeeze(-2))


def _borrow(films: Films, count: int) -> Errors:
    """Errors of the films, some limbs with somebody else's."""
    errors = films.draw_errors(count)
    for root, parts in _LIMBS:
        other = films.draw_errors(count)
        hung = other.space - other.space[:, :, [root]] + errors.space[:, :, [root]]
        exchanged = torch.rand(count, 1, 1, 1) < _EXCHANGED
        for own, new in ((errors.space, hung), (errors.picture, other.picture)):
            own[:, :, parts] = torch.where(exchanged, new[:, :, parts], own[:, :, parts])
        visibility = torch.where(exchanged[..., 0], other.visibility[:, :, parts], errors.visibility[:, :, parts])
        errors.visibility[:, :, parts] = visibility
    return errors


def _windows(pool: Pool, count: int) -> tuple[Tensor, Tensor]:
    """(B, T, 24, 3, 3), (B, T, 3): random stretches at random speed, half of them mirrored."""
    take = torch.multinomial(pool.lengths.double().sqrt(), count, replacement=True)
    longest, step = (pool.lengths[take] - 2).float(), 2 * (0.7 + 0.7 * torch.rand(count))
    first = torch.rand(count) * (longest - step * (MOMENTS - 1)).clamp_min(0)
    at = first[:, None] + step[:, None] * torch.arange(MOMENTS)
    # Short takes are played to the end and back.
    at = (longest[:, None] - (longest[:, None] - at % (2 * longest[:, None])).abs()).clamp_min(0)
    before = at.floor()
    share = at - before
    index = before.long() + pool.starts[take][:, None]
    rotations = torch.lerp(pool.rotations[index], pool.rotations[index + 1], share[..., None, None, None])
    pelvis = torch.lerp(pool.pelvis[index], pool.pelvis[index + 1], share[..., None])
    mirror = torch.tensor((-1.0, 1.0, 1.0))
    other = rotations[:, :, list(MIRRORED_JOINTS)] * mirror * mirror[:, None]
    flip = torch.rand(count, 1, 1) < 0.5
    return torch.where(flip[..., None, None], other, rotations), torch.where(flip, pelvis * mirror, pelvis)


def _move(pool: Pool, count: int) -> tuple[Tensor, Tensor]:
    """Motion of people who mix their takes."""
    rotations, pelvis = _windows(pool, count)
    groups = (_LEGS, _ARMS["left"], _ARMS["right"], _TRUNK)
    for group, share in zip(groups, (0.3, 0.4, 0.4, 0.3), strict=True):
        other, _ = _windows(pool, count)
        chosen = (torch.rand(count) < share)[:, None, None, None, None]
        rotations[:, :, group] = torch.where(chosen, other[:, :, group], rotations[:, :, group])
    bent = (torch.rand(count, 1, 1, 1) < 0.7).float()
    names = [name.removeprefix("left_").removeprefix("right_").rstrip("123") for name in JOINT_NAMES[1:]]
    steady, wander = (torch.tensor([_BEND[name][kind] for name in names])[:, None] for kind in (0, 1))
    turns = torch.randn(count, 1, 23, 3) * steady + _wander(count, (23, 3), 5) * wander
    rotations[:, :, 1:] = rotations[:, :, 1:] @ so3.exp(turns * bent)
    return rotations, pelvis


def _place(points: ShapedPoints, rotations: Tensor, pelvis: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T, 24, 3) joints and (B, T, 33, 3) landmarks of randomly shaped people, Y up."""
    betas = torch.randn(len(rotations), 10) * torch.tensor((1.0, 1.0, 0.8, 0.8, *[0.6] * 6))
    rest = points.joints + torch.einsum("jcb,nb->njc", points.joint_basis, betas)
    offsets = points.offsets + torch.einsum("lcb,nb->nlc", points.offset_basis, betas)
    turned, placed = [rotations[:, :, 0]], [pelvis]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        bone = (rest[:, joint] - rest[:, parent])[:, None, :, None]
        placed.append(placed[parent] + (turned[parent] @ bone).squeeze(-1))
        turned.append(turned[parent] @ rotations[:, :, joint])
    joints, frames = torch.stack(placed, 2), torch.stack(turned, 2)
    landmarks = joints[:, :, points.carriers] + (frames[:, :, points.carriers] @ offsets[:, None, ..., None]).squeeze(
        -1
    )
    return joints, landmarks


def _laid_down(count: int) -> Tensor:
    """(B, 3, 3) turns of some people any way over: the motion capture hardly ever lies or tumbles."""
    over = torch.where(torch.rand(count, 1) < _TILTED, torch.randn(count, 3), torch.zeros(()))
    return so3.exp(over)


def _camera(count: int) -> tuple[Tensor, Tensor]:
    """(B, 3, 3) turns of the room, Y up, into camera axes, and (B, 3) the person's place in them, metres."""
    zero = torch.zeros(count)
    yaw = so3.exp(torch.stack((zero, torch.rand(count) * 2 * math.pi, zero), -1))
    pitch = so3.exp(torch.stack((torch.randn(count) * 0.2, zero, zero), -1))
    roll = so3.exp(torch.stack((zero, zero, torch.randn(count) * 0.06), -1))
    flip = torch.diag(torch.tensor((1.0, -1.0, -1.0)))
    distance = 2.5 + 5 * torch.rand(count)
    aside = torch.stack((torch.randn(count) * 0.15, torch.randn(count) * 0.1, torch.ones(count)), -1)
    return roll @ pitch @ flip @ yaw, aside * distance[:, None]


def _wander(count: int, shape: tuple[int, ...], knots: int) -> Tensor:
    """(B, T, *shape) smooth noise of about unit size, through so many random knots."""
    places = np.linspace(0, MOMENTS - 1, knots)
    basis = torch.tensor(CubicSpline(places, np.eye(knots))(np.arange(MOMENTS)), dtype=torch.float32)
    values = torch.randn(count, knots, int(np.prod(shape)))
    return (basis @ values).unflatten(-1, shape)
