"""Clean-up of the active armature's motion. Each operator makes a new action, whose strength the redo panel changes."""

from __future__ import annotations

import math

from bpy.props import BoolProperty, EnumProperty, FloatProperty
from bpy.types import Context, Operator

from ..cleanup.euler import ORDERS
from ..contract import IkolError
from ..scene.key_reduction import reduce_action
from ..scene.rotation_modes import QUATERNION, SAFEST, convert_rotations
from ..scene.smoothing import Method, smooth
from ..words import counted


class CleanUp:
    """What every clean-up operator shares."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE":
            cls.poll_message_set("Make an armature active")
            return False
        if armature.mode == "EDIT":
            cls.poll_message_set("Leave Edit mode")
            return False
        animation = armature.animation_data
        if animation is None or not (animation.action or animation.nla_tracks):
            cls.poll_message_set("The active armature has no motion")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        try:
            words = self.edit(context)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, words)
        return {"FINISHED"}


def strength_property() -> object:
    return FloatProperty(
        name="Strength", description="0 leaves the motion as it is", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )


class IKOL_OT_smooth(CleanUp, Operator):
    """Take the jitter out of the selected bones (all when none is selected) within the frame range, without delay"""

    bl_idname = "ikol.smooth"
    bl_label = "Smooth"

    method: EnumProperty(
        name="Method",
        items=(
            (Method.ADAPTIVE.value, "Keep punches", "Smooth what is jitter; keep what stands out of it"),
            (Method.BUTTERWORTH.value, "Everything fast", "Cut all that is faster than a frequency (Butterworth)"),
            (Method.ONE_EURO.value, "Calm bones most", "The slower a bone, the smoother it gets (One Euro)"),
        ),
    )
    calm_hz: FloatProperty(
        name="Calm", description="Motion slower than this always stays, in Hz", default=2.0, min=0.1, soft_max=10
    )
    cutoff_hz: FloatProperty(
        name="Cutoff", description="Motion faster than this goes, in Hz", default=5.0, min=0.1, soft_max=30
    )
    minimum_hz: FloatProperty(name="At rest", description="Cutoff of a bone at rest, in Hz", default=1.0, min=0.05)
    beta: FloatProperty(
        name="With speed", description="Hz that the cutoff grows by for each rad/s", default=1.0, min=0.0, soft_max=10
    )
    by_limb: BoolProperty(name="By limb", description="Smooth the trunk more and hands and feet less", default=True)
    spikes: BoolProperty(
        name="Remove spikes", description="Bridge single moments that jump away and back first", default=True
    )
    strength: strength_property()

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        for name in ("strength", "method", "by_limb", "spikes", *_FREQUENCY_OF[Method(self.method)]):
            layout.prop(self, name)

    def edit(self, context: Context) -> str:
        method = Method(self.method)
        done = smooth(
            context,
            method,
            frequency_hz=getattr(self, _FREQUENCY_OF[method][0]),
            beta=self.beta,
            by_limb=self.by_limb,
            spikes=self.spikes,
            strength=self.strength,
        )
        return f"Smoothed into {done.action.name}"


class IKOL_OT_reduce_keys(CleanUp, Operator):
    """Fewest Bezier keys that keep every selected bone, and every joint, within the tolerance"""

    bl_idname = "ikol.reduce_keys"
    bl_label = "Reduce keys"

    tolerance_deg: FloatProperty(
        name="Degrees", description="How far a bone's rotation may be off", default=1.0, min=0.01, soft_max=10
    )
    tolerance_mm: FloatProperty(
        name="Millimetres", description="How far a joint may be off in the world", default=5.0, min=0.01, soft_max=50
    )

    def edit(self, context: Context) -> str:
        done = reduce_action(context, tolerance_deg=self.tolerance_deg, tolerance_mm=self.tolerance_mm)
        share = 1 - done.after / max(done.before, 1)
        return f"{counted(done.before, 'key')} became {done.after} ({share:.0%} fewer) in {done.action.name}"


class IKOL_OT_convert_rotations(CleanUp, Operator):
    """Write the rotations of the selected bones in another way, with the same poses and without flips"""

    bl_idname = "ikol.convert_rotations"
    bl_label = "Convert rotations"

    mode: EnumProperty(
        name="To",
        items=(
            (SAFEST, "Safest Euler", "For each bone the order of axes that stays farthest from gimbal lock"),
            (QUATERNION, "Quaternion", "Never flips; four curves"),
            *((order, f"{order} Euler", "") for order in ORDERS),
        ),
    )

    def edit(self, context: Context) -> str:
        done = convert_rotations(context, mode=self.mode)
        modes = ", ".join(f"{count} {mode}" for mode, count in sorted(done.modes.items(), key=lambda item: -item[1]))
        if set(done.modes) == {QUATERNION}:
            return f"No flips; bones: {modes}; in {done.action.name}"
        margin = math.degrees(done.margin)
        lead = "No flips" if margin >= _CLEAR_DEG else "Fast turns near gimbal lock: Safest Euler or Quaternion may do"
        return f"{lead}; at least {margin:.0f} degrees from gimbal lock; bones: {modes}; in {done.action.name}"


# Nearer to gimbal lock, the curves of a bone that turns smoothly may run through tens of degrees in a frame.
_CLEAR_DEG = 5.0

_FREQUENCY_OF = {
    Method.ADAPTIVE: ("calm_hz",),
    Method.BUTTERWORTH: ("cutoff_hz",),
    Method.ONE_EURO: ("minimum_hz", "beta"),
}

CLASSES = (IKOL_OT_smooth, IKOL_OT_reduce_keys, IKOL_OT_convert_rotations)
