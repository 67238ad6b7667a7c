"""Which bones of a rig with unknown names play which part: by topology, symmetry, places and lengths at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from .bone_map import NEEDED, ROLES, BoneMap
from .bone_tree import TOUCH, BoneTree, bone_tree
from .facing import side_of_normal
from .limbs import Limb, angle, arms, legs, near, usual
from .symmetry import Symmetry, find_symmetry

Array = NDArray[np.float64]

# Of each chain, how many choices are weighed against those of the others, and how far behind the best they may be.
_CHOICES, _BEHIND = 12, 12.0
# A body as likely as this is as likely as not no body.
_DOUBTFUL = -14.0
_BY_HAND = "Map the bones by hand in the Retarget panel, or load a map."


@dataclass(frozen=True)
class Guess:
    """Attributes:
    bone_map: what plays which part.
    sure: how sure each part is, 0..1.
    """

    bone_map: BoneMap
    sure: Mapping[str, float]


@dataclass(frozen=True)
class _Body:
    """One choice of legs and arms, with the bones in the middle that carry them."""

    leg: Limb
    arm: Limb
    hips: int
    chest: int
    score: float


def guess(skeleton: Skeleton) -> Guess:
    """Raises:
    BadInput: there is nothing like a body.
    """
    tree = bone_tree(skeleton)
    symmetry = find_symmetry(tree)
    bodies = sorted(_bodies(tree, symmetry), key=lambda body: -body.score) if symmetry is not None else []
    if symmetry is None or not bodies or bodies[0].score < 2 * _DOUBTFUL:
        raise BadInput("No body was found among the bones: two legs, a spine and two arms.", hint=_BY_HAND)
    best = bodies[0]
    weights = np.exp(np.array([body.score for body in bodies]) - best.score)
    weights /= weights.sum()
    body_sure = float(1 / (1 + np.exp(_DOUBTFUL - best.score))) * min(1.0, symmetry.share / 0.8)

    def share_of(same: Callable[[_Body], bool]) -> float:
        return body_sure * float(sum(w for body, w in zip(bodies, weights, strict=True) if same(body)))

    bones, sure = _trunk(tree, symmetry, best)
    agreed = share_of(lambda body: (body.hips, body.chest) == (best.hips, best.chest))
    sure = {role: value * agreed for role, value in sure.items()}
    to_left, side_sure = side_of_normal(tree, symmetry, best.leg, best.arm, bones.get("head", (None,))[0])
    for role, limb, path, same in _limb_roles(tree, best):
        on_the_left = float(symmetry.aside(limb.joints[0])) * to_left > 0
        likely = share_of(same) * side_sure
        for side, chosen, found in (
            ("L" if on_the_left else "R", path, 1.0),
            ("R" if on_the_left else "L", *_images(tree, symmetry, limb, path)),
        ):
            if chosen:
                bones[f"{role}.{side}"], sure[f"{role}.{side}"] = chosen, likely * found
    missing = [role for role in NEEDED if role not in bones]
    if missing:
        raise BadInput(f"No {missing[0]} was found among the bones.", hint=_BY_HAND)
    named = {role: tuple(tree.names[bone] for bone in bones[role]) for role in ROLES if role in bones}
    return Guess(BoneMap("Found by shape", named), {role: round(sure[role], 3) for role in named})


def _images(tree: BoneTree, symmetry: Symmetry, limb: Limb, path: tuple[int, ...]) -> tuple[tuple[int, ...], float]:
    """The bones of the other side, and how sure they are: less where one has no clear mirror image."""
    found, sure = [], 1.0
    for bone in path:
        image = symmetry.partners[bone]
        if image < 0:
            below = np.array(tree.below[symmetry.partners[limb.start]])
            apart = np.linalg.norm(symmetry.mirrored(tree.heads[below]) - tree.heads[bone], axis=1)
            if apart.min() > 0.2 * limb.length:
                return (), 0.0
            image, sure = int(below[apart.argmin()]), 0.5
        found.append(image)
    return tuple(found), sure


def _bodies(tree: BoneTree, symmetry: Symmetry) -> Iterator[_Body]:
    starts = [
        bone
        for bone in range(len(tree))
        if symmetry.partners[bone] > bone
        and (tree.parents[bone] < 0 or symmetry.middle(tree.parents[bone]))
        and symmetry.partners[bone] != bone
    ]
    all_legs = [limb for start in starts for limb in _best(legs(tree, symmetry, start))]
    all_arms = [limb for start in starts for limb in _best(arms(tree, symmetry, start))]
    for leg, arm in product(all_legs, all_arms):
        if leg.start == arm.start:
            continue
        carrier, chest = tree.parents[leg.start], tree.parents[arm.start]
        if carrier < 0 or chest < 0:
            continue
        hips = tree.common(carrier, chest)
        if hips < 0:
            continue
        yield _Body(leg, arm, hips, chest, leg.score + arm.score + _fits(symmetry, leg, arm))


def _best(choices: Iterable[Limb]) -> list[Limb]:
    ordered = sorted(choices, key=lambda limb: -limb.score)[:_CHOICES]
    return [limb for limb in ordered if limb.score > ordered[0].score - _BEHIND]


def _fits(symmetry: Symmetry, leg: Limb, arm: Limb) -> float:
    """Score of legs and arms as parts of one body."""
    hip, ankle = (symmetry.in_middle(leg.joints[place]) for place in (0, 2))
    trunk = symmetry.in_middle(arm.joints[0]) - hip
    score = usual(arm.length / leg.length, 0.64, 0.25)
    score += usual(float(np.linalg.norm(trunk)) / leg.length, 0.6, 0.3)
    score += near(angle(trunk, hip - ankle), 0.0, 15.0)
    # Arms reach to the side or down, not up along the head.
    return score + near(max(0.0, 60.0 - angle(trunk, arm.direction)), 0.0, 20.0)


def _limb_roles(tree: BoneTree, body: _Body) -> Iterator[tuple[str, Limb, tuple[int, ...], Callable[[_Body], bool]]]:
    """Role, limb, its bones on the limb's side, and how to tell whether another choice agrees."""
    leg, arm = body.leg, body.arm

    def way(first: int, last: int) -> tuple[int, ...]:
        chain = tree.chain(last)
        return chain[chain.index(first) : -1] if first in chain else (first,)

    yield "thigh", leg, way(leg.upper, leg.lower), lambda other: other.leg.upper == leg.upper
    yield "shin", leg, way(leg.lower, leg.end), lambda other: other.leg.lower == leg.lower
    yield "foot", leg, (leg.end,), lambda other: other.leg.end == leg.end
    if leg.tip is not None:
        yield "toe", leg, (leg.tip,), lambda other: other.leg.tip == leg.tip
    if arm.start != arm.upper:
        yield "shoulder", arm, way(arm.start, arm.upper), lambda other: other.arm.start == arm.start
    yield "upper_arm", arm, way(arm.upper, arm.lower), lambda other: other.arm.upper == arm.upper
    yield "forearm", arm, way(arm.lower, arm.end), lambda other: other.arm.lower == arm.lower
    yield "hand", arm, (arm.end,), lambda other: other.arm.end == arm.end


def _trunk(tree: BoneTree, symmetry: Symmetry, body: _Body) -> tuple[dict[str, tuple[int, ...]], dict[str, float]]:
    hip, ankle = (symmetry.in_middle(body.leg.joints[place]) for place in (0, 2))
    up = (hip - ankle) / np.linalg.norm(hip - ankle)
    unit = body.leg.length
    heights = (tree.heads - hip) @ up / unit
    chain = tree.chain(body.chest)
    first = chain.index(body.hips)
    # A root on the floor carries legs and spine, but is not the hips.
    while first + 1 < len(chain) and heights[chain[first]] < -0.35:
        first += 1
    hips, spine = chain[first], chain[first + 1 :]
    shoulder = float((body.arm.joints[0] - hip) @ up) / unit
    choices = sorted(_heads(tree, symmetry, body, heights - shoulder), reverse=True)
    bones: dict[str, tuple[int, ...]] = {"hips": (hips,)}
    sure = {"hips": float(np.exp(near(heights[hips], 0.02, 0.25)))}
    if spine:
        rising = float(np.mean(np.diff(heights[[hips, *spine]]) > -0.03))
        bones["spine"], sure["spine"] = spine, rising
    if choices:
        score, head = choices[0]
        scores = np.array([other for other, _ in choices])
        certain = float(1 / np.exp(scores - score).sum()) / (1 + float(np.exp(-4.0 - score)))
        bones["head"], sure["head"] = (head,), certain
        up_chain = tree.chain(head)
        neck = up_chain[up_chain.index(body.chest) + 1 : -1]
        low = tuple(bone for bone in neck if heights[bone] - shoulder < -0.08)
        if low:
            bones["spine"] = (*spine, *low)
            sure.setdefault("spine", 1.0)
        if len(neck) > len(low):
            bones["neck"], sure["neck"] = neck[len(low) :], certain
    return bones, sure


def _heads(tree: BoneTree, symmetry: Symmetry, body: _Body, heights: Array) -> Iterator[tuple[float, int]]:
    """Score and bone of each that could be the head; `heights` (K,) above the shoulders, in legs."""
    for bone in tree.below[body.chest][1:]:
        if not symmetry.middle(bone):
            continue
        chain = tree.chain(bone)
        between = chain[chain.index(body.chest) + 1 : -1]
        if not all(symmetry.middle(other) for other in between):
            continue
        score = usual(float(heights[bone]), 0.19, 0.45)
        score -= 2.0 * sum(min(len(tree.children[other]) - 1, 2) for other in between)
        # A face may begin where the head does: both are one joint, and the outer bone is the head.
        apart = np.linalg.norm(tree.heads[list(tree.children[bone])] - tree.heads[bone], axis=1)
        if np.linalg.norm(tree.heads[tree.parents[bone]] - tree.heads[bone]) < TOUCH / 2:
            score -= 2.0
        if len(apart) != 1 or apart[0] < TOUCH / 2:
            score += 1.5
        yield score, bone
