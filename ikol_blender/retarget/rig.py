"""An armature as retargeting sees it: its mapped bones alone, as they rest with everything else as it is."""

from __future__ import annotations

import bpy
import numpy as np

from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from ..scene.carriers import followed
from ..scene.nla import refuse_tweaking
from ..scene.skeletons import skeleton_of_bones
from .body_frame import RestBody, rest_body
from .bone_map import BoneMap


def find_target(scene: bpy.types.Scene, name: str) -> bpy.types.Object | None:
    """The object of that name; beside a linked one, the local one or the override."""
    found = [thing for thing in scene.objects if thing.name == name]
    return min(found, key=lambda thing: thing.library is not None, default=None)


def character_of(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The scene's character; a deleted object stays in the field and is none."""
    character = scene.ikol.character
    return character if character is not None and character in scene.objects.values() else None


def proposed_target(context: bpy.types.Context) -> bpy.types.Object | None:
    """Who is to get the active armature's motion: the one other selected armature, or else the scene's character."""
    active = context.active_object
    others = [thing for thing in context.selected_objects if thing.type == "ARMATURE" and thing != active]
    character = character_of(context.scene)
    return others[0] if len(others) == 1 else None if character == active else character


def listed_target(context: bpy.types.Context) -> bpy.types.Object | None:
    """Whose bones the panel lists as the character's: of who would get the motion, also while that one is active."""
    return proposed_target(context) or character_of(context.scene)


def check_target(target: bpy.types.Object | None, source: bpy.types.Object) -> bpy.types.Object:
    """The armature to animate.

    Raises:
        BadInput: it is no armature, it is the source, or Blender lets nobody animate it.
    """
    if target is None or target.type != "ARMATURE":
        raise BadInput("The target is no armature.", hint="Choose the character's armature.")
    if target == source:
        raise BadInput("Source and target are one armature.", hint="Choose the character's armature as the target.")
    if not target.is_editable:
        raise BadInput(f"{target.name} is linked from another file.", hint="Make a library override of it first.")
    override = target.override_library
    if override is not None and override.is_system_override:
        raise BadInput(
            f"{target.name} is a library override that is not editable.",
            hint="Make it so: right-click it in the Outliner, Library Override, Make, Selected.",
        )
    refuse_tweaking(target)
    scale = np.array(target.matrix_world.to_scale())
    if scale.max() - scale.min() > 1e-3 * scale.max() or scale.min() <= 0:
        raise BadInput(f"{target.name} is stretched unevenly or mirrored.", hint="Apply its scale (Ctrl A) first.")
    return target


def read_target(target: bpy.types.Object, bone_map: BoneMap, root_bone: str = "") -> RestBody:
    """The target at rest.

    Args:
        root_bone: a bone above the hips that carries the body; it comes first then.

    Raises:
        BadInput: a mapped bone is missing, or is held by a constraint, in a rig whose switches the map does not know;
            the root bone carries no hips.
    """
    missing = [name for name in bone_map.names() if name not in target.pose.bones]
    if missing:
        raise BadInput(f"{target.name} has no bone {missing[0]}.", hint="Correct the bone map.")
    names = [*([root_bone] if root_bone else []), *bone_map.names()]
    if root_bone:
        _check_root(target, bone_map, root_bone)
    bones = _carriers_first([target.pose.bones[name] for name in names], bone_map)
    for bone in () if bone_map.settings else bones:
        _refuse_what_is_held(target, bone)
    hips_bone = target.pose.bones[bone_map.bones["hips"][0]]
    if hips_bone.bone.use_connect:
        raise BadInput(
            f"{hips_bone.name} is connected to its parent and cannot move.", hint="Disconnect it in Edit mode."
        )
    skeleton = _skeleton(target, bones)
    hips = skeleton.names.index(bone_map.bones["hips"][0])
    if skeleton.parents[hips] != (0 if root_bone else -1):
        raise BadInput(
            f"{skeleton.names[hips]} hangs from {skeleton.names[skeleton.parents[hips]]}: it cannot be the hips.",
            hint="Correct the bone map.",
        )
    return rest_body(skeleton, bone_map)


def skeleton_of(armature: bpy.types.Object) -> Skeleton:
    """All bones of an armature at rest."""
    return _skeleton(armature, sorted(armature.pose.bones, key=lambda bone: len(followed(bone))))


def _skeleton(armature: bpy.types.Object, bones: list[bpy.types.PoseBone]) -> Skeleton:
    index = {bone.name: place for place, bone in enumerate(bones)}
    return skeleton_of_bones(armature, bones, [_nearest(bone, index) for bone in bones])


def _carriers_first(bones: list[bpy.types.PoseBone], bone_map: BoneMap) -> list[bpy.types.PoseBone]:
    """In an order in which each comes after what it hangs from, or goes along with."""
    among = {bone.name for bone in bones}
    above = {bone.name: next((b.name for b in followed(bone) if b.name in among), None) for bone in bones}
    mapped = set(bone_map.names())
    for name, carrier in bone_map.carried():
        above[name] = above[name] if above[name] in mapped else carrier

    def depth(name: str) -> int:
        count = 0
        while (upper := above[name]) is not None and count < len(bones):
            name, count = upper, count + 1
        return count

    return sorted(bones, key=lambda bone: depth(bone.name))


def _check_root(target: bpy.types.Object, bone_map: BoneMap, root_bone: str) -> None:
    if root_bone not in target.pose.bones:
        raise BadInput(f"{target.name} has no bone {root_bone}.", hint="Choose the root bone of the character.")
    if root_bone in bone_map.names():
        raise BadInput(f"{root_bone} is part of the body.", hint="Choose a bone above the hips, or none.")
    hips = target.pose.bones[bone_map.bones["hips"][0]]
    if root_bone not in (bone.name for bone in followed(hips)):
        raise BadInput(f"{root_bone} does not carry {hips.name}.", hint="Choose a bone above the hips, or none.")


def _nearest(bone: bpy.types.PoseBone, index: dict[str, int]) -> int:
    return next((index[followed.name] for followed in followed(bone) if followed.name in index), -1)


def _refuse_what_is_held(target: bpy.types.Object, bone: bpy.types.PoseBone) -> None:
    for link in (bone, *bone.parent_recursive):
        if any(not constraint.mute and constraint.influence > 0 for constraint in link.constraints):
            raise BadInput(
                f"{link.name} of {target.name} is held by a constraint, which would bend the motion.",
                hint="Mute the constraint, or choose the rig's deforming skeleton.",
            )
    if bone.bone.use_inherit_rotation is False:
        raise BadInput(f"{bone.name} does not inherit rotation.", hint="Switch Inherit Rotation on in its relations.")
