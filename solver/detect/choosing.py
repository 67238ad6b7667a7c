"""The one person whom the user means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import NoPersonFound
from .observations import Observations

_LEAST_OVERLAP = 0.1  # intersection over union
_NEARBY_SECONDS = 0.2


def choose_person(
    people: Sequence[Observations], box: tuple[float, float, float, float], time_s: float
) -> Observations:
    """Who fills `box` (left, top, width, height, px of the upright picture) best at `time_s`, seconds.

    Raises:
        NoPersonFound: nobody is there then.
    """
    overlaps = [_overlap(person, box, time_s) for person in people]
    if not overlaps or max(overlaps) < _LEAST_OVERLAP:
        left, top, width, height = box
        raise NoPersonFound(
            f"Nobody was found at {time_s:g} s in the box {width:g} x {height:g} at {left:g}, {top:g}.",
            hint="Draw the box around the whole person, at a moment when they are well in sight.",
        )
    return people[int(np.argmax(overlaps))]


def _overlap(person: Observations, box: tuple[float, float, float, float], time_s: float) -> float:
    """Intersection over union of the box and the person's landmarks' at that moment; 0 if not seen about then."""
    seen = np.flatnonzero(person.seen & (np.abs(person.times - time_s) <= _NEARBY_SECONDS))
    if not len(seen):
        return 0.0
    marks = person.landmarks2d[seen[np.abs(person.times[seen] - time_s).argmin()], :, :2]
    low, high = marks.min(axis=0), marks.max(axis=0)
    corner, far = np.array(box[:2]), np.array(box[:2]) + box[2:]
    shared = np.clip(np.minimum(high, far) - np.maximum(low, corner), 0, None).prod()
    return float(shared / max((high - low).prod() + box[2] * box[3] - shared, 1e-9))
