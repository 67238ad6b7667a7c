"""IKOL's accuracy: protocol A on random poses, protocol B on mocap with a lifter's noise."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.solver.ikol.poses import describe, make_poses

from ._layers import LAYERS, joint_error, limb_error
from ._mocap import read_motions

OUTLIERS, OUTLIER_CONFIDENCE = 0.05, 0.1


def accuracy_table() -> list[str]:
    """Protocol A."""
    poses = make_poses(2000, torch.float32, shaped=False)
    rows = {"raw keypoints": ["raw keypoints"], **{name: [name] for name in LAYERS}}
    limbs: dict[str, str] = {"raw keypoints": "-"}
    for metres in (0.0, 0.01, 0.02, 0.03):
        generator = torch.Generator().manual_seed(1)
        keypoints = poses.joints + metres * torch.randn(poses.joints.shape, generator=generator)
        rows["raw keypoints"].append(f"{joint_error(keypoints, poses.joints):.1f}")
        for name, solve in LAYERS.items():
            rotations, joints = solve(poses, keypoints, None)
            assert torch.isfinite(rotations).all()
            rows[name].append(f"{joint_error(joints, poses.joints):.{4 if metres == 0 else 1}f}")
            if metres == 0.01:
                limbs[name] = f"{limb_error(rotations, poses.rotations):.1f}°"
    head = ["| mm | s = 0 | 10 mm | 20 mm | 30 mm | limbs' rotation at 10 mm |", "|---|---|---|---|---|---|"]
    return head + [f"| {' | '.join(row)} | {limbs[name]} |" for name, row in rows.items()]


def lifted(joints: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Protocol B's keypoints and confidence: 10 mm at the hips, 20 at wrists, ankles, hands and feet, 15 between,
    three times that in depth (z); 5 % of the keypoints 200 mm off with low confidence."""
    generator = torch.Generator().manual_seed(seed)
    sigma = torch.full((24, 1), 0.015)
    sigma[[0, 1, 2]] = 0.010
    sigma[[7, 8, 10, 11, 20, 21, 22, 23]] = 0.020
    noise = sigma * torch.tensor([1.0, 1.0, 3.0]) * torch.randn(joints.shape, generator=generator)
    off = torch.rand(joints.shape[:2], generator=generator) < OUTLIERS
    away = torch.nn.functional.normalize(torch.randn(joints.shape, generator=generator), dim=-1)
    noise = torch.where(off[..., None], 0.2 * away, noise)
    return joints + noise.to(joints), torch.where(off, OUTLIER_CONFIDENCE, 1.0).to(joints)


def realistic_table() -> list[str]:
    """Protocol B."""
    rotations = torch.cat([motion.rotations for motion in read_motions()])
    poses = describe(rotations, torch.zeros(len(rotations), 10).double(), torch.float32)
    keypoints, confidence = lifted(poses.joints, 1)
    head = [f"| {len(rotations)} mocap poses | joints, mm | limbs' rotation |", "|---|---|---|"]
    head.append(f"| raw keypoints | {joint_error(keypoints, poses.joints):.1f} | - |")
    for name, solve in LAYERS.items():
        found, joints = solve(poses, keypoints, confidence)
        errors = joint_error(joints, poses.joints), limb_error(found, poses.rotations)
        head.append(f"| {name} | {errors[0]:.1f} | {errors[1]:.1f}° |")
    return head
