"""The colours of confidence and of contacts, linear RGBA. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Color = tuple[float, float, float, float]

_LEVELS = (0.0, 0.5, 1.0)
_RAMP = np.array([(0.86, 0.10, 0.08), (0.95, 0.70, 0.12), (0.20, 0.62, 0.24)])
# Of left heel, left toe, right heel, right toe: a colour for each side, as animators have it for controls.
CONTACT_COLORS: tuple[Color, ...] = (
    (0.25, 0.55, 1.00, 0.95),
    (0.45, 0.72, 1.00, 0.95),
    (1.00, 0.42, 0.38, 0.95),
    (1.00, 0.62, 0.56, 0.95),
)


def confidence_colors(confidence: Array) -> Array:
    """(T, 4) of confidence (T,), 0..1: red where it is low, over yellow, to green."""
    channels = [np.interp(confidence, _LEVELS, _RAMP[:, channel]) for channel in range(3)]
    return np.stack([*channels, np.full(len(confidence), 0.95)], axis=1)


def doubt_colors(confidence: Array, threshold: float) -> Array:
    """(K, 4) of confidence (K,), 0..1: red, the stronger the lower; without opacity from `threshold` on.

    Red alone: Blender draws selected bones in orange and pale blue.
    """
    doubt = np.clip(1 - confidence / max(threshold, 1e-6), 0.0, 1.0)
    opacity = np.where(confidence < threshold, 0.4 + 0.6 * doubt, 0.0)
    return np.column_stack([np.tile(_RAMP[0], (len(confidence), 1)), opacity])
