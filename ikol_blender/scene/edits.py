"""An edit of the active armature's motion: sampled, edited, written into a new action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.motion import Motion, fade, mix
from .samples import Sampled, active_armature, sample
from .writing import write_motion

# How long an edit of a part of the motion takes to reach its full strength.
EASE_S = 0.15


@dataclass(frozen=True)
class Edited:
    """Attributes:
    action: the new action, active on the armature; the one before it is kept.
    before: the motion as it was.
    after: the motion as it was written.
    """

    action: bpy.types.Action
    before: Sampled
    after: Motion


def edit_motion(
    context: bpy.types.Context,
    edit: Callable[[Sampled], Motion],
    label: str,
    *,
    strength: float = 1.0,
    every_bone: bool = False,
) -> Edited:
    """Edit the chosen bones of the active armature within the frame range.

    Args:
        edit: gives the edited motion, of as many samples; it sees all of the motion.
        label: what was done, for the new action's name: "walk | smoothed".
        strength: 0 leaves the motion, 1 is the edit.
        every_bone: the edit itself minds which bones are chosen.

    Raises:
        BadInput: there is no armature, or no motion to edit.
    """
    before = sample(context, active_armature(context))
    weights = strength * range_weights(before)
    chosen = np.ones(len(before.chosen)) if every_bone else before.chosen.astype(np.float64)
    after = mix(before.motion, edit(before), weights[:, None] * chosen)
    return Edited(write_motion(before, after, label), before, after)


def range_weights(sampled: Sampled) -> NDArray[np.float64]:
    """(T,) 1 within the frame range, 0 outside, with a soft edge where there is motion beyond it."""
    return fade(len(sampled.motion), sampled.first, sampled.last, round(EASE_S * sampled.motion.rate_hz))
