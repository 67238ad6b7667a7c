"""Next and previous doubtful range."""

from __future__ import annotations

from bpy.props import FloatProperty
from bpy.types import Context, Operator

from ..confidence.jump import Doubt, jump_to_doubt
from ..contract import IkolError

_NAMED = 3


class _Jump:
    # As Blender's own jumps to keyframes: one after another is one undo step.
    bl_options = {"REGISTER", "UNDO_GROUPED"}
    bl_undo_group = "Frame Change"

    threshold: FloatProperty(
        name="Threshold",
        description="Doubtful is what has less confidence",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    shortest: FloatProperty(
        name="Shortest",
        description="Pass over ranges that are shorter, in seconds",
        default=0.1,
        min=0.0,
        soft_max=2.0,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE":
            cls.poll_message_set("Make the armature of a take active")
            return False
        return True

    def jump(self, context: Context, *, backwards: bool) -> set[str]:
        try:
            doubt = jump_to_doubt(context, threshold=self.threshold, shortest_s=self.shortest, backwards=backwards)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        if doubt is None:
            self.report({"INFO"}, f"No doubtful range {'before' if backwards else 'after'} this frame")
            return {"CANCELLED"}
        self.report({"INFO"}, _in_words(doubt))
        return {"FINISHED"}


class IKOL_OT_next_doubtful(_Jump, Operator):
    """Go to the next range in which a selected bone (any when none is selected) has low confidence"""

    bl_idname = "ikol.next_doubtful"
    bl_label = "Next Doubtful Range"

    def execute(self, context: Context) -> set[str]:
        return self.jump(context, backwards=False)


class IKOL_OT_previous_doubtful(_Jump, Operator):
    """Go to the range before this frame in which a selected bone (any when none is selected) has low confidence"""

    bl_idname = "ikol.previous_doubtful"
    bl_label = "Previous Doubtful Range"

    def execute(self, context: Context) -> set[str]:
        return self.jump(context, backwards=True)


def _in_words(doubt: Doubt) -> str:
    """ "Frame 45, for 0.60 s: L_Wrist, L_Hand and 2 more, down to 12 %" """
    more = len(doubt.bones) - _NAMED
    names = ", ".join(doubt.bones[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"Frame {doubt.frame}, for {doubt.seconds:.2f} s: {names}, down to {doubt.lowest:.0%}"


CLASSES = (IKOL_OT_next_doubtful, IKOL_OT_previous_doubtful)
