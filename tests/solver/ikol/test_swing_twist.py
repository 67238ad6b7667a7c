from __future__ import annotations

import torch
from torch import Tensor

from solver.ikol import planes, so3
from solver.ikol.kinematics import expand_leaves, joints_from_globals, relative_rotations
from solver.ikol.layer import pad_twist
from solver.ikol.swing_twist import solve_analytic, twist_rotations
from tests.solver.ikol.poses import Poses, make_poses


def solve(poses: Poses, keypoints: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Relative rotations (B, 24, 3, 3) and joints (B, 24, 3) of the analytic pass."""
    bones = planes.vectors_to_planes(poses.skeleton.bones(poses.betas))
    bones = torch.cat((planes.vectors_to_planes(keypoints)[:, :1], bones[:, 1:]), 1)
    weights = torch.ones_like(keypoints[..., 0]) if weights is None else weights
    twists = twist_rotations(bones, pad_twist(poses.twist))
    leaves = expand_leaves(poses.leaf_rotations)
    frames = solve_analytic(planes.vectors_to_planes(keypoints), weights.T, bones, twists, leaves)
    joints = planes.vectors_from_planes(joints_from_globals(frames, bones))
    return planes.matrices_from_planes(relative_rotations(frames)), joints


def test_exact_keypoints_give_back_the_pose() -> None:
    poses = make_poses(200)
    rotations, joints = solve(poses, poses.joints)
    torch.testing.assert_close(joints, poses.joints, atol=1e-10, rtol=0)
    angle = so3.log(rotations.mT @ poses.rotations).norm(dim=-1)
    assert angle.max() < 1e-7


def test_a_missing_keypoint_leaves_the_rest_swing() -> None:
    poses = make_poses(50)
    weights = torch.ones(50, 24, dtype=torch.float64)
    weights[:, 20] = 0  # left wrist
    keypoints = poses.joints.clone()
    keypoints[:, 20] = 1e6
    rotations, joints = solve(poses, keypoints, weights)
    angle = so3.log(rotations[:, 18]).norm(dim=-1)
    twist = torch.atan2(poses.twist[:, 17, 1], poses.twist[:, 17, 0]).abs()
    torch.testing.assert_close(angle, twist, atol=1e-9, rtol=0)
    torch.testing.assert_close(joints[:, :20], poses.joints[:, :20], atol=1e-9, rtol=0)
