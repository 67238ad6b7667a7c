"""Which part of the body a bone belongs to, and its side, by its name: SMPL, Rigify, Mixamo, Unreal, VRM, CMU ..."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .skeleton import Skeleton


class Limb(Enum):
    TRUNK = "trunk"
    HEAD = "head"
    ARM = "arm"
    HAND = "hand"
    LEG = "leg"
    FOOT = "foot"


# Tried from top to bottom on the name's words, lower case, without side and prefix.
_WORDS = (
    (Limb.HAND, r"hand|wrist|finger|thumb|index|middle|ring|pinky|little|palm"),
    (Limb.FOOT, r"foot|toe|ankle|ball|heel"),
    (Limb.ARM, r"arm|elbow|shoulder|clavicle|collar"),
    (Limb.LEG, r"leg|thigh|calf|shin|knee"),
    (Limb.HEAD, r"head|neck|jaw|eye|tongue|teeth|face"),
)
# L_Hip, CC_Base_L_Thigh, RThumb | LeftArm, mixamorig:LeftArm | thigh.l, lShin, left_hand
_SIDE = re.compile(r"(?<![A-Za-z])[LR](?![a-z])|Left|Right|(?<![a-z])(?:left|right|[lr])(?![a-z])")
_OTHER = {"L": "R", "R": "L", "l": "r", "r": "l", "Left": "Right", "Right": "Left", "left": "right", "right": "left"}


@dataclass(frozen=True)
class Leg:
    """Indices of a leg's bones, named by the joint each starts at; `toe` is -1 where the foot is one bone."""

    hip: int
    knee: int
    ankle: int
    toe: int


def side_of(name: str) -> str:
    """ "L", "R" or ""."""
    found = _SIDE.search(name)
    return found[0][0].upper() if found else ""


def other_side(name: str) -> str:
    """The name of the bone on the other side; the name itself for one in the middle."""
    return _SIDE.sub(lambda found: _OTHER[found[0]], name, count=1)


def limb_of(name: str) -> Limb:
    """The part of the body by the bone's name; TRUNK when nothing tells."""
    words = _SIDE.sub(" ", name).lower()
    for limb, pattern in _WORDS:
        if re.search(pattern, words):
            return limb
    # "Hips" is the trunk's, "L_Hip" a leg's.
    return Limb.LEG if "hip" in words and side_of(name) else Limb.TRUNK


def mirror_pairs(names: Sequence[str]) -> tuple[int, ...]:
    """For each bone the index of the one on the other side; its own for bones in the middle or without a partner."""
    index = {name: position for position, name in enumerate(names)}
    return tuple(index.get(other_side(name), position) for position, name in enumerate(names))


def find_legs(skeleton: Skeleton) -> tuple[Leg, ...]:
    """Both legs, left first: a foot's bone whose parent and grandparent are a leg's. Empty when no names tell."""
    limbs = [limb_of(name) for name in skeleton.names]
    found: dict[str, Leg] = {}
    for ankle, limb in enumerate(limbs):
        knee = skeleton.parents[ankle]
        hip = skeleton.parents[knee] if knee >= 0 else -1
        side = side_of(skeleton.names[ankle])
        if limb is not Limb.FOOT or hip < 0 or side in found or {limbs[knee], limbs[hip]} != {Limb.LEG}:
            continue
        toes = [child for child in skeleton.children(ankle) if limbs[child] is Limb.FOOT]
        # Where several start at the ankle, the one that carries others is the toes' own.
        toe = max(toes, key=lambda bone: len(skeleton.children(bone)), default=-1)
        found[side] = Leg(hip, knee, ankle, toe)
    return tuple(found[side] for side in ("L", "R") if side in found)


def root_bone(skeleton: Skeleton, moved: Sequence[bool]) -> int:
    """The bone that carries the body: the first whose location is animated, else the first without a parent."""
    return next((bone for bone, is_moved in enumerate(moved) if is_moved), 0)
