"""Which family of rigs an armature belongs to, by the names of its bones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..contract import BadInput
from .bone_map import NEEDED, BoneMap, load_map

FOLDER = Path(__file__).resolve().parents[2] / "addon_assets" / "rigs"


@dataclass(frozen=True)
class Detection:
    """Attributes:
    bone_map: of bones that are there.
    score: the share of the family's bones that were found, 0..1.
    """

    bone_map: BoneMap
    score: float


def detect(names: Iterable[str]) -> Detection:
    """The family that fits `names` best: all needed parts, then most bones found, then the largest share of its own.

    Raises:
        BadInput: no family fits.
    """
    present = tuple(names)
    fits = [fit for path in sorted(FOLDER.glob("*.json")) if (fit := _fit(*load_map(path), present)) is not None]
    if not fits:
        raise BadInput(
            "The bones have names of no rig family that IKOL knows.",
            hint="Give a bone map: a JSON file like those in addon_assets/rigs.",
        )
    return max(fits, key=lambda fit: (len(fit.bone_map.names()), fit.score))


def _fit(family: BoneMap, prefix: str, names: tuple[str, ...]) -> Detection | None:
    pattern = re.compile(prefix)
    by_plain = {pattern.sub("", name, count=1): name for name in names if pattern.match(name)}
    found = {role: tuple(by_plain[bone] for bone in bones if bone in by_plain) for role, bones in family.bones.items()}
    found = {role: bones for role, bones in found.items() if bones}
    if any(role not in found for role in NEEDED):
        return None
    matched = BoneMap(family.title, found)
    return Detection(matched, len(matched.names()) / len(family.names()))
