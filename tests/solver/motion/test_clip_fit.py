"""The terms of the fit over a clip against numeric derivatives, and the fit against a motion that is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from solver.body import joint_transforms
from solver.body_file import JOINT_NAMES, read_body
from solver.ikol import Skeleton
from solver.ikol.bands import Bands
from solver.ikol.chain import Chain
from solver.ikol.terms import AngularAcceleration, JointAcceleration, Twists
from solver.lift import Keypoints, landmark_points, seen_points
from solver.motion.camera import intrinsics
from solver.motion.clip_fit import ClipFit, find_floor_turn, fit_clip
from solver.motion.clip_terms import (
    BodyPoints,
    Ground,
    Hinges,
    PlantedPoints,
    PosePrior,
    RelativePoints,
    Reprojection,
    ViewAcceleration,
)
from solver.motion.evidence import smooth_as_it_moves

FRAMES, RATE = 6, 30.0
BODY, SKELETON = read_body("open"), Skeleton.from_body("open")
CAMERA = intrinsics((1280, 720), 1500.0)


def random_chain() -> Chain:
    random = np.random.default_rng(11)
    rotations = Rotation.from_rotvec(random.normal(0, 0.4, (FRAMES * 24, 3))).as_matrix().reshape(FRAMES, 24, 3, 3)
    pelvis = random.normal((0.1, 0.2, 4.0), 0.1, (FRAMES, 3))
    bones = SKELETON.bones(torch.zeros(1, 10, dtype=torch.float64))[0]
    return Chain.from_rotations(torch.tensor(rotations), torch.tensor(pelvis), bones, RATE)


def points() -> BodyPoints:
    found = landmark_points(BODY, np.zeros(10))
    return BodyPoints([int(joint) for joint in found.joint], torch.tensor(found.offset))


def noise(*shape: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(5).normal(0, 1, shape))


def share(*shape: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(6).uniform(0.1, 1, shape))


FEET = points().pick([29, 31, 30, 32])
TERMS = {
    "twists": lambda: Twists(noise(FRAMES, 23, 2), share(FRAMES, 23)),
    "joint acceleration": lambda: JointAcceleration(),
    "angular acceleration": lambda: AngularAcceleration(),
    "reprojection": lambda: Reprojection(points(), 0.1 * noise(FRAMES, 33, 2), share(FRAMES, 33), 0.05),
    "relative": lambda: RelativePoints(points(), noise(FRAMES, 33, 3), share(FRAMES, 33)),
    "prior": lambda: PosePrior([4, 7, 16], torch.eye(3).double().expand(3, 3, 3), share(3, 3), 0.5),
    "hinges": lambda: Hinges([4, 5, 18, 19], [0, 0, 1, 1], [1.0, 1.0, -1.0, 1.0], 0.7),
    "planted": lambda: PlantedPoints(FEET, share(FRAMES, 4), 0.3, 0.6 + share(FRAMES)),
    "acceleration": lambda: ViewAcceleration(50 * share(FRAMES, 24), 8 * share(FRAMES, 24)),
    "ground": lambda: Ground(FEET, 0.02 * share(4), 1.2, share(FRAMES, 4), 0.3),
}


@pytest.mark.parametrize("name", TERMS)
def test_gradients_are_those_of_the_cost(name: str):
    chain, term = random_chain(), TERMS[name]()
    gradient = term.linearize(chain).gradient
    step = noise(FRAMES, 75)
    h = 1e-6
    rise = (term.linearize(chain.moved(h * step)).cost - term.linearize(chain.moved(-h * step)).cost).sum()
    numeric = float(rise) / (2 * h)
    assert float((gradient * step).sum()) == pytest.approx(numeric, rel=1e-4)
    assert abs(numeric) > 1e-3


def sideways_chain(speed: float) -> Chain:
    """Somebody in the rest pose who is moved to the right, m/s."""
    count = 60
    pelvis = torch.zeros(count, 3, dtype=torch.float64)
    pelvis[:, 0] = speed / RATE * torch.arange(count)
    bones = SKELETON.bones(torch.zeros(1, 10, dtype=torch.float64))[0]
    return Chain.from_rotations(torch.eye(3).double().expand(count, 24, 3, 3), pelvis, bones, RATE)


def test_joints_may_accelerate_as_their_speed_lets_expect_but_no_more_in_depth():
    middle = 30  # moments from the ends, where the speed is that of a start
    terms = [smooth_as_it_moves(sideways_chain(speed)) for speed in (0.1, 0.3, 0.6, 1.2, 2.4)]
    across = [float(term.sigma[middle].mean()) for term in terms]
    depth = [float(term.sigma_depth[middle].mean()) for term in terms]
    assert across[0] == pytest.approx(across[1], rel=0.02)
    assert np.divide(across[2:], across[1:-1]) == pytest.approx(2.0, rel=0.02)
    assert depth[2] == pytest.approx(2 * depth[1], rel=0.02)
    assert depth[4] == pytest.approx(depth[3], rel=0.02)
    assert all(theirs < ours / 2 for theirs, ours in zip(depth, across, strict=True))


def test_a_planted_point_that_moves_fast_is_let_go():
    """Pulled the harder the faster it moves, up to about half the release speed, and hardly at all far beyond it."""
    chain, release = random_chain(), torch.full((FRAMES,), 0.6).double()
    still = replace(chain, frames=chain.frames[:1].expand_as(chain.frames), pelvis=chain.pelvis[:1].expand(FRAMES, 3))
    pulls: list[float] = []
    for speed in (0.1, 0.3, 3.0):
        way = torch.arange(FRAMES)[:, None] * torch.tensor((speed / RATE, 0.0, 0.0))
        moved = replace(still, pelvis=still.pelvis + way)
        term = PlantedPoints(FEET, torch.ones(FRAMES, 4).double(), 0.3, release)
        pulls.append(float(term.linearize(moved).gradient[0].norm()))
    assert pulls[1] > 1.5 * pulls[0]
    assert pulls[2] < 0.1 * pulls[1]


@pytest.mark.parametrize("name", TERMS)
def test_hessians_are_weighted_squares_of_how_residuals_change(name: str):
    chain, term = random_chain(), TERMS[name]()
    step, h = noise(FRAMES, 75), 1e-6
    model, bands = term.linearize(chain), Bands.zeros(FRAMES, chain.pelvis)
    model.add_hessian(bands)
    change = (term.linearize(chain.moved(h * step)).residual - term.linearize(chain.moved(-h * step)).residual) / (
        2 * h
    )
    bent = sum(
        (1 if d == 0 else 2) * (step[d:, None] @ bands.block(d) @ step[: FRAMES - d, :, None]).sum() for d in range(3)
    )
    assert float(bent) == pytest.approx(float((model.weight * change**2).sum()), rel=1e-5)


@pytest.mark.parametrize("name", TERMS)
def test_a_window_of_a_term_is_the_term_of_a_window(name: str):
    chain, term, cut = random_chain(), TERMS[name](), slice(1, 5)
    whole, part = term.linearize(chain), term.window(cut).linearize(chain.window(cut))
    rows = len(part.residual)
    torch.testing.assert_close(whole.residual[1 : 1 + rows], part.residual)


def squatting() -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (T, 24, 3, 3) and pelvis (T, 3) in camera axes, of somebody who squats in place for 2 s."""
    depth = 0.5 * (1 - np.cos(np.linspace(0, 2 * np.pi, 60)))
    angles = np.zeros((60, 24, 3))
    at = {name: index for index, name in enumerate(JOINT_NAMES)}
    for side, sign in (("left", 1), ("right", -1)):
        angles[:, at[f"{side}_hip"], 0] = -1.2 * depth
        angles[:, at[f"{side}_knee"], 0] = 0.1 + 2.0 * depth
        angles[:, at[f"{side}_ankle"], 0] = -0.1 - 0.8 * depth
        angles[:, at[f"{side}_shoulder"], 2] = -sign * 1.1
        angles[:, at[f"{side}_elbow"], 1] = -sign * 0.4
    local = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(60, 24, 3, 3)
    local[:, 0] = np.diag((1.0, -1.0, -1.0)) @ local[:, 0]
    rest = BODY.rest_joints(np.zeros(10))
    _, placed = joint_transforms(local, rest - rest[0])
    ankles = placed[:, [at["left_ankle"], at["right_ankle"]]].mean(axis=1)
    return local, np.array((0.1, 1.0, 4.0)) - ankles


def see_noisy(
    disturb: Callable[[np.ndarray], np.ndarray], walk: np.ndarray | None = None, hidden: slice = slice(0, 0)
) -> tuple[np.ndarray, ClipFit, Keypoints, np.ndarray]:
    """True joints (T, 24, 3), the start of the fit, keypoints and landmarks; the detector's 3D is `disturb`ed.

    `walk` (T, 3) moves the person, who is out of sight in the moments `hidden`.
    """
    local, pelvis = squatting()
    pelvis = pelvis if walk is None else pelvis + walk
    rest = BODY.rest_joints(np.zeros(10))
    turned, placed = joint_transforms(local, rest - rest[0])
    marks = landmark_points(BODY, np.zeros(10)).place(turned, placed)
    seen = seen_points(BODY, np.zeros(10)).place(turned, placed) + pelvis[:, None]
    random = np.random.default_rng(3)
    pixels = seen[..., :2] / seen[..., 2:] * CAMERA.focal_px + CAMERA.center_px + random.normal(0, 2, (60, 33, 2))
    landmarks2d = np.concatenate([pixels, np.ones((60, 33, 1))], -1)
    landmarks2d[hidden] = 0.0
    count = 60
    confidence = np.ones((count, 24))
    confidence[hidden] = 0.0
    keypoints = Keypoints(
        times=np.arange(count) / RATE,
        positions=placed,
        confidence=confidence,
        twist=np.broadcast_to((1.0, 0.0), (count, 23, 2)).copy(),
        leaf_rotations=np.broadcast_to(np.eye(3), (count, 5, 3, 3)).copy(),
        betas=np.zeros(10),
        landmarks=disturb(marks),
    )
    wobble = Rotation.from_rotvec(random.normal(0, 0.1, (count * 24, 3))).as_matrix().reshape(count, 24, 3, 3)
    start = ClipFit(local @ wobble, pelvis + random.normal(0, 0.05, (count, 3)), 1.05)
    return placed + pelvis[:, None], start, keypoints, landmarks2d


def fit_noisy(
    disturb: Callable[[np.ndarray], np.ndarray], walk: np.ndarray | None = None, hidden: slice = slice(0, 0)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints (T, 24, 3): true, at the start of the fit, and fitted."""
    truth, start, keypoints, landmarks2d = see_noisy(disturb, walk, hidden)
    fit = fit_clip(start, keypoints, landmarks2d, BODY, SKELETON, CAMERA, RATE, lambda _: None)
    rest = BODY.rest_joints(np.zeros(10))
    before, after = (joint_transforms(f.local, rest - rest[0])[1] + f.pelvis[:, None] for f in (start, fit))
    return truth, before, after


def test_the_fit_comes_closer_to_the_truth_and_stills_the_feet():
    truth, before, after = fit_noisy(lambda marks: marks * (1, 1, 0.7))

    def error(joints: np.ndarray) -> float:
        return float(np.linalg.norm(joints - truth, axis=-1).mean())

    assert error(after) < 0.5 * error(before)
    ankles = after[:, [7, 8]]
    slip = np.linalg.norm(np.diff(ankles, axis=0), axis=-1).mean() * RATE
    assert slip < 0.05  # m/s
    still = np.linalg.norm(np.diff(before[:, [7, 8]], axis=0), axis=-1).mean() * RATE
    assert slip < 0.1 * still


def test_who_moves_on_out_of_sight_is_not_held_by_their_feet():
    """Somebody who glides a metre to the side, hidden half of the way."""
    walk = np.outer(np.clip((np.arange(60) - 20) / 20, 0, 1), (1.0, 0.0, 0.0))
    _, _, after = fit_noisy(lambda marks: marks, walk, slice(18, 42))
    fastest = np.linalg.norm(np.diff(after[14:46], axis=0), axis=-1).max() * RATE
    assert fastest < 4.0  # m/s; feet held where they were last seen make it 6.5


def test_the_floor_is_not_told_by_somebody_out_of_sight():
    """Hidden, the person is guessed a metre farther away and 15 cm higher, as if the floor rose."""
    hidden = slice(20, 60)
    _, start, keypoints, landmarks2d = see_noisy(lambda marks: marks, hidden=hidden)
    pelvis = start.pelvis.copy()
    pelvis[hidden] = pelvis[:20].mean(axis=0) + np.array((0.0, -0.15, 1.0))
    local = start.local.copy()
    local[hidden] = local[0]
    guessed = ClipFit(local, pelvis, start.floor)
    nothing = np.zeros((2, 2))
    heard: list[float] = []
    turn = find_floor_turn(guessed, keypoints, landmarks2d, BODY, SKELETON, CAMERA, RATE, nothing, heard.append)
    assert heard[-1] == 1.0
    assert np.degrees(Rotation.from_matrix(turn).magnitude()) < 1.0


def test_a_clip_of_two_moments_is_left_as_it_is():
    local, pelvis = squatting()
    start = ClipFit(local[:2], pelvis[:2], 1.0)
    keypoints = Keypoints(
        np.arange(2) / RATE,
        np.zeros((2, 24, 3)),
        np.ones((2, 24)),
        np.zeros((2, 23, 2)),
        np.zeros((2, 5, 3, 3)),
        np.zeros(10),
        np.zeros((2, 33, 3)),
    )
    fit = fit_clip(start, keypoints, np.zeros((2, 33, 3)), BODY, SKELETON, CAMERA, RATE, lambda _: None)
    assert fit is start
