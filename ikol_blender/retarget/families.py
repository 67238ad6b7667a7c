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


def _fits(family: BoneMap, prefix: str, names: tuple[str, ...]) -> Iterator[Detection]:
    """A detection for each text that the prefix stands for in `names`."""
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
        if all(role in found for role in NEEDED):
            settings = {by_plain[bone]: values for bone, values in family.settings.items() if bone in by_plain}
            matched = BoneMap(family.title, found, settings)
            yield Detection(matched, len(matched.names()) / len(family.names()), dict.fromkeys(found, 1.0))
