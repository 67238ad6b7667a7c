"""The clean-up part of the IKOL tab, from top to bottom in the order of work."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from ..scene.compat import selected_bones
from ..scene.timing import shown_range
from ..words import counted

# By heading, rows of operators and their icons. Those under _ON_SELECTED leave other bones as they are.
_ON_SELECTED = ("Noise", "Sides", "Layers", "Curves")
_ROWS = (
    ("Noise", ((("ikol.smooth", "MOD_SMOOTH"),),)),
    (
        "Feet",
        (
            (("ikol.detect_contacts", "KEY_HLT"),),
            (("ikol.lock_feet", "PINNED"), ("ikol.fix_floor", "AXIS_TOP")),
        ),
    ),
    ("Hand", ((("ikol.hold_hand", "VIEW_PAN"),),)),
    ("Sides", ((("ikol.mirror", "MOD_MIRROR"),),)),
    ("Travel", ((("ikol.in_place", "UNPINNED"),),)),
    (
        "Time",
        (
            (("ikol.trim", "PREVIEW_RANGE"), ("ikol.loop", "FILE_REFRESH")),
            (("ikol.hold", "PAUSE"), ("ikol.time_warp", "MOD_TIME")),
        ),
    ),
    ("Layers", ((("ikol.add_offset_layer", "NLA"), ("ikol.merge_layers", "NLA_PUSHDOWN")),)),
    ("Curves", ((("ikol.reduce_keys", "KEYFRAME"), ("ikol.convert_rotations", "ORIENTATION_GIMBAL")),)),
)


class IKOL_PT_clean_up(Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_label = "Clean up"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 4

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.label(text=_frames(context), icon="INFO")
        bones = _bones(context)
        for heading, rows in _ROWS:
            column = layout.column(align=True)
            column.label(text=f"{heading} ({bones})" if bones and heading in _ON_SELECTED else heading)
            for operators in rows:
                row = column.row(align=True)
                for name, icon in operators:
                    row.operator(name, icon=icon)
            if heading == "Time":
                _draw_speed(column, context)


def _frames(context: Context) -> str:
    """What the tools that have a range go by; layers, rotations and what has frames of its own take no notice."""
    armature, scene = context.active_object, context.scene
    if armature is None or armature.type != "ARMATURE":
        return "Make an armature active"
    first, last = shown_range(scene)
    return f"{'Preview' if scene.use_preview_range else 'Frame'} range: {first} to {last}"


def _bones(context: Context) -> str:
    """Which bones the tools work on that go by the selection; nothing when that is all of them."""
    armature = context.active_object
    if armature is None or armature.type != "ARMATURE" or armature.mode != "POSE":
        return ""
    count = len(selected_bones(armature))
    return counted(count, "selected bone") if count else ""


def _draw_speed(layout: UILayout, context: Context) -> None:
    layout.prop(context.scene.ikol, "speed", text="Speed for Time warp")


CLASSES = (IKOL_PT_clean_up,)
