"""The overlay: as long as the take, at its rate, with the skeleton where the camera sees it."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from solver.body_file import JOINT_NAMES, read_body
from solver.errors import BadInput, OutputUnwritable, VideoUnreadable
from solver.overlay import draw_moment, draw_overlay
from solver.take import Camera, Take

SIZE = (320, 240)


def make_take(moments: int, rate_hz: float, first_s: float = 0.0) -> Take:
    """A body that stands 4 m before the camera and moves 1 m to the camera's right."""
    joints = read_body("open").rest_joints(np.zeros(10))
    upright = np.stack([joints[:, 0], -joints[:, 2], joints[:, 1]], -1)  # the rest frame's Y up becomes Z up
    upright[:, 2] -= upright[:, 2].min()
    walk = np.zeros((moments, 1, 3))
    walk[:, 0, 0] = np.linspace(-0.5, 0.5, moments)
    # The camera looks along +Y: its x is the world's x, its y points down.
    camera = Camera(240.0, (160.0, 120.0), SIZE, ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)), (0.0, -4.0, 0.9))
    return Take(
        poses=np.zeros((moments, 72)),
        trans=np.zeros((moments, 3)),
        betas=np.zeros(10),
        gender="neutral",
        model="open",
        framerate=rate_hz,
        timestamps=first_s + np.arange(moments) / rate_hz,
        keypoints3d=upright[None] + walk,
        confidence=np.ones((moments, 24)),
        contacts=np.zeros((moments, 4)),
        landmarks2d=np.zeros((moments, 33, 3)),
        camera=camera,
    )


@pytest.fixture
def grey_clip(tmp_path: Path) -> Path:
    """36 frames at 30 Hz; each is a grey that grows by 6 a frame."""
    path = tmp_path / "grey.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, SIZE)
    for index in range(36):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 30 + 6 * index, np.uint8))
    writer.release()
    return path


def read_all(path: Path) -> tuple[list[np.ndarray], float]:
    capture = cv2.VideoCapture(str(path))
    pictures = []
    while (answer := capture.read())[0]:
        pictures.append(answer[1])
    return pictures, float(capture.get(cv2.CAP_PROP_FPS))


def test_one_picture_per_moment_on_the_nearest_frame(grey_clip: Path, tmp_path: Path) -> None:
    take = make_take(moments=10, rate_hz=15.0, first_s=0.5)
    pictures, rate_hz = read_all(draw_overlay(grey_clip, take, tmp_path / "out" / "overlay.mp4"))
    assert len(pictures) == 10
    assert rate_hz == pytest.approx(15.0, abs=0.01)
    corner = np.array([picture[:20, :20].mean() for picture in pictures])
    source = np.array([picture.mean() for picture in read_all(grey_clip)[0]])
    darkened = 2.7  # by encoding once more
    nearest = np.abs(corner[:, None] + darkened - source).argmin(axis=1)
    np.testing.assert_allclose(nearest, take.timestamps * 30, atol=1e-9)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["overlay.mp4"]


def test_skeleton_is_drawn_where_the_camera_sees_it_in_its_side_color() -> None:
    take = make_take(moments=2, rate_hz=30.0)
    blank = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    drawn = draw_moment(blank, take, 1)
    assert not blank.any()
    pixels = np.round(take.camera.project(take.keypoints3d[1])).astype(int)
    x, y = pixels[JOINT_NAMES.index("left_knee")]
    assert drawn[y, x, 0] > 200 > drawn[y, x, 2]
    x, y = pixels[JOINT_NAMES.index("right_knee")]
    assert drawn[y, x, 2] > 200 > drawn[y, x, 0]
    columns = np.flatnonzero(drawn.any(axis=(0, 2)))
    assert columns.min() >= pixels[:, 0].min() - 8
    assert columns.max() <= pixels[:, 0].max() + 8


def test_a_bone_without_confidence_is_grey() -> None:
    take = make_take(moments=1, rate_hz=30.0)
    unsure = replace(take, confidence=np.zeros((1, 24)))
    blank = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    pixels = take.camera.project(take.keypoints3d[0])
    shin = pixels[[JOINT_NAMES.index("left_knee"), JOINT_NAMES.index("left_ankle")]].mean(axis=0).round().astype(int)
    sure, grey = (draw_moment(blank, one, 0)[shin[1], shin[0]].astype(int) for one in (take, unsure))
    assert np.ptp(sure) > 100
    assert np.ptp(grey) < 10


def test_unreadable_video_and_unwritable_target_are_said_in_words(grey_clip: Path, tmp_path: Path) -> None:
    take = make_take(moments=2, rate_hz=30.0)
    with pytest.raises(VideoUnreadable):
        draw_overlay(tmp_path / "missing.mp4", take, tmp_path / "a.mp4")
    assert not list(tmp_path.glob("*.part*"))
    with pytest.raises(OutputUnwritable):
        draw_overlay(grey_clip, take, grey_clip / "under_a_file" / "a.mp4")


def test_a_clip_that_the_take_is_not_of_is_refused(grey_clip: Path, tmp_path: Path) -> None:
    take = make_take(moments=2, rate_hz=30.0)
    larger = replace(take, camera=replace(take.camera, image_size=(640, 480)))
    with pytest.raises(BadInput, match=r"grey\.mp4 is 320 x 240 pixels, but the take was solved from 640 x 480"):
        draw_overlay(grey_clip, larger, tmp_path / "a.mp4")
    with pytest.raises(BadInput, match="no frame between"):
        draw_overlay(grey_clip, make_take(moments=2, rate_hz=30.0, first_s=60.0), tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["grey.mp4"]
