"""What IKOL is measured against, written the plain way."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from smplfitter.pt import BodyFitter, BodyModel
from torch import Tensor

from solver.body_file import PARENTS, read_body
from solver.ikol import planes, so3
from solver.ikol.gauss_newton import Termination
from solver.ikol.kinematics import expand_leaves, joints_from_globals, relative_rotations
from solver.ikol.layer import KERNEL, TWIST_WEIGHT, pad_twist
from solver.ikol.objective import Objective, Pose
from solver.ikol.published import DAMPING, ITERATIONS, SWINGING, PublishedProblem, pose
from solver.ikol.swing_twist import solve_analytic, twist_rotations
from tests.solver.ikol.poses import Poses


def solve_analytic_only(poses: Poses, keypoints: Tensor, confidence: Tensor | None) -> tuple[Tensor, Tensor]:
    """The adaptive swing-twist pass: relative rotations (B, 24, 3, 3) and joints (B, 24, 3)."""
    targets = planes.vectors_to_planes(keypoints)
    bones = planes.vectors_to_planes(poses.skeleton.bones(poses.betas))
    twists = twist_rotations(bones, pad_twist(poses.twist))
    weights = torch.ones_like(targets[0]) if confidence is None else confidence.T
    frames = solve_analytic(targets, weights, bones, twists, expand_leaves(poses.leaf_rotations))
    joints = joints_from_globals(frames, torch.cat((targets[:, :1], bones[:, 1:]), 1))
    return planes.matrices_from_planes(relative_rotations(frames)), planes.vectors_from_planes(joints)


def dense_published(poses: Poses, keypoints: Tensor) -> Tensor:
    """The published iterations with the Jacobian from `torch.func.jacrev`: angles (17, B)."""
    targets = planes.vectors_to_planes(keypoints - keypoints[:, :1])
    bones = planes.vectors_to_planes(poses.skeleton.bones(poses.betas))
    bones = torch.cat((torch.zeros_like(bones[:, :1]), bones[:, 1:]), 1)
    twists = twist_rotations(bones, pad_twist(poses.twist))
    problem = PublishedProblem(targets, bones, twists, expand_leaves(poses.leaf_rotations))

    def joints(angles: Tensor) -> Tensor:
        return joints_from_globals(pose(angles, problem)[0], bones)

    angles = targets.new_zeros(len(SWINGING), targets.shape[-1])
    for _ in range(ITERATIONS):
        # Samples do not mix, so one reverse pass per coordinate serves the batch.
        jacobian = torch.func.jacrev(lambda a: joints(a).sum(-1))(angles).flatten(0, 1).permute(2, 0, 1)
        residual = (joints(angles) - targets).flatten(0, 1).T[..., None]
        normal = jacobian.mT @ jacobian + DAMPING * torch.eye(len(SWINGING))
        angles = angles - torch.linalg.solve(normal, jacobian.mT @ residual).squeeze(-1).T
    return angles


@dataclass(frozen=True)
class GenericLayer:
    """The tangent problem by one who writes its cost and leaves the rest to `torch.func`: Newton's method with the
    dense Hessian from `jacrev`, and the implicit function theorem with the same for the gradient."""

    poses: Poses

    def solve(self, keypoints: Tensor) -> Pose:
        """Until no joint of any sample turns by more than what ends the layer's own solve."""
        targets, bones = planes.vectors_to_planes(keypoints), self._bones
        twists = twist_rotations(bones, pad_twist(self.poses.twist))
        frames = solve_analytic(
            targets, torch.ones_like(bones[0]), bones, twists, expand_leaves(self.poses.leaf_rotations)
        )
        pose = Pose(frames, targets[:, :1])
        zero = torch.zeros(75, len(keypoints))
        for _ in range(Termination.max_iterations):
            slope = torch.func.grad(self._cost)(zero, pose, keypoints)
            step = -self._solve(self._hessian(pose, keypoints), slope)
            pose = _moved(pose, step)
            if float(step[3:].abs().max()) < Termination.step:
                break
        return pose

    def gradient(self, pose: Pose, keypoints: Tensor) -> Tensor:
        """Of the joints' sum at the solved `pose`, with respect to the keypoints (B, 24, 3)."""
        zero = torch.zeros(75, len(keypoints))

        def joints(unknowns: Tensor) -> Tensor:
            at = _moved(pose, unknowns)
            return joints_from_globals(at.frames, torch.cat((at.pelvis, self._bones[:, 1:]), 1)).sum()

        adjoint = self._solve(self._hessian(pose, keypoints), torch.func.grad(joints)(zero))
        points = keypoints.clone().requires_grad_()
        slope = torch.func.grad(self._cost)(zero, pose, points)
        return torch.autograd.grad(-(slope * adjoint).sum(), points)[0]

    @property
    def _bones(self) -> Tensor:
        return planes.vectors_to_planes(self.poses.skeleton.bones(self.poses.betas))

    def _cost(self, unknowns: Tensor, pose: Pose, keypoints: Tensor) -> Tensor:
        weights = torch.ones_like(self._bones[0])
        objective = Objective.build(
            planes.vectors_to_planes(keypoints), weights, self._bones, pad_twist(self.poses.twist),
            TWIST_WEIGHT * weights, KERNEL, None,
        )  # fmt: skip
        at = _moved(pose, unknowns)
        return objective.cost(at, objective.joints(at)).sum()

    def _hessian(self, pose: Pose, keypoints: Tensor) -> Tensor:
        """(B, 75, 75). Samples do not mix, so one reverse pass per unknown serves the batch."""
        zero = torch.zeros(75, len(keypoints))
        slope = torch.func.grad(self._cost)
        return torch.func.jacrev(lambda u: slope(u, pose, keypoints).sum(-1))(zero).permute(2, 0, 1)

    @staticmethod
    def _solve(hessian: Tensor, right: Tensor) -> Tensor:
        # What no input determines, the leaves' turns, stays where it is.
        return torch.linalg.solve(hessian + 1e-6 * torch.eye(75), right.T[..., None]).squeeze(-1).T


def _moved(pose: Pose, unknowns: Tensor) -> Pose:
    turns = unknowns[3:].unflatten(0, (24, 3)).transpose(0, 1)
    return Pose(so3.turn_columns(turns, pose.frames), pose.pelvis + unknowns[:3, None])


def smplfitter_run(poses: Poses) -> Callable[[], object]:
    """smplfitter as its users run it, on the open body written as the file that it reads."""
    body = read_body("open")
    with tempfile.TemporaryDirectory() as folder:
        table = np.array([[2**32 - 1, *PARENTS[1:]], range(24)])
        arrays = {
            "v_template": body.v_template, "shapedirs": body.shapedirs, "posedirs": body.posedirs, "f": body.faces,
            "J_regressor": body.joint_regressor, "weights": body.weights, "kintree_table": table,
        }  # fmt: skip
        arrays["J"] = body.rest_joints(np.zeros(10))
        (Path(folder) / "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl").write_bytes(pickle.dumps(arrays))
        np.save(Path(folder) / "kid_template.npy", np.zeros_like(body.v_template))
        subset = np.linspace(0, len(body.v_template) - 1, 1024).astype(int)
        model = BodyModel("smpl", "neutral", model_root=folder, vertex_subset=subset)
    fitter = BodyFitter(model)
    betas = torch.zeros(len(poses.joints), 10)
    posed = model(shape_betas=betas, pose_rotvecs=so3.log(poses.rotations).flatten(1))
    noise = torch.Generator().manual_seed(1)
    vertices, joints = (posed[k] + 0.01 * torch.randn(posed[k].shape, generator=noise) for k in ("vertices", "joints"))
    return lambda: fitter.fit_with_known_shape(
        betas, vertices, joints, num_iter=3, requested_keys=["pose_rotvecs", "joints"]
    )
