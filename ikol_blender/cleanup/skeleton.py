"""The bones of an armature, and where they are in a pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .quaternions import matrices

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Skeleton:
    """K bones, parents before children. Frames of reference are Blender's: a bone points along its own Y.

    Attributes:
        names: the bones' names.
        parents: index of each bone's parent, -1 for none.
        rests: (K, 4, 4) rest poses in the armature.
        lengths: (K,) in the armature's units.
        world: (4, 4) from the armature to the world, metres; turned, moved and scaled evenly.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rests: Array
    lengths: Array
    world: Array

    def __len__(self) -> int:
        return len(self.names)

    @property
    def scale(self) -> float:
        """Metres in one unit of the armature."""
        return float(np.cbrt(abs(np.linalg.det(self.world[:3, :3]))))

    def children(self, bone: int) -> tuple[int, ...]:
        return tuple(child for child, parent in enumerate(self.parents) if parent == bone)

    def chain(self, bone: int) -> tuple[int, ...]:
        """`bone` and its ancestors, the root last."""
        found = [bone]
        while self.parents[found[-1]] >= 0:
            found.append(self.parents[found[-1]])
        return tuple(found)


@dataclass(frozen=True)
class Posed:
    """Where the bones are, in the world (metres).

    Attributes:
        heads: (T, K, 3).
        tails: (T, K, 3).
        turns: (T, K, 3, 3) the bones' axes, one per column, of length 1.
    """

    heads: Array
    tails: Array
    turns: Array


def pose(skeleton: Skeleton, rotations: Array, locations: Array) -> Posed:
    """Forward kinematics of bones that inherit rotation and location.

    With the pose G_p, q_p of the parent, rest rotation O and rest offset o relative to it, the bone's own rotation R
    and location l: G = G_p O R and q = q_p + G_p (o + O l).

    Args:
        rotations: (T, K, 4) unit quaternions, the bones' own.
        locations: (T, K, 3) the bones' own.
    """
    count = len(rotations)
    local = matrices(rotations)
    turns = np.empty((count, len(skeleton), 3, 3))
    heads = np.empty((count, len(skeleton), 3))
    for bone, parent in enumerate(skeleton.parents):
        rest = skeleton.rests[bone] if parent < 0 else np.linalg.inv(skeleton.rests[parent]) @ skeleton.rests[bone]
        offset = rest[:3, 3] + locations[:, bone] @ rest[:3, :3].T
        own = rest[:3, :3] @ local[:, bone]
        if parent < 0:
            turns[:, bone], heads[:, bone] = own, offset
        else:
            turns[:, bone] = turns[:, parent] @ own
            heads[:, bone] = heads[:, parent] + (turns[:, parent] @ offset[..., None])[..., 0]
    tails = heads + turns[..., 1] * skeleton.lengths[:, None]
    axes, shift = skeleton.world[:3, :3], skeleton.world[:3, 3]
    return Posed(heads @ axes.T + shift, tails @ axes.T + shift, (axes / skeleton.scale) @ turns)
