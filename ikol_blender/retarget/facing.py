"""Which side of a rig is its left: by where it faces, and by what its bones are called."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from .bone_tree import TOUCH, BoneTree
from .limbs import Limb
from .symmetry import Symmetry

Array = NDArray[np.float64]

# "Left", "left_", "L_", "_l", ".L" as a word of its own, or "Left" and "Right" with a capital letter after them.
_WORD = r"(?:^|[^a-zA-Z]){}(?:$|[^a-zA-Z])|(?:^|[^a-zA-Z]){}(?=[A-Z])"
_SIDES = {1: re.compile(_WORD.format("(?:[lL]|[lL]eft|LEFT)", "[lL]eft"))} | {
    -1: re.compile(_WORD.format("(?:[rR]|[rR]ight|RIGHT)", "[rR]ight"))
}
# So many named bones settle the question.
_ENOUGH = 6


def side_of_normal(tree: BoneTree, symmetry: Symmetry, leg: Limb, arm: Limb, head: int | None) -> tuple[int, float]:
    """Whether the mirror plane's normal points to the body's left (1) or right (-1), and how sure that is, 0..1."""
    votes = _votes(tree, symmetry)
    if len(votes) >= _ENOUGH and abs(np.mean(votes)) > 0.6:
        return (1 if np.mean(votes) > 0 else -1), 1.0
    evidence = _facing(tree, symmetry, leg, arm, head)
    return (1 if evidence >= 0 else -1), float(1 / (1 + np.exp(-2.0 * abs(evidence))))


def _votes(tree: BoneTree, symmetry: Symmetry) -> list[float]:
    """1 for each bone beside the plane that says that the normal points to the left, -1 for the contrary."""
    found: list[float] = []
    for bone, name in enumerate(tree.names):
        sides = [side for side, pattern in _SIDES.items() if pattern.search(name)]
        aside = float(symmetry.aside(tree.heads[bone]))
        if len(sides) == 1 and abs(aside) > TOUCH:
            found.append(float(sides[0] * np.sign(aside)))
    return found


def _facing(tree: BoneTree, symmetry: Symmetry, leg: Limb, arm: Limb, head: int | None) -> float:
    """How much speaks for the normal as left: feet and faces point forward, knees bend forward, elbows backward."""
    hip, ankle = (symmetry.in_middle(leg.joints[place]) for place in (0, 2))
    up = (hip - ankle) / np.linalg.norm(hip - ankle)
    ahead = np.cross(symmetry.normal, up)  # forward, if the normal points to the left
    unit = leg.length
    below = list(tree.below[leg.end][1:])
    toes = tree.heads[below].mean(axis=0) if below else tree.tails[leg.end]
    weight = 3.0 if below else 1.5 * _tails_tell(tree)
    evidence = weight * np.clip((toes - leg.joints[2]) @ ahead / unit / 0.06, -1, 1)
    evidence += 1.0 * np.clip(_bend(leg) @ ahead / unit / 0.02, -1, 1)
    evidence -= 0.7 * np.clip(_bend(arm) @ ahead / unit / 0.02, -1, 1)
    if head is not None and len(tree.below[head]) > 2:
        face = tree.heads[list(tree.below[head][1:])].mean(axis=0) - tree.heads[head]
        evidence += 1.5 * np.clip(face @ ahead / unit / 0.05, -1, 1)
    return float(evidence)


def _tails_tell(tree: BoneTree) -> float:
    """Of the bones that have children, the share that end where one of them begins."""
    ends = [
        min(float(np.linalg.norm(tree.tails[bone] - tree.heads[child])) for child in children) < TOUCH
        for bone, children in enumerate(tree.children)
        if children
    ]
    return float(np.mean(ends))


def _bend(limb: Limb) -> Array:
    """How far the middle joint lies off the line between the others."""
    a, b, _ = limb.joints
    along = limb.direction
    return (b - a) - along * float((b - a) @ along)
