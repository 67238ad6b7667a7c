"""Pieces of tracks put together into people, once the whole clip was seen.

A detector that follows somebody loses them behind others, in a jump, at the picture's edge, and where two people
cross it may go on with the wrong one. So it gives a number up whenever it is not sure; who goes on as whom is decided
here, by where people would have been had they gone on, how large they are, which way they were going, and the colour
of their clothes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .person_landmarks import LANDMARK_NAMES, PersonLandmarks

Array = NDArray[Any]
Sightings = list[tuple[int, PersonLandmarks]]

_LONGEST_GAP_SECONDS = 2.0
_SHORTEST_SECONDS = 0.12  # shorter pieces are glimpses that say nothing
_MOTION_SECONDS = 0.4  # of a piece's end that tells where it goes
_COASTING_SECONDS = 0.7  # people keep their velocity for so long
_DOUBTFUL_SECONDS = 0.2  # of a piece's end beside somebody: it may be on the wrong one already
_BESIDE = 0.6  # of a person's size
_PLACE, _SIZE, _VELOCITY = 0.4, 0.3, 1.5  # expected errors: sizes, logarithm, sizes a second
_COLOUR = 0.1  # of a piece's clothes, between black and white
_OTHER_COLOUR, _LIKE = 0.25, 0.5  # at a piece's end: so far from its own, and half as far from another's, it is theirs
_MIXED_SECONDS = 0.6  # of a piece's end that may be of another colour
_MOST = 9.0  # sum of squared errors beyond which two pieces are two people
_TORSO = [LANDMARK_NAMES.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "hip")]


@dataclass(frozen=True)
class _End:
    """A piece's first or last moment: seconds, place (2,) px, size px, velocity (2,) px/s; and its colour (3,)."""

    time_s: float
    place: Array
    size: float
    velocity: Array
    colour: Array


def join_pieces(pieces: dict[int, Sightings], times: Array) -> list[Sightings]:
    """Everybody's sightings, in the order of first sight.

    Args:
        pieces: by the detector's numbers; each a list of (index of the picture, landmarks).
        times: (T,) s of all pictures.
    """
    colours = {number: _colour(piece) for number, piece in pieces.items()}
    pieces = {number: _of_one_colour(number, piece, colours, times) for number, piece in pieces.items()}
    sure = [_without_doubt(number, pieces, colours, times) for number in pieces]
    long = [piece for piece in sure if times[piece[-1][0]] - times[piece[0][0]] >= _SHORTEST_SECONDS]
    parts = sorted(long or sure, key=lambda part: part[0][0])
    if not parts:
        return []
    ends = [_end_of(part, times, last=True) for part in parts]
    starts = [_end_of(part, times, last=False) for part in parts]
    cost = np.full((len(parts), 2 * len(parts)), _MOST)  # the right half: nobody goes on from here
    for before, end in enumerate(ends):
        for after, start in enumerate(starts):
            cost[before, after] = min(_mismatch(end, start), 1e6)
    follower = dict(zip(*(side.tolist() for side in linear_sum_assignment(cost)), strict=True))
    people: list[Sightings] = []
    continued = {after for after in follower.values() if after < len(parts)}
    for first in (index for index in range(len(parts)) if index not in continued):
        person: Sightings = []
        index = first
        while index < len(parts):
            person += parts[index]
            index = follower[index]
        people.append(person)
    return people


def _mismatch(end: _End, start: _End) -> float:
    """Sum of squared errors if somebody went on from `end` to `start`."""
    gap = start.time_s - end.time_s
    if not 0 < gap <= _LONGEST_GAP_SECONDS:
        return np.inf
    size = np.sqrt(end.size * start.size)
    coasting = min(gap, _COASTING_SECONDS)
    ahead = end.place + end.velocity * coasting - start.place
    behind = start.place - start.velocity * coasting - end.place
    place = (np.linalg.norm(ahead) + np.linalg.norm(behind)) / 2 / size / (_PLACE * (1 + gap))
    velocity = np.linalg.norm(start.velocity - end.velocity) / size / _VELOCITY
    # Whose colour is not known may be anybody.
    colour = np.nan_to_num(np.linalg.norm(start.colour - end.colour)) / _COLOUR
    return float(place**2 + (np.log(start.size / end.size) / _SIZE) ** 2 + velocity**2 + colour**2)


def _of_one_colour(number: int, piece: Sightings, colours: dict[int, Array], times: Array) -> Sightings:
    """The piece without its ends as far as they have mostly another piece's colour; all of it, if none would be left.

    A track that began on one of two people who cross and went on with the other shows it so. An arm before the trunk
    is of another colour too, but not for long.
    """

    def is_strange(person: PersonLandmarks) -> bool:
        far = {other: float(np.linalg.norm(person.colour - usual)) for other, usual in colours.items()}
        return far[number] > _OTHER_COLOUR and any(distance < _LIKE * far[number] for distance in far.values())

    moments = np.array([times[index] for index, _ in piece])
    votes = np.array([1 if is_strange(person) else -1 for _, person in piece])
    early, late = moments - moments[0] < _MIXED_SECONDS, moments[-1] - moments < _MIXED_SECONDS
    begin, end = _most_strange(votes[early]), len(piece) - _most_strange(votes[late][::-1])
    return piece[begin:end] or piece


def _most_strange(votes: Array) -> int:
    """How many of the first votes, 1 or -1, have the largest sum; none when no sum is above 0."""
    sums = np.concatenate(([0], votes.cumsum()))
    return int(sums.argmax())


def _without_doubt(number: int, pieces: dict[int, Sightings], colours: dict[int, Array], times: Array) -> Sightings:
    """The piece without its ends as far as they lie beside somebody whose colour does not tell them apart; all of it,
    if nothing would be left."""
    piece = pieces[number]
    first_s, last_s = times[piece[0][0]], times[piece[-1][0]]
    elsewhere: dict[int, list[PersonLandmarks]] = {}
    for other in pieces:
        together = min(last_s, times[pieces[other][-1][0]]) - max(first_s, times[pieces[other][0][0]])
        alike = not np.linalg.norm(colours[other] - colours[number]) > _OTHER_COLOUR
        if other != number and alike and together > _DOUBTFUL_SECONDS:
            for index, person in pieces[other]:
                elsewhere.setdefault(index, []).append(person)

    def is_beside(index: int, person: PersonLandmarks) -> bool:
        place, size = _place(person), _size(person)
        return any(
            np.linalg.norm(place - _place(other)) < _BESIDE * max(size, _size(other))
            for other in elsewhere.get(index, [])
        )

    moments = np.array([times[index] for index, _ in piece])
    beside = np.array([is_beside(index, person) for index, person in piece])
    early = np.flatnonzero(beside & (moments - moments[0] < _DOUBTFUL_SECONDS))
    late = np.flatnonzero(beside & (moments[-1] - moments < _DOUBTFUL_SECONDS))
    begin, end = (int(early[-1]) + 1 if len(early) else 0), (int(late[0]) if len(late) else len(piece))
    return piece[begin:end] or piece


def _colour(piece: Sightings) -> Array:
    """(3,) what most sightings have; not a number when none is known."""
    known = np.array([person.colour for _, person in piece if np.isfinite(person.colour).all()])
    return np.median(known, axis=0) if len(known) else np.full(3, np.nan)


def _end_of(piece: Sightings, times: Array, last: bool) -> _End:
    moment = times[piece[-1 if last else 0][0]]
    near = [(index, person) for index, person in piece if abs(times[index] - moment) <= _MOTION_SECONDS]
    seconds = np.array([times[index] - moment for index, _ in near])
    places = np.array([_place(person) for _, person in near])
    size = float(np.median([_size(person) for _, person in near]))
    if len(near) < 3:
        return _End(float(moment), places[-1 if last else 0], size, np.zeros(2), _colour(piece))
    slope, middle = np.polyfit(seconds, places, 1)
    return _End(float(moment), middle, size, slope, _colour(piece))


def _place(person: PersonLandmarks) -> Array:
    return person.image[_TORSO, :2].mean(axis=0)


def _size(person: PersonLandmarks) -> float:
    """Extent of the landmarks along both axes, px: a body's size in most poses."""
    spread = np.ptp(person.image[:, :2], axis=0)
    return float(max(np.hypot(*spread), 1.0))
