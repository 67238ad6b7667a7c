"""What the 24 bones are called: SMPL's names, SMPL-X's, or Mixamo's."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

import bpy

from ..contract import JOINT_NAMES, BadInput
from ..scene.armature import BONE_NAMES

_MIXAMO = (
    "Hips", "LeftUpLeg", "RightUpLeg", "Spine", "LeftLeg", "RightLeg", "Spine1", "LeftFoot", "RightFoot", "Spine2",
    "LeftToeBase", "RightToeBase", "Neck", "LeftShoulder", "RightShoulder", "Head", "LeftArm", "RightArm",
    "LeftForeArm", "RightForeArm", "LeftHand", "RightHand", "LeftHandMiddle1", "RightHandMiddle1",
)  # fmt: skip


class Naming(Enum):
    """A way of naming; the value is (title, names in SMPL order)."""

    SMPL = ("SMPL", BONE_NAMES)
    SMPLX = ("SMPL-X", JOINT_NAMES)
    MIXAMO = ("Mixamo", tuple(f"mixamorig:{name}" for name in _MIXAMO))

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def bones(self) -> tuple[str, ...]:
        return self.value[1]


def naming_of(bones: Collection[str]) -> Naming | None:
    """The naming that all of a body's 24 joints are found by; None for another skeleton."""
    return next((naming for naming in Naming if set(naming.bones) <= set(bones)), None)


def rename_bones(armature: bpy.types.Object, naming: Naming) -> None:
    """Give the bones the names of `naming`. Blender takes curves, vertex groups and constraints along.

    Raises:
        BadInput: it is no body of IKOL.
    """
    bones = armature.data.bones
    present = naming_of([bone.name for bone in bones])
    if present is None:
        raise BadInput(f"{armature.name} has no SMPL bones.", hint="Choose an armature that IKOL imported.")
    for old, new in zip(present.bones, naming.bones, strict=True):
        bones[old].name = new
