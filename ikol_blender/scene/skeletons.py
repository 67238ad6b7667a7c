"""Bones of an armature as a `Skeleton`."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..cleanup.skeleton import Skeleton


def skeleton_of_bones(
    armature: bpy.types.Object, bones: Sequence[bpy.types.PoseBone], parents: Sequence[int]
) -> Skeleton:
    """`bones` at rest, where the armature is; parents[i] is the index among them of what carries bones[i], else -1."""
    return Skeleton(
        names=tuple(bone.name for bone in bones),
        parents=tuple(parents),
        rests=np.array([np.array(bone.bone.matrix_local) for bone in bones], np.float64),
        # `Bone.length` stays as it was when a script scales the armature's data.
        lengths=np.array([(bone.bone.tail_local - bone.bone.head_local).length for bone in bones], np.float64),
        world=np.array(armature.matrix_world, np.float64),
    )
