"""Smoothing that keeps punches: what stands out of the jitter stays, at every moment and in every band of frequency.

The motion is split by zero-phase filters into what is slow and four bands above. In each band, the energy around a
moment is compared with what the bone's own jitter puts there; the band is kept by the Wiener gain 1 - noise / energy
(Wiener 1949; over-subtracted as by Berouti et al., ICASSP 1979, so that chance peaks of the noise do not pass).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .butterworth import HIGHEST_SHARE, low_pass
from .motion import Motion
from .smooth import smooth_butterworth

Array = NDArray[np.float64]

_BAND_EDGES = (1.0, 1.4, 2.0, 2.8, 4.0)  # times the calm frequency
_OVERSUBTRACTION = 5.0
# The median length of a vector of three normal numbers, and the spread of their third difference (1, -3, 3, -1).
_MEDIAN_LENGTH, _THIRD_DIFFERENCE = 1.538, np.sqrt(20.0)


def smooth_adaptive(motion: Motion, calm_hz: Array | float) -> Motion:
    """Args:
    calm_hz: what is slower always stays; one frequency for all, or one for each bone (K,).
    """
    if len(motion) < 4:
        return motion
    calm = np.broadcast_to(np.asarray(calm_hz, np.float64), (len(motion.skeleton),))
    turn_jitter = _jitter(quat.log(quat.multiply(quat.inverse(motion.rotations[:-1]), motion.rotations[1:])))
    move_jitter = _jitter(np.diff(motion.locations, axis=0))
    lower = smooth_butterworth(motion, calm)
    rotations, locations = lower.rotations, lower.locations
    for low, high in pairwise(_BAND_EDGES):
        upper = smooth_butterworth(motion, calm * high)
        noise = _band_spread(calm * low, calm * high, motion.rate_hz)
        turn = quat.log(quat.multiply(quat.inverse(lower.rotations), upper.rotations))
        move = upper.locations - lower.locations
        rotations = quat.multiply(
            rotations, quat.exp(turn * _gain(turn, turn_jitter * noise, motion.rate_hz, calm * low))
        )
        locations = locations + move * _gain(move, move_jitter * noise, motion.rate_hz, calm * low)
        lower = upper
    return replace(motion, rotations=quat.continuous(quat.normalized(rotations)), locations=locations)


def _jitter(steps: Array) -> Array:
    """(K,) standard deviation per axis of the white noise on a motion with the steps (T - 1, K, 3) between samples.

    The third difference takes smooth motion away, and the median the moments where something happens.
    """
    third = np.linalg.norm(np.diff(steps, n=2, axis=0), axis=-1)
    return np.median(third, axis=0) / (_MEDIAN_LENGTH * _THIRD_DIFFERENCE)


def _band_spread(low_hz: Array, high_hz: Array, rate_hz: float) -> Array:
    """(K,) standard deviation of white noise of deviation 1 in the band between two of our filters."""
    share = np.linspace(0, 0.5, 400)[:, None]

    def passed(cutoff_hz: Array) -> Array:
        cutoff = np.minimum(cutoff_hz / rate_hz, HIGHEST_SHARE)
        response = 1 / (1 + (np.tan(np.pi * share) / np.tan(np.pi * cutoff)) ** 4)
        return np.where(cutoff_hz / rate_hz >= HIGHEST_SHARE, 1.0, response)

    return np.sqrt(((passed(high_hz) - passed(low_hz)) ** 2).mean(axis=0))


def _gain(band: Array, noise: Array, rate_hz: float, window_hz: Array) -> Array:
    """(T, K, 1) how much of `band` (T, K, 3) is motion, for noise of the deviation (K,) per axis in it."""
    energy = np.maximum(low_pass((band**2).sum(axis=-1), rate_hz, window_hz), 1e-18)
    return np.clip(1 - _OVERSUBTRACTION * 3 * noise**2 / energy, 0, 1)[..., None]
