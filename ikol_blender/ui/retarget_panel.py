"""The retargeting part of the IKOL tab."""

from bpy.types import Context, Panel


class IKOL_PT_retarget(Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_label = "Retarget"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        self.layout.operator("ikol.retarget", text="Retarget to character", icon="ARMATURE_DATA")
        self.layout.operator("ikol.hold_hand", text="Hold hand", icon="VIEW_PAN")


CLASSES = (IKOL_PT_retarget,)
