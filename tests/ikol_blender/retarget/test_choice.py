"""Who gets the motion, and whose it may be."""

from __future__ import annotations

import bpy
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.rig import character_of, proposed_target
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.rigs import build_rig, family_map

VRM = family_map("vrm")


@pytest.fixture
def source(empty_scene, tmp_path, turning_take):
    return import_take(bpy.context, write_take(turning_take, tmp_path / "take.npz")).armature


@pytest.fixture
def rigs(source):
    """Two characters; the source alone is selected and active."""
    found = [build_rig(VRM, arms_down_deg=30.0) for _ in range(2)]
    bpy.ops.object.select_all(action="DESELECT")
    source.select_set(True)
    bpy.context.view_layer.objects.active = source
    return found


def test_a_deleted_character_is_none(rigs):
    bpy.context.scene.ikol.character = rigs[0]
    assert character_of(bpy.context.scene) == proposed_target(bpy.context) == rigs[0]
    rigs[0].select_set(True)
    bpy.context.view_layer.objects.active.select_set(False)
    bpy.ops.object.delete()
    assert bpy.context.scene.ikol.character is not None, "as Blender leaves it"
    assert character_of(bpy.context.scene) is None and proposed_target(bpy.context) is None


def test_another_selected_armature_goes_before_the_character(rigs, source):
    bpy.context.scene.ikol.character = rigs[0]
    rigs[1].select_set(True)
    assert proposed_target(bpy.context) == rigs[1]


def test_the_character_gets_it_when_several_or_none_are_selected(rigs, source):
    bpy.context.scene.ikol.character = rigs[0]
    for rig in rigs:
        rig.select_set(True)
    assert proposed_target(bpy.context) == rigs[0]
    bpy.context.scene.ikol.character = source
    assert proposed_target(bpy.context) is None
