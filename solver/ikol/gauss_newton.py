"""Levenberg-Marquardt for the tangent formulation: batched, each sample with its own damping and its own end.

Reference: Madsen, Nielsen and Tingleff, "Methods for non-linear least squares problems", 2004, for the gain ratio
and the update of the damping.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import planes
from .objective import Objective, Pose
from .so3 import turn_columns
from .tree import TreeStep, TreeSystem, factor


@dataclass(frozen=True)
class Termination:
    """When a sample is done.

    Attributes:
        max_iterations: steps tried at most.
        step: largest turn of a joint, rad, of a step after which nothing more is worth doing.
        decrease: share of the cost, of a step's decrease, after which nothing more is worth doing.
    """

    max_iterations: int = 20
    step: float = 7e-2
    decrease: float = 3e-2


@dataclass(frozen=True)
class TrustRegion:
    """The damping of a joint's turn, m^2/rad^2.

    Attributes:
        start: before the first step.
        least: below which it does not fall; it also holds what no input determines.
        accept: gain ratio above which a step is taken.
    """

    start: float = 3e-4
    least: float = 1e-7
    accept: float = 1e-4


@dataclass(frozen=True)
class Summary:
    """How a solve went, per sample: cost (B,) m^2, converged (B,) bool, iterations (B,), and, when asked for, the
    cost after each iteration (n, B)."""

    cost: Tensor
    converged: Tensor
    iterations: Tensor
    history: Tensor | None = None


@dataclass(frozen=True)
class _State:
    """The samples still being solved."""

    samples: Tensor
    pose: Pose
    joints: Tensor
    cost: Tensor
    damping: Tensor
    growth: Tensor
    curved: Tensor
    converged: Tensor


def solve(
    objective: Objective,
    start: Pose,
    termination: Termination,
    trust: TrustRegion,
    keep_history: bool = False,
) -> tuple[Pose, Summary]:
    """Minimise from `start`. Steps that raise the cost by more than its rounding are never taken.

    Samples that are done leave the batch once they are a tenth of it. Differentiable straight through.
    """
    joints = objective.joints(start)
    cost = objective.cost(start, joints)
    batch = torch.arange(len(cost), device=cost.device)
    state = _State(
        samples=batch,
        pose=start,
        joints=joints,
        cost=cost,
        damping=torch.full_like(cost, trust.start),
        growth=torch.full_like(cost, 2.0),
        curved=torch.zeros_like(cost, dtype=torch.bool),
        converged=torch.zeros_like(cost, dtype=torch.bool),
    )
    whole, active = state, objective
    iterations = torch.zeros_like(batch)
    history = [cost.detach()] if keep_history else []
    for _ in range(termination.max_iterations):
        iterations[state.samples[~state.converged]] += 1
        state = _iterate(active, state, termination, trust)
        remaining = len(state.converged) - int(state.converged.sum())
        if keep_history or remaining == 0 or remaining < 0.9 * len(state.converged):
            whole = _merge(whole, state)
            history += [whole.cost.detach()] if keep_history else []
            if remaining == 0:
                break
            if remaining < len(state.converged):
                kept = (~state.converged).nonzero().squeeze(-1)
                state, active = _select(state, kept), active.select(kept)
    whole = _merge(whole, state)
    return whole.pose, Summary(whole.cost, whole.converged, iterations, torch.stack(history) if history else None)


def _iterate(objective: Objective, state: _State, termination: Termination, trust: TrustRegion) -> _State:
    curved = state.curved.to(state.cost) if bool(state.curved.any()) else None
    system = objective.gauss_newton(state.pose, state.joints, curved)
    step = factor(damp(system, state.damping)).solve(system.point_gradient, system.joint_gradient)
    pose = move(state.pose, step)
    joints = objective.joints(pose)
    cost = objective.cost(pose, joints)
    with torch.no_grad():
        turn = step.joint_turns
        slope = (system.joint_gradient * turn).sum((0, 1)) + (system.point_gradient * step.moves).sum((0, 1))
        predicted = (state.damping * (turn * turn).sum((0, 1)) - slope) / 2
        gain = (state.cost - cost) / predicted.clamp_min(planes.TINY)
        # Where the cost's own rounding would decide, the step is taken for its accuracy and is the last.
        noise = 4 * torch.finfo(cost.dtype).eps * (state.cost + torch.finfo(cost.dtype).eps)
        polish = (predicted.abs() <= noise) & (cost <= state.cost + noise)
        taken = ((gain > trust.accept) & (cost < state.cost) | polish) & ~state.converged
        small = turn.abs().amax((0, 1)) < termination.step
        small = small | (predicted < termination.decrease * state.cost)
        converged = state.converged | (predicted.abs() <= noise) | (small & taken)
        easier = state.damping * (1 - (2 * gain.clamp(-1, 1.5) - 1) ** 3).clamp_min(1 / 3)
        harder = torch.where(state.curved, state.damping, state.damping * state.growth)
        damping = torch.where(taken, easier.clamp_min(trust.least), harder)
        growth = torch.where(
            taken, torch.full_like(gain, 2.0), torch.where(state.curved, state.growth, state.growth * 2)
        )
    return replace(
        state,
        pose=Pose(
            torch.where(taken, pose.frames, state.pose.frames), torch.where(taken, pose.pelvis, state.pose.pelvis)
        ),
        joints=torch.where(taken, joints, state.joints),
        cost=torch.where(taken, cost, state.cost),
        damping=damping,
        growth=growth,
        curved=taken,
        converged=converged,
    )


def damp(system: TreeSystem, damping: Tensor | float) -> TreeSystem:
    """The system with `damping` (B,) on every joint's turn."""
    identity = torch.eye(3, dtype=system.arms.dtype, device=system.arms.device)[:, :, None, None]
    return replace(system, joint_hessian=system.joint_hessian + damping * identity)


def move(pose: Pose, step: TreeStep) -> Pose:
    """The pose after a step: every body turns about its joint, the pelvis moves."""
    return Pose(turn_columns(step.body_turns, pose.frames), pose.pelvis + step.moves[:, :1])


def _select(state: _State, kept: Tensor) -> _State:
    pose = Pose(state.pose.frames.index_select(-1, kept), state.pose.pelvis.index_select(-1, kept))
    rest = (
        t.index_select(-1, kept)
        for t in (state.joints, state.cost, state.damping, state.growth, state.curved, state.converged)
    )
    return _State(state.samples[kept], pose, *rest)


def _merge(whole: _State, part: _State) -> _State:
    """`whole` with the samples of `part` brought up to date."""
    if len(part.samples) == len(whole.samples):
        return part
    at = part.samples
    pose = Pose(
        whole.pose.frames.index_copy(-1, at, part.pose.frames), whole.pose.pelvis.index_copy(-1, at, part.pose.pelvis)
    )
    return replace(
        whole,
        pose=pose,
        joints=whole.joints.index_copy(-1, at, part.joints),
        cost=whole.cost.index_copy(-1, at, part.cost),
        converged=whole.converged.index_copy(-1, at, part.converged),
    )
