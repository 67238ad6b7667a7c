"""The block-banded normal equations of a clip: what a term contributes, and the Cholesky sweep that solves them.

A term's residual may take in up to three frames by a fixed stencil: (1,) for what holds in each frame, (-1, 1) / dt
for a velocity, (1, -2, 1) / dt^2 for an acceleration. Its rows are stencil sums of per-frame quantities, so one
per-frame Jacobian describes them; the frames t and t + d couple through J_t^T W J_(t+d), d = 0, 1, 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .chain import UNKNOWNS

SPAN = 3  # frames that a stencil takes in at most


class Contribution(Protocol):
    """One term's share of the model: its cost, gradient and Hessian bands."""

    @property
    def cost(self) -> Tensor: ...

    def add_gradient(self, gradient: Tensor) -> None: ...

    def add_hessian(self, bands: tuple[Tensor, Tensor, Tensor]) -> None: ...

    def add_curvature(self, bands: tuple[Tensor, Tensor, Tensor]) -> None: ...


@dataclass(frozen=True)
class Blocks:
    """Rows over all unknowns.

    Attributes:
        residual: (N, m), N = T - len(stencil) + 1: row n is the stencil's sum over frames n, n + 1, ...
        weight: (N, m) of the squared residual, robust kernels included; the cost's gradient is J^T weight residual.
        jacobian: (T, m, 75) derivative of the per-frame quantity.
        stencil: one to three factors.
        cost: () half the (robust) sum of squares.
        curvature: (T, 24, 3, 3) second derivatives in each body's turn (`Chain.curvature`), or None to leave them out.
    """

    residual: Tensor
    weight: Tensor
    jacobian: Tensor
    stencil: tuple[float, ...]
    cost: Tensor
    curvature: Tensor | None = None

    def add_gradient(self, gradient: Tensor) -> None:
        """Add to gradient (T, 75)."""
        pull = spread(self.weight * self.residual, self.stencil)
        gradient += (pull[:, None] @ self.jacobian).squeeze(1)

    def add_hessian(self, bands: tuple[Tensor, Tensor, Tensor]) -> None:
        """Add to bands (T, 75, 75): [d][t] couples frame t with t + d."""
        for d in range(len(self.stencil)):
            weight = _band_weight(self.weight, self.stencil, d)
            count = len(weight)
            weighted = (self.jacobian[:count] * weight[..., None]).mT
            bands[d][:count].baddbmm_(weighted, self.jacobian[d : d + count])

    def add_curvature(self, bands: tuple[Tensor, Tensor, Tensor]) -> None:
        """Add the second derivatives to bands (T, 75, 75)."""
        if self.curvature is not None:
            _turn_blocks(bands[0]).add_(self.curvature.movedim(1, -1))


@dataclass(frozen=True)
class TurnBlocks:
    """Rows that each concern the turn of one body: far fewer products than `Blocks`.

    Attributes:
        residual, weight: (N, 24, m).
        jacobian: (T, 24, m, 3) derivative with respect to the body's turn.
        stencil, cost: as in `Blocks`.
    """

    residual: Tensor
    weight: Tensor
    jacobian: Tensor
    stencil: tuple[float, ...]
    cost: Tensor

    def add_gradient(self, gradient: Tensor) -> None:
        """Add to gradient (T, 75)."""
        pull = spread(self.weight * self.residual, self.stencil)
        gradient[:, 3:] += (pull[..., None, :] @ self.jacobian).flatten(1)

    def add_hessian(self, bands: tuple[Tensor, Tensor, Tensor]) -> None:
        """Add to bands (T, 75, 75)."""
        for d in range(len(self.stencil)):
            weight = _band_weight(self.weight, self.stencil, d)
            count = len(weight)
            own = (self.jacobian[:count] * weight[..., None]).mT @ self.jacobian[d : d + count]
            _turn_blocks(bands[d][:count]).add_(own.movedim(1, -1))

    def add_curvature(self, bands: tuple[Tensor, Tensor, Tensor]) -> None:
        """Nothing: left out."""


def _turn_blocks(band: Tensor) -> Tensor:
    """View (T, 3, 3, 24) of the bodies' own blocks of a band (T, 75, 75)."""
    turns = band[:, 3:, 3:].unflatten(-2, (-1, 3)).unflatten(-1, (-1, 3))
    return turns.diagonal(dim1=1, dim2=3)


def spread(rows: Tensor, stencil: tuple[float, ...]) -> Tensor:
    """Rows (N, ...) back onto the frames (T, ...) that they sum over."""
    count = len(rows)
    frames = rows.new_zeros(count + len(stencil) - 1, *rows.shape[1:])
    for i, factor in enumerate(stencil):
        frames[i : i + count] += factor * rows
    return frames


def _band_weight(weight: Tensor, stencil: tuple[float, ...], d: int) -> Tensor:
    """(T - d, ...) weight with which frame t meets frame t + d."""
    products = tuple(stencil[i] * stencil[i + d] for i in range(len(stencil) - d))
    return spread(weight, products)


def difference(values: Tensor, stencil: tuple[float, ...]) -> Tensor:
    """Stencil sums (N, ...) of per-frame values (T, ...)."""
    count = len(values) - len(stencil) + 1
    return sum((f * values[i : i + count] for i, f in enumerate(stencil)), start=torch.zeros_like(values[:count]))


def empty_bands(count: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Three zero bands (T, 75, 75)."""
    first, second, third = like.new_zeros(SPAN, count, UNKNOWNS, UNKNOWNS)
    return first, second, third


@dataclass(frozen=True)
class BandFactor:
    """Block Cholesky factor of a clip's Hessian: per frame the inverse of its diagonal block and the blocks towards
    the two frames before."""

    inverses: list[Tensor]
    near: list[Tensor]
    far: list[Tensor]

    def solve(self, right: Tensor) -> Tensor:
        """x (T, 75) with H x = right (T, 75): one sweep forward, one back."""
        count = len(right)
        rows = list(right.unsqueeze(-1).unbind(0))
        for t in range(count):
            row = rows[t]
            if t > 0:
                row = row - self.near[t] @ rows[t - 1]
            if t > 1:
                row = row - self.far[t] @ rows[t - 2]
            rows[t] = self.inverses[t] @ row
        for t in range(count - 1, -1, -1):
            row = rows[t]
            if t + 1 < count:
                row = row - self.near[t + 1].mT @ rows[t + 1]
            if t + 2 < count:
                row = row - self.far[t + 2].mT @ rows[t + 2]
            rows[t] = self.inverses[t].mT @ row
        return torch.stack(rows).squeeze(-1)


def factor_bands(bands: tuple[Tensor, Tensor, Tensor], damping: float) -> BandFactor | None:
    """Cholesky, frame by frame; None where the damped Hessian is not positive definite in this precision."""
    eye = torch.eye(UNKNOWNS, dtype=bands[0].dtype, device=bands[0].device)
    empty = eye[:0]
    inverses, near, far = list[Tensor](), list[Tensor](), list[Tensor]()
    for t in range(len(bands[0])):
        block = bands[0][t] + damping * eye
        to_far = bands[2][t - 2].mT @ inverses[t - 2].mT if t > 1 else empty
        to_near = empty
        if t > 0:
            to_near = bands[1][t - 1].mT
            if t > 1:
                to_near = torch.addmm(to_near, to_far, near[t - 1].mT, alpha=-1)
                block = torch.addmm(block, to_far, to_far.mT, alpha=-1)
            to_near = to_near @ inverses[t - 1].mT
            block = torch.addmm(block, to_near, to_near.mT, alpha=-1)
        lower, info = torch.linalg.cholesky_ex(block)
        if int(info):
            return None
        inverses.append(torch.linalg.solve_triangular(lower, eye, upper=False))
        near.append(to_near)
        far.append(to_far)
    return BandFactor(inverses, near, far)
