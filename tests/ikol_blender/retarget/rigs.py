"""Armatures in the names of each rig family, in an A-pose or T-pose, with any rolls, turn and scale."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import BoneMap, load_map
from mathutils import Euler, Vector

FAMILIES = Path(__file__).resolve().parents[3] / "addon_assets" / "rigs"
PREFIXES = {"mixamo": "mixamorig7:", "character_creator": "CC_Base_", "smpl": "m_avg_"}
_PARENT = {
    "spine": "hips", "neck": "spine", "head": "neck", "shoulder": "spine", "upper_arm": "shoulder",
    "forearm": "upper_arm", "hand": "forearm", "thigh": "hips", "shin": "thigh", "foot": "shin", "toe": "foot",
}  # fmt: skip


def family_map(name: str) -> BoneMap:
    """The family's bones under the names that a rig of it has."""
    bone_map, _ = load_map(FAMILIES / f"{name}.json")
    prefix = PREFIXES.get(name, "")
    return BoneMap(bone_map.title, {role: tuple(prefix + n for n in names) for role, names in bone_map.bones.items()})


def build_rig(
    bone_map: BoneMap, *, arms_down_deg: float, legs: float = 1.0, scale: float = 1.0, seed: int = 0, root: str = ""
) -> bpy.types.Object:
    """An armature object, moved, turned and scaled, that is as large as a person in the world.

    Args:
        root: name of a bone on the floor that carries the hips; "" for none.
    """
    random = np.random.default_rng(seed)
    joints = {role: ends for role, ends in _joints(np.radians(arms_down_deg), legs).items() if role in bone_map.bones}
    data = bpy.data.armatures.new("rig")
    rig = bpy.data.objects.new("rig", data)
    bpy.context.scene.collection.objects.link(rig)
    before = bpy.context.view_layer.objects.active
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    if root:
        ground = data.edit_bones.new(root)
        ground.tail = Vector((0.0, 0.2 / scale, 0.0))
        ground.roll = random.uniform(-np.pi, np.pi)
    for role, (start, end) in joints.items():
        names = bone_map.bones[role]
        part, dot, side = role.partition(".")
        above = _PARENT.get(part)
        while above is not None and above not in bone_map.bones and above + dot + side not in bone_map.bones:
            above = _PARENT.get(above)
        parent = bone_map.bones.get(f"{above}{dot}{side}") or bone_map.bones.get(above or "")
        last = parent[-1] if parent else root or None
        for place, name in enumerate(names):
            bone = data.edit_bones.new(name)
            bone.head = Vector(start + (end - start) * place / len(names)) / scale
            bone.tail = Vector(start + (end - start) * (place + 1) / len(names)) / scale
            bone.roll = random.uniform(-np.pi, np.pi)
            bone.parent = data.edit_bones[last] if last else None
            last = name
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.scale = (scale,) * 3
    rig.rotation_euler = Euler((0.0, 0.0, random.uniform(-np.pi, np.pi)))
    rig.location = (1.5, 0.7, 0.0)
    bpy.context.view_layer.objects.active = before
    bpy.context.view_layer.update()
    return rig


def _joints(down: float, legs: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    hip = 0.08 + 0.84 * legs
    v = lambda *xyz: np.array(xyz, float)  # noqa: E731
    lift = v(0, 0, hip)
    found = {
        "hips": (lift + v(0, 0, 0.03), lift + v(0, 0, 0.1)),
        "spine": (lift + v(0, 0.01, 0.1), lift + v(0, 0.03, 0.5)),
        "neck": (lift + v(0, 0.03, 0.5), lift + v(0, 0.01, 0.6)),
        "head": (lift + v(0, 0.01, 0.6), lift + v(0, 0.01, 0.8)),
    }
    for side, sign in (("L", 1), ("R", -1)):
        arm = v(sign * np.cos(down), 0.0, -np.sin(down))
        shoulder = lift + v(sign * 0.17, 0.02, 0.44)
        hip_joint, knee, ankle = (
            v(sign * 0.09, y, z) for y, z in ((0, hip), (-0.01, 0.08 + 0.42 * legs), (0.02, 0.08))
        )
        ends = {
            "shoulder": (lift + v(sign * 0.03, 0.02, 0.45), shoulder),
            "upper_arm": (shoulder, shoulder + 0.28 * arm),
            "forearm": (shoulder + 0.28 * arm, shoulder + 0.53 * arm),
            "hand": (shoulder + 0.53 * arm, shoulder + 0.62 * arm),
            "thigh": (hip_joint, knee),
            "shin": (knee, ankle),
            "foot": (ankle, v(sign * 0.1, -0.12, 0.02)),
            "toe": (v(sign * 0.1, -0.12, 0.02), v(sign * 0.1, -0.19, 0.02)),
        }
        found |= {f"{role}.{side}": pair for role, pair in ends.items()}
    return found
