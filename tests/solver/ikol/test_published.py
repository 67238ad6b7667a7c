"""The published formulation against a re-derivation by scalar loops that shares no code with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from solver.body_file import PARENTS
from solver.ikol import IKOLLayer
from tests.solver.ikol.poses import make_poses

Array = NDArray[np.float64]
LEAF_ROW = {15: 0, 22: 1, 23: 2, 10: 3, 11: 4}
SWINGS = [k for k in range(1, 24) if k not in LEAF_ROW]  # the paper's 18, spine3 among them


def rodrigues(axis: Array, angle: float) -> Array:
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


def kabsch(offsets: Array, bones: Array) -> Array:
    left, _, right = np.linalg.svd(offsets.T @ bones)
    return left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right


def place(angles: Array, x: Array, t: Array, twist: Array, leaves: Array) -> tuple[Array, Array]:
    """Joints (24, 3) and relative rotations (24, 3, 3) of one pose, joint by joint."""
    children = [[c for c in range(24) if PARENTS[c] == k] for k in range(24)]
    relative, frames, q = np.zeros((24, 3, 3)), np.zeros((24, 3, 3)), np.zeros((24, 3))
    for k in range(24):
        above = frames[PARENTS[k]] if k else np.eye(3)
        if k:
            q[k] = q[PARENTS[k]] + above @ t[k]
        if len(children[k]) == 3:
            goal = np.array([above.T @ (x[c] - x[k]) for c in children[k]])
            relative[k] = kabsch(goal, t[children[k]])
        elif not children[k]:
            relative[k] = leaves[LEAF_ROW[k]]
        else:
            bone = t[children[k][0]]
            goal = above.T @ (x[children[k][0]] - x[k])
            axis = np.cross(bone, goal)
            turn = rodrigues(bone / np.linalg.norm(bone), np.arctan2(twist[k - 1, 1], twist[k - 1, 0]))
            relative[k] = rodrigues(axis / np.linalg.norm(axis), angles[SWINGS.index(k)]) @ turn
        frames[k] = above @ relative[k]
    return q, relative


def differentiate(angles: Array, *given: Array) -> Array:
    """(72, 18) by fourth-order central differences."""
    columns: list[Array] = []
    for i in range(18):
        h = 1e-3 * np.eye(18)[i]
        near = place(angles + h, *given)[0] - place(angles - h, *given)[0]
        far = place(angles + 2 * h, *given)[0] - place(angles - 2 * h, *given)[0]
        columns.append(((8 * near - far) / 12e-3).ravel())
    return np.stack(columns, 1)


def test_agrees_with_scalar_loops_after_each_iteration() -> None:
    poses = make_poses(3)
    noise = 0.02 * torch.randn(3, 24, 3, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    keypoints = poses.joints + noise
    rest = poses.skeleton.rest_joints(poses.betas).numpy()
    solved = [
        IKOLLayer(poses.skeleton, formulation="published", max_iterations=n)(keypoints, **poses.inputs)
        for n in range(1, 6)
    ]
    for sample in range(3):
        t = rest[sample] - rest[sample][[0, *PARENTS[1:]]]
        x = (keypoints[sample] - keypoints[sample, :1]).numpy()
        given = (x, t, poses.twist[sample].numpy(), poses.leaf_rotations[sample].numpy())
        angles = np.zeros(18)
        for iteration in range(5):
            jacobian = differentiate(angles, *given)
            residual = (place(angles, *given)[0] - x).ravel()
            angles -= np.linalg.solve(jacobian.T @ jacobian + 0.1 * np.eye(18), jacobian.T @ residual)
            joints, relative = place(angles, *given)
            ours = solved[iteration]
            np.testing.assert_allclose(ours.rotations[sample], relative, atol=1e-6)
            np.testing.assert_allclose(ours.joints[sample] - keypoints[sample, 0], joints, atol=1e-6)


def test_gradients_flow_to_every_input() -> None:
    poses = make_poses(2, seed=3)
    layer = IKOLLayer(poses.skeleton, formulation="published", max_iterations=3)
    noise = 0.01 * torch.randn(2, 24, 3, generator=torch.Generator().manual_seed(8), dtype=torch.float64)

    def solve(*inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        solution = layer(*inputs)
        return solution.rotations, solution.joints, solution.cost

    inputs = (poses.joints + noise, poses.betas, poses.twist, poses.leaf_rotations)
    inputs = tuple(value.clone().requires_grad_() for value in inputs)
    assert torch.autograd.gradcheck(solve, inputs, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_solution_is_consistent(dtype: torch.dtype) -> None:
    poses = make_poses(64, dtype)
    with torch.no_grad():
        solution = IKOLLayer(poses.skeleton, formulation="published")(poses.joints + 3, **poses.inputs)
    joints = poses.skeleton(solution.rotations, poses.betas) + solution.translation[:, None]
    torch.testing.assert_close(joints, solution.joints, atol=2e-5, rtol=0)
    assert torch.isfinite(solution.rotations).all()
    error = (solution.joints - poses.joints - 3).norm(dim=-1).mean()
    assert error < 0.03  # five damped steps leave centimetres even on exact keypoints: docs/ikol.md
