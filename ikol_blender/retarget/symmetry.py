"""The plane that mirrors a rig's left onto its right, and which bone is whose mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bone_tree import TOUCH, BoneTree

Array = NDArray[np.float64]

# How many pairs of bones are tried as telling the plane, those with most below them first.
_TRIES = 80
# How far apart, in sizes of the rig, a bone and the mirror image of its partner may be.
_APART = 0.03


@dataclass(frozen=True)
class Symmetry:
    """Attributes:
    normal: (3,) of the plane, unit; to one of the sides.
    offset: the plane's distance from the origin along the normal.
    partners: each bone's mirror image; itself for a bone in the middle, -1 when it has none.
    share: of what lies beside the plane, how much has its mirror image, 0..1.
    """

    normal: Array
    offset: float
    partners: tuple[int, ...]
    share: float

    def aside(self, points: Array) -> Array:
        """Signed distances from the plane."""
        return points @ self.normal - self.offset

    def mirrored(self, points: Array) -> Array:
        return points - 2 * self.aside(points)[..., None] * self.normal

    def in_middle(self, point: Array) -> Array:
        """`point` (3,) moved onto the plane."""
        return point - float(self.aside(point)) * self.normal

    def middle(self, bone: int) -> bool:
        return self.partners[bone] == bone


def find_symmetry(tree: BoneTree) -> Symmetry | None:
    """None when there is nothing to mirror."""
    best: tuple[float, Array, float] | None = None
    for first, second in _candidates(tree):
        across = tree.heads[first] - tree.heads[second]
        normal = across / np.linalg.norm(across)
        offset = float((tree.heads[first] + tree.heads[second]) @ normal / 2)
        share = _share(tree, normal, offset)
        if best is None or share > best[0] + 1e-9:
            best = (share, normal, offset)
    if best is None:
        return None
    share, normal, offset = best
    return Symmetry(normal, offset, _partners(tree, normal, offset), share)


def _candidates(tree: BoneTree) -> list[tuple[int, int]]:
    """Pairs of bones with one parent or grandparent, as far from it, and with as much below them."""
    reach = np.array([np.ptp(tree.heads[list(bones)], axis=0).max() for bones in tree.below])
    counts = np.array([len(bones) for bones in tree.below])
    parents = np.array(tree.parents)
    grand = np.where(parents >= 0, parents[parents], -1)
    siblings = parents[:, None] == parents
    cousins = (grand[:, None] == grand) & (grand >= 0)
    alike = np.maximum(counts[:, None], counts) <= 1.3 * np.minimum(counts[:, None], counts) + 2
    first, second = np.nonzero(np.triu((siblings | cousins) & alike, 1))
    apart = np.linalg.norm(tree.heads[first] - tree.heads[second], axis=1)
    worth = np.where(apart > TOUCH, reach[first] + reach[second] + apart, -np.inf)
    best = [place for place in np.argsort(-worth, kind="stable")[:_TRIES] if worth[place] > 0]
    return [(int(first[place]), int(second[place])) for place in best]


def _share(tree: BoneTree, normal: Array, offset: float) -> float:
    aside = tree.heads @ normal - offset
    mirrored = tree.heads - 2 * aside[:, None] * normal
    squares = (tree.heads**2).sum(axis=1)
    apart = (mirrored**2).sum(axis=1)[:, None] + squares - 2 * mirrored @ tree.heads.T
    np.fill_diagonal(apart, np.inf)
    weight = np.abs(aside)
    if weight.sum() < TOUCH:
        return 0.0
    return float((weight * np.exp(-0.5 * apart.min(axis=1) / (_APART / 2) ** 2)).sum() / weight.sum())


def _partners(tree: BoneTree, normal: Array, offset: float) -> tuple[int, ...]:
    """From the roots down: children in the middle are their own partners, the others find each other."""
    aside = tree.heads @ normal - offset
    centres = np.array([tree.heads[list(bones)].mean(axis=0) for bones in tree.below])
    one_sided = np.array(
        [abs(aside[list(bones)].sum()) / max(np.abs(aside[list(bones)]).sum(), 1e-12) for bones in tree.below]
    )
    spread = np.array([np.abs(aside[list(bones)]).max() for bones in tree.below])
    central = (np.abs(aside) < _APART / 2) & ((one_sided < 0.5) | (spread < _APART / 2))
    partners = [-1] * len(tree)
    roots = [bone for bone, parent in enumerate(tree.parents) if parent < 0]
    waiting: list[tuple[list[int], list[int], bool]] = [(roots, roots, True)]

    def cost(first: int, second: int) -> float:
        images = [points[second] - 2 * (points[second] @ normal - offset) * normal for points in (tree.heads, centres)]
        off = np.linalg.norm(images[0] - tree.heads[first]) + np.linalg.norm(images[1] - centres[first])
        counts = len(tree.below[first]), len(tree.below[second])
        return float(off + 0.02 * abs(np.log(counts[0] / counts[1])))

    while waiting:
        left, right, same = waiting.pop()
        beside = [bone for bone in left if not central[bone]] if same else left
        pairs = sorted((cost(a, b), a, b) for a in beside for b in (beside if same else right) if a != b)
        for price, a, b in pairs:
            if price < 3 * _APART and partners[a] < 0 and partners[b] < 0:
                partners[a], partners[b] = b, a
                waiting.append((list(tree.children[a]), list(tree.children[b]), False))
        # What starts in the middle and has no image is in the middle too, though more may hang to one side of it.
        for bone in left if same else ():
            if partners[bone] < 0 and abs(aside[bone]) < _APART / 2:
                partners[bone] = bone
                waiting.append((list(tree.children[bone]), list(tree.children[bone]), True))
    return tuple(partners)
