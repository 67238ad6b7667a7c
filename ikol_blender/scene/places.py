"""Whether Blender shows bones where their keys put them: what edits places must know that first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import BadInput
from .samples import Sampled
from .timing import visited

Array = NDArray[np.float64]

_LOOKS = 7
# Of the rig's size.
_ASTRAY = 5e-4


def refuse_misplaced(context: bpy.types.Context, sampled: Sampled, bones: Iterable[int]) -> None:
    """Look at a few frames; of one that is shown in Rest Position, only at the object as a whole.

    Raises:
        BadInput: constraints, drivers, scales or layers put one of `bones` elsewhere than its keys; or the object as a
            whole moves.
    """
    armature, motion = sampled.armature, sampled.motion
    chosen = np.array(sorted(set(bones)), np.int64)
    looks = np.unique(np.linspace(0, len(motion) - 1, _LOOKS).round().astype(np.int64))
    names = [motion.skeleton.names[bone] for bone in chosen]
    shown, worlds = _shown(context, armature, names, sampled.frames[looks])
    size = max(float(np.ptp(motion.skeleton.rests[:, :3, 3], axis=0).max()), 1e-6)
    if np.abs(worlds[:, :3, 3] - worlds[0, :3, 3]).max() > _ASTRAY * size * motion.skeleton.scale or (
        np.abs(worlds - worlds[0])[:, :3, :3].max() > _ASTRAY * motion.skeleton.scale
    ):
        raise BadInput(
            f"{armature.name} is itself animated, as an object: its bones alone do not tell where the body is.",
            hint="Key that motion on its root bone instead; or mute the curves of object and parents meanwhile.",
        )
    if armature.data.pose_position == "REST":
        return
    few = replace(motion, rotations=motion.rotations[looks], locations=motion.locations[looks]).posed()
    inverse = np.linalg.inv(motion.skeleton.world)
    expected = np.stack([few.heads[:, chosen], few.tails[:, chosen]]) @ inverse[:3, :3].T + inverse[:3, 3]
    off = np.linalg.norm(shown - expected, axis=-1).max(axis=(0, 1)) / size
    astray = np.flatnonzero(off > _ASTRAY)
    if len(astray):
        # The first is the nearest to the root: what holds it holds the others.
        raise BadInput(
            f"{names[astray[0]]} is not where its keys alone put it: a constraint, a driver, a bone's scale or another "
            "layer has a hand in it.",
            hint="Switch its limb to FK; or bake the action (Pose > Animation > Bake Action) with Visual Keying and "
            "Clear Constraints; then try again.",
        )


def _shown(
    context: bpy.types.Context, armature: bpy.types.Object, names: list[str], frames: Array
) -> tuple[Array, Array]:
    """(2, T, K, 3) heads and tails in the armature as Blender has them, and (T, 4, 4) where the armature is.

    The scene's frame and the poses stay.
    """
    bones = [armature.pose.bones[name] for name in names]
    found, worlds = np.empty((2, len(frames), len(bones), 3)), np.empty((len(frames), 4, 4))
    for index in visited(context, frames):
        worlds[index] = np.array(armature.matrix_world)
        for row, bone in enumerate(bones):
            found[:, index, row] = bone.head, bone.tail
    return found, worlds
