"""What a detector sees of each person over a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..video import Frame
from .joining import Sightings, join_pieces
from .person_landmarks import PersonLandmarks

Array = NDArray[Any]

_SHORTEST_SECONDS = 1.0  # a person seen for less is somebody passing, or a mistake
_SHORTEST_SHARE = 0.1  # of a short clip
# Landmarks are interpolated across shorter gaps, and across a picture that slow video lost; the fit bridges others.
_LONGEST_GAP_SECONDS, _LONGEST_GAP_STEPS = 0.2, 2.5


class Detector(Protocol):
    """Finds people in pictures that are shown in the order of time."""

    def observe(self, rgb: Array, time_s: float) -> list[PersonLandmarks]:
        """Everybody in `rgb` (H, W, 3) uint8, presented at `time_s` seconds."""
        ...


@dataclass(frozen=True)
class Observations:
    """One person over T moments.

    Attributes:
        person: 1 is the most prominent of the clip.
        times: (T,) seconds from the clip's first frame.
        landmarks2d: (T, 33, 3) px, px, visibility 0..1.
        landmarks3d: (T, 33, 3) metres from the middle of the hips; x right, y down, z away, crop axes.
        seen: (T,) whether the person was found; where not, landmarks are 0.
        image_size: (width, height), pixels.
    """

    person: int
    times: Array
    landmarks2d: Array
    landmarks3d: Array
    seen: Array
    image_size: tuple[int, int]


def gather_observations(
    frames: Iterable[Frame],
    detector: Detector,
    image_size: tuple[int, int],
    on_frame: Callable[[int, float, list[PersonLandmarks]], None] | None = None,
) -> list[Observations]:
    """Run the detector over a clip; everybody who stays, the most prominent first, pieces of tracks joined.

    Prominence is time in the picture times height in it.
    """
    times: list[float] = []
    pieces: dict[int, Sightings] = {}
    for index, frame in enumerate(frames):
        people = detector.observe(frame.rgb, frame.time_s)
        times.append(frame.time_s)
        for person in people:
            pieces.setdefault(person.person, []).append((index, person))
        if on_frame is not None:
            on_frame(index, frame.time_s, people)
    if not times:
        return []
    moments = np.array(times)
    step = (moments[-1] - moments[0]) / max(1, len(moments) - 1)
    shortest = min(_SHORTEST_SECONDS, _SHORTEST_SHARE * (moments[-1] - moments[0] + step))
    people = [_collect(seen, moments, image_size) for seen in join_pieces(pieces, moments)]
    staying = [person for person in people if person.seen.sum() * step >= shortest - 1e-9]
    ranked = sorted(staying, key=_prominence, reverse=True)
    return [replace(person, person=rank) for rank, person in enumerate(ranked, start=1)]


def resample_observations(observations: Observations, times: Array) -> Observations:
    """The observations at `times` (N,), seconds, linear between neighbours no more than 0.2 s apart.

    A moment that coincides with an observed one keeps it exactly; one inside a longer gap is not seen.
    """
    known = np.flatnonzero(observations.seen)
    moments = observations.times[known]
    if not len(known):
        empty = np.zeros((len(times), 33, 3), np.float32)
        return Observations(
            observations.person, times, empty, empty.copy(), np.zeros(len(times), bool), observations.image_size
        )
    right = np.clip(np.searchsorted(moments, times), 0, len(known) - 1)
    left = np.maximum(right - 1, 0)
    # A moment on a sample, up to the container's millisecond, is that sample.
    near = np.where(np.abs(moments[right] - times) <= np.abs(moments[left] - times), right, left)
    exact = np.abs(moments[near] - times) < 1e-3
    left, right = np.where(exact, near, left), np.where(exact, near, right)
    gap = moments[right] - moments[left]
    step = float(np.median(np.diff(observations.times))) if len(observations.times) > 1 else 0.0
    longest = max(_LONGEST_GAP_SECONDS, _LONGEST_GAP_STEPS * step)
    between = (moments[left] <= times) & (times <= moments[right]) & (gap <= longest)
    share = np.where(exact | (gap <= 0), 0.0, (times - moments[left]) / np.where(gap > 0, gap, 1.0))
    seen = exact | between

    def blend(values: Array) -> Array:
        chosen = values[known]
        mixed = chosen[left] + share[:, None, None].astype(np.float32) * (chosen[right] - chosen[left])
        return np.where(seen[:, None, None], mixed, 0.0).astype(np.float32)

    return Observations(
        observations.person,
        times,
        blend(observations.landmarks2d),
        blend(observations.landmarks3d),
        seen,
        observations.image_size,
    )


def _collect(sightings: Sightings, times: Array, image_size: tuple[int, int]) -> Observations:
    landmarks2d = np.zeros((len(times), 33, 3), np.float32)
    landmarks3d = np.zeros((len(times), 33, 3), np.float32)
    seen = np.zeros(len(times), bool)
    for index, person in sightings:
        landmarks2d[index], landmarks3d[index], seen[index] = person.image, person.world, True
    return Observations(0, times, landmarks2d, landmarks3d, seen, image_size)


def _prominence(observations: Observations) -> float:
    rows = observations.landmarks2d[observations.seen, :, 1]
    return float((rows.max(axis=1) - rows.min(axis=1)).sum())
