"""How a term's per-frame quantities move with the unknowns, in the form that is cheapest for each kind of term.

A kind of rows is a linear map J_t from a frame's 75 unknowns to m numbers. The solver asks for J^T force, often, and
for J^T W J, seldom: the first must not need the matrix that the second multiplies.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .chain import UNKNOWNS, Chain, turn_of
from .kinematics import PARENTS


class Rows(ABC):
    """The derivative of (T, m) quantities."""

    @abstractmethod
    def pull(self, force: Tensor) -> Tensor:
        """J^T force: (T, m) to (T, 75)."""

    @abstractmethod
    def add_product(self, block: Tensor, weight: Tensor) -> None:
        """Add J_(t+d)^T diag(weight_t) J_t to block (T - d, 75, 75); weight (T - d, m) tells d."""

    def add_bend(self, block: Tensor, force: Tensor) -> None:  # noqa: B027 none is the rule
        """Add the rows' second derivatives under force (T, m) to block (T, 75, 75); here none: Gauss-Newton."""


class MatrixRows(Rows):
    """Rows given as a matrix `jacobian` (T, m, 75)."""

    jacobian: Tensor

    def pull(self, force: Tensor) -> Tensor:
        return (force[:, None] @ self.jacobian).squeeze(1)

    def add_product(self, block: Tensor, weight: Tensor) -> None:
        count, jacobian = len(weight), self.jacobian
        block.baddbmm_(jacobian[len(jacobian) - count :].mT, jacobian[:count] * weight[..., None])


@dataclass(frozen=True)
class DenseRows(MatrixRows):
    """Any rows: jacobian (T, m, 75)."""

    jacobian: Tensor


@dataclass(frozen=True)
class JointRows(MatrixRows):
    """The chain's joints, m = 72, second derivatives included."""

    chain: Chain

    @cached_property
    def jacobian(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.chain.joint_jacobian.flatten(1, 2)

    def pull(self, force: Tensor) -> Tensor:
        return self.chain.pull(force.unflatten(1, (-1, 3)))

    def add_bend(self, block: Tensor, force: Tensor) -> None:
        _own_turns(block).add_(self.chain.curvature(force.unflatten(1, (-1, 3))).movedim(1, -1))


@dataclass(frozen=True)
class PointRows(MatrixRows):
    """Functions of single points on the body.

    Attributes:
        chain: the poses.
        bodies: (n) the body of each point.
        offsets: (n, 3) in the bodies' rest frames, m.
        slope: (T, n, k, 3) derivative of each point's k rows in the point's place; m = n k.
    """

    chain: Chain
    bodies: list[int]
    offsets: Tensor
    slope: Tensor

    @cached_property
    def jacobian(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (self.slope @ self.chain.point_jacobian(self.bodies, self.offsets)).flatten(1, 2)

    def pull(self, force: Tensor) -> Tensor:
        force = force.unflatten(1, self.slope.shape[1:3])
        return self.chain.pull_points(self.bodies, self.offsets, (force[..., None, :] @ self.slope).squeeze(-2))


@dataclass(frozen=True)
class TurnRows(Rows):
    """Rows that each concern the turn of one body: jacobian (T, 24, k, 3), m = 24 k."""

    jacobian: Tensor

    def pull(self, force: Tensor) -> Tensor:
        turns = (force.unflatten(1, self.jacobian.shape[1:3])[..., None, :] @ self.jacobian).flatten(1)
        return torch.cat((torch.zeros_like(turns[:, :3]), turns), 1)

    def add_product(self, block: Tensor, weight: Tensor) -> None:
        count, jacobian = len(weight), self.jacobian
        weighted = jacobian[:count] * weight.unflatten(1, jacobian.shape[1:3])[..., None]
        _own_turns(block).add_((jacobian[len(jacobian) - count :].mT @ weighted).movedim(1, -1))


@dataclass(frozen=True)
class RelativeTurnRows(Rows):
    """Rows that concern joints' own turns, each its body's less its parent's; single frames only.

    Attributes:
        joints: (n) which.
        jacobian: (T, n, k, 3) derivative in the joint's turn, world axes; m = n k.
    """

    joints: Sequence[int]
    jacobian: Tensor

    def pull(self, force: Tensor) -> Tensor:
        turns = (force.unflatten(1, self.jacobian.shape[1:3])[..., None, :] @ self.jacobian).squeeze(-2)
        pulled = turns.new_zeros(len(turns), UNKNOWNS)
        for joint, turn in zip(self.joints, turns.unbind(1), strict=True):
            pulled[:, turn_of(joint)] += turn
            if PARENTS[joint] >= 0:
                pulled[:, turn_of(PARENTS[joint])] -= turn
        return pulled

    def add_product(self, block: Tensor, weight: Tensor) -> None:
        weighted = self.jacobian * weight.unflatten(1, self.jacobian.shape[1:3])[..., None]
        for joint, product in zip(self.joints, (self.jacobian.mT @ weighted).unbind(1), strict=True):
            own = turn_of(joint)
            block[:, own, own] += product
            if PARENTS[joint] >= 0:
                above = turn_of(PARENTS[joint])
                block[:, above, above] += product
                block[:, own, above] -= product
                block[:, above, own] -= product


def _own_turns(block: Tensor) -> Tensor:
    """View (T, 3, 3, 24) of the bodies' own blocks of (T, 75, 75)."""
    return block[:, 3:, 3:].unflatten(-2, (-1, 3)).unflatten(-1, (-1, 3)).diagonal(dim1=1, dim2=3)
