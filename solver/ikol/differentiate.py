"""GN-Diff: the gradient of a solved pose with respect to what it was solved from.

At the solution the gradient g(pose, inputs) of the cost is zero, so d pose = -H^-1 (dg / d inputs) with H the exact
Hessian. Both functions return the solved pose unchanged, with that derivative attached:

- `through_last_step` writes one Newton step at the solution in differentiable operations and leaves the derivative to
  automatic differentiation;
- `implicitly` solves once with H for the incoming gradient and differentiates one scalar: less memory, less time.

The third way, straight through every iteration as in the paper, needs nothing but `gauss_newton.solve` itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .gauss_newton import damp, move
from .objective import Objective, Pose
from .tree import TreeFactor, TreeStep, TreeSystem, factor, tangent_moves

_FLOOR = 1e-9  # m^2/rad^2: lets directions that no input determines stay where they are


def through_last_step(objective: Objective, pose: Pose) -> Pose:
    """The solved `pose` with the derivative of one Newton step there."""
    pose = Pose(pose.frames.detach(), pose.pelvis.detach())
    system = objective.newton(pose, objective.joints(pose))
    # At the solution the step is zero, so the factor's own derivative has no part in it; the arms' has, because
    # they turn the keypoints' pull into torque.
    step = replace(_factor_of(system), arms=system.arms).solve(system.point_gradient, system.joint_gradient)
    turns, root = (value - value.detach() for value in (step.joint_turns, step.moves[:, :1]))
    return _attach(pose, system.arms, turns, root)


def implicitly(objective: Objective, pose: Pose) -> Pose:
    """The solved `pose` with the derivative from the implicit function theorem."""
    pose = Pose(pose.frames.detach(), pose.pelvis.detach())
    turns, root = _ImplicitStep.apply(objective, pose, *objective.tensors())
    with torch.no_grad():
        joints = objective.joints(pose)
    return _attach(pose, objective.arms(joints), turns, root)


def _attach(pose: Pose, arms: Tensor, turns: Tensor, root: Tensor) -> Pose:
    bodies, moves = tangent_moves(arms.detach(), turns, root)
    return move(pose, TreeStep(turns, bodies, moves))


def _factor_of(system: TreeSystem) -> TreeFactor:
    fixed = {name: value.detach() for name, value in vars(system).items() if value is not None}
    return factor(damp(TreeSystem(**fixed), _FLOOR))


class _ImplicitStep(torch.autograd.Function):
    """A step of zero turns (3, 24, B) and root move (3, 1, B) whose derivative is the solution's."""

    @staticmethod
    def forward(ctx: Any, objective: Objective, pose: Pose, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        ctx.objective, ctx.pose = objective, pose
        ctx.save_for_backward(*tensors)
        targets = tensors[0]
        return torch.zeros_like(targets), torch.zeros_like(targets[:, :1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        pose: Pose = ctx.pose
        with torch.enable_grad():
            tensors = tuple(value.detach().requires_grad_() for value in ctx.saved_tensors)
            objective: Objective = ctx.objective.with_tensors(tensors)
            joints = objective.joints(pose)
            with torch.no_grad():
                pull = torch.zeros_like(joints)
                pull[:, :1] = gradients[1]
                step = _factor_of(objective.newton(pose, joints)).solve(pull, gradients[0])
            _, moves = tangent_moves(objective.arms(joints), step.joint_turns, step.moves[:, :1])
            torque, _ = objective.torques(pose)
            slope = (objective.forces(joints) * moves).sum() + (torque * step.joint_turns).sum()
        wanted = torch.autograd.grad(slope, tensors, allow_unused=True)
        return (None, None, *wanted)
