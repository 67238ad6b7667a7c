from __future__ import annotations

import numpy as np
import torch

from solver.body_file import PARENTS, read_body
from solver.ikol import Skeleton, so3
from solver.ikol.swing_twist import about_axis, across, decompose, swing_between, twist_about
from tests.solver.ikol.poses import make_poses


def test_rest_joints_are_the_body_files() -> None:
    betas = torch.randn(3, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    skeleton, body = Skeleton.from_body("open", torch.float64), read_body("open")
    expected = np.stack([body.rest_joints(b.numpy()) for b in betas])
    np.testing.assert_allclose(skeleton.rest_joints(betas), expected, atol=1e-12)
    assert skeleton.rest_joints(betas[0]).shape == (1, 24, 3)


def test_forward_is_the_chain_of_transforms() -> None:
    poses = make_poses(4)
    rest = poses.skeleton.rest_joints(poses.betas)
    for sample in range(4):
        transforms: list[torch.Tensor] = []
        for joint, parent in enumerate(PARENTS):
            local = torch.eye(4, dtype=torch.float64)
            local[:3, :3] = poses.rotations[sample, joint]
            local[:3, 3] = rest[sample, joint] - (rest[sample, parent] if parent >= 0 else 0)
            transforms.append(transforms[parent] @ local if parent >= 0 else local)
            torch.testing.assert_close(poses.joints[sample, joint], transforms[joint][:3, 3], atol=1e-12, rtol=0)


def test_one_shape_serves_a_batch() -> None:
    poses = make_poses(5, shaped=False)
    joints = poses.skeleton(poses.rotations, poses.betas[0])
    torch.testing.assert_close(joints, poses.joints)


def test_swing_and_twist_compose_and_stay_apart() -> None:
    generator = torch.Generator().manual_seed(4)
    rotations = so3.exp(torch.randn(200, 3, generator=generator, dtype=torch.float64) * 1.2)
    axes = torch.randn(200, 3, generator=generator, dtype=torch.float64)
    swing, twist = decompose(rotations, axes)
    unit = axes / axes.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(swing @ about_axis(twist, unit), rotations, atol=1e-12, rtol=0)
    across_swing = (so3.log(swing) * unit).sum(-1)
    torch.testing.assert_close(across_swing, torch.zeros_like(across_swing), atol=1e-12, rtol=0)
    torch.testing.assert_close(twist_about(about_axis(twist, unit), axes), twist, atol=1e-12, rtol=0)


def test_swing_takes_start_to_end_even_when_opposite() -> None:
    generator = torch.Generator().manual_seed(5)
    start = torch.nn.functional.normalize(torch.randn(100, 3, generator=generator, dtype=torch.float64), dim=-1).T
    for end in (start.roll(1, -1), -start, start, -start + 1e-9 * across(start)):
        identity = torch.eye(3, dtype=torch.float64)[..., None].expand(3, 3, 100)
        rotation = swing_between(start, end, identity).permute(2, 0, 1)
        torch.testing.assert_close(rotation @ rotation.mT, identity.permute(2, 0, 1), atol=1e-8, rtol=0)
        torch.testing.assert_close((rotation @ start.T[..., None]).squeeze(-1), end.T, atol=1e-8, rtol=0)
