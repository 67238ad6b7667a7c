"""A rig's bones as a tree of joints in space, whatever they are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cleanup.skeleton import Skeleton

Array = NDArray[np.float64]

# Two points this near, in sizes of the rig, are one.
TOUCH = 0.01


@dataclass(frozen=True)
class BoneTree:
    """K bones, parents before children. The unit of length is the rig's size, the diagonal of its joints' bounding box.

    Attributes:
        names: the bones' names.
        parents: index of each bone's parent, -1 for none.
        heads: (K, 3) the joints.
        tails: (K, 3) where the bones end; in rigs of games that may be anywhere.
        children: the children of each bone.
        below: each bone and all that hangs from it.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: Array
    tails: Array
    children: tuple[tuple[int, ...], ...]
    below: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.names)

    def chain(self, bone: int) -> tuple[int, ...]:
        """`bone` and its ancestors, the root first."""
        found = [bone]
        while self.parents[found[0]] >= 0:
            found.insert(0, self.parents[found[0]])
        return tuple(found)

    def common(self, first: int, second: int) -> int:
        """The nearest bone that both hang from (or are), -1 for none."""
        above = set(self.chain(first))
        return next((bone for bone in reversed(self.chain(second)) if bone in above), -1)


def bone_tree(skeleton: Skeleton) -> BoneTree:
    """`skeleton` without the bones that only mark where their parent ends."""
    heads = skeleton.rests[:, :3, 3]
    tails = heads + skeleton.rests[:, :3, 1] * skeleton.lengths[:, None]
    size = float(np.linalg.norm(np.ptp(heads, axis=0)))
    size = size if size > 1e-12 else 1.0
    heads, tails = (heads - heads.mean(axis=0)) / size, (tails - heads.mean(axis=0)) / size
    parents = list(skeleton.parents)
    kept = [bone for bone in range(len(parents)) if not _marks_an_end(bone, parents, heads, tails)]
    place = {bone: index for index, bone in enumerate(kept)}
    parents = [place.get(parents[bone], -1) for bone in kept]
    children: list[list[int]] = [[] for _ in kept]
    for bone, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(bone)
    below: list[tuple[int, ...]] = [() for _ in kept]
    for bone in reversed(range(len(kept))):
        below[bone] = (bone, *(deeper for child in children[bone] for deeper in below[child]))
    names = tuple(skeleton.names[bone] for bone in kept)
    return BoneTree(names, tuple(parents), heads[kept], tails[kept], tuple(map(tuple, children)), tuple(below))


def _marks_an_end(bone: int, parents: list[int], heads: Array, tails: Array) -> bool:
    """Exporters put such bones (`Head_end`) where chains end; back in Blender they go on as their parent does."""
    parent = parents[bone]
    if parent < 0 or bone in parents:
        return False
    along, before = tails[bone] - heads[bone], tails[parent] - heads[parent]
    touches = np.linalg.norm(heads[bone] - tails[parent]) < TOUCH
    return bool(touches and np.linalg.norm(along - before) < 0.02 * np.linalg.norm(before))
