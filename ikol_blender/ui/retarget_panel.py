"""The retargeting part of the IKOL tab."""

from bpy.types import Context, Object, Panel, UILayout, UIList

from ..retarget.rig import listed_target


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_options = {"DEFAULT_CLOSED"}


class IKOL_PT_retarget(_Sidebar, Panel):
    bl_label = "Retarget"
    bl_order = 5

    def draw(self, context: Context) -> None:
        column = self.layout.column()
        column.prop(context.scene.ikol, "character")
        column.operator("ikol.retarget", text="Retarget to character", icon="ARMATURE_DATA")


class IKOL_PT_map_target(_Sidebar, Panel):
    bl_label = "Character's bones"
    bl_parent_id = "IKOL_PT_retarget"
    bl_order = 0

    @classmethod
    def poll(cls, context: Context) -> bool:
        return listed_target(context) is not None

    def draw(self, context: Context) -> None:
        _draw_map(self.layout, listed_target(context))


class IKOL_PT_map_source(_Sidebar, Panel):
    bl_label = "Source's bones"
    bl_parent_id = "IKOL_PT_retarget"
    bl_order = 1

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = context.active_object
        return armature is not None and armature.type == "ARMATURE" and armature != listed_target(context)

    def draw(self, context: Context) -> None:
        _draw_map(self.layout, context.active_object)


class IKOL_UL_bone_map(UIList):
    """A part of the body, a mark when somebody should look at it, and the bone to choose."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property) -> None:
        split = layout.split(factor=0.45)
        split.label(text=item.name, icon="ERROR" if item.doubtful else "NONE")
        split.prop_search(item, "bone", item.id_data.data, "bones", text="", icon="NONE")


CLASSES = (IKOL_UL_bone_map, IKOL_PT_retarget, IKOL_PT_map_target, IKOL_PT_map_source)


def _draw_map(layout: UILayout, armature: Object) -> None:
    kept = armature.ikol_map
    layout.operator("ikol.map_detect", icon="VIEWZOOM").armature = armature.name
    if len(kept.rows):
        layout.label(text=f"{armature.name}: {kept.title}")
        layout.template_list("IKOL_UL_bone_map", armature.name, kept, "rows", kept, "active", rows=8)
    row = layout.row(align=True)
    if len(kept.rows):
        for change, icon in (("ADD", "ADD"), ("REMOVE", "REMOVE")):
            button = row.operator("ikol.map_row", text="", icon=icon)
            button.armature, button.change = armature.name, change
        row.operator("ikol.map_clear", text="", icon="TRASH").armature = armature.name
    row.operator("ikol.map_load", text="Load", icon="FILE_FOLDER").armature = armature.name
    row.operator("ikol.map_save", text="Save", icon="FILE_TICK").armature = armature.name
