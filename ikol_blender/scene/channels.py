"""A bone's channels: the curves that hold its rotation, in whatever mode, and its location, and what they say."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup import euler
from ..cleanup.quaternions import continuous, exp, log, normalized

Array = NDArray[np.float64]
# By data path and index.
Curves = dict[tuple[str, int], bpy.types.FCurve]

_ROTATION_PATHS = {"QUATERNION": ("rotation_quaternion", 4), "AXIS_ANGLE": ("rotation_axis_angle", 4)}
_ON_FRAME = 1e-3


def takes_effect(curve: bpy.types.FCurve) -> bool:
    return not curve.mute and not (curve.group is not None and curve.group.mute)


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


def rotations_at(bone: bpy.types.PoseBone, curves: Curves, frames: Array) -> Array:
    """(T, 4) the bone's own rotation; what no curve says stays as it is now."""
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


def locations_at(bone: bpy.types.PoseBone, curves: Curves, frames: Array) -> Array:
    """(T, 3) the bone's own location; what no curve says stays as it is now."""
    return _values(curves, location_path(bone), np.array(bone.location), frames)


def _values(curves: Curves, path: str, still: Array, frames: Array) -> Array:
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
