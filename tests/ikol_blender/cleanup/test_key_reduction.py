"""Key reduction keeps every bone and joint within the tolerance, keeps extremes, and takes most keys away."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.extremes import turning_points
from bl_ext.user_default.ikol.ikol_blender.cleanup.hermite import GIVEN, UNKNOWN, Pull, fit
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.samples import sample


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    found = import_take(bpy.context, take_file).armature
    bpy.context.view_layer.objects.active = found
    return found


def _heads(armature: bpy.types.Object) -> np.ndarray:
    """(T, K, 3) where Blender itself puts the bones, frame by frame."""
    scene, found = bpy.context.scene, []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        found.append([armature.matrix_world @ bone.head for bone in armature.pose.bones])
    return np.array(found)


def _key_count(armature: bpy.types.Object) -> int:
    return sum(len(curve.keyframe_points) for curve in curves_of(armature).fcurves)


@pytest.mark.parametrize(("degrees", "millimetres"), [(1.0, 5.0), (3.0, 20.0)])
def test_every_bone_and_joint_stays_within_the_tolerance(
    armature: bpy.types.Object, degrees: float, millimetres: float
) -> None:
    heads, before = _heads(armature), _key_count(armature)
    turns = sample(bpy.context, armature).motion.rotations
    original = armature.animation_data.action
    assert bpy.ops.ikol.reduce_keys(tolerance_deg=degrees, tolerance_mm=millimetres) == {"FINISHED"}
    assert armature.animation_data.action is not original and original.use_fake_user
    assert np.linalg.norm(_heads(armature) - heads, axis=-1).max() * 1000 <= millimetres
    now = sample(bpy.context, armature).motion.rotations
    assert np.degrees(quat.angle_between(now, turns)).max() <= degrees
    after = _key_count(armature)
    assert after < 0.35 * before, f"{after} of {before} keys"


def test_contacts_stay_keys(armature: bpy.types.Object) -> None:
    """A foot that lands and leaves has keys there, however wide the tolerance."""
    frames = np.arange(1.0, 61.0)
    write_contacts(armature, frames, {CONTACTS[0]: (frames >= 17) & (frames <= 36)})
    bpy.ops.ikol.reduce_keys(tolerance_deg=20.0, tolerance_mm=300.0)
    for bone in ("L_Hip", "L_Knee", "L_Ankle"):
        curve = curves_of(armature).fcurves.find(f'pose.bones["{bone}"].rotation_quaternion', index=1)
        assert {17, 36} <= {round(point.co[0]) for point in curve.keyframe_points}
    other = curves_of(armature).fcurves.find('pose.bones["L_Wrist"].rotation_quaternion', index=1)
    assert len(other.keyframe_points) < 10


def test_a_wider_tolerance_needs_fewer_keys(armature: bpy.types.Object) -> None:
    original, counts = armature.animation_data.action, []
    for degrees in (0.5, 2.0, 8.0):
        armature.animation_data.action = original
        bpy.ops.ikol.reduce_keys(tolerance_deg=degrees, tolerance_mm=degrees * 5)
        counts.append(_key_count(armature))
    assert counts[0] > counts[1] > counts[2]


def test_keys_outside_the_range_stay(armature: bpy.types.Object) -> None:
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 20, 40
    path = 'pose.bones["left_elbow"].rotation_quaternion'
    names = {curve.data_path for curve in curves_of(armature).fcurves}
    path = path if path in names else next(name for name in sorted(names) if name.endswith("rotation_quaternion"))
    before = [tuple(point.co) for point in curves_of(armature).fcurves.find(path, index=1).keyframe_points]
    bpy.ops.ikol.reduce_keys()
    after = [tuple(point.co) for point in curves_of(armature).fcurves.find(path, index=1).keyframe_points]
    outside = [point for point in before if not 20 <= point[0] <= 40]
    assert outside == [point for point in after if not 20 <= point[0] <= 40]
    assert len(after) < len(before)


def test_extremes_are_where_the_motion_turns_back() -> None:
    times = np.linspace(0, 2, 121)
    found = turning_points(np.sin(2 * np.pi * times), 0.1)
    assert times[found] == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.02)
    assert len(turning_points(0.04 * np.sin(2 * np.pi * times), 0.1)) == 0


def test_a_cubic_is_found_again() -> None:
    times = np.arange(41.0)
    samples = np.stack([1e-4 * (times - 20) ** 3 + 0.1 * times, 0.02 * times**2], axis=1)
    knots = np.array([0, 40])
    free = Pull(np.zeros((2, 2)), np.zeros((2, 2)), np.full(2, UNKNOWN), np.full(2, UNKNOWN))
    assert fit(samples, knots, free).sampled() == pytest.approx(samples, abs=1e-4)
    held = Pull(samples[knots], np.zeros((2, 2)), np.full(2, GIVEN), np.full(2, GIVEN))
    assert fit(samples, knots, held).values == pytest.approx(samples[knots], abs=1e-3)
