"""The SMPL skeleton as an armature, in the rest pose of a take's shape."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ..contract import PARENTS, Body
from .rotations import ARMATURE_FROM_SMPL

Array = NDArray[np.float64]

# The names of Meshcapade's SMPL add-on, in SMPL order, so that tools made for it find the bones.
BONE_NAMES = (
    "Pelvis", "L_Hip", "R_Hip", "Spine1", "L_Knee", "R_Knee", "Spine2", "L_Ankle", "R_Ankle", "Spine3", "L_Foot",
    "R_Foot", "Neck", "L_Collar", "R_Collar", "Head", "L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow", "L_Wrist",
    "R_Wrist", "L_Hand", "R_Hand",
)  # fmt: skip

_UP, _DOWN = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
_FORWARD, _BACK = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)

# Which child a bone points at where it has several.
_MAIN_CHILD = {0: 3, 9: 12}
# Which way a bone without children points.
_LEAF_DIRECTION = {10: _FORWARD, 11: _FORWARD, 15: _UP, 22: (1.0, 0.0, 0.0), 23: (-1.0, 0.0, 0.0)}
# Where a bone's Z axis points, so that +X bends spine and arms forward, knees back, toes down, alike on both sides.
_LEGS, _FEET = (1, 2, 4, 5), (7, 8, 10, 11)
_ROLL_AXIS = {**dict.fromkeys(_LEGS, _BACK), **dict.fromkeys(_FEET, _DOWN)}
_SHORTEST_BONE = 0.02


@dataclass(frozen=True)
class RestBody:
    """A body of one shape, standing on the floor in its rest pose, in the armature's frame (Z up, facing -Y, m).

    Attributes:
        joints: (24, 3).
        tails: (24, 3) where each joint's bone ends.
        offset: (3,) what was added to SMPL's rest frame, after the turn to Z up, to stand on the floor.
    """

    joints: Array
    tails: Array
    offset: Array


def rest_body(body: Body, betas: Array) -> RestBody:
    """The rest pose of `body` with the shape `betas` (10,), its lowest vertex at z = 0."""
    vertices = body.rest_vertices(betas) @ ARMATURE_FROM_SMPL.T
    joints = body.rest_joints(betas) @ ARMATURE_FROM_SMPL.T
    offset = np.array([0.0, 0.0, -vertices[:, 2].min()])
    tails = np.stack([_tail(joint, joints, vertices, body.weights) for joint in range(len(joints))])
    return RestBody(joints + offset, tails + offset, offset)


def build_armature(
    name: str, rest: RestBody, context: bpy.types.Context, collection: bpy.types.Collection
) -> bpy.types.Object:
    """An armature object with the 24 bones of `rest`; it becomes the active object, in Object mode."""
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    thing = bpy.data.objects.new(name, armature)
    thing.show_in_front = True
    collection.objects.link(thing)
    context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for joint, bone_name in enumerate(BONE_NAMES):
            bone = armature.edit_bones.new(bone_name)
            bone.head, bone.tail = Vector(rest.joints[joint]), Vector(rest.tails[joint])
            bone.align_roll(Vector(_ROLL_AXIS.get(joint, _FORWARD)))
            if PARENTS[joint] >= 0:
                bone.parent = armature.edit_bones[BONE_NAMES[PARENTS[joint]]]
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
    for bone in thing.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = (bone.parent is not None,) * 3
    return thing


def bone_rests(armature: bpy.types.Object) -> Array:
    """(24, 3, 3) rest axes of the bones in the armature, one per column, as Blender keeps them."""
    bones = armature.data.bones
    return np.array([np.array(bones[name].matrix_local)[:3, :3] for name in BONE_NAMES], np.float64)


def _tail(joint: int, joints: Array, vertices: Array, weights: Array) -> Array:
    children = [child for child, parent in enumerate(PARENTS) if parent == joint]
    if children:
        return joints[_MAIN_CHILD.get(joint, children[0])]
    direction = np.array(_LEAF_DIRECTION[joint])
    moved = vertices[weights[:, joint] > 0.5]
    reach = float(((moved - joints[joint]) @ direction).max(initial=0.0))
    return joints[joint] + direction * max(reach, _SHORTEST_BONE)
