"""Where an ankle goes so that its foot stands where it landed, and smoothly between contacts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..cleanup.gaps import bridge, spans
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
    return path + eased(offset, stands, rate_hz)


def eased(offset: Array, stands: Flags, rate_hz: float) -> Array:
    """`offset` (T, 3) while a foot stands, led from contact to contact; far from contacts there is none.

    Cubics bend least of all paths between given speeds: so a foot is sped up and slowed down as gently as can be.
    """
    return bridge(offset, stands, max(2, round(_FADE_S * rate_hz)))


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


def _or_own(level: Array | None, path: Array) -> Array:
    return path[:, 2] if level is None else level
