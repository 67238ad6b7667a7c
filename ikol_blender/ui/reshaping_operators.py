"""Mirror and in place: each makes a new action of the active armature."""

from __future__ import annotations

from bpy.types import Context, Operator

from ..scene.reshaping import in_place, mirror
from .cleanup_operators import CleanUp, strength_property


class IKOL_OT_mirror(CleanUp, Operator):
    """Left for right within the frame range. Selected bones do what their partners did; all when none is selected"""

    bl_idname = "ikol.mirror"
    bl_label = "Mirror"

    def edit(self, context: Context) -> str:
        done = mirror(context)
        return f"Mirrored into {done.action.name}{done.words}"


class IKOL_OT_in_place(CleanUp, Operator):
    """Take the travel over the ground away; sway and height stay"""

    bl_idname = "ikol.in_place"
    bl_label = "In place"

    strength: strength_property()

    def edit(self, context: Context) -> str:
        done = in_place(context, strength=self.strength)
        return f"In place in {done.action.name}{done.words}"


CLASSES = (IKOL_OT_mirror, IKOL_OT_in_place)
