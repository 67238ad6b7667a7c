"""A hand held at a point, by the arm alone."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.retarget.hold import hold_hand
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from mathutils import Quaternion

from tests.ikol_blender.retarget.evaluated import evaluated
from tests.ikol_blender.retarget.rigs import build_rig, family_map
from tests.ikol_blender.retarget.sources import load

MIXAMO = family_map("mixamo")
ARM = tuple(MIXAMO.bones[f"{role}.L"][0] for role in ("upper_arm", "forearm", "hand"))


@pytest.fixture
def kicker(empty_scene, tmp_path, turning_take):
    """A kicking character, the active object."""
    source = load("kick", tmp_path, turning_take)
    target = build_rig(MIXAMO, arms_down_deg=45.0, scale=0.01, seed=5)
    retarget(bpy.context, target)
    bpy.context.view_layer.objects.active = target
    assert source != target
    return target


def elbow_side(heads):
    """(T, 3) unit, across the line from shoulder to wrist."""
    line = heads[:, 2] - heads[:, 0]
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    out = heads[:, 1] - heads[:, 0]
    out -= line * (out * line).sum(axis=1, keepdims=True)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def test_the_wrist_stays_and_the_rest_goes_on(kicker):
    frames = np.arange(1, 39)
    before, turned = evaluated(kicker, MIXAMO.names(), frames)
    hand = MIXAMO.names().index(ARM[2])
    point = tuple(before[14:25, hand].mean(axis=0) + np.array([0.0, 0.0, 0.05]))
    old = kicker.animation_data.action
    bpy.context.scene.frame_end = 20  # the frames that are asked for count
    done = hold_hand(bpy.context, "L", 15, 25, at=point, ease_s=0.2)
    after, turns = evaluated(kicker, MIXAMO.names(), frames)
    assert done.missed < 1e-4
    assert done.action == kicker.animation_data.action != old
    held = (frames >= 15) & (frames <= 25)
    assert np.linalg.norm(after[held, hand] - point, axis=1).max() < 1e-3
    assert np.abs(turns[:, hand] - turned[:, hand]).max() < 1e-3
    moved = [MIXAMO.names().index(name) for name in ARM]
    others = [index for index in range(len(MIXAMO.names())) if index not in moved]
    assert np.abs(after[:, others] - before[:, others]).max() < 1e-4
    far = (frames < 15 - 7) | (frames > 25 + 7)
    assert np.abs(after[far] - before[far]).max() < 1e-4
    sides = elbow_side(after[:, moved])
    assert (sides[1:] * sides[:-1]).sum(axis=1).min() > 0.9
    steps = np.linalg.norm(np.diff(after[:, hand], axis=0), axis=1)
    assert steps.max() < 0.3


def test_a_moving_object_is_followed_and_the_frame_stays(kicker):
    prop = bpy.data.objects.new("prop", None)
    bpy.context.scene.collection.objects.link(prop)
    shoulder = evaluated(kicker, [ARM[0]], [15, 25])[0][:, 0]
    for frame, place in zip((15, 25), shoulder + np.array([0.05, -0.25, -0.2]), strict=True):
        prop.location = place
        prop.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(9)
    assert bpy.ops.ikol.hold_hand(side="L", target="prop", start=15, end=25) == {"FINISHED"}
    assert bpy.context.scene.frame_current == 9
    for frame in range(15, 26):
        hand = evaluated(kicker, [ARM[2]], [frame])[0][0, 0]
        assert np.linalg.norm(hand - np.array(prop.matrix_world.translation)) < 2e-3


def test_it_is_held_where_it_is_without_a_point(kicker):
    place = evaluated(kicker, [ARM[2]], [20])[0][0, 0]
    assert bpy.ops.ikol.hold_hand(side="L", start=20, end=24) == {"FINISHED"}
    held = evaluated(kicker, [ARM[2]], range(20, 25))[0][:, 0]
    assert np.linalg.norm(held - place, axis=1).max() < 1e-3


def test_out_of_reach_and_out_of_range_are_told(kicker):
    done = hold_hand(bpy.context, "R", 10, 12, at=(50.0, 0.0, 1.0))
    assert done.missed > 10
    heads = evaluated(kicker, MIXAMO.names(), [11])[0]
    assert np.isfinite(heads).all()
    with pytest.raises(BadInput, match="motion lies from"):
        hold_hand(bpy.context, "R", 500, 510)
    with pytest.raises(RuntimeError, match="no object"):
        bpy.ops.ikol.hold_hand(target="nothing", start=1, end=2)


def test_a_refusal_leaves_what_is_posed_without_a_key(kicker):
    bpy.context.view_layer.update()  # the new action is shown, as on a screen
    bone = kicker.pose.bones[MIXAMO.bones["spine"][0]]
    bone.rotation_quaternion = bone.rotation_quaternion @ Quaternion((1.0, 0.0, 0.0), 0.4)
    posed = tuple(bone.rotation_quaternion)
    with pytest.raises(BadInput, match="motion lies from"):
        hold_hand(bpy.context, "L", 500, 510)
    bpy.context.view_layer.update()
    assert tuple(bone.rotation_quaternion) == posed
    hold_hand(bpy.context, "L", 15, 25)
    bpy.context.view_layer.update()
    assert tuple(bone.rotation_quaternion) == posed, "nor does it belong to the arm"
