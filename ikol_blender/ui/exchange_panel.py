"""The in and out part of the IKOL tab."""

from bpy.types import Context, Panel


class IKOL_PT_exchange(Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_label = "Import and export"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 6

    def draw(self, context: Context) -> None:
        column = self.layout.column(align=True)
        column.operator("ikol.import_motion", text="Import motion...", icon="IMPORT")
        column.operator("ikol.export", text="Export motion...", icon="EXPORT")


CLASSES = (IKOL_PT_exchange,)
