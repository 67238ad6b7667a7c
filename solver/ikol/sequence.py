"""A clip as one problem: every frame's residuals and what ties the frames together, solved as a block-banded system.

Cost and memory are linear in the frames: a long clip is solved in windows that overlap by more than the smoothness
reaches, and each keeps its middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .blocks import SPAN, BandFactor, Contribution, empty_bands, factor_bands
from .chain import UNKNOWNS, Chain
from .kinematics import LEAF_INPUT_ORDER, Skeleton
from .layer import IKOLLayer
from .terms import AngularAcceleration, JointAcceleration, Keypoints, Rotations, Term, Twists

_DAMPING = 1e-3  # squared expected errors per rad^2 or m^2
_LEAST_DAMPING = 1e-6


@dataclass(frozen=True)
class ClipTermination:
    """When a clip is done.

    Attributes:
        max_iterations: steps tried at most.
        step: largest entry of a step, rad or m, after which nothing more is worth doing.
        decrease: predicted decrease of the cost per frame not worth a step; the cost counts in squared expected errors.
    """

    max_iterations: int = 30
    step: float = 2e-3
    decrease: float = 1e-3


@dataclass(frozen=True)
class ClipWindows:
    """How a long clip is cut: `length` frames kept from each window, `margin` more on each side, frames."""

    length: int = 480
    margin: int = 45

    def cut(self, count: int) -> list[tuple[int, int]]:
        """First and last-plus-one frame of what each window keeps: even shares of at most `length`."""
        shares = -(-count // self.length)
        edges = [round(share * count / shares) for share in range(shares + 1)]
        return list(pairwise(edges))


@dataclass(frozen=True)
class ClipSolution:
    """A solved clip: the chain, its cost in squared expected errors, converged, and steps tried, over all windows."""

    chain: Chain
    cost: float
    converged: bool
    iterations: int


def default_terms(
    keypoints: Tensor, twist: Tensor, leaf_rotations: Tensor, confidence: Tensor, twist_confidence: Tensor | None = None
) -> list[Term]:
    """Keypoints (T, 24, 3), twist (T, 23, 2), leaf rotations (T, 5, 3, 3), confidence (T, 24), and smoothness."""
    ones = torch.ones_like(confidence)
    twist_confidence = ones[:, 1:] if twist_confidence is None else twist_confidence
    return [
        Keypoints(keypoints, confidence),
        Twists(twist, twist_confidence),
        Rotations(LEAF_INPUT_ORDER, leaf_rotations, ones[:, : len(LEAF_INPUT_ORDER)]),
        JointAcceleration(),
        AngularAcceleration(),
    ]


def start_chain(
    skeleton: Skeleton, keypoints: Tensor, betas: Tensor, twist: Tensor, leaf_rotations: Tensor, confidence: Tensor,
    frame_rate: float,
) -> Chain:  # fmt: skip
    """The clip solved frame by frame, from the layer's inputs and one shape (10,)."""
    with torch.no_grad():
        solution = IKOLLayer(skeleton)(keypoints, betas, twist, leaf_rotations, confidence)
        bones = skeleton.bones(betas.to(keypoints))[0]
    return Chain.from_rotations(solution.rotations, solution.joints[:, 0], bones, frame_rate)


@torch.no_grad()
def solve_sequence(
    start: Chain,
    terms: Sequence[Term],
    termination: ClipTermination = ClipTermination(),
    windows: ClipWindows | None = ClipWindows(),
    on_window: Callable[[int, int], None] | None = None,
) -> ClipSolution:
    """Minimise the terms' sum from `start`; `windows=None` solves the clip whole.

    `on_window(done, count)` hears of the frames done after each window, and may raise to stop.

    Raises:
        ValueError: fewer frames than an acceleration takes in.
    """
    count = len(start.pelvis)
    if count < SPAN:
        raise ValueError(f"a clip of {count} frames; {SPAN} at least")
    if windows is None or count <= windows.length + 2 * windows.margin:
        return _solve_window(start, terms, termination)
    frames, pelvis = torch.empty_like(start.frames), torch.empty_like(start.pelvis)
    cost, converged, iterations = 0.0, True, 0
    for first, last in windows.cut(count):
        low, high = max(0, first - windows.margin), min(count, last + windows.margin)
        cut = slice(low, high)
        part = _solve_window(start.window(cut), [term.window(cut) for term in terms], termination)
        kept = part.chain.window(slice(first - low, last - low))
        frames[first:last], pelvis[first:last] = kept.frames, kept.pelvis
        # Window by window, without what ties one to the next: the whole clip's Jacobians would not stay flat in memory.
        cost += _cost(_linearize(kept, [term.window(slice(first, last)) for term in terms]))
        converged, iterations = converged and part.converged, iterations + part.iterations
        if on_window is not None:
            on_window(last, count)
    chain = Chain(frames, pelvis, start.bones, start.frame_rate)
    return ClipSolution(chain, cost, converged, iterations)


def _solve_window(chain: Chain, terms: Sequence[Term], termination: ClipTermination) -> ClipSolution:
    model = _linearize(chain, terms)
    cost, damping = _cost(model), _DAMPING
    for iteration in range(1, termination.max_iterations + 1):
        factor = _factor(model, chain, damping)
        if factor is None:
            damping *= 10
            continue
        gradient = _gradient(model, chain)
        step = -factor.solve(gradient)
        predicted = -float((gradient * step).sum()) / 2
        trial = chain.moved(step)
        trial_model = _linearize(trial, terms)
        trial_cost = _cost(trial_model)
        lower = trial_cost < cost
        if lower:
            gain = (cost - trial_cost) / max(predicted, 1e-30)
            chain, model, cost = trial, trial_model, trial_cost
            damping = max(damping / 10, _LEAST_DAMPING) if gain > 0.75 else damping
        else:
            damping *= 10
        # The sum over a clip is no finer than its rounding.
        settled = predicted < termination.decrease * len(step) + torch.finfo(step.dtype).eps * cost
        if settled or (lower and float(step.abs().max()) < termination.step):
            return ClipSolution(chain, cost, True, iteration)
    return ClipSolution(chain, cost, False, termination.max_iterations)


def _linearize(chain: Chain, terms: Sequence[Term]) -> list[Contribution]:
    return [term.linearize(chain) for term in terms]


def _cost(model: list[Contribution]) -> float:
    return float(torch.stack([part.cost.double() for part in model]).sum())


def _gradient(model: list[Contribution], chain: Chain) -> Tensor:
    gradient = chain.pelvis.new_zeros(len(chain.pelvis), UNKNOWNS)
    for part in model:
        part.add_gradient(gradient)
    return gradient


def _factor(model: list[Contribution], chain: Chain, damping: float) -> BandFactor | None:
    bands = empty_bands(len(chain.pelvis), chain.pelvis)
    for part in model:
        part.add_hessian(bands)
    flat = bands[0].clone()
    for part in model:
        part.add_curvature(bands)
    # Second derivatives make the last steps fast; where they leave a direction without a minimum, go without.
    return factor_bands(bands, damping) or factor_bands((flat, bands[1], bands[2]), damping)
