"""How far in time a correction reaches. numpy only.

A correction d of one joint angle costs sum |d_t|^2 + tau^4 |d_{t-1} - 2 d_t + d_{t+1}|^2: stay near, and be smooth. The
answer to a push at one sample is a column of the inverse of A = I + tau^4 D'D, which dies out within a few tau.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def responses(count: int, samples: Array, tau: float, *, open_start: bool, open_end: bool) -> Array:
    """(count, P) columns of the inverse of A for the P `samples` (whole numbers).

    Args:
        tau: reach, in samples.
        open_start: nothing lies before the first sample. Otherwise the correction is 0 there, with its velocity.
        open_end: the same after the last one.
    """
    diagonal, first, second = _bands(count, tau, open_start, open_end)
    pushes = np.zeros((count, len(samples)))
    pushes[samples.astype(np.intp), np.arange(len(samples))] = 1
    return _solve(diagonal, first, second, pushes)


def _bands(count: int, tau: float, open_start: bool, open_end: bool) -> tuple[Array, Array, Array]:
    """Entries (t, t), (t, t-1) and (t, t-2) of A."""
    padded = np.zeros((3, count + 4))
    stencil = np.array([1.0, -2.0, 1.0])
    # A second difference centred at t; those that reach across a closed edge take zeros from beyond it.
    centres = np.arange(1 if open_start else -1, (count - 1 if open_end else count + 1)) + 2
    for i in range(3):
        for j in range(i + 1):
            padded[i - j, centres + i - 1] += stencil[i] * stencil[j]
    bands = tau**4 * padded[:, 2 : count + 2]
    return bands[0] + 1, bands[1], bands[2]


def _solve(diagonal: Array, first: Array, second: Array, right: Array) -> Array:
    """x of A x = right by L D L', with two bands below the diagonal."""
    count = len(diagonal)
    d, near, far = diagonal.copy(), np.zeros(count), np.zeros(count)
    x = right.copy()
    for t in range(1, count):
        if t > 1:
            far[t] = second[t] / d[t - 2]
            near[t] = (first[t] - far[t] * d[t - 2] * near[t - 1]) / d[t - 1]
            d[t] -= near[t] ** 2 * d[t - 1] + far[t] ** 2 * d[t - 2]
            x[t] -= near[t] * x[t - 1] + far[t] * x[t - 2]
        else:
            near[t] = first[t] / d[0]
            d[t] -= near[t] ** 2 * d[0]
            x[t] -= near[t] * x[0]
    x /= d[:, None]
    for t in range(count - 2, -1, -1):
        x[t] -= near[t + 1] * x[t + 1]
        if t + 2 < count:
            x[t] -= far[t + 2] * x[t + 2]
    return x
