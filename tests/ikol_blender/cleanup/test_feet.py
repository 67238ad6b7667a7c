"""Foot lock and floor fix on real motion capture, by Blender's own evaluation."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup.contact import detect_contacts
from bl_ext.user_default.ikol.ikol_blender.cleanup.gaps import bridge, cover, spans
from bl_ext.user_default.ikol.ikol_blender.cleanup.travel import move_body
from bl_ext.user_default.ikol.ikol_blender.exchange.skeletons import import_skeletons
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.feet import lock_feet
from bl_ext.user_default.ikol.ikol_blender.scene.legs import carrier_of, legs_of
from bl_ext.user_default.ikol.ikol_blender.scene.samples import Sampled, sample
from bl_ext.user_default.ikol.ikol_blender.scene.writing import write_motion

from tests.ikol_blender.retarget.dressing import meaningless
from tests.shared_data import shared

from .evaluated import frames_of, heads, select_bones

# The clip's root is given relative to its rest, so its floor is this high.
_FLOOR = -1.05


@pytest.fixture
def walk(empty_scene: bpy.types.Scene) -> bpy.types.Object:
    """A real walk of 5 s at 60 Hz."""
    found = import_skeletons(bpy.context, shared("mocap/cmu_bvh/005_01.bvh"), match_scene=True)[0]
    bpy.context.view_layer.objects.active = found
    return found


def _spoil(armature: bpy.types.Object, step: np.ndarray) -> Sampled:
    """The body moved by `step` (T, 3); the motion before."""
    sampled = sample(bpy.context, armature)
    write_motion(sampled, move_body(sampled.motion, carrier_of(sampled), step), "spoilt")
    return sampled


def _column(armature: bpy.types.Object, name: str) -> int:
    return armature.pose.bones.find(name)


def _slips(path: np.ndarray, stands: np.ndarray, leave_out: int) -> float:
    """m that a joint moves over the ground within a contact, its first and last samples left out."""
    return max(
        float(np.linalg.norm(np.ptp(path[start:end, :2], axis=0))) for start, end in spans(_inner(stands, leave_out))
    )


def _inner(stands: np.ndarray, leave_out: int) -> np.ndarray:
    """`stands` without the first and last samples of each contact."""
    swings = np.pad(~stands, leave_out, constant_values=True)
    return np.convolve(swings, np.ones(2 * leave_out + 1), "valid") < 0.5


def test_sliding_feet_are_held(walk: bpy.types.Object) -> None:
    """The body slides on by 20 cm. Judged by the contacts of the motion before, whose edges are a little otherwise."""
    count = len(sample(bpy.context, walk).motion)
    before = _spoil(walk, np.linspace(0, 0.2, count)[:, None] * (1.0, 0.0, 0.0))
    spoilt = heads(walk, frames_of(bpy.context.scene))
    assert bpy.ops.ikol.lock_feet(floor=False) == {"FINISHED"}
    locked = heads(walk, frames_of(bpy.context.scene))
    for leg, contact in zip(legs_of(before), detect_contacts(before.motion, legs_of(before)), strict=True):
        ankle = _column(walk, before.motion.skeleton.names[leg.ankle])
        assert _slips(spoilt[:, ankle], contact.flat, 4) > 0.015
        assert _slips(locked[:, ankle], contact.flat, 4) < 0.002
    hand = _column(walk, "CC_Base_L_Hand")
    assert np.abs(locked[:, hand] - spoilt[:, hand]).max() < 0.03, "the upper body stays"


def test_lock_brings_no_jolt_and_no_knee_turned_back(walk: bpy.types.Object) -> None:
    scene = bpy.context.scene
    before = heads(walk, frames_of(scene))
    legs = legs_of(sample(bpy.context, walk))
    names = sample(bpy.context, walk).motion.skeleton.names
    assert bpy.ops.ikol.lock_feet(floor_height=_FLOOR) == {"FINISHED"}
    after = heads(walk, frames_of(scene))
    for leg in legs:
        hip, knee, ankle = (_column(walk, names[bone]) for bone in (leg.hip, leg.knee, leg.ankle))
        for joint in (hip, knee, ankle):
            jolt, usual = (np.linalg.norm(np.diff(h[:, joint], n=2, axis=0), axis=-1).max() for h in (after, before))
            assert jolt < 1.5 * usual, walk.pose.bones[joint].name
        # Bones keep their lengths, and the knee stays on its side of the line from hip to ankle.
        for first, second in ((hip, knee), (knee, ankle)):
            lengths = [np.linalg.norm(h[:, first] - h[:, second], axis=1) for h in (before, after)]
            assert np.abs(lengths[1] - lengths[0]).max() < 1e-4
        ways = [_aside(h[:, hip], h[:, knee], h[:, ankle]) for h in (before, after)]
        bent = np.linalg.norm(ways[0], axis=1) > 0.03
        assert ((ways[0] * ways[1]).sum(axis=1)[bent] > 0).all()


def _aside(hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> np.ndarray:
    along = (ankle - hip) / np.linalg.norm(ankle - hip, axis=1, keepdims=True)
    return (knee - hip) - along * ((knee - hip) * along).sum(axis=1, keepdims=True)


def test_floor_carries_who_floats_and_who_sinks(walk: bpy.types.Object) -> None:
    """One rises by 15 cm over the clip and begins 8 cm below the floor: afterwards standing feet are at one height."""
    count = len(sample(bpy.context, walk).motion)
    before = _spoil(walk, np.linspace(-0.08, 0.15, count)[:, None] * (0.0, 0.0, 1.0))
    spoilt = heads(walk, frames_of(bpy.context.scene))
    assert bpy.ops.ikol.fix_floor(floor_height=_FLOOR) == {"FINISHED"}
    fixed = heads(walk, frames_of(bpy.context.scene))
    contacts = detect_contacts(before.motion, legs_of(before))
    balls = [_column(walk, before.motion.skeleton.names[leg.toe]) for leg in legs_of(before)]
    stand = [_inner(contact.flat, 8) for contact in contacts]
    was, now = (np.concatenate([h[s, b, 2] for b, s in zip(balls, stand, strict=True)]) for h in (spoilt, fixed))
    assert np.ptp(was) > 0.15
    assert np.abs(now - _FLOOR).max() < 0.005, "this rig's soles are at the joints of its toes"
    assert fixed[:, balls, 2].min() > _FLOOR - 1e-4
    # It may slide: where feet are over the ground is left alone, but for what levelling the sole takes.
    assert np.abs(fixed[:, balls, :2] - spoilt[:, balls, :2]).max() < 0.05


def test_floor_works_on_a_motion_far_above_it(walk: bpy.types.Object) -> None:
    assert bpy.ops.ikol.lock_feet() == {"FINISHED"}  # the floor of this scene is 1.05 m above the clip's
    fixed = heads(walk, frames_of(bpy.context.scene))
    toes = [_column(walk, f"CC_Base_{side}_ToeBase") for side in "LR"]
    assert np.percentile(fixed[:, toes, 2].min(axis=1), (0, 90)) == pytest.approx([0, 0], abs=0.01)


def test_edited_contacts_are_obeyed(walk: bpy.types.Object) -> None:
    """A contact drawn by hand over a swing holds the foot there; elsewhere nothing stands."""
    assert bpy.ops.ikol.detect_contacts() == {"FINISHED"}
    sampled = sample(bpy.context, walk)
    frames, names = sampled.frames, sampled.motion.skeleton.names
    for name in CONTACTS:
        curve = curves_of(walk).fcurves.find(f'["{name}"]')
        assert {point.interpolation for point in curve.keyframe_points} == {"CONSTANT"}
        assert 4 <= len(curve.keyframe_points) <= 20, "steps to take hold of, not a key for every frame"
    detected = detect_contacts(sampled.motion, legs_of(sampled))[0]
    assert [curves_of(walk).fcurves.find(f'["{CONTACTS[0]}"]').evaluate(frame) for frame in frames] == pytest.approx(
        detected.heel.astype(float)
    )
    swing = next((start, end) for start, end in spans(~detected.any) if start > 0)
    held = np.zeros(len(frames))
    held[swing[0] : swing[0] + 12] = 1
    write_contacts(walk, frames, {name: held if "left" in name else 0 * held for name in CONTACTS})
    assert bpy.ops.ikol.lock_feet(floor=False) == {"FINISHED"}
    ankle = _column(walk, names[legs_of(sampled)[0].ankle])
    path = heads(walk, frames)[swing[0] : swing[0] + 12, ankle]
    assert np.linalg.norm(np.ptp(path, axis=0)) < 1e-3
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start = True, 1
    scene.frame_preview_end = int(frames[swing[0] - 1])
    with pytest.raises(RuntimeError, match="No foot stands"):
        bpy.ops.ikol.lock_feet()
    assert bpy.ops.ikol.lock_feet(source="MOTION") == {"FINISHED"}


def test_range_and_strength(walk: bpy.types.Object) -> None:
    scene = bpy.context.scene
    every = list(frames_of(scene))
    before, original = heads(walk, every), walk.animation_data.action
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 100, 200
    assert bpy.ops.ikol.lock_feet(floor_height=_FLOOR, strength=1.0) == {"FINISHED"}
    assert walk.animation_data.action is not original and original.use_fake_user
    whole = heads(walk, every)
    outside = np.array([not 100 <= frame <= 200 for frame in every])
    assert np.abs(whole - before)[outside].max() < 1e-4
    assert np.abs(whole - before)[~outside].max() > 0.005
    walk.animation_data.action = original
    if bpy.app.version >= (4, 4, 0):
        walk.animation_data.action_slot = original.slots[0]
    bpy.ops.ikol.lock_feet(floor_height=_FLOOR, strength=0.5)
    ankle = _column(walk, "CC_Base_L_Foot")
    half = heads(walk, every)[:, ankle] - before[:, ankle]
    assert np.linalg.norm(half).max() == pytest.approx(
        0.5 * np.linalg.norm(whole[:, ankle] - before[:, ankle]), rel=0.1
    )


def test_locks_the_take_that_ikol_imports(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    """Its ankles and feet stand because the curves say so."""
    armature = import_take(bpy.context, take_file).armature
    frames = np.arange(empty_scene.frame_start, empty_scene.frame_end + 1.0)
    stands = ((frames > 10) & (frames < 30)).astype(float)
    write_contacts(armature, frames, dict.fromkeys(CONTACTS, stands))
    assert bpy.ops.ikol.lock_feet() == {"FINISHED"}
    inside = np.flatnonzero(stands > 0)
    for name in ("L_Ankle", "R_Ankle"):
        path = heads(armature, frames)[inside, _column(armature, name)]
        assert np.linalg.norm(np.ptp(path, axis=0)) < 2e-3


def test_only_the_selected_foot_is_locked(walk: bpy.types.Object) -> None:
    count = len(sample(bpy.context, walk).motion)
    _spoil(walk, np.linspace(0, 0.1, count)[:, None] * (1.0, 0.0, 0.0))
    before = heads(walk, frames_of(bpy.context.scene))
    bpy.ops.object.mode_set(mode="POSE")
    select_bones(walk, "CC_Base_L_Foot")
    assert bpy.ops.ikol.lock_feet(floor=False) == {"FINISHED"}
    moved = np.abs(heads(walk, frames_of(bpy.context.scene)) - before)[..., :2].max(axis=(0, 2))
    assert moved[_column(walk, "CC_Base_L_Foot")] > 0.005
    assert moved[_column(walk, "CC_Base_R_Foot")] < 0.002


def test_says_what_is_missing(empty_scene: bpy.types.Scene) -> None:
    armature = bpy.data.objects.new("Snake", bpy.data.armatures.new("Snake"))
    empty_scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones.new("first").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.pose.bones["first"].keyframe_insert("location", frame=1)
    armature.pose.bones["first"].location.x = 1
    armature.pose.bones["first"].keyframe_insert("location", frame=20)
    with pytest.raises(RuntimeError, match="legs"):
        bpy.ops.ikol.lock_feet()


def test_contacts_end_when_the_heel_rises(walk: bpy.types.Object) -> None:
    sampled = sample(bpy.context, walk)
    posed = sampled.motion.posed()
    for leg, contact in zip(legs_of(sampled), detect_contacts(sampled.motion, legs_of(sampled)), strict=True):
        assert len(spans(contact.heel)) in (4, 5), "as many steps as one sees"
        for start, end in spans(contact.heel):
            assert np.ptp(posed.heads[start:end, leg.ankle, 2]) < 0.035
        assert 0.5 < contact.any.mean() < 0.75, "a walking foot stands for about three fifths of the time"


def test_bridges_leave_what_is_known_at_its_speed() -> None:
    times = np.arange(60.0)
    values = np.stack([0.1 * times, np.sin(times / 7)], axis=1)
    known = (times < 12) | (times >= 24)
    found = bridge(values, known, ease=20, slope_over=2)
    assert np.array_equal(found[known], values[known])
    assert np.abs(found[:, 0] - values[:, 0]).max() < 1e-9, "a straight line goes on through a short gap"
    assert np.abs(np.diff(found, n=2, axis=0)).max() < 0.06
    alone = bridge(values + 5, (times > 25) & (times < 35), ease=8)
    assert np.array_equal(alone[:17], np.zeros((17, 2))) and np.array_equal(alone[43:], np.zeros((17, 2)))
    assert np.abs(np.diff(alone, axis=0)).max() < 1.6


def test_a_cover_is_above_what_it_covers() -> None:
    needs = np.zeros(50)
    needs[20:23] = (1.0, 3.0, 2.0)
    found = cover(needs, 6)
    assert (found >= needs - 1e-12).all() and found.max() <= 3 + 1e-12
    assert np.abs(np.diff(found)).max() < 1.0 and found[:8].max() == 0


def test_contacts_that_never_stand_leave_it_to_the_motion(walk: bpy.types.Object) -> None:
    """As Retarget takes them."""
    frames = sample(bpy.context, walk).frames
    write_contacts(walk, frames, {name: np.zeros(len(frames)) for name in CONTACTS})
    done = lock_feet(bpy.context, floor=False)
    assert not done.by_curves
    assert done.after.slip < 0.5 * done.before.slip


def test_legs_are_found_by_shape(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    """As Retarget finds them, where names say nothing."""
    armature = import_take(bpy.context, take_file).armature
    now = meaningless(armature, {bone.name: (bone.name,) for bone in armature.pose.bones}, seed=2)
    sampled = sample(bpy.context, armature)
    names = sampled.motion.skeleton.names
    for leg, side in zip(legs_of(sampled), "LR", strict=True):
        found = [names[bone] for bone in (leg.hip, leg.knee, leg.ankle)]
        assert found == [now[f"{side}_{part}"][0] for part in ("Hip", "Knee", "Ankle")]
    assert names[carrier_of(sampled)] == now["Pelvis"][0]


def test_legs_of_the_kept_map_come_before_all_else(walk: bpy.types.Object) -> None:
    """Complete or not. Without it this rig's shape is too odd to tell."""
    sampled = sample(bpy.context, walk)
    names = sampled.motion.skeleton.names
    truth = [[names[bone] for bone in (leg.hip, leg.knee, leg.ankle)] for leg in legs_of(sampled)]
    now = meaningless(walk, {name: (name,) for name in names}, seed=2)
    with pytest.raises(RuntimeError, match="legs"):
        bpy.ops.ikol.lock_feet(floor=False)
    for side, leg in zip("LR", truth, strict=True):
        for part, name in zip(("thigh", "shin", "foot"), leg, strict=True):
            row = walk.ikol_map.rows.add()
            row.role, row.bone = f"{part}.{side}", now[name][0]
    renamed = sample(bpy.context, walk)
    fresh = renamed.motion.skeleton.names
    found = [[fresh[bone] for bone in (leg.hip, leg.knee, leg.ankle)] for leg in legs_of(renamed)]
    assert found == [[now[name][0] for name in leg] for leg in truth]
    done = lock_feet(bpy.context, floor=False)
    assert done.after.slip < 0.5 * done.before.slip
