"""Edited actions are named after the motion, whatever its name."""

from __future__ import annotations

import re
from pathlib import Path

import bpy
import pytest
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.writing import unedited_name

_CODE = Path(__file__).resolve().parents[3] / "ikol_blender"


@pytest.mark.parametrize("name", ["walk", "walk | left foot", "jog.002", "loop", "run | hold on"])
def test_only_what_edits_add_is_cut(name: str) -> None:
    for edits in ("", " | smoothed", " | feet locked.001", " | contacts | Euler"):
        assert unedited_name(name + edits) == name


def test_every_edit_is_known() -> None:
    call = re.compile(r'(?:write_motion|edit_motion|edited_name|_retimed|_name|_edit)\(.*?"([A-Za-z ]+)"')
    labels = {label for path in _CODE.rglob("*.py") for label in call.findall(path.read_text(encoding="utf-8"))}
    assert {"smoothed", "hand held", "retimed", "feet locked", "merged"} <= labels
    for label in labels:
        assert unedited_name(f"walk | {label}") == "walk", label


def test_edits_of_edits_keep_the_animators_name(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    armature = import_take(bpy.context, take_file).armature
    armature.animation_data.action.name = "walk | left foot"
    bpy.ops.ikol.mirror()
    bpy.ops.ikol.trim()
    assert armature.animation_data.action.name == "walk | left foot | trimmed"
