"""From enough keys to fewer: knots are taken out where their neighbours, fitted again, do without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .hermite import Curve
from .key_refit import Exchange, Window, exchange_knots
from .key_tracks import Attempt, Tolerance, Track

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_NEIGHBOURS = 3  # knots on each side of a change that are fitted again
_NEXT = 2  # knots on each side of a change that are worth another try
_MERGES = 2


def remove_keys(
    attempt: Attempt, tracks: Sequence[Track], curves: Sequence[Curve], tolerance: Tolerance
) -> list[Curve]:
    """`curves` with fewer knots, still within the tolerance; `attempt` holds what they give."""
    skeleton = attempt.truth.skeleton
    chains = [skeleton.chain(joint) for joint in range(len(skeleton))]
    kept = list(curves)
    for turn in range(1 + _MERGES):
        for index, track in enumerate(tracks):
            below = np.array([joint for joint, chain in enumerate(chains) if track.bone in chain], np.int64)
            curve = kept[index]
            wanted = _one_less(track, curve) if turn == 0 else _one_for_two(track, curve)
            kept[index] = _worked(attempt, track, curve, wanted, below, tolerance)
        attempt.measure()
    return kept


def _one_less(track: Track, curve: Curve) -> list[Exchange]:
    """Each knot left out, those first that stand closest."""
    closest = np.argsort(curve.knots[2:] - curve.knots[:-2], kind="stable")
    return [Exchange((knot,)) for knot in curve.knots[1:-1][closest].tolist() if not track.kept[knot]]


def _one_for_two(track: Track, curve: Curve) -> list[Exchange]:
    """Each two neighbours exchanged for one half way between."""
    pairs = pairwise(curve.knots[1:-1].tolist())
    return [Exchange(pair, (sum(pair) // 2,)) for pair in pairs if not track.kept[list(pair)].any()]


def _worked(
    attempt: Attempt, track: Track, curve: Curve, wanted: list[Exchange], joints: Indices, tolerance: Tolerance
) -> Curve:
    """`curve` after as many of the `wanted` exchanges as the tolerance allows, and after what they make possible."""
    pressed: dict[Exchange, Window] = {}
    while wanted:
        tried, wanted = _apart(curve, wanted, pressed)
        if not tried:
            continue
        curve, done, again = exchange_knots(attempt, track, curve, tried, joints, tolerance)
        pressed |= {each.exchange: each for each in again}
        wanted = [each.exchange for each in again] + wanted
        for exchange in done:
            place = int(np.searchsorted(curve.knots, exchange.out[0]))
            near = curve.knots[max(1, place - _NEXT) : min(place + _NEXT, len(curve.knots) - 1)].tolist()
            retry = [Exchange((knot,)) for knot in near if not track.kept[knot]]
            wanted += [one for one in retry if one not in wanted]
    return curve


def _apart(
    curve: Curve, wanted: list[Exchange], pressed: Mapping[Exchange, Window]
) -> tuple[list[Window], list[Exchange]]:
    """As many of `wanted`, the first ones first, as can be tried at once, in order of time; and the rest of them.

    Exchanges of knots that are gone are dropped. Windows that are `pressed` go on as they are, unless their knots have
    changed.
    """
    knots: list[int] = curve.knots.tolist()
    last = len(knots) - 1
    places = {knot: place for place, knot in enumerate(knots)}
    taken = bytearray(len(knots))
    chosen: list[Window] = []
    rest: list[Exchange] = []
    for exchange in wanted:
        inside = [places.get(knot, 0) for knot in exchange.out]
        if not all(0 < place < last for place in inside):
            continue
        low, high = max(0, inside[0] - _NEIGHBOURS), min(last, inside[-1] + _NEIGHBOURS)
        left = high + 1 - low - len(exchange.out) + len(exchange.into)
        if any(taken[low : high + 1]) or (chosen and left != len(chosen[0].knots)):
            rest.append(exchange)
            continue
        taken[low : high + 1] = b"\1" * (high + 1 - low)
        fresh = np.array(sorted({*knots[low : high + 1]} - {*exchange.out} | {*exchange.into}), np.int64)
        if len(fresh) < left:  # what comes in is there already
            continue
        before = pressed.get(exchange)
        if before is not None and np.array_equal(before.knots, fresh):
            chosen.append(replace(before, low=low, high=high))
        else:
            chosen.append(Window(exchange, low, high, fresh, np.ones(fresh[-1] - fresh[0] + 1)))
    return sorted(chosen, key=lambda each: each.low), rest
