"""Mirror, loop, in place and trim: each makes a new action of the active armature."""

from __future__ import annotations

from bpy.props import FloatProperty
from bpy.types import Context, Operator

from ..scene.reshaping import in_place, loop, mirror, trim
from .cleanup_operators import CleanUp


class IKOL_OT_mirror(CleanUp, Operator):
    """Left for right"""

    bl_idname = "ikol.mirror"
    bl_label = "Mirror"

    def edit(self, context: Context) -> str:
        return f"Mirrored into {mirror(context).action.name}"


class IKOL_OT_loop(CleanUp, Operator):
    """Make the frame range a cycle on the spot whose end becomes its beginning"""

    bl_idname = "ikol.loop"
    bl_label = "Loop"

    seam_s: FloatProperty(
        name="Seam", description="Seconds in which the end becomes the beginning", default=0.4, min=0.02, soft_max=2
    )

    def edit(self, context: Context) -> str:
        return f"Looped into {loop(context, seam_s=self.seam_s).name}"


class IKOL_OT_in_place(CleanUp, Operator):
    """Take the travel over the ground away; sway and height stay"""

    bl_idname = "ikol.in_place"
    bl_label = "In place"

    def edit(self, context: Context) -> str:
        return f"In place in {in_place(context).action.name}"


class IKOL_OT_trim(CleanUp, Operator):
    """Leave out what lies outside the frame range"""

    bl_idname = "ikol.trim"
    bl_label = "Trim"

    def edit(self, context: Context) -> str:
        return f"Trimmed into {trim(context).name}"


CLASSES = (IKOL_OT_mirror, IKOL_OT_loop, IKOL_OT_in_place, IKOL_OT_trim)
