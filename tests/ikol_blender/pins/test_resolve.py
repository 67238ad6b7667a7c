"""Re-solve holds its pins, changes nothing outside the range and nothing but the limb, and meets the rest smoothly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of, selected_bones
from mathutils import Quaternion, Vector

from solver.take import Take, write_take
from tests.ikol_blender.retarget.dressing import meaningless

_START, _END, _PIN = 60, 240, 150


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path) -> bpy.types.Object:
    """Ten seconds at 30 Hz: the body sways slowly, all joints with it; in Pose mode on the frame of the pin."""
    count = 300
    times = np.arange(count) / 30
    base = turning_take.poses[7]
    poses = np.tile(base, (count, 1))
    poses[:, 3:] *= 0.8 + 0.3 * np.sin(2 * np.pi * 0.5 * times)[:, None]
    take = replace(
        turning_take,
        poses=poses,
        trans=np.tile(turning_take.trans[0], (count, 1)),
        framerate=30.0,
        timestamps=times,
        keypoints3d=np.zeros((count, 24, 3)),
        confidence=np.ones((count, 24)),
        contacts=np.zeros((count, 4)),
        landmarks2d=np.zeros((count, 33, 3)),
    )
    found = import_take(bpy.context, write_take(take, tmp_path / "sway_ikol" / "take_p1.npz")).armature
    bpy.context.scene.frame_set(_PIN)
    bpy.ops.object.mode_set(mode="POSE")
    return found


def _select(armature: bpy.types.Object, name: str) -> None:
    bpy.ops.pose.select_all(action="DESELECT")
    bone = armature.pose.bones[name]
    if bpy.app.version >= (5, 0, 0):
        bone.select = True
    else:
        bone.bone.select = True
    assert selected_bones(armature) == {name}


def _bend(armature: bpy.types.Object, *names: str) -> None:
    """As an animator poses: the shoulder 20 degrees, the elbow 25, the wrist 30."""
    for name, degrees in zip(names, (20, 25, 30), strict=False):
        bone = armature.pose.bones[name]
        bone.rotation_quaternion = bone.rotation_quaternion @ Quaternion((0.6, 0.0, 0.8), np.radians(degrees))


def _pin_left_wrist(armature: bpy.types.Object, **what: bool) -> tuple[Vector, Quaternion]:
    _bend(armature, "L_Shoulder", "L_Elbow", "L_Wrist")
    _select(armature, "L_Wrist")
    assert bpy.ops.ikol.pin_add(**what) == {"FINISHED"}
    place, turn, _ = (armature.matrix_world @ armature.pose.bones["L_Wrist"].matrix).decompose()
    return place, turn


def _values(armature: bpy.types.Object, frames: np.ndarray) -> dict[tuple[str, int], np.ndarray]:
    return {
        (curve.data_path, curve.array_index): np.array([curve.evaluate(frame) for frame in frames], np.float32)
        for curve in curves_of(armature).fcurves
    }


def _assert_held(armature: bpy.types.Object, place: Vector, turn: Quaternion, name: str = "L_Wrist") -> None:
    bpy.context.scene.frame_set(1)
    bpy.context.scene.frame_set(_PIN)
    at, turned, _ = (armature.matrix_world @ armature.pose.bones[name].matrix).decompose()
    assert (at - place).length < 1e-3, f"{(at - place).length * 1000:.2f} mm"
    angle = np.degrees(turned.rotation_difference(turn).angle)
    assert min(angle, 360 - angle) < 0.5, f"{angle:.2f} degrees"


def _positions(armature: bpy.types.Object, name: str, frames: range) -> np.ndarray:
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        found.append(armature.matrix_world @ armature.pose.bones[name].head)
    return np.array(found)


@pytest.mark.parametrize("limb", ["LIMB", "BODY"])
def test_pin_holds_and_frames_outside_stay(armature: bpy.types.Object, limb: str) -> None:
    outside = np.concatenate([np.arange(-5, _START - 0.9, 0.25), np.arange(_END + 1, 306, 0.25)])
    before = _values(armature, outside)
    place, turn = _pin_left_wrist(armature)
    assert bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END, limb=limb) == {"FINISHED"}
    after = _values(armature, outside)
    assert after.keys() == before.keys()
    assert all((after[key] == before[key]).all() for key in before)
    assert bpy.context.scene.frame_current == _PIN
    assert armature.mode == "POSE"
    _assert_held(armature, place, turn)


def test_only_the_limb_moves(armature: bpy.types.Object) -> None:
    frames = np.arange(1, 301)
    before = _values(armature, frames)
    _pin_left_wrist(armature)
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    after = _values(armature, frames)
    changed = {path.split('"')[1] for path, index in before if (before[path, index] != after[path, index]).any()}
    assert changed == {"L_Collar", "L_Shoulder", "L_Elbow", "L_Wrist"}


def test_seams_are_smooth(armature: bpy.types.Object) -> None:
    span = range(_START - 4, _END + 5)
    before = _positions(armature, "L_Hand", span)
    bpy.context.scene.frame_set(_PIN)
    _pin_left_wrist(armature)
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    moved = _positions(armature, "L_Hand", span) - before
    largest = np.abs(moved).max()
    assert largest > 0.05
    # Over a reach of 0.25 s a smooth hump of height h has second differences of a few h / (7.5 frames)^2.
    assert np.abs(np.diff(moved, n=2, axis=0)).max() < 4 * largest / 7.5**2
    assert np.abs(moved[:6]).max() < 1e-3 * largest


def test_feet_stay_when_the_body_moves(armature: bpy.types.Object) -> None:
    span = range(_PIN - 20, _PIN + 21, 4)
    feet = [_positions(armature, name, span) for name in ("L_Ankle", "R_Ankle")]
    pelvis = _positions(armature, "Pelvis", span)
    bpy.context.scene.frame_set(_PIN)
    _pin_left_wrist(armature)
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END, limb="BODY")
    assert np.linalg.norm(_positions(armature, "Pelvis", span) - pelvis, axis=1).max() > 2e-3
    for name, place in zip(("L_Ankle", "R_Ankle"), feet, strict=True):
        assert np.linalg.norm(_positions(armature, name, span) - place, axis=1).max() < 1e-3


def test_knees_follow_the_body_smoothly(armature: bpy.types.Object) -> None:
    span = range(_START - 4, _END + 5)
    before = _positions(armature, "L_Knee", span)
    bpy.context.scene.frame_set(_PIN)
    _pin_left_wrist(armature)
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END, limb="BODY")
    moved = _positions(armature, "L_Knee", span) - before
    largest = np.abs(moved).max()
    assert largest > 1e-3
    assert np.abs(np.diff(moved, n=2, axis=0)).max() < 4 * largest / 7.5**2
    assert np.abs(moved[:6]).max() < 1e-2 * largest and np.abs(moved[-6:]).max() < 1e-2 * largest


def test_pin_on_a_frame_that_was_keyed_by_hand(armature: bpy.types.Object) -> None:
    span = range(_PIN - 3, _PIN + 4)
    place, turn = _pin_left_wrist(armature)
    for name in ("L_Shoulder", "L_Elbow", "L_Wrist"):
        armature.pose.bones[name].keyframe_insert("rotation_quaternion", frame=_PIN)
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    _assert_held(armature, place, turn)
    path = _positions(armature, "L_Wrist", span)
    # The keyed pose is 10 cm and more beside its neighbours.
    assert np.linalg.norm(np.diff(path, n=2, axis=0), axis=1).max() < 0.015


def test_sparse_curves_with_automatic_handles_stay_outside(armature: bpy.types.Object) -> None:
    for curve in curves_of(armature).fcurves:
        values = [(frame, curve.evaluate(frame)) for frame in range(1, 301, 13)]
        curve.keyframe_points.clear()
        for frame, value in values:
            key = curve.keyframe_points.insert(frame, value, options={"FAST"})
            key.interpolation, key.handle_left_type, key.handle_right_type = "BEZIER", "AUTO", "AUTO"
        curve.update()
    outside = np.concatenate([np.arange(-5, _START), np.arange(_END + 1, 306)])
    before = _values(armature, outside)
    bpy.context.scene.frame_set(_PIN)
    place, turn = _pin_left_wrist(armature)
    assert bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END) == {"FINISHED"}
    after = _values(armature, outside)
    assert all((after[key] == before[key]).all() for key in before)
    _assert_held(armature, place, turn)


def test_pin_out_of_reach_changes_nothing(armature: bpy.types.Object) -> None:
    frames = np.arange(1, 301)
    before = _values(armature, frames)
    _pin_left_wrist(armature)
    armature.ikol_pins[0].position.z += 3
    with pytest.raises(RuntimeError, match="out of reach"):
        bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    after = _values(armature, frames)
    assert all((after[key] == before[key]).all() for key in before)


def test_pins_are_kept_replaced_and_removed(armature: bpy.types.Object, tmp_path: Path) -> None:
    _pin_left_wrist(armature)
    bpy.ops.ikol.pin_add(rotation=False)
    assert [(pin.bone, pin.frame, pin.use_rotation) for pin in armature.ikol_pins] == [("L_Wrist", _PIN, False)]
    name, blend = armature.name, str(tmp_path / "pins.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    armature = bpy.data.objects[name]
    assert len(armature.ikol_pins) == 1
    bpy.ops.ikol.pin_clear()
    assert len(armature.ikol_pins) == 0


def test_undo(armature: bpy.types.Object) -> None:
    frames, name = np.arange(1, 301), armature.name
    before = _values(armature, frames)
    _pin_left_wrist(armature)
    bpy.ops.ed.undo_push(message="Pin")
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    bpy.ops.ed.undo_push(message="Re-solve")
    bpy.ops.ed.undo()
    armature = bpy.data.objects[name]
    after = _values(armature, frames)
    assert all((after[key] == before[key]).all() for key in before)
    assert len(armature.ikol_pins) == 1


@pytest.mark.parametrize("mode", ["XYZ", "AXIS_ANGLE"])
def test_other_rotation_modes(armature: bpy.types.Object, mode: str) -> None:
    armature.pose.bones["L_Elbow"].rotation_mode = mode
    bpy.context.view_layer.update()
    _bend(armature, "L_Shoulder")
    _select(armature, "L_Wrist")
    bpy.ops.ikol.pin_add()
    place, turn, _ = (armature.matrix_world @ armature.pose.bones["L_Wrist"].matrix).decompose()
    bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    _assert_held(armature, place, turn)


@pytest.mark.parametrize("limb", ["LIMB", "BODY"])
def test_bones_of_any_name_are_known_by_their_shape(armature: bpy.types.Object, limb: str) -> None:
    """Names that say nothing: the arm is still an arm, and the feet still stay."""
    now = meaningless(armature, {bone.name: (bone.name,) for bone in armature.pose.bones}, seed=2)
    arm = [now[f"L_{joint}"][0] for joint in ("Shoulder", "Elbow", "Wrist")]
    feet = [now[f"{side}_Ankle"][0] for side in "LR"]
    span, frames = range(_PIN - 20, _PIN + 21, 8), np.arange(1, 301)
    stood = [_positions(armature, name, span) for name in feet]
    bpy.context.scene.frame_set(_PIN)
    before = _values(armature, frames)
    _bend(armature, *arm)
    _select(armature, arm[2])
    assert bpy.ops.ikol.pin_add() == {"FINISHED"}
    place, turn, _ = (armature.matrix_world @ armature.pose.bones[arm[2]].matrix).decompose()
    assert bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END, limb=limb) == {"FINISHED"}
    _assert_held(armature, place, turn, arm[2])
    after = _values(armature, frames)
    changed = {path.split('"')[1] for path, index in before if (before[path, index] != after[path, index]).any()}
    if limb == "LIMB":
        assert changed == {now["L_Collar"][0], *arm}
    assert (now["Pelvis"][0] in changed) == (limb == "BODY")
    for name, place in zip(feet, stood, strict=True):
        assert np.linalg.norm(_positions(armature, name, span) - place, axis=1).max() < 1e-3


def test_other_bones_stay_as_posed_without_a_key(armature: bpy.types.Object) -> None:
    """The arm shows its new motion, also where no pin says how an elbow posed without a key is to be."""
    _bend(armature, "R_Knee")
    knee = tuple(armature.pose.bones["R_Knee"].rotation_quaternion)
    place, turn = _pin_left_wrist(armature)
    _bend(armature, "L_Elbow")
    elbow = armature.pose.bones["L_Elbow"]
    assert bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END) == {"FINISHED"}
    bpy.context.view_layer.update()
    assert tuple(armature.pose.bones["R_Knee"].rotation_quaternion) == knee
    seen = tuple(elbow.rotation_quaternion)
    _assert_held(armature, place, turn)
    assert tuple(elbow.rotation_quaternion) == pytest.approx(seen, abs=1e-6)


def test_a_pin_out_of_reach_leaves_what_is_posed(armature: bpy.types.Object) -> None:
    _pin_left_wrist(armature)
    armature.ikol_pins[0].position.z += 5.0
    posed = tuple(armature.pose.bones["L_Elbow"].rotation_quaternion)
    with pytest.raises(RuntimeError, match="out of reach"):
        bpy.ops.ikol.resolve(frame_start=_START, frame_end=_END)
    bpy.context.view_layer.update()
    assert tuple(armature.pose.bones["L_Elbow"].rotation_quaternion) == posed
