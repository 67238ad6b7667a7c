"""Where an ankle goes so that its foot stands where it landed, and smoothly between contacts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..cleanup.gaps import spans
from .body_frame import RestBody
from .transfer import Posed

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Before the first contact and after the last, and between contacts far apart, an offset fades within this time.
_FADE_S = 0.5


def ankle_path(
    target: RestBody,
    posed: Posed,
    contacts: Mapping[str, Flags],
    heel_level: Array | None,
    ball_level: Array | None,
    side: str,
    rate_hz: float,
) -> Array:
    """(T, 3) the path of the transferred ankle, moved by an offset that holds the foot and is smooth between contacts.

    Args:
        heel_level, ball_level: (T,) the height that each should stand at; None keeps the transferred height.
    """
    path = posed.heads[:, target.index(f"foot.{side}")]
    heel, ball_stands = contacts[f"foot.{side}"], contacts[f"toe.{side}"]
    ball = posed.heads[:, target.index(f"toe.{side}")] if ball_stands.any() else path
    offset = np.zeros_like(path)
    stands = heel | ball_stands
    for start, end in spans(stands):
        offset[start:end] = _held(path[start:end], ball[start:end], heel[start:end], ball_stands[start:end])
        by_ball = ball_stands[start:end]
        level = np.where(by_ball, _or_own(ball_level, ball)[start:end], _or_own(heel_level, path)[start:end])
        height = np.where(by_ball, ball[start:end, 2], path[start:end, 2]) + offset[start:end, 2]
        offset[start:end] -= offset[start:end].mean(axis=0) * (1.0, 1.0, 0.0)
        offset[start:end, 2] += (level - height).mean()
    bridge(offset, stands, rate_hz)
    return path + offset


def _held(path: Array, ball: Array, heel: Flags, ball_stands: Flags) -> Array:
    """(N, 3) what keeps a foot where it is at first: by its ball while that stands, else by its ankle."""
    offset = np.zeros_like(path)
    at = 0
    while at < len(path):
        stop = at + int(np.argmin(np.append(ball_stands[at:] == ball_stands[at], False)))
        held = ball if ball_stands[at] else path
        anchor = held[at]
        if at > 0:  # what stood before goes on standing where it was
            stays = path if heel[at - 1] and heel[at] else ball
            anchor = held[at] + stays[at - 1] + offset[at - 1] - stays[at]
        offset[at:stop] = anchor - held[at:stop]
        at = stop
    return offset


def bridge(offset: Array, stands: Flags, rate_hz: float) -> None:
    """Cubics, in place, through the gaps between contacts, with the speeds that `offset` has at their edges.

    They bend least of all paths with these ends, so a foot is sped up and slowed down as gently as can be. Far from
    contacts there is no offset.
    """
    fade = max(2, round(_FADE_S * rate_hz))
    if not stands.any():
        return
    for start, end in spans(~stands):
        if start > 0 and end < len(offset) and end - start < 2 * fade:
            ends = (offset[start - 1], _leaving(offset, stands, start), offset[end], _arriving(offset, stands, end))
            offset[start:end] = _cubic(*ends, end - start + 1)[1:-1]
            continue
        middle = offset[start:end]
        middle[:] = 0
        if start > 0:
            path = _cubic(offset[start - 1], _leaving(offset, stands, start), 0.0, 0.0, fade)[1:]
            middle[:fade] = path[: len(middle)]
        if end < len(offset):
            path = _cubic(0.0, 0.0, offset[end], _arriving(offset, stands, end), fade)[:-1]
            middle[-fade:] = path[-len(middle) :]


def _cubic(p0: Array | float, v0: Array | float, p1: Array | float, v1: Array | float, length: int) -> Array:
    """(length + 1, 3) from p0 with the speed v0 per sample to p1 with v1."""
    s = (np.arange(length + 1) / length)[:, None]
    ends = (2 * s**3 - 3 * s**2 + 1) * p0 + (3 * s**2 - 2 * s**3) * p1
    return ends + (s**3 - 2 * s**2 + s) * (v0 * length) + (s**3 - s**2) * (v1 * length)


def _leaving(offset: Array, stands: Flags, start: int) -> Array:
    """Of the offset per sample, as the gap at `start` begins."""
    return offset[start - 1] - offset[start - 2] if start > 1 and stands[start - 2] else np.zeros(3)


def _arriving(offset: Array, stands: Flags, end: int) -> Array:
    return offset[end + 1] - offset[end] if end + 1 < len(offset) and stands[end + 1] else np.zeros(3)


def _or_own(level: Array | None, path: Array) -> Array:
    return path[:, 2] if level is None else level
