"""A game character whose feet follow controls on the floor: found by shape, its feet carried by their own keys."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import BoneMap
from bl_ext.user_default.ikol.ikol_blender.retarget.families import detect
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.retarget.stored_map import find_map
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.dressing import meaningless
from tests.ikol_blender.retarget.mocap import mocap_take
from tests.ikol_blender.retarget.real_rigs import QUATERNIUS, quaternius
from tests.ikol_blender.retarget.test_fidelity import angles


@pytest.mark.parametrize("plant_feet", [False, True])
def test_loose_feet_stay_on_their_legs(empty_scene, tmp_path, turning_take, plant_feet):
    write_take(mocap_take("dance_a", turning_take), tmp_path / "take.npz")
    source = import_take(bpy.context, tmp_path / "take.npz").armature
    target = quaternius()
    bpy.context.view_layer.objects.active = source
    done = retarget(bpy.context, target, plant_feet=plant_feet)
    assert dict(done.bone_map.bones) == QUATERNIUS
    frames = np.linspace(*done.action.frame_range, 20)
    if not plant_feet:
        source_map = detect(bone.name for bone in source.pose.bones).bone_map
        found = angles(source, source_map, target, BoneMap("", QUATERNIUS), frames)
        assert found.mean() < 1.0
        assert found.max() < 4.0
    size = target.dimensions.z or 1.0
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        for side in "LR":
            gap = target.pose.bones[f"Foot.{side}"].head - target.pose.bones[f"LowerLeg.{side}"].tail
            assert gap.length < 0.002 * size


def test_names_do_not_matter_to_the_motion(empty_scene, tmp_path, turning_take):
    write_take(turning_take, tmp_path / "take.npz")
    source = import_take(bpy.context, tmp_path / "take.npz").armature
    target = quaternius()
    truth = meaningless(target, QUATERNIUS, seed=1)
    bpy.context.view_layer.objects.active = source
    done = retarget(bpy.context, target)
    assert dict(done.bone_map.bones) == truth


@pytest.mark.parametrize("edit", ["lock_feet", "detect_contacts"])
def test_loose_feet_are_named_where_legs_must_be_chains(empty_scene, tmp_path, turning_take, edit):
    write_take(turning_take, tmp_path / "take.npz")
    source = import_take(bpy.context, tmp_path / "take.npz").armature
    target = quaternius()
    bpy.context.view_layer.objects.active = source
    retarget(bpy.context, target)
    find_map(target)
    bpy.context.view_layer.objects.active = target
    with pytest.raises(RuntimeError, match=r"Foot\.L of .* does not hang from LowerLeg\.L.*parent of Foot\.L"):
        getattr(bpy.ops.ikol, edit)()
