"""Mirror, loop, in place and trim, on real motion capture and in Blender."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.limbs import mirror_pairs, other_side
from bl_ext.user_default.ikol.ikol_blender.cleanup.loop import loop
from bl_ext.user_default.ikol.ikol_blender.cleanup.mirror import mirror
from bl_ext.user_default.ikol.ikol_blender.cleanup.motion import Motion
from bl_ext.user_default.ikol.ikol_blender.cleanup.travel import stay_in_place
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of

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


def test_a_loop_ends_as_it_begins_and_at_the_same_speed(walk: Motion) -> None:
    cycle = loop(walk, 0, 6)
    assert len(cycle) == len(walk) - 6
    heads = cycle.posed().heads
    assert np.linalg.norm(heads[-1] - heads[0], axis=-1).max() < 1e-9
    leaving, arriving = (heads[1] - heads[0]) * walk.rate_hz, (heads[-1] - heads[-2]) * walk.rate_hz
    usual = np.linalg.norm(np.diff(heads, n=2, axis=0), axis=-1).max() * walk.rate_hz
    assert np.linalg.norm(leaving - arriving, axis=-1).max() < 1.5 * usual


def test_loop_operator_repeats_without_a_seam(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    assert bpy.ops.ikol.loop(seam_s=0.3) == {"FINISHED"}
    first, last = scene.frame_start, scene.frame_end
    start, end, later = (_heads(armature, frame) for frame in (first, last, last + (last - first)))
    for name, place in start.items():
        assert np.linalg.norm(end[name] - place) < 1e-4
        assert np.linalg.norm(later[name] - place) < 1e-4
    with pytest.raises(RuntimeError, match="too short"):
        bpy.ops.ikol.loop(seam_s=2.0)


def test_in_place_keeps_height_and_pose(walk: Motion) -> None:
    still = stay_in_place(walk, 0)
    before, after = walk.posed().heads, still.posed().heads
    travel = np.linalg.norm(before[-1, 0, :2] - before[0, 0, :2])
    assert travel > 0.5
    assert np.linalg.norm(np.ptp(after[:, 0, :2], axis=0)) < 0.15 * travel
    assert np.abs(after[..., 2] - before[..., 2]).max() < 1e-9
    assert np.abs((after - after[:, :1]) - (before - before[:, :1])).max() < 1e-9


def test_trim_leaves_the_range(armature: bpy.types.Object) -> None:
    scene, original = bpy.context.scene, armature.animation_data.action
    scene.frame_start, scene.frame_end = 10, 30
    before = {frame: _heads(armature, frame) for frame in (10, 17, 30)}
    assert bpy.ops.ikol.trim() == {"FINISHED"}
    assert armature.animation_data.action is not original
    for curve in curves_of(armature).fcurves:
        times = [point.co[0] for point in curve.keyframe_points]
        assert min(times) == pytest.approx(10, abs=1e-3) and max(times) == pytest.approx(30, abs=1e-3)
    for frame, heads in before.items():
        after = _heads(armature, frame)
        assert max(np.linalg.norm(after[name] - heads[name]) for name in heads) < 1e-4
