"""Trim, loop, time-warp and hold of the active armature's motion: what changes when things happen, for all bones.

All of the action goes along: contacts, confidence and whatever else has curves in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import FREE
from ..cleanup.loop import loop as close_loop
from ..cleanup.retime import TimeMap, held, paced, resampled
from ..contract import BadInput
from .channels import location_path
from .compat import copy_action, curves_of, existing_curves
from .contact_curves import close_contacts, drop_contacts
from .keys import read_keys, write_keys
from .legs import carrier_of
from .marks import Marked, clear_pins_between, retime_pins
from .samples import Sampled, active_armature, sample
from .timing import scene_rate
from .unkeyed import keeps_unkeyed
from .writing import edited_name, write_bones

Array = NDArray[np.float64]

# The scene's own speed of the motion, which may be keyed.
SPEED_PATH = "ikol.speed"
SLOWEST = 0.02
_STEPS_A_SAMPLE = 8
_NEAR = 1e-3


@dataclass(frozen=True)
class Warped:
    """Attributes:
    action: the new action, active on the armature; the one before it is kept.
    speed_cleared: the scene's speed was keyed: its keys lay on the old motion, and are gone.
    """

    action: bpy.types.Action
    speed_cleared: bool


@keeps_unkeyed
def trim(context: bpy.types.Context) -> Marked:
    """The action without what lies outside the frame range (the preview range when that is on).

    Raises:
        BadInput: there is no armature, or no motion in the range.
    """
    sampled = sample(context, active_armature(context))
    action = copy_action(sampled.armature, edited_name(sampled.armature, "trimmed"))
    first, last = float(sampled.frames[sampled.first]), float(sampled.frames[sampled.last])
    _cut(sampled.armature, first, last)
    before = clear_pins_between(sampled.armature, -np.inf, first - 1)
    return Marked(action, pins_cleared=before + clear_pins_between(sampled.armature, last + 1, np.inf))


@keeps_unkeyed
def loop(context: bpy.types.Context, *, seam_s: float = 0.4, travel: bool = False) -> Marked:
    """The frame range as a cycle that ends as it begins and repeats; the range then lies over one cycle.

    It shows each pose once: its last frame is the one before the cycle begins again. On the spot feet slide:
    contacts are dropped. Pins are too.

    Args:
        seam_s: how long the end takes to become the beginning.
        travel: go on over the ground from cycle to cycle, instead of on the spot.

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
    carrier = carrier_of(sampled)
    cycle = close_loop(part, carrier, seam, travel)
    frames = sampled.frames[sampled.ranged][seam:]
    start, length = float(frames[0]), max(1, round(float(frames[-1] - frames[0])))
    # Whole frames, or the cycles would not show the same poses, nor a range fit over one.
    stretch = TimeMap(frames[[0, -1]], np.array([start, start + length]))
    action = copy_action(sampled.armature, edited_name(sampled.armature, "loop"))
    _cut(sampled.armature, start, float(frames[-1]))
    for curve in curves_of(sampled.armature).fcurves:
        write_keys(curve, stretch.moved(read_keys(curve)))
    frames = stretch.later(frames)
    moved = sampled.moved.copy()
    moved[carrier] = True
    write_bones(sampled.armature, cycle, frames, sampled.turned, moved)
    if travel:
        close_contacts(sampled.armature)
    dropped = not travel and drop_contacts(sampled.armature, frames, whole=True)
    goes_on = location_path(sampled.armature.pose.bones[cycle.skeleton.names[carrier]]) if travel else None
    for curve in curves_of(sampled.armature).fcurves:
        for old in [modifier for modifier in curve.modifiers if modifier.type == "CYCLES"]:
            curve.modifiers.remove(old)
        cycles = curve.modifiers.new("CYCLES")
        if curve.data_path == goes_on:
            cycles.mode_before = cycles.mode_after = "REPEAT_OFFSET"
    # The last key is the first pose again.
    start = int(np.ceil(start - _NEAR))
    _set_range(context.scene, start, start + length - 1)
    return Marked(action, dropped, clear_pins_between(sampled.armature, -np.inf, np.inf))


@keeps_unkeyed
def time_warp(context: bpy.types.Context, *, speed: float = 1.0, keyed: bool = True) -> Warped:
    """The frame range faster or slower, evenly sampled again; what comes later is shifted, the range's end too.

    Args:
        speed: 2 is twice as fast.
        keyed: times the scene's own speed (`scene.ikol.speed`), as it is keyed at each moment of the present motion.
            Those keys go then. Without keys it does not count.

    Raises:
        BadInput: there is no motion, the range is one moment, or a speed is not above zero.
    """
    sampled = sample(context, active_armature(context))
    if sampled.last <= sampled.first:
        raise BadInput("The range is a single frame.", hint="Choose a longer range.")
    inside = sampled.frames[sampled.ranged]
    frames = np.linspace(inside[0], inside[-1], _STEPS_A_SAMPLE * (len(inside) - 1) + 1)
    curve = _speed_curve(context.scene) if keyed else None
    speeds = np.full(len(frames), speed)
    if curve is not None:
        speeds *= [curve.evaluate(float(frame)) for frame in frames]
    if speeds.min() < SLOWEST:
        raise BadInput(
            f"The speed is {speeds.min():.2f} at frame {frames[speeds.argmin()]:.0f}.",
            hint=f"Keep it at {SLOWEST} or above; to stand still, use Freeze pose.",
        )
    action = _retimed(context.scene, sampled, paced(frames, speeds, _spacing(sampled)), "retimed")
    if curve is not None:
        # Else the next warp would run it all again, over other moments.
        curves_of(context.scene).fcurves.remove(curve)
        context.scene.ikol.speed = 1.0
    return Warped(action, curve is not None)


@keeps_unkeyed
def hold(context: bpy.types.Context, *, seconds: float = 1.0, ease_s: float = 0.3) -> bpy.types.Action:
    """Stand still in the pose of the current frame; what comes later is shifted, the range's end too.

    Args:
        seconds: how long.
        ease_s: how long the motion takes to come to rest, and to leave.

    Raises:
        BadInput: there is no motion at the current frame, or `seconds` are less than a frame.
    """
    scene = context.scene
    if seconds * scene_rate(scene) < 0.5:
        raise BadInput(f"{seconds:g} s are less than a frame.", hint="Freeze the pose for longer.")
    sampled = sample(context, active_armature(context))
    frame, first, last = scene.frame_current_final, float(sampled.frames[0]), float(sampled.frames[-1])
    if not first - _NEAR <= frame <= last + _NEAR:
        raise BadInput(
            f"Frame {frame:g} lies outside the motion, which goes from {first:g} to {last:g}.",
            hint="Go to the frame whose pose to hold.",
        )
    rate = scene_rate(scene)
    time_map = held(float(np.clip(frame, first, last)), seconds * rate, ease_s * rate, first, last, _spacing(sampled))
    return _retimed(scene, sampled, time_map, "hold")


def _retimed(scene: bpy.types.Scene, sampled: Sampled, time_map: TimeMap, label: str) -> bpy.types.Action:
    """A new action whose moments come when `time_map` says, its bones with a key for every sample where that bends."""
    spacing, start = _spacing(sampled), sampled.frames[0]
    low = int(np.floor((time_map.before[0] - start) / spacing + _NEAR))
    high = min(int(np.ceil((time_map.before[-1] - start) / spacing - _NEAR)), len(sampled.frames) - 1)
    count = high - low + 1 + round(time_map.shift / spacing)
    frames = sampled.frames[low] + spacing * np.arange(count)
    motion = resampled(sampled.motion, (time_map.earlier(frames) - start) / spacing)
    action = copy_action(sampled.armature, edited_name(sampled.armature, label))
    for curve in curves_of(sampled.armature).fcurves:
        write_keys(curve, time_map.moved(read_keys(curve)))
    write_bones(sampled.armature, motion, frames, sampled.turned, sampled.moved)
    retime_pins(sampled.armature, time_map)
    _shift_end(scene, float(time_map.before[-1]), time_map.shift)
    return action


def _spacing(sampled: Sampled) -> float:
    return float(sampled.frames[1] - sampled.frames[0]) if len(sampled.frames) > 1 else 1.0


def _speed_curve(scene: bpy.types.Scene) -> bpy.types.FCurve | None:
    curves = existing_curves(scene)
    curve = None if curves is None else curves.fcurves.find(SPEED_PATH)
    return None if curve is None or not len(curve.keyframe_points) else curve


def _cut(armature: bpy.types.Object, first: float, last: float) -> None:
    """Leave the keys from `first` to `last`, and keys there where the curves pass, without changing their shape."""
    for curve in curves_of(armature).fcurves:
        if not len(curve.keyframe_points):
            continue
        edges = [(edge, curve.evaluate(edge)) for edge in (first, last)]
        keys = read_keys(curve)
        # Handles that Blender sets by their neighbours would turn as these come and go.
        for edge, _ in edges:
            place = int(np.searchsorted(keys.co[:, 0], edge))
            for types in (keys.handle_left_type, keys.handle_right_type):
                types[max(place - 1, 0) : place + 2] = FREE
        write_keys(curve, keys)
        for edge, value in edges:
            if np.abs(keys.co[:, 0] - edge).min() > _NEAR:
                curve.keyframe_points.insert(edge, value)  # splits a Bezier piece in two of the same shape
        keys = read_keys(curve)
        write_keys(curve, keys.where((keys.co[:, 0] > first - _NEAR) & (keys.co[:, 0] < last + _NEAR)))


def _set_range(scene: bpy.types.Scene, first: int, last: int) -> None:
    if scene.use_preview_range:
        scene.frame_preview_start, scene.frame_preview_end = first, last
    else:
        scene.frame_start, scene.frame_end = first, last


def _shift_end(scene: bpy.types.Scene, last: float, shift: float) -> None:
    """Move the ends of the scene's ranges that lie at `last` or later."""
    if scene.frame_preview_end >= last - 1:
        scene.frame_preview_end = max(scene.frame_preview_start, round(scene.frame_preview_end + shift))
    if scene.frame_end >= last - 1:
        scene.frame_end = max(scene.frame_start, round(scene.frame_end + shift))
