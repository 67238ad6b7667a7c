"""An edited motion as a new action; the one before it is kept."""

from __future__ import annotations

import re

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import Keys, plain_keys
from ..cleanup.motion import Motion
from .channels import bone_values, location_path, rotation_path, takes_effect
from .compat import copy_action, curves_of
from .keys import read_keys, write_keys
from .samples import Sampled

Array = NDArray[np.float64]

# What edits add to an action's name, and the number that Blender adds to one that is taken.
_LABELS = (
    "smoothed", "feet locked", "on the floor", "contacts", "mirrored", "in place", "trimmed", "loop", "retimed", "hold",
    "offset", "merged", "reduced", "quaternions", "Euler", "hand held",
)  # fmt: skip
_EDITS = re.compile(rf"(?: \| (?:{'|'.join(_LABELS)})(?:\.\d+)?)+$")
_SAME = 1e-7


def write_motion(sampled: Sampled, edited: Motion, label: str, *, to_the_end: bool = False) -> bpy.types.Action:
    """A new action with `edited` (of as many samples) in the frame range, the active one of the armature.

    Only what differs from the sampled motion is written, a linear key per sample; all else is a copy.

    Args:
        to_the_end: write what comes after the range too.
    """
    before = sampled.motion
    part = slice(sampled.first, None) if to_the_end else sampled.ranged
    turned = (np.abs(edited.rotations - before.rotations)[part] > _SAME).any(axis=(0, 2))
    moved = (np.abs(edited.locations - before.locations)[part] > _SAME).any(axis=(0, 2))
    action = copy_action(sampled.armature, edited_name(sampled.armature, label))
    inside = edited.part(sampled.first, len(before) - 1 if to_the_end else sampled.last)
    write_bones(sampled.armature, inside, sampled.frames[part], turned, moved)
    return action


def write_bones(
    armature: bpy.types.Object, motion: Motion, frames: Array, turned: NDArray[np.bool_], moved: NDArray[np.bool_]
) -> None:
    """Put `motion` on the active action in place of what it has from the first to the last of `frames` (T,).

    Args:
        turned, moved: (K,) bones whose rotation and location are written.
    """
    for index, name in enumerate(motion.skeleton.names):
        bone = armature.pose.bones[name]
        for written, path, values in (
            (turned[index], rotation_path(bone), bone_values(bone, motion.rotations[:, index])),
            (moved[index], location_path(bone), motion.locations[:, index]),
        ):
            if written:
                replace_keys(armature, bone, path, frames, [plain_keys(frames, channel) for channel in values.T])


def edited_name(armature: bpy.types.Object, label: str) -> str:
    """ "walk | smoothed" of "walk" and of "walk | feet locked"."""
    return f"{unedited_name(armature.animation_data.action.name)} | {label}"


def unedited_name(name: str) -> str:
    """An action's name without what edits have added to it; "walk | left foot" is an animator's own."""
    return _EDITS.sub("", name) or name


def replace_keys(
    armature: bpy.types.Object, bone: bpy.types.PoseBone, path: str, frames: Array, keys: list[Keys]
) -> None:
    """Put keys[i] on the curve `path`[i] in place of what it has from the first to the last of `frames`."""
    curves = curves_of(armature)
    for index, fresh in enumerate(keys):
        curve = curves.fcurves.find(path, index=index)
        if curve is None:
            curve = curves.fcurves.new(path, index=index)
            curve.group = curves.groups.get(bone.name) or curves.groups.new(bone.name)
        old = _unmodified(curve, frames)
        if not takes_effect(curve):
            old, curve.mute, curve.group = old.where(np.zeros(len(old), bool)), False, None
        outside = (old.co[:, 0] < frames[0] - 1e-3) | (old.co[:, 0] > frames[-1] + 1e-3)
        write_keys(curve, old.where(outside).joined(fresh))


def _unmodified(curve: bpy.types.FCurve, frames: Array) -> Keys:
    """The curve's keys; where modifiers change its values, keys of those, and the modifiers are taken off.

    Cycles stays, for what is beyond the keys.
    """
    keys = read_keys(curve)
    changing = [modifier for modifier in curve.modifiers if modifier.type != "CYCLES" and not modifier.mute]
    if changing and len(keys):
        spacing = frames[1] - frames[0] if len(frames) > 1 else 1.0
        count = [np.ceil((frames[0] - keys.co[0, 0]) / spacing), np.ceil((keys.co[-1, 0] - frames[-1]) / spacing)]
        before, after = (np.arange(1, max(int(number), 0) + 1) * spacing for number in count)
        times = np.concatenate([frames[0] - before[::-1], frames, frames[-1] + after])
        keys = plain_keys(times, np.array([curve.evaluate(time) for time in times]))
    for modifier in changing:
        curve.modifiers.remove(modifier)
    return keys
