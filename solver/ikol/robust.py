"""Robust kernels: how much a keypoint's squared distance counts.

Each gives rho(s) of the squared distance s, m^2, its slope rho' (the weight of the iteratively reweighted step) and
its curvature rho''. All behave as rho(s) = s near zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Kernel(Protocol):
    def cost(self, squared: Tensor) -> Tensor: ...

    def slope(self, squared: Tensor) -> Tensor: ...

    def curvature(self, squared: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Quadratic:
    """Least squares."""

    def cost(self, squared: Tensor) -> Tensor:
        return squared

    def slope(self, squared: Tensor) -> Tensor:
        return torch.ones_like(squared)

    def curvature(self, squared: Tensor) -> Tensor:
        return torch.zeros_like(squared)


@dataclass(frozen=True)
class Huber:
    """Quadratic within `scale`, m, linear beyond."""

    scale: float

    def cost(self, squared: Tensor) -> Tensor:
        distance = squared.clamp_min(self.scale**2).sqrt()
        return torch.where(squared < self.scale**2, squared, 2 * self.scale * distance - self.scale**2)

    def slope(self, squared: Tensor) -> Tensor:
        return self.scale / squared.clamp_min(self.scale**2).sqrt()

    def curvature(self, squared: Tensor) -> Tensor:
        beyond = squared > self.scale**2
        return torch.where(
            beyond, -self.scale / 2 * squared.clamp_min(self.scale**2) ** -1.5, torch.zeros_like(squared)
        )


@dataclass(frozen=True)
class GemanMcClure:
    """Saturates at `scale`^2, m: a keypoint far beyond `scale`, one for all or each one's, has no pull."""

    scale: float | Tensor

    def cost(self, squared: Tensor) -> Tensor:
        return self.scale**2 * squared / (squared + self.scale**2)

    def slope(self, squared: Tensor) -> Tensor:
        return (self.scale**2 / (squared + self.scale**2)) ** 2

    def curvature(self, squared: Tensor) -> Tensor:
        return -2 * self.scale**4 / (squared + self.scale**2) ** 3
