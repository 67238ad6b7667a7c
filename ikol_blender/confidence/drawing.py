"""Hooks the strip and the tint into Blender's editors, for as long as the extension is enabled."""

from __future__ import annotations

import bpy

from .strip import draw_strip, forget_strip
from .timeline import stop_watching, watch_changes
from .tint import draw_tint

_SHOWN_IN = ("DOPESHEET_EDITOR", "GRAPH_EDITOR", "VIEW_3D")
_hooks: list[tuple[type[bpy.types.Space], object]] = []


def start_drawing() -> None:
    """The hooks outlast the opening of another file; each returns at once while its switch is off."""
    for space, function, moment in (
        (bpy.types.SpaceDopeSheetEditor, draw_strip, "POST_PIXEL"),
        (bpy.types.SpaceGraphEditor, draw_strip, "POST_PIXEL"),
        (bpy.types.SpaceView3D, draw_tint, "POST_VIEW"),
    ):
        _hooks.append((space, space.draw_handler_add(function, (), "WINDOW", moment)))
    watch_changes()


def stop_drawing() -> None:
    while _hooks:
        space, hook = _hooks.pop()
        space.draw_handler_remove(hook, "WINDOW")
    stop_watching()
    forget_strip()
    redraw_editors(bpy.context)


def redraw_editors(context: bpy.types.Context) -> None:
    """Draw again what shows the strip or the tint."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _SHOWN_IN:
                area.tag_redraw()
