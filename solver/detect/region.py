"""The turned square around a person that the landmark network looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_MARGIN = 1.25  # room around the circle that holds the person, as the network was trained


@dataclass(frozen=True)
class Region:
    """A square in the picture.

    Attributes:
        center: (2,) px.
        size: side, px.
        angle: radians; the square's up is the picture's up turned clockwise by it.
    """

    center: Array
    size: float
    angle: float

    @staticmethod
    def around(center: Array, edge: Array) -> Region:
        """From the middle of the hips (2,) to the top of the circle that holds the whole person (2,), px."""
        toward = edge - center
        angle = np.arctan2(toward[0], -toward[1])
        return Region(np.asarray(center, np.float64), float(2 * np.hypot(*toward) * _MARGIN), float(angle))

    @property
    def turn(self) -> Array:
        """(2, 2) turns the square's axes into the picture's."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array(((cosine, -sine), (sine, cosine)))

    def to_picture(self, side: int) -> Array:
        """(2, 3) affine map from a crop of `side` pixels to the picture."""
        linear = self.turn * (self.size / side)
        return np.column_stack((linear, self.center - linear @ (side / 2, side / 2)))

    def crop(self, rgb: Array, side: int) -> Array:
        """(side, side, 3) the square's content."""
        return cv2.warpAffine(
            rgb,
            self.to_picture(side),
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def covers(self, other: Region) -> bool:
        """Whether `other` is about the same person: centres closer than a quarter of the larger square."""
        return self._apart(other) < 0.25

    def coincides(self, other: Region) -> bool:
        """Whether nobody but the same person can be in `other`: centres closer than a tenth of the larger square."""
        return self._apart(other) < 0.1

    def _apart(self, other: Region) -> float:
        return float(np.hypot(*(self.center - other.center))) / max(self.size, other.size)
