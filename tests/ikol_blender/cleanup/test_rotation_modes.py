"""Rotations in another mode show the same poses, by Blender's own evaluation, and do not flip."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import euler
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from mathutils import Euler, Quaternion

from .evaluated import armature_of, axes, frames_of, select_bones
from .mocap import deepmimic


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    return import_take(bpy.context, take_file).armature


def _curves(armature: bpy.types.Object, bone: str, name: str) -> np.ndarray:
    """(T, C)"""
    found = [curve for curve in curves_of(armature).fcurves if curve.data_path == f'pose.bones["{bone}"].{name}']
    frames = frames_of(bpy.context.scene)
    return np.array([[curve.evaluate(frame) for curve in found] for frame in frames])


@pytest.mark.parametrize("mode", ["SAFEST", "QUATERNION", "ZYX"])
@pytest.mark.parametrize("clip", ["dance_spin", "backflip"])
def test_poses_stay_and_nothing_flips(empty_scene: bpy.types.Scene, clip: str, mode: str) -> None:
    armature = armature_of(deepmimic(clip))
    before, original = axes(armature, frames_of(empty_scene)), armature.animation_data.action
    assert bpy.ops.ikol.convert_rotations(mode=mode) == {"FINISHED"}
    assert armature.animation_data.action is not original and original.use_fake_user
    assert axes(armature, frames_of(empty_scene)) == pytest.approx(before, abs=2e-5)
    for bone in armature.pose.bones:
        assert bone.rotation_mode in (euler.ORDERS if mode == "SAFEST" else (mode,))
        name = "rotation_quaternion" if mode == "QUATERNION" else "rotation_euler"
        values = _curves(armature, bone.name, name)
        other = "rotation_euler" if mode == "QUATERNION" else "rotation_quaternion"
        assert not _curves(armature, bone.name, other).size
        if mode == "QUATERNION":
            assert (values[1:] * values[:-1]).sum(axis=1).min() > 0
        elif mode == "SAFEST":
            assert np.abs(np.diff(values, axis=0)).max() < np.pi, bone.name


def test_the_safest_order_avoids_the_lock_of_others(empty_scene: bpy.types.Scene, armature: bpy.types.Object) -> None:
    """An arm that turns through 90 degrees about the middle axis of XYZ, while it twists."""
    times = np.linspace(0, 1, 60)
    turns = [Euler((0.4 * t, np.radians(60 + 60 * t), 0.6 * t), "XYZ").to_quaternion() for t in times]
    rotations = np.array([tuple(turn) for turn in turns])
    assert euler.gimbal_margin(rotations, "XYZ") < np.radians(1)
    assert euler.gimbal_margin(rotations, euler.safest_order(rotations)) > np.radians(30)


def test_euler_angles_are_blenders_own() -> None:
    rng = np.random.default_rng(5)
    rotations = quat.continuous(quat.normalized(rng.normal(size=(50, 4))))
    for order in euler.ORDERS:
        angles = euler.from_quaternions(rotations, order)
        for found, wanted in zip(angles, rotations, strict=True):
            there = Euler(found, order).to_quaternion()
            assert abs(there.dot(Quaternion(wanted))) == pytest.approx(1, abs=1e-5)
        assert quat.angle_between(euler.to_quaternions(angles, order), rotations).max() < 1e-6


def test_flips_of_quaternions_are_taken_out(armature: bpy.types.Object) -> None:
    """A file that writes q and -q by turns: the same poses, but nothing may lie between them."""
    path = 'pose.bones["L_Elbow"].rotation_quaternion'
    before = axes(armature, range(10, 20))
    for curve in curves_of(armature).fcurves:
        if curve.data_path == path:
            for point in curve.keyframe_points[30:]:
                point.co[1] *= -1
            curve.update()
    assert bpy.ops.ikol.convert_rotations(mode="QUATERNION") == {"FINISHED"}
    values = _curves(armature, "L_Elbow", "rotation_quaternion")
    assert (values[1:] * values[:-1]).sum(axis=1).min() > 0
    assert axes(armature, range(10, 20)) == pytest.approx(before, abs=1e-5)


def test_sparse_keys_stay_sparse(armature: bpy.types.Object) -> None:
    bpy.ops.ikol.reduce_keys(tolerance_deg=2.0, tolerance_mm=20.0)
    scene = bpy.context.scene
    before = axes(armature, frames_of(scene))
    path = 'pose.bones["Spine2"].'
    times = [
        {round(p.co[0]) for p in curve.keyframe_points}
        for curve in curves_of(armature).fcurves
        if curve.data_path == path + "rotation_quaternion"
    ]
    assert bpy.ops.ikol.convert_rotations() == {"FINISHED"}
    curve = next(curve for curve in curves_of(armature).fcurves if curve.data_path == path + "rotation_euler")
    found = {round(point.co[0]) for point in curve.keyframe_points}
    assert found >= set.union(*times) and len(found) < 40
    assert {point.interpolation for point in curve.keyframe_points} == {"BEZIER"}
    off = np.arccos(np.clip((np.einsum("tkij,tkij->tk", axes(armature, frames_of(scene)), before) - 1) / 2, -1, 1))
    assert np.degrees(off).max() < 2, "half a degree for each joint on the way from the hips"


def test_only_selected_bones_change(armature: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    select_bones(armature, "Head")
    assert bpy.ops.ikol.convert_rotations(mode="YXZ") == {"FINISHED"}
    assert {b.name for b in armature.pose.bones if b.rotation_mode != "QUATERNION"} == {"Head"}
