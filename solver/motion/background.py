"""How the camera turned while it filmed, told by what stands still behind the people.

Corners of the background are followed from picture to picture; those on people are left out, and what does not move
with the rest counts little. Only turns are found: a hand-held camera's sway moves the picture mostly by turning it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..detect.observations import Observations
from ..video import Frame
from .camera import Intrinsics

Array = NDArray[Any]

_WORKING_SIDE = 480  # px, the longer side of the picture that is followed
_CORNERS, _QUALITY, _APART = 160, 0.01, 8  # how many, how good against the best, px between them
_BLUR = 1.0  # px, against grain and aliasing
_FAINTEST = 1e-4  # a corner's lesser eigenvalue: an edge of 10 grey levels; a noisy camera's grain has half of it
_WINDOW, _LEVELS = (15, 15), 3
_KEPT = 0.6  # share of the corners below which new ones are looked for
_FEWEST = 12  # corners without which nothing is said
_KEYFRAME_SECONDS = 1.0
_SLOW_PAN = 4.0  # working px: a camera that turned farther has turned, however slowly
_STILL = 1.0  # working px: a corner that strayed less has not moved
_STILL_SHARE = 0.9  # of the moments in which most corners have not moved, from which on the camera stood still
_GUESSES, _AGREEING, _LEAST_SHARE = 60, 3.0, 0.15  # corners that guess, px, and share of all that must agree in the end
_BOX_MARGIN = 0.15  # of a person's height
_ITERATIONS = 8


@dataclass(frozen=True)
class _Sighting:
    """Corners of one picture: number of the keyframe's picture, and (n, 2) where they were there and are here, px."""

    keyframe: int
    there: Array
    here: Array


@dataclass(frozen=True)
class CameraTurns:
    """How the camera turned.

    Attributes:
        times: (T,) seconds.
        turns: (T, 3, 3) each picture's axes (x right, y down, z forward) into the first one's.
    """

    times: Array
    turns: Array

    def at(self, moments: Array) -> Array:
        """(N, 3, 3) the turns at `moments` (N,), seconds: those of the nearest picture."""
        after = np.clip(np.searchsorted(self.times, moments), 0, len(self.times) - 1)
        before = np.maximum(after - 1, 0)
        earlier = np.abs(self.times[before] - moments) < np.abs(self.times[after] - moments)
        return self.turns[np.where(earlier, before, after)]


@dataclass
class BackgroundFollower:
    """Follows corners through a clip while its pictures pass by."""

    _sightings: list[_Sighting] = field(default_factory=list[_Sighting])
    _times: list[float] = field(default_factory=list[float])

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Hand the frames on, following their corners."""
        before: Array | None = None
        keyframe, keyframe_s, started = 0, 0.0, 0
        there = here = np.empty((0, 2), np.float32)
        for index, frame in enumerate(frames):
            grey, scale = _working_picture(frame.rgb)
            if before is not None and len(here):
                moved, found, _ = cv2.calcOpticalFlowPyrLK(
                    before, grey, here[:, None], np.empty(0), winSize=_WINDOW, maxLevel=_LEVELS
                )
                kept = found[:, 0] == 1
                there, here = there[kept], moved[:, 0][kept]
            self._sightings.append(_Sighting(keyframe, there / scale, here / scale))
            self._times.append(frame.time_s)
            if len(here) < _KEPT * started or frame.time_s - keyframe_s > _KEYFRAME_SECONDS or before is None:
                keyframe, keyframe_s = index, frame.time_s
                there = here = _corners(grey)
                started = len(here)
            before = grey
            yield frame

    def turns(self, people: Sequence[Observations], camera: Intrinsics) -> CameraTurns:
        """The camera's turns, told by corners that are on nobody.

        All are exactly none where the camera stood still or where too little of the background shows.
        """
        times = np.array(self._times)
        boxes = [person_boxes(person) for person in people]
        still_turns = np.broadcast_to(np.eye(3), (len(times), 3, 3))
        turns = still_turns.copy()
        size = max(1.0, max(camera.image_size) / _WORKING_SIDE)  # px of the picture in one that was followed
        still: list[bool] = []
        for index, sighting in enumerate(self._sightings):
            apart = ~(inside(sighting.here, boxes, index) | inside(sighting.there, boxes, sighting.keyframe))
            there, here = sighting.there[apart], sighting.here[apart]
            if len(here):
                still.append(float(np.median(np.linalg.norm(here - there, axis=1))) < _STILL * size)
            turn = _turn_between(directions(there, camera), directions(here, camera), size / camera.focal_px)
            turns[index] = turns[max(0, index - 1)] if turn is None else turns[sighting.keyframe] @ turn
        # A few corners of a still picture, shadows among them, fit some small turn better than none; only a slow pan
        # turns far without any of its moments showing it.
        far = np.percentile(np.linalg.norm(Rotation.from_matrix(turns).as_rotvec(), axis=1), 90)
        stood_still = not still or (np.mean(still) >= _STILL_SHARE and far < _SLOW_PAN * size / camera.focal_px)
        return CameraTurns(times, still_turns if stood_still else turns)


def _working_picture(rgb: Array) -> tuple[Array, float]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _WORKING_SIDE / max(grey.shape))
    if scale < 1.0:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(grey, (0, 0), _BLUR), scale


def _corners(grey: Array) -> Array:
    """(n, 2) good corners; a bare wall's grain has none."""
    found = cast("Array | None", cv2.goodFeaturesToTrack(grey, _CORNERS, _QUALITY, _APART))
    if found is None:
        return np.empty((0, 2), np.float32)
    corners = found[:, 0]
    strength = cv2.cornerMinEigenVal(grey, 3)
    return corners[strength[corners[:, 1].astype(int), corners[:, 0].astype(int)] > _FAINTEST]


def person_boxes(person: Observations) -> Array:
    """(T, 4) left, top, right and bottom of where the person is, px; empty before the first sight and after the last.

    Who is lost for a moment is still there: between two sights the box goes from the one to the other.
    """
    seen = np.flatnonzero(person.seen)
    marks = person.landmarks2d[seen, :, :2]
    low, high = marks.min(axis=1), marks.max(axis=1)
    margin = _BOX_MARGIN * (high - low).max(axis=1, keepdims=True)
    known = np.concatenate((low - margin, high + margin), axis=1)
    moments = np.arange(len(person.seen))
    columns = [np.interp(moments, seen, column, left=np.nan, right=np.nan) for column in known.T]
    return np.stack(columns, axis=1)


def inside(pixels: Array, boxes: Sequence[Array], index: int) -> Array:
    """(n,) whether pixels (n, 2) of picture `index` lie in one of the boxes."""
    inside = np.zeros(len(pixels), bool)
    for box in boxes:
        inside |= ((pixels > box[index, :2]) & (pixels < box[index, 2:])).all(axis=1)
    return inside


def _turn_between(there: Array, here: Array, pixel: float) -> Array | None:
    """(3, 3) turns the axes of the picture with corners at `here` (n, 3) into those of the one with them at `there`.

    The turn that most corners agree with among those that one corner alone suggests, then least squares with
    Geman-McClure's weights. None where too few agree. `pixel` is the angle of one, radians.
    """
    if len(here) < _FEWEST:
        return None
    start = there / np.linalg.norm(there, axis=1, keepdims=True)
    end = here / np.linalg.norm(here, axis=1, keepdims=True)
    chosen = np.linspace(0, len(end) - 1, min(len(end), _GUESSES)).astype(int)
    axes = np.cross(end[chosen], start[chosen])
    lengths = np.linalg.norm(axes, axis=1)
    angles = np.arctan2(lengths, (end[chosen] * start[chosen]).sum(axis=1))
    guesses = Rotation.from_rotvec(axes / np.maximum(lengths, 1e-12)[:, None] * angles[:, None])
    errors = np.linalg.norm(np.einsum("gij,nj->gni", guesses.as_matrix(), end) - start, axis=-1)
    agreeing = (errors < _AGREEING * pixel).sum(axis=1)
    turn = guesses[int(agreeing.argmax())]
    for _ in range(_ITERATIONS):
        moved = turn.apply(end)
        error = start - moved
        weight = (1 / (1 + (error**2).sum(axis=1) / (_AGREEING * pixel / 2) ** 2)) ** 2
        # A small turn w moves each direction by w x moved: weighted normal equations of the cross products.
        normal = (weight[:, None, None] * (np.eye(3) - moved[:, :, None] * moved[:, None])).sum(axis=0)
        step = np.linalg.solve(normal + 1e-9 * np.eye(3), (weight[:, None] * np.cross(moved, error)).sum(axis=0))
        turn = Rotation.from_rotvec(step) * turn
        if np.linalg.norm(step) < 0.01 * pixel:
            break
    agreeing = np.linalg.norm(turn.apply(end) - start, axis=1) < _AGREEING * pixel
    return turn.as_matrix() if agreeing.sum() >= max(_FEWEST, _LEAST_SHARE * len(end)) else None


def directions(pixels: Array, camera: Intrinsics) -> Array:
    """(n, 3) where pixels (n, 2) are seen, at depth 1, in the picture's own axes."""
    rays = camera.picture_rays(pixels)
    return np.concatenate((rays, np.ones_like(rays[:, :1])), axis=1)
