"""Rigify's generated rigs: their deforming bones follow, by Blender's own evaluation."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import BoneMap
from bl_ext.user_default.ikol.ikol_blender.retarget.families import detect
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.mocap import mocap_take
from tests.ikol_blender.retarget.rigify import generated
from tests.ikol_blender.retarget.test_fidelity import angles

# Where the joints of the deforming skeleton are; Rigify splits limbs in two.
_DEFORMING = {"neck": ("DEF-spine.004",)} | {
    f"{role}.{side}": (f"DEF-{role}.{side}",)
    for side in "LR"
    for role in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
}
_SWITCHES = [f"{limb}_parent.{side}" for limb in ("upper_arm", "thigh") for side in "LR"]


@pytest.fixture
def source(empty_scene, tmp_path, turning_take):
    write_take(mocap_take("dance_a", turning_take), tmp_path / "take.npz")
    return import_take(bpy.context, tmp_path / "take.npz").armature


@pytest.mark.parametrize("full", [False, True])
def test_deforming_bones_point_as_the_source(source, full):
    target = generated(full=full)
    target.scale, target.rotation_euler.z = (0.3,) * 3, 2.0
    bpy.context.view_layer.update()
    done = retarget(bpy.context, target, plant_feet=False)
    assert done.astray is None
    assert done.bone_map.title == "Rigify (FK controls)"
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    frames = np.linspace(*done.action.frame_range, 20)
    found = angles(source, source_map, target, BoneMap("", _DEFORMING), frames)
    print(f"full={full}: mean {found.mean():.3f}, worst {found.max():.3f} degrees")
    assert found.mean() < 1.0
    assert found.max() < 4.0


def test_what_was_posed_and_switched_before_does_not_matter(source):
    target = generated(full=False)
    bones = target.pose.bones
    for name, turn in (("chest", 0.4), ("hips", -0.3), ("root", 0.5), ("spine_fk", 0.2), ("tweak_spine.003", 0.2)):
        bones[name].rotation_mode = "XYZ"
        bones[name].rotation_euler = (turn, 0.1, turn / 2)
    bones["root"].location = (1.0, 0.5, 0.2)
    bones["thigh_fk.L"].location = (0.0, 0.1, 0.0)
    assert retarget(bpy.context, target, plant_feet=False).astray is None
    # An action that poses a control or turns a switch, looked at in between, leaves no trace.
    other = bpy.data.actions.new("other")
    mine = target.animation_data.action
    for name, value in (("chest", 0.5), ("root", 1.0)):
        bones[name].rotation_euler.x = value
    bones["thigh_parent.L"]["IK_FK"] = 0.0
    target.animation_data.action = other
    bpy.context.scene.frame_set(5)
    target.animation_data.action = mine
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    found = angles(source, source_map, target, BoneMap("", _DEFORMING), np.linspace(*mine.frame_range, 10))
    assert found.mean() < 1.0
    assert found.max() < 4.0
    for name in _SWITCHES:
        assert bones[name]["IK_FK"] == 1.0


def test_planted_feet_stand_and_undo_takes_the_switches_back(source):
    target = generated(full=False)
    name = target.name
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.ikol.retarget("EXEC_DEFAULT", True, target=name) == {"FINISHED"}
    assert all(target.pose.bones[name]["IK_FK"] == 1.0 for name in _SWITCHES)
    bpy.ops.ed.undo()
    target = bpy.data.objects[name]
    assert target.animation_data.action is None
    assert all(target.pose.bones[name]["IK_FK"] == 0.0 for name in _SWITCHES)


def test_the_root_control_can_take_the_travel(source):
    target = generated(full=False)
    done = retarget(bpy.context, target, root_bone="root", plant_feet=False)
    assert done.astray is None
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    found = angles(source, source_map, target, BoneMap("", _DEFORMING), np.linspace(*done.action.frame_range, 10))
    assert found.max() < 4.0
    assert done.action.frame_range[1] > 1


def test_a_control_that_something_holds_is_told(source):
    target = generated(full=False)
    holder = target.pose.bones["forearm_fk.L"].constraints.new("COPY_ROTATION")
    holder.target, holder.subtarget = target, "root"
    done = retarget(bpy.context, target)
    assert done.astray is not None
    assert done.astray[0] == "forearm_fk.L"


def test_a_rig_shown_in_rest_position_is_not_said_to_be_held(source):
    target = generated(full=False)
    target.data.pose_position = "REST"
    done = retarget(bpy.context, target, plant_feet=False)
    assert done.astray is None
    target.data.pose_position = "POSE"
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    frames = np.linspace(*done.action.frame_range, 5)
    assert angles(source, source_map, target, BoneMap("", _DEFORMING), frames).max() < 4.0
