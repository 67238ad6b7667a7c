"""A clip as one problem: every frame's residuals and what ties the frames together, solved as a block-banded system.

Cost and memory are linear in the frames: a long clip is solved in windows that overlap by more than the smoothness
reaches, and each keeps its middle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..device import one_thread
from .bands import SPAN, Bands, factor_bands
from .blocks import Blocks
from .chain import Chain
from .kinematics import LEAF_INPUT_ORDER, Skeleton
from .layer import IKOLLayer
from .quasi_newton import QuasiNewton
from .terms import AngularAcceleration, JointAcceleration, Keypoints, Rotations, Term, Twists

_DAMPING = 1.0  # squared expected errors per rad^2 or m^2
_WINDOWS_AHEAD = 2  # of each worker: nobody waits for a slow window before


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

    length: int = 600
    margin: int = 30

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
        with one_thread():
            return _solve_window(start, terms, termination)
    kept = windows.cut(count)
    reaches = [slice(max(0, first - windows.margin), min(count, last + windows.margin)) for first, last in kept]
    problems = ((start.window(reach), [term.window(reach) for term in terms]) for reach in reaches)
    parts = _solve_together(problems, start.pelvis.device, termination)
    frames, pelvis = torch.empty_like(start.frames), torch.empty_like(start.pelvis)
    cost, converged, iterations = 0.0, True, 0
    for (first, last), reach, part in zip(kept, reaches, parts, strict=True):
        middle = part.chain.window(slice(first - reach.start, last - reach.start))
        frames[first:last], pelvis[first:last] = middle.frames, middle.pelvis
        # Window by window, without what ties one to the next: the whole clip's rows would not stay flat in memory.
        cost += _cost(_linearize(middle, [term.window(slice(first, last)) for term in terms]))
        converged, iterations = converged and part.converged, iterations + part.iterations
        if on_window is not None:
            on_window(last, count)
    chain = Chain(frames, pelvis, start.bones, start.frame_rate)
    return ClipSolution(chain, cost, converged, iterations)


def _solve_together(
    problems: Iterable[tuple[Chain, Sequence[Term]]], device: torch.device, termination: ClipTermination
) -> Iterator[ClipSolution]:
    """The windows' solutions in their order. On a CPU, as many windows at once as torch has threads: matrices of 75
    rows gain nothing from a second thread, windows everything."""
    workers = torch.get_num_threads() if device.type == "cpu" else 1
    pool = ThreadPoolExecutor(workers)
    pending = deque[Future[ClipSolution]]()
    with one_thread():
        try:
            for chain, terms in problems:
                # A window's chain and its solution's keep Jacobians, many times the poses: few are alive at once.
                if len(pending) == _WINDOWS_AHEAD * workers:
                    yield pending.popleft().result()
                pending.append(pool.submit(_solve_window, chain, terms, termination))
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@torch.no_grad()
def _solve_window(chain: Chain, terms: Sequence[Term], termination: ClipTermination) -> ClipSolution:
    model = _linearize(chain, terms)
    cost = _cost(model)
    calmed = chain.calmed()
    calmed_model = _linearize(calmed, terms)
    if _cost(calmed_model) < cost:
        # What a first factor would be spent on: the keypoints' noise, which smoothness forbids.
        chain, model, cost = calmed, calmed_model, _cost(calmed_model)
    gradient, damping, newton, curved = _gradient(model), _DAMPING, None, False
    for iteration in range(1, termination.max_iterations + 1):
        if newton is None:
            newton = _factor(model, chain, damping, curved)
            if newton is None:
                damping *= 10
                continue
        step = newton.step(gradient)
        predicted = -float((gradient * step).sum()) / 2
        trial = chain.moved(step)
        trial_model = _linearize(trial, terms)
        trial_cost = _cost(trial_model)
        lower = trial_cost < cost
        settled = predicted < termination.decrease * len(step)
        if lower:
            trial_gradient = _gradient(trial_model)
            newton = newton.learn(step, trial_gradient - gradient)
            chain, model, cost, gradient, curved = trial, trial_model, trial_cost, trial_gradient, True
        if settled or (lower and float(step.abs().max()) < termination.step):
            return ClipSolution(chain, cost, True, iteration)
        if not lower:
            damping = damping if newton.pairs else 10 * damping
            newton = None
    return ClipSolution(chain, cost, False, termination.max_iterations)


def _linearize(chain: Chain, terms: Sequence[Term]) -> list[Blocks]:
    return [term.linearize(chain) for term in terms]


def _cost(model: list[Blocks]) -> float:
    # In double precision, which not every device has: a clip's sum would drown what a step gains.
    return sum(float(part.cost.cpu().double().sum()) for part in model)


def _gradient(model: list[Blocks]) -> Tensor:
    return torch.stack([part.gradient for part in model]).sum(0)


def _factor(model: list[Blocks], chain: Chain, damping: float, curved: bool) -> QuasiNewton | None:
    """With second derivatives where `curved`; where they leave a direction without a minimum, without."""
    bands = Bands.zeros(len(chain.pelvis), chain.pelvis)
    for part in model:
        part.add_hessian(bands)
        if curved:
            part.add_curvature(bands)
    factor = factor_bands(bands, damping)
    if factor is None:
        return _factor(model, chain, damping, curved=False) if curved else None
    return QuasiNewton(factor)
