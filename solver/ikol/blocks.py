"""What a term contributes to the normal equations of a clip.

A term's residual may take in up to three frames by a fixed stencil: (1,) for what holds in each frame, (-1, 1) / dt
for a velocity, (1, -2, 1) / dt^2 for an acceleration. Its rows are stencil sums of per-frame quantities, so one
per-frame Jacobian describes them; the frames t and t + d couple through J_(t+d)^T W J_t, d = 0, 1, 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .bands import Bands
from .rows import Rows


@dataclass(frozen=True)
class Blocks:
    """A term at the chain's poses.

    Attributes:
        residual: (N, m), N = T - len(stencil) + 1: row n is the stencil's sum over frames n, n + 1, ...
        weight: (N, m) of the squared residual, robust kernels included; the cost's gradient is J^T weight residual.
        rows: derivative of the per-frame quantity (T, m).
        stencil: one to three factors.
        cost: (N,) half the (robust) sum of squares of each row.
    """

    residual: Tensor
    weight: Tensor
    rows: Rows
    stencil: tuple[float, ...]
    cost: Tensor

    @property
    def gradient(self) -> Tensor:
        """(T, 75)."""
        return self.rows.pull(self._force)

    def add_hessian(self, bands: Bands) -> None:
        """Add J^T W J."""
        for d in range(len(self.stencil)):
            self.rows.add_product(bands.block(d), _band_weight(self.weight, self.stencil, d))

    @property
    def _force(self) -> Tensor:
        return _spread(self.weight * self.residual, self.stencil)


def difference(values: Tensor, stencil: tuple[float, ...]) -> Tensor:
    """Stencil sums (N, ...) of per-frame values (T, ...)."""
    count = len(values) - len(stencil) + 1
    return sum((f * values[i : i + count] for i, f in enumerate(stencil)), start=torch.zeros_like(values[:count]))


def _spread(sums: Tensor, stencil: tuple[float, ...]) -> Tensor:
    """Stencil sums (N, ...) back onto the frames (T, ...) that they take in."""
    count = len(sums)
    frames = sums.new_zeros(count + len(stencil) - 1, *sums.shape[1:])
    for i, factor in enumerate(stencil):
        frames[i : i + count] += factor * sums
    return frames


def _band_weight(weight: Tensor, stencil: tuple[float, ...], d: int) -> Tensor:
    """(T - d, ...) weight with which frame t meets frame t + d."""
    return _spread(weight, tuple(stencil[i] * stencil[i + d] for i in range(len(stencil) - d)))
