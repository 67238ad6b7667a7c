"""Sentences in a panel: Blender's labels do not wrap by themselves."""

from __future__ import annotations

import textwrap

from bpy.types import UILayout

_LETTERS_IN_SIDEBAR = 36


def draw_text(layout: UILayout, text: str, icon: str) -> None:
    """`text` over as many lines as the sidebar needs at its first width, `icon` before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in textwrap.wrap(text, _LETTERS_IN_SIDEBAR) or [""]:
        column.label(text=line, icon=icon)
        icon = "BLANK1"
