"""Clean-up of a rig whose controls carry each other by constraints, as Rigify's do; by Blender's own evaluation."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.retarget.hold import hold_hand
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.samples import sample

from solver.take import write_take
from tests.ikol_blender.retarget.evaluated import evaluated
from tests.ikol_blender.retarget.mocap import mocap_take
from tests.ikol_blender.retarget.rigify import generated


@pytest.fixture
def dancer(empty_scene: bpy.types.Scene, tmp_path: Path, turning_take) -> bpy.types.Object:
    """A generated rig that dances by its FK controls, the active object."""
    write_take(mocap_take("dance_a", turning_take), tmp_path / "take.npz")
    import_take(bpy.context, tmp_path / "take.npz")
    rig = generated(full=False)
    retarget(bpy.context, rig)
    bpy.context.view_layer.objects.active = rig
    return rig


def _controls(rig: bpy.types.Object) -> list[str]:
    sampled = sample(bpy.context, rig)
    return [name for name, turned in zip(sampled.motion.skeleton.names, sampled.turned, strict=True) if turned]


def _frames(rig: bpy.types.Object) -> np.ndarray:
    first, last = rig.animation_data.action.frame_range
    return np.arange(np.ceil(first), np.floor(last) + 1)[:60]


def test_sampled_controls_are_where_blender_has_them(dancer: bpy.types.Object) -> None:
    names, sampled = _controls(dancer), sample(bpy.context, dancer)
    looks = np.linspace(0, len(sampled.frames) - 1, 9).astype(int)
    wanted = evaluated(dancer, names, sampled.frames[looks])[0]
    bones = [sampled.motion.skeleton.names.index(name) for name in names]
    assert np.abs(sampled.motion.posed().heads[looks][:, bones] - wanted).max() < 1e-4


def test_reduced_keys_keep_the_hands_within_the_tolerance(dancer: bpy.types.Object) -> None:
    frames = _frames(dancer)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = int(frames[0]), int(frames[-1])
    names = [*_controls(dancer), "DEF-hand.L", "DEF-hand.R", "DEF-foot.L", "DEF-foot.R"]
    before = evaluated(dancer, names, frames)[0]
    assert bpy.ops.ikol.reduce_keys(tolerance_deg=3.0, tolerance_mm=5.0) == {"FINISHED"}
    off = np.linalg.norm(evaluated(dancer, names, frames)[0] - before, axis=-1).max(axis=0) * 1000
    assert off.max() <= 5.0


def test_a_held_hand_is_where_the_object_is(dancer: bpy.types.Object) -> None:
    """The object goes along with the shoulder, so that the arm reaches it."""
    frames = _frames(dancer)[20:41]
    prop = bpy.data.objects.new("prop", None)
    bpy.context.scene.collection.objects.link(prop)
    for frame, shoulder in zip(frames, evaluated(dancer, ["upper_arm_fk.L"], frames)[0][:, 0], strict=True):
        prop.location = shoulder + np.array([0.05, -0.2, -0.25])
        prop.keyframe_insert("location", frame=frame)
    done = hold_hand(bpy.context, "L", float(frames[0]), float(frames[-1]), at=prop)
    assert done.missed < 1e-4
    for frame in frames:
        held = evaluated(dancer, ["hand_fk.L", "DEF-hand.L"], [frame])[0][0]
        assert np.linalg.norm(held - np.array(prop.matrix_world.translation), axis=-1).max() < 2e-3


def _copy_location(rig: bpy.types.Object, bone: str) -> None:
    prop = bpy.data.objects.new("prop", None)
    bpy.context.scene.collection.objects.link(prop)
    rig.pose.bones[bone].constraints.new("COPY_LOCATION").target = prop
    bpy.context.view_layer.update()


def test_what_something_else_places_is_refused(dancer: bpy.types.Object) -> None:
    _copy_location(dancer, "torso")
    for operator in (bpy.ops.ikol.reduce_keys, bpy.ops.ikol.lock_feet, bpy.ops.ikol.fix_floor):
        with pytest.raises(RuntimeError, match="not where its keys"):
            operator()
    with pytest.raises(RuntimeError, match="not where its keys"):
        bpy.ops.ikol.hold_hand(side="L", start=15, end=25)
    assert bpy.ops.ikol.smooth() == {"FINISHED"}, "that needs no places"


@pytest.mark.parametrize("by_parent", [False, True])
def test_an_object_that_moves_is_refused(empty_scene: bpy.types.Scene, take_file: Path, by_parent: bool) -> None:
    armature = import_take(bpy.context, take_file).armature
    moving = armature
    if by_parent:
        moving = armature.parent = bpy.data.objects.new("cart", None)
        empty_scene.collection.objects.link(moving)
    for frame in (1, 60):
        moving.location.x = frame / 30
        moving.keyframe_insert("location", frame=frame)
    empty_scene.frame_set(7)
    for operator in (bpy.ops.ikol.reduce_keys, bpy.ops.ikol.lock_feet, bpy.ops.ikol.fix_floor):
        with pytest.raises(RuntimeError, match="itself animated"):
            operator()
    with pytest.raises(RuntimeError, match="itself animated"):
        bpy.ops.ikol.hold_hand(side="L", start=15, end=25)
    assert empty_scene.frame_current == 7


def test_a_scaled_bone_is_refused(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    armature = import_take(bpy.context, take_file).armature
    armature.pose.bones["Spine1"].scale = (1.3, 1.3, 1.3)
    with pytest.raises(RuntimeError, match="a bone's scale"):
        bpy.ops.ikol.reduce_keys()
