"""An edit of the active armature's motion: sampled, edited, written into a new action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.loop import unrolled
from ..cleanup.motion import Motion, fade, mix
from .samples import Sampled, active_armature, sample
from .writing import write_motion

# How long an edit of a part of the motion takes to reach its full strength.
EASE_S = 0.15
# Edits of a moment mind no more than this around it.
_AROUND_S = 2.0


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
        edit: gives the edited motion, of as many samples; it sees all of the motion, of a cycle what is around it too.
        label: what was done, for the new action's name: "walk | smoothed".
        strength: 0 leaves the motion, 1 is the edit.
        every_bone: the edit itself minds which bones are chosen.

    Raises:
        BadInput: there is no armature, or no motion to edit.
    """
    before = sample(context, active_armature(context))
    weights = strength * range_weights(before)
    chosen = np.ones(len(before.chosen)) if every_bone else before.chosen.astype(np.float64)
    wide, own = in_the_round(before)
    edited = edit(wide).part(own.start, own.stop - 1)
    after = mix(before.motion, edited, weights[:, None] * chosen)
    return Edited(write_motion(before, after, label), before, after)


def in_the_round(sampled: Sampled) -> tuple[Sampled, slice]:
    """What an edit is to look at, and which samples of it are the motion's own.

    Of a cycle that is in the range as a whole, what comes before and after it as well: else it would get a seam.
    """
    count = len(sampled.motion)
    if not sampled.goes_round:
        return sampled, slice(0, count)
    beyond = round(_AROUND_S * sampled.motion.rate_hz)
    spacing = sampled.frames[1] - sampled.frames[0]
    wide = replace(
        sampled,
        motion=unrolled(sampled.motion, beyond),
        frames=sampled.frames[0] + spacing * np.arange(-beyond, count + beyond),
        last=count + 2 * beyond - 1,
    )
    return wide, slice(beyond, beyond + count)


def frames_in_cycle(sampled: Sampled, wide: Sampled, own: slice) -> NDArray[np.float64]:
    """The frame of `sampled` that each sample of `wide`, as `in_the_round` gives them, repeats.

    For curves that need not go round as the motion does.
    """
    if not sampled.goes_round:
        return sampled.frames
    return sampled.frames[(np.arange(len(wide.frames)) - own.start) % (len(sampled.frames) - 1)]


def range_weights(sampled: Sampled) -> NDArray[np.float64]:
    """(T,) 1 within the frame range, 0 outside, with a soft edge where there is motion beyond it."""
    return fade(len(sampled.motion), sampled.first, sampled.last, round(EASE_S * sampled.motion.rate_hz))
