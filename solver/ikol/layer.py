"""The IKOL layer: keypoints, twists and shape in, joint rotations out, with gradients."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from . import planes
from .differentiate import implicitly, through_last_step
from .gauss_newton import Termination, TrustRegion, solve
from .kinematics import INNER, JOINT_COUNT, LEAVES, Skeleton, expand_leaves, relative_rotations, take
from .objective import Objective, Pose, RotationPrior
from .published import ITERATIONS, PublishedProblem, solve_published
from .robust import GemanMcClure, Kernel
from .swing_twist import solve_analytic, twist_rotations

Formulation = Literal["tangent", "published"]
Differentiation = Literal["unrolled", "last_step", "implicit"]

TWIST_WEIGHT = 0.01  # m^2/rad^2: 0.2 rad of twist are worth 20 mm of one keypoint
KERNEL = GemanMcClure(0.25)
_CHUNK = 1024  # poses solved at once without gradients: the working set stays in the cache, memory stays flat
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
        iterations: (B,) steps tried.
    """

    rotations: Tensor
    joints: Tensor
    translation: Tensor
    cost: Tensor
    converged: Tensor
    iterations: Tensor


@dataclass(frozen=True)
class _Inputs:
    """The layer's inputs on planes: targets (3, 24, B) about the pelvis keypoint `origin` (3, 1, B), weights (24, B),
    bones (3, 24, B), twist (2, 24, B), twist weights (24, B), leaves (3, 3, 5, B)."""

    targets: Tensor
    origin: Tensor
    weights: Tensor
    bones: Tensor
    twist: Tensor
    twist_weights: Tensor
    leaves: Tensor


class IKOLLayer(nn.Module):
    """Inverse kinematics by Gauss-Newton as a differentiable layer. It learns nothing and keeps no state.

    "tangent" is ours: all joints, free root, robust, near the best estimate that bone lengths allow. "published" is the
    paper's. docs/ikol.md derives both.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        formulation: Formulation = "tangent",
        differentiation: Differentiation | None = None,
        max_iterations: int | None = None,
        kernel: Kernel = KERNEL,
        twist_weight: float = TWIST_WEIGHT,
        termination: Termination | None = None,
    ) -> None:
        """Args:
            skeleton: the body's.
            formulation: "tangent" or "published".
            differentiation: how gradients are made. Tangent: "last_step" (default), "implicit" or "unrolled".
                Published: "unrolled".
            max_iterations: steps at most; 20 for tangent, 5 for published, if not given.
            kernel: how a keypoint's distance counts; tangent only.
            twist_weight: m^2/rad^2 against the keypoints' confidence; tangent only.
            termination: when a sample is done, instead of `max_iterations`; tangent only.

        Raises:
            ValueError: an unknown formulation or differentiation, or one that the formulation lacks.
        """
        super().__init__()
        if formulation not in get_args(Formulation):
            raise ValueError(f"formulation {formulation!r}: choose one of {get_args(Formulation)}")
        possible = get_args(Differentiation) if formulation == "tangent" else ("unrolled",)
        chosen = differentiation or ("last_step" if formulation == "tangent" else "unrolled")
        if chosen not in possible:
            raise ValueError(f"differentiation {chosen!r} of {formulation!r}: choose one of {possible}")
        self.skeleton = skeleton
        self.formulation = formulation
        self.differentiation = chosen
        self.kernel = kernel
        self.twist_weight = twist_weight
        default = Termination.max_iterations if formulation == "tangent" else ITERATIONS
        self.termination = termination or Termination(max_iterations or default)

    def forward(
        self,
        keypoints: Tensor,
        betas: Tensor,
        twist: Tensor,
        leaf_rotations: Tensor,
        confidence: Tensor | None = None,
        twist_confidence: Tensor | None = None,
        prior: RotationPrior | None = None,
    ) -> IKOLSolution:
        """Solve a batch of poses.

        Args:
            keypoints: (B, 24, 3) SMPL joints, m, in any frame.
            betas: (B, 10) or (10,) shape.
            twist: (B, 23, 2) cos and sin; row k - 1 turns joint k about its rest bone towards its first child, before
                the swing: R = swing twist. Rows of leaves have no effect.
            leaf_rotations: (B, 5, 3, 3) relative rotations of head, left hand, right hand, left foot, right foot.
            confidence: (B, 24) weights of the keypoints, 0 for a missing one; 1 if not given.
            twist_confidence: (B, 23) weights of the twists; 1 if not given.
            prior: where rotations tend to be, or None. The published formulation knows none of these last three.
        """
        batch = len(keypoints)
        ones = keypoints.new_ones(batch, JOINT_COUNT)
        confidence = ones if confidence is None else confidence.to(keypoints)
        twist_confidence = ones[:, 1:] if twist_confidence is None else twist_confidence.to(keypoints)
        given = (keypoints, betas, twist, leaf_rotations, confidence, twist_confidence)
        wants_gradient = torch.is_grad_enabled() and any(v.requires_grad for v in given)
        if wants_gradient or batch <= _CHUNK:
            return self._solve(given, prior)
        parts = [
            self._solve(tuple(_rows(value, at) for value in given), _prior_rows(prior, at))
            for at in torch.arange(batch, device=keypoints.device).split(_CHUNK)
        ]
        joined = {f.name: torch.cat([getattr(p, f.name) for p in parts]) for f in fields(IKOLSolution)}
        return IKOLSolution(**joined)

    def _solve(self, given: tuple[Tensor, ...], prior: RotationPrior | None) -> IKOLSolution:
        keypoints, betas, twist, leaf_rotations, confidence, twist_confidence = given
        batch = len(keypoints)
        targets = planes.vectors_to_planes(keypoints)
        inputs = _Inputs(
            targets=targets - targets[:, :1].detach(),
            origin=targets[:, :1].detach(),
            weights=confidence.T.contiguous(),
            bones=planes.vectors_to_planes(self.skeleton.bones(betas.to(keypoints))).expand(-1, -1, batch),
            twist=pad_twist(twist.to(keypoints)),
            twist_weights=self.twist_weight * torch.cat((torch.zeros_like(confidence[:, :1]), twist_confidence), 1).T,
            leaves=expand_leaves(leaf_rotations.to(keypoints)),
        )
        return self._solve_published(inputs) if self.formulation == "published" else self._solve_tangent(inputs, prior)

    def _solve_tangent(self, inputs: _Inputs, prior: RotationPrior | None) -> IKOLSolution:
        objective = Objective.build(
            inputs.targets, inputs.weights, inputs.bones, inputs.twist, inputs.twist_weights, self.kernel, prior
        )
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.differentiation == "unrolled"):
            twists = twist_rotations(inputs.bones, inputs.twist)
            frames = solve_analytic(inputs.targets, inputs.weights, inputs.bones, twists, inputs.leaves)
            start = Pose(frames, inputs.targets[:, :1])
            pose, summary = solve(objective, start, self.termination, TrustRegion())
        cost = summary.cost
        if torch.is_grad_enabled() and self.differentiation != "unrolled":
            pose = (through_last_step if self.differentiation == "last_step" else implicitly)(objective, pose)
            cost = objective.cost(pose, objective.joints(pose))
        return _solution(inputs, pose.frames, objective.joints(pose), cost, summary.converged, summary.iterations)

    def _solve_published(self, inputs: _Inputs) -> IKOLSolution:
        pelvis = inputs.bones[:, :1]
        free = torch.cat((torch.zeros_like(pelvis), inputs.bones[:, 1:]), 1)
        twists = twist_rotations(inputs.bones, inputs.twist)
        root = inputs.targets[:, :1]
        problem = PublishedProblem(inputs.targets - root, free, twists, inputs.leaves)
        solved = solve_published(problem, self.termination.max_iterations)
        iterations = torch.full((root.shape[-1],), self.termination.max_iterations, device=root.device)
        converged = solved.last_step < _SETTLED
        return _solution(inputs, solved.global_rotations, solved.joints + root, solved.cost, converged, iterations)


def pad_twist(twist: Tensor) -> Tensor:
    """The layer's twist (B, 23, 2) to planes (2, 24, B), (1, 0) where the twist has no meaning."""
    rows = twist.permute(2, 1, 0)
    none = torch.zeros_like(rows[:, :1])
    none = torch.cat((none[:1] + 1, none[1:]), 0)
    return torch.cat([rows[:, k - 1 : k] if k in INNER and k > 0 else none for k in range(JOINT_COUNT)], 1)


def _solution(
    inputs: _Inputs, frames: Tensor, joints: Tensor, cost: Tensor, converged: Tensor, iterations: Tensor
) -> IKOLSolution:
    relative = relative_rotations(frames)
    # A leaf turns as predicted, whatever the solver's frames say of it.
    with_leaves = torch.cat((relative, inputs.leaves), 2)
    order = tuple(JOINT_COUNT + LEAVES.index(k) if k in LEAVES else k for k in range(JOINT_COUNT))
    joints = joints + inputs.origin
    return IKOLSolution(
        rotations=planes.matrices_from_planes(take(with_leaves, order)),
        joints=planes.vectors_from_planes(joints),
        translation=(joints[:, 0] - inputs.bones[:, 0]).T,
        cost=cost,
        converged=converged,
        iterations=iterations,
    )


def _rows(value: Tensor, at: Tensor) -> Tensor:
    return value if value.ndim == 1 or len(value) == 1 else value[at]


def _prior_rows(prior: RotationPrior | None, at: Tensor) -> RotationPrior | None:
    if prior is None or len(prior.mean) == len(prior.precision) == 1:
        return prior
    mean, precision = (value if len(value) == 1 else value[at] for value in (prior.mean, prior.precision))
    return RotationPrior(mean, precision)
