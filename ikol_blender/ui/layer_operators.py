"""Layers in the NLA: an offset of the whole motion, and one motion of all layers."""

from __future__ import annotations

import json

from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..scene.layers import add_offset_layer, merge_layers, posed_offsets
from ..words import counted
from .cleanup_operators import CleanUp, strength_property


class IKOL_OT_add_offset_layer(CleanUp, Operator):
    """Make what you have posed at this frame, without a key, an offset of the whole motion: "lean him forward" """

    bl_idname = "ikol.add_offset_layer"
    bl_label = "Add offset layer"

    strength: strength_property()
    # The redo panel undoes first, and with that what was posed: it is remembered here.
    posed: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def draw(self, context: Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "strength")

    def edit(self, context: Context) -> str:
        self.posed = self.posed or json.dumps(posed_offsets(context))
        layer = add_offset_layer(context, json.loads(self.posed), strength=self.strength)
        count = len(layer.bones)
        return f"{counted(count, 'bone')} offset by the NLA strip {layer.strip.name}"


class IKOL_OT_merge_layers(CleanUp, Operator):
    """Make one new action of all layers, for the other tools; the NLA's tracks are muted and stay"""

    bl_idname = "ikol.merge_layers"
    bl_label = "Merge layers"

    def edit(self, context: Context) -> str:
        return f"Merged into {merge_layers(context).name}; the layers are muted"


CLASSES = (IKOL_OT_add_offset_layer, IKOL_OT_merge_layers)
