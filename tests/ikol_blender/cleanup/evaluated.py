"""What Blender itself makes of an armature's motion, frame by frame; and a motion given to Blender as an armature."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np
from bl_ext.user_default.ikol.ikol_blender.cleanup.motion import Motion
from bl_ext.user_default.ikol.ikol_blender.scene.action import write_curve
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of, new_action
from mathutils import Matrix


def heads(armature: bpy.types.Object, frames: Iterable[float]) -> np.ndarray:
    """(T, K, 3) world, m, in the order of `armature.pose.bones`."""
    return _each(armature, frames, lambda bone: armature.matrix_world @ bone.head)


def axes(armature: bpy.types.Object, frames: Iterable[float]) -> np.ndarray:
    """(T, K, 3, 3) the bones' axes in the armature, one per column."""
    return _each(armature, frames, lambda bone: bone.matrix.to_3x3().normalized())


def _each(armature: bpy.types.Object, frames: Iterable[float], look) -> np.ndarray:
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
        found.append([look(bone) for bone in armature.pose.bones])
    return np.array(found)


def frames_of(scene: bpy.types.Scene) -> range:
    return range(scene.frame_start, scene.frame_end + 1)


def select_bones(armature: bpy.types.Object, *names: str) -> None:
    """Select these bones alone, in Pose mode."""
    bpy.ops.pose.select_all(action="DESELECT")
    for name in names:
        if bpy.app.version >= (5, 0, 0):
            armature.pose.bones[name].select = True
        else:
            armature.data.bones[name].select = True


def armature_of(motion: Motion) -> bpy.types.Object:
    """`motion` on an armature with a key for every sample from frame 1 on, at the motion's rate; the active object."""
    scene, skeleton = bpy.context.scene, motion.skeleton
    scene.render.fps, scene.render.fps_base = round(motion.rate_hz), round(motion.rate_hz) / motion.rate_hz
    scene.frame_start, scene.frame_end = 1, len(motion)
    thing = bpy.data.objects.new("Humanoid", bpy.data.armatures.new("Humanoid"))
    scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    thing.matrix_world = Matrix(skeleton.world)
    bpy.ops.object.mode_set(mode="EDIT")
    for name, parent, rest, length in zip(
        skeleton.names, skeleton.parents, skeleton.rests, skeleton.lengths, strict=True
    ):
        bone = thing.data.edit_bones.new(name)
        bone.tail = (0.0, float(length), 0.0)
        bone.matrix = Matrix(rest)
        if parent >= 0:
            bone.parent = thing.data.edit_bones[skeleton.names[parent]]
    bpy.ops.object.mode_set(mode="OBJECT")
    new_action("motion", thing)
    frames = 1.0 + np.arange(len(motion))
    for index, name in enumerate(skeleton.names):
        thing.pose.bones[name].rotation_mode = "QUATERNION"
        path = f'pose.bones["{name}"]'
        for part in range(4):
            write_curve(curves_of(thing), f"{path}.rotation_quaternion", part, frames, motion.rotations[:, index, part])
        for axis in range(3 if index == 0 else 0):
            write_curve(curves_of(thing), f"{path}.location", axis, frames, motion.locations[:, index, axis])
    bpy.context.view_layer.update()
    return thing
