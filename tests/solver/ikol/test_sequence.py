from __future__ import annotations

import pytest
import torch
from torch import Tensor

from solver.ikol import so3
from solver.ikol.bands import SPAN, Bands, factor_bands
from solver.ikol.blocks import Blocks, difference
from solver.ikol.chain import UNKNOWNS, Chain
from solver.ikol.quasi_newton import QuasiNewton
from solver.ikol.rows import DenseRows
from solver.ikol.sequence import ClipTermination, ClipWindows, default_terms, solve_sequence, start_chain
from solver.ikol.terms import Term, acceleration_stencil
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


@pytest.mark.parametrize("which", range(5))
def test_gradients_of_terms(which: int) -> None:
    _, chain, terms = noisy_clip(6)
    term = terms[which]
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_smoothness_lowers_error_and_acceleration_error(dtype: torch.dtype) -> None:
    poses, start, terms = noisy_clip(90, dtype)
    solution = solve_sequence(start.calmed(), terms)
    assert solution.converged
    assert error(solution.chain, poses) < 0.75 * error(start, poses)
    assert acceleration_error(solution.chain, poses) < 0.4 * acceleration_error(start, poses)


def test_windows_give_the_whole() -> None:
    _, start, terms = noisy_clip(200)
    tight = ClipTermination(max_iterations=40, step=1e-5, decrease=1e-9)
    whole = solve_sequence(start, terms, tight, windows=None)
    cut = solve_sequence(start, terms, tight, ClipWindows(length=40, margin=30))
    assert (whole.chain.joints - cut.chain.joints).norm(dim=-1).max() < 1e-4


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

    with pytest.raises(KeyboardInterrupt):
        solve_sequence(start, terms, windows=ClipWindows(length=30, margin=5), on_window=stop)
    assert heard == [30]
    assert torch.get_num_threads() == threads


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
