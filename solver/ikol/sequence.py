"""A clip as one problem: every frame's residuals and what ties the frames together, solved as a block-banded system.

Cost and memory are linear in the frames: a long clip is solved in windows. The middle one comes first, then its
neighbours, each tied to the window before it, so that nothing jumps or slides over a seam; two at once, one on the way
to the clip's start and one on the way to its end. Beyond each window's free end a margin is solved along with it and
left to the next, because what comes later has a say.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..device import one_thread
from .bands import REACH, SPAN, Bands, factor_bands
from .blocks import Blocks
from .chain import Chain
from .kinematics import LEAF_INPUT_ORDER, Skeleton
from .layer import IKOLLayer
from .quasi_newton import QuasiNewton
from .terms import AngularAcceleration, JointAcceleration, Keypoints, Rotations, Term, Twists

_DAMPING = 1.0  # squared expected errors per rad^2 or m^2
# How near the decrease of a factor's first step comes to the predicted one, as a share, where the factor serves again.
_FORESEEN = 0.05


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
    """How a long clip is cut: at most `length` frames kept from each window, `margin` more beyond each free end.

    Raises:
        ValueError: a length that leaves no frames between held ones, or a negative margin.
    """

    length: int = 600
    margin: int = 30

    def __post_init__(self) -> None:
        if self.length < 2 * SPAN or self.margin < 0:
            raise ValueError(f"windows of {self.length} frames with {self.margin} more")

    def cut(self, count: int) -> _Cut:
        """Even shares of at most `length`, an odd number."""
        shares = -(-count // self.length) | 1
        edges = [round(share * count / shares) for share in range(shares + 1)]
        kept = [slice(first, last) for first, last in pairwise(edges)]
        half, margin = shares // 2, self.margin
        middle = _Window(kept[half], slice(max(0, kept[half].start - margin), kept[half].stop + margin), (0, 0))
        to_start = [_Window(k, slice(max(0, k.start - margin), k.stop + REACH), (0, REACH)) for k in kept[:half][::-1]]
        to_end = [_Window(k, slice(k.start - REACH, k.stop + margin), (REACH, 0)) for k in kept[half + 1 :]]
        return _Cut(middle, (to_start, to_end))


@dataclass(frozen=True)
class _Window:
    """Frames to solve together.

    Attributes:
        kept: what the window finds.
        reach: these and the frames around them that have a say; may end beyond the clip.
        held: how many frames at the start and at the end of `reach` stay as they are.
    """

    kept: slice
    reach: slice
    held: tuple[int, int]


@dataclass(frozen=True)
class _Cut:
    """A clip's windows: the middle one, and those on the ways from it to the clip's start and to its end."""

    middle: _Window
    ways: tuple[list[_Window], list[_Window]]


@dataclass(frozen=True)
class _Problem:
    """What a window minimises: terms, from a start of which the frames at both ends that are `held` stay."""

    start: Chain
    terms: Sequence[Term]
    held: tuple[int, int]


@dataclass(frozen=True)
class ClipSolution:
    """A solved clip: the chain, converged, and steps tried, over all windows."""

    chain: Chain
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
    """The clip solved frame by frame, from the layer's inputs and one shape (10,).

    Its `calmed()` is a better start for `solve_sequence`, whose first factor is spent else on the keypoints' noise.
    """
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
    if windows is None or count <= 2 * windows.length:  # in three it would hardly be done sooner
        with one_thread():
            solution = _solve_window(_Problem(start, terms, (0, 0)), termination)
        if on_window is not None:
            on_window(count, count)
        return solution
    chain = Chain(start.frames.clone(), start.pelvis.clone(), start.bones, start.frame_rate)
    done, converged, iterations = 0, True, 0
    with closing(_solve_outwards(windows.cut(count), chain, terms, termination)) as parts:
        for window, part in parts:
            done += window.kept.stop - window.kept.start
            converged, iterations = converged and part.converged, iterations + part.iterations
            if on_window is not None:
                on_window(done, count)
    return ClipSolution(chain, converged, iterations)


def _solve_outwards(
    cut: _Cut, chain: Chain, terms: Sequence[Term], termination: ClipTermination
) -> Generator[tuple[_Window, ClipSolution]]:
    """Solve the windows from the middle to both ends of `chain`, in its place; yields each when it is done."""
    before = chain.pelvis.clone()
    # Matrices of 75 rows gain nothing from a second thread, windows everything.
    workers = min(2, torch.get_num_threads()) if chain.pelvis.device.type == "cpu" else 1
    pool = ThreadPoolExecutor(workers)

    def begin(window: _Window) -> Future[ClipSolution]:
        problem = _Problem(_tied(chain, before, window), [term.window(window.reach) for term in terms], window.held)
        return pool.submit(_solve_window, problem, termination)

    with one_thread():
        try:
            ways = [iter(way) for way in cut.ways]
            running = {begin(cut.middle): (cut.middle, ways)}
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    window, onwards = running.pop(future)
                    part = future.result()
                    inner = slice(window.kept.start - window.reach.start, window.kept.stop - window.reach.start)
                    chain.frames[window.kept] = part.chain.frames[inner]
                    chain.pelvis[window.kept] = part.chain.pelvis[inner]
                    yield window, part
                    for way in onwards:
                        following = next(way, None)
                        if following is not None:
                            running[begin(following)] = (following, [way])
        finally:
            pool.shutdown(cancel_futures=True)


def _tied(chain: Chain, before: Tensor, window: _Window) -> Chain:
    """A window's start: moved along with its held end, which was at `before` (T, 3) of the clip when that began."""
    start, moved = chain.window(window.reach), (chain.pelvis - before)[window.reach]
    free = slice(window.held[0], len(moved) - window.held[1])
    pelvis = start.pelvis.clone()
    if window.held[0]:
        pelvis[free] += moved[free.start - 1]
    elif window.held[1]:
        pelvis[free] += moved[free.stop]
    return Chain(start.frames.clone(), pelvis, start.bones, start.frame_rate)


@torch.no_grad()
def _solve_window(problem: _Problem, termination: ClipTermination) -> ClipSolution:
    chain, terms = problem.start, problem.terms
    free = slice(problem.held[0], len(chain.pelvis) - problem.held[1])
    model = _linearize(chain, terms)
    cost, gradient, damping, newton = _cost(model), _gradient(model)[free], _DAMPING, None
    for iteration in range(1, termination.max_iterations + 1):
        if newton is None:
            newton = _factor(model, chain, free, damping)
            if newton is None:
                damping *= 10
                continue
        step = newton.step(gradient)
        predicted = -float((gradient * step).sum()) / 2
        trial = chain.moved(step, free)
        trial_model = _linearize(trial, terms)
        trial_cost = _cost(trial_model)
        lower = trial_cost < cost
        if lower:
            trial_gradient = _gradient(trial_model)[free]
            serves_again = bool(newton.pairs) or abs(cost - trial_cost - predicted) < _FORESEEN * predicted
            newton = newton.learn(step, trial_gradient - gradient) if serves_again else None
            chain, model, cost, gradient = trial, trial_model, trial_cost, trial_gradient
            damping = max(_DAMPING, damping / 10)
        else:
            damping = damping if newton.pairs else 10 * damping
            newton = None
        small = lower and float(step.abs().max()) < termination.step
        if small or predicted < termination.decrease * len(step):
            return ClipSolution(chain, True, iteration)
    return ClipSolution(chain, False, termination.max_iterations)


def _linearize(chain: Chain, terms: Sequence[Term]) -> list[Blocks]:
    return [term.linearize(chain) for term in terms]


def _cost(model: list[Blocks]) -> float:
    # In double precision, which not every device has: a clip's sum would drown what a step gains.
    return sum(float(part.cost.cpu().double().sum()) for part in model)


def _gradient(model: list[Blocks]) -> Tensor:
    return torch.stack([part.gradient for part in model]).sum(0)


def _factor(model: list[Blocks], chain: Chain, free: slice, damping: float) -> QuasiNewton | None:
    bands = Bands.zeros(len(chain.pelvis), chain.pelvis)
    for part in model:
        part.add_hessian(bands)
    factor = factor_bands(bands.part(free), damping)
    return None if factor is None else QuasiNewton(factor)
