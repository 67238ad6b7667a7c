"""The confidence part of the IKOL tab."""

from __future__ import annotations

from bpy.types import Context, Panel

from ..confidence.chosen import active_timeline, chosen_columns
from ..words import counted


class IKOL_PT_confidence(Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"
    bl_label = "Confidence"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 2

    def draw(self, context: Context) -> None:
        settings, layout = context.scene.ikol, self.layout
        column = layout.column(align=True)
        column.prop(settings, "show_confidence", icon="ACTION")
        column.prop(settings, "tint_doubtful", icon="BONE_DATA")
        fields = layout.column(align=True)
        fields.use_property_split = True
        fields.use_property_decorate = False
        fields.prop(settings, "doubt_threshold", slider=True)
        fields.prop(settings, "doubt_shortest")
        found = active_timeline(context)
        row = layout.row(align=True)
        row.enabled = found is not None
        for name, text, icon in (("previous", "Previous", "PREV_KEYFRAME"), ("next", "Next", "NEXT_KEYFRAME")):
            jump = row.operator(f"ikol.{name}_doubtful", text=text, icon=icon)
            jump.threshold, jump.shortest = settings.doubt_threshold, settings.doubt_shortest
        if found is None:
            layout.label(text="Click an armature whose motion IKOL imported.", icon="INFO")
            return
        armature, timeline = found
        count = len(chosen_columns(armature, timeline))
        layout.label(text="Of all bones" if count == len(timeline.bones) else f"Of {counted(count, 'selected bone')}")


CLASSES = (IKOL_PT_confidence,)
