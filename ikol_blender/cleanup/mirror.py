"""Left for right: the motion as a mirror across the armature's own X = 0 plane shows it.

With O_k a bone's rest axes in the armature and m its partner on the other side, the bone turns from its parent by
O_m R_m O_m^-1 in the armature's axes; the mirror keeps the angle and the axis's X, and turns Y and Z round. Rolls of
the bones do not matter, because only turns from rest are mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .limbs import mirror_pairs
from .motion import Motion

Array = NDArray[np.float64]

_TURN = np.array([1.0, 1.0, -1.0, -1.0])  # of a quaternion, w first
_SHIFT = np.array([-1.0, 1.0, 1.0])


def mirror(motion: Motion, pairs: Sequence[int] | None = None) -> Motion:
    """Every bone does what its partner did; bones in the middle mirror their own motion.

    Args:
        pairs: (K,) the index of each bone's partner, its own in the middle; None goes by the names.
    """
    skeleton = motion.skeleton
    axes = skeleton.rests[:, :3, :3] / np.linalg.norm(skeleton.rests[:, :3, :3], axis=1, keepdims=True)
    rests, partners = quat.from_matrices(axes), list(mirror_pairs(skeleton.names) if pairs is None else pairs)
    theirs = rests[partners]
    turns = quat.multiply(quat.multiply(theirs, motion.rotations[:, partners]), quat.inverse(theirs)) * _TURN
    shifts = quat.rotate(theirs, motion.locations[:, partners]) * _SHIFT
    return replace(
        motion,
        rotations=quat.continuous(quat.multiply(quat.multiply(quat.inverse(rests), turns), rests)),
        locations=quat.rotate(quat.inverse(rests), shifts),
    )
