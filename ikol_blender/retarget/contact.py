"""When feet stand, by the roles of their bones: as contact curves say, or as the source moves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..cleanup.contact import standing
from .body_frame import RestBody
from .transfer import Posed

Flags = NDArray[np.bool_]

# The ankle stands for the heel; the toe bone's head is the ball of the foot.
CURVES = {
    "contact_left_heel": "foot.L",
    "contact_left_toe": "toe.L",
    "contact_right_heel": "foot.R",
    "contact_right_toe": "toe.R",
}


def by_curves(curves: Mapping[str, Flags]) -> dict[str, Flags]:
    """Flags (T,) for each role, from those of contact curves by name."""
    return {CURVES[name]: flags for name, flags in curves.items()}


def by_motion(source: RestBody, posed: Posed, rate_hz: float) -> dict[str, Flags]:
    """Flags (T,) for each foot and toe that the source has, from how they move."""
    roles = [
        [role for role in CURVES.values() if role.startswith(part) and source.bone(role) is not None]
        for part in ("foot", "toe")
    ]
    ankles, balls = ([posed.heads[:, source.index(role)] for role in kind] for kind in roles)
    heels, toes = standing(ankles, balls, source.leg_length, rate_hz)
    return dict(zip((*roles[0], *roles[1]), (*heels, *toes), strict=True))
