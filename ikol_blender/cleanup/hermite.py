"""Curves of cubic pieces through knots, fitted to samples by least squares.

With handles a third of the way to the neighbouring keys, a Bezier F-curve between two keys is a cubic polynomial of
time, given by the values and slopes at them (Hermite form). One slope for each key makes the curve smooth; fitting is
linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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
        return _basis(self.knots) @ _woven(self.values, self.slopes)


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


class Fit:
    """Curves with the given knots through samples, made as often as their weights change."""

    def __init__(self, samples: Array, knots: Indices, pull: Pull) -> None:
        """Args:
        samples: (T, C).
        knots: (N,) rising indices of samples.
        """
        self._knots, self._pull = knots, pull
        self._basis = _basis(knots)
        self._samples = samples[knots[0] : knots[-1] + 1]

    def curve(self, weights: Array | None = None) -> tuple[Curve, Array]:
        """The curve nearest to the samples by least squares, and what it gives at each from the first knot to the last.

        Args:
            weights: how much each of these samples counts; None: alike.
        """
        basis, pull = self._basis, self._pull
        weighted = basis.T if weights is None else basis.T * weights
        pulls = _woven(pull.value_weights, pull.slope_weights)
        normal = weighted @ basis
        normal.flat[:: len(pulls) + 1] += pulls
        right = weighted @ self._samples + pulls[:, None] * _woven(pull.values, pull.slopes)
        solved: Array = np.linalg.solve(normal, right).astype(np.float64)
        return Curve(self._knots, solved[::2], solved[1::2]), basis @ solved


def fit(samples: Array, knots: Indices, pull: Pull) -> Curve:
    """The curve with the given knots, (N,) rising sample indices, that is nearest to `samples` (T, C)."""
    return Fit(samples, knots, pull).curve()[0]


def _woven(values: Array, slopes: Array) -> Array:
    """(2 N, ...) value and slope of each knot in turn."""
    found = np.empty((2 * len(values), *values.shape[1:]))
    found[::2], found[1::2] = values, slopes
    return found


def _basis(knots: Indices) -> Array:
    """(T, 2 N) what the value and slope of each knot add at each sample from the first knot to the last."""
    found = np.zeros((knots[-1] - knots[0] + 1, 2 * len(knots)))
    start = 0
    for piece, width in enumerate(np.diff(knots).tolist()):
        found[start : start + width + 1, 2 * piece : 2 * piece + 4] = _piece(width)
        start += width
    return found


@lru_cache(maxsize=512)
def _piece(width: int) -> Array:
    """(width + 1, 4) Hermite's polynomials from one knot to the next."""
    u = np.arange(width + 1) / width
    v = 1 - u
    return np.stack([v * v * (1 + 2 * u), u * v * v * width, u * u * (1 + 2 * v), -u * u * v * width], axis=1)
