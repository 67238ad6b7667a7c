"""Normal equations of a tree of ball joints, assembled and solved in one sweep up and one down.

Unknowns, in the world frame: a turn d_k of every joint and a move of the root. The body of joint k then turns by
w_k = sum of d along the way from the root, and its joint moves by v_k = v_pa + w_pa x (q_k - q_pa). The cost is a sum
of terms in each v_k (its keypoint) and terms in each d_k (twist, prior, damping). Every subtree's cost is a quadratic
in its root body's (w, v), six numbers: eliminating d_k and shifting the quadratic to the parent's joint is one step
of the sweep. That carries the subtree sums of the normal matrix, factors it without fill-in, and costs O(joints);
no Jacobian and no 75 x 75 matrix appear. It is the articulated-body recursion of dynamics, with weights for masses.

Reference: Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapter 7. Derived in docs/ikol.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import planes
from .kinematics import LEVELS, accumulate_down, gather_children, take

_ROOT = slice(0, 1)


@dataclass(frozen=True)
class TreeSystem:
    """A quadratic model of the cost around a pose: 24 joints, planes.

    Attributes:
        arms: (3, 24, B) q_k - q_pa(k), m; the root's is not read.
        point_hessian: (3, 3, 24, B) in v_k.
        point_gradient: (3, 24, B) in v_k.
        joint_hessian: (3, 3, 24, B) in d_k.
        joint_gradient: (3, 24, B) in d_k.
        coupling: (3, 3, 24, B) between w_pa(k) and d_k: second derivatives of the joints; None in Gauss-Newton.
    """

    arms: Tensor
    point_hessian: Tensor
    point_gradient: Tensor
    joint_hessian: Tensor
    joint_gradient: Tensor
    coupling: Tensor | None = None


@dataclass(frozen=True)
class TreeStep:
    """Turns d (3, 24, B) of the joints and w (3, 24, B) of the bodies, rad, and moves v (3, 24, B) of the joints, m."""

    joint_turns: Tensor
    body_turns: Tensor
    moves: Tensor


@dataclass(frozen=True)
class TreeFactor:
    """What elimination leaves behind, per level: gains (6, 3, n, B) and inverses (3, 3, n, B) of the pivots."""

    arms: Tensor
    gains: tuple[Tensor, ...]
    columns: tuple[Tensor, ...]
    pivots: tuple[Tensor, ...]
    root: Tensor

    def solve(self, point_gradient: Tensor, joint_gradient: Tensor) -> TreeStep:
        """The step to the minimum for gradients (3, 24, B): one sweep up, one down."""
        starts = list[Tensor]()
        carried = torch.zeros_like(point_gradient[:, :0])
        for i in range(len(LEVELS), -1, -1):
            joints = LEVELS[i - 1].joints if i else _ROOT
            turning = torch.zeros_like(point_gradient[:, joints]) if i == len(LEVELS) else carried[:3]
            moving = point_gradient[:, joints] + (0 if i == len(LEVELS) else carried[3:])
            start = planes.apply(self.pivots[i], turning + joint_gradient[:, joints])
            starts.append(start)
            drop = planes.apply(self.columns[i], start)
            turning, moving = turning - drop[:3], moving - drop[3:]
            if i:
                turning = turning + planes.cross(self.arms[:, joints], moving)
                carried = gather_children(torch.cat((turning, moving)), LEVELS[i - 1], _width(i - 1))
            else:
                carried = moving
        return self._descend(-planes.apply(self.root, carried), starts[::-1])

    def _descend(self, root_move: Tensor, starts: list[Tensor]) -> TreeStep:
        turn = -starts[0] - planes.apply_transposed(self.gains[0][3:], root_move)
        turns, bodies, moves = [turn], [turn], [root_move]
        for i, level in enumerate(LEVELS, 1):
            above = take(bodies[-1], level.slots)
            move = take(moves[-1], level.slots) + planes.cross(above, self.arms[:, level.joints])
            turn = -starts[i] - planes.apply_transposed(self.gains[i], torch.cat((above, move)))
            turns.append(turn)
            bodies.append(above + turn)
            moves.append(move)
        return TreeStep(torch.cat(turns, 1), torch.cat(bodies, 1), torch.cat(moves, 1))


def factor(system: TreeSystem) -> TreeFactor:
    """Eliminate every joint from the leaves to the root. The joint Hessians must be positive definite."""
    gains, columns, pivots = list[Tensor](), list[Tensor](), list[Tensor]()
    carried: Tensor | None = None
    arms = planes.hat(system.arms)
    for i in range(len(LEVELS), -1, -1):
        joints = LEVELS[i - 1].joints if i else _ROOT
        hessian = _with_point(carried, system.point_hessian[:, :, joints])
        pivot = planes.inverse(hessian[:3, :3] + system.joint_hessian[:, :, joints])
        column = hessian[:, :3]
        if system.coupling is not None:
            column = torch.cat((column[:3] + system.coupling[:, :, joints], column[3:]))
        gain = planes.multiply(column, pivot)
        hessian = hessian - planes.multiply(gain, column.transpose(0, 1))
        gains.append(gain)
        columns.append(column)
        pivots.append(pivot)
        carried = hessian
        if i:
            carried = gather_children(_shift(hessian, arms[:, :, joints]), LEVELS[i - 1], _width(i - 1))
    assert carried is not None
    root = planes.inverse(carried[3:, 3:])
    return TreeFactor(system.arms, tuple(gains[::-1]), tuple(columns[::-1]), tuple(pivots[::-1]), root)


def tangent_moves(arms: Tensor, joint_turns: Tensor, root_move: Tensor) -> tuple[Tensor, Tensor]:
    """Turns w (3, 24, B) of the bodies and moves (3, 24, B) of the joints for turns d (3, 24, B), move (3, 1, B)."""
    bodies = accumulate_down(joint_turns)
    relative = [planes.cross(take(bodies, level.parents), arms[:, level.joints]) for level in LEVELS]
    return bodies, accumulate_down(torch.cat((root_move, *relative), 1))


def _width(level: int) -> int:
    """Number of joints in the level above `level`."""
    return LEVELS[level - 1].joints.stop - LEVELS[level - 1].joints.start if level else 1


def _with_point(carried: Tensor | None, point: Tensor) -> Tensor:
    """The (6, 6, n, B) quadratic of a body: its children's plus its own keypoint's."""
    if carried is None:
        zero = torch.zeros_like(point)
        return torch.cat((torch.cat((zero, zero), 1), torch.cat((zero, point), 1)))
    lower = torch.cat((carried[3:, :3], carried[3:, 3:] + point), 1)
    return torch.cat((carried[:3], lower))


def _shift(hessian: Tensor, arm: Tensor) -> Tensor:
    """Move the (6, 6, n, B) quadratic from a joint to its parent's, with v_child = v + w x arm; `arm` as hat(arm)."""
    rows = torch.cat((hessian[:3] + planes.multiply(arm, hessian[3:]), hessian[3:]))
    columns = rows[:, :3] - planes.multiply(rows[:, 3:], arm)
    return torch.cat((columns, rows[:, 3:]), 1)
