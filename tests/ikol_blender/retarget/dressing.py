"""Extra bones on a body, as games and films have them: fingers, twist and helper bones, faces, hair, IK targets."""

from __future__ import annotations

import bpy
import numpy as np
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import BoneMap
from mathutils import Matrix, Quaternion, Vector

from tests.ikol_blender.retarget.definitions import Definition
from tests.ikol_blender.retarget.rigs import build_rig


def defined_rig(definition: Definition, *, arms_down_deg: float, legs: float = 1.0, seed: int = 0) -> bpy.types.Object:
    """A rig of a tool: its body in true proportions, its extra bones where such bones are."""
    rig = build_rig(
        BoneMap("", definition.bones()), arms_down_deg=arms_down_deg, legs=legs, seed=seed, root=definition.root
    )
    roles = {name: role for role, names in definition.bones().items() for name in names}
    with editing(rig) as bones:
        for number, (parent, names) in enumerate(definition.chains()):
            place, step = _where(bones, roles, parent, names[0], number)
            for name in names:
                above = parent
                if name not in bones:
                    bone = bones.new(name)
                    bone.head, bone.tail = place, place + step
                    bone.parent = bones.get(above)
                parent, place = name, place + step
    return rig


def turned_and_scaled(rig: bpy.types.Object, seed: int) -> bpy.types.Object:
    """`rig` with its bones turned any way and its unit any size, inside the armature."""
    random = np.random.default_rng(seed)
    turn = Quaternion(random.normal(size=4)).normalized().to_matrix().to_4x4()
    rig.data.transform(Matrix.Scale(float(10 ** random.uniform(-2, 2)), 4) @ turn)
    bpy.context.view_layer.update()
    return rig


def meaningless(rig: bpy.types.Object, bones: dict[str, tuple[str, ...]], seed: int) -> dict[str, tuple[str, ...]]:
    """Give all bones of `rig` names that say nothing; returns `bones` under them."""
    random = np.random.default_rng(seed)
    names = [bone.name for bone in rig.data.bones]
    fresh = dict(zip(names, (f"q{number:04d}" for number in random.permutation(len(names))), strict=True))
    for name in names:
        rig.data.bones[name].name = fresh[name]
    bpy.context.view_layer.update()
    return {role: tuple(fresh[name] for name in chain) for role, chain in bones.items()}


class editing:  # noqa: N801 - reads as a verb
    """The edit bones of an armature object, which is active only inside."""

    def __init__(self, rig: bpy.types.Object) -> None:
        self.rig = rig

    def __enter__(self) -> bpy.types.ArmatureEditBones:
        self.before = bpy.context.view_layer.objects.active
        bpy.context.view_layer.objects.active = self.rig
        bpy.ops.object.mode_set(mode="EDIT")
        return self.rig.data.edit_bones

    def __exit__(self, *error: object) -> None:
        bpy.ops.object.mode_set(mode="OBJECT")
        bpy.context.view_layer.objects.active = self.before
        bpy.context.view_layer.update()


def _where(
    bones: bpy.types.ArmatureEditBones,
    roles: dict[str, str],
    parent: str,
    name: str,
    number: int,
) -> tuple[Vector, Vector]:
    """Head and step of an extra chain, mirrored alike on both sides."""
    role = roles.get(parent, "")
    part, _, side = role.partition(".")
    right = side == "R" or _is_of(name, "R")
    sign = -1.0 if right else 1.0
    if not role:  # an IK target or a helper, from the root on the floor
        return Vector((sign * 0.3, -0.1 - 0.02 * (number // 2), 0.4)), Vector((0.0, -0.05, 0.0))
    bone = bones[parent]
    along = bone.vector
    if part == "hand":
        forward = (bones[parent].head - bones[parent].parent.head).normalized()
        spread = Vector((0.0, 0.016 * ((number // 2) % 5 - 2), 0.0))
        return bone.head + forward * (0.03 if "humb" in name else 0.08) + spread, forward * 0.025
    if part in ("upper_arm", "forearm", "thigh", "shin"):
        return bone.head + along * (0.0 if number % 4 < 2 else 0.4), along * 0.25
    if part == "foot":
        return bone.head + Vector((0.0, 0.03, -0.01)), Vector((0.0, 0.02, 0.0))
    if part == "toe":
        return bone.head + Vector((sign * 0.02 * (number % 3 - 1), -0.03, 0.0)), Vector((0.0, -0.02, 0.0))
    if part == "head":
        aside = 0.03 if right or _is_of(name, "L") else 0.0
        return bone.head + Vector((sign * aside, -0.06, 0.05)), Vector((0.0, -0.01, -0.03))
    return bone.head + Vector((sign * 0.06, -0.08, 0.02)), Vector((0.0, -0.02, -0.05))


def _is_of(name: str, side: str) -> bool:
    word = {"L": "left", "R": "right"}[side]
    ends = tuple(dot + letter for dot in "._" for letter in (side, side.lower()))
    return name.endswith(ends) or f"_{side}_" in name or word in name or word.capitalize() in name
