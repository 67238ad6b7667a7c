"""Ground travel and heading on a bone of their own, as game engines read root motion; the hips keep the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..cleanup.bell import bell_mean
from .body_frame import RestBody
from .transfer import Posed

Array = NDArray[np.float64]

# The root glides: the hips' sway within this time stays on the hips.
_GLIDE_S = 0.5


def carry(target: RestBody, posed: Posed, rate_hz: float, *, heading: bool) -> Posed:
    """`posed` with the root bone, the skeleton's first, under the body. All other bones stay where they are.

    Args:
        heading: turn the root about the world's up as the hips turn; otherwise it keeps its rest.
    """
    turns, heads = posed.turns.copy(order="K"), posed.heads.copy(order="K")
    hips = (target.joint("thigh.L") + target.joint("thigh.R")) / 2
    now = (posed.heads[:, target.index("thigh.L")] + posed.heads[:, target.index("thigh.R")]) / 2
    yaw = _heading(target, posed, rate_hz) if heading else np.zeros(len(now))
    about_up = quat.exp(yaw[:, None] * np.array([0.0, 0.0, 1.0]))
    turns[:, 0] = quat.multiply(about_up, target.turns[0])
    heads[:, 0] = _gliding(now, rate_hz) - quat.rotate(about_up, hips - target.heads[0])
    heads[:, 0, 2] = target.heads[0, 2]
    return Posed(turns, heads)


def _heading(target: RestBody, posed: Posed, rate_hz: float) -> Array:
    """(T,) radians about the world's up from where the body faces at rest.

    From the line between the hip joints: it keeps its heading through a somersault, which the hips' front does not.
    """
    rest = target.joint("thigh.L") - target.joint("thigh.R")
    line = _gliding(posed.heads[:, target.index("thigh.L")] - posed.heads[:, target.index("thigh.R")], rate_hz)
    return np.unwrap(np.arctan2(line[:, 1], line[:, 0]) - np.arctan2(rest[1], rest[0]))


def _gliding(path: Array, rate_hz: float) -> Array:
    """(T, 3) without what goes to and fro faster than `_GLIDE_S`; a steady walk stays as it is up to its ends."""
    return bell_mean(path, round(_GLIDE_S * rate_hz / 2), onward=True)
