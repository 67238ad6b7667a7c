"""What is posed without a key outlasts every tool, but where the tool makes another motion of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.scene import feet, import_take, key_reduction, reshaping, retiming, smoothing
from bl_ext.user_default.ikol.ikol_blender.scene.rotation_modes import convert_rotations
from bl_ext.user_default.ikol.ikol_blender.scene.timing import visited
from mathutils import Quaternion

from .evaluated import select_bones

_AT = 20


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    """In Pose mode, the spine leaned without a key, the left wrist selected."""
    found = import_take(bpy.context, take_file).armature
    bpy.context.scene.frame_set(_AT, subframe=0.25)
    bpy.ops.object.mode_set(mode="POSE")
    select_bones(found, "L_Wrist")
    bone = found.pose.bones["Spine1"]
    bone.rotation_quaternion = bone.rotation_quaternion @ Quaternion((1.0, 0.0, 0.0), np.radians(25.0))
    bone.location.z = 0.03
    bpy.context.view_layer.update()
    return found


def shown(armature: bpy.types.Object, bone: str = "Spine1") -> np.ndarray:
    return np.array(armature.pose.bones[bone].matrix_basis)


@pytest.mark.parametrize(
    "edit",
    [
        smoothing.smooth,
        feet.write_detected_contacts,
        reshaping.mirror,
        reshaping.in_place,
        retiming.trim,
        lambda context: retiming.loop(context, seam_s=0.2),
        key_reduction.reduce_action,
        convert_rotations,
        lambda context: convert_rotations(context, mode="XYZ"),
    ],
)
def test_what_the_tool_leaves_alone_stays_posed(
    armature: bpy.types.Object, edit: Callable[[bpy.types.Context], object]
) -> None:
    posed = shown(armature)
    before = armature.animation_data.action
    edit(bpy.context)
    assert armature.animation_data.action != before
    bpy.context.view_layer.update()
    assert shown(armature) == pytest.approx(posed, abs=1e-5)


def test_what_the_tool_writes_is_shown(armature: bpy.types.Object) -> None:
    select_bones(armature, "Spine1")
    posed = shown(armature)
    smoothing.smooth(bpy.context)
    seen = shown(armature)
    bpy.context.scene.frame_set(_AT, subframe=0.25)
    assert shown(armature) == pytest.approx(seen, abs=1e-6) and np.abs(seen - posed).max() > 0.1


def test_a_converted_bone_stays_posed_in_its_new_mode(armature: bpy.types.Object) -> None:
    bone = armature.pose.bones["Spine1"]
    lean = bone.rotation_quaternion.copy()
    bpy.context.scene.frame_set(_AT)  # between frames, curves of another kind show another motion
    bone.rotation_quaternion = lean
    select_bones(armature, "Spine1")
    posed = shown(armature)
    convert_rotations(bpy.context, mode="ZXY")
    bpy.context.view_layer.update()
    assert armature.pose.bones["Spine1"].rotation_mode == "ZXY"
    assert shown(armature) == pytest.approx(posed, abs=1e-5)


def test_a_refusal_leaves_the_pose(armature: bpy.types.Object) -> None:
    posed = shown(armature)
    with pytest.raises(BadInput, match="too short for a seam"):
        retiming.loop(bpy.context, seam_s=9.0)
    bpy.context.view_layer.update()
    assert np.array_equal(shown(armature), posed)


def test_a_look_at_other_frames_leaves_every_armature_posed(armature: bpy.types.Object) -> None:
    """To the last bit, in the world too; a new action that was not shown yet is shown."""
    other = armature.copy()
    bpy.context.scene.collection.objects.link(other)
    other.animation_data.action = armature.animation_data.action.copy()
    bpy.context.view_layer.update()
    other.pose.bones["Head"].rotation_quaternion = (0.0, 1.0, 0.0, 0.0)
    bpy.context.view_layer.update()
    things = ((armature, "Spine1"), (other, "Head"))
    posed = [(shown(thing, name), np.array(thing.pose.bones[name].matrix)) for thing, name in things]
    for _ in visited(bpy.context, [1.0, 40.5]):
        assert np.abs(shown(armature) - posed[0][0]).max() > 0.01
    for (thing, name), (basis, matrix) in zip(things, posed, strict=True):
        assert np.array_equal(shown(thing, name), basis)
        assert np.array(thing.pose.bones[name].matrix) == pytest.approx(matrix, abs=1e-6)
    assert bpy.context.scene.frame_current_final == _AT + 0.25
