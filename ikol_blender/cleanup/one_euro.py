"""The One-Euro filter (Casiez, Roussel and Vogel, CHI 2012) on rotations and locations, run both ways in time.

Its cutoff grows with speed: `minimum_hz` + `beta` x speed. The original is causal and lags; the mean of a pass forwards
and one backwards does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .motion import Motion

Array = NDArray[np.float64]

_SPEED_CUTOFF_HZ = 1.0


def smooth_one_euro(motion: Motion, minimum_hz: Array | float, beta: float) -> Motion:
    """Args:
    minimum_hz: cutoff of a bone at rest; one, or one for each bone (K,).
    beta: Hz that the cutoff grows by for each rad/s of turning, and for each length of the armature's unit a second.
    """

    def one_pass(turns: Array, places: Array) -> tuple[Array, Array]:
        return (
            _filter(turns, motion.rate_hz, minimum_hz, beta, _turn, quat.slerp),
            _filter(places, motion.rate_hz, minimum_hz, beta, np.subtract, _lerp),
        )

    ahead = one_pass(motion.rotations, motion.locations)
    back = one_pass(motion.rotations[::-1], motion.locations[::-1])
    rotations = quat.slerp(ahead[0], back[0][::-1], 0.5)
    return replace(motion, rotations=quat.continuous(rotations), locations=0.5 * (ahead[1] + back[1][::-1]))


def _filter(
    values: Array,
    rate_hz: float,
    minimum_hz: Array | float,
    beta: float,
    difference: Callable[[Array, Array], Array],
    blend: Callable[[Array, Array, Array], Array],
) -> Array:
    """One causal pass over values (T, K, n): equations 1 to 5 of the paper, with the given difference and blend."""
    result = values.copy()
    velocity = np.zeros((*values.shape[1:-1], 3))
    for index in range(1, len(values)):
        raw = difference(values[index], values[index - 1]) * rate_hz
        velocity = velocity + _share(_SPEED_CUTOFF_HZ, rate_hz) * (raw - velocity)
        cutoff = np.asarray(minimum_hz) + beta * np.linalg.norm(velocity, axis=-1)
        result[index] = blend(result[index - 1], values[index], _share(cutoff, rate_hz))
    return result


def _share(cutoff_hz: Array | float, rate_hz: float) -> Array:
    """How much of a new sample is taken: alpha of equation 2."""
    return np.asarray(1 / (1 + rate_hz / (2 * np.pi * np.asarray(cutoff_hz))))


def _turn(to: Array, start: Array) -> Array:
    return quat.log(quat.multiply(quat.inverse(start), to))


def _lerp(start: Array, end: Array, share: Array) -> Array:
    return start + (end - start) * share[..., None]
