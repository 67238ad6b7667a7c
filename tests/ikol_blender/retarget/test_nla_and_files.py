"""The new action among what else the target has: NLA, constraints, properties, undo, library overrides."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import write_take
from tests.ikol_blender.retarget.evaluated import evaluated
from tests.ikol_blender.retarget.rigs import build_rig, family_map

VRM = family_map("vrm")


@pytest.fixture
def take(tmp_path, turning_take):
    return write_take(turning_take, tmp_path / "take.npz")


@pytest.fixture
def source(empty_scene, take):
    return import_take(bpy.context, take).armature


def _moves(target, frames):
    return evaluated(target, VRM.names(), frames)[0]


def test_pushed_to_the_nla_it_plays_the_same(source):
    target = build_rig(VRM, arms_down_deg=30.0)
    action = retarget(bpy.context, target).action
    frames = np.linspace(*action.frame_range, 6)
    plain = _moves(target, frames)
    kept = bpy.data.actions.new("kept")
    earlier = target.animation_data.nla_tracks.new()
    earlier.strips.new("kept", 1, kept)
    assert bpy.ops.ikol.retarget(target=target.name, push_nla=True) == {"FINISHED"}
    animation = target.animation_data
    assert animation.action is None
    assert [track.name for track in animation.nla_tracks[:1]] == [earlier.name]
    assert len(animation.nla_tracks) == 2
    strip = animation.nla_tracks[1].strips[0]
    assert strip.action not in (action, kept)
    assert tuple(strip.action.frame_range) == (strip.frame_start, strip.frame_end)
    assert np.abs(_moves(target, frames) - plain).max() < 1e-5


def test_a_source_that_more_than_its_keys_moves_is_told(source):
    target = build_rig(VRM, arms_down_deg=30.0)
    bone = source.pose.bones["L_Elbow"]
    constraint = bone.constraints.new("LIMIT_ROTATION")
    constraint.owner_space, constraint.use_limit_x, constraint.use_limit_z = "LOCAL", True, True
    with pytest.raises(RuntimeError, match=r"not where its keys alone put it.*bake the action"):
        bpy.ops.ikol.retarget(target=target.name)
    bone.constraints.remove(constraint)
    parent = bpy.data.objects.new("platform", None)
    bpy.context.scene.collection.objects.link(parent)
    source.parent = parent
    parent.keyframe_insert("location", frame=1)
    parent.location.y = 3.0
    parent.keyframe_insert("location", frame=40)
    with pytest.raises(RuntimeError, match=r"itself animated.*root bone"):
        bpy.ops.ikol.retarget(target=target.name)
    assert target.animation_data is None
    parent.animation_data_clear()
    source.data.pose_position = "REST"  # as a source it may be shown so
    assert bpy.ops.ikol.retarget(target=target.name) == {"FINISHED"}


def test_a_strip_in_tweak_mode_is_told(source):
    target = build_rig(VRM, arms_down_deg=30.0)
    retarget(bpy.context, target, push_nla=True)
    target.animation_data.nla_tracks[0].select = True
    target.animation_data.nla_tracks.active = target.animation_data.nla_tracks[0]
    target.animation_data.nla_tracks[0].strips[0].select = True
    target.animation_data.use_tweak_mode = True
    assert target.animation_data.use_tweak_mode
    with pytest.raises(RuntimeError, match="tweak mode"):
        bpy.ops.ikol.retarget(target=target.name)


def test_constraints_properties_and_other_actions_stay(source):
    target = build_rig(VRM, arms_down_deg=30.0)
    target["mood"] = 0.25
    bone = target.pose.bones[VRM.bones["hand.L"][0]]
    bone["grip"] = 2
    constraint = bone.constraints.new("LIMIT_ROTATION")
    constraint.mute = True
    old = bpy.data.actions.new("old")
    target.animation_data_create().action = old
    retarget(bpy.context, target)
    assert target["mood"] == 0.25
    assert bone["grip"] == 2
    assert [c.type for c in bone.constraints] == ["LIMIT_ROTATION"]
    assert bpy.data.actions["old"] == old
    assert target.animation_data.action != old


@pytest.mark.parametrize("push", [False, True])
def test_one_undo_takes_it_back(source, push):
    name = build_rig(VRM, arms_down_deg=30.0).name
    actions = {action.name for action in bpy.data.actions}
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.ikol.retarget("EXEC_DEFAULT", True, target=name, push_nla=push)
    assert len(bpy.data.actions) == len(actions) + 1
    bpy.ops.ed.undo()
    assert {action.name for action in bpy.data.actions} == actions
    animation = bpy.data.objects[name].animation_data
    assert animation is None or (animation.action is None and not animation.nla_tracks)


@pytest.fixture
def library(empty_scene, tmp_path):
    """A file with a rig in a collection."""
    rig = build_rig(VRM, arms_down_deg=30.0)
    rig.name = "hero"
    collection = bpy.data.collections.new("character")
    collection.objects.link(rig)
    path = tmp_path / "library.blend"
    bpy.data.libraries.write(str(path), {collection})
    bpy.ops.wm.read_homefile(use_empty=True)
    return path


def _linked(library):
    with bpy.data.libraries.load(str(library), link=True) as (_, to):
        to.collections = ["character"]
    return to.collections[0]


def test_a_linked_rig_is_told_and_untouched(library, take):
    source = import_take(bpy.context, take).armature
    collection = _linked(library)
    bpy.context.scene.collection.children.link(collection)
    bpy.context.view_layer.objects.active = source
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.ikol.retarget(target="hero")
    assert collection.objects[0].animation_data is None


@pytest.mark.parametrize("push", [False, True])
def test_a_library_override_moves_and_stays_so_in_its_file(library, take, tmp_path, push):
    source = import_take(bpy.context, take).armature
    collection = _linked(library)
    bpy.context.scene.collection.children.link(collection)
    # As the Outliner's Library Override, Make, Selected and Content does.
    made = collection.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
    rig = made.objects[0]
    bpy.context.view_layer.objects.active = source
    done = retarget(bpy.context, rig, push_nla=push)
    frames = np.linspace(*done.action.frame_range, 4)
    moved = _moves(rig, frames)
    assert np.ptp(moved, axis=0).max() > 0.1
    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    again = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and thing.override_library)
    assert np.abs(_moves(again, frames) - moved).max() < 1e-5


def test_an_override_that_is_not_editable_is_told(library, take):
    source = import_take(bpy.context, take).armature
    collection = _linked(library)
    bpy.context.scene.collection.children.link(collection)
    made = collection.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=False)
    bpy.context.view_layer.objects.active = source
    with pytest.raises(RuntimeError, match="not editable"):
        bpy.ops.ikol.retarget(target=made.objects[0].name)


def test_a_local_object_with_a_linked_armature_moves(library, take):
    source = import_take(bpy.context, take).armature
    with bpy.data.libraries.load(str(library), link=True) as (_, to):
        to.armatures = ["rig"]
    rig = bpy.data.objects.new("mine", to.armatures[0])
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = source
    done = retarget(bpy.context, rig)
    assert curves_of(rig).fcurves
    assert np.ptp(_moves(rig, np.linspace(*done.action.frame_range, 4)), axis=0).max() > 0.1
