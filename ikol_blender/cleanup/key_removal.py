"""From enough keys to fewer: knots are taken out where their neighbours, fitted again, do without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .hermite import GIVEN, UNKNOWN, Curve, Fit, Pull
from .key_tracks import Attempt, Tolerance, Track

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_NEIGHBOURS = 4  # knots on each side that are fitted again
_NEXT = 2  # of them may be worth another try after a change
# Room for what the first-order estimate of joint positions leaves out.
_ROOM = 0.995
# A fit that is too far off, but not hopelessly, is pressed where it is worst: Lawson's way from least squares towards
# the least greatest error (C. L. Lawson, thesis, UCLA 1961), so many times, every sample keeping some weight.
_PRESSES, _HOPELESS, _SOME_WEIGHT = 2, 1.4, 0.1


def remove_keys(
    attempt: Attempt, tracks: Sequence[Track], curves: Sequence[Curve], tolerance: Tolerance
) -> list[Curve]:
    """`curves` with fewer knots, still within the tolerance; `attempt` holds what they give."""
    skeleton = attempt.truth.skeleton
    chains = [skeleton.chain(joint) for joint in range(len(skeleton))]
    kept = list(curves)
    for thin in (_thinned, _merged):
        for index, track in enumerate(tracks):
            below = np.array([joint for joint, chain in enumerate(chains) if track.bone in chain], np.int64)
            kept[index] = thin(attempt, track, kept[index], below, tolerance)
        attempt.measure()
    return kept


def _thinned(
    attempt: Attempt,
    track: Track,
    curve: Curve,
    joints: Indices,
    tolerance: Tolerance,
    candidates: Iterable[int] | None = None,
) -> Curve:
    """`curve` without the knots that its neighbours do without.

    Args:
        candidates: the knots to try; None: all of them, the closest first.
    """
    if candidates is None:
        candidates = curve.knots[1:-1][np.argsort(curve.knots[2:] - curve.knots[:-2], kind="stable")].tolist()
    while candidates:
        again: set[int] = set()
        for knot in candidates:
            if track.kept[knot] or knot not in curve.knots[1:-1]:
                continue
            fewer = _changed(attempt, track, curve, [knot], [], joints, tolerance)
            if fewer is not curve:
                curve = fewer
                again |= _around(curve, knot)
        candidates = sorted(again)
    return curve


def _merged(attempt: Attempt, track: Track, curve: Curve, joints: Indices, tolerance: Tolerance) -> Curve:
    """`curve` with one knot for each two neighbours that it can stand for, half way between."""
    again: set[int] = set()
    for first, second in pairwise(curve.knots[1:-1].tolist()):
        if track.kept[first] or track.kept[second] or first not in curve.knots:
            continue
        middle = (first + second) // 2
        fewer = _changed(attempt, track, curve, [first, second], [middle], joints, tolerance)
        if fewer is not curve:
            curve = fewer
            again |= _around(curve, middle)
    return _thinned(attempt, track, curve, joints, tolerance, sorted(again))


def _around(curve: Curve, sample: int) -> set[int]:
    """The knots next to `sample`, for which something has changed."""
    place = int(np.searchsorted(curve.knots, sample))
    return set(curve.knots[max(0, place - _NEXT) : place + _NEXT + 1].tolist())


def _changed(
    attempt: Attempt,
    track: Track,
    curve: Curve,
    out: Sequence[int],
    into: Sequence[int],
    joints: Indices,
    tolerance: Tolerance,
) -> Curve:
    """`curve` with the knots `into` instead of `out`, fitted again around them; itself if that is too far off."""
    knots = curve.knots
    low = max(0, int(np.searchsorted(knots, out[0])) - _NEIGHBOURS)
    high = min(len(knots) - 1, int(np.searchsorted(knots, out[-1])) + _NEIGHBOURS)
    stays = np.array([knot not in out for knot in knots[low : high + 1].tolist()])
    old = np.flatnonzero(stays) + low
    fresh = np.union1d(knots[old], np.array(into, np.int64))
    refit = Fit(track.samples, fresh, _pull(track, curve, fresh, old[[0, -1]]))
    local, values = refit.curve()
    first = int(fresh[0])
    off, shifts = attempt.preview(track, first, values, joints, tolerance)
    weights = np.ones(len(off))
    for _ in range(_PRESSES):
        if off.max() <= _ROOM or off.max() > _HOPELESS:
            break
        weights = weights * (off / off.max() + _SOME_WEIGHT)
        local, values = refit.curve(weights / weights.mean())
        off, shifts = attempt.preview(track, first, values, joints, tolerance)
    if shifts is None or off.max() > _ROOM:
        return curve
    attempt.put(track, values, first)
    attempt.shifts[first : first + len(values), joints] = shifts
    return Curve(
        np.concatenate([knots[:low], local.knots, knots[high + 1 :]]),
        np.concatenate([curve.values[:low], local.values, curve.values[high + 1 :]]),
        np.concatenate([curve.slopes[:low], local.slopes, curve.slopes[high + 1 :]]),
    )


def _pull(track: Track, curve: Curve, knots: Indices, ends: Indices) -> Pull:
    """What draws a fit with `knots`: its ends to the knots `ends` of `curve`, extremes to their samples."""
    values, slopes = track.samples[knots], np.zeros((len(knots), track.samples.shape[1]))
    value_weights = np.where(track.kept[knots], GIVEN, UNKNOWN)
    slope_weights = np.full(len(knots), UNKNOWN)
    values[[0, -1]], slopes[[0, -1]] = curve.values[ends], curve.slopes[ends]
    value_weights[[0, -1]] = slope_weights[[0, -1]] = GIVEN
    return Pull(values, slopes, value_weights, slope_weights)
