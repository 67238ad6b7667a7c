"""Modifiers of curves, and curves that are muted: what Blender shows is what is edited, once."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of

from .evaluated import axes, frames_of, heads

_KNEE = 'pose.bones["L_Knee"].rotation_quaternion'


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    return import_take(bpy.context, take_file).armature


def _types(armature: bpy.types.Object, path: str) -> list[list[str]]:
    found = [curve for curve in curves_of(armature).fcurves if curve.data_path == path]
    return [[modifier.type for modifier in curve.modifiers] for curve in found]


def _shake(armature: bpy.types.Object) -> None:
    for index in range(4):
        modifier = curves_of(armature).fcurves.find(_KNEE, index=index).modifiers.new("NOISE")
        modifier.strength, modifier.scale = 0.3, 4.0
    bpy.context.view_layer.update()


def test_noise_is_there_once(armature: bpy.types.Object) -> None:
    _shake(armature)
    scene = bpy.context.scene
    shown = axes(armature, frames_of(scene))
    assert bpy.ops.ikol.reduce_keys(tolerance_deg=0.5, tolerance_mm=5.0) == {"FINISHED"}
    assert _types(armature, _KNEE) == [[], [], [], []]
    assert np.abs(axes(armature, frames_of(scene)) - shown).max() < np.radians(3.0)


def test_noise_goes_on_outside_the_range(armature: bpy.types.Object) -> None:
    _shake(armature)
    scene = bpy.context.scene
    shown = axes(armature, range(1, 61))
    scene.frame_start, scene.frame_end = 20, 40
    assert bpy.ops.ikol.smooth() == {"FINISHED"}
    after = axes(armature, range(1, 61))
    assert _types(armature, _KNEE) == [[], [], [], []]
    assert after[:18] == pytest.approx(shown[:18], abs=1e-4) and after[41:] == pytest.approx(shown[41:], abs=1e-4)
    assert np.abs(after[18:41] - shown[18:41]).max() > 1e-3


@pytest.mark.parametrize("operator", ["reduce_keys", "convert_rotations", "smooth"])
def test_cycles_goes_on(armature: bpy.types.Object, operator: str) -> None:
    for index in range(4):
        modifier = curves_of(armature).fcurves.find(_KNEE, index=index).modifiers.new("CYCLES")
        modifier.mode_before, modifier.cycles_after = "NONE", 3
    beyond = np.arange(61, 100, 7)
    shown = axes(armature, beyond)
    assert getattr(bpy.ops.ikol, operator)() == {"FINISHED"}
    bone = armature.pose.bones["L_Knee"]
    path = f'pose.bones["L_Knee"].rotation_{"quaternion" if bone.rotation_mode == "QUATERNION" else "euler"}'
    stacks = [curve.modifiers for curve in curves_of(armature).fcurves if curve.data_path == path]
    assert len(stacks) == (3 if operator == "convert_rotations" else 4)
    for stack in stacks:
        assert [(m.type, m.mode_before, m.cycles_after) for m in stack] == [("CYCLES", "NONE", 3)]
    if operator == "convert_rotations":
        assert axes(armature, beyond) == pytest.approx(shown, abs=1e-3)


def test_muted_curves_are_no_motion(armature: bpy.types.Object) -> None:
    """Muted, the knee stays as it is posed: no key of it is made, and places are right."""
    for index in range(4):
        curves_of(armature).fcurves.find(_KNEE, index=index).mute = True
    armature.pose.bones["L_Knee"].rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    frames = frames_of(bpy.context.scene)
    shown = heads(armature, frames)
    assert bpy.ops.ikol.reduce_keys(tolerance_deg=1.0, tolerance_mm=5.0) == {"FINISHED"}
    assert np.linalg.norm(heads(armature, frames) - shown, axis=-1).max() <= 5e-3
    knee = [curve for curve in curves_of(armature).fcurves if curve.data_path == _KNEE]
    assert all(curve.mute and len(curve.keyframe_points) == 60 for curve in knee)
