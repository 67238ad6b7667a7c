"""BlazePose as a detector of several people: detection now and then, tracking by landmarks in between."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .networks import DetectionNetwork, LandmarkNetwork, PersonCrop
from .observations import PersonLandmarks
from .region import Region

Array = NDArray[Any]

_PRESENT = 0.5
_VISIBLE = 0.1  # mean over the landmarks
_LOOK_AROUND_SECONDS = 1.0  # how often to look for newcomers while somebody is tracked
_SEARCH_SECONDS = 0.2  # how often to look for somebody just lost; gaps up to half a second are interpolated
_REMEMBER_SECONDS = 2.0  # somebody who returns this soon, near where they left, is the same person


@dataclass(frozen=True)
class _Track:
    person: int
    region: Region
    last_s: float


class BlazePose:
    """Tracks up to `max_people` people through a clip. One per worker: LiteRT's interpreter is not thread-safe.

    Args:
        variant: "heavy", "full" or "lite".
        max_people: each person costs one run of the landmark network a picture.
        threads: for the networks; None takes up to four.
    """

    def __init__(self, variant: str = "heavy", max_people: int = 4, threads: int | None = None) -> None:
        threads = threads or min(4, os.cpu_count() or 1)
        self._detection = DetectionNetwork(threads)
        self._landmarks = LandmarkNetwork(variant, threads)
        self._max_people = max_people
        self._tracks: list[_Track] = []
        self._lost: list[_Track] = []
        self._looked_s = -np.inf
        self._people_so_far = 0

    def observe(self, rgb: Array, time_s: float) -> list[PersonLandmarks]:
        """Everybody in `rgb` (H, W, 3) uint8; pictures come in the order of time."""
        people: list[PersonLandmarks] = []
        tracks: list[_Track] = []
        for track in self._tracks:
            crop = self._landmarks.read(rgb, track.region)
            if not _holds_somebody(crop) or any(crop.next_region.covers(other.region) for other in tracks):
                self._lost.append(track)
                continue
            tracks.append(_Track(track.person, crop.next_region, time_s))
            people.append(_landmarks_of(track.person, crop))
        if self._should_look(tracks, time_s):
            self._looked_s = time_s
            for region in self._detection.find(rgb, self._max_people):
                if len(tracks) == self._max_people or any(track.region.covers(region) for track in tracks):
                    continue
                crop = self._landmarks.read(rgb, region)
                if not _holds_somebody(crop) or any(crop.next_region.covers(track.region) for track in tracks):
                    continue
                track = _Track(self._identify(region, time_s), crop.next_region, time_s)
                tracks.append(track)
                people.append(_landmarks_of(track.person, crop))
        self._tracks = tracks
        self._lost = [track for track in self._lost if time_s - track.last_s <= _REMEMBER_SECONDS]
        return people

    def _should_look(self, tracks: list[_Track], time_s: float) -> bool:
        if len(tracks) < len(self._tracks) or not tracks:
            return True
        patience = _SEARCH_SECONDS if self._lost else _LOOK_AROUND_SECONDS
        return len(tracks) < self._max_people and time_s - self._looked_s >= patience

    def _identify(self, region: Region, time_s: float) -> int:
        """The number of the person who was lost near here, or a new one."""
        reach = [replace(track.region, size=track.region.size * (2 + time_s - track.last_s)) for track in self._lost]
        for track, near in sorted(zip(self._lost, reach, strict=True), key=lambda pair: -pair[0].last_s):
            if near.covers(region):
                self._lost.remove(track)
                return track.person
        self._people_so_far += 1
        return self._people_so_far


def _holds_somebody(crop: PersonCrop) -> bool:
    """Whether there is a person of whom something can be seen: who has left the picture is still believed in."""
    return crop.presence >= _PRESENT and float(crop.image[:, 2].mean()) >= _VISIBLE


def _landmarks_of(person: int, crop: PersonCrop) -> PersonLandmarks:
    return PersonLandmarks(person, crop.image, crop.world, crop.presence)
