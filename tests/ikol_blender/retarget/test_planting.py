"""Feet on legs a fifth shorter stand where the source's stand."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.families import detect
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.mocap import mocap_take
from tests.ikol_blender.retarget.rigs import build_rig, family_map
from tests.ikol_blender.retarget.test_fidelity import angles

CLIPS = ("walk", "run", "dance_a", "kick", "jump")


@pytest.fixture(params=CLIPS)
def source(request, empty_scene, tmp_path, turning_take):
    write_take(mocap_take(request.param, turning_take), tmp_path / "take.npz")
    return import_take(bpy.context, tmp_path / "take.npz").armature


def test_shorter_legs_stand_still_and_do_not_pop(source):
    bone_map = family_map("mixamo")
    target = build_rig(bone_map, arms_down_deg=45.0, legs=0.8, seed=3)
    done = retarget(bpy.context, target)
    assert done.slip_after < 0.005
    theirs, ours = ankles(source, ("L_Ankle", "R_Ankle")), ankles(target, bone_map_feet(bone_map))
    jolts = [np.linalg.norm(np.diff(path, 2, axis=0), axis=-1).max() for path in (theirs, ours)]
    assert jolts[1] < 2 * jolts[0]


def test_limbs_follow_mocap(source):
    bone_map = family_map("unreal_5")
    target = build_rig(bone_map, arms_down_deg=45.0, legs=0.8, seed=3)
    done = retarget(bpy.context, target, plant_feet=False)
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    found = angles(source, source_map, target, bone_map, np.linspace(*done.action.frame_range, 20))
    assert found.mean() < 1.0
    assert found.max() < 4.0


def bone_map_feet(bone_map):
    return bone_map.bones["foot.L"][0], bone_map.bones["foot.R"][0]


def ankles(rig, names):
    """(T, 2, 3) world, by Blender's own evaluation."""
    first, last = rig.animation_data.action.frame_range
    found = []
    for frame in range(int(np.ceil(first)), int(last) + 1):
        bpy.context.scene.frame_set(frame)
        found.append([np.array(rig.matrix_world @ rig.pose.bones[name].head) for name in names])
    return np.array(found)
