"""Mirror, loop, in place, trim and foot lock of the active armature's motion, each as a new action."""

from __future__ import annotations

import bpy
import numpy as np

from ..cleanup.keys import Keys, plain_keys
from ..cleanup.limbs import root_bone
from ..cleanup.loop import loop as close_loop
from ..cleanup.mirror import mirror as mirrored
from ..cleanup.travel import stay_in_place
from ..contract import BadInput
from .compat import copy_action, curves_of
from .edits import Edited, edit_motion
from .keys import read_keys, write_keys
from .samples import (
    Sampled,
    active_armature,
    bone_values,
    edited_name,
    location_path,
    replace_keys,
    rotation_path,
    sample,
)


def mirror(context: bpy.types.Context) -> Edited:
    """Left for right, all bones, within the frame range.

    Raises:
        BadInput: there is no armature, or no motion to edit.
    """
    return edit_motion(context, lambda sampled: mirrored(sampled.motion), "mirrored", every_bone=True)


def in_place(context: bpy.types.Context) -> Edited:
    """Take the travel over the ground away; sway and height stay.

    Raises:
        BadInput: there is no armature, or no motion to edit.
    """
    return edit_motion(context, lambda s: stay_in_place(s.motion, _root(s)), "in place", every_bone=True)


def loop(context: bpy.types.Context, *, seam_s: float = 0.4) -> bpy.types.Action:
    """The frame range as a cycle that ends as it begins, without travel; the range then lies over one cycle.

    Args:
        seam_s: how long the end takes to become the beginning.

    Raises:
        BadInput: there is no motion, or it is shorter than two seams.
    """
    sampled = sample(context, active_armature(context))
    part = sampled.motion.part(sampled.first, sampled.last)
    seam = max(1, round(seam_s * part.rate_hz))
    if len(part) <= 2 * seam:
        raise BadInput(
            f"The range is {len(part) / part.rate_hz:.1f} s long, too short for a seam of {seam_s:g} s.",
            hint="Choose a longer range, or a shorter seam.",
        )
    cycle = close_loop(part, _root(sampled), seam)
    frames = sampled.frames[sampled.ranged][seam:]
    action = copy_action(sampled.armature, edited_name(sampled.armature, "loop"))
    _cut(sampled.armature, float(frames[0]), float(frames[-1]))
    for index, name in enumerate(cycle.skeleton.names):
        bone = sampled.armature.pose.bones[name]
        if sampled.turned[index]:
            values = bone_values(bone, cycle.rotations[:, index])
            replace_keys(sampled.armature, bone, rotation_path(bone), frames, [plain_keys(frames, v) for v in values.T])
        if sampled.moved[index]:
            values = cycle.locations[:, index]
            replace_keys(sampled.armature, bone, location_path(bone), frames, [plain_keys(frames, v) for v in values.T])
    for curve in curves_of(sampled.armature).fcurves:
        curve.modifiers.new("CYCLES")
    _set_range(context.scene, float(frames[0]), float(frames[-1]))
    return action


def trim(context: bpy.types.Context) -> bpy.types.Action:
    """The action without what lies outside the frame range (the preview range when that is on).

    Raises:
        BadInput: there is no armature, or no motion in the range.
    """
    sampled = sample(context, active_armature(context))
    action = copy_action(sampled.armature, edited_name(sampled.armature, "trimmed"))
    _cut(sampled.armature, float(sampled.frames[sampled.first]), float(sampled.frames[sampled.last]))
    return action


def _root(sampled: Sampled) -> int:
    return root_bone(sampled.motion.skeleton, sampled.moved.tolist())


def _cut(armature: bpy.types.Object, first: float, last: float) -> None:
    """Leave the keys from `first` to `last`, and keys there where the curves pass."""
    for curve in curves_of(armature).fcurves:
        keys = read_keys(curve)
        if not len(keys):
            continue
        times = keys.co[:, 0]
        edges = np.array([edge for edge in (first, last) if np.abs(times - edge).min() > 1e-3], np.float64)
        inside: Keys = keys.where((times > first - 1e-3) & (times < last + 1e-3))
        values = np.array([curve.evaluate(edge) for edge in edges], np.float64)
        write_keys(curve, inside.joined(plain_keys(edges, values)) if len(edges) else inside)


def _set_range(scene: bpy.types.Scene, first: float, last: float) -> None:
    if scene.use_preview_range:
        scene.frame_preview_start, scene.frame_preview_end = round(first), round(last)
    else:
        scene.frame_start, scene.frame_end = round(first), round(last)
