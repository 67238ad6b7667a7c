"""The layers that are compared, and what their poses are measured by."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from solver.body_file import JOINT_NAMES, PARENTS
from solver.ikol import IKOLLayer, so3
from tests.solver.ikol.poses import Poses

from ._rivals import solve_analytic_only

LIMBS = [k for k, name in enumerate(JOINT_NAMES) if re.search("hip|knee|shoulder|elbow", name)]

Solve = Callable[[Poses, Tensor, Tensor | None], tuple[Tensor, Tensor]]


def ours(poses: Poses, keypoints: Tensor, confidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Relative rotations and joints of the tangent formulation."""
    solution = IKOLLayer(poses.skeleton)(keypoints, **poses.inputs, confidence=confidence)
    return solution.rotations, solution.joints


def published(poses: Poses, keypoints: Tensor, confidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The same of the published formulation."""
    solution = IKOLLayer(poses.skeleton, formulation="published")(keypoints, **poses.inputs)
    return solution.rotations, solution.joints


def joint_error(joints: Tensor, truth: Tensor) -> float:
    """Mean root-relative distance, mm."""
    return 1000 * float(((joints - joints[:, :1]) - (truth - truth[:, :1])).norm(dim=-1).mean())


def limb_error(rotations: Tensor, truth: Tensor) -> float:
    """Mean angle between the limbs' global rotations, degrees."""
    turn = _globals(rotations)[:, LIMBS].mT @ _globals(truth)[:, LIMBS]
    return float(torch.rad2deg(so3.log(turn.double()).norm(dim=-1)).mean())


def _globals(rotations: Tensor) -> Tensor:
    frames = [rotations[:, 0]]
    for k in range(1, 24):
        frames.append(frames[PARENTS[k]] @ rotations[:, k])
    return torch.stack(frames, 1)


LAYERS: dict[str, Solve] = {"published (ours)": published, "analytic": solve_analytic_only, "**tangent**": ours}
