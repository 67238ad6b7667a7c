"""From one doubtful range to the next."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..contract import BadInput
from ..scene.timing import scene_rate
from .chosen import action_frame, active_timeline, chosen_columns, scene_frame
from .ranges import columns_under, doubtful_ranges, next_range, previous_range

# Confidence that comes back for less than this does not end a range.
_BREAK_S = 0.1


@dataclass(frozen=True)
class Doubt:
    """A range that the scene's frame was set to the start of.

    Attributes:
        frame: its first frame, of the scene.
        seconds: how long it is.
        bones: the bones that are under the threshold in it, the lowest first.
        lowest: how low their confidence goes.
    """

    frame: int
    seconds: float
    bones: tuple[str, ...]
    lowest: float


def jump_to_doubt(
    context: bpy.types.Context, *, threshold: float = 0.5, shortest_s: float = 0.1, backwards: bool = False
) -> Doubt | None:
    """Set the frame to the start of the next range in which a chosen bone's confidence is under `threshold`.

    Chosen are the selected bones in Pose mode; all when none is. None, and the frame stays, when no more comes.

    Args:
        shortest_s: a shorter range is passed over.
        backwards: the range before this frame instead.

    Raises:
        BadInput: no armature with confidence is active.
    """
    found = active_timeline(context)
    if found is None:
        raise BadInput(
            "The active object's motion has no confidence.",
            hint="Click an armature that IKOL imported; its own action must be active, or play in the NLA.",
        )
    armature, timeline = found
    columns = chosen_columns(armature, timeline)
    confidence = timeline.confidence[:, list(columns)]
    rate = scene_rate(context.scene)
    ranges = doubtful_ranges(confidence, threshold, shortest_s * rate, _BREAK_S * rate)
    now = action_frame(armature, context.scene.frame_current) - timeline.frames[0]
    reached = previous_range(ranges, now) if backwards else next_range(ranges, now)
    if reached is None:
        return None
    frame = round(scene_frame(armature, float(timeline.frames[reached.first])))
    context.scene.frame_set(frame)
    return Doubt(
        frame=frame,
        seconds=len(reached) / rate,
        bones=tuple(timeline.bones[columns[under]] for under in columns_under(confidence, threshold, reached)),
        lowest=float(confidence[reached.first : reached.last + 1].min()),
    )
