"""The list of parts and bones that is kept with an armature: found, edited, saved, loaded, and used."""

from __future__ import annotations

import json

import bpy
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import ROLES
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.retarget.stored_map import find_map, kept_map
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.definitions import DEFINITIONS
from tests.ikol_blender.retarget.dressing import defined_rig, editing, meaningless
from tests.ikol_blender.retarget.rigify import generated

UNREAL = DEFINITIONS["Unreal 4"]


@pytest.fixture
def source(empty_scene, tmp_path, turning_take):
    write_take(turning_take, tmp_path / "take.npz")
    return import_take(bpy.context, tmp_path / "take.npz").armature


@pytest.fixture
def target(source):
    return defined_rig(UNREAL, arms_down_deg=40.0)


def row_of(rig, role):
    return next(row for row in rig.ikol_map.rows if row.role == role)


def test_every_part_is_listed_with_its_bones(target):
    assert bpy.ops.ikol.map_detect(armature=target.name) == {"FINISHED"}
    assert dict(kept_map(target).bones) == UNREAL.bones()
    assert {row.role for row in target.ikol_map.rows} == set(ROLES)
    assert row_of(target, "upper_arm.L").name == "Upper arm L"
    assert not any(row.doubtful for row in target.ikol_map.rows)


def test_script_and_operator_list_the_same(target):
    bpy.ops.ikol.map_detect(armature=target.name)
    listed = [(row.role, row.bone, row.sure) for row in target.ikol_map.rows]
    find_map(target)
    assert [(row.role, row.bone, row.sure) for row in target.ikol_map.rows] == listed


def _make_unsure(target):
    """Each foot carries two bones that may be its toes, and no names tell."""
    with editing(target) as bones:
        for side in "lr":
            twin, ball = bones.new(f"twin_{side}"), bones[f"ball_{side}"]
            twin.head, twin.tail, twin.parent = ball.head, ball.tail, ball.parent
    meaningless(target, {}, seed=1)


def test_unsure_rows_are_marked_until_somebody_chooses(target):
    _make_unsure(target)
    bpy.ops.ikol.map_detect(armature=target.name)
    toe = row_of(target, "toe.L")
    assert toe.doubtful
    assert not row_of(target, "thigh.L").doubtful
    toe.bone = toe.bone
    assert not toe.doubtful
    toe.bone = "no such bone"
    assert toe.doubtful


def test_the_edited_map_is_what_is_retargeted(source, target):
    bpy.ops.ikol.map_detect(armature=target.name)
    row_of(target, "head").bone = ""
    done = retarget(bpy.context, target)
    assert "head" not in done.bone_map.bones
    groups = {group.name for group in _groups(target)}
    assert "head" not in groups
    assert "neck_01" in groups


def test_what_retargeting_is_unsure_of_is_listed_in_the_panel(source, target):
    _make_unsure(target)
    context, panels = bpy.context, (bpy.types.IKOL_PT_map_target, bpy.types.IKOL_PT_map_source)
    target.select_set(True)
    source.select_set(True)
    context.view_layer.objects.active = source
    assert bpy.ops.ikol.retarget(target=target.name) == {"FINISHED"}
    assert context.scene.ikol.character == target
    assert row_of(target, "toe.L").doubtful
    assert not len(source.ikol_map.rows), "of the source all is known"
    assert all(panel.poll(context) for panel in panels)
    assert set(retarget(context, target).unsure) == {"toe.L", "toe.R"}, "as long as nobody chose"
    for side in "LR":
        row_of(target, f"toe.{side}").sure = 1.0
    assert retarget(context, target).unsure == ()
    other = defined_rig(UNREAL, arms_down_deg=40.0)
    context.view_layer.objects.active = source
    assert bpy.ops.ikol.retarget(target=other.name) == {"FINISHED"}
    assert context.scene.ikol.character == target, "what somebody chose stays"
    assert not len(other.ikol_map.rows)


def test_a_missing_part_is_told(source, target):
    bpy.ops.ikol.map_detect(armature=target.name)
    row_of(target, "shin.R").bone = ""
    assert row_of(target, "shin.R").doubtful
    with pytest.raises(RuntimeError, match="right shin"):
        bpy.ops.ikol.retarget(target=target.name)


def test_rows_are_added_and_removed(target):
    bpy.ops.ikol.map_detect(armature=target.name)
    kept = target.ikol_map
    kept.active = next(place for place, row in enumerate(kept.rows) if row.role == "neck")
    assert bpy.ops.ikol.map_row(armature=target.name, change="ADD") == {"FINISHED"}
    kept.rows[kept.active].bone = "head"
    assert kept_map(target).bones["neck"] == ("neck_01", "head")
    bpy.ops.ikol.map_row(armature=target.name, change="REMOVE")
    assert kept_map(target).bones["neck"] == ("neck_01",)
    kept.active = next(place for place, row in enumerate(kept.rows) if row.role == "neck")
    bpy.ops.ikol.map_row(armature=target.name, change="REMOVE")
    assert "neck" not in kept_map(target).bones
    assert row_of(target, "neck").bone == ""


def test_a_map_goes_to_a_file_and_to_another_character(target, tmp_path):
    bpy.ops.ikol.map_detect(armature=target.name)
    row_of(target, "toe.L").bone = ""
    path = tmp_path / "mine.json"
    assert bpy.ops.ikol.map_save(filepath=str(path), armature=target.name) == {"FINISHED"}
    assert json.loads(path.read_text())["bones"]["spine"] == ["spine_01", "spine_02", "spine_03"]
    other = defined_rig(UNREAL, arms_down_deg=0.0)
    assert bpy.ops.ikol.map_load(filepath=str(path), armature=other.name) == {"FINISHED"}
    assert kept_map(other) == kept_map(target)


def test_a_map_of_other_bones_is_refused(target, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"title": "Crab", "prefix": "^", "bones": {"hips": ["shell"]}}))
    with pytest.raises(RuntimeError, match="none of the bones"):
        bpy.ops.ikol.map_load(filepath=str(path), armature=target.name)
    with pytest.raises(RuntimeError, match="no bone map"):
        bpy.ops.ikol.map_load(filepath=str(tmp_path / "missing.json"), armature=target.name)
    assert kept_map(target) is None


def test_cleared_the_map_is_found_anew(target):
    bpy.ops.ikol.map_detect(armature=target.name)
    assert bpy.ops.ikol.map_clear(armature=target.name) == {"FINISHED"}
    assert kept_map(target) is None


def test_without_a_body_all_parts_are_listed_empty(source):
    rig = bpy.data.objects.new("tail", bpy.data.armatures.new("tail"))
    bpy.context.scene.collection.objects.link(rig)
    with editing(rig) as bones:
        bones.new("tail").tail = (0, 0, 1)
    bpy.context.view_layer.update()
    with pytest.raises(BadInput):
        find_map(rig)
    assert {row.role for row in rig.ikol_map.rows} == set(ROLES)
    assert row_of(rig, "hips").doubtful


def test_the_list_is_in_the_file_and_undo_takes_it_back(target, tmp_path):
    name = target.name
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.ikol.map_detect("EXEC_DEFAULT", True, armature=name)
    bpy.ops.ed.undo()
    assert kept_map(bpy.data.objects[name]) is None
    bpy.ops.ikol.map_detect(armature=name)
    row_of(bpy.data.objects[name], "head").bone = ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert "head" not in kept_map(bpy.data.objects[name]).bones


def test_a_rig_of_controls_keeps_its_switches(source):
    target = generated(full=False)
    bpy.ops.ikol.map_detect(armature=target.name)
    row_of(target, "head").bone = ""
    done = retarget(bpy.context, target)
    assert done.astray is None
    assert target.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0


def _groups(rig):
    action = rig.animation_data.action
    if hasattr(action, "groups"):
        return action.groups
    return action.layers[0].strips[0].channelbag(rig.animation_data.action_slot).groups
