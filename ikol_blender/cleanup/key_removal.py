"""From enough keys to fewer: knots are taken out where their neighbours, fitted again, do without them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .hermite import GIVEN, UNKNOWN, Curve, Pull, fit
from .key_tracks import Attempt, Tolerance, Track

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_NEIGHBOURS = 4  # knots on each side that are fitted again
_ROUNDS = 2
# Room for what the first-order estimate of joint positions leaves out.
_ROOM = 0.995


def remove_keys(
    attempt: Attempt, tracks: Sequence[Track], curves: Sequence[Curve], tolerance: Tolerance
) -> list[Curve]:
    """`curves` with fewer knots, still within the tolerance; `attempt` holds what they give."""
    skeleton = attempt.truth.skeleton
    chains = [skeleton.chain(joint) for joint in range(len(skeleton))]
    kept = list(curves)
    for _ in range(_ROUNDS):
        for index, track in enumerate(tracks):
            below = np.array([joint for joint, chain in enumerate(chains) if track.bone in chain], np.int64)
            kept[index] = _thinned(attempt, track, kept[index], below, tolerance)
        attempt.measure()
    return kept


def _thinned(attempt: Attempt, track: Track, curve: Curve, joints: Indices, tolerance: Tolerance) -> Curve:
    inner = curve.knots[1:-1]
    spans = curve.knots[2:] - curve.knots[:-2]
    candidates = [int(knot) for knot in inner[np.argsort(spans, kind="stable")] if not track.kept[knot]]
    for candidate in candidates:
        place = int(np.searchsorted(curve.knots, candidate))
        low, high = max(0, place - _NEIGHBOURS), min(len(curve.knots) - 1, place + _NEIGHBOURS)
        local = _without(track, curve, place, low, high)
        first, values = int(local.knots[0]), local.sampled()
        shifts, angle = attempt.preview(track, first, values, joints)
        if angle > _ROOM * tolerance.angle or (shifts**2).sum(axis=-1).max() > (_ROOM * tolerance.distance) ** 2:
            continue
        attempt.put(track, values, first)
        attempt.shifts[first : first + len(values), joints] = shifts
        curve = Curve(
            np.delete(curve.knots, place),
            np.concatenate([curve.values[:low], local.values, curve.values[high + 1 :]]),
            np.concatenate([curve.slopes[:low], local.slopes, curve.slopes[high + 1 :]]),
        )
    return curve


def _without(track: Track, curve: Curve, place: int, low: int, high: int) -> Curve:
    """The part of `curve` from knot `low` to `high` fitted again without the knot `place`, its ends as they are."""
    stay = np.delete(np.arange(low, high + 1), place - low)
    knots = curve.knots[stay]
    value_weights = np.where(track.kept[knots], GIVEN, UNKNOWN)
    slope_weights = np.full(len(knots), UNKNOWN)
    value_weights[[0, -1]] = slope_weights[[0, -1]] = GIVEN
    return fit(track.samples, knots, Pull(curve.values[stay], curve.slopes[stay], value_weights, slope_weights))
