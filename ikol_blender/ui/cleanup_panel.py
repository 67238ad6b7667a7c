"""The clean-up part of the IKOL tab, from top to bottom in the order of work."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from ..scene.compat import selected_bones

# By heading, rows of operators and their icons.
_ROWS = (
    ("Noise", ((("ikol.smooth", "MOD_SMOOTH"),),)),
    (
        "Feet",
        (
            (("ikol.detect_contacts", "KEY_HLT"),),
            (("ikol.lock_feet", "PINNED"), ("ikol.fix_floor", "AXIS_TOP")),
        ),
    ),
    ("Body", ((("ikol.mirror", "MOD_MIRROR"), ("ikol.in_place", "UNPINNED")),)),
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

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.label(text=_what(context), icon="INFO")
        for heading, rows in _ROWS:
            column = layout.column(align=True)
            column.label(text=heading)
            for operators in rows:
                row = column.row(align=True)
                for name, icon in operators:
                    row.operator(name, icon=icon)
            if heading == "Time":
                _draw_speed(column, context)


def _what(context: Context) -> str:
    """Which bones and frames the tools work on."""
    armature, scene = context.active_object, context.scene
    if armature is None or armature.type != "ARMATURE":
        return "Make an armature active"
    chosen = len(selected_bones(armature)) if armature.mode == "POSE" else 0
    bones = f"{chosen} selected bone{'s' if chosen != 1 else ''}" if chosen else "All bones"
    if scene.use_preview_range:
        return f"{bones}, preview range {scene.frame_preview_start} to {scene.frame_preview_end}"
    return f"{bones}, frames {scene.frame_start} to {scene.frame_end}"


def _draw_speed(layout: UILayout, context: Context) -> None:
    layout.prop(context.scene.ikol, "speed", text="Speed for Time warp")


CLASSES = (IKOL_PT_clean_up,)
