"""Random poses on the open body, with exact twists and leaves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from solver.ikol import Skeleton, so3
from solver.ikol.kinematics import FIRST_CHILD, INNER, LEAF_INPUT_ORDER
from solver.ikol.swing_twist import twist_about


@dataclass(frozen=True)
class Poses:
    """Poses with the layer's inputs that describe them: shapes as in `IKOLLayer`."""

    skeleton: Skeleton
    rotations: Tensor
    joints: Tensor
    betas: Tensor
    twist: Tensor
    leaf_rotations: Tensor

    @property
    def inputs(self) -> dict[str, Tensor]:
        return {"betas": self.betas, "twist": self.twist, "leaf_rotations": self.leaf_rotations}


def make_poses(count: int, dtype: torch.dtype = torch.float64, shaped: bool = True, seed: int = 0) -> Poses:
    """Poses with 0.35 rad per axis and 1 rad for the root; betas of unit variance, or zero."""
    generator = torch.Generator().manual_seed(seed)
    vectors = 0.35 * torch.randn(count, 24, 3, generator=generator, dtype=torch.float64)
    vectors[:, 0] /= 0.35
    betas = float(shaped) * torch.randn(count, 10, generator=generator, dtype=torch.float64)
    return describe(so3.exp(vectors), betas, dtype)


def describe(rotations: Tensor, betas: Tensor, dtype: torch.dtype = torch.float64) -> Poses:
    """The layer's exact inputs for given rotations (B, 24, 3, 3) and betas (B, 10)."""
    skeleton = Skeleton.from_body("open", torch.float64)
    bones = skeleton.bones(betas)
    twist = torch.zeros(len(rotations), 23, 2, dtype=torch.float64)
    for joint in INNER[1:]:
        twist[:, joint - 1] = twist_about(rotations[:, joint], bones[:, FIRST_CHILD[joint]])
    leaves = rotations[:, list(LEAF_INPUT_ORDER)]
    values = (rotations, skeleton(rotations, betas), betas, twist, leaves)
    return Poses(Skeleton.from_body("open", dtype), *(value.to(dtype) for value in values))
