"""What each bone of a rig goes along with: its parent, or the bone that a constraint makes it move with, wholly."""

from __future__ import annotations

import bpy


def carrier(bone: bpy.types.PoseBone) -> bpy.types.PoseBone | None:
    """What `bone` itself moves with: the bone that it copies, else its parent."""
    return copied(bone) or bone.parent


def followed(bone: bpy.types.PoseBone) -> list[bpy.types.PoseBone]:
    """What carries `bone`, the nearest first: its parents, but in place of one that copies another bone, that one."""
    found: list[bpy.types.PoseBone] = []
    above = bone.parent
    while above is not None and above not in found:
        found.append(above)
        above = carrier(above)
    return found


def copied(bone: bpy.types.PoseBone) -> bpy.types.PoseBone | None:
    """The bone of the same rig that a constraint makes `bone` move with, wholly."""
    rig = bone.id_data
    for constraint in reversed(bone.constraints):
        if constraint.mute or constraint.influence < 0.999:
            continue
        ends = [constraint] if constraint.type == "COPY_TRANSFORMS" else []
        if constraint.type == "ARMATURE":
            ends = [end for end in constraint.targets if end.weight > 1e-3]
        if len(ends) == 1 and ends[0].target == rig:
            return rig.pose.bones.get(ends[0].subtarget)
    return None


def carriers_first(armature: bpy.types.Object) -> tuple[list[bpy.types.PoseBone], dict[str, str]]:
    """All bones, each after its carrier, and the carrier's name of each that has one; where carriers go round in a
    circle, parents carry."""
    bones = list(armature.pose.bones)
    above = {bone.name: found.name for bone in bones if (found := carrier(bone)) is not None}
    depths: dict[str, int] = {}
    for bone in bones:
        chain = [bone.name]
        while chain[-1] not in depths and chain[-1] in above:
            upper = above[chain[-1]]
            if upper in chain:
                return sorted(bones, key=lambda bone: len(bone.parent_recursive)), {
                    bone.name: bone.parent.name for bone in bones if bone.parent is not None
                }
            chain.append(upper)
        depth = depths.setdefault(chain.pop(), 0)
        for name in reversed(chain):
            depths[name] = depth = depth + 1
    return sorted(bones, key=lambda bone: depths[bone.name]), above
