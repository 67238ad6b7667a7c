"""Real motion for the tests of clean-up: DeepMimic's clips on its own humanoid."""

from __future__ import annotations

import json

import numpy as np
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.motion import Motion
from bl_ext.user_default.ikol.ikol_blender.cleanup.skeleton import Skeleton

from tests.shared_data import shared

# Name, parent, offset from the parent (m, Y up, facing +X, right is +Z), width of its rotation in a frame of the file.
_BONES = (
    ("Root", -1, (0.0, 0.0, 0.0), 4),
    ("Chest", 0, (0.0, 0.236151, 0.0), 4),
    ("Neck", 1, (0.0, 0.223894, 0.0), 4),
    ("Right_Thigh", 0, (0.0, 0.0, 0.084887), 4),
    ("Right_Knee", 3, (0.0, -0.421546, 0.0), 1),
    ("Right_Ankle", 4, (0.0, -0.40987, 0.0), 4),
    ("Right_Shoulder", 1, (-0.02405, 0.2435, 0.18311), 4),
    ("Right_Elbow", 6, (0.0, -0.274788, 0.0), 1),
    ("Left_Thigh", 0, (0.0, 0.0, -0.084887), 4),
    ("Left_Knee", 8, (0.0, -0.421546, 0.0), 1),
    ("Left_Ankle", 9, (0.0, -0.40987, 0.0), 4),
    ("Left_Shoulder", 1, (-0.02405, 0.2435, -0.18311), 4),
    ("Left_Elbow", 11, (0.0, -0.274788, 0.0), 1),
    ("Right_Hand", 7, (0.0, -0.258947, 0.0), 0),
    ("Left_Hand", 12, (0.0, -0.258947, 0.0), 0),
    ("Right_Toe", 5, (0.13, -0.04, 0.0), 0),
    ("Left_Toe", 10, (0.13, -0.04, 0.0), 0),
)
NAMES = tuple(bone[0] for bone in _BONES)
HANDS = (NAMES.index("Left_Hand"), NAMES.index("Right_Hand"))
FEET = (NAMES.index("Left_Ankle"), NAMES.index("Right_Ankle"))
_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def skeleton() -> Skeleton:
    parents = tuple(bone[1] for bone in _BONES)
    rests = np.tile(np.eye(4), (len(_BONES), 1, 1))
    for index, (_, parent, offset, _) in enumerate(_BONES):
        rests[index, :3, 3] = np.array(offset) + (rests[parent, :3, 3] if parent >= 0 else 0)
    return Skeleton(NAMES, parents, rests, np.full(len(_BONES), 0.1), _Z_UP)


def deepmimic(clip: str) -> Motion:
    """The clip at its own rate."""
    path = shared(f"mocap/deepmimic/humanoid3d_{clip}.txt")
    frames = np.array(json.loads(path.read_text())["Frames"], np.float64)
    rotations = np.zeros((len(frames), len(_BONES), 4))
    rotations[..., 0] = 1
    at = 4
    for index, (_, _, _, width) in enumerate(_BONES):
        values = frames[:, at : at + width]
        if width == 4:
            rotations[:, index] = quat.normalized(values)
        elif width == 1:
            rotations[:, index] = quat.exp(values * np.array([0.0, 0.0, 1.0]))
        at += width
    locations = np.zeros((len(frames), len(_BONES), 3))
    locations[:, 0] = frames[:, 1:4]
    return Motion(skeleton(), 1 / frames[0, 0], quat.continuous(rotations), locations)
