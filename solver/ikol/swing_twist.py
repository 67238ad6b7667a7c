"""Swing and twist: the decomposition, and the analytic pass that aims every bone in closed form.

A rotation R and a bone direction t factor as R = swing twist: the twist turns about t, the swing then takes t to R t
by the shortest way. A twist is given as (cos, sin) of its angle.

Reference: the swing-twist pass is HybrIK's (Li et al., CVPR 2021), in its adaptive form, where each bone aims at its
keypoint from where the solved chain is and not from where the parent's keypoint is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import planes
from .kinematics import CHILDREN, FIRST_CHILD, INNER, JOINT_COUNT, LEAVES, LEVELS, take
from .so3 import closest_rotation_planes, to_quaternion

_FORKS = tuple(k for k in INNER if len(CHILDREN[k]) > 1)  # pelvis and spine3
_ANTIPARALLEL = 1e-6  # 1 + cos of the swing below which its axis is arbitrary


def twist_about(rotations: Tensor, axes: Tensor) -> Tensor:
    """Twist (..., 2), (cos, sin), of rotations (..., 3, 3) about axes (..., 3) of any length.

    (1, 0) where the swing is a half-turn and the twist has no meaning.
    """
    quaternion = to_quaternion(rotations)
    axis = axes / axes.norm(dim=-1, keepdim=True)
    w, along = quaternion[..., 0], (quaternion[..., 1:] * axis).sum(-1)
    doubled = torch.stack((w * w - along * along, 2 * w * along), -1)
    length = doubled.norm(dim=-1, keepdim=True)
    identity = doubled.new_tensor((1.0, 0.0)).expand_as(doubled)
    present = length > torch.finfo(length.dtype).eps
    return torch.where(present, doubled / torch.where(present, length, torch.ones_like(length)), identity)


def about_axis(twist: Tensor, axes: Tensor) -> Tensor:
    """Rotations (..., 3, 3) by twist (..., 2), (cos, sin) of any length, about unit axes (..., 3)."""
    axes = axes.expand(*twist.shape[:-1], 3)
    moved = rotate_about(twist.movedim(-1, 0), axes.movedim(-1, 0))
    return moved.movedim((0, 1), (-2, -1))


def decompose(rotations: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations (..., 3, 3) as swing (..., 3, 3) and twist (..., 2) about axes (..., 3), R = swing twist."""
    twist = twist_about(rotations, axes)
    turned = about_axis(twist, axes / axes.norm(dim=-1, keepdim=True))
    return rotations @ turned.transpose(-1, -2), twist


def rotate_about(twist: Tensor, axis: Tensor) -> Tensor:
    """`about_axis` on planes: twist (2, ...) and unit axis (3, ...) to (3, 3, ...). A zero twist turns nothing."""
    squared = planes.dot(twist, twist)
    present = squared > planes.TINY
    length = torch.where(present, squared, torch.ones_like(squared)).sqrt()
    cosine = torch.where(present, twist[0] / length, torch.ones_like(length))
    sine = twist[1] / length
    spread = axis[:, None] * axis[None] * (1 - cosine)
    x, y, z = axis * sine
    turn = torch.stack(
        (torch.stack((cosine, -z, y)), torch.stack((z, cosine, -x)), torch.stack((-y, x, cosine)))
    )  # fmt: skip
    return spread + turn


def swing_between(start: Tensor, end: Tensor, columns: Tensor) -> Tensor:
    """Rotate columns (3, m, ...) by the shortest rotation that takes unit start (3, ...) to unit end (3, ...).

    Opposite directions turn about an arbitrary axis across; an absent (zero) direction turns nothing.
    """
    axis = planes.cross(start, end)
    cosine = planes.dot(start, end)
    opposite = 1 + cosine < _ANTIPARALLEL
    scale = torch.where(opposite, torch.full_like(cosine, 2.0), 1 / torch.where(opposite, -cosine, 1 + cosine))
    fold = torch.where(opposite, across(start.detach()), axis)
    twice = planes.cross(fold[:, None], planes.cross(fold[:, None], columns))
    return columns + planes.cross(axis[:, None], columns) + scale * twice


def across(direction: Tensor) -> Tensor:
    """A unit vector (3, ...) across each unit direction (3, ...)."""
    x, y, z = direction
    zero = torch.zeros_like(x)
    side = torch.where(x.abs() < 0.8, torch.stack((zero, -z, y)), torch.stack((z, zero, -x)))
    return side / planes.norm(side)


def leading_bones(bones: Tensor) -> Tensor:
    """Rest bone (3, 24, B) of each joint towards its first child, zero for leaves, from bones (3, 24, B)."""
    with_zero = torch.cat((bones, torch.zeros_like(bones[:, :1])), 1)
    return take(with_zero, tuple(c if c >= 0 else JOINT_COUNT for c in FIRST_CHILD))


def twist_rotations(bones: Tensor, twist: Tensor) -> Tensor:
    """Rotations (3, 3, 24, B) by twist (2, 24, B) about each joint's bone towards its first child."""
    leading = leading_bones(bones)
    return rotate_about(twist, leading / planes.norm(leading))


def solve_analytic(targets: Tensor, weights: Tensor, bones: Tensor, twists: Tensor, leaves: Tensor) -> Tensor:
    """One closed-form pass from the root: global rotations (3, 3, 24, B).

    The pelvis and spine3 take the closest rotation of their children's offsets, every other inner joint the twist and
    then the shortest swing that points its bone at the keypoint from where the chain has come to.

    Args:
        targets: (3, 24, B) keypoints, m.
        weights: (24, B) confidence; a joint whose child has none keeps its rest swing.
        bones: (3, 24, B) rest offsets from the parent, m.
        twists: (3, 3, 24, B) rotations about the bones.
        leaves: (3, 3, 5, B) relative rotations of the leaves in the order of LEAVES.
    """
    batch = targets.shape[-1]
    forks = {k: _fork_rotation(k, targets, weights, bones) for k in _FORKS}
    frames = [forks[0]]
    joints = [targets[:, :1]]
    local = torch.cat([twists[:, :, k : k + 1] if k in INNER else _leaf(leaves, k) for k in range(JOINT_COUNT)], 2)
    leading = leading_bones(bones)
    length = planes.norm(leading)
    direction = leading / length
    goal = take(targets, tuple(c if c >= 0 else 0 for c in FIRST_CHILD))
    known = take(weights, tuple(c if c >= 0 else 0 for c in FIRST_CHILD)) > 0
    swings = known & torch.tensor([k in INNER for k in range(JOINT_COUNT)], device=targets.device)[:, None]
    for level in LEVELS:
        above = take(frames[-1], level.slots)
        here = take(joints[-1], level.slots) + planes.apply(above, bones[:, level.joints])
        frame = planes.multiply(above, local[:, :, level.joints])
        aim = goal[:, level.joints] - here
        aim = aim / planes.norm(aim) * swings[level.joints]
        frame = swing_between(planes.apply(above, direction[:, level.joints]), aim, frame)
        for fork in _FORKS:
            if level.joints.start <= fork < level.joints.stop:
                at = fork - level.joints.start
                frame = torch.cat((frame[:, :, :at], forks[fork], frame[:, :, at + 1 :]), 2)
        frames.append(frame)
        joints.append(here)
    return torch.cat(frames, 2).expand(3, 3, JOINT_COUNT, batch)


def _leaf(leaves: Tensor, joint: int) -> Tensor:
    at = LEAVES.index(joint)
    return leaves[:, :, at : at + 1]


def _fork_rotation(joint: int, targets: Tensor, weights: Tensor, bones: Tensor) -> Tensor:
    """Closest global rotation (3, 3, 1, B) of a joint with several children."""
    children = CHILDREN[joint]
    offsets = take(targets, children) - targets[:, joint : joint + 1]
    rest = take(bones, children) * (take(weights, children) * weights[joint])
    covariance = (offsets[:, None] * rest[None]).sum(2, keepdim=True)
    missing = (covariance * covariance).sum((0, 1)) < planes.TINY
    identity = torch.eye(3, dtype=bones.dtype, device=bones.device)[:, :, None, None]
    return closest_rotation_planes(torch.where(missing, identity, covariance))
