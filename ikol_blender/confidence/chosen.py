"""Whose confidence is meant: the active armature's, of the bones that are selected in Pose mode, or of all."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..scene.compat import selected_bones
from .timeline import Timeline, timeline_of

Array = NDArray[np.float64]


def active_timeline(context: bpy.types.Context) -> tuple[bpy.types.Object, Timeline] | None:
    """The active armature and its timeline; None when it has no confidence, or none is active."""
    thing = context.active_object
    if thing is None or thing.type != "ARMATURE":
        return None
    timeline = timeline_of(thing)
    return None if timeline is None else (thing, timeline)


def chosen_columns(armature: bpy.types.Object, timeline: Timeline) -> tuple[int, ...]:
    """Columns of the timeline's confidence: of the selected bones that have it, else all."""
    selected = selected_bones(armature) if armature.mode == "POSE" else set()
    columns = tuple(column for column, bone in enumerate(timeline.bones) if bone in selected)
    return columns or tuple(range(len(timeline.bones)))


def scene_frame(armature: bpy.types.Object, frame: float) -> float:
    """Where the action's `frame` falls in the scene: elsewhere only while a strip of the NLA is being tweaked."""
    animation = armature.animation_data
    return animation.nla_tweak_strip_time_to_scene(frame) if animation.use_tweak_mode else frame


def action_frame(armature: bpy.types.Object, frame: float) -> float:
    """The reverse of `scene_frame`."""
    animation = armature.animation_data
    return animation.nla_tweak_strip_time_to_scene(frame, invert=True) if animation.use_tweak_mode else frame
