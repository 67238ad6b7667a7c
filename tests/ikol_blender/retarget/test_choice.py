"""Who gets the motion, and whose it may be."""

from __future__ import annotations

import bpy
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.rig import character_of, proposed_target
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.timing import changed_rate

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


def test_a_scene_whose_rate_was_changed_is_told(rigs, source, capfd):
    """As Blender's own FBX importer does it, when the character comes in."""
    scene = bpy.context.scene
    assert bpy.ops.ikol.retarget(target=rigs[0].name) == {"FINISHED"}
    assert "fps" not in capfd.readouterr().out
    scene.render.fps, scene.render.fps_base = 24, 1.0
    assert bpy.ops.ikol.retarget(target=rigs[1].name) == {"FINISHED"}
    told = changed_rate(scene, source)
    assert told is not None and "29.97 fps and the scene has 24" in told and told in capfd.readouterr().out
    assert "29.97 fps" in changed_rate(scene, rigs[1]), "what it got knows as well"


@pytest.fixture
def linked(source, tmp_path):
    """The source as another file's, active in this one."""
    path, name = tmp_path / "library.blend", source.name
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, to):
        to.objects = [name]
    bpy.context.scene.collection.objects.link(to.objects[0])
    bpy.context.view_layer.objects.active = to.objects[0]
    bpy.context.view_layer.update()
    return to.objects[0]


def test_a_linked_armature_can_be_the_source(linked):
    target = build_rig(VRM, arms_down_deg=30.0)
    bpy.context.view_layer.objects.active = linked
    assert not linked.is_editable
    assert bpy.ops.ikol.retarget(target=target.name) == {"FINISHED"}
    assert target.animation_data.action.library is None


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
def test_a_linked_armature_can_be_exported(linked, tmp_path, suffix):
    path = tmp_path / f"motion{suffix}"
    assert bpy.ops.ikol.export(filepath=str(path)) == {"FINISHED"}
    assert path.stat().st_size > 10_000


def test_a_linked_armature_is_not_edited(linked):
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.ikol.smooth()
