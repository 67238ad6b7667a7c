"""Contacts of a loop go round with it, however they got there, and feet locked by them repeat."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup.loop import loop, unrolled
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS

from .evaluated import armature_of, heads
from .mocap import FEET, NAMES, deepmimic

_LENGTH = 32  # frames of the walk's cycle


@pytest.fixture(params=[6, 21], ids=["swinging", "standing"])
def walk_from(request: pytest.FixtureRequest, empty_scene: bpy.types.Scene) -> tuple[bpy.types.Object, int]:
    """Cycles of a real walk, and the frame at which to begin a loop of it; its left foot stands at one of the seams."""
    return armature_of(unrolled(loop(deepmimic("walk"), 0, 6, True), _LENGTH)), request.param


def _loop_from(start: int) -> tuple[int, int]:
    """The range looped, with travel: its first frame and its length."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = start - 1, start - 1 + _LENGTH + 6
    assert bpy.ops.ikol.loop(seam_s=0.2, travel=True) == {"FINISHED"}
    return scene.frame_start, scene.frame_end - scene.frame_start + 1


def _contacts(armature: bpy.types.Object, frames: range) -> np.ndarray:
    """(T, 4) by Blender's own evaluation."""
    curves = [curves_of(armature).fcurves.find(f'["{name}"]') for name in CONTACTS]
    return np.array([[curve.evaluate(frame) for curve in curves] for frame in frames])


@pytest.mark.parametrize("detected", ["never", "before", "after", "before and after"])
def test_feet_of_a_loop_are_locked_by_its_contacts(walk_from: tuple[bpy.types.Object, int], detected: str) -> None:
    armature, start = walk_from
    if "before" in detected:
        assert bpy.ops.ikol.detect_contacts() == {"FINISHED"}
    first, length = _loop_from(start)
    if "after" in detected:
        assert bpy.ops.ikol.detect_contacts() == {"FINISHED"}
    cycles = range(first, first + 2 * length + 1)
    if detected != "never":
        contacts = _contacts(armature, cycles)
        assert contacts.any() and np.array_equal(contacts[length:], contacts[: length + 1])
    _assert_locked_in_place(armature, cycles)


def _assert_locked_in_place(armature: bpy.types.Object, cycles: range) -> None:
    """Feet that stand already stay where they are when they are locked, in each of two cycles."""
    length = len(cycles) // 2
    before = heads(armature, cycles)
    assert bpy.ops.ikol.lock_feet(floor=False) == {"FINISHED"}
    after = heads(armature, cycles)
    feet = [armature.pose.bones.find(NAMES[foot]) for foot in FEET]
    assert np.linalg.norm(after - before, axis=-1)[:, feet].max() < 0.04
    after -= after[:, :1] * (1.0, 1.0, 0.0)
    assert after[length:] == pytest.approx(after[: length + 1], abs=2e-4)


def test_contacts_that_stay_after_the_cycle_count_within_it(walk_from: tuple[bpy.types.Object, int]) -> None:
    """As when they are keyed by hand: curves without a Cycles modifier."""
    armature, start = walk_from
    bpy.ops.ikol.detect_contacts()
    first, length = _loop_from(start)
    for name in CONTACTS:
        modifiers = curves_of(armature).fcurves.find(f'["{name}"]').modifiers
        modifiers.remove(modifiers[0])
    _assert_locked_in_place(armature, range(first, first + 2 * length + 1))
