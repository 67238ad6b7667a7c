"""DeepMimic's clips as takes: its humanoid faces +X and hangs its arms, SMPL faces +Z in a T; both have Y up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat

from solver.body_file import PARENTS, read_body
from solver.take import Take
from tests.ikol_blender.cleanup.mocap import NAMES, deepmimic

_FACING = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])  # their X forward to Z, their Z (right) to -X
_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_JOINTS = {"Root": (0, 3), "Chest": (6, 9, 13, 14), "Neck": (12, 15)}
_SIDES = {"Left": ((1,), (4,), (7, 10), (16,), (18, 20, 22)), "Right": ((2,), (5,), (8, 11), (17,), (19, 21, 23))}
_LIMBS = ("Thigh", "Knee", "Ankle", "Shoulder", "Elbow")


def mocap_take(clip: str, like: Take) -> Take:
    """The clip at its own rate; everything but the motion is as in `like`."""
    motion = deepmimic(clip)
    world = np.empty_like(motion.rotations)
    for bone, parent in enumerate(motion.skeleton.parents):
        own = motion.rotations[:, bone]
        world[:, bone] = own if parent < 0 else quat.multiply(world[:, parent], own)
    joints = dict(_JOINTS)
    for side, groups in _SIDES.items():
        joints |= {f"{side}_{limb}": group for limb, group in zip(_LIMBS, groups, strict=True)}
    turns = np.empty((len(world), 24, 3, 3))
    for name, group in joints.items():
        turned = _FACING @ quat.matrices(world[:, NAMES.index(name)]) @ _FACING.T
        if name.endswith(("Shoulder", "Elbow")):
            sign = -1 if name.startswith("Left") else 1
            turned = turned @ np.array([[0.0, -sign, 0], [sign, 0, 0], [0, 0, 1]])
        for joint in group:
            turns[:, joint] = turned
    local = turns.copy()
    local[:, 1:] = np.swapaxes(turns[:, PARENTS[1:]], -1, -2) @ turns[:, 1:]
    local[:, 0] = _Z_UP @ turns[:, 0]
    count, betas = len(world), np.zeros(10)
    trans = motion.locations[:, 0] @ _FACING.T @ _Z_UP.T - read_body("open").rest_joints(betas)[0]
    return replace(
        like,
        poses=quat.log(quat.from_matrices(local)).reshape(count, 72),
        trans=trans,
        betas=betas,
        framerate=motion.rate_hz,
        timestamps=np.arange(count) / motion.rate_hz,
        keypoints3d=np.zeros((count, 24, 3)),
        confidence=np.ones((count, 24)),
        contacts=np.zeros((count, 4)),
        landmarks2d=np.zeros((count, 33, 3)),
        meta={"clip": f"{clip}.mp4"},
    )
