"""The demo clip and its truth agree with each other, and the truth's feet stand on the floor."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from solver.body import pose_vertices
from solver.body_file import JOINT_NAMES, read_body
from solver.take import Take, read_take

FOLDER = Path(__file__).resolve().parents[2] / "addon_assets" / "demo"
CLIP, TRUTH = FOLDER / "demo.mp4", FOLDER / "demo_truth.npz"


@pytest.fixture(scope="module")
def truth() -> Take:
    return read_take(TRUTH)


@pytest.fixture(scope="module")
def soles(truth: Take) -> dict[str, np.ndarray]:
    """Each side's foot, every tenth of its vertices, (T, points, 3), world."""
    body = read_body("open")
    rotations = np.array([cv2.Rodrigues(v)[0] for v in truth.poses.reshape(-1, 3).astype(float)])
    rotations = rotations.reshape(-1, 24, 3, 3)
    placed = {}
    for side in ("left", "right"):
        moved_by_foot = body.weights[:, [JOINT_NAMES.index(f"{side}_ankle"), JOINT_NAMES.index(f"{side}_foot")]].sum(1)
        vertices = np.flatnonzero(moved_by_foot > 0.99)[::10]
        placed[side] = pose_vertices(body, rotations, truth.betas, vertices) + truth.trans[:, None]
    return placed


def test_clip_is_small_and_of_the_promised_form(truth: Take) -> None:
    assert CLIP.stat().st_size <= 3e6
    clip = cv2.VideoCapture(str(CLIP))
    assert clip.get(cv2.CAP_PROP_FPS) == pytest.approx(truth.framerate)
    shown = 0
    while True:
        decoded, frame = clip.read()
        if not decoded:
            break
        assert frame.shape == (720, 1280, 3)
        shown += 1
    clip.release()
    assert shown == len(truth)
    assert 6.0 <= shown / truth.framerate <= 10.0


def test_truth_is_timed_by_its_frames(truth: Take) -> None:
    np.testing.assert_allclose(truth.timestamps, np.arange(len(truth)) / truth.framerate, atol=1e-9)


def test_person_is_always_in_the_picture(truth: Take) -> None:
    width, height = truth.camera.image_size
    for points in (truth.camera.project(truth.keypoints3d), truth.landmarks2d[..., :2]):
        assert (points > 10).all()
        assert (points < (width - 10, height - 10)).all()


def test_joints_of_the_truth_lie_on_the_person_in_the_pictures(truth: Take) -> None:
    """After the walk the person is where the first frame shows bare room: what changed since is the person."""
    clip = cv2.VideoCapture(str(CLIP))
    room = clip.read()[1]
    changed: dict[int, np.ndarray] = {}
    for index in range(1, len(truth)):
        frame = clip.read()[1]
        if index >= 80 and index % 6 == 0:
            changed[index] = cv2.absdiff(frame, room).max(axis=2) > 20
    clip.release()
    pixels = np.round(truth.camera.project(truth.keypoints3d)).astype(int)

    def share_on_person(shift: int) -> float:
        hits = [person[pixels[index, :, 1], pixels[index, :, 0] + shift] for index, person in changed.items()]
        return float(np.mean(hits))

    assert share_on_person(0) > 0.98
    # The measure itself tells 15 pixels: about 5 cm at the person's distance.
    assert share_on_person(15) < 0.85
    assert share_on_person(-15) < 0.85


@pytest.mark.parametrize("side", ["left", "right"])
def test_planted_feet_stand_still_on_the_floor(truth: Take, soles: dict[str, np.ndarray], side: str) -> None:
    column = 0 if side == "left" else 2
    planted = truth.contacts[:, column] > 0.5
    changes = np.flatnonzero(np.diff(planted)) + 1
    stands = [stand for stand in np.split(np.arange(len(truth)), changes) if planted[stand[0]]]
    assert len(stands) >= 3
    for stand in stands:
        points = soles[side][stand]
        assert np.linalg.norm(points - points[0], axis=-1).max() < 0.01
        heights = points[..., 2].min(axis=1)
        assert np.abs(heights).max() < 0.01


@pytest.mark.parametrize("side", ["left", "right"])
def test_flying_feet_stay_above_the_floor(soles: dict[str, np.ndarray], side: str) -> None:
    assert soles[side][..., 2].min() > -0.01
    assert soles[side][..., 2].max() > 0.05


def test_motion_shows_what_it_promises(truth: Take) -> None:
    """A squat, arms overhead, a turn, a punch and a twist of the forearm."""
    at = {name: index for index, name in enumerate(JOINT_NAMES)}
    joints = truth.keypoints3d
    thigh = joints[:, at["left_knee"]] - joints[:, at["left_hip"]]
    shin = joints[:, at["left_ankle"]] - joints[:, at["left_knee"]]
    cosine = (thigh * shin).sum(-1) / np.linalg.norm(thigh, axis=-1) / np.linalg.norm(shin, axis=-1)
    assert np.degrees(np.arccos(cosine)).max() > 90
    assert (joints[:, at["left_wrist"], 2] - joints[:, at["head"], 2]).max() > 0.3
    across = joints[:, at["left_hip"]] - joints[:, at["right_hip"]]
    assert np.ptp(np.degrees(np.arctan2(across[:, 1], across[:, 0]))) > 50
    assert np.linalg.norm(np.diff(joints[:, at["right_wrist"]], axis=0), axis=-1).max() * truth.framerate > 3.0
    forearm = truth.poses.reshape(-1, 24, 3)[:, at["left_wrist"], 0]
    assert np.degrees(np.ptp(forearm)) > 40
