"""How a term's per-frame quantities move with the unknowns, in the form that is cheapest for each kind of term.

A kind of rows is a linear map J_t from a frame's 75 unknowns to m numbers. The solver asks for J^T force at every step
and for J^T W J where a factor is made: the first must not need the matrix that the second multiplies.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .chain import Chain, block_places, turn_of
from .kinematics import PARENTS


class Rows(ABC):
    """The derivative of (T, m) quantities."""

    @abstractmethod
    def pull(self, force: Tensor) -> Tensor:
        """J^T force: (T, m) to (T, 75)."""

    @abstractmethod
    def add_product(self, block: Tensor, weight: Tensor) -> None:
        """Add J_(t+d)^T diag(weight_t) J_t to block (T - d, 75, 75); weight (T - d, m) tells d."""


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
    """The chain's joints, m = 72."""

    chain: Chain

    @cached_property
    def jacobian(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.chain.joint_jacobian.flatten(1, 2)

    def pull(self, force: Tensor) -> Tensor:
        return self.chain.pull(force.unflatten(1, (-1, 3)))


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
        bodies = range(len(PARENTS))
        _add_turns(block, bodies, bodies, jacobian[len(jacobian) - count :].mT @ weighted)


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
        hung, parents = self._hung
        pulled = turns.new_zeros(len(turns), len(PARENTS), 3)
        pulled.index_add_(1, torch.tensor(self.joints, dtype=torch.long, device=turns.device), turns)
        pulled.index_add_(1, torch.tensor(parents, dtype=torch.long, device=turns.device), turns[:, hung], alpha=-1)
        return torch.cat((torch.zeros_like(pulled[:, 0]), pulled.flatten(1)), 1)

    def add_product(self, block: Tensor, weight: Tensor) -> None:
        weighted = self.jacobian * weight.unflatten(1, self.jacobian.shape[1:3])[..., None]
        product = self.jacobian.mT @ weighted
        hung, parents = self._hung
        own, between = [self.joints[index] for index in hung], product[:, hung]
        _add_turns(block, [*self.joints, *parents], [*self.joints, *parents], torch.cat((product, between), 1))
        _add_turns(block, [*own, *parents], [*parents, *own], torch.cat((between, between), 1), -1)

    @property
    def _hung(self) -> tuple[list[int], list[int]]:
        """Which of the joints hang from a body, and from which."""
        hung = [index for index, joint in enumerate(self.joints) if PARENTS[joint] >= 0]
        return hung, [PARENTS[self.joints[index]] for index in hung]


def _add_turns(block: Tensor, rows: Sequence[int], columns: Sequence[int], product: Tensor, sign: int = 1) -> None:
    """Add products (T, n, 3, 3), row body by column body, to block (T, 75, 75)."""
    at = block_places(tuple(map(turn_of, rows)), tuple(map(turn_of, columns)), block.device)
    block.view(len(block), -1).index_add_(1, at, product.flatten(1), alpha=sign)
