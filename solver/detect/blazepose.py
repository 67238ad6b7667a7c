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
_SEARCH_SECONDS = 0.2  # how often to look for somebody just lost; shorter gaps are interpolated
_REMEMBER_SECONDS = 2.0  # how long somebody lost is looked for often


_OTHER_COLOUR = 0.25  # between the clothes of two people, between black and white
_ADAPTING = 0.1  # share of a track's colour that the newest picture tells


@dataclass(frozen=True)
class _Track:
    """Who is followed: number, where to look next, and the colour (3,) of their clothes, not a number when unknown."""

    person: int
    region: Region
    colour: Array

    def meets(self, region: Region, colour: Array) -> bool:
        """Whether somebody of this colour in `region` is this person too."""
        return self.region.covers(region) and (
            self.region.coincides(region) or not np.linalg.norm(self.colour - colour) > _OTHER_COLOUR
        )

    def moved(self, region: Region, colour: Array) -> _Track:
        """The track a picture later."""
        usual = self.colour + _ADAPTING * (colour - self.colour)
        known = np.where(np.isfinite(usual), usual, np.where(np.isfinite(colour), colour, self.colour))
        return replace(self, region=region, colour=known)


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
            colour = torso_colour(rgb, crop.image)
            met = next((i for i, other in enumerate(tracks) if other.meets(crop.next_region, colour)), None)
            if not _holds_somebody(crop) or met is not None:
                self._lost_s = time_s
                if met is not None:
                    tracks[met] = replace(tracks[met], person=self._new_number())
                continue
            tracks.append(track.moved(crop.next_region, colour))
            people.append(_landmarks_of(track.person, crop, colour))
        if self._should_look(tracks, time_s):
            for track, crop in self._find_newcomers(rgb, tracks, time_s):
                tracks.append(track)
                people.append(_landmarks_of(track.person, crop, track.colour))
        self._tracks = tracks
        return people

    def _should_look(self, tracks: list[_Track], time_s: float) -> bool:
        if len(tracks) < len(self._tracks) or not tracks:
            return True
        return len(tracks) < self._max_people and time_s - self._looked_s >= self._patience(time_s)

    def _patience(self, time_s: float) -> float:
        """Seconds between looks: few while somebody was lost of late."""
        return _SEARCH_SECONDS if time_s - self._lost_s <= _REMEMBER_SECONDS else _LOOK_AROUND_SECONDS

    def _find_newcomers(self, rgb: Array, tracks: list[_Track], time_s: float) -> list[tuple[_Track, PersonCrop]]:
        """Who is in the picture and not tracked yet."""
        closely = time_s - self._looked_closely_s >= self._patience(time_s)
        self._looked_s, self._looked_closely_s = time_s, time_s if closely else self._looked_closely_s
        known = list(tracks)
        found: list[tuple[_Track, PersonCrop]] = []
        # Who is seen in several squares is found several times: more candidates than people.
        for region in self._detection.find(rgb, 3 * self._max_people, _ZOOM if closely else 1):
            if len(known) == self._max_people or any(other.region.coincides(region) for other in known):
                continue
            crop = self._landmarks.read(rgb, region)
            colour = torso_colour(rgb, crop.image)
            if _holds_somebody(crop) and not any(other.meets(crop.next_region, colour) for other in known):
                known.append(_Track(self._new_number(), crop.next_region, colour))
                found.append((known[-1], crop))
        return found

    def _new_number(self) -> int:
        self._numbers += 1
        return self._numbers


def _holds_somebody(crop: PersonCrop) -> bool:
    """Whether there is a person of whom something can be seen: who has left the picture is still believed in."""
    return crop.presence >= _PRESENT and float(crop.image[:, 2].mean()) >= _VISIBLE


def _landmarks_of(person: int, crop: PersonCrop, colour: Array) -> PersonLandmarks:
    return PersonLandmarks(person, crop.image, crop.world, crop.presence, colour)
