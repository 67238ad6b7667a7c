"""Real motion for benchmarks and tests: DeepMimic's clips (MIT) as rotations of the SMPL skeleton.

Its humanoid has 13 joints, stands along Y, faces +X and hangs its arms; SMPL faces +Z in a T. Bodies keep their global
orientation but for those two differences.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from solver.body_file import PARENTS

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "mocap" / "deepmimic"
_ROOT, _CHEST, _NECK = 4, 8, 12  # columns of the quaternions, w first
_LIMBS = {"right": 16, "left": 30}  # hip 4, knee 1, ankle 4, shoulder 4, elbow 1
_SMPL = {"right": (2, 5, 8, 11, 14, 17, 19, 21, 23), "left": (1, 4, 7, 10, 13, 16, 18, 20, 22)}
_FACING = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])  # their X forward to Z, their Z (right) to -X


@dataclass(frozen=True)
class Motion:
    """rotations (T, 24, 3, 3) relative to the parent, float64; translation (T, 3), m; frame rate, Hz."""

    name: str
    rotations: Tensor
    translation: Tensor
    frame_rate: float


def read_motions() -> list[Motion]:
    """Every clip; empty where the data is absent."""
    return [read_motion(path) for path in sorted(FOLDER.glob("humanoid3d_*.txt"))]


def read_motion(path: Path) -> Motion:
    """One clip."""
    frames = np.array(json.loads(path.read_text())["Frames"], np.float64)
    quaternion = lambda at: Rotation.from_quat(frames[:, [at + 1, at + 2, at + 3, at]]).as_matrix()  # noqa: E731
    hinge = lambda at: Rotation.from_euler("z", frames[:, [at]]).as_matrix()  # noqa: E731
    root = quaternion(_ROOT)
    chest = root @ quaternion(_CHEST)
    theirs = np.repeat(root[:, None], 24, 1)
    theirs[:, [6, 9]] = chest[:, None]
    theirs[:, [12, 15]] = (chest @ quaternion(_NECK))[:, None]
    for side, at in _LIMBS.items():
        hip, knee, ankle, foot, collar, shoulder, elbow, wrist, hand = _SMPL[side]
        theirs[:, hip] = root @ quaternion(at)
        theirs[:, knee] = theirs[:, hip] @ hinge(at + 4)
        theirs[:, [ankle, foot]] = (theirs[:, knee] @ quaternion(at + 5))[:, None]
        theirs[:, collar] = chest
        theirs[:, shoulder] = chest @ quaternion(at + 9)
        theirs[:, [elbow, wrist, hand]] = (theirs[:, shoulder] @ hinge(at + 13))[:, None]
    frames24 = _FACING @ theirs @ _FACING.T
    for side, sign in (("left", -1), ("right", 1)):
        hang = Rotation.from_euler("z", sign * 90, degrees=True).as_matrix()
        frames24[:, _SMPL[side][5:]] = frames24[:, _SMPL[side][5:]] @ hang
    relative = frames24.copy()
    relative[:, 1:] = frames24[:, PARENTS[1:]].swapaxes(-1, -2) @ frames24[:, 1:]
    return Motion(
        path.stem.removeprefix("humanoid3d_"),
        torch.from_numpy(relative),
        torch.from_numpy(frames[:, 1:4] @ _FACING.T),
        1 / frames[0, 0],
    )


def resample(motion: Motion, frame_rate: float) -> Motion:
    """The motion at another rate, turns interpolated on the rotations."""
    count = len(motion.translation)
    times = np.arange(0, (count - 1) / motion.frame_rate, 1 / frame_rate) * motion.frame_rate
    before = np.minimum(times.astype(int), count - 2)
    share = torch.from_numpy(times - before)
    start, end = motion.rotations[before], motion.rotations[before + 1]
    turn = Rotation.from_matrix((start.mT @ end).reshape(-1, 3, 3).numpy()).as_rotvec().reshape(len(times), 24, 3)
    part = Rotation.from_rotvec((turn * share[:, None, None].numpy()).reshape(-1, 3)).as_matrix()
    rotations = start @ torch.from_numpy(part.reshape(len(times), 24, 3, 3))
    translation = torch.lerp(motion.translation[before], motion.translation[before + 1], share[:, None])
    return Motion(motion.name, rotations, translation, frame_rate)
