"""The way that a body takes over the ground: taken away, or made to end where it began."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .butterworth import low_pass
from .motion import Motion

Array = NDArray[np.float64]

_SWAY_HZ = 0.5  # what is slower is travel, what is faster is how a body sways as it walks


def path_of_travel(motion: Motion, root: int) -> Array:
    """(T, 2) the way over the ground, without the sway; world, m.

    Args:
        root: the bone that carries the body.
    """
    return low_pass(motion.posed().heads[:, root, :2], motion.rate_hz, _SWAY_HZ)


def move_over_ground(motion: Motion, root: int, shift: Array) -> Motion:
    """The body moved by `shift` (T, 2), world metres."""
    step = np.concatenate([np.broadcast_to(shift, (len(motion), 2)), np.zeros((len(motion), 1))], axis=1)
    return move_body(motion, root, step)


def move_body(motion: Motion, root: int, step: Array) -> Motion:
    """The body moved by `step` (T, 3), world metres.

    Args:
        root: the bone that carries the body. Its parents, if it has any, may move too.
    """
    locations = motion.locations.copy()
    locations[:, root] += _own_axes(motion, root, step)
    return replace(motion, locations=locations)


def _own_axes(motion: Motion, root: int, step: Array) -> Array:
    """(T, 3) what the root's own location must change by for its head to move by `step` (T, 3), world metres."""
    skeleton, parent = motion.skeleton, motion.skeleton.parents[root]
    rest = skeleton.rests[root, :3, :3]
    if parent < 0:
        axes = np.broadcast_to(skeleton.world[:3, :3] / skeleton.scale @ rest, (len(motion), 3, 3))
    else:
        axes = motion.posed().turns[:, parent] @ skeleton.rests[parent, :3, :3].T @ rest
    return np.einsum("tij,ti->tj", axes, step) / skeleton.scale
