"""Rigs whose controls move the deforming bones: switches set, all else on the way at rest, and a look at the result."""

from __future__ import annotations

import bpy
import numpy as np

from ..cleanup import quaternions as quat
from ..scene.action import write_curve
from ..scene.channels import location_path, rotation_path
from ..scene.compat import curves_of
from ..scene.timing import visited
from .body_frame import RestBody
from .bone_map import BoneMap
from .transfer import Posed

# A control that Blender shows this far from where it was sent is held by something.
_ASTRAY_RAD = np.radians(2.0)


def set_switches(target: bpy.types.Object, bone_map: BoneMap) -> dict[str, float]:
    """Set the custom properties that the map asks for; those that the rig does without are passed over.

    Returns:
        The value of each data path.
    """
    done: dict[str, float] = {}
    for name, values in bone_map.settings.items():
        bone = target.pose.bones.get(name)
        for key, value in values.items():
            if bone is not None and key in bone:
                bone[key] = type(bone[key])(value)
                quoted = bpy.utils.escape_identifier
                done[f'pose.bones["{quoted(name)}"]["{quoted(key)}"]'] = value
    return done


def rest_carriers(target: bpy.types.Object, bone_map: BoneMap) -> list[bpy.types.PoseBone]:
    """Put to rest all that bends the mapped bones beside the keys that they will have. Scales stay: they size the rig.

    Returns:
        Those whose rest the action must hold, too, since other actions may pose them: controls, which have a custom
        shape, and what did not rest.
    """
    mapped = set(bone_map.names())
    for name in mapped:
        target.pose.bones[name].location = (0.0, 0.0, 0.0)
    held = []
    for name in sorted(_carriers(target, mapped)):
        bone = target.pose.bones[name]
        place, turn, _ = bone.matrix_basis.decompose()
        moved = place.length > 1e-6 or turn.angle > 1e-6
        if moved:
            bone.location = (0.0, 0.0, 0.0)
            bone.rotation_quaternion, bone.rotation_euler = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
            bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)
        if moved or bone.custom_shape is not None:
            held.append(bone)
    return held


def hold_by_keys(
    target: bpy.types.Object, switches: dict[str, float], resting: list[bpy.types.PoseBone], frame: float
) -> None:
    """One key at `frame` of the active action for each switch and each channel of `resting`.

    With them the action is right whatever pose or action was there before it. What has a motion of its own keeps it.
    """
    curves = curves_of(target)
    at = np.array([frame])
    for path, value in switches.items():
        write_curve(curves, path, 0, at, np.array([value]))
    for bone in resting:
        rotation = rotation_path(bone)
        channels = {
            location_path(bone): (0.0, 0.0, 0.0),
            rotation: tuple(getattr(bone, rotation.rpartition(".")[2])),
        }
        if any(curves.fcurves.find(path, index=axis) for path in channels for axis in range(3)):
            continue
        group = curves.groups.get(bone.name) or curves.groups.new(bone.name)
        for path, values in channels.items():
            for axis, value in enumerate(values):
                write_curve(curves, path, axis, at, np.array([value]), group)


def astray(
    context: bpy.types.Context, target: bpy.types.Object, body: RestBody, wanted: Posed, frames: np.ndarray
) -> tuple[str, float] | None:
    """The first bone, from the hips outwards, that Blender's own evaluation shows away from where it was sent.

    Looks at the first frame, the middle and the last.

    Returns:
        Its name, and by how much it is off, radians; None when all go where they should.
    """
    off = np.zeros(len(body.skeleton))
    places = sorted({0, len(frames) // 2, len(frames) - 1})
    for look in visited(context, frames[places]):
        shown = np.array([target.matrix_world @ target.pose.bones[name].matrix for name in body.skeleton.names])
        axes = shown[:, :3, :3] / np.linalg.norm(shown[:, :3, :3], axis=1, keepdims=True)
        off = np.maximum(off, quat.angle_between(quat.from_matrices(axes), wanted.turns[places[look]]))
    held = np.flatnonzero(off > _ASTRAY_RAD)
    return (body.skeleton.names[held[0]], float(off[held[0]])) if len(held) else None


def _carriers(target: bpy.types.Object, mapped: set[str]) -> set[str]:
    """Names of the unmapped bones that the mapped ones hang from, and that constraints on the way look at."""
    found: set[str] = set()
    waiting = [target.pose.bones[name] for name in mapped]
    while waiting:
        bone = waiting.pop()
        above = [bone.parent] if bone.parent is not None else []
        for constraint in bone.constraints:
            ends = constraint.targets if constraint.type == "ARMATURE" else [constraint]
            above += [
                target.pose.bones[end.subtarget]
                for end in ends
                if getattr(end, "target", None) == target and getattr(end, "subtarget", "") in target.pose.bones
            ]
        for other in above:
            if other.name not in found and other.name not in mapped:
                found.add(other.name)
                waiting.append(other)
    return found
