"""A take's motion as F-curves of an armature."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import Take
from .armature import BONE_NAMES, RestBody, bone_rests
from .compat import curves_of, new_action
from .rotations import ARMATURE_FROM_SMPL, bone_quaternions

Array = NDArray[np.float64]

# Blender's number for linear interpolation in `keyframe_points`: keys lie on every frame, handles would be dead weight.
_LINEAR = 1


def build_action(name: str, take: Take, rest: RestBody, armature: bpy.types.Object, frames: Array) -> bpy.types.Action:
    """Rotation curves (24 x 4) and the pelvis's location curves (3), one key for each of `frames` (T,)."""
    rests = bone_rests(armature)
    quaternions = bone_quaternions(take.poses.reshape(len(take), 24, 3).astype(np.float64), rests)
    # SMPL moves its pelvis from where it rests in SMPL's own frame; the bone rests turned and standing on the floor.
    smpl_pelvis = (rest.joints[0] - rest.offset) @ ARMATURE_FROM_SMPL
    locations = (smpl_pelvis + take.trans.astype(np.float64) - rest.joints[0]) @ rests[0]
    action = new_action(name, armature)
    curves = curves_of(armature)
    for joint, bone in enumerate(BONE_NAMES):
        group = curves.groups.new(bone)
        path = f'pose.bones["{bone}"]'
        if joint == 0:
            for axis in range(3):
                write_curve(curves, f"{path}.location", axis, frames, locations[:, axis], group)
        for part in range(4):
            write_curve(curves, f"{path}.rotation_quaternion", part, frames, quaternions[:, joint, part], group)
    return action


def write_curve(
    curves: bpy.types.Action | bpy.types.ActionChannelbag,
    path: str,
    index: int,
    frames: Array,
    values: Array,
    group: bpy.types.ActionGroup | None = None,
) -> bpy.types.FCurve:
    """A new curve with linear keys (frames[i], values[i])."""
    curve = curves.fcurves.new(path, index=index)
    if group is not None:
        curve.group = group
    curve.keyframe_points.add(len(frames))
    points = np.empty(2 * len(frames), np.float32)
    points[::2], points[1::2] = frames, values
    curve.keyframe_points.foreach_set("co", points)
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
    curve.update()
    return curve
