"""Re-solve: the motion in a range of frames, changed as little as its pins allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

import bpy
import numpy as np
from mathutils import Quaternion
from numpy.typing import NDArray

from ..cleanup.limbs import Leg, Limb
from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from ..retarget.rig import skeleton_of
from ..scene.body import limbs_of
from ..scene.channels import bone_values, location_path, rotation_path, rotation_width
from ..scene.compat import curves_of
from ..scene.legs import found_legs
from ..scene.samples import active_armature, motion_at
from ..scene.timing import scene_rate, shown_range
from ..scene.unkeyed import keeps_unkeyed
from .correction import Freedom, Goal, bridge, correct, hold_feet
from .range_keys import write_range
from .stored import IKOL_Pin

Array = NDArray[np.float64]

_HELD_M, _HELD_RAD = 1e-3, np.radians(0.5)
_TRUNK_MOBILITY = 0.15


class Part(Enum):
    """What may move: the limb of each pin, or the whole body with its feet in place."""

    LIMB = "LIMB"
    BODY = "BODY"


@dataclass(frozen=True)
class Resolved:
    """Attributes:
    pins: how many were held.
    bones: how many bones got new keys.
    miss_m, miss_rad: how far the worst pin is off.
    foot_m: how far a foot was drawn from its place at most, where the leg is too short.
    """

    pins: int
    bones: int
    miss_m: float
    miss_rad: float
    foot_m: float


@keeps_unkeyed
def resolve(
    context: bpy.types.Context, *, frame_start: int | None = None, frame_end: int | None = None, part: Part = Part.LIMB
) -> Resolved:
    """Solve the active armature's motion again so that its pins between the two frames (both included) hold.

    Frames outside stay as they are; None takes the scene's own range, or its preview range.

    Raises:
        BadInput: no pins in the range, a range that is none, or a pin out of reach. Nothing is changed then.
    """
    armature = active_armature(context)
    start, end = _range(context.scene, frame_start, frame_end)
    pins = [pin for pin in armature.ikol_pins if start <= pin.frame <= end and pin.bone in armature.pose.bones]
    if not pins:
        raise BadInput(
            f"No pin lies between frames {start} and {end}.", hint="Pose a bone and press Pin, or widen the range."
        )
    frames = np.arange(start, end + 1, dtype=np.float64)
    whole = skeleton_of(armature)
    limbs = dict(zip(whole.names, limbs_of(armature, whole), strict=True))
    legs = _named_legs(whole, found_legs(armature, whole)) if part is Part.BODY else ()
    bones = _bones_above(armature, {pin.bone for pin in pins} | {name for leg in legs for name in leg})
    motion = motion_at(armature, bones, frames, scene_rate(context.scene))
    names = motion.skeleton.names
    goals = tuple(_goal(pin, names.index(pin.bone), start) for pin in pins)
    freedom = _freedom(motion.skeleton, goals, part, armature, limbs)
    keyed = [key for curve in curves_of(armature).fcurves for key in _ends(curve)]
    open_start, open_end = min(keyed) >= start - 1e-3, max(keyed) <= end + 1e-3
    before = bridge(motion, goals, freedom)
    after, miss = correct(before, goals, freedom, open_start=open_start, open_end=open_end)
    if miss.position > _HELD_M or miss.rotation > _HELD_RAD:
        raise BadInput(
            f"A pin is out of reach by {miss.position * 100:.1f} cm and {np.degrees(miss.rotation):.1f} degrees.",
            hint="Choose the body instead of the limb, or pin it nearer.",
        )
    changed = set(freedom.turning)
    reference = before.posed()
    held = _held_legs(motion.skeleton, goals, legs)
    after = hold_feet(after, reference, held) if held else after
    changed |= {bone for leg in held for bone in (leg.hip, leg.knee, leg.ankle)}
    drawn = np.linalg.norm(after.posed().heads - reference.heads, axis=-1).max(axis=0)
    for index in sorted(changed):
        values = _near_curves(bones[index], after.rotations[:, index], armature, frames)
        _write(armature, bones[index], rotation_path(bones[index]), frames, values, open_start, open_end)
    if freedom.shifting >= 0:
        bone = bones[freedom.shifting]
        values = after.locations[:, freedom.shifting]
        _write(armature, bone, location_path(bone), frames, values, open_start, open_end)
    return Resolved(
        len(pins),
        len(changed),
        miss.position,
        miss.rotation,
        max((float(drawn[leg.ankle]) for leg in held), default=0.0),
    )


def _range(scene: bpy.types.Scene, frame_start: int | None, frame_end: int | None) -> tuple[int, int]:
    shown = shown_range(scene)
    start = shown[0] if frame_start is None else frame_start
    end = shown[1] if frame_end is None else frame_end
    if end <= start:
        raise BadInput(f"Frames {start} to {end} are no range.", hint="The last frame must lie after the first.")
    return start, end


def _named_legs(skeleton: Skeleton, legs: tuple[Leg, ...]) -> tuple[tuple[str, str, str], ...]:
    """Hip, knee and ankle of each; the toes go along with the foot."""
    names = skeleton.names
    return tuple((names[leg.hip], names[leg.knee], names[leg.ankle]) for leg in legs)


def _bones_above(armature: bpy.types.Object, names: set[str]) -> list[bpy.types.PoseBone]:
    """The bones of these names and their ancestors, parents first."""
    bones = [armature.pose.bones[name] for name in names]
    wanted = {above for bone in bones for above in (bone, *bone.parent_recursive)}
    return sorted(wanted, key=lambda bone: (len(bone.parent_recursive), bone.name))


def _goal(pin: IKOL_Pin, bone: int, start: int) -> Goal:
    turn = np.array(Quaternion(pin.rotation).normalized().to_matrix(), np.float64)
    return Goal(
        pin.frame - start,
        bone,
        np.array(pin.position, np.float64) if pin.use_position else None,
        turn if pin.use_rotation else None,
    )


def _freedom(
    skeleton: Skeleton, goals: tuple[Goal, ...], part: Part, armature: bpy.types.Object, limbs: dict[str, Limb]
) -> Freedom:
    if part is Part.LIMB:
        turning = sorted({bone for goal in goals for bone in _limb_above(skeleton, goal.bone, limbs)})
        return Freedom(tuple(turning), np.ones(len(turning)))
    curves = {curve.data_path for curve in curves_of(armature).fcurves}
    above = sorted({bone for goal in goals for bone in skeleton.chain(goal.bone)})
    paths = (location_path(armature.pose.bones[skeleton.names[bone]]) for bone in above)
    root = next((bone for bone, path in zip(above, paths, strict=True) if path in curves), above[0])
    turning = tuple(bone for bone in above if root in skeleton.chain(bone))
    of_trunk = np.array([limbs[skeleton.names[bone]] is Limb.TRUNK for bone in turning])
    return Freedom(turning, np.where(of_trunk, _TRUNK_MOBILITY, 1.0), root)


def _limb_above(skeleton: Skeleton, bone: int, limbs: dict[str, Limb]) -> list[int]:
    """The bone and its ancestors of the same limb."""
    kinds = ({Limb.ARM, Limb.HAND}, {Limb.LEG, Limb.FOOT}, {Limb.HEAD}, {Limb.TRUNK})
    kind = next(kind for kind in kinds if limbs[skeleton.names[bone]] in kind)
    return list(takewhile(lambda above: limbs[skeleton.names[above]] in kind, skeleton.chain(bone)))


def _held_legs(skeleton: Skeleton, goals: tuple[Goal, ...], legs: tuple[tuple[str, str, str], ...]) -> list[Leg]:
    """Legs whose feet stay where they were: none of their bones is pinned."""
    pinned = {bone for goal in goals for bone in skeleton.chain(goal.bone)}
    found = [Leg(*(skeleton.names.index(name) for name in leg), toe=-1) for leg in legs]
    return [leg for leg in found if leg.hip not in pinned]


def _ends(curve: bpy.types.FCurve) -> list[float]:
    points = curve.keyframe_points
    return [points[0].co[0], points[-1].co[0]] if len(points) else []


def _near_curves(bone: bpy.types.PoseBone, quaternions: Array, armature: bpy.types.Object, frames: Array) -> Array:
    """The curves' values for `quaternions`, of the ways to write each rotation the one nearest to the old curves."""
    values = bone_values(bone, quaternions)
    found = curves_of(armature).fcurves
    still = np.array(getattr(bone, rotation_path(bone).rsplit(".", 1)[-1]))
    old = np.tile(still, (len(frames), 1))
    for index in range(rotation_width(bone)):
        curve = found.find(rotation_path(bone), index=index)
        if curve is not None:
            old[:, index] = [curve.evaluate(frame) for frame in frames]
    if bone.rotation_mode == "QUATERNION":
        return np.where((values * old).sum(axis=1, keepdims=True) < 0, -values, values)
    if bone.rotation_mode == "AXIS_ANGLE":
        return np.where((values[:, 1:] * old[:, 1:]).sum(axis=1, keepdims=True) < 0, -values, values)
    return values + 2 * np.pi * np.round((old - values) / (2 * np.pi))


def _write(
    armature: bpy.types.Object,
    bone: bpy.types.PoseBone,
    path: str,
    frames: Array,
    values: Array,
    open_start: bool,
    open_end: bool,
) -> None:
    curves = curves_of(armature)
    still = np.array(getattr(bone, path.rsplit(".", 1)[-1]))
    for index in range(values.shape[1]):
        curve = curves.fcurves.find(path, index=index)
        if curve is None:
            curve = curves.fcurves.new(path, index=index)
            curve.group = curves.groups.get(bone.name) or curves.groups.new(bone.name)
            curve.keyframe_points.add(1)
            curve.keyframe_points[0].co = (frames[0], still[index])
        write_range(curve, frames, values[:, index], open_start=open_start, open_end=open_end)
