"""Normal equations of a tree of ball joints, assembled and solved in one sweep up and one down.

Unknowns, in the world frame: a turn d_k of every joint and a move of the root. The body of joint k then turns by
w_k = sum of d along the way from the root, and its joint moves by v_k = v_pa + w_pa x (q_k - q_pa). The cost is a sum
of terms in each v_k (its keypoint) and terms in each d_k (twist, prior, damping). Every subtree's cost is a quadratic
in its root body's (w, v), six numbers: eliminating d_k and shifting the quadratic to the parent's joint is one step
of the sweep. That carries the subtree sums of the normal matrix, factors it without fill-in, and costs O(joints); no
Jacobian and no 75 x 75 matrix appear. Leaves turn as given: their keypoints are points of their parents' bodies.
It is the articulated-body recursion of dynamics, with weights for masses.

Reference: Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapter 7. Derived in docs/ikol.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import planes
from .kinematics import CHILDREN, INNER, JOINT_COUNT, LEAVES, LEVELS, PARENTS, accumulate_down, take


@dataclass(frozen=True)
class _Rung:
    """Inner joints at one depth.

    Attributes:
        joints: slice of joint indices.
        slots: each joint's parent's place within the rung above.
        sources: for each joint, the run of its inner children within the rung below, or its leaf's place in LEAVES.
    """

    joints: slice
    slots: tuple[int, ...]
    sources: tuple[tuple[int, int] | int, ...]


def _rungs() -> tuple[_Rung, ...]:
    depths = [slice(0, 1), *(level.joints for level in LEVELS)]
    runs = [[k for k in INNER if run.start <= k < run.stop] for run in depths]
    runs = [run for run in runs if run]
    rungs: list[_Rung] = []
    for i, run in enumerate(runs):
        sources: list[tuple[int, int] | int] = []
        for joint in run:
            children = CHILDREN[joint]
            if children[0] in LEAVES:
                sources.append(LEAVES.index(children[0]))
            else:
                sources.append((runs[i + 1].index(children[0]), runs[i + 1].index(children[-1]) + 1))
        slots = tuple(runs[i - 1].index(PARENTS[k]) for k in run) if i else ()
        rungs.append(_Rung(slice(run[0], run[-1] + 1), slots, tuple(sources)))
    return tuple(rungs)


_RUNGS = _rungs()
_LEAF_PARENTS = tuple(INNER.index(PARENTS[k]) for k in LEAVES)
_ORDER = tuple(INNER.index(k) if k in INNER else len(INNER) + LEAVES.index(k) for k in range(JOINT_COUNT))


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
        pull = take(point_gradient, LEAVES)
        leaves = torch.cat((planes.cross(take(self.arms, LEAVES), pull), pull))
        starts: list[Tensor] = []
        carried = leaves[:, :0]
        for i in range(len(_RUNGS) - 1, -1, -1):
            joints = _RUNGS[i].joints
            carried = _join(carried, leaves, _RUNGS[i])
            turning, moving = carried[:3], carried[3:] + point_gradient[:, joints]
            start = planes.apply(self.pivots[i], turning + joint_gradient[:, joints])
            starts.append(start)
            drop = planes.apply(self.columns[i], start)
            turning, moving = turning - drop[:3], moving - drop[3:]
            carried = torch.cat((turning + planes.cross(self.arms[:, joints], moving), moving)) if i else moving
        return self._descend(-planes.apply(self.root, carried), starts[::-1])

    def _descend(self, root_move: Tensor, starts: list[Tensor]) -> TreeStep:
        turn = -starts[0] - planes.apply_transposed(self.gains[0][3:], root_move)
        turns, bodies, moves = [turn], [turn], [root_move]
        for i, rung in enumerate(_RUNGS[1:], 1):
            above = take(bodies[-1], rung.slots)
            move = take(moves[-1], rung.slots) + planes.cross(above, self.arms[:, rung.joints])
            turn = -starts[i] - planes.apply_transposed(self.gains[i], torch.cat((above, move)))
            turns.append(turn)
            bodies.append(above + turn)
            moves.append(move)
        inner_bodies, inner_moves = torch.cat(bodies, 1), torch.cat(moves, 1)
        above = take(inner_bodies, _LEAF_PARENTS)
        leaf_moves = take(inner_moves, _LEAF_PARENTS) + planes.cross(above, take(self.arms, LEAVES))
        return TreeStep(
            take(torch.cat((*turns, torch.zeros_like(above)), 1), _ORDER),
            take(torch.cat((inner_bodies, above), 1), _ORDER),
            take(torch.cat((inner_moves, leaf_moves), 1), _ORDER),
        )


def factor(system: TreeSystem) -> TreeFactor:
    """Eliminate every joint from the leaves to the root. The joint Hessians must be positive definite."""
    gains: list[Tensor] = []
    columns: list[Tensor] = []
    pivots: list[Tensor] = []
    arms = planes.hat(system.arms)
    leaves = _leaf_quadratics(take(arms, LEAVES), take(system.point_hessian, LEAVES))
    carried = leaves[:, :, :0]
    for i in range(len(_RUNGS) - 1, -1, -1):
        joints = _RUNGS[i].joints
        hessian = _join(carried, leaves, _RUNGS[i])
        hessian[3:, 3:].add_(system.point_hessian[:, :, joints])  # fresh from the sweep: nobody else's
        pivot = planes.inverse(hessian[:3, :3] + system.joint_hessian[:, :, joints])
        column = hessian[:, :3]
        if system.coupling is not None:
            column = torch.cat((column[:3] + system.coupling[:, :, joints], column[3:]))
        gain = planes.multiply(column, pivot)
        hessian = planes.subtract_product(hessian, gain, column.transpose(0, 1))
        gains.append(gain)
        columns.append(column)
        pivots.append(pivot)
        carried = _shift(hessian, arms[:, :, joints]) if i else hessian[3:, 3:]
    root = planes.inverse(carried)
    return TreeFactor(system.arms, tuple(gains[::-1]), tuple(columns[::-1]), tuple(pivots[::-1]), root)


def tangent_moves(arms: Tensor, joint_turns: Tensor, root_move: Tensor) -> tuple[Tensor, Tensor]:
    """Turns w (3, 24, B) of the bodies and moves (3, 24, B) of the joints for turns d (3, 24, B), move (3, 1, B)."""
    bodies = accumulate_down(joint_turns)
    relative = [planes.cross(take(bodies, level.parents), arms[:, level.joints]) for level in LEVELS]
    return bodies, accumulate_down(torch.cat((root_move, *relative), 1))


def _join(below: Tensor, leaves: Tensor, rung: _Rung) -> Tensor:
    """What a rung's joints (..., n, B) get from the rung below (..., m, B) and from leaves (..., 5, B)."""
    pieces: list[Tensor] = []
    for source in rung.sources:
        if isinstance(source, int):
            pieces.append(leaves[..., source : source + 1, :])
        elif source[1] - source[0] == 1:
            pieces.append(below[..., source[0] : source[1], :])
        else:
            pieces.append(below[..., source[0] : source[1], :].sum(-2, keepdim=True))
    if rung.sources == tuple((j, j + 1) for j in range(below.shape[-2])):
        return below
    return torch.cat(pieces, -2)


def _leaf_quadratics(arm: Tensor, point: Tensor) -> Tensor:
    """The (6, 6, 5, B) quadratics in the parents' (w, v) of the leaves' keypoints; `arm` as hat(arm)."""
    corner = planes.multiply(arm, point)
    turning = torch.cat((-planes.multiply(corner, arm), corner), 1)
    return torch.cat((turning, torch.cat((corner.transpose(0, 1), point), 1)))


def _shift(hessian: Tensor, arm: Tensor) -> Tensor:
    """Move the (6, 6, n, B) quadratic from a joint to its parent's, with v_child = v + w x arm; `arm` as hat(arm)."""
    rows = torch.cat((hessian[:3] + planes.multiply(arm, hessian[3:]), hessian[3:]))
    columns = rows[:, :3] - planes.multiply(rows[:, 3:], arm)
    return torch.cat((columns, rows[:, 3:]), 1)
