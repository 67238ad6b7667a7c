"""A camera that turns before a still background is followed; one that stands still is never said to turn."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from solver.detect import Observations
from solver.motion.background import BackgroundFollower, CameraTurns
from solver.motion.camera import intrinsics
from solver.video import Frame

SIZE, RATE, COUNT = (640, 360), 30.0, 75
CAMERA = intrinsics(SIZE, 600.0)


def scenery():
    """A wall of blurred patches, larger than the picture."""
    random = np.random.default_rng(7)
    patches = random.integers(30, 220, (45, 60, 3), np.uint8)
    return cv2.GaussianBlur(cv2.resize(patches, (1280, 960), interpolation=cv2.INTER_NEAREST), (0, 0), 1.5)


def film(turns, walker=False, wall=None):
    """Pictures of the wall by a camera with the given turns (3, 3) into the first one's axes."""
    wall = scenery() if wall is None else wall
    onto = np.array(((CAMERA.focal_px, 0, 320), (0, CAMERA.focal_px, 180), (0, 0, 1.0)))
    shift = np.array(((1, 0, -320), (0, 1, -300), (0, 0, 1.0)))
    noise = np.random.default_rng(3)
    for index, turn in enumerate(turns):
        seen = cv2.warpPerspective(wall, onto @ turn.T @ np.linalg.inv(onto) @ shift, SIZE)
        if walker:
            cv2.circle(seen, (40 + 6 * index, 200), 90, (200, 40, 40), cv2.FILLED)
            cv2.rectangle(seen, (10 + 6 * index, 180), (70 + 6 * index, 220), (20, 200, 60), 6)
        grain = noise.normal(0, 2, seen.shape)
        yield Frame(index / RATE, np.clip(seen + grain, 0, 255).astype(np.uint8))


def person(count):
    """Somebody's landmarks where `film` paints the walker."""
    marks = np.zeros((count, 33, 3), np.float32)
    around = np.linspace(0, 2 * np.pi, 33)
    for index in range(count):
        marks[index, :, 0] = 40 + 6 * index + 90 * np.cos(around)
        marks[index, :, 1] = 200 + 90 * np.sin(around)
    marks[..., 2] = 1
    times = np.arange(count) / RATE
    return Observations(1, times, marks, np.zeros((count, 33, 3), np.float32), np.ones(count, bool), SIZE)


def sway():
    times = np.arange(COUNT) / RATE
    angles = np.stack([0.04 * np.sin(2.0 * times), 0.06 * np.sin(1.3 * times), 0.03 * np.sin(2.6 * times)], -1)
    return Rotation.from_rotvec(angles).as_matrix()


def follow(frames, people=()):
    follower = BackgroundFollower()
    count = sum(1 for _ in follower.watch(frames))
    assert count == COUNT
    return follower.turns(list(people), CAMERA)


def largest(turns):
    return np.degrees(np.linalg.norm(Rotation.from_matrix(turns).as_rotvec(), axis=1)).max()


@pytest.mark.parametrize("walker", [False, True])
def test_a_swaying_camera_is_followed(walker):
    wanted = sway()
    found = follow(film(wanted, walker), [person(COUNT)] if walker else [])
    assert largest(wanted) > 3.5
    assert largest(np.swapaxes(wanted, 1, 2) @ found.turns) < 0.25


@pytest.mark.parametrize("walker", [False, True])
def test_a_still_camera_does_not_turn_at_all(walker):
    found = follow(film(np.tile(np.eye(3), (COUNT, 1, 1)), walker), [person(COUNT)] if walker else [])
    assert np.array_equal(found.turns, np.tile(np.eye(3), (COUNT, 1, 1)))


def test_a_bare_wall_says_nothing():
    found = follow(film(sway(), wall=np.full((960, 1280, 3), 128, np.uint8)))
    assert np.array_equal(found.turns, np.tile(np.eye(3), (COUNT, 1, 1)))


def test_turns_are_those_of_the_nearest_picture():
    turns = Rotation.from_euler("z", [[0], [10], [20]], degrees=True).as_matrix()
    found = CameraTurns(np.array((0.0, 0.1, 0.2)), turns).at(np.array((-1.0, 0.04, 0.06, 0.11, 5.0)))
    assert np.allclose(found, turns[[0, 0, 1, 1, 2]])


def test_a_slow_pan_is_no_still_camera():
    """Half a working pixel a second for 15 s: no moment alone shows it."""
    pan = Rotation.from_rotvec(np.outer(np.arange(COUNT), (0.0, 2e-4, 0.0))).as_matrix()
    slowly = (Frame(6 * frame.time_s, frame.rgb) for frame in film(pan))
    turned = Rotation.from_matrix(follow(slowly).turns).as_rotvec()
    assert turned[-1, 1] == pytest.approx((COUNT - 1) * 2e-4, rel=0.15)
