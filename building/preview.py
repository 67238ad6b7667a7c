"""Lays out preview.png: `python -m building.preview VIDEO TAKE STILLS OUT` in the solver's environment.

One row per moment: the video's frame, the solved body seen by the same camera, the body laid over the frame.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from solver.take import Take, read_take
from solver.video import read_frames

Array = NDArray[Any]

_GAP = 6
_BACKDROP = 58
_BODY_SHARE = 0.8


def lay_out(video: Path, take: Take, stills: Path, out: Path) -> Path:
    """Write `out` from the stills that Blender rendered and the frames at their moments."""
    rows = []
    for number, since_start in enumerate(np.loadtxt(stills / "moments.txt", ndmin=1)):
        body, floor = _read_still(stills / f"body_{number}.png"), _read_still(stills / f"floor_{number}.png")
        frame = _frame_at(video, float(take.timestamps[0] + since_start), 1 / take.framerate)
        frame = cv2.resize(frame, (body.shape[1], body.shape[0]), interpolation=cv2.INTER_AREA)
        rows.append((frame, _over(floor, np.full_like(frame, _BACKDROP)), _over(body, frame, _BODY_SHARE)))
    sheet = _stack([_stack(list(row), axis=1) for row in rows], axis=0)
    cv2.imencode(".png", sheet)[1].tofile(out)
    return out


def _read_still(path: Path) -> Array:
    """(H, W, 4) uint8, blue, green, red, alpha."""
    # OpenCV's own file functions lose letters that are not ASCII on Windows.
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise OSError(f"{path} is not a picture")
    return picture


def _frame_at(video: Path, moment: float, spacing: float) -> Array:
    """The frame nearest to `moment` (s), (H, W, 3) uint8 blue, green, red."""
    near = read_frames(video, max(0.0, moment - 1.5 * spacing), moment + 1.5 * spacing)
    return cv2.cvtColor(min(near, key=lambda frame: abs(frame.time_s - moment)).rgb, cv2.COLOR_RGB2BGR)


def _over(picture: Array, background: Array, share: float = 1.0) -> Array:
    alpha = picture[..., 3:].astype(np.float32) / 255 * share
    return (alpha * picture[..., :3] + (1 - alpha) * background).astype(np.uint8)


def _stack(pictures: list[Array], axis: int) -> Array:
    gap_shape = list(pictures[0].shape)
    gap_shape[axis] = _GAP
    gap = np.full(gap_shape, 255, np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=axis)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), read_take(Path(sys.argv[2])), Path(sys.argv[3]), Path(sys.argv[4]))
