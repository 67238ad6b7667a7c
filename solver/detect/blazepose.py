"""BlazePose as a detector of several people: detection now and then, tracking by landmarks in between."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .appearance import torso_colour
from .networks import DetectionNetwork, LandmarkNetwork, PersonCrop
from .person_landmarks import PersonLandmarks
from .region import Region

Array = NDArray[Any]

_PRESENT = 0.5
_VISIBLE = 0.1  # mean over the landmarks
_LOOK_AROUND_SECONDS = 1.0  # how often to look for newcomers while somebody is tracked, and for small people at all
_ZOOM = 2  # small people are looked for in squares of this part of the picture's side
_SEARCH_SECONDS = 0.2  # how often to look for somebody just lost; gaps up to half a second are interpolated
_REMEMBER_SECONDS = 2.0  # how long somebody lost is looked for often


@dataclass(frozen=True)
class _Track:
    person: int
    region: Region


class BlazePose:
    """Tracks up to `max_people` people through a clip. One per worker: LiteRT's interpreter is not thread-safe.

    A number stands for one person for sure, but a person may have several: whoever was lost comes back under a new one,
    and where two tracks meet on one person, that person goes on under a new one (`join_pieces` sorts them out).

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
        self._lost_s = self._looked_s = self._looked_closely_s = -np.inf
        self._numbers = 0

    def observe(self, rgb: Array, time_s: float) -> list[PersonLandmarks]:
        """Everybody in `rgb` (H, W, 3) uint8; pictures come in the order of time."""
        people: list[PersonLandmarks] = []
        tracks: list[_Track] = []
        for track in self._tracks:
            crop = self._landmarks.read(rgb, track.region)
            met = next((i for i, other in enumerate(tracks) if crop.next_region.covers(other.region)), None)
            if not _holds_somebody(crop) or met is not None:
                self._lost_s = time_s
                if met is not None:
                    tracks[met] = replace(tracks[met], person=self._new_number())
                continue
            tracks.append(_Track(track.person, crop.next_region))
            people.append(_landmarks_of(track.person, crop, rgb))
        if self._should_look(tracks, time_s):
            for crop in self._find_newcomers(rgb, tracks, time_s):
                tracks.append(_Track(self._new_number(), crop.next_region))
                people.append(_landmarks_of(tracks[-1].person, crop, rgb))
        self._tracks = tracks
        return people

    def _should_look(self, tracks: list[_Track], time_s: float) -> bool:
        if len(tracks) < len(self._tracks) or not tracks:
            return True
        patience = _SEARCH_SECONDS if time_s - self._lost_s <= _REMEMBER_SECONDS else _LOOK_AROUND_SECONDS
        return len(tracks) < self._max_people and time_s - self._looked_s >= patience

    def _find_newcomers(self, rgb: Array, tracks: list[_Track], time_s: float) -> list[PersonCrop]:
        """Who is in the picture and not tracked yet."""
        closely = time_s - self._looked_closely_s >= _LOOK_AROUND_SECONDS
        self._looked_s, self._looked_closely_s = time_s, time_s if closely else self._looked_closely_s
        known = [track.region for track in tracks]
        found: list[PersonCrop] = []
        # Who is seen in several squares is found several times: more candidates than people.
        for region in self._detection.find(rgb, 3 * self._max_people, _ZOOM if closely else 1):
            if len(known) == self._max_people or any(other.covers(region) for other in known):
                continue
            crop = self._landmarks.read(rgb, region)
            if _holds_somebody(crop) and not any(crop.next_region.covers(other) for other in known):
                known.append(crop.next_region)
                found.append(crop)
        return found

    def _new_number(self) -> int:
        self._numbers += 1
        return self._numbers


def _holds_somebody(crop: PersonCrop) -> bool:
    """Whether there is a person of whom something can be seen: who has left the picture is still believed in."""
    return crop.presence >= _PRESENT and float(crop.image[:, 2].mean()) >= _VISIBLE


def _landmarks_of(person: int, crop: PersonCrop, rgb: Array) -> PersonLandmarks:
    return PersonLandmarks(person, crop.image, crop.world, crop.presence, torso_colour(rgb, crop.image))
