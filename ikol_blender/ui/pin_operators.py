"""Pins, and Re-solve around them."""

from __future__ import annotations

from bpy.props import BoolProperty, EnumProperty, IntProperty
from bpy.types import Context, Operator

from ..contract import IkolError
from ..pins.resolve import Part, resolve
from ..pins.stored import add_pin, clear_pins
from ..scene.compat import selected_bones
from ..words import counted


class IKOL_OT_pin_add(Operator):
    """Remember how the selected bones are posed on this one frame; Re-solve then leads the motion through it"""

    bl_idname = "ikol.pin_add"
    bl_label = "Pin"
    bl_options = {"REGISTER", "UNDO"}

    position: BoolProperty(name="Position", description="Hold where the bone's head is", default=True)
    rotation: BoolProperty(name="Rotation", description="Hold how the bone is turned", default=True)

    @classmethod
    def poll(cls, context: Context) -> bool:
        if context.mode != "POSE":
            cls.poll_message_set("Pose a bone of the armature in Pose mode first")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        armature = context.active_object
        bones = selected_bones(armature)
        if not bones:
            self.report({"ERROR"}, "No bone is selected. Click the bone to pin.")
            return {"CANCELLED"}
        try:
            for bone in sorted(bones):
                add_pin(context, armature, bone, position=self.position, rotation=self.rotation)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        return {"FINISHED"}


class _OnPins:
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE" or not armature.ikol_pins:
            cls.poll_message_set("The active armature has no pins")
            return False
        return True


class IKOL_OT_pin_clear(_OnPins, Operator):
    """Remove pins of the active armature; the motion stays"""

    bl_idname = "ikol.pin_clear"
    bl_label = "Clear Pins"

    index: IntProperty(name="Pin", description="Which one; -1 removes all", default=-1, min=-1, options={"SKIP_SAVE"})

    def execute(self, context: Context) -> set[str]:
        armature = context.active_object
        if self.index < 0:
            clear_pins(armature)
        elif self.index < len(armature.ikol_pins):
            armature.ikol_pins.remove(self.index)
        else:
            self.report(
                {"ERROR"}, f"There is no pin {self.index}: the armature has {counted(len(armature.ikol_pins), 'pin')}."
            )
            return {"CANCELLED"}
        return {"FINISHED"}


class IKOL_OT_resolve(_OnPins, Operator):
    """Change the motion in the frame range as little as the pins allow; everything else stays"""

    bl_idname = "ikol.resolve"
    bl_label = "Re-solve"

    frame_start: IntProperty(name="First Frame", description="The scene's own when not given", default=0)
    frame_end: IntProperty(name="Last Frame", description="The scene's own when not given", default=0)
    limb: EnumProperty(
        name="Moves",
        items=(
            (Part.LIMB.value, "Limb", "Only the limb of each pin moves"),
            (Part.BODY.value, "Body", "The body follows the pins; the feet stay in place"),
        ),
    )

    def execute(self, context: Context) -> set[str]:
        given = self.properties.is_property_set
        try:
            report = resolve(
                context,
                frame_start=self.frame_start if given("frame_start") else None,
                frame_end=self.frame_end if given("frame_end") else None,
                part=Part(self.limb),
            )
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        if report.foot_m > 0.005:
            self.report({"WARNING"}, f"A leg is too short to keep its foot in place: {report.foot_m * 100:.1f} cm off")
        self.report({"INFO"}, f"Held {counted(report.pins, 'pin')}; new keys on {counted(report.bones, 'bone')}")
        return {"FINISHED"}


CLASSES = (IKOL_OT_pin_add, IKOL_OT_pin_clear, IKOL_OT_resolve)
