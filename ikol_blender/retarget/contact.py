"""When feet stand: from the motion of the source, where no contact curves say it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..cleanup.gaps import spans
from .body_frame import RestBody
from .transfer import Posed

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The ankle stands for the heel; the toe bone's head is the ball of the foot.
CURVES = {
    "contact_left_heel": "foot.L",
    "contact_left_toe": "toe.L",
    "contact_right_heel": "foot.R",
    "contact_right_toe": "toe.R",
}
# A joint stands while it drifts slower than this, in leg lengths a second and as a share of the hips' own speed (joints
# roll over a standing foot), and is no farther above its lowest, in leg lengths.
_SPEED, _OF_HIPS, _HEIGHT = 0.15, 0.08, 0.08
_WINDOW_S = 0.1
_SHORTEST_S = 0.1
# What drifts farther than this slides; half the speed, again and again, tells where in between it stood.
_DRIFT, _HALVINGS = 0.1, 3


def by_role(curves: Mapping[str, Flags]) -> dict[str, Flags]:
    """Flags (T,) for each role, from those of contact curves by name."""
    return {CURVES[name]: flags for name, flags in curves.items()}


def standing(source: RestBody, posed: Posed, rate_hz: float) -> dict[str, Flags]:
    """Flags (T,) for each foot and toe that the source has."""
    leg = source.leg_length
    hips = _speed(posed.heads[:, source.index("hips")], rate_hz)
    found: dict[str, Flags] = {}
    for role in CURVES.values():
        bone = source.bone(role)
        if bone is None or len(hips) < 3:
            continue
        path = posed.heads[:, bone]
        low = path[:, 2] - np.percentile(path[:, 2], 2) < _HEIGHT * leg
        speed = _speed(path, rate_hz)
        limit = _SPEED * leg + _OF_HIPS * hips
        flags = _lasting(low & (speed < limit), path, 0.02 * leg, rate_hz)
        for _ in range(_HALVINGS):
            sliding = np.zeros_like(flags)
            for start, end in spans(flags):
                sliding[start:end] = np.ptp(path[start:end], axis=0).max() > _DRIFT * leg
            limit = limit / 2
            flags = _lasting(flags & ~(sliding & (speed > limit)), path, 0.02 * leg, rate_hz)
        found[role] = flags
    return found


def _speed(path: Array, rate_hz: float) -> Array:
    """(T,) m/s over a window that jitter does not fill."""
    half = max(1, round(_WINDOW_S * rate_hz / 2))
    padded = np.pad(path, ((half, half), (0, 0)), "reflect", reflect_type="odd")
    return np.linalg.norm(padded[2 * half :] - padded[: -2 * half], axis=1) * rate_hz / (2 * half)


def _lasting(flags: Flags, path: Array, near: float, rate_hz: float) -> Flags:
    """`flags` without moments too short to be a step: a foot that left the floor for less was there all along, or, if
    it went somewhere, stood shorter before and after."""
    found = flags.copy()
    shortest = max(1, round(_SHORTEST_S * rate_hz))
    for start, end in spans(~flags):
        if start > 0 and end < len(flags) and end - start < shortest:
            stayed = np.linalg.norm(path[start - 1 : end + 1] - path[start - 1], axis=1).max() < near
            lacking = 0 if stayed else shortest - (end - start)
            found[max(start - lacking // 2, 0) : end + lacking - lacking // 2] = stayed
    for start, end in spans(found):
        if end - start < shortest:
            found[start:end] = False
    return found
