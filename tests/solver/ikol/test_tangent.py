from __future__ import annotations

import pytest
import torch
from torch import Tensor

from solver.ikol import IKOLLayer, IKOLSolution, planes, so3
from solver.ikol.gauss_newton import Termination, TrustRegion, solve
from solver.ikol.kinematics import JOINT_COUNT, accumulate_up, expand_leaves
from solver.ikol.layer import pad_twist
from solver.ikol.objective import Objective, Pose, RotationPrior
from solver.ikol.robust import GemanMcClure, Huber, Kernel, Quadratic
from solver.ikol.swing_twist import solve_analytic, twist_rotations
from solver.ikol.tree import TreeSystem, factor, tangent_moves
from tests.solver.ikol.poses import Poses, make_poses


def millimetres(solution: IKOLSolution, poses: Poses) -> float:
    """Mean distance of root-relative joints to the truth."""
    solved = solution.joints - solution.joints[:, :1]
    return 1000 * (solved - poses.joints + poses.joints[:, :1]).norm(dim=-1).mean().item()


def noise(poses: Poses, metres: float, seed: int = 1) -> Tensor:
    shape, generator = poses.joints.shape, torch.Generator().manual_seed(seed)
    return metres * torch.randn(shape, generator=generator, dtype=torch.float64).to(poses.joints.dtype)


@pytest.mark.parametrize(("metres", "allowed"), [(0.0, 0.05), (0.01, 14.0), (0.02, 28.0), (0.03, 42.0)])
def test_protocol_a(metres: float, allowed: float) -> None:
    poses = make_poses(400, torch.float32, shaped=False)
    with torch.no_grad():
        solution = IKOLLayer(poses.skeleton)(poses.joints + noise(poses, metres), **poses.inputs)
    assert torch.isfinite(solution.rotations).all()
    assert millimetres(solution, poses) <= allowed
    if metres == 0:
        assert solution.converged.all()


def objective_of(
    poses: Poses, keypoints: Tensor, kernel: Kernel, prior: RotationPrior | None
) -> tuple[Objective, Pose]:
    bones = planes.vectors_to_planes(poses.skeleton.bones(poses.betas))
    targets, twist = planes.vectors_to_planes(keypoints), pad_twist(poses.twist)
    weights = torch.ones_like(targets[0])
    frames = solve_analytic(targets, weights, bones, twist_rotations(bones, twist), expand_leaves(poses.leaf_rotations))
    objective = Objective.build(targets, weights, bones, twist, 0.01 * weights, kernel, prior)
    return objective, Pose(frames, targets[:, :1])


def random_prior(count: int) -> RotationPrior:
    generator = torch.Generator().manual_seed(11)
    mean = so3.exp(0.3 * torch.randn(count, JOINT_COUNT, 3, generator=generator, dtype=torch.float64))
    root = 0.1 * torch.randn(count, JOINT_COUNT, 3, 3, generator=generator, dtype=torch.float64)
    return RotationPrior(mean, root @ root.mT)


@pytest.mark.parametrize("kernel", [Quadratic(), Huber(0.03), GemanMcClure(0.1)])
def test_cost_never_rises(kernel: Kernel) -> None:
    poses = make_poses(100)
    objective, start = objective_of(poses, poses.joints + noise(poses, 0.03), kernel, None)
    _, summary = solve(objective, start, Termination(30, 1e-6, 0.0), TrustRegion(), keep_history=True)
    assert summary.history is not None
    assert (summary.history.diff(dim=0) <= 1e-12 * summary.history[:-1]).all()
    assert summary.converged.float().mean() > 0.95


@pytest.mark.parametrize("kernel", [Quadratic(), Huber(0.03), GemanMcClure(0.1)])
@pytest.mark.parametrize("with_prior", [False, True])
def test_first_and_second_derivatives_are_those_of_the_cost(kernel: Kernel, with_prior: bool) -> None:
    """Against dense automatic differentiation of the cost with every joint turned by exp(d) in the world, in order."""
    poses = make_poses(1)
    prior = random_prior(1) if with_prior else None
    objective, pose = objective_of(poses, poses.joints + noise(poses, 0.02), kernel, prior)
    relative = planes.matrices_from_planes(pose.frames)[0]

    def cost(unknowns: Tensor) -> Tensor:
        turns, root = unknowns[:-3].reshape(JOINT_COUNT, 3), unknowns[-3:]
        frames: list[Tensor] = []
        turned: list[Tensor] = []
        for k, parent in enumerate(poses.skeleton.parents):
            turned.append(so3.exp(turns[k]) if k == 0 else turned[parent] @ so3.exp(turns[k]))
            frames.append(turned[k] @ relative[k])
        moved = Pose(planes.matrices_to_planes(torch.stack(frames)[None]), pose.pelvis + root[:, None, None])
        return objective.cost(moved, objective.joints(moved)).sum()

    zero = torch.zeros(JOINT_COUNT * 3 + 3, dtype=torch.float64)
    gradient = torch.func.grad(cost)(zero)
    hessian = torch.func.hessian(cost)(zero)
    system = objective.newton(pose, objective.joints(pose))
    direction = torch.randn(JOINT_COUNT * 3 + 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    turns = direction[:-3].reshape(JOINT_COUNT, 3).T[..., None]
    _, moves = tangent_moves(system.arms, turns, direction[-3:, None, None])
    slope = (system.point_gradient * moves).sum() + (system.joint_gradient * turns).sum()
    torch.testing.assert_close(slope, gradient @ direction, atol=1e-12, rtol=1e-9)
    # The tree's factor solves the dense system.
    damped = hessian + torch.diag(torch.cat((torch.ones(72), torch.zeros(3))).double())
    identity = torch.eye(3, dtype=torch.float64)[:, :, None, None]
    stiff = TreeSystem(**{**vars(system), "joint_hessian": system.joint_hessian + identity})
    step = factor(stiff).solve(system.point_gradient, system.joint_gradient)
    expected = -torch.linalg.solve(damped, gradient)
    found = torch.cat((step.joint_turns[..., 0].T.reshape(-1), step.moves[:, 0, 0]))
    torch.testing.assert_close(found, expected, atol=1e-11, rtol=1e-8)


@pytest.mark.parametrize("differentiation", ["unrolled", "last_step", "implicit"])
@pytest.mark.parametrize("kernel", [Quadratic(), GemanMcClure(0.1)])
def test_gradients_are_those_of_the_converged_solution(differentiation: str, kernel: Kernel) -> None:
    poses = make_poses(3, seed=3)
    generator = torch.Generator().manual_seed(9)
    layer = IKOLLayer(
        poses.skeleton, differentiation=differentiation, kernel=kernel, termination=Termination(60, 0.0, 0.0)
    )  # fmt: skip
    weights = 0.3 + torch.rand(3, 24, generator=generator, dtype=torch.float64)
    prior = random_prior(3)
    twist = poses.twist @ so3.exp(torch.tensor([0, 0, 0.2], dtype=torch.float64))[:2, :2]
    given = [
        poses.joints + noise(poses, 0.01), poses.betas, twist, poses.leaf_rotations, weights, weights[:, 1:],
        prior.mean, 0.1 * prior.precision + 0.01 * torch.eye(3, dtype=torch.float64),
    ]  # fmt: skip

    def loss(*inputs: Tensor) -> Tensor:
        solution = layer(*inputs[:6], RotationPrior(*inputs[6:]))
        generator = torch.Generator().manual_seed(10)
        outputs = (solution.rotations, solution.joints, solution.translation, solution.cost)
        return sum((torch.randn(o.shape, generator=generator, dtype=o.dtype) * o).sum() for o in outputs)

    inputs = [value.clone().requires_grad_() for value in given]
    gradients = torch.autograd.grad(loss(*inputs), inputs)
    for i, gradient in enumerate(gradients):
        direction = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            ends = [[*given[:i], given[i] + h * direction, *given[i + 1 :]] for h in (1e-4, -1e-4, 5e-5, -5e-5)]
            values = [loss(*end) for end in ends]
        wide, near = (values[0] - values[1]) / 2e-4, (values[2] - values[3]) / 1e-4
        difference = (4 * near - wide) / 3  # Richardson: fourth order
        scale = gradient.norm() * direction.norm()
        assert abs((gradient * direction).sum() - difference) < 1e-4 * max(abs(difference), 0.01 * scale)


@pytest.mark.parametrize("differentiation", ["unrolled", "last_step", "implicit"])
def test_gradcheck_on_every_input(differentiation: str) -> None:
    poses = make_poses(2, seed=4)
    layer = IKOLLayer(poses.skeleton, differentiation=differentiation, termination=Termination(40, 0.0, 0.0))
    generator = torch.Generator().manual_seed(12)
    weights = 0.3 + torch.rand(2, 24, generator=generator, dtype=torch.float64)

    def solve(*inputs: Tensor) -> tuple[Tensor, ...]:
        solution = layer(*inputs)
        return solution.rotations, solution.joints, solution.translation

    given = (poses.joints + noise(poses, 0.01), poses.betas, poses.twist, poses.leaf_rotations, weights, weights[:, 1:])
    inputs = tuple(value.clone().requires_grad_() for value in given)
    assert torch.autograd.gradcheck(solve, inputs, eps=1e-5, atol=1e-4, rtol=1e-4, fast_mode=True)


def test_a_missing_keypoint_has_no_say() -> None:
    poses = make_poses(20)
    weights = torch.ones(20, 24, dtype=torch.float64)
    weights[:, 18] = 0  # left elbow: wrist and shoulder remain
    layer = IKOLLayer(poses.skeleton)
    garbage = poses.joints.clone()
    garbage[:, 18] = 50.0
    with torch.no_grad():
        solution = layer(garbage, **poses.inputs, confidence=weights)
    keep = [k for k in range(24) if k != 18]
    assert (solution.joints - poses.joints)[:, keep].norm(dim=-1).max() < 0.01


def test_a_gross_outlier_is_held_off() -> None:
    poses = make_poses(50)
    keypoints = poses.joints.clone()
    keypoints[:, 21] += 1.0  # right wrist, 1.7 m away
    robust, plain = (
        IKOLLayer(poses.skeleton, kernel=k)(keypoints, **poses.inputs) for k in (GemanMcClure(0.25), Quadratic())
    )
    assert millimetres(robust, poses) < 0.5 * millimetres(plain, poses)


def test_chunks_do_not_change_the_answer() -> None:
    poses = make_poses(1100)
    keypoints = poses.joints + noise(poses, 0.01)
    layer = IKOLLayer(poses.skeleton)
    with torch.no_grad():
        whole = layer(keypoints, **poses.inputs)
        last = layer(keypoints[-3:], **{name: value[-3:] for name, value in poses.inputs.items()})
    torch.testing.assert_close(whole.joints[-3:], last.joints, atol=1e-9, rtol=0)
    assert not whole.rotations.requires_grad


def devices() -> list[str]:
    present = ["cpu"]
    present += ["cuda"] if torch.cuda.is_available() else []
    return present + (["mps"] if torch.backends.mps.is_available() else [])


@pytest.mark.parametrize("device", devices())
def test_every_device_gives_the_same_answer(device: str) -> None:
    poses = make_poses(30, torch.float32)
    keypoints = poses.joints + noise(poses, 0.01) + 5.0
    layer = IKOLLayer(poses.skeleton).to(device)
    solution = layer(keypoints.to(device), **{name: value.to(device) for name, value in poses.inputs.items()})
    exact = IKOLLayer(make_poses(1).skeleton)(
        keypoints.double(), **{name: value.double() for name, value in poses.inputs.items()}
    )
    torch.testing.assert_close(solution.joints.cpu().double(), exact.joints, atol=2e-4, rtol=0)
    placed = poses.skeleton.cpu()(solution.rotations.cpu(), poses.betas) + solution.translation.cpu()[:, None]
    torch.testing.assert_close(placed, solution.joints.cpu(), atol=2e-5, rtol=0)


def test_unknown_options_are_refused() -> None:
    skeleton = make_poses(1).skeleton
    with pytest.raises(ValueError, match="formulation"):
        IKOLLayer(skeleton, formulation="newest")
    with pytest.raises(ValueError, match="differentiation"):
        IKOLLayer(skeleton, formulation="published", differentiation="implicit")


def test_subtree_sums() -> None:
    values = torch.arange(24.0)[:, None]
    sums = accumulate_up(values)[:, 0]
    assert sums[0] == sum(range(1, 24))
    assert sums[9] == 12 + 13 + 14 + 15 + sum(range(16, 24))
    assert sums[16] == 18 + 20 + 22
    assert sums[10] == 0
