"""Who walks tells the focal length, who stays does not."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from solver.body import joint_transforms
from solver.body_file import JOINT_NAMES, read_body
from solver.detect import Observations
from solver.focal import combine, estimate_focal, least_cost
from solver.ikol import Skeleton
from solver.lens import FocalLength
from solver.lift import CorrectedLandmarks, landmark_points
from solver.motion.camera import Intrinsics, intrinsics, view_rotations
from solver.motion.contacts import FOOT_POINTS
from solver.person import PersonSolver, Track
from tests.solver.lift.seen_walk import UPRIGHT

SIZE, RATE, COUNT = (1280, 720), 30.0, 120
ASSUMED = FocalLength(1.2 * SIZE[0], "assumed", 0.15)
BODY = read_body("open")
LEVEL_IS_KNOWN = np.eye(2) * 1e5


def striding_poses() -> np.ndarray:
    """(T, 24, 3, 3) nearly two steps a second: the leg that stands is straight, the one that swings is bent."""
    phase = 2 * np.pi * 0.9 * np.arange(COUNT) / RATE
    angles = np.zeros((COUNT, 24, 3))
    for side, sign, own in (("left", 1, phase), ("right", -1, phase + np.pi)):
        bend = 0.05 + 0.9 * np.maximum(-np.sin(own), 0.0)
        angles[:, JOINT_NAMES.index(f"{side}_hip"), 0] = -0.4 * np.cos(own) - 0.4 * bend
        angles[:, JOINT_NAMES.index(f"{side}_knee"), 0] = bend
        angles[:, JOINT_NAMES.index(f"{side}_ankle"), 0] = 0.4 * np.cos(own) - 0.6 * bend
        angles[:, JOINT_NAMES.index(f"{side}_shoulder"), 2] = -1.1 * sign
    return Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(COUNT, 24, 3, 3)


def walk_by_the_feet(heading: float) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks and joints (T, n, 3), camera axes, of who goes where planted feet carry them."""
    rest = BODY.rest_joints(np.zeros(10))
    turned, placed = joint_transforms(striding_poses(), rest - rest[0])
    marks = landmark_points(BODY, np.zeros(10)).place(turned, placed)
    turn = UPRIGHT @ Rotation.from_euler("y", heading).as_matrix()
    marks, placed = marks @ turn.T, placed @ turn.T
    feet = marks[:, FOOT_POINTS]
    pelvis = np.zeros((COUNT, 3))
    for t in range(1, COUNT):
        lowest = feet[t, :, 1].argmax()
        pelvis[t] = pelvis[t - 1] + feet[t - 1, lowest] - feet[t, lowest]
    pelvis[:, 1] = 0.9 - feet[..., 1].max(axis=1)
    return marks + pelvis[:, None], placed + pelvis[:, None]


def estimate(marks: np.ndarray, joints: np.ndarray, focal_px: float) -> FocalLength:
    """What is estimated of people seen through such a lens, their landmarks 2 px off."""
    camera = intrinsics(SIZE, focal_px)
    noise = np.random.default_rng(1).normal(0, 2, (COUNT, 33, 2))
    pixels = marks[..., :2] / marks[..., 2:] * focal_px + camera.center_px + noise
    image = np.concatenate([pixels, np.ones((COUNT, 33, 1))], -1)
    view = view_rotations(image, camera)
    relative = (marks - joints[:, :1]) @ view
    up = np.tile((0.0, -1.0, 0.0), (COUNT, 1))
    corrected = CorrectedLandmarks(relative, (joints - joints[:, :1]) @ view, up)
    seen = Observations(1, np.arange(COUNT) / RATE, image, relative, np.ones(COUNT, bool), SIZE)
    solver = PersonSolver(BODY, Skeleton.from_body("open"), None, RATE, torch.device("cpu"), lambda: None)

    def look(focal_px: float) -> tuple[CorrectedLandmarks, Intrinsics, np.ndarray]:
        return corrected, intrinsics(SIZE, focal_px), LEVEL_IS_KNOWN

    heard: list[float] = []
    focal = estimate_focal(ASSUMED, solver, Track(seen, 0, 0.0), look, heard.append)
    assert heard[0] == 0.0
    assert heard[-1] == 1.0
    assert all(before < after for before, after in pairwise(heard))
    return focal


@pytest.mark.parametrize("true", [0.85, 1.7])
def test_who_walks_at_a_slant_tells_the_focal_length(true: float):
    marks, joints = walk_by_the_feet(0.5)
    away = np.array((-0.5, 0.0, 4.5 * true))
    found = estimate(marks + away, joints + away, true * SIZE[0])
    assert found.source == "estimated"
    before, after = (abs(math.log(focal.pixels / true / SIZE[0])) for focal in (ASSUMED, found))
    assert after < 0.85 * before
    assert found.sigma < ASSUMED.sigma


def test_who_stays_tells_nothing():
    marks, joints = walk_by_the_feet(0.5)
    stays = joints[:, :1] * (1, 0, 1) - (0.0, 0.0, 4.0)
    assert estimate(marks - stays, joints - stays, 0.85 * SIZE[0]) == ASSUMED


def test_the_least_of_a_parabola_is_found_between_the_tried():
    costs = {step: 7 * (step - 0.3) ** 2 + 40 for step in (-1, 0, 1)}
    assert least_cost(costs) == pytest.approx(0.3)
    assert least_cost({step: (step - 1.6) ** 2 for step in (-1, 0, 1, 2)}) == pytest.approx(1.6)
    assert least_cost({step: -float(step) for step in (-1, 0, 1, 2)}) == 2


def test_the_estimate_lies_between_what_the_steps_say_and_the_assumed():
    found = combine(ASSUMED, {step: (step + 1) ** 2 for step in (-2, -1, 0, 1)})
    assert 0.75 * ASSUMED.pixels < found.pixels < 0.95 * ASSUMED.pixels
    assert 0.5 * ASSUMED.sigma < found.sigma < 0.9 * ASSUMED.sigma
