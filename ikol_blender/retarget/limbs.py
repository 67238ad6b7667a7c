"""Which bones of a side chain are a leg's, or an arm's, joints: every choice, scored by how bodies are built.

Scores are logarithms of likelihoods: each term is a Gaussian about what is usual, as broad as bodies (and cartoons)
differ. Lengths are compared with each other only, so that a rig's scale and pose of the limb do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .bone_tree import TOUCH, BoneTree
from .symmetry import Symmetry

Array = NDArray[np.float64]

# Upper and lower parts shorter than this, in sizes of the rig, are fingers or faces.
_SHORTEST = 0.035
# A term is never worse than this: one odd joint does not forbid a body.
_WORST = -10.0


@dataclass(frozen=True)
class Limb:
    """One choice for a leg or an arm, on one side.

    Attributes:
        start: the first bone of the chain, whose parent is in the middle; of an arm, the shoulder blade's.
        upper, lower, end: bones whose heads are hip, knee and ankle, or shoulder, elbow and wrist.
        tip: the bone of the toes, None when there is none, and for arms.
        joints: (3, 3) their places.
        score: logarithm of the likelihood.
    """

    start: int
    upper: int
    lower: int
    end: int
    tip: int | None
    joints: Array
    score: float

    @property
    def length(self) -> float:
        return float(np.linalg.norm(np.diff(self.joints, axis=0), axis=1).sum())

    @property
    def direction(self) -> Array:
        along = self.joints[2] - self.joints[0]
        return along / max(float(np.linalg.norm(along)), 1e-12)


def usual(value: float, typical: float, spread: float) -> float:
    """Score of a ratio: how many times more or less than `typical`, in units of `spread` (natural logarithms)."""
    if value < 1e-6:
        return _WORST
    return max(-0.5 * (np.log(value / typical) / spread) ** 2, _WORST)


def near(value: float, typical: float, spread: float) -> float:
    """Score of a difference."""
    return max(-0.5 * ((value - typical) / spread) ** 2, _WORST)


def angle(first: Array, second: Array) -> float:
    """Between two vectors, degrees."""
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(np.clip(first @ second / size, -1, 1)))) if size > 1e-12 else 90.0


def legs(tree: BoneTree, symmetry: Symmetry, start: int) -> Iterator[Limb]:
    """Every leg that could begin at or below `start`, which hangs from the middle."""
    for upper, lower in _bends(tree, start):
        thigh = _length(tree, upper, lower)
        for end in (*tree.below[lower][1:], *_loose_ends(tree, symmetry, start, lower)):
            shin = _length(tree, lower, end)
            if shin < _SHORTEST:
                continue
            a, b, c = tree.heads[[upper, lower, end]]
            score = usual(shin / thigh, 1.0, 0.2) + near(angle(b - a, c - b), 5.0, 17.0)
            score += usual(abs(float(symmetry.aside(a))) / (thigh + shin), 0.13, 0.4)
            score += _off_the_way(tree, start, (upper, lower, end))
            if end not in tree.below[lower]:
                score -= 1.0
            for tip, better in _tips(tree, end, c - b, shin):
                yield Limb(start, upper, lower, end, tip, np.stack([a, b, c]), score + better)


def arms(tree: BoneTree, symmetry: Symmetry, start: int) -> Iterator[Limb]:
    """Every arm that could begin at or below `start`, which hangs from the middle."""
    for upper, lower in _bends(tree, start):
        above = _length(tree, upper, lower)
        for end in tree.below[lower][1:]:
            fore = _length(tree, lower, end)
            if fore < _SHORTEST:
                continue
            a, b, c = tree.heads[[upper, lower, end]]
            score = usual(fore / above, 0.92, 0.22) + near(angle(b - a, c - b), 8.0, 25.0)
            score += usual(abs(float(symmetry.aside(a))) / (above + fore), 0.33, 0.4)
            score += _off_the_way(tree, start, (upper, lower, end))
            if upper == start:
                score -= 1.5
            else:
                score += usual(float(np.linalg.norm(tree.heads[start] - a)) / above, 0.5, 0.6)
            score += _hand(tree, end, c - b, above + fore)
            yield Limb(start, upper, lower, end, None, np.stack([a, b, c]), score)


def _bends(tree: BoneTree, start: int) -> Iterator[tuple[int, int]]:
    for lower in tree.below[start][1:]:
        chain = tree.chain(lower)
        for upper in chain[chain.index(start) : -1]:
            if _length(tree, upper, lower) >= _SHORTEST:
                yield upper, lower


def _length(tree: BoneTree, first: int, second: int) -> float:
    return float(np.linalg.norm(tree.heads[second] - tree.heads[first]))


def _loose_ends(tree: BoneTree, symmetry: Symmetry, start: int, lower: int) -> Iterator[int]:
    """Feet that follow a control instead of the shin: they begin where the shin ends, in another chain."""
    for bone in range(len(tree)):
        parent = tree.parents[bone]
        outside = bone not in tree.below[start] and not symmetry.middle(bone) and symmetry.partners[bone] >= 0
        hangs = parent < 0 or symmetry.middle(parent)
        if outside and hangs and np.linalg.norm(tree.heads[bone] - tree.tails[lower]) < TOUCH:
            yield bone


def _off_the_way(tree: BoneTree, start: int, joints: tuple[int, int, int]) -> float:
    """Joints between two of the limb's lie on the line between them; a hand or trunk on the way branches."""
    score = 0.0
    for first, second in pairwise(joints):
        chain = tree.chain(second)
        if first not in chain:
            continue
        a, b = tree.heads[first], tree.heads[second]
        length = float(np.linalg.norm(b - a))
        for bone in chain[chain.index(first) + 1 : -1]:
            place = tree.heads[bone] - a
            along = float(place @ (b - a)) / length**2
            aside = float(np.linalg.norm(place - along * (b - a))) / length
            score += near(aside, 0.0, 0.06) - 0.15 + (near(along, 0.5, 0.3) if not 0 <= along <= 1 else 0.0)
    for bone in tree.chain(joints[2])[len(tree.chain(start)) - 1 : -1]:
        fan = sum(1 for child in tree.children[bone] if len(tree.below[child]) > 1)
        score -= 1.5 * max(0, fan - 2)
    return score


def _hand(tree: BoneTree, end: int, forearm: Array, length: float) -> float:
    """What hangs from the wrist goes on along the arm, a hand's length; fingers make sure."""
    below = tree.below[end]
    fingers = max(
        sum(1 for child in tree.children[bone] if len(tree.below[child]) > 1) for bone in (end, *tree.children[end])
    )
    score = 1.5 if fingers >= 3 else 0.3 if fingers >= 1 else 0.0
    if len(below) == 1:
        return score
    reach = max(float((tree.heads[bone] - tree.heads[end]) @ forearm) for bone in below) / float(
        np.linalg.norm(forearm)
    )
    return score + usual(max(reach, 1e-3) / length, 0.24, 0.5)


def _tips(tree: BoneTree, end: int, shin: Array, length: float) -> Iterator[tuple[int | None, float]]:
    """The toes' bone, or none, each with its score: at an angle to the shin, a third as far."""
    heads = tree.heads
    found: list[tuple[int, float]] = []
    for tip in tree.below[end][1:]:
        foot = heads[tip] - heads[end]
        score = usual(float(np.linalg.norm(foot)) / length, 0.32, 0.35) + near(angle(shin, foot), 70.0, 22.0)
        if tree.parents[tip] != end:
            score -= 1.0
        way = tree.chain(tip)[len(tree.chain(end)) - 1 : -1]
        beside = (sum(angle(foot, heads[other] - heads[end]) < 40.0 for other in tree.children[bone]) for bone in way)
        if max(beside) > 2:
            score -= 4.0  # toes one by one: none of them is the ball of the foot
        found.append((tip, score + 0.1 * min(len(tree.below[tip]), 3)))
    # Feet mostly have toes, if there is anything like them.
    yield None, -2.5 if any(score > -2.5 for _, score in found) else -0.5
    yield from found
