"""Smoothing of a motion: rotations on their manifold, without delay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .butterworth import low_pass
from .motion import Motion

Array = NDArray[np.float64]


def low_pass_rotations(rotations: Array, rate_hz: float, cutoff_hz: Array | float) -> Array:
    """Zero-phase Butterworth on rotations (T, K, 4).

    Filtered components, normalised, are the chordal mean with the filter's weights (Markley et al., Averaging
    Quaternions, JGCD 30(4), 2007): the result does not depend on the bones' frames of reference.

    Args:
        cutoff_hz: one, or one for each bone (K,).
    """
    return quat.normalized(low_pass(quat.continuous(rotations), rate_hz, cutoff_hz))


def smooth_butterworth(motion: Motion, cutoff_hz: Array | float) -> Motion:
    """Cut what moves faster than `cutoff_hz`: one for all, or one for each bone (K,)."""
    return replace(
        motion,
        rotations=low_pass_rotations(motion.rotations, motion.rate_hz, cutoff_hz),
        locations=low_pass(motion.locations, motion.rate_hz, cutoff_hz),
    )
