"""The clean-up part of the IKOL tab."""

from __future__ import annotations

from bpy.types import Context, Panel


class IKOL_PT_clean_up(Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_label = "Clean up"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        column = self.layout.column(align=True)
        column.operator("ikol.smooth", icon="MOD_SMOOTH")
        column.operator("ikol.lock_feet", icon="CON_FLOOR")
        column.operator("ikol.reduce_keys", icon="KEYFRAME")
        row = self.layout.row(align=True)
        row.operator("ikol.mirror", icon="MOD_MIRROR")
        row.operator("ikol.loop", icon="FILE_REFRESH")
        row = self.layout.row(align=True)
        row.operator("ikol.in_place", icon="PINNED")
        row.operator("ikol.trim", icon="PREVIEW_RANGE")


CLASSES = (IKOL_PT_clean_up,)
