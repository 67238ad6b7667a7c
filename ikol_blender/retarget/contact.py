"""When the source's feet stand, from how they move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .body_frame import RestBody
from .transfer import Posed

Array = NDArray[np.float64]

# A standing foot drifts less than this, and is no farther above its lowest, in units of the leg's length.
_SPEED, _HEIGHT = 0.35, 0.08
_SHORTEST_S = 0.1


def standing(source: RestBody, posed: Posed, role: str, rate_hz: float) -> NDArray[np.bool_]:
    """(T,) whether the joint of `role` stands.

    Args:
        role: "foot.L" for the ankle, "toe.L" for the ball of the foot.
    """
    bone = source.bone(role)
    if bone is None or len(posed.heads) < 3:
        return np.zeros(len(posed.heads), bool)
    path = posed.heads[:, bone]
    speed = np.linalg.norm(np.gradient(path, axis=0), axis=1) * rate_hz
    height = path[:, 2] - np.percentile(path[:, 2], 2)
    found = (speed < _SPEED * source.leg_length) & (height < _HEIGHT * source.leg_length)
    for start, end in spans(found):
        if end - start < _SHORTEST_S * rate_hz:
            found[start:end] = False
    return found


def spans(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where `flags` (T,) are set: from the first index to the one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
