"""A root bone takes travel and heading; every other bone stays where it was in the world."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.evaluated import evaluated
from tests.ikol_blender.retarget.rigify import generated
from tests.ikol_blender.retarget.rigs import build_rig, family_map

MIXAMO = family_map("mixamo")


@pytest.fixture
def source(empty_scene, tmp_path, turning_take):
    write_take(turning_take, tmp_path / "take.npz")
    return import_take(bpy.context, tmp_path / "take.npz").armature


@pytest.mark.parametrize("heading", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_the_body_stays_and_the_root_travels(source, heading, scale):
    target = build_rig(MIXAMO, arms_down_deg=30.0, seed=2, root="Root", scale=scale)
    done = retarget(bpy.context, target)
    frames = np.linspace(*done.action.frame_range, 12)
    plain, axes = evaluated(target, MIXAMO.names(), frames)
    assert evaluated(target, ["Root"], frames)[0].std(axis=0).max() < 1e-6
    retarget(bpy.context, target, root_bone="Root", root_heading=heading)
    carried, carried_axes = evaluated(target, MIXAMO.names(), frames)
    assert np.abs(carried - plain).max() < 1e-4
    assert np.abs(carried_axes - axes).max() < 1e-3
    heads, turns = evaluated(target, ["Root"], np.arange(frames[0], frames[-1] + 1))
    assert np.ptp(heads[..., 2]) < 1e-5
    hips = evaluated(target, [MIXAMO.bones["hips"][0]], np.arange(frames[0], frames[-1] + 1))[0]
    assert np.linalg.norm((heads - hips)[..., :2], axis=-1).max() < 0.15
    yaw = np.unwrap([np.arctan2(turn[0, 1, 0], turn[0, 0, 0]) for turn in turns])
    # The take turns once around.
    assert abs(yaw[-1] - yaw[0]) == pytest.approx(2 * np.pi if heading else 0.0, abs=0.15)


def test_what_carries_no_hips_is_refused(source):
    target = build_rig(MIXAMO, arms_down_deg=30.0, root="Root")
    for wrong in ("mixamorig7:Head", "mixamorig7:Hips", "nothing"):
        with pytest.raises(BadInput, match=r"carry|part of the body|no bone"):
            retarget(bpy.context, target, root_bone=wrong)
    assert target.animation_data is None


def test_the_root_of_rigify(source):
    target = generated(full=False)
    done = retarget(bpy.context, target)
    frames = np.linspace(*done.action.frame_range, 6)
    plain, _ = evaluated(target, done.bone_map.names(), frames)
    retarget(bpy.context, target, root_bone="root")
    carried, _ = evaluated(target, done.bone_map.names(), frames)
    assert np.abs(carried - plain).max() < 1e-3  # between keys, two curves add up to another path
    assert np.ptp(evaluated(target, ["root"], frames)[0][..., :2]) > 0.1
