"""Curves of cubic pieces through knots, fitted to samples by least squares.

With handles a third of the way to the neighbouring keys, a Bezier F-curve between two keys is a cubic polynomial of
time, given by the values and slopes at them (Hermite form). One slope for each key makes the curve smooth; fitting is
linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# How much the least squares mind a value or slope that is given, and one that no sample speaks for.
GIVEN, UNKNOWN = 1e6, 1e-6


@dataclass(frozen=True)
class Curve:
    """C channels with common knots.

    Attributes:
        knots: (N,) sample indices, rising.
        values: (N, C).
        slopes: (N, C) change from one sample to the next.
    """

    knots: Indices
    values: Array
    slopes: Array

    def sampled(self) -> Array:
        """(last knot - first knot + 1, C) at every sample from the first knot to the last."""
        piece, basis = _basis(self.knots)
        ends = np.stack([self.values[:-1], self.slopes[:-1], self.values[1:], self.slopes[1:]], axis=1)
        return np.einsum("tb,tbc->tc", basis, ends[piece])


@dataclass(frozen=True)
class Pull:
    """What a fit is drawn to beside the samples.

    Attributes:
        values: (N, C) at the knots.
        slopes: (N, C)
        value_weights: (N,) GIVEN, UNKNOWN or between.
        slope_weights: (N,)
    """

    values: Array
    slopes: Array
    value_weights: Array
    slope_weights: Array


def fit(samples: Array, knots: Indices, pull: Pull) -> Curve:
    """The curve with the given knots, (N,) rising sample indices, that is nearest to `samples` (T, C)."""
    _, basis = _basis(knots)
    inside = samples[knots[0] : knots[-1] + 1]
    starts = knots[:-1] - knots[0]
    squares = np.add.reduceat(basis[:, :, None] * basis[:, None, :], starts, axis=0)
    products = np.add.reduceat(basis[:, :, None] * inside[:, None, :], starts, axis=0)
    normal = np.diag(np.stack([pull.value_weights, pull.slope_weights], axis=1).ravel())
    right = np.empty((2 * len(knots), samples.shape[1]))
    right[::2] = pull.value_weights[:, None] * pull.values
    right[1::2] = pull.slope_weights[:, None] * pull.slopes
    columns = 2 * np.arange(len(knots) - 1)[:, None] + np.arange(4)
    np.add.at(normal, (columns[:, :, None], columns[:, None, :]), squares)
    np.add.at(right, columns, products)
    solved: Array = np.linalg.solve(normal, right).astype(np.float64)
    return Curve(knots, solved[::2], solved[1::2])


def _basis(knots: Indices) -> tuple[Indices, Array]:
    """For each sample from the first knot to the last its piece, (T,), and the weights of that piece's first value,
    first slope, second value and second slope, (T, 4)."""
    samples = np.arange(knots[0], knots[-1] + 1)
    piece = np.minimum(np.searchsorted(knots, samples, side="right") - 1, len(knots) - 2)
    width = np.diff(knots)[piece].astype(np.float64)
    u = (samples - knots[piece]) / width
    v = 1 - u
    return piece, np.stack([v * v * (1 + 2 * u), u * v * v * width, u * u * (1 + 2 * v), -u * u * v * width], axis=1)
