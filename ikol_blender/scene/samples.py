"""An armature's action as an evenly sampled `Motion`, and an edited motion as a new action."""

from __future__ import annotations

import re
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup import euler
from ..cleanup.keys import LINEAR, Keys, plain_keys
from ..cleanup.motion import Motion
from ..cleanup.quaternions import continuous, exp, log, normalized
from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from .carriers import carriers_first
from .compat import copy_action, curves_of, existing_curves, selected_bones
from .keys import read_keys, write_keys
from .nla import refuse_layers, refuse_tweaking
from .timing import scene_rate

Array = NDArray[np.float64]

_ROTATION_PATHS = {"QUATERNION": ("rotation_quaternion", 4), "AXIS_ANGLE": ("rotation_axis_angle", 4)}
# What edits add to an action's name, and the number that Blender adds to one that is taken.
_LABELS = (
    "smoothed", "feet locked", "on the floor", "contacts", "mirrored", "in place", "trimmed", "loop", "retimed", "hold",
    "offset", "merged", "reduced", "quaternions", "Euler", "hand held",
)  # fmt: skip
_EDITS = re.compile(rf"(?: \| (?:{'|'.join(_LABELS)})(?:\.\d+)?)+$")
_CYCLES = ("mode_before", "mode_after", "cycles_before", "cycles_after")
_SAME = 1e-7
_FEW_KEYS = 8
_ON_FRAME = 1e-3


@dataclass(frozen=True)
class Sampled:
    """An armature's motion as its active action has it; constraints and drivers are left out of account.

    Attributes:
        armature: the object.
        motion: all of the action, T samples of K bones.
        frames: (T,) the scene's frame of each sample, evenly spaced.
        first: index of the first sample inside the scene's frame range (its preview range when that is on).
        last: index of the last one.
        chosen: (K,) bones to edit: the selected ones in Pose mode; all when none is, or in another mode.
        turned: (K,) bones whose rotation the action animates.
        moved: (K,) bones whose location it animates.
    """

    armature: bpy.types.Object
    motion: Motion
    frames: Array
    first: int
    last: int
    chosen: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    moved: NDArray[np.bool_]

    @property
    def ranged(self) -> slice:
        return slice(self.first, self.last + 1)


def own_armature(context: bpy.types.Context, *, to_write: bool = True) -> bpy.types.Object:
    """The active armature, of this file unless it is only to be read.

    Raises:
        BadInput: there is none.
    """
    armature = context.active_object
    if armature is None or armature.type != "ARMATURE":
        raise BadInput("No armature is active.", hint="Click the armature whose motion to edit.")
    if to_write and not armature.is_editable:
        raise BadInput(f"{armature.name} is linked from another file.", hint="Make a library override of it first.")
    return armature


def active_armature(context: bpy.types.Context, *, to_write: bool = True) -> bpy.types.Object:
    """The active armature, with an action.

    Args:
        to_write: it must be editable; a linked one is good enough to read from.

    Raises:
        BadInput: there is none.
    """
    armature = own_armature(context, to_write=to_write)
    refuse_tweaking(armature)
    curves = existing_curves(armature)
    if curves is None or not curves.fcurves:
        refuse_layers(armature)
        raise BadInput(f"{armature.name} has no motion.", hint="Assign an action to it, or import a take.")
    return armature


def sample(context: bpy.types.Context, armature: bpy.types.Object) -> Sampled:
    """The motion of `armature`'s active action.

    Raises:
        BadInput: the action moves no bone, or lies outside the scene's frame range.
    """
    curves = _audible(armature)
    bones, _ = carriers_first(armature)
    paths = {(rotation_path(bone), index) for bone in bones for index in range(rotation_width(bone))}
    paths |= {(location_path(bone), index) for bone in bones for index in range(3)}
    posing = [curve for key, curve in curves.items() if key in paths and len(curve.keyframe_points)]
    if not posing:
        raise BadInput(f"The action of {armature.name} moves no bone.", hint="Assign an action with a motion to it.")
    frames = _sample_frames(posing)
    turned, moved = np.zeros(len(bones), bool), np.zeros(len(bones), bool)
    for index, bone in enumerate(bones):
        turned[index] = any((rotation_path(bone), part) in curves for part in range(rotation_width(bone)))
        moved[index] = any((location_path(bone), part) in curves for part in range(3))
    rate = scene_rate(context.scene) / (frames[1] - frames[0]) if len(frames) > 1 else scene_rate(context.scene)
    first, last = _range_of(context.scene, frames)
    selected = selected_bones(armature) if armature.mode == "POSE" else set()
    chosen = np.array([not selected or bone.name in selected for bone in bones])
    motion = motion_at(armature, bones, frames, float(rate))
    return Sampled(armature, motion, frames, first, last, chosen, turned, moved)


def motion_at(armature: bpy.types.Object, bones: list[bpy.types.PoseBone], frames: Array, rate_hz: float) -> Motion:
    """What the active action does with `bones` (ancestors too, parents first) on evenly spaced `frames`."""
    curves = _audible(armature)
    rotations = np.empty((len(frames), len(bones), 4))
    locations = np.empty((len(frames), len(bones), 3))
    for index, bone in enumerate(bones):
        rotations[:, index] = _rotations(bone, curves, frames)
        locations[:, index] = _values(curves, location_path(bone), np.array(bone.location), frames)
    return Motion(_skeleton(armature, bones), rate_hz, continuous(rotations), locations)


def _audible(armature: bpy.types.Object) -> dict[tuple[str, int], bpy.types.FCurve]:
    """The active action's curves that take effect, by data path and index."""
    fcurves = curves_of(armature).fcurves
    return {(curve.data_path, curve.array_index): curve for curve in fcurves if takes_effect(curve)}


def takes_effect(curve: bpy.types.FCurve) -> bool:
    return not curve.mute and not (curve.group is not None and curve.group.mute)


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


def cycles_of(curve: bpy.types.FCurve) -> dict[str, object] | None:
    """How the curve goes on beyond its keys, as `repeat` takes it; None when it does not repeat."""
    for modifier in curve.modifiers:
        if modifier.type == "CYCLES" and not modifier.mute:
            return {name: getattr(modifier, name) for name in _CYCLES}
    return None


def repeat(curve: bpy.types.FCurve, cycles: dict[str, object] | None) -> None:
    """Give the curve the Cycles modifier of another one."""
    if cycles is not None:
        modifier = curve.modifiers.new("CYCLES")
        for name, value in cycles.items():
            setattr(modifier, name, value)


def rotation_path(bone: bpy.types.PoseBone) -> str:
    name, _ = _ROTATION_PATHS.get(bone.rotation_mode, ("rotation_euler", 3))
    return bone_path(bone, name)


def rotation_width(bone: bpy.types.PoseBone) -> int:
    return _ROTATION_PATHS.get(bone.rotation_mode, ("rotation_euler", 3))[1]


def location_path(bone: bpy.types.PoseBone) -> str:
    return bone_path(bone, "location")


def bone_path(bone: bpy.types.PoseBone, name: str) -> str:
    """The data path of the bone's property `name`."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].{name}'


def bone_values(bone: bpy.types.PoseBone, quaternions: Array) -> Array:
    """(T, 3 or 4) what the curves of the bone's rotation mode must hold, without jumps, for quaternions (T, 4)."""
    if bone.rotation_mode == "QUATERNION":
        return continuous(quaternions)
    if bone.rotation_mode == "AXIS_ANGLE":
        vectors = log(quaternions)
        angles = np.linalg.norm(vectors, axis=1, keepdims=True)
        axes = np.where(angles > 1e-9, vectors / np.maximum(angles, 1e-9), np.array([0.0, 1.0, 0.0]))
        return np.concatenate([angles, axes], axis=1)
    return euler.from_quaternions(quaternions, bone.rotation_mode)


def _rotations(bone: bpy.types.PoseBone, curves: dict[tuple[str, int], bpy.types.FCurve], frames: Array) -> Array:
    path = rotation_path(bone)
    if bone.rotation_mode == "QUATERNION":
        values = _values(curves, path, np.array(bone.rotation_quaternion), frames)
        # Blender takes a quaternion of zeros for no rotation.
        values[np.linalg.norm(values, axis=1) < 1e-9] = (1.0, 0.0, 0.0, 0.0)
        return normalized(values)
    if bone.rotation_mode == "AXIS_ANGLE":
        values = _values(curves, path, np.array(bone.rotation_axis_angle), frames)
        lengths = np.linalg.norm(values[:, 1:], axis=1, keepdims=True)
        return exp(values[:, :1] * values[:, 1:] / np.maximum(lengths, 1e-12))
    return euler.to_quaternions(_values(curves, path, np.array(bone.rotation_euler), frames), bone.rotation_mode)


def _values(curves: dict[tuple[str, int], bpy.types.FCurve], path: str, still: Array, frames: Array) -> Array:
    """(T, len(still)): curves where there are any, the bone's own value elsewhere."""
    found = np.tile(np.asarray(still, np.float64), (len(frames), 1))
    for index in range(len(still)):
        curve = curves.get((path, index))
        if curve is not None and len(curve.keyframe_points):
            found[:, index] = _evaluated(curve, frames)
    return found


def _evaluated(curve: bpy.types.FCurve, frames: Array) -> Array:
    """(T,) the curve at `frames`; read at once where a key lies on each of them, as captured motion has."""
    if len(curve.keyframe_points) == len(frames) and not curve.modifiers:
        points = np.empty(2 * len(frames), np.float32)
        curve.keyframe_points.foreach_get("co", points)
        if np.abs(points[::2] - frames).max() < _ON_FRAME:
            return points[1::2].astype(np.float64)
    return np.array([curve.evaluate(frame) for frame in frames])


def _sample_frames(curves: list[bpy.types.FCurve]) -> Array:
    """Evenly spaced frames over all keys: those of the densest curve where it has a key for every sample, else whole
    frames."""
    starts, ends = zip(*((c.keyframe_points[0].co[0], c.keyframe_points[-1].co[0]) for c in curves), strict=True)
    start, end = min(starts), max(ends)
    keys = read_keys(max(curves, key=lambda curve: len(curve.keyframe_points)))
    times = keys.co[:, 0].astype(np.float64)
    if len(times) >= _FEW_KEYS and start >= times[0] - 1e-3 and end <= times[-1] + 1e-3:
        spacing = (times[-1] - times[0]) / (len(times) - 1)
        even = times[0] + spacing * np.arange(len(times))
        sampled = spacing < 1 + 1e-3 or bool((keys.interpolation == LINEAR).all())
        if sampled and np.abs(times - even).max() < 1e-2 * spacing:
            return even
    return np.arange(np.floor(start + 1e-3), np.ceil(end - 1e-3) + 1)


def _range_of(scene: bpy.types.Scene, frames: Array) -> tuple[int, int]:
    preview = scene.use_preview_range
    start = scene.frame_preview_start if preview else scene.frame_start
    end = scene.frame_preview_end if preview else scene.frame_end
    inside = np.flatnonzero((frames >= start - 1e-3) & (frames <= end + 1e-3))
    if not len(inside):
        raise BadInput(
            f"The action lies from frame {frames[0]:.0f} to {frames[-1]:.0f}, outside the range {start} to {end}.",
            hint="Set the scene's frame range, or the preview range, over the motion.",
        )
    return int(inside[0]), int(inside[-1])


def _skeleton(armature: bpy.types.Object, bones: list[bpy.types.PoseBone]) -> Skeleton:
    index = {bone.name: position for position, bone in enumerate(bones)}
    above = carriers_first(armature)[1]
    return Skeleton(
        names=tuple(index),
        parents=tuple(index.get(above.get(bone.name, ""), -1) for bone in bones),
        rests=np.array([np.array(bone.bone.matrix_local) for bone in bones], np.float64),
        lengths=np.array([bone.length for bone in bones], np.float64),
        world=np.array(armature.matrix_world, np.float64),
    )
