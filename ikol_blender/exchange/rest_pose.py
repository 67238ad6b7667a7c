"""The pose in which a body rests: as SMPL has it, or arms straight out (T) or down by 45 degrees (A).

The motion stays: with B_k a bone's rest axes and N_k = B_pa^T B_k, what the bone adds to its parent is N_k Q_k, so the
new rest N'_k needs the rotation Q'_k = N'_k^T N_k Q_k.
"""

from __future__ import annotations

from enum import Enum

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..contract import PARENTS, BadInput
from ..scene.compat import curves_of
from .naming import naming_of

Array = NDArray[np.float64]

_ARMS = ((16, 18, 20, 22), (17, 19, 21, 23))
_AXES = "ikol_rest_axes"


class RestPose(Enum):
    """The value is (title, how far the arms hang below the horizontal, radians; None leaves them as SMPL has them)."""

    SMPL = ("As SMPL rests", None)
    T = ("T-pose", 0.0)
    A = ("A-pose", np.pi / 4)

    @property
    def title(self) -> str:
        return self.value[0]


def set_rest_pose(
    armature: bpy.types.Object, mesh: bpy.types.Object, rest_pose: RestPose, context: bpy.types.Context
) -> None:
    """Let a body that was just imported rest in `rest_pose`: bones, mesh and rotation curves.

    Raises:
        BadInput: it is no body of IKOL.
    """
    slope = rest_pose.value[1]
    if slope is None:
        return
    naming = naming_of([bone.name for bone in armature.data.bones])
    if naming is None:
        raise BadInput(f"{armature.name} has no SMPL bones.", hint="Choose an armature that IKOL imported.")
    names = naming.bones
    bones = [armature.data.bones[name] for name in names]
    heads = np.array([bone.head_local for bone in bones], np.float64)
    tails = np.array([bone.tail_local for bone in bones], np.float64)
    before = np.array([np.array(bone.matrix_local)[:3, :3] for bone in bones], np.float64)
    turns, moved = _turned_arms(heads, tails, slope)
    _write_bones(armature, names, turns @ before, moved, context)
    for joint, bone_name in enumerate(names):
        # Where the bone would rest in SMPL's own pose: what an exporter needs to tell SMPL's rotations again.
        armature.data.bones[bone_name][_AXES] = before[joint].ravel().tolist()
    _write_mesh(mesh, names, turns, heads, moved)
    _write_curves(armature, names, before, turns @ before)


def smpl_axes(armature: bpy.types.Object, names: tuple[str, ...]) -> Array:
    """(24, 3, 3) the axes, one per column, that the bones have in SMPL's own rest pose."""
    bones = armature.data.bones
    if all(_AXES in bones[name] for name in names):
        return np.array([np.array(bones[name][_AXES]).reshape(3, 3) for name in names])
    return np.array([np.array(bones[name].matrix_local)[:3, :3] for name in names], np.float64)


def _turned_arms(heads: Array, tails: Array, slope: float) -> tuple[Array, Array]:
    """Turns (24, 3, 3) in the armature from rest to rest, and the heads (24, 3) after them."""
    turns, moved = np.tile(np.eye(3), (24, 1, 1)), heads.copy()
    for chain, side in zip(_ARMS, (1.0, -1.0), strict=True):
        aim = np.array([side * np.cos(slope), 0.0, -np.sin(slope)])
        for joint in chain:
            turns[joint] = quat.matrices(quat.between(tails[joint] - heads[joint], aim))
            parent = PARENTS[joint]
            moved[joint] = moved[parent] + turns[parent] @ (heads[joint] - heads[parent])
    return turns, moved


def _write_bones(
    armature: bpy.types.Object, names: tuple[str, ...], axes: Array, heads: Array, context: bpy.types.Context
) -> None:
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for joint, name in enumerate(names):
            matrix = np.eye(4)
            matrix[:3, :3], matrix[:3, 3] = axes[joint], heads[joint]
            armature.data.edit_bones[name].matrix = Matrix(matrix)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def _write_mesh(mesh: bpy.types.Object, names: tuple[str, ...], turns: Array, heads: Array, moved: Array) -> None:
    """Every shape key as linear blend skinning moves it from rest to rest."""
    weights = _weights(mesh, names)
    blended = np.einsum("vk,kij->vij", weights, turns)
    shifts = weights @ (moved - np.einsum("kij,kj->ki", turns, heads))
    for key in mesh.data.shape_keys.key_blocks:
        points = np.empty(3 * len(weights), np.float32)
        key.data.foreach_get("co", points)
        placed = np.einsum("vij,vj->vi", blended, points.reshape(-1, 3).astype(np.float64)) + shifts
        key.data.foreach_set("co", placed.astype(np.float32).ravel())
        if key == mesh.data.shape_keys.reference_key:
            mesh.data.vertices.foreach_set("co", placed.astype(np.float32).ravel())
    # Written all at once, they tell nobody: Blender 4.2 went on to show the old ones.
    mesh.data.shape_keys.update_tag()
    mesh.data.update_tag()


def _weights(mesh: bpy.types.Object, names: tuple[str, ...]) -> Array:
    """(V, 24) rows that sum to 1."""
    column = {mesh.vertex_groups[name].index: joint for joint, name in enumerate(names)}
    weights = np.zeros((len(mesh.data.vertices), 24))
    for index, vertex in enumerate(mesh.data.vertices):
        for group in vertex.groups:
            weights[index, column[group.group]] = group.weight
    return weights / weights.sum(axis=1, keepdims=True)


def _write_curves(armature: bpy.types.Object, names: tuple[str, ...], before: Array, after: Array) -> None:
    curves = curves_of(armature).fcurves
    for joint, name in enumerate(names):
        parent = PARENTS[joint]
        if parent < 0:
            continue
        change = (after[parent].T @ after[joint]).T @ (before[parent].T @ before[joint])
        if np.abs(change - np.eye(3)).max() < 1e-9:
            continue
        parts = [curves.find(f'pose.bones["{name}"].rotation_quaternion', index=index) for index in range(4)]
        points = np.empty((4, 2 * len(parts[0].keyframe_points)), np.float32)
        for index, curve in enumerate(parts):
            curve.keyframe_points.foreach_get("co", points[index])
        turned = quat.multiply(quat.from_matrices(change), points[:, 1::2].T.astype(np.float64))
        points[:, 1::2] = quat.continuous(quat.normalized(turned)).T
        for index, curve in enumerate(parts):
            curve.keyframe_points.foreach_set("co", points[index])
            curve.update()
