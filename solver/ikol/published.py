"""IKOL as published: Gauss-Newton on swing angles about axes that follow the ancestors.

Kept because it is the system that the project implements, and as the baseline that `gauss_newton` is measured against.
The pelvis and spine3 have three children and take Kabsch's rotation. Spine3's *global* rotation then depends on the
keypoints alone, so its swing angle has no effect: of the paper's 18 inner joints 17 angles remain. The result is the
same, because a zero column of the Jacobian takes no step under the damping.

Source: the IKOL paper's formulation as in docs/ikol.md; the Jacobian here is analytic, not from automatic
differentiation, and is itself differentiable, so gradients flow through the iterations (GN-Diff).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import planes
from .kinematics import CHILDREN, INNER, JOINT_COUNT, LEAVES, LEVELS, Level, joints_from_globals, take
from .so3 import closest_rotation_planes
from .swing_twist import leading_bones

SPINE3 = 9
SWINGING = tuple(k for k in INNER if k not in (0, SPINE3))  # the joints of the 17 angles
DAMPING = 0.1  # u of the paper, m^2
ITERATIONS = 5


@dataclass(frozen=True)
class PublishedProblem:
    """What the angles are sought for.

    Attributes:
        targets: (3, 24, B) keypoints relative to the pelvis, m.
        bones: (3, 24, B) rest offsets from the parent, the pelvis's zero, m.
        twists: (3, 3, 24, B) rotations about the bones.
        leaves: (3, 3, 5, B) relative rotations of the leaves in the order of LEAVES.
    """

    targets: Tensor
    bones: Tensor
    twists: Tensor
    leaves: Tensor


@dataclass(frozen=True)
class PublishedSolution:
    """Angles (17, B), global rotations (3, 3, 24, B), joints relative to the pelvis (3, 24, B), cost (B,) in m^2,
    and the largest change of an angle in the last iteration (B,), rad."""

    angles: Tensor
    global_rotations: Tensor
    joints: Tensor
    cost: Tensor
    last_step: Tensor


@dataclass(frozen=True)
class _LevelState:
    """One level of the chain at given angles: axis, aimed bone, target offset (3, n, B), 1 / |bone x offset|,
    sine and 1 - cosine (n, B), and which joints swing (n,)."""

    axis: Tensor
    bone: Tensor
    offset: Tensor
    inverse_length: Tensor
    sine: Tensor
    versine: Tensor


def solve_published(problem: PublishedProblem, iterations: int = ITERATIONS) -> PublishedSolution:
    """`iterations` damped Gauss-Newton steps from zero angles."""
    batch = problem.targets.shape[-1]
    angles = problem.targets.new_zeros(len(SWINGING), batch)
    step = angles
    identity = torch.eye(len(SWINGING), dtype=angles.dtype, device=angles.device)
    frames, states = pose(angles, problem)
    joints = joints_from_globals(frames, problem.bones)
    for _ in range(iterations):
        jacobian = _jacobian(frames, states, problem.bones).permute(3, 1, 2, 0).reshape(batch, len(SWINGING), -1)
        residual = (joints - problem.targets).permute(2, 1, 0).reshape(batch, -1, 1)
        normal = jacobian @ jacobian.transpose(1, 2) + DAMPING * identity
        factor, _ = torch.linalg.cholesky_ex(normal)
        step = torch.cholesky_solve(jacobian @ residual, factor).squeeze(-1).T
        angles = angles - step
        frames, states = pose(angles, problem)
        joints = joints_from_globals(frames, problem.bones)
    residual = joints - problem.targets
    return PublishedSolution(angles, frames, joints, (residual * residual).sum((0, 1)) / 2, step.abs().amax(0))


def pose(angles: Tensor, problem: PublishedProblem) -> tuple[Tensor, list[_LevelState]]:
    """Global rotations (3, 3, 24, B) at angles (17, B), and what their derivative needs, level by level."""
    leading = leading_bones(problem.bones)
    towards = take(problem.targets, tuple(c[0] if c else 0 for c in CHILDREN)) - problem.targets
    local = torch.cat([_local(k, problem) for k in range(JOINT_COUNT)], 2)
    spread = torch.zeros_like(leading[0])
    spread[list(SWINGING)] = 1
    full = torch.zeros_like(leading[0]).index_copy(0, torch.tensor(SWINGING, device=angles.device), angles)
    frames = [_kabsch(0, problem)]
    spine3 = _kabsch(SPINE3, problem)
    states: list[_LevelState] = []
    for level in LEVELS:
        state = _level_state(level, frames[-1], leading, towards, full, spread)
        frame = planes.multiply(take(frames[-1], level.slots), local[:, :, level.joints])
        once = planes.cross(state.axis[:, None], frame)
        frame = frame + state.sine * once + state.versine * planes.cross(state.axis[:, None], once)
        if level.joints.start <= SPINE3 < level.joints.stop:
            at = SPINE3 - level.joints.start
            frame = torch.cat((frame[:, :, :at], spine3, frame[:, :, at + 1 :]), 2)
        frames.append(frame)
        states.append(state)
    return torch.cat(frames, 2), states


def _level_state(
    level: Level, above: Tensor, leading: Tensor, towards: Tensor, angles: Tensor, swings: Tensor
) -> _LevelState:
    bone = planes.apply(take(above, level.slots), leading[:, level.joints])
    offset = towards[:, level.joints]
    normal = planes.cross(bone, offset)
    squared = planes.dot(normal, normal)
    present = (squared > planes.TINY) & (swings[level.joints] > 0)
    inverse_length = torch.where(present, squared, torch.ones_like(squared)).rsqrt() * present
    angle = angles[level.joints]
    return _LevelState(normal * inverse_length, bone, offset, inverse_length, angle.sin(), 1 - angle.cos())


def _jacobian(frames: Tensor, states: list[_LevelState], bones: Tensor) -> Tensor:
    """d joints / d angles (3, 17, 24, B).

    A change of angle a about axis m, and of the parent's rotation w, turns the joint by
    m da + Rod(m, a) w + sin a dm + (1 - cos a) m x dm, with dm the part across m of ((w x s) x u) / |s x u|.
    """
    batch = frames.shape[-1]
    turns = [frames.new_zeros(3, len(SWINGING), 1, batch)]
    moves = [turns[0]]
    for level, state in zip(LEVELS, states, strict=True):
        turn_above = take(turns[-1], level.slots)
        arm = planes.apply(take(frames, level.parents), bones[:, level.joints])[:, None]
        moves.append(take(moves[-1], level.slots) + planes.cross(turn_above, arm))
        axis = state.axis[:, None]
        change = planes.cross(planes.cross(turn_above, state.bone[:, None]), state.offset[:, None])
        change = (change - axis * planes.dot(axis, change)) * state.inverse_length
        once = planes.cross(axis, turn_above)
        turn = turn_above + state.sine * (once + change)
        turn = turn + state.versine * (planes.cross(axis, once) + planes.cross(axis, change))
        turns.append(turn * _follows(level, frames) + axis * _own_angle(level, frames))
    return torch.cat(moves, 2)


def _own_angle(level: Level, like: Tensor) -> Tensor:
    """(17, n, 1) one where the angle is the joint's own."""
    joints = range(level.joints.start, level.joints.stop)
    return like.new_tensor([[[float(k == a)] for k in joints] for a in SWINGING])


def _follows(level: Level, like: Tensor) -> Tensor:
    """(n, 1) zero for spine3, which does not turn with its ancestors."""
    return like.new_tensor([[float(k != SPINE3)] for k in range(level.joints.start, level.joints.stop)])


def _local(joint: int, problem: PublishedProblem) -> Tensor:
    if joint in LEAVES:
        at = LEAVES.index(joint)
        return problem.leaves[:, :, at : at + 1]
    return problem.twists[:, :, joint : joint + 1]


def _kabsch(joint: int, problem: PublishedProblem) -> Tensor:
    children = CHILDREN[joint]
    offsets = take(problem.targets, children) - problem.targets[:, joint : joint + 1]
    covariance = (offsets[:, None] * take(problem.bones, children)[None]).sum(2, keepdim=True)
    return closest_rotation_planes(covariance)
