"""Pins as they are kept with an armature, in the .blend file."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatVectorProperty, IntProperty, StringProperty

from ..contract import BadInput


class IKOL_Pin(bpy.types.PropertyGroup):
    """What a bone must do on one frame, in the world."""

    bone: StringProperty(name="Bone")
    frame: IntProperty(name="Frame")
    use_position: BoolProperty(name="Position")
    position: FloatVectorProperty(name="Place of its head", size=3, subtype="TRANSLATION")
    use_rotation: BoolProperty(name="Rotation")
    rotation: FloatVectorProperty(name="Turn in the world", size=4, subtype="QUATERNION")


def add_pin(
    context: bpy.types.Context, armature: bpy.types.Object, bone_name: str, *, position: bool, rotation: bool
) -> IKOL_Pin:
    """Pin a bone, as it is posed now, on the current frame; a pin that it has there already is replaced.

    Raises:
        BadInput: nothing to pin, or constraints pose the bone.
    """
    if not (position or rotation):
        raise BadInput("Neither position nor rotation was chosen.", hint="A pin holds at least one of the two.")
    bone = armature.pose.bones.get(bone_name)
    if bone is None:
        raise BadInput(f"{armature.name} has no bone {bone_name}.", hint="Select the bone in Pose mode.")
    _refuse_constraints(bone)
    context.view_layer.update()
    frame = context.scene.frame_current
    clear_pins(armature, bone_name, frame)
    place, turn, _ = (armature.matrix_world @ bone.matrix).decompose()
    pin = armature.ikol_pins.add()
    pin.name, pin.bone, pin.frame = pin_name(bone_name, frame), bone_name, frame
    pin.use_position, pin.position = position, place
    pin.use_rotation, pin.rotation = rotation, np.array(turn)
    return pin


def pin_name(bone: str, frame: int) -> str:
    return f"{bone} @ {frame}"


def clear_pins(armature: bpy.types.Object, bone: str = "", frame: int | None = None) -> int:
    """Remove the pins of `bone` (any, when empty) on `frame` (any, when None). Returns how many."""
    pins = armature.ikol_pins
    doomed = [
        i for i, pin in enumerate(pins) if (not bone or pin.bone == bone) and (frame is None or pin.frame == frame)
    ]
    for index in reversed(doomed):
        pins.remove(index)
    return len(doomed)


def _refuse_constraints(bone: bpy.types.PoseBone) -> None:
    for part in (bone, *bone.parent_recursive):
        if any(not constraint.mute and constraint.influence > 0 for constraint in part.constraints):
            raise BadInput(
                f"{part.name} is posed by constraints, which Re-solve cannot change.",
                hint="Switch the limb to FK, or bake the action with its visual keys and mute the constraints.",
            )
