"""Limited-memory BFGS on top of a factored Hessian: what one factor lacks is learned from the steps made with it.

A clip's factor costs as much as several steps. Where the cost is nearly quadratic, Gauss-Newton's Hessian changes
little from the first step on, and the pairs of steps and gradient changes stand for the difference.

Reference: Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.4, with the factor as the initial Hessian.
Turns are world-frame vectors and small, so a step is compared with the next as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .bands import BandFactor

_MEMORY = 10


@dataclass(frozen=True)
class QuasiNewton:
    """A factor and the last pairs (step, change of the gradient, 1 / their product), each tensor (T, 75)."""

    factor: BandFactor
    pairs: tuple[tuple[Tensor, Tensor, Tensor], ...] = ()

    def step(self, gradient: Tensor) -> Tensor:
        """(T, 75) towards the minimum of the model, from the cost's gradient (T, 75)."""
        direction = -gradient
        shares = list[Tensor]()
        for step, change, scale in reversed(self.pairs):
            shares.append(scale * (step * direction).sum())
            direction = direction - shares[-1] * change
        direction = self.factor.solve(direction)
        for (step, change, scale), share in zip(self.pairs, reversed(shares), strict=True):
            direction = direction + (share - scale * (change * direction).sum()) * step
        return direction

    def learn(self, step: Tensor, change: Tensor) -> QuasiNewton:
        """With a step taken (T, 75) and how the gradient changed over it (T, 75)."""
        product = (step * change).sum()
        if not product > torch.finfo(step.dtype).eps * (change * change).sum():
            return self  # not convex along the step: nothing to learn that keeps the model convex
        return replace(self, pairs=(*self.pairs[-_MEMORY + 1 :], (step, change, 1 / product)))
