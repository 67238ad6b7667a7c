"""What the solver saw and what it made of it: landmarks and the solved skeleton drawn on the video."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .body_file import JOINT_NAMES, PARENTS
from .errors import BadInput, OutputUnwritable
from .take import Take
from .video import Frame, read_frames

Array = NDArray[Any]
Color = tuple[int, int, int]

# Red, green, blue. Left and right as on a ship's charts would clash with skin and grass: orange and blue do not.
_LEFT: Color = (255, 150, 40)
_RIGHT: Color = (70, 160, 255)
_MIDDLE: Color = (240, 240, 240)
_LANDMARK: Color = (120, 255, 120)
_OUTLINE: Color = (20, 20, 20)
_VISIBLE = 0.3


def draw_overlay(video: Path, take: Take, out: Path) -> Path:
    """Write `out` (MP4): one picture per moment of the take, each on the video's frame nearest in time.

    The skeleton is `take.keypoints3d` seen by the take's camera; a bone fades to grey where its confidence falls.
    Green dots are the detector's landmarks.

    Args:
        video: the clip that the take was solved from.
        take: its motion.
        out: the file to write; an earlier one is replaced when the new one is whole.

    Raises:
        VideoUnreadable: the clip cannot be decoded.
        BadInput: the clip is not the one that the take was solved from: it is shorter, or of another size.
        OutputUnwritable: `out` cannot be written.
    """
    partial = out.with_name(f".{out.stem}.{os.getpid()}.part.mp4")
    width, height = (size // 2 * 2 for size in take.camera.image_size)  # encoders want even sizes
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        writer = _open_writer(partial, take.framerate, (width, height))
        try:
            for index, picture in _frames_of_moments(video, take):
                drawn = draw_moment(picture, take, index)
                writer.write(cv2.cvtColor(drawn[:height, :width], cv2.COLOR_RGB2BGR))
            writer.release()
            partial.replace(out)
        finally:
            writer.release()
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputUnwritable(f"The overlay could not be written to {out}: {error.strerror or error}.") from error
    return out


def draw_moment(picture: Array, take: Take, index: int) -> Array:
    """A copy of `picture` (H, W, 3) uint8 RGB with moment `index` of the take drawn on it."""
    drawn = np.ascontiguousarray(picture).copy()
    thickness = max(1, round(min(drawn.shape[:2]) / 240))
    for x, y, visibility in take.landmarks2d[index]:
        if visibility > _VISIBLE and np.isfinite((x, y)).all():
            cv2.circle(drawn, _pixel((x, y)), thickness + 1, _LANDMARK, cv2.FILLED, cv2.LINE_AA)
    joints = take.camera_at(index).project(take.keypoints3d[index])
    bones = [pair for pair in enumerate(PARENTS) if pair[1] >= 0 and np.isfinite(joints[list(pair)]).all()]
    for child, parent in bones:
        cv2.line(drawn, _pixel(joints[child]), _pixel(joints[parent]), _OUTLINE, 3 * thickness, cv2.LINE_AA)
    for child, parent in bones:
        confidence = float(min(take.confidence[index, child], take.confidence[index, parent]))
        color = _faded(_side_color(JOINT_NAMES[child]), confidence)
        cv2.line(drawn, _pixel(joints[child]), _pixel(joints[parent]), color, 2 * thickness, cv2.LINE_AA)
    for joint, name in enumerate(JOINT_NAMES):
        if np.isfinite(joints[joint]).all():
            cv2.circle(drawn, _pixel(joints[joint]), 2 * thickness, _side_color(name), cv2.FILLED, cv2.LINE_AA)
    return drawn


def _frames_of_moments(video: Path, take: Take) -> Iterator[tuple[int, Array]]:
    """Each moment's index with the frame nearest to it."""
    margin = 1.0 / take.framerate
    start = max(0.0, float(take.timestamps[0]) - margin)
    with closing(read_frames(video, start, float(take.timestamps[-1]) + margin)) as frames:
        current = next(frames)
        _require_same_size(video, current, take)
        following = next(frames, None)
        for index, moment in enumerate(take.timestamps):
            while following is not None and _nearer(following, current, float(moment)):
                current, following = following, next(frames, None)
            yield index, current.rgb


def _require_same_size(video: Path, frame: Frame, take: Take) -> None:
    """A writer drops pictures of another size without a word."""
    height, width = frame.rgb.shape[:2]
    if (width, height) != take.camera.image_size:
        solved = " x ".join(map(str, take.camera.image_size))
        raise BadInput(
            f"{video.name} is {width} x {height} pixels, but the take was solved from {solved}.",
            hint="Choose the clip that the take was solved from.",
        )


def _nearer(candidate: Frame, current: Frame, moment: float) -> bool:
    return abs(candidate.time_s - moment) <= abs(current.time_s - moment)


def _open_writer(path: Path, rate_hz: float, size: tuple[int, int]) -> cv2.VideoWriter:
    """H.264 where the system encodes it; OpenCV's own FFmpeg carries MPEG-4 part 2 only."""
    systems = {"darwin": (cv2.CAP_AVFOUNDATION, "avc1"), "win32": (cv2.CAP_MSMF, "H264")}
    choices = [systems[sys.platform]] if sys.platform in systems else []
    for backend, code in [*choices, (cv2.CAP_FFMPEG, "mp4v")]:
        writer = cv2.VideoWriter(str(path), backend, cv2.VideoWriter.fourcc(*code), rate_hz, size)
        if writer.isOpened():
            return writer
        writer.release()
    raise OutputUnwritable(f"The overlay could not be written to {path.parent}: no video could be started there.")


def _side_color(name: str) -> Color:
    if name.startswith("left"):
        return _LEFT
    return _RIGHT if name.startswith("right") else _MIDDLE


def _faded(color: Color, confidence: float) -> Color:
    share = float(np.clip(confidence, 0.0, 1.0))
    red, green, blue = (round(share * channel + (1 - share) * 110) for channel in color)
    return red, green, blue


def _pixel(point: Any) -> tuple[int, int]:
    # Points far outside would overflow OpenCV's 16-bit line clipping.
    x, y = np.clip(np.round(point), -8000, 8000)
    return int(x), int(y)
