"""A skeleton's motion, sampled evenly in time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .quaternions import slerp
from .skeleton import Posed, Skeleton, pose

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """Attributes:
    skeleton: the K bones.
    rate_hz: samples a second.
    rotations: (T, K, 4) the bones' own rotations, unit quaternions without sign flips, w first.
    locations: (T, K, 3) the bones' own locations, in the armature's units.
    """

    skeleton: Skeleton
    rate_hz: float
    rotations: Array
    locations: Array

    def __len__(self) -> int:
        return len(self.rotations)

    def posed(self) -> Posed:
        """Where the bones are in the world."""
        return pose(self.skeleton, self.rotations, self.locations)

    def with_rotations(self, rotations: Array) -> Motion:
        return replace(self, rotations=rotations)

    def part(self, first: int, last: int) -> Motion:
        """Samples `first` to `last`, both included."""
        return replace(self, rotations=self.rotations[first : last + 1], locations=self.locations[first : last + 1])


def mix(before: Motion, after: Motion, weights: Array) -> Motion:
    """`before` where `weights` is 0, `after` where it is 1; (T, K), or what broadcasts to it."""
    weights = np.broadcast_to(weights, before.rotations.shape[:2])
    locations = before.locations + (after.locations - before.locations) * weights[..., None]
    return replace(before, rotations=slerp(before.rotations, after.rotations, weights), locations=locations)


def fade(count: int, first: int, last: int, ease: int) -> Array:
    """(count,) weights: 1 from sample `first` to `last`, 0 outside; inside edges that have motion beyond them, a smooth
    rise over `ease` samples, so that an edit of a part meets the rest without a jump."""
    index = np.arange(count, dtype=np.float64)
    rise = np.ones(count)
    if ease > 0 and first > 0:
        rise = np.minimum(rise, (index - first + 1) / (ease + 1))
    if ease > 0 and last < count - 1:
        rise = np.minimum(rise, (last + 1 - index) / (ease + 1))
    rise = np.clip(rise, 0, 1)
    inside = (index >= first) & (index <= last)
    return np.where(inside, rise * rise * (3 - 2 * rise), 0.0)
