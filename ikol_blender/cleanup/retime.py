"""A motion that runs slower, faster, or stands still for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .keys import Keys
from .motion import Motion

Array = NDArray[np.float64]

# A held moment goes on this slowly (frames a frame), so that each moment before still has one moment after.
_CREEP = 1e-5
_EASE_STEPS = 24


@dataclass(frozen=True)
class TimeMap:
    """When each moment comes. Before the first pair time is as it was; after the last it is shifted.

    Attributes:
        before: (N,) frames, rising.
        after: (N,) the frames on which they come, rising.
    """

    before: Array
    after: Array

    @property
    def shift(self) -> float:
        """Frames by which everything after the last pair comes later."""
        return float(self.after[-1] - self.before[-1])

    def later(self, frames: Array) -> Array:
        """Where the moments of `frames` come."""
        return _mapped(frames, self.before, self.after)

    def earlier(self, frames: Array) -> Array:
        """Which moments come at `frames`."""
        return _mapped(frames, self.after, self.before)

    def moved(self, keys: Keys) -> Keys:
        """`keys` on their new frames, handles too."""

        def points(old: NDArray[np.float32]) -> NDArray[np.float32]:
            times = self.later(old[:, 0].astype(np.float64))
            return np.column_stack([times, old[:, 1]]).astype(np.float32)

        return replace(
            keys,
            co=points(keys.co),
            handle_left=points(keys.handle_left),
            handle_right=points(keys.handle_right),
        )


def paced(frames: Array, speeds: Array, grid: float) -> TimeMap:
    """Run through `frames` (N,) at `speeds` (N,), all above zero, which change evenly from one to the next.

    Args:
        grid: the shift of what comes later is rounded to a multiple of this many frames.
    """
    slowness = 1 / np.asarray(speeds, np.float64)
    steps = np.diff(frames) * (slowness[1:] + slowness[:-1]) / 2
    lasts = float(steps.sum())
    span = float(frames[-1] - frames[0])
    wanted = span + grid * round((lasts - span) / grid)
    after = frames[0] + np.concatenate([[0.0], np.cumsum(steps)]) * (max(wanted, grid) / lasts)
    return TimeMap(np.asarray(frames, np.float64), after)


def held(frame: float, frames: float, ease: float, first: float, last: float, grid: float) -> TimeMap:
    """Stand still on `frame` for as long as `frames`.

    The motion comes to rest within `ease` frames and leaves as slowly; it covers half of its way meanwhile.

    Args:
        first, last: where the motion begins and ends: there is no easing beyond.
        grid: the shift of what comes later is rounded to a multiple of this many frames.
    """
    arrive, leave = (max(0.0, min(ease, 2 * room)) for room in (frame - first, last - frame))
    added = grid * max(1, round((frames + (arrive + leave) / 2) / grid))
    still = added - (arrive + leave) / 2
    u = np.linspace(0, 1, _EASE_STEPS + 1)
    way = u - u**3 + u**4 / 2  # the integral of a speed that falls smoothly from 1 to 0
    creep = _CREEP * still
    times = [frame - arrive / 2 + arrive * u, frame + arrive / 2 + still + leave * u]
    moments = [frame - arrive / 2 + arrive * way, frame + leave / 2 - leave * way[::-1] + creep]
    moments[1][-1] -= creep if leave > 0 else 0.0
    after, at = np.concatenate(times), np.concatenate(moments)
    rising = np.concatenate([[True], (np.diff(after) > 1e-9) & (np.diff(at) > 0)])
    return TimeMap(at[rising], after[rising])


def resampled(motion: Motion, at: Array) -> Motion:
    """The motion at the samples `at` (N,), fractions allowed: cubic between them, whole ones as they are."""
    last = len(motion) - 1
    at = np.clip(at, 0, last)
    low = np.minimum(at.astype(np.int64), max(last - 1, 0))
    u = at - low
    index = np.clip(low + np.arange(-1, 3)[:, None], 0, last)
    # Catmull and Rom's weights (Computer Aided Geometric Design, 1974).
    weights = np.stack(
        [
            u * (-0.5 + u * (1 - 0.5 * u)),
            1 + u * u * (-2.5 + 1.5 * u),
            u * (0.5 + u * (2 - 1.5 * u)),
            u * u * (-0.5 + 0.5 * u),
        ]
    )
    rotations = np.einsum("nt,ntkc->tkc", weights, quat.continuous(motion.rotations)[index])
    locations = np.einsum("nt,ntkc->tkc", weights, motion.locations[index])
    return replace(motion, rotations=quat.continuous(quat.normalized(rotations)), locations=locations)


def _mapped(frames: Array, start: Array, end: Array) -> Array:
    inside = np.interp(frames, start, end)
    early, late = np.minimum(frames - start[0], 0.0), np.maximum(frames - start[-1], 0.0)
    return inside + early + late
