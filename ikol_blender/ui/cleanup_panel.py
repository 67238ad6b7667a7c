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
        column.operator("ikol.reduce_keys", icon="KEYFRAME")


CLASSES = (IKOL_PT_clean_up,)
