"""Mirror and in place, on real motion capture and by Blender's own evaluation."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.limbs import mirror_pairs, other_side
from bl_ext.user_default.ikol.ikol_blender.cleanup.mirror import mirror
from bl_ext.user_default.ikol.ikol_blender.cleanup.motion import Motion
from bl_ext.user_default.ikol.ikol_blender.cleanup.skeleton import Skeleton
from bl_ext.user_default.ikol.ikol_blender.pins.stored import add_pin
from bl_ext.user_default.ikol.ikol_blender.retarget.stored_map import find_map
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.body import mirror_partners
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.confidence_curves import read_confidence, write_confidence
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, read_contacts, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.keys import read_keys, write_keys
from bl_ext.user_default.ikol.ikol_blender.scene.reshaping import in_place
from bl_ext.user_default.ikol.ikol_blender.scene.reshaping import mirror as mirror_range
from bl_ext.user_default.ikol.ikol_blender.scene.samples import sample

from tests.ikol_blender.retarget.dressing import meaningless

from .evaluated import armature_of, frames_of, heads, select_bones
from .mocap import deepmimic


@pytest.fixture(scope="module")
def walk() -> Motion:
    return deepmimic("walk")


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    return import_take(bpy.context, take_file).armature


def _heads(armature: bpy.types.Object, frame: int) -> dict[str, np.ndarray]:
    bpy.context.scene.frame_set(frame)
    return {bone.name: np.array(armature.matrix_world @ bone.head) for bone in armature.pose.bones}


def test_mirroring_twice_is_nothing(walk: Motion) -> None:
    twice = mirror(mirror(walk))
    assert quat.angle_between(twice.rotations, walk.rotations).max() < 1e-6
    assert np.abs(twice.locations - walk.locations).max() < 1e-9


def test_mirrored_joints_are_the_mirror_image(armature: bpy.types.Object) -> None:
    """By Blender's own evaluation. The open body is nearly, not quite, the same on both sides."""
    before = _heads(armature, 20)
    assert bpy.ops.ikol.mirror() == {"FINISHED"}
    after = _heads(armature, 20)
    assert len(set(mirror_pairs(list(before)))) == 24
    for name, place in after.items():
        assert np.linalg.norm(place - before[other_side(name)] * (-1, 1, 1)) < 0.01, name
    assert np.linalg.norm(after["L_Wrist"] - before["L_Wrist"]) > 0.05


def test_mirror_of_a_rig_whose_names_say_nothing(armature: bpy.types.Object) -> None:
    """Sides by the shape of the body; contacts and confidence of its bones too."""
    before, frames = _heads(armature, 20), np.arange(1.0, 61.0)
    write_confidence(armature, ["L_Wrist", "R_Wrist"], frames, np.stack([frames / 100, 0 * frames], axis=1))
    named = meaningless(armature, {name: (name,) for name in before}, seed=4)
    now = {name: names[0] for name, names in named.items()}
    assert bpy.ops.ikol.mirror() == {"FINISHED"}
    after = _heads(armature, 20)
    for name, place in before.items():
        assert np.linalg.norm(after[now[other_side(name)]] - place * (-1, 1, 1)) < 0.01, name
    confidence = read_confidence(armature, frames)
    assert confidence[now["R_Wrist"]] == pytest.approx(frames / 100, abs=1e-5)
    assert confidence[now["L_Wrist"]] == pytest.approx(0 * frames)


def test_mirror_obeys_the_kept_map(armature: bpy.types.Object) -> None:
    """Even against the names: hands that are listed crosswise are no pair of their own."""
    find_map(armature)
    for row in armature.ikol_map.rows:
        if row.role in ("forearm.L", "forearm.R", "hand.L", "hand.R"):
            row.bone = {"forearm": "L_Elbow", "hand": "L_Wrist"}[row.role[:-2]] if row.role[-1] == "L" else row.bone
            row.bone = {"forearm.R": "R_Wrist", "hand.R": "R_Elbow"}.get(row.role, row.bone)
    sampled = sample(bpy.context, armature)
    names = sampled.motion.skeleton.names
    partners = mirror_partners(armature, sampled.motion.skeleton)
    assert names[partners[names.index("L_Elbow")]] == "R_Wrist" and names[partners[names.index("R_Wrist")]] == "L_Elbow"
    assert names[partners[names.index("L_Knee")]] == "R_Knee", "the rest goes by its name"


def test_mirror_of_what_has_no_sides_is_refused(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    """A chain of three bones."""
    skeleton = walk.skeleton
    chain = Skeleton(("a", "b", "c"), (-1, 0, 1), skeleton.rests[:3], skeleton.lengths[:3], skeleton.world)
    armature = armature_of(Motion(chain, walk.rate_hz, walk.rotations[:, :3], walk.locations[:, :3]))
    action = armature.animation_data.action
    with pytest.raises(RuntimeError, match="left and right"):
        bpy.ops.ikol.mirror()
    assert armature.animation_data.action == action


def test_mirror_changes_sides_of_contacts_and_confidence(armature: bpy.types.Object) -> None:
    scene, frames = bpy.context.scene, np.arange(1.0, 61.0)
    flags = (frames > 15) & (frames < 40)
    write_contacts(armature, frames, {CONTACTS[0]: flags, CONTACTS[2]: frames > 50})
    write_confidence(armature, ["L_Wrist", "R_Wrist"], frames, np.stack([frames / 100, 0 * frames], axis=1))
    scene.frame_start, scene.frame_end = 10, 30
    assert bpy.ops.ikol.mirror() == {"FINISHED"}
    inside = (frames >= 10) & (frames <= 30)
    contacts, confidence = read_contacts(armature, frames), read_confidence(armature, frames)
    assert contacts is not None
    assert np.array_equal(contacts[CONTACTS[2]], np.where(inside, flags, frames > 50))
    assert np.array_equal(contacts[CONTACTS[0]], np.where(inside, frames > 50, flags))
    assert confidence["R_Wrist"][inside] == pytest.approx(frames[inside] / 100, abs=1e-5)
    assert confidence["L_Wrist"][~inside] == pytest.approx(frames[~inside] / 100, abs=1e-5)


def test_selected_bones_do_what_their_partners_did(armature: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = armature
    turns = sample(bpy.context, armature).motion
    bpy.ops.object.mode_set(mode="POSE")
    select_bones(armature, "L_Elbow")
    assert bpy.ops.ikol.mirror() == {"FINISHED"}
    after, names = sample(bpy.context, armature).motion, turns.skeleton.names
    changed = quat.angle_between(after.rotations, turns.rotations).max(axis=0) > 1e-4
    assert [name for name, is_changed in zip(names, changed, strict=True) if is_changed] == ["L_Elbow"]
    angle = 2 * np.arccos(np.clip(np.abs(after.rotations[:, names.index("L_Elbow"), 0]), 0, 1))
    partner = 2 * np.arccos(np.clip(np.abs(turns.rotations[:, names.index("R_Elbow"), 0]), 0, 1))
    assert angle == pytest.approx(partner, abs=1e-3)


@pytest.mark.parametrize("part", [False, True])
def test_mirror_moves_a_contact_that_only_one_foot_has(armature: bpy.types.Object, part: bool) -> None:
    frames = np.arange(1.0, 61.0)
    curves = curves_of(armature).fcurves
    for curve in [curve for name in CONTACTS if (curve := curves.find(f'["{name}"]')) is not None]:
        curves.remove(curve)
    for name in CONTACTS:
        armature.pop(name, None)
    flags = (frames > 15) & (frames < 40)
    write_contacts(armature, frames, {CONTACTS[0]: flags})
    if part:
        bpy.context.scene.frame_start, bpy.context.scene.frame_end = 10, 30
    inside = (frames >= 10) & (frames <= 30) if part else np.full(60, True)
    assert bpy.ops.ikol.mirror() == {"FINISHED"}
    contacts = read_contacts(armature, frames)
    assert contacts is not None
    assert np.array_equal(contacts[CONTACTS[2]], flags & inside)
    assert np.array_equal(contacts[CONTACTS[0]], flags & ~inside)


def test_mirror_sets_no_keys_between_samples(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    """A take of 30 Hz in a scene of 24: samples lie 0.8 frames apart."""
    armature = armature_of(walk)
    for curve in curves_of(armature).fcurves:
        keys = read_keys(curve)
        keys.co[:, 0] = 1 + 0.8 * (keys.co[:, 0] - 1)
        write_keys(curve, keys)
    frames = 1 + 0.8 * np.arange(len(walk))
    empty_scene.frame_start, empty_scene.frame_end = 1, int(np.floor(frames[-1]))
    assert frames[-1] > empty_scene.frame_end
    write_contacts(armature, frames, {CONTACTS[0]: frames % 9 < 4, CONTACTS[2]: frames % 7 < 4})
    assert bpy.ops.ikol.mirror() == {"FINISHED"}
    for curve in curves_of(armature).fcurves:
        times = read_keys(curve).co[:, 0]
        assert np.abs(times[:, None] - frames).min(axis=1).max() < 1e-3, curve.data_path


def test_mirror_clears_pins_of_the_range(armature: bpy.types.Object) -> None:
    for frame in (5, 15):
        bpy.context.scene.frame_set(frame)
        add_pin(bpy.context, armature, "L_Wrist", position=True, rotation=False)
    bpy.context.scene.frame_start = 10
    done = mirror_range(bpy.context)
    assert [pin.frame for pin in armature.ikol_pins] == [5] and done.words == "; 1 pin cleared"


def test_in_place_keeps_height_and_pose(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    armature = armature_of(walk)
    before = heads(armature, frames_of(empty_scene))
    assert bpy.ops.ikol.in_place() == {"FINISHED"}
    after = heads(armature, frames_of(empty_scene))
    travel = np.linalg.norm(before[-1, 0, :2] - before[0, 0, :2])
    assert travel > 0.5
    assert np.linalg.norm(np.ptp(after[:, 0, :2], axis=0)) < 0.15 * travel
    assert np.abs(after[..., 2] - before[..., 2]).max() < 1e-5
    assert np.abs((after - after[:, :1]) - (before - before[:, :1])).max() < 1e-5


def _contacts_of(armature: bpy.types.Object, motion: Motion) -> np.ndarray:
    """All feet stand all the time."""
    frames = 1.0 + np.arange(len(motion))
    write_contacts(armature, frames, {name: np.ones(len(frames)) for name in CONTACTS})
    return frames


def test_in_place_drops_contacts_of_feet_that_slide_now(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    """Else Lock feet would drag the legs along the floor."""
    armature = armature_of(walk)
    frames = _contacts_of(armature, walk)
    original = armature.animation_data.action
    assert bpy.ops.ikol.in_place(strength=0.0) == {"FINISHED"}
    assert read_contacts(armature, frames) is not None
    assert bpy.ops.ikol.in_place() == {"FINISHED"}
    assert read_contacts(armature, frames) is None
    armature.animation_data.action = original
    if hasattr(armature.animation_data, "action_slot"):
        armature.animation_data.action_slot = original.slots[0]
    empty_scene.use_preview_range, empty_scene.frame_preview_start, empty_scene.frame_preview_end = True, 10, 20
    done = in_place(bpy.context)
    assert done.contacts_dropped and "contacts dropped" in done.words
    contacts = read_contacts(armature, frames)
    assert contacts is not None
    for values in contacts.values():
        assert np.array_equal(values > 0.5, (frames < 10) | (frames > 20))


def test_in_place_clears_pins_of_what_moved(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    armature = armature_of(walk)
    for frame in (5, 15, 25):
        empty_scene.frame_set(frame)
        add_pin(bpy.context, armature, "Left_Hand", position=True, rotation=False)
    empty_scene.use_preview_range, empty_scene.frame_preview_start, empty_scene.frame_preview_end = True, 10, 20
    done = in_place(bpy.context)
    assert [pin.frame for pin in armature.ikol_pins] == [5], "what comes later is shifted too"
    assert done.pins_cleared == 2 and "2 pins cleared" in done.words


def test_in_place_of_a_part_goes_on_from_there(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    armature = armature_of(walk)
    before = heads(armature, frames_of(empty_scene))[:, 0, :2]
    empty_scene.use_preview_range, empty_scene.frame_preview_start, empty_scene.frame_preview_end = True, 10, 20
    assert bpy.ops.ikol.in_place(strength=0.5) == {"FINISHED"}
    after = heads(armature, frames_of(empty_scene))[:, 0, :2]
    assert after[:10] == pytest.approx(before[:10], abs=1e-5)
    assert np.diff(after[19:], axis=0) == pytest.approx(np.diff(before[19:], axis=0), abs=1e-5)
    whole, half = (np.linalg.norm(path[19] - path[9]) for path in (before, after))
    assert half == pytest.approx(0.5 * whole, rel=0.1)
