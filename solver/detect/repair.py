"""Left and right told apart again, and landmarks that jump away for a moment or a few put back.

A detector that takes one leg for the other says something impossible: both legs change places within a frame, and
knees hang from the wrong hips. Each pair of limbs is followed through time as one of two readings, as seen or
swapped; the sequence of readings with the least movement and the best anatomy wins (Viterbi), with a small price on
every swapped moment, so that the detector is right unless the body says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..stretches import runs
from .observations import Observations
from .person_landmarks import LANDMARK_NAMES, LIMBS

Array = NDArray[Any]

# What a detector mixes up together, besides LIMBS, which are told by what they hang from.
_HEAD = ("eye_inner", "eye", "eye_outer", "ear")
_STATURE = 1.7  # m: what pixels are measured by
_SWAP_PRICE = 0.02  # m of movement a moment: less than the detector's noise never pays for a swap
_FACING_WORTH = 0.05  # m of movement: a face at the back of its head or of its trunk, a moment
_HANGING_WORTH = 0.5  # of the length by which a limb is longer from the wrong side of the trunk
_FARTHEST = 1.0  # m: beyond, movement says no more
# m from before and after, which agree with one another to a third of the way; and so much more for each further moment.
_JUMP, _FARTHER = 0.15, 0.05
_CLOSE, _BRIEF = 0.2, 0.13  # s from one moment to the next, and from before to after where there are more in between


@dataclass(frozen=True)
class Repaired:
    """Observations put right.

    Attributes:
        observations: with the same moments.
        swapped: moments in which some pair of limbs had changed sides.
        jumps: landmarks put back, one for each moment.
    """

    observations: Observations
    swapped: int
    jumps: int


def repair(observed: Observations) -> Repaired:
    """Undo swaps of left and right, then take landmarks that jump out and back to between where they come from and go.

    A landmark put back keeps a tenth of its visibility: it is a guess.
    """
    known = np.flatnonzero(observed.seen)
    if len(known) < 3:
        return Repaired(observed, 0, 0)
    image, world = observed.landmarks2d[known].astype(np.float64), observed.landmarks3d[known].astype(np.float64)
    places = np.concatenate((image[..., :2] * _metres_per_pixel(image), world), -1)
    swapped = np.zeros(len(known), bool)

    def settle(names: tuple[str, ...], wrong_if_swapped: Array) -> None:
        left, right = _sides(names)
        crossed = _crossed(places[:, left], places[:, right], wrong_if_swapped)
        swapped[crossed] = True
        rows = np.flatnonzero(crossed)[:, None]
        for values in (image, world, places):
            values[rows, left + right] = values[rows, right + left]

    settle(_HEAD, _FACING_WORTH * _facing(world, "ear"))
    for root, names in LIMBS.items():
        settle((root,), _FACING_WORTH * _facing(world, root))
        settle(names, _HANGING_WORTH * _hanging(world, root, names[0]))
    times = observed.times[known]
    jumped = _drop_long(_jumps(places[..., :2], times) | _jumps(places[..., 2:], times), times)
    moments, marks = np.nonzero(jumped)
    image[moments, marks, 2] *= 0.1
    for mark in np.unique(marks):
        out = jumped[:, mark]
        for column in (*image[:, mark, :2].T, *world[:, mark].T):
            column[out] = np.interp(times[out], times[~out], column[~out])
    landmarks2d, landmarks3d = observed.landmarks2d.copy(), observed.landmarks3d.copy()
    landmarks2d[known], landmarks3d[known] = image, world
    return Repaired(
        replace(observed, landmarks2d=landmarks2d, landmarks3d=landmarks3d), int(swapped.sum()), len(moments)
    )


def _metres_per_pixel(image: Array) -> float:
    """At the person, from the height of what is seen of them: rough, and the same for all moments."""
    rows = image[..., 1]
    return _STATURE / max(float(np.percentile(rows.max(axis=1) - rows.min(axis=1), 90)), 1.0)


def _sides(names: tuple[str, ...]) -> tuple[list[int], list[int]]:
    left, right = ([LANDMARK_NAMES.index(f"{side}_{name}") for name in names] for side in ("left", "right"))
    return left, right


def _pair(world: Array, name: str) -> Array:
    """(T, 2, 3) the left and the right one."""
    left, right = _sides((name,))
    return world[:, left + right]


def _facing(world: Array, name: str) -> Array:
    """(T,) cosine between where the nose points and where a body with this pair at its sides faces."""
    pair, ears, hips = _pair(world, name), _pair(world, "ear").mean(axis=1), _pair(world, "hip").mean(axis=1)
    forward = np.cross(hips - ears, pair[:, 0] - pair[:, 1])  # down across leftwards
    nose = world[:, LANDMARK_NAMES.index("nose")] - ears
    length = np.linalg.norm(forward, axis=-1) * np.linalg.norm(nose, axis=-1)
    return (forward * nose).sum(-1) / np.maximum(length, 1e-9)


def _hanging(world: Array, root: str, first: str) -> Array:
    """(T,) by how much longer, m, limbs are from the other side's root to their first joint than from their own."""
    roots, firsts = _pair(world, root), _pair(world, first)
    own, other = (np.linalg.norm(firsts - r, axis=-1).mean(axis=1) for r in (roots, roots[:, ::-1]))
    return other - own


def _crossed(left: Array, right: Array, wrong_if_swapped: Array) -> Array:
    """(T,) where the two sides (T, n, d), m, are better read the other way round.

    wrong_if_swapped: (T,) m, what anatomy has against the other reading; negative where it speaks for it.
    """
    straight = (_moved(left[:-1], left[1:]) + _moved(right[:-1], right[1:])) / 2
    across = (_moved(left[:-1], right[1:]) + _moved(right[:-1], left[1:])) / 2
    prices = np.stack((np.maximum(-wrong_if_swapped, 0), np.maximum(wrong_if_swapped, 0) + _SWAP_PRICE), -1)
    cost = prices[0]
    came_from = np.zeros((len(left), 2), np.int64)
    for t in range(1, len(left)):
        reach = cost[:, None] + np.array(((straight[t - 1], across[t - 1]), (across[t - 1], straight[t - 1])))
        came_from[t] = reach.argmin(axis=0)
        cost = reach.min(axis=0) + prices[t]
    reading = int(cost.argmin())
    crossed = np.zeros(len(left), bool)
    for t in range(len(left) - 1, -1, -1):
        crossed[t] = reading == 1
        reading = int(came_from[t, reading])
    return crossed


def _moved(before: Array, after: Array) -> Array:
    """(T - 1,) mean distance of points (T - 1, n, d)."""
    return np.minimum(np.linalg.norm(after - before, axis=-1), _FARTHEST).mean(axis=1)


def _jumps(places: Array, times: Array) -> Array:
    """(T, 33) landmarks (T, 33, d), m, that are out for one moment, or in a row for less than anybody takes."""
    out = np.zeros(places.shape[:2], bool)
    for length in range(1, len(times) - 1):
        brief = times[length + 1 :] - times[: -length - 1] < (2 * _CLOSE if length == 1 else _BRIEF)
        if not brief.any():
            break
        before, after = places[: -length - 1], places[length + 1 :]
        away = np.full(before.shape[:2], np.inf)
        for first in range(1, length + 1):
            here = places[first : first + len(before)]
            for end in (before, after):
                np.minimum(away, np.linalg.norm(here - end, axis=-1), out=away)
        # Who turns round as fast as people can is farther from both ends, the longer it takes.
        far = away > _JUMP + _FARTHER * (length - 1)
        jumps = brief[:, None] & far & (np.linalg.norm(after - before, axis=-1) < away / 3)
        for first in range(1, length + 1):
            out[first : first + len(before)] |= jumps
    return out


def _drop_long(out: Array, times: Array) -> Array:
    """`out` (T, 33) without what several jumps in a row make of it: nothing is known over so long a time."""
    kept = out.copy()
    for mark in np.flatnonzero(out.any(axis=0)):
        for first, last in runs(out[:, mark], 2):
            if times[last] - times[first - 1] >= _BRIEF:
                kept[first:last, mark] = False
    return kept
