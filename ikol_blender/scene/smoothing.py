"""Smoothing of the active armature's motion."""

from __future__ import annotations

from enum import Enum

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.adaptive import smooth_adaptive
from ..cleanup.despike import despike
from ..cleanup.limbs import Limb
from ..cleanup.motion import Motion
from ..cleanup.one_euro import smooth_one_euro
from ..cleanup.smooth import smooth_butterworth
from .body import limbs_of
from .edits import Edited, edit_motion
from .samples import Sampled
from .unkeyed import keeps_unkeyed

Array = NDArray[np.float64]


class Method(Enum):
    ADAPTIVE = "ADAPTIVE"
    BUTTERWORTH = "BUTTERWORTH"
    ONE_EURO = "ONE_EURO"


# The calm frequency, the cutoff and the minimum cutoff that suit a video at 30 Hz.
DEFAULT_HZ = {Method.ADAPTIVE: 2.0, Method.BUTTERWORTH: 5.0, Method.ONE_EURO: 1.0}
# What is heavy moves slower: the trunk bears a lower cutoff than hands and feet.
_LIMB_SPEED = {Limb.TRUNK: 0.7, Limb.HEAD: 0.8, Limb.LEG: 1.0, Limb.ARM: 1.1, Limb.FOOT: 1.3, Limb.HAND: 1.3}


@keeps_unkeyed
def smooth(
    context: bpy.types.Context,
    method: Method = Method.ADAPTIVE,
    *,
    frequency_hz: float | None = None,
    beta: float = 1.0,
    by_limb: bool = True,
    spikes: bool = True,
    strength: float = 1.0,
) -> Edited:
    """Smooth the chosen bones within the frame range, without delay.

    Args:
        frequency_hz: the method's own frequency; None takes its DEFAULT_HZ.
        beta: of One-Euro, Hz per rad/s.
        by_limb: a lower frequency for the trunk, a higher one for hands and feet.
        spikes: bridge single moments that jump away first.
    """
    base = DEFAULT_HZ[method] if frequency_hz is None else frequency_hz

    def edit(sampled: Sampled) -> Motion:
        motion = despike(sampled.motion) if spikes else sampled.motion
        frequencies = base * (_limb_speeds(sampled) if by_limb else np.ones(len(motion.skeleton)))
        if method is Method.ADAPTIVE:
            return smooth_adaptive(motion, frequencies)
        if method is Method.BUTTERWORTH:
            return smooth_butterworth(motion, frequencies)
        return smooth_one_euro(motion, frequencies, beta)

    return edit_motion(context, edit, "smoothed", strength=strength)


def _limb_speeds(sampled: Sampled) -> Array:
    """(K,)"""
    return np.array([_LIMB_SPEED[limb] for limb in limbs_of(sampled.armature, sampled.motion.skeleton)])
