"""The IKOL layer: keypoints, twists and shape in, joint rotations out, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from . import planes
from .kinematics import INNER, JOINT_COUNT, Skeleton, expand_leaves, relative_rotations
from .published import ITERATIONS, PublishedProblem, solve_published
from .swing_twist import twist_rotations

_SETTLED = 1e-3  # rad; the published iterations have converged when no angle moves more


@dataclass(frozen=True)
class IKOLSolution:
    """Poses that reach the keypoints.

    Attributes:
        rotations: (B, 24, 3, 3) relative to the parent; joint 0 in the keypoints' frame.
        joints: (B, 24, 3) solved joints in the keypoints' frame, m.
        translation: (B, 3) SMPL translation, m: joints = skeleton(rotations, betas) + translation.
        cost: (B,) the cost reached, half of the sum of squares, m^2.
        converged: (B,) bool.
        iterations: (B,) steps taken.
    """

    rotations: Tensor
    joints: Tensor
    translation: Tensor
    cost: Tensor
    converged: Tensor
    iterations: Tensor


class IKOLLayer(nn.Module):
    """Inverse kinematics by Gauss-Newton as a differentiable layer."""

    def __init__(self, skeleton: Skeleton, formulation: str = "published", max_iterations: int = ITERATIONS) -> None:
        """Args:
            skeleton: the body's.
            formulation: "published".
            max_iterations: Gauss-Newton steps at most.

        Raises:
            ValueError: an unknown formulation.
        """
        super().__init__()
        if formulation != "published":
            raise ValueError(f"formulation {formulation!r}; choose 'published'")
        self.skeleton = skeleton
        self.formulation = formulation
        self.max_iterations = max_iterations

    def forward(
        self,
        keypoints: Tensor,
        betas: Tensor,
        twist: Tensor,
        leaf_rotations: Tensor,
        confidence: Tensor | None = None,
    ) -> IKOLSolution:
        """Solve a batch of poses.

        Args:
            keypoints: (B, 24, 3) SMPL joints, m.
            betas: (B, 10) or (10,) shape.
            twist: (B, 23, 2) cos and sin; row k - 1 turns joint k about its rest bone towards its first child, before
                the swing: R = swing twist. Rows of leaves have no effect.
            leaf_rotations: (B, 5, 3, 3) relative rotations of head, left hand, right hand, left foot, right foot.
            confidence: (B, 24) weights; the published formulation has none.
        """
        batch = len(keypoints)
        bones = planes.vectors_to_planes(self.skeleton.bones(betas.to(keypoints))).expand(-1, -1, batch)
        targets = planes.vectors_to_planes(keypoints)
        twists = twist_rotations(bones, pad_twist(twist.to(keypoints)))
        leaves = expand_leaves(leaf_rotations.to(keypoints))
        pelvis = bones[:, :1]
        free = torch.cat((torch.zeros_like(pelvis), bones[:, 1:]), 1)
        problem = PublishedProblem(targets - targets[:, :1], free, twists, leaves)
        solved = solve_published(problem, self.max_iterations)
        rotations = relative_rotations(solved.global_rotations)
        return IKOLSolution(
            rotations=planes.matrices_from_planes(rotations),
            joints=planes.vectors_from_planes(solved.joints + targets[:, :1]),
            translation=(targets[:, 0] - pelvis[:, 0]).T,
            cost=solved.cost,
            converged=solved.last_step < _SETTLED,
            iterations=torch.full((batch,), self.max_iterations, device=keypoints.device),
        )


def pad_twist(twist: Tensor) -> Tensor:
    """The layer's twist (B, 23, 2) to planes (2, 24, B), (1, 0) where the twist has no meaning."""
    rows = twist.permute(2, 1, 0)
    none = torch.zeros_like(rows[:, :1])
    none = torch.cat((none[:1] + 1, none[1:]), 0)
    return torch.cat([rows[:, k - 1 : k] if k in INNER and k > 0 else none for k in range(JOINT_COUNT)], 1)
