"""Video in: frames with their presentation times, upright, decoded ahead of whoever consumes them."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import cv2.utils.logging
import numpy as np
from numpy.typing import NDArray

from .errors import BadInput, VideoUnreadable

# The complaints of FFmpeg and OpenCV are not sentences for users. FFmpeg's variable is read when the first file is
# opened; OpenCV's own would be read when cv2 is first imported, which may have happened elsewhere.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

Array = NDArray[Any]

_DECODED_AHEAD = 4  # frames; a 4K frame is 25 MB
_SEEK_MARGIN_SECONDS = 2.0
_SAME_MOMENT_SECONDS = 1e-3
_STANDARD_RATES = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 48.0, 50.0, 60000 / 1001, 60.0, 120.0, 240.0)
_SMALLEST_SIDE = 32  # px: below this a file is an icon, not a film


@dataclass(frozen=True)
class VideoInfo:
    """What a file says of itself.

    Attributes:
        path: the file.
        image_size: (width, height) after the rotation metadata, pixels.
        duration_s: seconds, from its own frame count, or from its packets where it states none; a hint, some files lie.
        rate_hz: nominal frame rate; a hint.
        first_s: presentation time of the first frame in the file's own clock, seconds.
    """

    path: Path
    image_size: tuple[int, int]
    duration_s: float
    rate_hz: float
    first_s: float


@dataclass(frozen=True)
class Frame:
    """One decoded picture.

    Attributes:
        time_s: presentation time, seconds from the clip's first frame.
        rgb: (H, W, 3) uint8, upright.
    """

    time_s: float
    rgb: Array


def probe_video(path: Path) -> VideoInfo:
    """Open the file and decode its first frame.

    Raises:
        VideoUnreadable: missing, not a video, without pictures, or of a kind OpenCV cannot decode.
    """
    capture = _open(path)
    try:
        read, picture = capture.read()
        if not read:
            raise VideoUnreadable(f"{path.name} holds no picture that can be decoded.")
        height, width = picture.shape[:2]
        if min(height, width) < _SMALLEST_SIDE:
            raise VideoUnreadable(f"{path.name} is only {width} x {height} pixels.", hint="Use a larger video.")
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        rate_hz = rate if 0.1 < rate < 1000 else 30.0
        count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        duration = count / rate_hz if count >= 1 else _duration_of_packets(path, rate_hz)
        first = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1e3
        return VideoInfo(path, (width, height), duration, rate_hz, first)
    finally:
        capture.release()


def read_frames(path: Path, start: float | None = None, end: float | None = None) -> Generator[Frame, None, None]:
    """The frames presented from `start` to `end`, both included, seconds from the clip's first frame.

    A thread of its own decodes a few frames ahead; it ends with the iteration, or when the generator is closed: use
    `contextlib.closing` where an exception may stop the iteration early. Memory does not grow with the clip's length.

    Raises:
        VideoUnreadable: as `probe_video`, when the first frame is asked for.
        BadInput: the clip ends before `start`.
    """
    ready: queue.Queue[Frame | BaseException | None] = queue.Queue(_DECODED_AHEAD)
    stopped = threading.Event()

    def offer(item: Frame | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def decode() -> None:
        try:
            for frame in _decode(path, start or 0.0, float("inf") if end is None else end):
                if not offer(frame):
                    return
            offer(None)
        except BaseException as error:
            offer(error)  # the consumer raises it where it can be handled

    thread = threading.Thread(target=decode, name="decode", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


def uniform_rate(times: Array) -> float:
    """Hz of the time base that suits frames presented at `times` (T,), seconds.

    The mean rate of the clip without its pauses; within 0.2 % of a standard rate, that rate.
    """
    if len(times) < 2:
        return 30.0
    steps = np.diff(times)
    steps = steps[steps > _SAME_MOMENT_SECONDS]
    if not len(steps):
        return 30.0
    typical = float(np.median(steps))
    # Containers round times to a millisecond: the mean of the ordinary steps is finer than their median.
    rate = 1.0 / float(np.mean(steps[np.abs(steps - typical) < 0.5 * typical]))
    nearest = min(_STANDARD_RATES, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) < 0.002 * rate else round(rate, 3)


def uniform_times(times: Array, rate_hz: float) -> Array:
    """Moments 1/rate apart from the first of `times` to the last, seconds."""
    span = float(times[-1] - times[0])
    return times[0] + np.arange(int(np.floor(span * rate_hz + 1e-3)) + 1) / rate_hz


def _decode(path: Path, start: float, end: float) -> Iterator[Frame]:
    info = probe_video(path)
    capture = _open_near(info, start)
    time_s, seen = -1.0, False
    try:
        while capture.grab():
            presented = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1e3 - info.first_s
            # Files without usable times count frames at the nominal rate instead.
            time_s = presented if presented > time_s else time_s + 1 / info.rate_hz
            if time_s > end + _SAME_MOMENT_SECONDS:
                break
            if time_s < start - _SAME_MOMENT_SECONDS:
                continue
            decoded, picture = capture.retrieve()
            if decoded:
                seen = True
                yield Frame(max(time_s, 0.0), cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    finally:
        capture.release()
    if not seen:
        limit = "its end" if end == float("inf") else f"{end:g} s"
        raise BadInput(
            f"{path.name} has no frame between {start:g} s and {limit}; it is {info.duration_s:.1f} s long.",
            hint="Set the in and out points within the clip.",
        )


def _open_near(info: VideoInfo, start: float) -> cv2.VideoCapture:
    """The file, opened at a frame before `start`.

    A seek may land late, and in a file without times nobody knows where: then the film is read from its start.
    """
    capture = _open(info.path)
    target = start - _SEEK_MARGIN_SECONDS
    if target <= 0:
        return capture
    capture.set(cv2.CAP_PROP_POS_MSEC, (target + info.first_s) * 1e3)
    if capture.grab() and 0 < float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1e3 - info.first_s < start - 0.5:
        return capture
    capture.release()
    return _open(info.path)


def _duration_of_packets(path: Path, rate_hz: float) -> float:
    """Seconds of a file that does not say how long it is, as browsers' recorders write; nothing is decoded."""
    packets = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, (cv2.CAP_PROP_FORMAT, -1))
    count, last = 0, 0.0
    try:
        while packets.grab():
            count += 1
            last = max(last, float(packets.get(cv2.CAP_PROP_POS_MSEC)) / 1e3)
    finally:
        packets.release()
    return last + 1 / rate_hz if last > 0 else max(1, count) / rate_hz


def _open(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise VideoUnreadable(f"There is no video at {path}.", hint="Choose the video again; it may have been moved.")
    # FFmpeg by name: other backends take a % in a path for a numbered sequence of pictures.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise VideoUnreadable(f"{path.name} is not a video that can be read.")
    return capture
