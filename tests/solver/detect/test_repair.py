"""Swaps of left and right that were put in are taken out again, and nothing else is touched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from solver.body import joint_transforms
from solver.body_file import read_body
from solver.detect import LANDMARK_NAMES, Observations, repair
from solver.lift import landmark_points
from solver.take import read_take

TRUTH = Path(__file__).resolve().parents[3] / "addon_assets" / "demo" / "demo_truth.npz"
ARMS = ("elbow", "wrist", "pinky", "index", "thumb")
LEGS = ("knee", "ankle", "heel", "foot_index")
TRUNK = ("shoulder", "hip", "eye_inner", "eye", "eye_outer", "ear")
INJECTED = {"arms": ARMS, "legs": LEGS, "whole body": (*TRUNK, *ARMS, *LEGS), "arms and shoulders": (*ARMS, "shoulder")}


@pytest.fixture(scope="module")
def observed() -> Observations:
    """The demo's person as a detector sees it: white noise of 1.5 px and 10 mm."""
    take, body = read_take(TRUTH), read_body("open")
    camera = np.array(take.camera.rotation)
    local = Rotation.from_rotvec(take.poses.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
    turned, placed = joint_transforms(local, body.rest_joints(take.betas))
    points = landmark_points(body, take.betas).place(turned, placed) + take.trans[:, None]
    seen = (points - take.camera.position) @ camera
    hips = [LANDMARK_NAMES.index(f"{side}_hip") for side in ("left", "right")]
    random = np.random.default_rng(1)
    image = np.ones((len(take), 33, 3))
    image[..., :2] = seen[..., :2] / seen[..., 2:] * take.camera.focal_px + take.camera.center_px
    image[..., :2] += random.normal(0, 1.5, (len(take), 33, 2))
    world = seen - seen[:, hips].mean(axis=1, keepdims=True) + random.normal(0, 0.01, seen.shape)
    everywhere = np.ones(len(take), bool)
    return Observations(
        1, take.timestamps, image.astype(np.float32), world.astype(np.float32), everywhere, take.camera.image_size
    )


def swap(observed: Observations, names: tuple[str, ...], moments: np.ndarray) -> Observations:
    sides = [[LANDMARK_NAMES.index(f"{side}_{name}") for name in names] for side in ("left", "right")]
    rows = np.flatnonzero(moments)[:, None]
    image, world = observed.landmarks2d.copy(), observed.landmarks3d.copy()
    for values in (image, world):
        values[rows, sides[0] + sides[1]] = values[rows, sides[1] + sides[0]]
    return replace(observed, landmarks2d=image, landmarks3d=world)


def test_what_is_right_is_left_alone(observed: Observations) -> None:
    repaired = repair(observed)
    assert (repaired.swapped, repaired.jumps) == (0, 0)
    np.testing.assert_array_equal(repaired.observations.landmarks2d, observed.landmarks2d)


@pytest.mark.parametrize("limbs", INJECTED)
@pytest.mark.parametrize("run", [1, 8])
def test_swaps_in_a_third_of_the_moments_are_undone(observed: Observations, limbs: str, run: int) -> None:
    random, moments = np.random.default_rng(run), np.zeros(len(observed.times), bool)
    while moments.mean() < 0.3:
        first = random.integers(len(moments))
        moments[first : first + run] = True
    repaired = repair(swap(observed, INJECTED[limbs], moments))
    assert repaired.swapped == moments.sum()
    np.testing.assert_array_equal(repaired.observations.landmarks3d, observed.landmarks3d)


@pytest.mark.parametrize(("rate", "moments"), [(24.0, 2), (30.0, 1), (30.0, 2), (60.0, 5)])
def test_a_landmark_that_jumps_is_put_between_before_and_after_and_hardly_believed(
    observed: Observations, rate: float, moments: int
) -> None:
    wrist, image = LANDMARK_NAMES.index("left_wrist"), observed.landmarks2d.copy()
    image[40 : 40 + moments, wrist, 0] += 150
    repaired = repair(replace(observed, times=np.arange(len(observed.times)) / rate, landmarks2d=image))
    assert repaired.jumps == moments
    found = repaired.observations.landmarks2d
    between = np.linspace(image[39, wrist, :2], image[40 + moments, wrist, :2], moments + 2)
    np.testing.assert_allclose(found[39 : 41 + moments, wrist, :2], between, rtol=1e-6)
    assert found[40 : 40 + moments, wrist, 2] == pytest.approx(0.1)
    assert repaired.swapped == 0


@pytest.mark.parametrize("every", [1, 2], ids=["away", "flickers"])
def test_a_landmark_away_for_longer_may_have_been_there(observed: Observations, every: int) -> None:
    wrist, image = LANDMARK_NAMES.index("left_wrist"), observed.landmarks2d.copy()
    image[40:56:every, wrist, 0] += 150
    repaired = repair(replace(observed, landmarks2d=image))
    assert repaired.jumps == 0
    np.testing.assert_array_equal(repaired.observations.landmarks2d, image)


def test_what_jumps_is_put_between_by_time(observed: Observations) -> None:
    wrist, image, times = LANDMARK_NAMES.index("left_wrist"), observed.landmarks2d.copy(), observed.times.copy()
    times[40:] += 0.1
    image[40, wrist, 0] += 150
    found = repair(replace(observed, times=times, landmarks2d=image)).observations.landmarks2d
    share = (times[40] - times[39]) / (times[41] - times[39])
    expected = image[39, wrist, :2] + share * (image[41, wrist, :2] - image[39, wrist, :2])
    np.testing.assert_allclose(found[40, wrist, :2], expected, rtol=1e-6)


def test_moments_without_a_person_stay_empty(observed: Observations) -> None:
    seen = observed.seen.copy()
    seen[50:80] = False
    gap = replace(observed, seen=seen, landmarks2d=observed.landmarks2d * seen[:, None, None])
    repaired = repair(swap(gap, LEGS, (np.arange(len(seen)) % 3 == 0) & seen))
    assert (repaired.observations.landmarks2d[50:80] == 0).all()
    np.testing.assert_array_equal(repaired.observations.landmarks2d[seen], gap.landmarks2d[seen])
