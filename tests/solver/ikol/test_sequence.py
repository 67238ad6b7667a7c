from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from solver.ikol import sequence, so3
from solver.ikol.bands import SPAN, BandFactor, Bands, factor_bands
from solver.ikol.blocks import Blocks, difference
from solver.ikol.chain import UNKNOWNS, Chain
from solver.ikol.quasi_newton import QuasiNewton
from solver.ikol.rows import DenseRows
from solver.ikol.sequence import ClipTermination, ClipWindows, _tied, default_terms, solve_sequence, start_chain
from solver.ikol.terms import Rotations, Term, acceleration_stencil
from solver.motion.clip_terms import BodyPoints, PlantedPoints, RelativePoints
from tests.solver.ikol.poses import Poses, describe

RATE = 30.0


def swinging(count: int, dtype: torch.dtype = torch.float64) -> Poses:
    """A body whose joints swing at 0.3 to 1.3 Hz."""
    generator = torch.Generator().manual_seed(1)
    phase = 6 * torch.rand(24, 3, generator=generator, dtype=torch.float64)
    rate = 0.3 + torch.rand(24, 3, generator=generator, dtype=torch.float64)
    time = torch.arange(count, dtype=torch.float64)[:, None, None] / RATE
    rotations = so3.exp(0.3 * torch.sin(2 * torch.pi * time * rate + phase))
    return describe(rotations, torch.zeros(count, 10, dtype=torch.float64), dtype)


def noisy_clip(count: int, dtype: torch.dtype = torch.float64) -> tuple[Poses, Chain, list[Term]]:
    poses = swinging(count, dtype)
    generator = torch.Generator().manual_seed(2)
    keypoints = poses.joints + 0.015 * torch.randn(count, 24, 3, generator=generator, dtype=torch.float64).to(dtype)
    confidence = torch.ones(count, 24, dtype=dtype)
    given = (keypoints, poses.betas[0], poses.twist, poses.leaf_rotations, confidence)
    chain = start_chain(poses.skeleton, *given, RATE)
    return poses, chain, default_terms(keypoints, poses.twist, poses.leaf_rotations, confidence)


def error(chain: Chain, poses: Poses) -> float:
    return float((chain.joints - poses.joints).norm(dim=-1).mean())


def acceleration_error(chain: Chain, poses: Poses) -> float:
    return float(difference(chain.joints - poses.joints, acceleration_stencil(RATE)).norm(dim=-1).mean())


@pytest.mark.parametrize("which", range(6))
def test_gradients_of_terms(which: int) -> None:
    _, chain, terms = noisy_clip(6)
    of_the_root = Rotations((0,), chain.relative[:, :1].flip(0), torch.ones(6, 1).double())
    term = [*terms, of_the_root][which]
    direction = torch.randn(6, UNKNOWNS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    chain = chain.moved(0.05 * direction.flip(0))
    gradient = term.linearize(chain).gradient
    ends = [term.linearize(chain.moved(h * direction)).cost.sum() for h in (1e-5, -1e-5)]
    torch.testing.assert_close((gradient * direction).sum(), (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-6)


def test_points_on_a_body_and_their_jacobian() -> None:
    _, chain, _ = noisy_clip(3)
    bodies, offsets = [15, 22, 0], torch.tensor([[0.1, 0.0, 0.05], [0.0, -0.1, 0.2], [0.0, 0.0, 0.1]]).double()
    direction = torch.randn(3, UNKNOWNS, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    ends = [chain.moved(h * direction).points(bodies, offsets) for h in (1e-6, -1e-6)]
    found = (chain.point_jacobian(bodies, offsets) @ direction[:, None, :, None]).squeeze(-1)
    torch.testing.assert_close(found, (ends[0] - ends[1]) / 2e-6, atol=1e-8, rtol=0)


def test_sweep_solves_the_dense_system() -> None:
    count = 5
    _, chain, terms = noisy_clip(count)
    bands = Bands.zeros(count, chain.pelvis)
    for term in terms:
        term.linearize(chain).add_hessian(bands)
    right = torch.randn(count, UNKNOWNS, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    factor = factor_bands(bands, 1e-3)
    assert factor is not None
    flat = _dense(terms, chain) + 1e-3 * torch.eye(count * UNKNOWNS, dtype=torch.float64)
    expected = torch.linalg.solve(flat, right.flatten()).reshape(count, UNKNOWNS)
    torch.testing.assert_close(factor.solve(right), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("free", [slice(0, 7), slice(0, 5), slice(2, 7), slice(2, 5)])
def test_a_part_of_the_matrix_leaves_out_what_ties_it_to_the_rest(free: slice) -> None:
    count, inside = 7, free.stop - free.start
    _, chain, terms = noisy_clip(count)
    bands = Bands.zeros(count, chain.pelvis)
    for term in terms:
        term.linearize(chain).add_hessian(bands)
    factor = factor_bands(bands.part(free), 1e-3)
    assert factor is not None
    inner = slice(free.start * UNKNOWNS, free.stop * UNKNOWNS)
    flat = _dense(terms, chain)[inner, inner] + 1e-3 * torch.eye(inside * UNKNOWNS, dtype=torch.float64)
    right = torch.randn(inside, UNKNOWNS, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    expected = torch.linalg.solve(flat, right.flatten()).reshape(inside, UNKNOWNS)
    torch.testing.assert_close(factor.solve(right), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_smoothness_lowers_error_and_acceleration_error(dtype: torch.dtype) -> None:
    poses, start, terms = noisy_clip(90, dtype)
    solution = solve_sequence(start.calmed(), terms)
    assert solution.converged
    assert error(solution.chain, poses) < 0.75 * error(start, poses)
    assert acceleration_error(solution.chain, poses) < 0.4 * acceleration_error(start, poses)


def test_windows_give_the_whole() -> None:
    _, start, terms = noisy_clip(203)  # six lengths, so seven shares
    tight = ClipTermination(max_iterations=40, step=1e-5, decrease=1e-9)
    whole = solve_sequence(start, terms, tight, windows=None)
    cut = solve_sequence(start, terms, tight, ClipWindows(length=40, margin=30))
    assert (whole.chain.joints - cut.chain.joints).norm(dim=-1).max() < 1e-4


@pytest.mark.parametrize("count", [7, 13, 40, 203, 1000])
def test_windows_tile_the_clip_and_hold_what_was_found_before(count: int) -> None:
    windows = ClipWindows(length=6, margin=4)
    cut = windows.cut(count)
    every = [*cut.ways[0][::-1], cut.middle, *cut.ways[1]]
    kept = [window.kept for window in every]
    assert kept[0].start == 0 and kept[-1].stop == count
    assert all(one.stop == following.start for one, following in pairwise(kept))
    assert max(part.stop - part.start for part in kept) <= windows.length
    for side, way in enumerate(cut.ways):
        for before, window in pairwise([cut.middle, *way]):
            held = (
                slice(window.kept.stop, window.reach.stop)
                if side == 0
                else slice(window.reach.start, window.kept.start)
            )
            assert held.stop - held.start == window.held[1 - side] == SPAN - 1 and window.held[side] == 0
            assert before.kept.start <= held.start and held.stop <= before.kept.stop


def test_windows_too_short_to_be_tied_are_refused() -> None:
    with pytest.raises(ValueError, match="windows of 5 frames"):
        ClipWindows(length=5)


def test_a_window_starts_moved_along_with_its_held_end() -> None:
    _, start, _ = noisy_clip(24)
    cut, way = ClipWindows(length=8, margin=3).cut(24), torch.tensor([0.1, -0.2, 0.3]).double()
    solved = Chain(start.frames, start.pelvis.clone(), start.bones, RATE)
    solved.pelvis[cut.middle.kept] += way
    for window in (cut.ways[0][0], cut.ways[1][0]):
        begin, free = _tied(solved, start.pelvis, window), slice(window.held[0], -window.held[1] or None)
        torch.testing.assert_close(begin.pelvis[free], start.pelvis[window.reach][free] + way)
        held = torch.ones(len(begin.pelvis), dtype=torch.bool)
        held[free] = False
        assert torch.equal(begin.pelvis[held], solved.pelvis[window.reach][held])


def test_the_number_of_threads_does_not_change_a_bit() -> None:
    _, start, terms = noisy_clip(120, torch.float32)
    chains, threads = list[Chain](), torch.get_num_threads()
    try:
        for workers in (1, 2):
            torch.set_num_threads(workers)
            chains.append(solve_sequence(start, terms, windows=ClipWindows(length=20, margin=8)).chain)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(chains[0].frames, chains[1].frames)
    assert torch.equal(chains[0].pelvis, chains[1].pelvis)


@pytest.mark.parametrize(("outliers", "factors"), [(False, 1), (True, 3)])
def test_a_factor_serves_again_where_the_cost_is_nearly_quadratic(
    monkeypatch: pytest.MonkeyPatch, outliers: bool, factors: int
) -> None:
    poses, start, terms = noisy_clip(60)
    made = list[float]()

    def counted(bands: Bands, damping: float) -> BandFactor | None:
        made.append(damping)
        return factor_bands(bands, damping)

    monkeypatch.setattr(sequence, "factor_bands", counted)
    if outliers:  # far off, under a kernel that lets go of what is far off
        start = start.moved(0.3 * torch.randn(60, UNKNOWNS, generator=torch.Generator().manual_seed(9)).double())
        points = BodyPoints(list(range(24)), torch.zeros(24, 3).double())
        terms = [RelativePoints(points, poses.joints, torch.ones(60, 24).double()), *terms[1:]]
    solution = solve_sequence(start.calmed(), terms, ClipTermination(max_iterations=30))
    assert len(made) >= factors if outliers else len(made) == factors
    assert solution.iterations > 1


class Pin:
    """A term of one's own: a joint stays at a place, m, in every frame; expected error 1 mm."""

    def __init__(self, joint: int, place: Tensor) -> None:
        self.joint, self.place = joint, place

    def linearize(self, chain: Chain) -> Blocks:
        residual = chain.joints[:, self.joint] - self.place
        weight = torch.full_like(residual, 1e6)
        cost = (weight * residual * residual).sum(1) / 2
        return Blocks(residual, weight, DenseRows(chain.joint_jacobian[:, self.joint]), (1.0,), cost)

    def window(self, frames: slice) -> Pin:
        return self


def test_a_term_of_ones_own_joins_in() -> None:
    poses, start, terms = noisy_clip(20)
    place = poses.joints[0, 7] + 0.02
    solution = solve_sequence(start, [*terms, Pin(7, place)])
    assert (solution.chain.joints[:, 7] - place).norm(dim=-1).max() < 0.005


def test_memory_makes_up_for_a_factor_of_another_matrix() -> None:
    """On a quadratic, limited-memory BFGS reaches the minimum though its factor is of three times the matrix."""
    count = 4
    _, chain, terms = noisy_clip(count)
    right, wrong = Bands.zeros(count, chain.pelvis), Bands.zeros(count, chain.pelvis)
    for term in terms:
        term.linearize(chain).add_hessian(right)
    wrong.columns.copy_(3 * right.columns)
    exact, newton = factor_bands(right, 1e-3), factor_bands(wrong, 30.0)
    assert exact is not None and newton is not None
    goal = torch.randn(count, UNKNOWNS, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    minimum, method = exact.solve(goal), QuasiNewton(newton)
    dense = _dense(terms, chain) + 1e-3 * torch.eye(count * UNKNOWNS, dtype=torch.float64)
    place, distances = torch.zeros_like(goal), list[float]()
    for _ in range(12):
        gradient = (dense @ place.flatten()).view_as(place) - goal
        step = method.step(gradient)
        place = place + step
        method = method.learn(step, (dense @ step.flatten()).view_as(step))
        distances.append(float((place - minimum).norm() / minimum.norm()))
    assert distances[0] > 0.3
    assert distances[-1] < 0.05 * distances[0]


def test_whoever_listens_may_stop_the_solve() -> None:
    _, start, terms = noisy_clip(90)
    threads, heard = torch.get_num_threads(), list[int]()

    def stop(done: int, count: int) -> None:
        heard.append(done)
        raise KeyboardInterrupt

    for windows, first in ((ClipWindows(length=30, margin=5), 30), (None, 90)):
        heard.clear()
        with pytest.raises(KeyboardInterrupt):
            solve_sequence(start, terms, windows=windows, on_window=stop)
        assert heard == [first]
        assert torch.get_num_threads() == threads


def test_a_planted_foot_stays_where_it_is_over_the_seams_of_windows() -> None:
    """Somebody stands; the keypoints drift by 20 cm to and fro in depth, over six seconds; windows are 1.3 s long."""
    count = 200
    poses = describe(torch.eye(3).double().expand(count, 24, 3, 3), torch.zeros(count, 10).double(), torch.float64)
    drift = torch.zeros(count, 1, 3).double()
    drift[:, 0, 2] = 0.1 * torch.sin(torch.arange(count) / 30)
    confidence = torch.ones(count, 24).double()
    given = (poses.joints + drift, poses.betas[0], poses.twist, poses.leaf_rotations, confidence)
    start, terms = start_chain(poses.skeleton, *given, RATE), default_terms(*(given[i] for i in (0, 2, 3, 4)))
    feet = BodyPoints([7, 8], torch.zeros(2, 3).double())
    terms.append(PlantedPoints(feet, torch.ones(count, 2).double(), 1.0, torch.full((count,), 0.6).double(), 1e-3))
    chain = solve_sequence(start, terms, windows=ClipWindows(length=40, margin=10)).chain
    steps = feet.place(chain).diff(dim=0).norm(dim=-1)
    assert steps.max() < 1e-3


def _dense(terms: list[Term], chain: Chain) -> Tensor:
    """The Gauss-Newton matrix of a clip, whole."""
    count = len(chain.pelvis)
    bands = Bands.zeros(count, chain.pelvis)
    for term in terms:
        term.linearize(chain).add_hessian(bands)
    dense = torch.zeros(count, UNKNOWNS, count, UNKNOWNS, dtype=torch.float64)
    for d in range(SPAN):
        for t in range(count - d):
            dense[t + d, :, t] = bands.block(d)[t]
            dense[t, :, t + d] = bands.block(d)[t].T
    return dense.reshape(count * UNKNOWNS, -1)
