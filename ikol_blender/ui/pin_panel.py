"""The pins of the active armature."""

from __future__ import annotations

from bpy.types import Context, Panel


class IKOL_PT_pins(Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_label = "Pins"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 3

    def draw(self, context: Context) -> None:
        column = self.layout.column(align=True)
        column.operator("ikol.pin_add", icon="PINNED")
        armature = context.active_object
        if armature is not None and armature.type == "ARMATURE":
            for index, pin in enumerate(armature.ikol_pins):
                row = column.row(align=True)
                row.label(text=pin.name)
                row.operator("ikol.pin_clear", text="", icon="X").index = index
        column.operator("ikol.pin_clear", icon="UNPINNED").index = -1
        for part, text in (("LIMB", "Re-solve Limb"), ("BODY", "Re-solve Body")):
            column.operator("ikol.resolve", text=text).limb = part


CLASSES = (IKOL_PT_pins,)
