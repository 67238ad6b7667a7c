"""Zero-phase Butterworth low-pass filter: a second-order section forwards, then backwards.

The section is the bilinear transform of the analogue prototype, with the pre-warped frequency (Oppenheim and Schafer,
Discrete-Time Signal Processing, 7.3). Two passes cancel the delay and make the order four in effect, with -6 dB at the
cutoff. The ends are extended by an odd reflection, as Gustafsson (IEEE TSP 44(4), 1996) reviews.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Above this share of the sample rate there is nothing left to filter; the bilinear transform ends at a half.
HIGHEST_SHARE = 0.45


def low_pass(values: Array, rate_hz: float, cutoff_hz: Array | float) -> Array:
    """`values` (T, ...) without what changes faster than `cutoff_hz`, without delay.

    Args:
        cutoff_hz: one for all, or one for each of the second axis's entries, (K,). Channels whose cutoff is at
            0.45 `rate_hz` or above are left as they are.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 3:
        return values
    share = np.asarray(cutoff_hz, np.float64) / rate_hz
    share = share.reshape(share.shape + (1,) * (values.ndim - 1 - share.ndim))
    k = np.tan(np.pi * np.clip(share, 1e-6, HIGHEST_SHARE))
    # A second-order section rings for about one period of its cutoff; it settles within three.
    padding = int(min(len(values) - 1, np.ceil(3 / np.clip(share, 1e-6, HIGHEST_SHARE).min())))
    before = 2 * values[0] - values[padding:0:-1]
    after = 2 * values[-1] - values[-2 : -padding - 2 : -1]
    padded = np.concatenate([before, values, after])
    once = _section(padded, k)
    twice = _section(once[::-1], k)[::-1]
    return np.where(share >= HIGHEST_SHARE, values, twice[padding : padding + len(values)])


def _section(values: Array, k: Array) -> Array:
    """One forward pass with k = tan(pi cutoff / rate), started at rest on the first value."""
    scale = 1 / (1 + np.sqrt(2.0) * k + k * k)
    b0 = k * k * scale
    a1, a2 = 2 * (k * k - 1) * scale, (1 - np.sqrt(2.0) * k + k * k) * scale
    result = np.empty_like(values)
    y1 = y2 = x1 = x2 = values[0]
    for index, x in enumerate(values):
        y = b0 * (x + 2 * x1 + x2) - a1 * y1 - a2 * y2
        result[index] = y
        x1, x2, y1, y2 = x, x1, y, y1
    return result
