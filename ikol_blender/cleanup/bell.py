"""A running mean with a bell's weights: no lag, no overshoot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bell_mean(values: Array, half: int, *, onward: bool = False) -> Array:
    """(T, ...) the mean over `half` samples before and after, weighted by Hann's window.

    Args:
        onward: before the first sample and after the last the motion goes on as it went, mirrored in both; otherwise it
            stands still.
    """
    if half < 1 or len(values) < 2:
        return values
    half = min(half, len(values) - 1)
    bell = np.hanning(2 * half + 3)[1:-1]
    rows = values.reshape(len(values), -1)
    ends = ((half, half), (0, 0))
    padded = np.pad(rows, ends, "reflect", reflect_type="odd") if onward else np.pad(rows, ends, "edge")
    found = np.empty_like(rows)
    for column in range(rows.shape[1]):
        found[:, column] = np.convolve(padded[:, column], bell / bell.sum(), "valid")
    return found.reshape(values.shape)
