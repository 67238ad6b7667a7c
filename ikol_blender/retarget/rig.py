"""An armature as retargeting sees it: its mapped bones alone, as they rest with everything else as it is."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from ..scene.nla import refuse_tweaking
from .body_frame import RestBody, rest_body
from .bone_map import BoneMap


def find_target(scene: bpy.types.Scene, name: str) -> bpy.types.Object | None:
    """The object of that name; beside a linked one, the local one or the override."""
    found = [thing for thing in scene.objects if thing.name == name]
    return min(found, key=lambda thing: thing.library is not None, default=None)


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
        BadInput: a mapped bone is missing, or is held by a constraint; the root bone carries no hips.
    """
    missing = [name for name in bone_map.names() if name not in target.pose.bones]
    if missing:
        raise BadInput(f"{target.name} has no bone {missing[0]}.", hint="Correct the bone map.")
    names = [*([root_bone] if root_bone else []), *bone_map.names()]
    if root_bone:
        _check_root(target, bone_map, root_bone)
    bones = sorted((target.pose.bones[name] for name in names), key=lambda bone: len(bone.parent_recursive))
    for bone in bones:
        _refuse_what_is_held(target, bone)
    hips = target.pose.bones[bone_map.bones["hips"][0]]
    if hips.bone.use_connect:
        raise BadInput(f"{hips.name} is connected to its parent and cannot move.", hint="Disconnect it in Edit mode.")
    index = {bone.name: place for place, bone in enumerate(bones)}
    skeleton = Skeleton(
        names=tuple(index),
        parents=tuple(_nearest(bone, index) for bone in bones),
        rests=_rests(bones),
        lengths=np.array([bone.length for bone in bones], np.float64),
        world=np.array(target.matrix_world, np.float64),
    )
    if skeleton.parents.count(-1) != 1 or skeleton.names[0] != (root_bone or bone_map.first("hips")):
        loose = [name for name, parent in zip(skeleton.names[1:], skeleton.parents[1:], strict=True) if parent < 0]
        raise BadInput(
            f"{', '.join(loose) or skeleton.names[0]} does not hang from the hips ({bone_map.first('hips')}).",
            hint="Rigs whose limbs follow controls cannot be animated yet: choose their deforming skeleton.",
        )
    return rest_body(skeleton, bone_map)


def carried(target: bpy.types.Object, body: RestBody) -> NDArray[np.float64]:
    """(4, 4) how bones above the body that are not mapped, posed as they are, move it from its rest, in the world."""
    first = target.pose.bones[body.skeleton.names[0]]
    in_armature = _place(first, set(body.skeleton.names)) @ first.bone.matrix_local.inverted()
    return np.array(target.matrix_world @ in_armature @ target.matrix_world.inverted(), np.float64)


def _rests(bones: list[bpy.types.PoseBone]) -> NDArray[np.float64]:
    """(K, 4, 4) in the armature: the first bone's own rest, and the others as they hang on it while `bones` rest and
    those between them stay as they are posed."""
    names = {bone.name for bone in bones}
    back = bones[0].bone.matrix_local @ _place(bones[0], names).inverted()
    return np.array([np.array(back @ _place(bone, names)) for bone in bones], np.float64)


def _place(bone: bpy.types.PoseBone, resting: set[str]) -> Matrix:
    """Where `bone` is in the armature while `resting` rest and all others stay as they are posed."""
    rest = bone.bone.matrix_local
    if bone.parent is not None:
        rest = _place(bone.parent, resting) @ bone.parent.bone.matrix_local.inverted() @ rest
    return rest if bone.name in resting else rest @ bone.matrix_basis


def _check_root(target: bpy.types.Object, bone_map: BoneMap, root_bone: str) -> None:
    if root_bone not in target.pose.bones:
        raise BadInput(f"{target.name} has no bone {root_bone}.", hint="Choose the root bone of the character.")
    if root_bone in bone_map.names():
        raise BadInput(f"{root_bone} is part of the body.", hint="Choose a bone above the hips, or none.")
    hips = target.pose.bones[bone_map.bones["hips"][0]]
    if root_bone not in (bone.name for bone in hips.parent_recursive):
        raise BadInput(f"{root_bone} does not carry {hips.name}.", hint="Choose a bone above the hips, or none.")


def _nearest(bone: bpy.types.PoseBone, index: dict[str, int]) -> int:
    return next((index[parent.name] for parent in bone.parent_recursive if parent.name in index), -1)


def _refuse_what_is_held(target: bpy.types.Object, bone: bpy.types.PoseBone) -> None:
    for link in (bone, *bone.parent_recursive):
        if any(not constraint.mute and constraint.influence > 0 for constraint in link.constraints):
            raise BadInput(
                f"{link.name} of {target.name} is held by a constraint, which would bend the motion.",
                hint="Mute the constraint, or choose the rig's deforming skeleton.",
            )
    if bone.bone.use_inherit_rotation is False:
        raise BadInput(f"{bone.name} does not inherit rotation.", hint="Switch Inherit Rotation on in its relations.")
