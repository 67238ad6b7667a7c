"""An offset layer moves the whole motion by what was posed; layers merge into what they show."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.action import write_curve
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, read_contacts, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.layers import posed_offsets
from bl_ext.user_default.ikol.ikol_blender.ui import cleanup_panel
from mathutils import Euler, Matrix

from .evaluated import axes, heads, select_bones

_EVERY = range(1, 61)
_AT = 20


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    found = import_take(bpy.context, take_file).armature
    bpy.context.scene.frame_set(_AT)
    return found


def _lean(armature: bpy.types.Object, degrees: float = 10.0) -> np.ndarray:
    """Pose the spine by hand, without a key; the turn, in the bone's own axes."""
    bone = armature.pose.bones["Spine1"]
    turn = Euler((np.radians(degrees), 0.0, 0.0)).to_matrix()
    bone.rotation_quaternion = (bone.rotation_quaternion.to_matrix() @ turn).to_quaternion()
    bpy.context.view_layer.update()
    return np.array(turn)


def _own_turns(armature: bpy.types.Object, name: str) -> np.ndarray:
    """(T, 3, 3) the bone's axes in its parent's."""
    bone = armature.pose.bones.find(name)
    parent = armature.pose.bones.find(armature.pose.bones[name].parent.name)
    found = axes(armature, _EVERY)
    return np.swapaxes(found[:, parent], -1, -2) @ found[:, bone]


def test_lean_is_added_to_every_frame(armature: bpy.types.Object) -> None:
    before, heads_before = _own_turns(armature, "Spine1"), heads(armature, _EVERY)
    original = armature.animation_data.action
    bpy.context.scene.frame_set(_AT)
    turn = _lean(armature)
    posed = np.array([armature.matrix_world @ bone.head for bone in armature.pose.bones])
    assert bpy.ops.ikol.add_offset_layer() == {"FINISHED"}
    assert bpy.context.scene.frame_current == _AT
    assert heads(armature, [_AT])[0] == pytest.approx(posed, abs=1e-4), "at this frame it is what was posed"
    assert _own_turns(armature, "Spine1") == pytest.approx(before @ turn, abs=1e-4)
    below, above = (track.strips[0] for track in armature.animation_data.nla_tracks)
    assert below.action == original and (above.blend_type, above.influence) == ("COMBINE", 1.0)
    above.mute = True
    assert heads(armature, _EVERY) == pytest.approx(heads_before, abs=1e-4)


def test_strength_can_be_changed_after_undo(armature: bpy.types.Object) -> None:
    """The redo panel: undo, which forgets the pose, then the operator again with what it remembers."""
    _lean(armature, 40.0)
    offsets = posed_offsets(bpy.context)
    assert tuple(offsets) == ("Spine1",)
    before = _own_turns(armature, "Spine1")
    bpy.context.scene.frame_set(_AT)
    assert bpy.ops.ikol.add_offset_layer(posed=json.dumps(offsets), strength=0.25) == {"FINISHED"}
    quarter = np.array(Euler((np.radians(10.0), 0.0, 0.0)).to_matrix())
    assert _own_turns(armature, "Spine1") == pytest.approx(before @ quarter, abs=1e-3)


def test_strength_is_the_strips_influence(armature: bpy.types.Object) -> None:
    before = _own_turns(armature, "Spine1")
    bpy.context.scene.frame_set(_AT)
    _lean(armature, 40.0)
    assert bpy.ops.ikol.add_offset_layer(strength=0.5) == {"FINISHED"}
    half = np.array(Euler((np.radians(20.0), 0.0, 0.0)).to_matrix())
    assert _own_turns(armature, "Spine1") == pytest.approx(before @ half, abs=1e-3)


def test_layers_lie_on_layers_and_merge_into_one_action(armature: bpy.types.Object) -> None:
    scene, frames = bpy.context.scene, np.arange(1.0, 61.0)
    write_contacts(armature, frames, {CONTACTS[1]: frames > 30})
    scene.frame_set(_AT)
    _lean(armature)
    bpy.ops.ikol.add_offset_layer()
    scene.frame_set(_AT)
    armature.pose.bones["Pelvis"].location.z += 0.2
    bpy.ops.ikol.add_offset_layer()
    assert len(armature.animation_data.nla_tracks) == 3 and armature.animation_data.action is None
    shown = heads(armature, _EVERY)
    with pytest.raises(RuntimeError, match="Merge the layers"):
        bpy.ops.ikol.smooth()
    scene.frame_set(_AT)
    armature.pose.bones["Head"].scale.x = 1.2  # posed, but not keyed
    armature.pose.bones["Neck"].rotation_quaternion = (0.0, 1.0, 0.0, 0.0)
    assert bpy.ops.ikol.merge_layers() == {"FINISHED"}
    assert scene.frame_current == _AT
    assert tuple(armature.pose.bones["Neck"].rotation_quaternion) == (0.0, 1.0, 0.0, 0.0)
    armature.pose.bones["Head"].scale.x = 1.0
    assert heads(armature, _EVERY) == pytest.approx(shown, abs=1e-4)
    contacts = read_contacts(armature, frames)
    assert contacts is not None and np.array_equal(contacts[CONTACTS[1]], frames > 30)
    assert all(track.mute for track in armature.animation_data.nla_tracks)
    assert bpy.ops.ikol.smooth() == {"FINISHED"}


def test_euler_bones_are_offset_too(armature: bpy.types.Object) -> None:
    bone = armature.pose.bones["Head"]
    bone.rotation_mode = "ZXY"
    for frame, angle in ((1, 0.1), (60, 0.6)):
        bone.rotation_euler = (angle, 0.2, 0.0)
        bone.keyframe_insert("rotation_euler", frame=frame)
    bpy.context.scene.frame_set(_AT)
    bone.rotation_euler.x += 0.3
    wanted = tuple(bone.rotation_euler)
    assert bpy.ops.ikol.add_offset_layer() == {"FINISHED"}
    bpy.context.scene.frame_set(_AT)
    assert tuple(bone.rotation_euler) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ"])
def test_a_bone_without_keys_is_offset_from_rest(armature: bpy.types.Object, mode: str) -> None:
    """Its curves are taken away: the motion has nothing to say of it."""
    bone, curves = armature.pose.bones["L_Wrist"], curves_of(armature)
    for index in range(4):
        curves.fcurves.remove(curves.fcurves.find('pose.bones["L_Wrist"].rotation_quaternion', index=index))
    bone.rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    bone.rotation_mode = mode
    bpy.context.scene.frame_set(_AT)
    turn = Euler((0.0, 0.0, 0.7))
    bone.rotation_quaternion, bone.rotation_euler = turn.to_quaternion(), turn
    assert bpy.ops.ikol.add_offset_layer() == {"FINISHED"}
    assert _own_turns(armature, "L_Wrist")[[0, -1]] == pytest.approx(
        np.array(2 * [np.array(_rest_turn(armature, "L_Wrist") @ turn.to_matrix())]), abs=1e-4
    )
    armature.animation_data.nla_tracks[-1].mute = True
    bone.rotation_quaternion, bone.rotation_euler = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    armature.animation_data.nla_tracks[-1].mute = False
    assert _own_turns(armature, "L_Wrist")[5] == pytest.approx(
        np.array(_rest_turn(armature, "L_Wrist") @ turn.to_matrix()), abs=1e-4
    )


def _rest_turn(armature: bpy.types.Object, name: str) -> Matrix:
    bone = armature.data.bones[name]
    return bone.parent.matrix_local.to_3x3().inverted() @ bone.matrix_local.to_3x3()


def test_only_selected_bones_are_taken_and_the_others_stay_posed(armature: bpy.types.Object) -> None:
    _lean(armature)
    armature.pose.bones["Head"].rotation_quaternion = Matrix.Rotation(0.5, 3, "X").to_quaternion()
    posed = [np.array(armature.pose.bones[name].matrix_basis) for name in ("Spine1", "Head")]
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    select_bones(armature, "Spine1")
    assert bpy.ops.ikol.add_offset_layer() == {"FINISHED"}
    assert armature.mode == "POSE"
    strip = armature.animation_data.nla_tracks[-1].strips[0]
    curves = strip.action.layers[0].strips[0].channelbags[0] if bpy.app.version >= (4, 4, 0) else strip.action
    assert {curve.data_path for curve in curves.fcurves} == {'pose.bones["Spine1"].rotation_quaternion'}
    after = [np.array(armature.pose.bones[name].matrix_basis) for name in ("Spine1", "Head")]
    assert after == [pytest.approx(basis, abs=1e-5) for basis in posed]


def test_a_refusal_says_which_bones_are_posed_and_leaves_them(armature: bpy.types.Object) -> None:
    _lean(armature)
    posed = np.array(armature.pose.bones["Spine1"].matrix_basis)
    bpy.ops.object.mode_set(mode="POSE")
    select_bones(armature, "L_Wrist")
    with pytest.raises(RuntimeError, match=r"The selected bones are not posed.*Spine1 is\..*Select what you posed"):
        bpy.ops.ikol.add_offset_layer()
    bpy.context.view_layer.update()
    assert np.array_equal(np.array(armature.pose.bones["Spine1"].matrix_basis), posed)
    armature.pose.bones["Head"].location.z += 0.1
    with pytest.raises(RuntimeError, match=r"Spine1, with 1 other, is\."):
        bpy.ops.ikol.add_offset_layer()


def test_a_layer_of_no_strength_shows_the_motion(armature: bpy.types.Object) -> None:
    motion = np.array(armature.pose.bones["Spine1"].matrix_basis)
    _lean(armature)
    assert bpy.ops.ikol.add_offset_layer(strength=0.0) == {"FINISHED"}
    assert np.array(armature.pose.bones["Spine1"].matrix_basis) == pytest.approx(motion, abs=1e-5)


def test_what_layers_animate_but_cannot_mix_stops_nothing(armature: bpy.types.Object) -> None:
    """Curves of a bone that is gone, and of a choice, beside what is merged; Cycles goes on."""
    curves = curves_of(armature)
    write_curve(curves, 'pose.bones["gone"].location', 0, np.array([1.0, 60.0]), np.zeros(2))
    armature.pose.bones["Head"].keyframe_insert("rotation_mode", frame=1)
    path = 'pose.bones["Pelvis"].location'
    curves.fcurves.find(path, index=1).modifiers.new("CYCLES").mode_after = "REPEAT_OFFSET"
    bpy.context.scene.frame_set(_AT)
    _lean(armature)
    assert bpy.ops.ikol.add_offset_layer() == {"FINISHED"}
    shown = heads(armature, _EVERY)
    bpy.context.scene.frame_set(_AT)
    assert bpy.ops.ikol.merge_layers() == {"FINISHED"}
    assert bpy.context.scene.frame_current == _AT
    assert heads(armature, _EVERY) == pytest.approx(shown, abs=1e-4)
    merged = {curve.data_path for curve in curves_of(armature).fcurves}
    assert 'pose.bones["Head"].rotation_mode' in merged and not any("gone" in path for path in merged)
    found = [curves_of(armature).fcurves.find(path, index=axis).modifiers for axis in range(3)]
    assert [[(m.type, m.mode_after) for m in stack] for stack in found] == [[], [("CYCLES", "REPEAT_OFFSET")], []]


def test_a_starred_track_is_what_is_merged(armature: bpy.types.Object) -> None:
    motion = heads(armature, _EVERY)
    bpy.context.scene.frame_set(_AT)
    _lean(armature, 40.0)
    bpy.ops.ikol.add_offset_layer()
    tracks = armature.animation_data.nla_tracks
    tracks[0].is_solo = True
    assert heads(armature, _EVERY) == pytest.approx(motion, abs=1e-4), "the layer above is silenced"
    assert bpy.ops.ikol.merge_layers() == {"FINISHED"}
    assert not any(track.is_solo for track in tracks)
    assert heads(armature, _EVERY) == pytest.approx(motion, abs=1e-4)
    curve = curves_of(armature).fcurves.find('pose.bones["Pelvis"].location', index=0)
    curve.keyframe_points[29].co[1] += 0.5
    curve.update()
    assert np.abs(heads(armature, [30])[0] - motion[29]).max() > 0.1, "the merged action is what plays"


def test_says_what_to_do(armature: bpy.types.Object) -> None:
    with pytest.raises(RuntimeError, match="Auto Keying off"):
        bpy.ops.ikol.add_offset_layer()
    with pytest.raises(RuntimeError, match="no layers"):
        bpy.ops.ikol.merge_layers()
    assert armature.animation_data.action is not None


def test_tweak_mode_is_refused(armature: bpy.types.Object) -> None:
    _lean(armature)
    bpy.ops.ikol.add_offset_layer()
    animation = armature.animation_data
    animation.nla_tracks.active = animation.nla_tracks[0]
    animation.nla_tracks[0].strips[0].select = True
    animation.use_tweak_mode = True
    for operator in (bpy.ops.ikol.smooth, bpy.ops.ikol.merge_layers, bpy.ops.ikol.trim):
        with pytest.raises(RuntimeError, match="tweak mode"):
            operator()


def test_the_panel_names_selected_bones_only_where_tools_go_by_them(armature: bpy.types.Object) -> None:
    context = bpy.context
    assert (cleanup_panel._frames(context), cleanup_panel._bones(context)) == ("Frame range: 1 to 60", "")
    bpy.ops.object.mode_set(mode="POSE")
    for bone in armature.pose.bones:
        (bone if bpy.app.version >= (5, 0, 0) else bone.bone).select = bone.name in ("Head", "Neck")
    assert cleanup_panel._bones(context) == "2 selected bones"
