"""Trim, loop, time-warp and hold, by Blender's own evaluation."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.loop import loop
from bl_ext.user_default.ikol.ikol_blender.cleanup.motion import Motion
from bl_ext.user_default.ikol.ikol_blender.cleanup.retime import held, paced, resampled
from bl_ext.user_default.ikol.ikol_blender.pins.stored import add_pin
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, read_contacts, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.keys import read_keys, write_keys
from bl_ext.user_default.ikol.ikol_blender.scene.retiming import loop as loop_range
from bl_ext.user_default.ikol.ikol_blender.scene.retiming import trim

from .evaluated import armature_of, frames_of, heads
from .mocap import deepmimic


@pytest.fixture(scope="module")
def walk() -> Motion:
    return deepmimic("walk")


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    """60 frames, with a contact from frame 21 to 40."""
    found = import_take(bpy.context, take_file).armature
    frames = np.arange(1.0, 61.0)
    write_contacts(found, frames, {CONTACTS[0]: (frames > 20) & (frames <= 40)})
    return found


def _contact(armature: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    found = read_contacts(armature, frames)
    assert found is not None
    return found[CONTACTS[0]]


def test_a_loop_ends_as_it_begins_and_at_the_same_speed(walk: Motion) -> None:
    cycle = loop(walk, 0, 6)
    assert len(cycle) == len(walk) - 6
    found = cycle.posed().heads
    assert np.linalg.norm(found[-1] - found[0], axis=-1).max() < 1e-9
    leaving, arriving = (found[1] - found[0]) * walk.rate_hz, (found[-1] - found[-2]) * walk.rate_hz
    usual = np.linalg.norm(np.diff(found, n=2, axis=0), axis=-1).max() * walk.rate_hz
    assert np.linalg.norm(leaving - arriving, axis=-1).max() < 1.5 * usual


def test_a_loop_that_travels_goes_on_at_its_pace(empty_scene: bpy.types.Scene, walk: Motion) -> None:
    armature = armature_of(walk)
    assert bpy.ops.ikol.loop(seam_s=0.2, travel=True) == {"FINISHED"}
    first, last = empty_scene.frame_start, empty_scene.frame_end
    length = last - first + 1
    cycles = heads(armature, range(first, first + 3 * length))
    way = cycles[length, 0, :2] - cycles[0, 0, :2]
    assert np.linalg.norm(way) > 0.8, "the clip is one double step of a walk"
    shifted = cycles[2 * length :] - 2 * np.append(way, 0)
    assert shifted == pytest.approx(cycles[:length], abs=2e-4)
    steps = np.linalg.norm(np.diff(cycles[:, 0], axis=0), axis=1)
    assert steps.max() < 1.5 * np.median(steps), "no jump at a seam"


def test_loop_operator_repeats_without_a_seam(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    assert bpy.ops.ikol.loop(seam_s=0.3) == {"FINISHED"}
    first, last = scene.frame_start, scene.frame_end
    length = last - first + 1
    cycles = heads(armature, range(first, first + 2 * length + 1))
    assert cycles[length:] == pytest.approx(cycles[: length + 1], abs=1e-4)
    assert np.abs(cycles[length - 1] - cycles[length]).max() > 1e-4, "no pose twice"
    with pytest.raises(RuntimeError, match="too short"):
        bpy.ops.ikol.loop(seam_s=2.0)


def test_a_loop_of_motion_between_frames_is_whole_frames_long(armature: bpy.types.Object) -> None:
    """A take of 30 Hz in a scene of 24: samples lie 0.8 frames apart."""
    scene = bpy.context.scene
    for curve in curves_of(armature).fcurves:
        keys = read_keys(curve)
        keys.co[:, 0] = 1 + 0.8 * (keys.co[:, 0] - 1)
        write_keys(curve, keys)
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.frame_start, scene.frame_end = 1, 48
    assert bpy.ops.ikol.loop(seam_s=0.3) == {"FINISHED"}
    length = scene.frame_end - scene.frame_start + 1
    start = scene.frame_start
    cycles = heads(armature, range(start, start + 3 * length + 1))
    assert cycles[length:] == pytest.approx(cycles[: 2 * length + 1], abs=2e-4)


@pytest.mark.parametrize(
    ("edit", "travel"),
    [
        *((edit, travel) for edit in ("smooth", "mirror", "reduce_keys") for travel in (False, True)),
        *((edit, True) for edit in ("lock_feet", "in_place", "time_warp")),
    ],
)
def test_an_edit_of_a_loop_leaves_no_seam(empty_scene: bpy.types.Scene, walk: Motion, edit: str, travel: bool) -> None:
    """The first pose again, on the key behind the range, goes along with the first pose."""
    jitter = np.random.default_rng(4).normal(size=(*walk.rotations.shape[:2], 3)) * 0.02
    armature = armature_of(walk.with_rotations(quat.multiply(walk.rotations, quat.exp(jitter))))
    assert bpy.ops.ikol.loop(seam_s=0.2, travel=travel) == {"FINISHED"}
    first, length = empty_scene.frame_start, empty_scene.frame_end - empty_scene.frame_start + 1
    options = {"lock_feet": {"floor": False}, "time_warp": {"speed": 0.5}}.get(edit, {})
    assert getattr(bpy.ops.ikol, edit)(**options) == {"FINISHED"}
    length *= 2 if edit == "time_warp" else 1
    assert (empty_scene.frame_start, empty_scene.frame_end) == (first, first + length - 1)
    cycles = heads(armature, range(first, first + 2 * length + 1))
    cycles -= cycles[:, :1] * (1.0, 1.0, 0.0)
    assert cycles[length:] == pytest.approx(cycles[: length + 1], abs=2e-3 if edit == "reduce_keys" else 2e-4)
    jolts = np.linalg.norm(np.diff(cycles, n=2, axis=0), axis=-1).max(axis=1)
    seam = jolts[length - 3 : length + 2].max()
    assert seam < 1.5 * np.delete(jolts, np.arange(length - 3, length + 2)).max()


def test_a_loop_on_the_spot_drops_contacts(armature: bpy.types.Object) -> None:
    """Feet slide there; one that travels keeps them."""
    frames, original = np.arange(1.0, 61.0), armature.animation_data.action
    assert bpy.ops.ikol.loop(seam_s=0.3, travel=True) == {"FINISHED"}
    assert _contact(armature, frames).any()
    armature.animation_data.action = original
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 60
    _pin(armature, 30)
    done = loop_range(bpy.context, seam_s=0.3)
    assert read_contacts(armature, frames) is None
    assert "contacts dropped" in done.words and "1 pin cleared" in done.words
    assert not len(armature.ikol_pins)


@pytest.mark.parametrize("stands_at", [*range(21, 25), *range(50, 60, 3)])
def test_contacts_of_a_loop_meet_at_the_seam(armature: bpy.types.Object, stands_at: int) -> None:
    """The foot stands for 9 frames, at the range's beginning or end, where the first pose comes again."""
    frames, scene = np.arange(1.0, 61.0), bpy.context.scene
    write_contacts(armature, frames, {CONTACTS[0]: (frames >= stands_at) & (frames < stands_at + 9)})
    scene.frame_start, scene.frame_end = 15, 58
    rate = scene.render.fps / scene.render.fps_base
    assert bpy.ops.ikol.loop(seam_s=9 / rate, travel=True) == {"FINISHED"}
    first, length = scene.frame_start, scene.frame_end - scene.frame_start + 1
    assert (first, length) == (24, 34)
    cycles = _contact(armature, np.arange(first, first + 2.0 * length + 1))
    once = np.arange(24, 58)
    assert np.array_equal(cycles[:length], (once >= stands_at) & (once < stands_at + 9))
    assert np.array_equal(cycles[length:], cycles[: length + 1])


def _pin(armature: bpy.types.Object, *frames: int) -> np.ndarray:
    """Pins of a wrist as it is; their places."""
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        places.append(add_pin(bpy.context, armature, "L_Wrist", position=True, rotation=False).position[:])
    return np.array(places)


def test_pins_go_along_with_their_moments(armature: bpy.types.Object) -> None:
    scene, wrist = bpy.context.scene, armature.pose.bones.find("L_Wrist")
    _pin(armature, 5, 20, 50)
    assert bpy.ops.ikol.time_warp(speed=0.5) == {"FINISHED"}
    scene.frame_set(60)
    assert bpy.ops.ikol.hold(seconds=1.0, ease_s=0.0) == {"FINISHED"}
    added = scene.frame_end - 119
    assert [pin.frame for pin in armature.ikol_pins] == [9, 39, 99 + added]
    assert [pin.name for pin in armature.ikol_pins][1] == "L_Wrist @ 39"
    for pin in armature.ikol_pins:
        assert heads(armature, [pin.frame])[0, wrist] == pytest.approx(pin.position[:], abs=1e-3)
    scene.frame_start, scene.frame_end = 20, 60
    assert trim(bpy.context).pins_cleared == 2
    assert [pin.frame for pin in armature.ikol_pins] == [39]


def test_pins_that_meet_become_one(armature: bpy.types.Object) -> None:
    _pin(armature, 9, 10, 11)
    assert bpy.ops.ikol.time_warp(speed=4.0) == {"FINISHED"}
    assert [pin.frame for pin in armature.ikol_pins] == [3, 4]
    assert len({pin.frame for pin in armature.ikol_pins}) == 2


def test_trim_leaves_the_range(armature: bpy.types.Object) -> None:
    scene, original = bpy.context.scene, armature.animation_data.action
    scene.frame_start, scene.frame_end = 10, 30
    before = heads(armature, (10, 17, 30))
    assert bpy.ops.ikol.trim() == {"FINISHED"}
    assert armature.animation_data.action is not original
    for curve in curves_of(armature).fcurves:
        times = [point.co[0] for point in curve.keyframe_points]
        assert min(times) == pytest.approx(10, abs=1e-3) and max(times) == pytest.approx(30, abs=1e-3)
    assert heads(armature, (10, 17, 30)) == pytest.approx(before, abs=1e-4)
    frames = np.arange(10.0, 31.0)
    assert np.array_equal(_contact(armature, frames), frames > 20)


def test_trim_keeps_the_shape_of_sparse_curves(armature: bpy.types.Object) -> None:
    """Keys of an animator: far apart, with handles that Blender sets."""
    scene = bpy.context.scene
    bpy.ops.ikol.reduce_keys(tolerance_deg=3.0, tolerance_mm=30.0)
    for curve in curves_of(armature).fcurves:
        for point in curve.keyframe_points:
            point.handle_left_type = point.handle_right_type = "AUTO_CLAMPED"
        curve.update()
    scene.frame_start, scene.frame_end = 13, 41
    before = heads(armature, frames_of(scene))
    assert bpy.ops.ikol.trim() == {"FINISHED"}
    assert heads(armature, frames_of(scene)) == pytest.approx(before, abs=1e-4)


def test_half_speed_takes_twice_as_long(armature: bpy.types.Object) -> None:
    scene, original = bpy.context.scene, armature.animation_data.action
    before = heads(armature, range(1, 61))
    assert bpy.ops.ikol.time_warp(speed=0.5) == {"FINISHED"}
    assert armature.animation_data.action is not original and original.use_fake_user
    assert (scene.frame_start, scene.frame_end) == (1, 119)
    after = heads(armature, range(1, 120))
    assert after[::2] == pytest.approx(before, abs=1e-4)
    usual = np.linalg.norm(np.diff(before, n=2, axis=0), axis=-1).max()
    assert np.linalg.norm(np.diff(after, n=2, axis=0), axis=-1).max() < 0.5 * usual, "smooth between samples"
    frames = np.arange(1.0, 120.0)
    assert np.array_equal(_contact(armature, frames), (frames >= 41) & (frames < 81))
    curve = curves_of(armature).fcurves.find(f'["{CONTACTS[0]}"]')
    assert len(curve.keyframe_points) == 3, "still steps to take hold of"


def test_later_motion_is_shifted_unchanged(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    before = heads(armature, range(1, 61))
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 11, 31
    assert bpy.ops.ikol.time_warp(speed=2.0) == {"FINISHED"}
    assert (scene.frame_preview_start, scene.frame_preview_end, scene.frame_end) == (11, 21, 50)
    after = heads(armature, range(1, 51))
    assert after[:10] == pytest.approx(before[:10], abs=1e-5)
    assert after[20:] == pytest.approx(before[30:], abs=1e-5)
    assert after[10:21] == pytest.approx(before[10:31:2], abs=1e-4)
    frames = np.arange(1.0, 51.0)
    assert np.array_equal(_contact(armature, frames), (frames >= 16) & (frames < 31))


def test_keyed_speed_is_followed(armature: bpy.types.Object) -> None:
    """Normal speed up to frame 20, half of it from frame 40 on."""
    scene = bpy.context.scene
    before = heads(armature, range(1, 61))
    for frame, speed in ((20, 1.0), (40, 0.5)):
        scene.ikol.speed = speed
        scene.keyframe_insert("ikol.speed", frame=frame)
    assert bpy.ops.ikol.time_warp() == {"FINISHED"}
    end = scene.frame_end
    assert 19 + 20 / 0.72 + 40 - 5 < end < 19 + 20 / 0.72 + 40 + 5
    after = heads(armature, range(1, end + 1))
    assert after[:18] == pytest.approx(before[:18], abs=0.01)
    assert after[-1] == pytest.approx(before[-1], abs=1e-4)
    assert after[-21::2] == pytest.approx(before[-11:], abs=0.01)
    assert scene.ikol.speed == 1.0
    assert bpy.ops.ikol.time_warp() == {"FINISHED"}
    assert scene.frame_end == end, "its keys are used up"
    scene.ikol.speed = 0.5
    assert bpy.ops.ikol.time_warp() == {"FINISHED"}
    assert scene.frame_end == end, "a speed without keys does not count"


def test_hold_stands_still_and_shifts_the_rest(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    rate = scene.render.fps / scene.render.fps_base
    before = heads(armature, range(1, 61))
    scene.frame_set(30)
    assert bpy.ops.ikol.hold(seconds=1.0, ease_s=0.2) == {"FINISHED"}
    assert scene.frame_current == 30
    added = scene.frame_end - 60
    assert added == pytest.approx(1.2 * rate, abs=0.51)
    after = heads(armature, range(1, scene.frame_end + 1))
    assert after[:26] == pytest.approx(before[:26], abs=1e-5)
    assert after[34 + added :] == pytest.approx(before[34:], abs=1e-5)
    still = np.abs(after - before[29]).max(axis=(1, 2)) < 2e-3
    assert still.sum() == pytest.approx(rate, abs=4)
    jolt, usual = (np.linalg.norm(np.diff(h, n=2, axis=0), axis=-1).max() for h in (after, before))
    speed = np.linalg.norm(np.diff(before, axis=0), axis=-1).max()
    assert jolt < usual + speed / (0.2 * rate) * 2, "it comes to rest within the easing, not at once"
    frames = np.arange(1.0, scene.frame_end + 1.0)
    assert _contact(armature, frames).sum() == 20 + added
    scene.frame_set(500)
    with pytest.raises(RuntimeError, match="outside the motion"):
        bpy.ops.ikol.hold()


def test_hold_of_the_last_pose_lengthens_the_motion(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    before = heads(armature, range(1, 61))
    scene.frame_set(60)
    assert bpy.ops.ikol.hold(seconds=0.5, ease_s=0.0) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="less than a frame"):
        bpy.ops.ikol.hold(seconds=0.01)
    after = heads(armature, range(1, scene.frame_end + 1))
    assert scene.frame_end == 75
    assert after[:60] == pytest.approx(before, abs=1e-4)
    assert after[59:] == pytest.approx(np.repeat(before[-1:], 16, axis=0), abs=1e-4)


def test_too_slow_is_refused(armature: bpy.types.Object) -> None:
    bpy.context.scene.ikol.speed = 0.02
    bpy.context.scene.keyframe_insert("ikol.speed", frame=1)
    with pytest.raises(RuntimeError, match="Freeze pose"):
        bpy.ops.ikol.time_warp(speed=0.5)


def test_resampling_is_exact_on_samples_and_smooth_between(walk: Motion) -> None:
    same = resampled(walk, np.arange(len(walk)))
    assert quat.angle_between(same.rotations, walk.rotations).max() < 1e-6
    assert same.locations == pytest.approx(walk.locations)
    # Every other sample left out and guessed again: nearer than a straight line between its neighbours.
    sparse = Motion(walk.skeleton, walk.rate_hz / 2, walk.rotations[::2], walk.locations[::2])
    guess = resampled(sparse, np.arange(0.5, len(sparse) - 1)).rotations
    line = quat.slerp(sparse.rotations[:-1], sparse.rotations[1:], 0.5)
    truth = walk.rotations[1 : 2 * len(sparse) - 2 : 2]
    assert quat.angle_between(guess, truth).mean() < 0.8 * quat.angle_between(line, truth).mean()


def test_time_maps_go_there_and_back() -> None:
    frames = np.linspace(10, 50, 161)
    maps = (
        paced(frames, 1 + 0.8 * np.sin(frames), 1.0),
        held(30.0, 24.0, 9.0, 1.0, 60.0, 1.0),
        held(60.0, 24.0, 9.0, 1.0, 60.0, 0.5),
        held(1.0, 12.0, 9.0, 1.0, 60.0, 1.0),
    )
    every = np.linspace(-20, 80, 400)
    for found in maps:
        assert (np.diff(found.before) > 0).all() and (np.diff(found.after) > 0).all()
        assert found.earlier(found.later(every)) == pytest.approx(every, abs=1e-6)
        assert found.shift == pytest.approx(round(2 * found.shift) / 2, abs=1e-3)
        assert found.later(np.array([-5.0])) == pytest.approx([-5.0])
