"""A clip's poses as the sequence solver sees them, and how points on the body move when the poses change.

Unknowns of a frame, in the world frame: a move of the pelvis and a turn of each of the 24 bodies, 75 numbers in the
order [pelvis move, turn of body 0, ..., turn of body 23]. Turns are absolute: a joint's own turn is its body's minus
its parent's. Tensors are batch first here; T is the number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from . import so3
from .kinematics import JOINT_COUNT, LEVELS, PARENTS

UNKNOWNS = 3 + 3 * JOINT_COUNT
PELVIS_MOVE = slice(0, 3)


def turn_of(body: int) -> int:
    """Where the three numbers of a body's turn begin among a frame's unknowns."""
    return 3 + 3 * body


@lru_cache
def block_places(rows: tuple[int, ...], columns: tuple[int, ...], device: torch.device) -> Tensor:
    """(9 n) where 3x3 blocks that begin at `rows` and `columns` stand in a flattened matrix of 75 columns."""
    axes = torch.arange(3)
    first, second = (torch.tensor(begins, dtype=torch.long)[:, None] + axes for begins in (rows, columns))
    return (UNKNOWNS * first[:, :, None] + second[:, None]).flatten().to(device)


def _ways() -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """For each joint and each body above it: joint, body, and the body's child on the way to the joint."""
    rows: list[tuple[int, int, int]] = []
    for joint in range(JOINT_COUNT):
        child = joint
        while PARENTS[child] >= 0:
            rows.append((joint, PARENTS[child], child))
            child = PARENTS[child]
    joints, bodies, children = zip(*rows, strict=True)
    return joints, bodies, children


_JOINTS, _BODIES, _CHILDREN = _ways()


@dataclass(frozen=True)
class Chain:
    """A clip's poses.

    Attributes:
        frames: (T, 24, 3, 3) global rotations.
        pelvis: (T, 3), m.
        bones: (24, 3) rest offsets from the parent, m; one body for the clip.
        frame_rate: Hz.
    """

    frames: Tensor
    pelvis: Tensor
    bones: Tensor
    frame_rate: float

    @classmethod
    def from_rotations(cls, rotations: Tensor, pelvis: Tensor, bones: Tensor, frame_rate: float) -> Chain:
        """From relative rotations (T, 24, 3, 3)."""
        frames = [rotations[:, :1]]
        for level in LEVELS:
            frames.append(frames[-1][:, level.slots] @ rotations[:, level.joints])
        return cls(torch.cat(frames, 1), pelvis, bones, frame_rate)

    @cached_property
    def joints(self) -> Tensor:
        """(T, 24, 3), m."""
        return self.joints_and_arms[0]

    @cached_property
    def joints_and_arms(self) -> tuple[Tensor, Tensor]:
        """Joints and their offsets from the parents in the world, (T, 24, 3) each, m."""
        arms = (self.frames[:, PARENTS[1:]] @ self.bones[1:, :, None]).squeeze(-1)
        joints = [self.pelvis[:, None]]
        for level in LEVELS:
            joints.append(joints[-1][:, level.slots] + arms[:, level.joints.start - 1 : level.joints.stop - 1])
        return torch.cat(joints, 1), torch.cat((torch.zeros_like(arms[:, :1]), arms), 1)

    @property
    def relative(self) -> Tensor:
        """(T, 24, 3, 3) relative rotations."""
        return torch.cat((self.frames[:, :1], self.frames[:, PARENTS[1:]].mT @ self.frames[:, 1:]), 1)

    @cached_property
    def joint_jacobian(self) -> Tensor:
        """(T, 24, 3, 75): d q_j = pelvis move + sum over the bodies a above j of turn_a x arm_a."""
        count, like = len(self.frames), self.frames
        jacobian = like.new_zeros(count, JOINT_COUNT, 3, 1 + JOINT_COUNT, 3)
        jacobian[:, :, range(3), 0, range(3)] = 1
        arms = so3.hat(self.joints_and_arms[1])
        joints, bodies = torch.tensor(_JOINTS), torch.tensor(_BODIES) + 1
        jacobian[:, joints, :, bodies] = -arms[:, _CHILDREN].transpose(0, 1)
        return jacobian.flatten(-2)

    def pull(self, forces: Tensor) -> Tensor:
        """(T, 75) gradient of a cost whose gradient in the joints is `forces` (T, 24, 3)."""
        below = _sum_below(forces)
        torques = torch.linalg.cross(self.joints_and_arms[1][:, 1:], below[:, 1:])
        turns = torch.zeros_like(below).index_add(1, _parents(forces), torques)
        return torch.cat((below[:, 0], turns.flatten(1)), 1)

    def pull_points(self, bodies: list[int], offsets: Tensor, forces: Tensor) -> Tensor:
        """(T, 75) the same of forces (T, n, 3) on `points`."""
        arms = (self.frames[:, bodies] @ offsets[..., None]).squeeze(-1)
        at = torch.tensor(bodies, device=forces.device)
        still = torch.zeros_like(self.joints)
        pulled = self.pull(still.index_add(1, at, forces))
        own = still.index_add(1, at, torch.linalg.cross(arms, forces))
        return torch.cat((pulled[:, :3], pulled[:, 3:] + own.flatten(1)), 1)

    def points(self, bodies: list[int], offsets: Tensor) -> Tensor:
        """(T, n, 3) points attached to `bodies` at offsets (n, 3) or (T, n, 3), m, in the bodies' rest frames."""
        return self.joints[:, bodies] + (self.frames[:, bodies] @ offsets[..., None]).squeeze(-1)

    def point_jacobian(self, bodies: list[int], offsets: Tensor) -> Tensor:
        """(T, n, 3, 75) derivative of `points`."""
        jacobian = self.joint_jacobian.index_select(1, torch.tensor(bodies, device=offsets.device))
        arms = so3.hat((self.frames[:, bodies] @ offsets[..., None]).squeeze(-1))
        at = block_places(tuple(range(0, 3 * len(bodies), 3)), tuple(map(turn_of, bodies)), arms.device)
        jacobian.view(len(arms), -1).index_add_(1, at, arms.flatten(1), alpha=-1)
        return jacobian

    def moved(self, step: Tensor, frames: slice = slice(None)) -> Chain:
        """The chain after a step (T', 75) of some frames, or all."""
        turns = so3.exp(step[:, 3:].unflatten(-1, (JOINT_COUNT, 3)))
        new = Chain(self.frames.clone(), self.pelvis.clone(), self.bones, self.frame_rate)
        new.frames[frames] = turns @ self.frames[frames]
        new.pelvis[frames] += step[:, PELVIS_MOVE]
        return new

    def calmed(self) -> Chain:
        """Every frame the mean of itself, twice, and its neighbours: what alternates from frame to frame is gone."""
        frames = so3.closest_rotation(_mean_of_neighbours(self.frames))
        return Chain(frames, _mean_of_neighbours(self.pelvis), self.bones, self.frame_rate)

    def window(self, frames: slice) -> Chain:
        """The chain of some frames."""
        return Chain(self.frames[frames], self.pelvis[frames], self.bones, self.frame_rate)


def _mean_of_neighbours(values: Tensor) -> Tensor:
    inner = (values[:-2] + 2 * values[1:-1] + values[2:]) / 4
    return torch.cat((values[:1], inner, values[-1:]))


def _sum_below(values: Tensor) -> Tensor:
    """Values (T, 24, 3) of each joint and all below it, summed."""
    sums = list(values.unbind(1))
    for joint in range(JOINT_COUNT - 1, 0, -1):
        sums[PARENTS[joint]] = sums[PARENTS[joint]] + sums[joint]
    return torch.stack(sums, 1)


def _parents(like: Tensor) -> Tensor:
    return torch.tensor(PARENTS[1:], device=like.device)
