"""Curves of cubic pieces through knots, fitted to samples by least squares.

With handles a third of the way to the neighbouring keys, a Bezier F-curve between two keys is a cubic polynomial of
time, given by the values and slopes at them (Hermite form). One slope for each key makes the curve smooth; fitting is
linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

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
        basis = np.zeros((self.knots[-1] - self.knots[0] + 1, 2 * len(self.knots)))
        _fill(basis, self.knots)
        return basis @ _woven(self.values[None], self.slopes[None])[0]


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


class Fits:
    """Curves with as many knots each through samples, made together, as often as the samples' weights change.

    Attributes:
        knots: (B, N) rising sample indices of each curve.
        rows: (R,) the sample indices of all curves, one after the other, from first to last knot.
        starts: (B,) where in `rows` each curve begins.
    """

    def __init__(self, samples: Array, knots: Indices, pull: Pull) -> None:
        """Args:
        samples: (T, C).
        knots: (B, N).
        pull: its arrays with an axis (B,) in front.
        """
        self.knots, self._pull, self._samples = knots, pull, samples
        lengths = knots[:, -1] - knots[:, 0] + 1
        self.starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        # Shorter curves are filled up with samples that count for nothing.
        self._real = np.arange(lengths.max()) < lengths[:, None]
        self._basis = np.zeros((len(knots), int(lengths.max()), 2 * knots.shape[1]))
        for basis, row in zip(self._basis, knots, strict=True):
            _fill(basis, row)
        self._sampled = samples[np.minimum(knots[:, :1] + np.arange(lengths.max()), len(samples) - 1)]
        self.rows = (knots[:, :1] + np.arange(lengths.max()))[self._real]

    def curves(self, weights: Array | None = None) -> tuple[Array, Array, Array]:
        """The curves nearest to the samples by least squares: values and slopes (B, N, C), and samples (R, C).

        Args:
            weights: (R,) how much each sample counts; None: alike.
        """
        count, columns = len(self.knots), self._basis.shape[2]
        weighted = np.swapaxes(self._basis, 1, 2)
        if weights is not None:
            full = np.zeros(self._real.shape)
            full[self._real] = weights
            weighted = weighted * full[:, None]
        pulls = _woven(self._pull.value_weights, self._pull.slope_weights)
        normal = weighted @ self._basis
        normal.reshape(count, -1)[:, :: columns + 1] += pulls
        right = weighted @ self._sampled + pulls[..., None] * _woven(self._pull.values, self._pull.slopes)
        solved: Array = np.linalg.solve(normal, right).astype(np.float64)
        return solved[:, ::2], solved[:, 1::2], (self._basis @ solved)[self._real]


def fit(samples: Array, knots: Indices, pull: Pull) -> Curve:
    """The curve with the given knots, (N,) rising sample indices, that is nearest to `samples` (T, C)."""
    pulls = _woven(pull.value_weights[None], pull.slope_weights[None])[0]
    normal = np.diag(pulls)
    right = pulls[:, None] * _woven(pull.values[None], pull.slopes[None])[0]
    places: list[int] = knots.tolist()
    for piece, (start, end) in enumerate(pairwise(places)):
        # A sample on a knot counts once, in the piece that it begins; the last one ends the last piece.
        stop = end - start + (end == places[-1])
        basis, columns = _piece(end - start)[:stop], slice(2 * piece, 2 * piece + 4)
        normal[columns, columns] += basis.T @ basis
        right[columns] += basis.T @ samples[start : start + stop]
    solved: Array = np.linalg.solve(normal, right).astype(np.float64)
    return Curve(knots, solved[::2], solved[1::2])


def _woven(values: Array, slopes: Array) -> Array:
    """(B, 2 N, ...) value and slope of each knot in turn."""
    found = np.empty((len(values), 2 * values.shape[1], *values.shape[2:]))
    found[:, ::2], found[:, 1::2] = values, slopes
    return found


def _fill(basis: Array, knots: Indices) -> None:
    """Write to (T, 2 N) zeros what the value and slope of each knot add at each sample from first to last knot."""
    start = 0
    for piece, width in enumerate(np.diff(knots).tolist()):
        basis[start : start + width + 1, 2 * piece : 2 * piece + 4] = _piece(width)
        start += width


@lru_cache(maxsize=512)
def _piece(width: int) -> Array:
    """(width + 1, 4) Hermite's polynomials from one knot to the next."""
    u = np.arange(width + 1) / width
    v = 1 - u
    return np.stack([v * v * (1 + 2 * u), u * v * v * width, u * u * (1 + 2 * v), -u * u * v * width], axis=1)
