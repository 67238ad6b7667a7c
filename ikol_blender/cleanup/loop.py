"""A cycle: the end of a motion fades into its beginning, so that it can be repeated without a seam.

Over the seam the last moments turn into the first ones, weights rising smoothly from 0 to 1; the cycle then begins
where the fade ends. Position and speed meet, because at both ends of the fade the weights stand still.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .motion import Motion, mix
from .travel import move_over_ground

Array = NDArray[np.float64]


def loop(motion: Motion, root: int, seam: int, travel: bool = False) -> Motion:
    """The cycle: len(motion) - seam samples, the last of which equals the first.

    The way over the ground is taken out evenly, so that the body ends where it began.

    Args:
        root: the bone that carries the body.
        seam: samples of the fade; at least 1 and less than half of the motion.
        travel: give the way back, the same in every cycle; the last sample then equals the first but for it.
    """
    last = len(motion) - 1
    tail, head = motion.part(last - seam, last), motion.part(0, seam)
    way = (tail.posed().heads[:, root, :2] - head.posed().heads[:, root, :2]).mean(axis=0)
    # As far as the body gets in one cycle, taken out evenly.
    share = np.arange(last + 1) / (last - seam)
    level = move_over_ground(motion, root, -share[:, None] * way)
    tail, head = level.part(last - seam, last), level.part(0, seam)
    u = np.linspace(0.0, 1.0, seam + 1)
    faded = mix(tail, head, (u * u * (3 - 2 * u))[:, None])
    kept = level.part(seam, last)
    rotations, locations = kept.rotations.copy(), kept.locations.copy()
    rotations[-seam - 1 :], locations[-seam - 1 :] = faded.rotations, faded.locations
    cycle = replace(kept, rotations=rotations, locations=locations)
    return move_over_ground(cycle, root, (share[seam:] - share[seam])[:, None] * way) if travel else cycle


def unrolled(cycle: Motion, beyond: int) -> Motion:
    """`cycle`, whose last sample is its first again, between `beyond` samples of the cycle before and after it.

    What it gains in a cycle, as a walk's travel, it goes on to gain.
    """
    length = len(cycle) - 1
    index = np.arange(-beyond, len(cycle) + beyond)
    gained = (index // length)[:, None, None] * (cycle.locations[-1] - cycle.locations[0])
    rotations = quat.continuous(cycle.rotations[index % length])
    same = (rotations[beyond] * cycle.rotations[0]).sum(axis=-1) > 0
    rotations = rotations * np.where(same, 1.0, -1.0)[:, None]
    return replace(cycle, rotations=rotations, locations=cycle.locations[index % length] + gained)
