"""Which family of rigs an armature belongs to, by the names of its bones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
    sure: how sure the bones of each role are, 0..1.
    """

    bone_map: BoneMap
    score: float
    sure: Mapping[str, float]


def detect(names: Iterable[str]) -> Detection:
    """The family that fits `names` best: all needed parts, controls before what they move, then most bones found,
    then the largest share of its own.

    Raises:
        BadInput: no family fits.
    """
    present = tuple(names)
    fits = [fit for path in sorted(FOLDER.glob("*.json")) for fit in _fits(*load_map(path), present)]
    if not fits:
        raise BadInput(
            "The bones have names of no rig family that IKOL knows.",
            hint="Map the bones by hand in the Retarget panel, or load a map.",
        )
    return max(fits, key=lambda fit: (bool(fit.bone_map.settings), len(fit.bone_map.names()), fit.score))


def fitted(family: BoneMap, prefix: str, names: Iterable[str]) -> BoneMap:
    """`family` with those of its bones that are among `names`, under the prefix that most of them carry.

    Raises:
        BadInput: none of them is.
    """
    fits = list(_found(family, prefix, tuple(names)))
    if not fits:
        raise BadInput(
            f"The armature has none of the bones of the map {family.title}.",
            hint="Choose a map of a rig with such names, or find the bones anew.",
        )
    return max(fits, key=lambda bone_map: len(bone_map.names()))


def _fits(family: BoneMap, prefix: str, names: tuple[str, ...]) -> Iterator[Detection]:
    for found in _found(family, prefix, names):
        if all(role in found.bones for role in NEEDED):
            yield Detection(found, len(found.names()) / len(family.names()), dict.fromkeys(found.bones, 1.0))


def _found(family: BoneMap, prefix: str, names: tuple[str, ...]) -> Iterator[BoneMap]:
    """The bones of `family` that are there, for each text that the prefix stands for in `names`."""
    pattern = re.compile(prefix)
    plain: dict[str, dict[str, str]] = {}
    for name in names:
        if match := pattern.match(name):
            plain.setdefault(match.group(), {})[name[match.end() :]] = name
    for by_plain in plain.values():
        found = {
            role: tuple(by_plain[bone] for bone in bones if bone in by_plain) for role, bones in family.bones.items()
        }
        found = {role: bones for role, bones in found.items() if bones}
        settings = {by_plain[bone]: values for bone, values in family.settings.items() if bone in by_plain}
        if found:
            yield BoneMap(family.title, found, settings)
