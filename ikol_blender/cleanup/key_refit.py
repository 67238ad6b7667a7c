"""Knots exchanged for fewer, and the curve fitted again around them: many places of one curve at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
_HOPELESS = (1.4, 1.2, 1.1)
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
    """

    exchange: Exchange
    low: int
    high: int
    knots: Indices


def exchange_knots(
    attempt: Attempt, track: Track, curve: Curve, windows: Sequence[Window], joints: Indices, tolerance: Tolerance
) -> tuple[Curve, list[Exchange]]:
    """The curve with those exchanges that keep the tolerance, and which they are; `attempt` is kept up to date.

    Args:
        windows: they do not touch each other, and have as many knots left each.
        joints: what the track's bone carries.
    """
    knots = np.stack([each.knots for each in windows])
    fits = Fits(track.samples, knots, _pull(track, curve, windows, knots))
    lengths = np.diff(np.append(fits.starts, len(fits.rows)))
    weights = np.ones(len(fits.rows))
    open_ = np.ones(len(windows), np.bool_)
    good: dict[int, tuple[Array, Array]] = {}
    for press, hopeless in enumerate((*_HOPELESS, 0.0)):
        values, slopes, sampled = fits.curves(None if press == 0 else weights)
        off, shifts = attempt.preview(track, fits.rows, sampled, joints, tolerance)
        worst = np.maximum.reduceat(off, fits.starts)
        kept = open_ & (worst <= _ROOM)
        if kept.any():
            rows = np.repeat(kept, lengths)
            attempt.put(track, sampled[rows], fits.rows[rows])
            attempt.shifts[fits.rows[rows, None], joints] = shifts[rows]
            good |= {int(place): (values[place], slopes[place]) for place in np.flatnonzero(kept)}
        open_ &= (worst > _ROOM) & (worst <= hopeless)
        if not open_.any():
            break
        weights = weights * (off / np.repeat(worst, lengths) + _SOME_WEIGHT)
        weights /= np.repeat(np.add.reduceat(weights, fits.starts) / lengths, lengths)
    for place in sorted(good, reverse=True):
        each, (values, slopes) = windows[place], good[place]
        curve = Curve(
            np.concatenate([curve.knots[: each.low], each.knots, curve.knots[each.high + 1 :]]),
            np.concatenate([curve.values[: each.low], values, curve.values[each.high + 1 :]]),
            np.concatenate([curve.slopes[: each.low], slopes, curve.slopes[each.high + 1 :]]),
        )
    return curve, [windows[place].exchange for place in sorted(good)]


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
