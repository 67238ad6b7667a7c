"""Feet that stand: when they do, as curves; locked there; on the floor. Each makes a new action."""

from __future__ import annotations

from bpy.props import BoolProperty, EnumProperty, FloatProperty
from bpy.types import Context, Operator

from ..scene.feet import Locked, Source, fix_floor, lock_feet, write_detected_contacts
from ..words import counted
from .cleanup_operators import CleanUp, strength_property


def source_property() -> object:
    return EnumProperty(
        name="Contacts",
        items=(
            (
                Source.CURVES.value,
                "Curves",
                "As the contact curves say; by the motion when they never say that a foot stands",
            ),
            (Source.MOTION.value, "Motion", "A foot stands while it is slow and low"),
        ),
    )


def height_property() -> object:
    return FloatProperty(
        name="Floor height",
        description="Of the floor above the armature's origin",
        unit="LENGTH",
        soft_min=-2,
        soft_max=2,
    )


class IKOL_OT_detect_contacts(CleanUp, Operator):
    """Write when the feet stand as contact curves, which you can edit on the timeline before you lock the feet"""

    bl_idname = "ikol.detect_contacts"
    bl_label = "Detect contacts"

    def edit(self, context: Context) -> str:
        action, count = write_detected_contacts(context)
        return f"{counted(count, 'contact')} of heels and toes, as curves of the armature in {action.name}"


class IKOL_OT_lock_feet(CleanUp, Operator):
    """Stop standing feet from sliding, at every contact within the frame range, by bending the legs"""

    bl_idname = "ikol.lock_feet"
    bl_label = "Lock feet"

    source: source_property()
    floor: BoolProperty(name="Floor", description="Standing feet go onto the floor, nothing sinks below", default=True)
    floor_height: height_property()
    strength: strength_property()

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "source")
        layout.prop(self, "floor")
        row = layout.row()
        row.active = self.floor
        row.prop(self, "floor_height")
        layout.prop(self, "strength")

    def edit(self, context: Context) -> str:
        done = lock_feet(
            context,
            source=Source(self.source),
            floor=self.floor,
            floor_height=self.floor_height,
            strength=self.strength,
        )
        slip = f"Standing feet slip {_cm(done.after.slip)} cm (before: {_cm(done.before.slip)})"
        return f"{slip}{_on_floor(done) if self.floor else ''}; in {done.action.name}"


class IKOL_OT_fix_floor(CleanUp, Operator):
    """Put standing feet on the floor and let nothing sink below it, within the frame range"""

    bl_idname = "ikol.fix_floor"
    bl_label = "Fix floor"

    source: source_property()
    floor_height: height_property()
    strength: strength_property()

    def edit(self, context: Context) -> str:
        done = fix_floor(context, source=Source(self.source), floor_height=self.floor_height, strength=self.strength)
        return f"{_on_floor(done).removeprefix(', ').capitalize()}; in {done.action.name}"


def _on_floor(done: Locked) -> str:
    floats = f"float {_cm(done.after.floating)} cm (before: {_cm(done.before.floating)})"
    return f", {floats} and sink {_cm(done.after.sunk)} cm (before: {_cm(done.before.sunk)})"


def _cm(metres: float) -> str:
    return f"{100 * metres + 0.0:.1f}"


CLASSES = (IKOL_OT_detect_contacts, IKOL_OT_lock_feet, IKOL_OT_fix_floor)
