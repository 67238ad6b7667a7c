"""The extension comes and goes without a trace."""

from __future__ import annotations

import addon_utils
import bpy

EXTENSION = "bl_ext.user_default.ikol"


def _traces() -> list[str]:
    types = [name for name in dir(bpy.types) if name.startswith("IKOL_")]
    operators = dir(bpy.ops.ikol)
    menu = [draw for draw in bpy.types.TOPBAR_MT_file_import._dyn_ui_initialize() if "ikol" in draw.__module__]
    return types + operators + menu + (["Scene.ikol"] if hasattr(bpy.types.Scene, "ikol") else [])


def test_disabling_leaves_nothing_and_enabling_brings_it_back() -> None:
    before = _traces()
    assert {"solve", "cancel", "import_take", "install_solver", "remove_solver", "Scene.ikol"} <= set(
        before[:-2] + before[-1:]
    )
    addon_utils.disable(EXTENSION)
    assert _traces() == []
    assert addon_utils.enable(EXTENSION) is not None
    assert _traces() == before


def test_settings_and_preferences_are_there(empty_scene: bpy.types.Scene) -> None:
    assert empty_scene.ikol.detector == "heavy"
    assert bpy.context.preferences.addons[EXTENSION].preferences.device == "auto"


def test_panels_stand_in_the_order_of_work(empty_scene: bpy.types.Scene) -> None:
    panels = [getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("IKOL_PT_")]
    tops = sorted((panel for panel in panels if not hasattr(panel, "bl_parent_id")), key=lambda panel: panel.bl_order)
    titles = "IKOL Motion Capture, Takes, Confidence, Pins, Clean up, Retarget, Import and export"
    assert ", ".join(panel.bl_label for panel in tops) == titles
    assert len({panel.bl_order for panel in tops}) == len(tops)
