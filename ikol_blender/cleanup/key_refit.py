"""Knots exchanged for fewer, and the curve fitted again around them: many places of one curve at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .hermite import GIVEN, UNKNOWN, Curve, Fits, Pull
from .key_tracks import Attempt, Tolerance, Track

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# Room for what the first-order estimate of joint positions leaves out.
_ROOM = 0.995
# A fit that is too far off is pressed where it is worst, every sample keeping some weight: Lawson's way from least
# squares towards the least greatest error (C. L. Lawson, thesis, UCLA 1961). So often, unless it is farther off than
# this many tolerances.
_HOPELESS = (1.25, 1.12, 1.05)
_SOME_WEIGHT = 0.1


@dataclass(frozen=True)
class Exchange:
    """The knots `into` for the knots `out` of a curve, which lie side by side; sample indices."""

    out: tuple[int, ...]
    into: tuple[int, ...] = ()


@dataclass(frozen=True)
class Window:
    """The part of a curve that an exchange changes.

    Attributes:
        exchange: what is done.
        low, high: places of the first and last knot; both stay as they are.
        knots: sample indices of those that are left from the one to the other.
        weights: how much each sample from the first knot to the last counts, 1 in the mean.
        presses: how often it has been pressed.
    """

    exchange: Exchange
    low: int
    high: int
    knots: Indices
    weights: Array
    presses: int = 0


def exchange_knots(
    attempt: Attempt, track: Track, curve: Curve, windows: Sequence[Window], joints: Indices, tolerance: Tolerance
) -> tuple[Curve, list[Exchange], list[Window]]:
    """The curve with those exchanges that keep the tolerance; which they are; and windows to press and try again.

    `attempt` is kept up to date.

    Args:
        windows: in order of time. They do not touch each other, and have as many knots left each.
        joints: what the track's bone carries.
    """
    knots = np.stack([each.knots for each in windows])
    fits = Fits(track.samples, knots, _pull(track, curve, windows, knots))
    values, slopes, sampled = fits.curves(np.concatenate([each.weights for each in windows]))
    off, shifts = attempt.preview(track, fits.rows, sampled, joints, tolerance)
    worst = np.maximum.reduceat(off, fits.starts)
    good = worst <= _ROOM
    rows = np.repeat(good, np.diff(np.append(fits.starts, len(off))))
    if good.any():
        attempt.put(track, sampled[rows], fits.rows[rows])
        attempt.shifts[fits.rows[rows, None], joints] = shifts[rows]
    kept: list[int] = np.flatnonzero(good).tolist()
    for place in reversed(kept):
        each = windows[place]
        curve = Curve(
            np.concatenate([curve.knots[: each.low], each.knots, curve.knots[each.high + 1 :]]),
            np.concatenate([curve.values[: each.low], values[place], curve.values[each.high + 1 :]]),
            np.concatenate([curve.slopes[: each.low], slopes[place], curve.slopes[each.high + 1 :]]),
        )
    done = [windows[place].exchange for place in kept]
    again = [
        _pressed(each, off[start : start + len(each.weights)])
        for each, start, is_good, far in zip(windows, fits.starts, good, worst, strict=True)
        if not is_good and each.presses < len(_HOPELESS) and far <= _HOPELESS[each.presses]
    ]
    return curve, done, again


def _pressed(tried: Window, off: Array) -> Window:
    """`tried` with more weight where it was `off` (n,) most."""
    weights = tried.weights * (off / off.max() + _SOME_WEIGHT)
    return replace(tried, weights=weights / weights.mean(), presses=tried.presses + 1)


def _pull(track: Track, curve: Curve, windows: Sequence[Window], knots: Indices) -> Pull:
    """What draws the fits: their ends to the knots of `curve` there, extremes to their samples."""
    values = track.samples[knots]
    slopes = np.zeros_like(values)
    value_weights = np.where(track.kept[knots], GIVEN, UNKNOWN)
    slope_weights = np.full(knots.shape, UNKNOWN)
    ends = np.array([[each.low, each.high] for each in windows])
    values[:, [0, -1]], slopes[:, [0, -1]] = curve.values[ends], curve.slopes[ends]
    value_weights[:, [0, -1]] = slope_weights[:, [0, -1]] = GIVEN
    return Pull(values, slopes, value_weights, slope_weights)
