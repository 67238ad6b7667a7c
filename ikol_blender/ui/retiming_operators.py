"""Trim, loop, time-warp and hold: when things happen. Each makes a new action, with all of the bones."""

from __future__ import annotations

from bpy.props import BoolProperty, FloatProperty
from bpy.types import Context, Operator

from ..scene.retiming import SLOWEST, hold, loop, time_warp, trim
from ..scene.timing import shown_range
from .cleanup_operators import CleanUp


class IKOL_OT_trim(CleanUp, Operator):
    """Leave out what lies outside the frame range"""

    bl_idname = "ikol.trim"
    bl_label = "Trim"

    def edit(self, context: Context) -> str:
        done = trim(context)
        return f"Trimmed into {done.action.name}{done.words}"


class IKOL_OT_time_warp(CleanUp, Operator):
    """Run the frame range faster or slower; what comes later is shifted"""

    bl_idname = "ikol.time_warp"
    bl_label = "Time warp"

    speed: FloatProperty(
        name="Speed", description="2 is twice as fast", default=1.0, min=SLOWEST, soft_min=0.1, soft_max=4.0
    )
    keyed: BoolProperty(
        name="Times the keyed speed",
        description="Times the Speed where it is keyed in the IKOL tab; its keys are cleared then",
        default=True,
    )

    def edit(self, context: Context) -> str:
        done = time_warp(context, speed=self.speed, keyed=self.keyed)
        cleared = "; the keys of the speed are used up and cleared" if done.speed_cleared else ""
        return f"Retimed into {done.action.name}; the range now ends at frame {_end(context)}{cleared}"


class IKOL_OT_hold(CleanUp, Operator):
    """Stop the whole body in the pose of the current frame for a while; what comes later is shifted"""

    bl_idname = "ikol.hold"
    bl_label = "Freeze pose"

    seconds: FloatProperty(name="Seconds", description="How long", default=1.0, min=0.0, soft_max=10.0)
    ease_s: FloatProperty(
        name="Ease", description="Seconds to come to rest, and to leave again", default=0.3, min=0.0, soft_max=2.0
    )

    def edit(self, context: Context) -> str:
        action = hold(context, seconds=self.seconds, ease_s=self.ease_s)
        return f"Frozen in {action.name}; the range now ends at frame {_end(context)}"


class IKOL_OT_loop(CleanUp, Operator):
    """Make the frame range a cycle whose end becomes its beginning, and repeat it"""

    bl_idname = "ikol.loop"
    bl_label = "Loop"

    seam_s: FloatProperty(
        name="Seam", description="Seconds in which the end becomes the beginning", default=0.4, min=0.02, soft_max=2
    )
    travel: BoolProperty(
        name="Keep travel", description="Go on over the ground from cycle to cycle, instead of on the spot"
    )

    def edit(self, context: Context) -> str:
        done = loop(context, seam_s=self.seam_s, travel=self.travel)
        return f"Looped into {done.action.name}{done.words}"


def _end(context: Context) -> int:
    return shown_range(context.scene)[1]


CLASSES = (IKOL_OT_trim, IKOL_OT_time_warp, IKOL_OT_hold, IKOL_OT_loop)
