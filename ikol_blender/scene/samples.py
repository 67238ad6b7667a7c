"""An armature's action as an evenly sampled `Motion`."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import LINEAR
from ..cleanup.motion import Motion
from ..cleanup.quaternions import angle_between, continuous
from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from .carriers import carriers_first
from .channels import Curves, location_path, locations_at, rotation_path, rotation_width, rotations_at, takes_effect
from .compat import curves_of, existing_curves, selected_bones
from .cycles import go_round
from .keys import read_keys
from .nla import refuse_layers, refuse_tweaking
from .skeletons import skeleton_of_bones
from .timing import scene_rate, shown_range

Array = NDArray[np.float64]

_FEW_KEYS = 8
_NEAR = 1e-3
_ONE_POSE = 1e-3  # radians


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
        goes_round: the motion is a cycle, all of which is in the range: its last sample, which may lie one frame behind
            the range, is the first one again.
    """

    armature: bpy.types.Object
    motion: Motion
    frames: Array
    first: int
    last: int
    chosen: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    moved: NDArray[np.bool_]
    goes_round: bool = False

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
    ends_as_it_begins = angle_between(motion.rotations[0], motion.rotations[-1]).max() < _ONE_POSE
    goes_round = first == 0 and frames[last] >= frames[-1] - 1 - _NEAR and ends_as_it_begins and go_round(posing)
    last = len(frames) - 1 if goes_round else last
    return Sampled(armature, motion, frames, first, last, chosen, turned, moved, goes_round)


def motion_at(armature: bpy.types.Object, bones: list[bpy.types.PoseBone], frames: Array, rate_hz: float) -> Motion:
    """What the active action does with `bones` (ancestors too, parents first) on evenly spaced `frames`."""
    curves = _audible(armature)
    rotations = np.empty((len(frames), len(bones), 4))
    locations = np.empty((len(frames), len(bones), 3))
    for index, bone in enumerate(bones):
        rotations[:, index] = rotations_at(bone, curves, frames)
        locations[:, index] = locations_at(bone, curves, frames)
    return Motion(_skeleton(armature, bones), rate_hz, continuous(rotations), locations)


def _audible(armature: bpy.types.Object) -> Curves:
    """The active action's curves that take effect, by data path and index."""
    fcurves = curves_of(armature).fcurves
    return {(curve.data_path, curve.array_index): curve for curve in fcurves if takes_effect(curve)}


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
    start, end = shown_range(scene)
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
    return skeleton_of_bones(armature, bones, [index.get(above.get(bone.name, ""), -1) for bone in bones])
