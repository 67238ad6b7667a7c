"""From few keys to enough: knots are put in where the curves are off by more than the tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .hermite import GIVEN, UNKNOWN, Curve, Pull, fit
from .key_tracks import Attempt, Tolerance, Track

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# Tracks are refined until what they explain of a joint's error is this share of it.
_EXPLAINED = 0.5
# Of two candidates equally far off, the one amid its neighbours makes better pieces than one beside them.
_CENTRE = 0.5
_NEAR_SAMPLES = 3


def first_curves(tracks: Sequence[Track], ends: Sequence[Array]) -> list[Curve]:
    """A curve for each track through its first and last moment and those that it must keep.

    Args:
        ends: for each track the slopes (2, C) that its curve must have at both ends; not a number where it is free.
    """
    curves: list[Curve] = []
    for track, slopes in zip(tracks, ends, strict=True):
        knots = np.union1d(np.flatnonzero(track.kept), [0, len(track.samples) - 1])
        curves.append(_fitted(track, knots, slopes, track.kept))
    return curves


def insert_keys(
    attempt: Attempt, tracks: Sequence[Track], curves: Sequence[Curve], ends: Sequence[Array], tolerance: Tolerance
) -> list[Curve]:
    """The curves with as many more keys as it takes to keep the tolerance; `attempt` holds what they give."""
    found = list(curves)
    firm = [track.kept.copy() for track in tracks]
    for track, curve in zip(tracks, found, strict=True):
        attempt.put(track, curve.sampled())
    while True:
        attempt.measure()
        wanted = _wanted(attempt, tracks, found, firm, tolerance)
        if not any(wanted):
            return found
        for index, fresh in enumerate(wanted):
            if fresh:
                samples, knots = np.array(sorted(fresh), np.int64), found[index].knots
                # Where there is no room for another key, the one there takes the sample's own value.
                firm[index][np.intersect1d(samples, knots)] = True
                found[index] = _fitted(tracks[index], np.union1d(knots, samples), ends[index], firm[index])
                attempt.put(tracks[index], found[index].sampled())


def _fitted(track: Track, knots: Indices, ends: Array, firm: NDArray[np.bool_]) -> Curve:
    slopes = np.gradient(track.samples[knots], knots.astype(np.float64), axis=0)
    value_weights = np.where(firm[knots], GIVEN, UNKNOWN)
    slope_weights = np.full(len(knots), UNKNOWN)
    value_weights[[0, -1]] = GIVEN
    for end, slope in zip((0, -1), ends, strict=True):
        if np.isfinite(slope).all():
            slopes[end], slope_weights[end] = slope, GIVEN
    return fit(track.samples, knots, Pull(track.samples[knots], slopes, value_weights, slope_weights))


def _wanted(
    attempt: Attempt,
    tracks: Sequence[Track],
    curves: Sequence[Curve],
    firm: Sequence[NDArray[np.bool_]],
    tolerance: Tolerance,
) -> list[set[int]]:
    """For each track the samples at which it needs a knot; all empty when the tolerance is kept."""
    wanted: list[set[int]] = [set() for _ in tracks]
    for index, track in enumerate(tracks):
        if track.turn is not None:
            for sample in _worst_of_runs(attempt.angles[:, track.bone], tolerance.angle):
                _ask(attempt, track, curves[index], firm[index], sample, wanted[index])
    off = np.linalg.norm(attempt.shifts, axis=-1)
    by_bone: dict[tuple[int, bool], int] = {
        (track.bone, track.turn is None): index for index, track in enumerate(tracks)
    }
    for joint in range(off.shape[1]):
        samples = np.array(_worst_of_runs(off[:, joint], tolerance.distance), np.int64)
        if not len(samples):
            continue
        bones = attempt.truth.skeleton.chain(joint)
        turning, moving = attempt.pushes(joint, samples, np.array(bones))
        causes = [by_bone.get((bone, moves)) for moves in (False, True) for bone in bones]
        pushes = np.concatenate([turning, moving], axis=1)
        for row, sample in enumerate(samples):
            explained = 0.0
            for column in np.argsort(-pushes[row]):
                index = causes[column]
                if pushes[row, column] <= 0 or explained > _EXPLAINED * off[sample, joint]:
                    break
                if index is None:
                    continue
                if _ask(attempt, tracks[index], curves[index], firm[index], int(sample), wanted[index]):
                    explained += float(pushes[row, column])
    return wanted


def _worst_of_runs(values: Array, limit: float) -> list[int]:
    """The sample with the largest value of each run of samples above `limit`."""
    above = np.concatenate([[0], (values > limit).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(above))
    return [start + int(values[start:end].argmax()) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _ask(attempt: Attempt, track: Track, curve: Curve, firm: NDArray[np.bool_], sample: int, wanted: set[int]) -> bool:
    """Want a knot in the piece around `sample`; False when nothing there can be done."""
    if any(abs(other - sample) < _NEAR_SAMPLES for other in wanted):
        return True
    knots = curve.knots
    piece = min(max(int(np.searchsorted(knots, sample, side="right")) - 1, 0), len(knots) - 2)
    inside = np.arange(knots[piece] + 1, knots[piece + 1])
    if not len(inside):
        if not firm[sample]:
            wanted.add(sample)
        return not firm[sample]
    if track.turn is None:
        off = np.linalg.norm((attempt.locations - attempt.truth.locations)[inside, track.bone], axis=-1)
    else:
        off = attempt.angles[inside, track.bone]
    middle, half = (knots[piece] + knots[piece + 1]) / 2, (knots[piece + 1] - knots[piece]) / 2
    wanted.add(int(inside[(off * (1 - _CENTRE * np.abs(inside - middle) / half)).argmax()]))
    return True
