"""Retargeting of the active armature's motion."""

import math

from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from bpy.types import Context, Operator

from ..contract import BadInput, IkolError
from ..retarget.hold import hold_hand
from ..retarget.rig import character_of, find_target, proposed_target
from ..retarget.run import retarget
from ..retarget.stored_map import list_unsure, role_title
from ..retarget.transfer import Root
from ..scene.timing import changed_rate, scene_rate


class IKOL_OT_retarget(Operator):
    """Give a character the active armature's motion, as a new action"""

    bl_idname = "ikol.retarget"
    bl_label = "Retarget"
    bl_options = {"REGISTER", "UNDO"}

    target: StringProperty(name="Target", description="The character's armature")
    plant_feet: BoolProperty(
        name="Plant feet",
        description="While retargeting, feet of the character stand still when the source's do (not in place)",
        default=True,
    )
    root: EnumProperty(
        name="Travel",
        items=(
            (Root.SCALED.value, "By leg length", "Steps as long as the character's legs make them"),
            (Root.WORLD.value, "As the source", "Where the source is; its height by leg length"),
            (Root.IN_PLACE.value, "In place", "On the spot"),
        ),
    )
    root_bone: StringProperty(
        name="Root bone",
        description="For games: this bone above the hips takes the travel; empty: the hips do",
    )
    root_heading: BoolProperty(
        name="Root turns", description="The root bone turns with the body too; off, it only travels", default=True
    )
    push_nla: BoolProperty(
        name="Push to NLA", description="Make the motion a strip on a new NLA track; no action is active then"
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE" or armature.mode == "EDIT":
            cls.poll_message_set("Make the armature with the motion active, outside Edit mode")
            return False
        return True

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop_search(self, "target", context.scene, "objects")
        layout.prop(self, "root")
        layout.prop(self, "plant_feet")
        target = find_target(context.scene, self.target)
        if target is not None and target.type == "ARMATURE":
            layout.prop_search(self, "root_bone", target.data, "bones")
            if self.root_bone:
                layout.prop(self, "root_heading")
        layout.prop(self, "push_nla")

    def invoke(self, context: Context, event: object) -> set[str]:
        proposed = proposed_target(context)
        if proposed is None:
            return context.window_manager.invoke_props_dialog(self)
        self.target = proposed.name
        return self.execute(context)

    def execute(self, context: Context) -> set[str]:
        target = find_target(context.scene, self.target)
        try:
            done = retarget(
                context,
                target,
                root=Root(self.root),
                plant_feet=self.plant_feet,
                root_bone=self.root_bone,
                root_heading=self.root_heading,
                push_nla=self.push_nla,
            )
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        if character_of(context.scene) is None:
            context.scene.ikol.character = target
        words = f"{done.bone_map.title}: {done.action.name}"
        if done.slip_before is not None and done.slip_after is not None:
            words += f"; standing feet slip {100 * done.slip_after:.1f} cm (unplanted {100 * done.slip_before:.1f})"
        self.report({"INFO"}, words)
        if (told := changed_rate(context.scene, context.active_object)) is not None:
            self.report({"WARNING"}, told)
        if done.unsure:
            for rig in (context.active_object, target):
                list_unsure(rig)
            parts = ", ".join(role_title(role).lower() for role in done.unsure)
            self.report({"WARNING"}, f"Bones were found by their shape; look in the panel's lists of bones at: {parts}")
        if done.astray is not None:
            name, angle = done.astray
            self.report({"WARNING"}, f"Something holds {name} {math.degrees(angle):.0f} degrees from where it belongs")
        if target.data.pose_position == "REST":
            way_out = "choose Pose Position in its data properties to see it move"
            self.report({"WARNING"}, f"{target.name} is shown in Rest Position: {way_out}")
        return {"FINISHED"}


class IKOL_OT_hold_hand(Operator):
    """Keep a hand at an object, or where it is, from one frame to another while the body moves on; the arm bends"""

    bl_idname = "ikol.hold_hand"
    bl_label = "Hold hand"
    bl_options = {"REGISTER", "UNDO"}

    side: EnumProperty(name="Hand", items=(("L", "Left", "The left hand"), ("R", "Right", "The right hand")))
    target: StringProperty(name="At", description="The wrist is held at this object; empty: where it is at the start")
    start: IntProperty(name="From", description="First frame that the hand is held")
    end: IntProperty(name="To", description="Last frame that the hand is held")
    ease: FloatProperty(
        name="Ease",
        description="Seconds that the hand takes to come and to go",
        min=0,
        max=5,
        default=0.3,
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        return IKOL_OT_retarget.poll(context)

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "side")
        layout.prop_search(self, "target", context.scene, "objects")
        layout.prop(self, "start")
        layout.prop(self, "end")
        layout.prop(self, "ease")

    def invoke(self, context: Context, event: object) -> set[str]:
        if not self.properties.is_property_set("start"):
            self.start = context.scene.frame_current
        if not self.properties.is_property_set("end"):
            self.end = self.start + round(scene_rate(context.scene))
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: Context) -> set[str]:
        thing = find_target(context.scene, self.target)
        try:
            if self.target and thing is None:
                raise BadInput(f"There is no object {self.target}.", hint="Choose another, or none.")
            done = hold_hand(context, self.side, self.start, self.end, at=thing, ease_s=self.ease)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        if done.missed > 0.005:
            self.report({"WARNING"}, f"The arm is too short: the hand stays up to {100 * done.missed:.0f} cm away")
        else:
            self.report({"INFO"}, done.action.name)
        return {"FINISHED"}


CLASSES = (IKOL_OT_retarget, IKOL_OT_hold_hand)
