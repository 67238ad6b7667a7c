"""What differs between Blender 4.2 and 5.2, in one file."""

from __future__ import annotations

import bpy

_HAS_SLOTS = bpy.app.version >= (4, 4, 0)


def new_action(name: str, owner: bpy.types.ID) -> bpy.types.Action:
    """A new action that animates `owner` (an object, or data such as a camera)."""
    action = bpy.data.actions.new(name)
    animation = owner.animation_data_create()
    animation.action = action
    if _HAS_SLOTS:
        animation.action_slot = action.slots.new(owner.id_type, owner.name)
        action.layers.new("Layer").strips.new(type="KEYFRAME")
    return action


def has_strips(scene: bpy.types.Scene) -> bool:
    """Whether something is cut in the scene's sequencer; even an unused scene may have an editor."""
    editor = scene.sequence_editor
    if editor is None:
        return False
    return len(editor.strips if bpy.app.version >= (4, 4, 0) else editor.sequences) > 0


def new_material(
    name: str, color: tuple[float, float, float, float]
) -> tuple[bpy.types.Material, bpy.types.ShaderNode]:
    """A material of one colour, linear RGBA, and its Principled shader."""
    material = bpy.data.materials.new(name)
    material.diffuse_color = color
    if bpy.app.version < (5, 0, 0):  # later, every material has nodes
        material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = color
    return material, shader


def curves_of(owner: bpy.types.ID) -> bpy.types.Action | bpy.types.ActionChannelbag:
    """What holds the F-curves (`.fcurves`) and their groups (`.groups`) of `owner`'s active action.

    The action itself before layered actions came (4.4), else the channel bag of the owner's slot.
    """
    animation = owner.animation_data
    if not _HAS_SLOTS:
        return animation.action
    return animation.action.layers[0].strips[0].channelbag(animation.action_slot, ensure=True)


def existing_curves(owner: bpy.types.ID) -> bpy.types.Action | bpy.types.ActionChannelbag | None:
    """As `curves_of`, but makes nothing: for drawing, when nothing may be written. None when there is none."""
    animation = owner.animation_data
    action = None if animation is None else animation.action
    if action is None or not _HAS_SLOTS:
        return action
    slot = animation.action_slot
    if slot is None or not action.layers or not action.layers[0].strips:
        return None
    return action.layers[0].strips[0].channelbag(slot)


def every_curve(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """Of all that the action animates."""
    if not _HAS_SLOTS:
        return list(action.fcurves)
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags for curve in bag.fcurves]


def copy_action(owner: bpy.types.ID, name: str) -> bpy.types.Action:
    """A copy of `owner`'s active action, made its active action; the one before it is kept in the file."""
    animation = owner.animation_data
    before = animation.action
    if before.library is None:  # another file keeps its own
        before.use_fake_user = True
    slot = animation.action_slot.identifier if _HAS_SLOTS else None
    action = before.copy()
    action.name = name
    animation.action = action
    if _HAS_SLOTS:
        animation.action_slot = action.slots[slot]
    return action


def strip_curves(strip: bpy.types.NlaStrip) -> bpy.types.Action | bpy.types.ActionChannelbag | None:
    """What holds the F-curves that `strip` plays; None when there are none."""
    action = strip.action
    if not _HAS_SLOTS:
        return action
    if strip.action_slot is None or not action.layers or not action.layers[0].strips:
        return None
    return action.layers[0].strips[0].channelbag(strip.action_slot)


def selected_bones(armature: bpy.types.Object) -> set[str]:
    """Names of the bones that are selected in Pose mode."""
    if bpy.app.version >= (5, 0, 0):
        return {bone.name for bone in armature.pose.bones if bone.select}
    return {bone.name for bone in armature.data.bones if bone.select}


def is_bone_shown(bone: bpy.types.PoseBone) -> bool:
    """Whether the viewport shows the bone of an armature that it shows."""
    hidden = bone.hide if bpy.app.version >= (5, 0, 0) else bone.bone.hide
    collections = bone.bone.collections
    return not hidden and (not collections or any(collection.is_visible_effectively for collection in collections))


def strip_of(animation: bpy.types.AnimData, track: bpy.types.NlaTrack) -> bpy.types.NlaStrip:
    """The active action, with its slot, as a strip on `track` at the frames of its keys."""
    action = animation.action
    first, last = action.frame_range
    strip = track.strips.new(action.name, int(first), action)
    if _HAS_SLOTS:
        strip.action_slot = animation.action_slot
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start, strip.frame_end = first, last
    return strip
