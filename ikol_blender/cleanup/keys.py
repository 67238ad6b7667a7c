"""Keys of an F-curve as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Numbers = NDArray[np.int32]

# Blender's numbers for `Keyframe.interpolation`, `.handle_left_type` and `.type`.
CONSTANT, LINEAR, BEZIER = 0, 1, 2
FREE, ALIGNED, AUTO_CLAMPED = 0, 3, 4
ORDINARY, EXTREME = 0, 1


@dataclass(frozen=True)
class Keys:
    """N keys in order of time. Points are (frame, value).

    Attributes:
        co: (N, 2).
        handle_left: (N, 2).
        handle_right: (N, 2).
        interpolation: (N,) CONSTANT, LINEAR, BEZIER ...
        handle_left_type: (N,) FREE, ALIGNED ...
        handle_right_type: (N,)
        type: (N,) ORDINARY, EXTREME ...
    """

    co: Array
    handle_left: Array
    handle_right: Array
    interpolation: Numbers
    handle_left_type: Numbers
    handle_right_type: Numbers
    type: Numbers

    def __len__(self) -> int:
        return len(self.co)

    def where(self, chosen: NDArray[np.bool_]) -> Keys:
        return Keys(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def joined(self, others: Keys) -> Keys:
        """Both, in order of time."""
        both = Keys(*(np.concatenate([getattr(self, f.name), getattr(others, f.name)]) for f in fields(self)))
        order = np.argsort(both.co[:, 0], kind="stable")
        return Keys(*(getattr(both, field.name)[order] for field in fields(both)))


def plain_keys(frames: NDArray[np.float64], values: NDArray[np.float64], interpolation: int = LINEAR) -> Keys:
    """Keys (frames[i], values[i]) with handles a third of the way to their neighbours."""
    points = np.column_stack([frames, values])
    before, after = points.copy(), points.copy()
    third = np.diff(points, axis=0) / 3
    before[1:] -= third
    after[:-1] += third

    def every(number: int) -> Numbers:
        return np.full(len(points), number, np.int32)

    return Keys(
        *(part.astype(np.float32) for part in (points, before, after)),
        interpolation=every(interpolation),
        handle_left_type=every(AUTO_CLAMPED),
        handle_right_type=every(AUTO_CLAMPED),
        type=every(ORDINARY),
    )
