"""Layers on top of a motion in the NLA: an offset that all of it gets, and one motion made of all layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import bpy
import numpy as np
from mathutils import Quaternion
from numpy.typing import NDArray

from ..cleanup.keys import Keys
from ..cleanup.quaternions import continuous
from ..contract import BadInput
from ..words import counted
from .action import write_curve
from .channels import bone_path, rotation_path, takes_effect
from .compat import curves_of, existing_curves, new_action, selected_bones, strip_curves
from .cycles import cycles_of, repeat
from .keys import read_keys, write_keys
from .nla import push_down, refuse_layers, refuse_tweaking
from .samples import own_armature
from .timing import note_rate, noted_rate, visited
from .unkeyed import keeps_unkeyed, poses_kept, show_motion, unkeyed_kept
from .writing import edited_name, unedited_name

Array = NDArray[np.float64]

# By bone and data path, what is combined with the motion's own values.
Offsets = dict[str, dict[str, list[float]]]

_SAME = 1e-5
# Elsewhere, zeros.
_RESTS = {
    "rotation_quaternion": (1.0, 0.0, 0.0, 0.0),
    "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0),
    "scale": (1.0, 1.0, 1.0),
}


@dataclass(frozen=True)
class Layer:
    """Attributes:
    strip: on a track of its own, above the motion; its influence is the strength.
    bones: the bones that it moves.
    """

    strip: bpy.types.NlaStrip
    bones: tuple[str, ...]


def posed_offsets(context: bpy.types.Context) -> Offsets:
    """How the pose at the current frame, not keyed, differs from the motion, or from rest where there is none.

    Of the selected bones in Pose mode; of all when none is, or in another mode. The pose stays as it is.

    Raises:
        BadInput: there is no motion, or these bones' pose is the motion's own.
    """
    armature = _layered(context)
    selected = selected_bones(armature) if armature.mode == "POSE" else set()
    bones = list(armature.pose.bones)
    posed = [_channels(bone) for bone in bones]
    animated = {(curve.data_path, curve.array_index) for curve in _all_curves(armature)}
    with poses_kept(context):
        show_motion(context, armature)
        every = {bone.name: _offsets(bone, theirs, animated) for bone, theirs in zip(bones, posed, strict=True)}
    every = {name: found for name, found in every.items() if found}
    offsets = {name: found for name, found in every.items() if not selected or name in selected}
    if offsets:
        return offsets
    if every:
        raise BadInput(
            f"The selected bones are not posed away from the motion at this frame; {_listed(every)} is.",
            hint="Select what you posed; or select nothing (Alt A), and all that you posed counts.",
        )
    raise BadInput(
        "No bone is posed away from the motion at this frame.",
        hint="Pose the character here as it is to be, without setting keys (Auto Keying off in the Timeline), "
        "then add the layer.",
    )


def add_offset_layer(context: bpy.types.Context, offsets: Offsets, *, strength: float = 1.0) -> Layer:
    """Give the whole motion `offsets`, as `posed_offsets` finds them.

    The motion goes into the NLA; above it lies a strip that is combined with it: bones are turned and moved further,
    as seen from where the motion puts them.

    Args:
        strength: the strip's influence.

    Raises:
        BadInput: there is no motion.
    """
    armature = _layered(context)
    first, last = _frames(armature)
    name = _name(armature, "offset")
    with unkeyed_kept(context, armature, rewritten=offsets):
        strip = _offset_strip(armature, offsets, name, (first, last), strength)
    return Layer(strip, tuple(offsets))


def _offset_strip(
    armature: bpy.types.Object, offsets: Offsets, name: str, frames: tuple[float, float], strength: float
) -> bpy.types.NlaStrip:
    animation = armature.animation_data
    if animation.action is not None:
        blend, extrapolation = animation.action_blend_type, animation.action_extrapolation
        motion = push_down(armature)
        motion.blend_type, motion.extrapolation = blend, extrapolation
    new_action(name, armature)
    curves = curves_of(armature)
    for bone_name, channels in offsets.items():
        group = curves.groups.new(bone_name)
        for path, values in channels.items():
            for index, value in enumerate(values):
                write_curve(curves, path, index, np.array(frames), np.array([value, value]), group)
    strip = push_down(armature)
    strip.blend_type, strip.extrapolation = "COMBINE", "HOLD"
    # Without a curve of its own, Blender works a strip's influence out from how it blends in and out.
    strip.use_animated_influence = True
    strip.fcurves[0].keyframe_points[0].co[1] = strip.influence = strength
    strip.fcurves[0].update()
    return strip


@keeps_unkeyed
def merge_layers(context: bpy.types.Context) -> bpy.types.Action:
    """One new action with what the layers of the NLA and the active action make together; the tracks are muted.

    Custom properties, such as contacts and confidence, are not mixed: the uppermost layer's keys are taken. Curves of
    what is not there any more, such as a deleted bone, are left out.

    Raises:
        BadInput: the armature has no layers.
    """
    armature = _layered(context)
    animation = armature.animation_data
    if not any(True for _ in _strips(armature)):
        raise BadInput(f"{armature.name} has no layers.", hint="Its motion is one action already.")
    first, last = _frames(armature)
    frames = np.arange(np.floor(first + 1e-3), np.ceil(last - 1e-3) + 1)
    name, own = _name(armature, "merged"), _own_keys(armature)
    paths = _mixed_paths(armature)
    shown: dict[str, list[Array]] = {path: [] for path in paths}
    for _ in visited(context, frames):
        for path, values in shown.items():
            values.append(np.atleast_1d(np.array(armature.path_resolve(path), np.float64)))
    cycles = {
        (curve.data_path, curve.array_index): found
        for curve in _all_curves(armature)
        if (found := cycles_of(curve)) is not None
    }
    layers = (*(strip.action for strip in _strips(armature)), animation.action)
    rate_hz = next((rate for layer in layers if (rate := noted_rate(layer)) is not None), None)
    if animation.action is not None and animation.action.library is None:
        animation.action.use_fake_user = True
    action = new_action(name, armature)
    if rate_hz is not None:
        note_rate(action, rate_hz)
    curves = curves_of(armature)
    for path, rows in shown.items():
        values = np.array(rows)
        values = continuous(values) if path.endswith("quaternion") else values
        for index in range(values.shape[1]):
            curve = write_curve(curves, path, index, frames, values[:, index], _group(curves, path))
            repeat(curve, cycles.get((path, index)))
    for (path, index), keys in own.items():
        curve = curves.fcurves.new(path, index=index)
        curve.group = _group(curves, path)
        write_keys(curve, keys)
        repeat(curve, cycles.get((path, index)))
    for track in animation.nla_tracks:
        track.is_solo = False
        track.mute = True
    return action


def _layered(context: bpy.types.Context) -> bpy.types.Object:
    """The active armature, which has an action or strips."""
    armature = own_armature(context)
    refuse_tweaking(armature)
    animation = armature.animation_data
    if animation is None or (animation.action is None and not any(True for _ in _strips(armature))):
        refuse_layers(armature)
        raise BadInput(f"{armature.name} has no motion.", hint="Assign an action to it, or import a take.")
    return armature


def _strips(armature: bpy.types.Object) -> Iterator[bpy.types.NlaStrip]:
    """Those that take effect, the lowest first."""
    tracks = armature.animation_data.nla_tracks
    # A star on one silences the others, and speaks louder than its own mute.
    solo = [track for track in tracks if track.is_solo]
    for track in solo or tracks:
        if solo or not track.mute:
            yield from (strip for strip in track.strips if strip.action is not None and not strip.mute)


def _name(armature: bpy.types.Object, label: str) -> str:
    if armature.animation_data.action is not None:
        return edited_name(armature, label)
    return f"{unedited_name(next(_strips(armature)).action.name)} | {label}"


def _frames(armature: bpy.types.Object) -> tuple[float, float]:
    """The first and last frame of everything."""
    ends = [(strip.frame_start, strip.frame_end) for strip in _strips(armature)]
    action = armature.animation_data.action
    if action is not None:
        ends.append(tuple(action.frame_range))
    return min(end[0] for end in ends), max(end[1] for end in ends)


def _listed(names: Collection[str]) -> str:
    """ "Neck", or "Neck, with 3 others,"."""
    first, *others = names
    return f"{first}, with {counted(len(others), 'other')}," if others else first


def _channels(bone: bpy.types.PoseBone) -> dict[str, Array]:
    """The bone's own transform by the data paths of its curves."""
    paths = (rotation_path(bone), bone_path(bone, "location"), bone_path(bone, "scale"))
    return {path: np.array(bone.path_resolve(path.rpartition(".")[2]), np.float64) for path in paths}


def _offsets(
    bone: bpy.types.PoseBone, posed: dict[str, Array], animated: set[tuple[str, int]]
) -> dict[str, list[float]]:
    """What combined with the bone's transform gives what was posed; paths without a difference are left out.

    Layers start from rest where no curve of `animated` is.
    """
    found: dict[str, list[float]] = {}
    for path, shown in _channels(bone).items():
        wanted = posed[path]
        rest = np.array(_RESTS.get(path.rpartition(".")[2], (0.0, 0.0, 0.0)))
        shown = np.where([(path, index) in animated for index in range(len(shown))], shown, rest)
        if np.abs(wanted - shown).max() < _SAME:
            continue
        if path.endswith("rotation_quaternion"):
            found[path] = list(Quaternion(shown).inverted() @ Quaternion(wanted))
        elif path.endswith("scale"):
            found[path] = np.where(np.abs(shown) > _SAME, wanted / np.where(shown == 0, 1, shown), 1.0).tolist()
        else:
            found[path] = (wanted - shown).tolist()
    return found


def _is_property(path: str) -> bool:
    return path.endswith('"]')


def _all_curves(armature: bpy.types.Object) -> Iterator[bpy.types.FCurve]:
    """Those that take effect, the lowest layer first, the active action's last."""
    for bag in [*(strip_curves(strip) for strip in _strips(armature)), existing_curves(armature)]:
        if bag is not None:
            yield from (curve for curve in bag.fcurves if takes_effect(curve))


def _is_mixed(armature: bpy.types.Object, path: str) -> bool | None:
    """Whether the layers' values are mixed there, number by number; None when the path leads nowhere."""
    if _is_property(path):
        return False
    try:
        value = armature.path_resolve(path)
    except ValueError:
        return None
    return isinstance(value, (bool, int, float)) or (hasattr(value, "__len__") and not isinstance(value, (str, set)))


def _mixed_paths(armature: bpy.types.Object) -> list[str]:
    paths = {curve.data_path for curve in _all_curves(armature)}
    return sorted(path for path in paths if _is_mixed(armature, path))


def _own_keys(armature: bpy.types.Object) -> dict[tuple[str, int], Keys]:
    """The keys of what is not mixed, custom properties and choices, on the scene's frames."""
    found: dict[tuple[str, int], Keys] = {}
    for bag, strip in [
        *((strip_curves(strip), strip) for strip in _strips(armature)),
        (existing_curves(armature), None),
    ]:
        for curve in () if bag is None else bag.fcurves:
            if takes_effect(curve) and _is_mixed(armature, curve.data_path) is False:
                keys = read_keys(curve)
                found[curve.data_path, curve.array_index] = keys if strip is None else _placed(keys, strip)
    return found


def _placed(keys: Keys, strip: bpy.types.NlaStrip) -> Keys:
    """The keys where the strip shows them."""

    def points(old: NDArray[np.float32]) -> NDArray[np.float32]:
        times = strip.frame_start + (old[:, 0] - strip.action_frame_start) * strip.scale
        return np.column_stack([times, old[:, 1]]).astype(np.float32)

    return replace(
        keys, co=points(keys.co), handle_left=points(keys.handle_left), handle_right=points(keys.handle_right)
    )


def _group(curves: bpy.types.Action | bpy.types.ActionChannelbag, path: str) -> bpy.types.ActionGroup:
    parts = path.split('"')
    if _is_property(path):
        name = "Contacts" if "contact_" in path else "Confidence" if "confidence" in path else "Properties"
    else:
        name = bpy.utils.unescape_identifier(parts[1]) if path.startswith("pose.bones") else "Object Transforms"
    return curves.groups.get(name) or curves.groups.new(name)
