"""Straight edges of the background, found in a few pictures while the clip passes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ..detect.observations import Observations
from ..video import Frame
from .background import CameraTurns, directions, inside, person_boxes
from .camera import Intrinsics

Array = NDArray[Any]

_EVERY_SECONDS, _EVERY_PICTURES = 1.0, 20  # the rarer of both: a look costs a picture's detection or two
_PICTURES = 12  # so many, spread over the clip, are used in the end: more hardly tell more
_WORKING_SIDE = 960  # px, the longer side of the picture that is searched
_SHORTEST = 0.03  # of the longer side
_END_SIGMA = 0.4  # working px: how far an end is off, across the edge


@dataclass(frozen=True)
class Segments:
    """Straight edges of N, seen in any of the pictures, axes of the first one (x right, y down, z forward).

    Attributes:
        starts, ends: (N, 3) unit rays to the two ends.
        end_sigma: how far an end is off across the edge, radians.
    """

    starts: Array
    ends: Array
    end_sigma: float

    def __len__(self) -> int:
        return len(self.starts)


@dataclass
class SegmentWatcher:
    """Finds straight edges in a picture now and then while the pictures pass by."""

    _found: list[tuple[int, Array]] = field(default_factory=list[tuple[int, Array]])

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Hand the frames on, looking at one a second or less often."""
        next_s, next_index = 0.0, 0
        for index, frame in enumerate(frames):
            if index >= next_index and frame.time_s >= next_s:
                next_s, next_index = frame.time_s + _EVERY_SECONDS, index + _EVERY_PICTURES
                self._found.append((index, _segments(frame.rgb)))
            yield frame

    def background(self, people: Sequence[Observations], camera: Intrinsics, turns: CameraTurns) -> Segments:
        """The edges that are on nobody, in the axes of the first picture."""
        boxes = [person_boxes(person) for person in people]
        starts, ends = [np.empty((0, 3))], [np.empty((0, 3))]
        chosen = np.unique(np.linspace(0, len(self._found) - 1, _PICTURES).round().astype(int)) if self._found else []
        for index, found in (self._found[which] for which in chosen):
            start, end = found[:, :2], found[:, 2:]
            touched = [inside(points, boxes, index) for points in (start, (start + end) / 2, end)]
            apart = ~np.any(touched, axis=0)
            starts.append(directions(start[apart], camera) @ turns.turns[index].T)
            ends.append(directions(end[apart], camera) @ turns.turns[index].T)
        pixel = max(1.0, max(camera.image_size) / _WORKING_SIDE) / camera.focal_px
        return Segments(_unit(np.concatenate(starts)), _unit(np.concatenate(ends)), _END_SIGMA * pixel)


def _segments(rgb: Array) -> Array:
    """(n, 4) x, y of one end and x, y of the other, px of the picture; those that are long enough."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _WORKING_SIDE / max(grey.shape))
    if scale < 1.0:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = cast("Array | None", cv2.createLineSegmentDetector().detect(grey)[0])
    if found is None:
        return np.empty((0, 4))
    segments = found[:, 0].astype(np.float64)
    length = np.linalg.norm(segments[:, 2:] - segments[:, :2], axis=1)
    return (segments[length > _SHORTEST * max(grey.shape)] / scale).astype(np.float32)  # an hour holds a million


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
