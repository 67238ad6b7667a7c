"""Which bones of a rig play which part of the body."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ..contract import BadInput

_LIMB_ROLES = ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
# Parents before children. A role may be played by several bones in a row: spine, neck, split limbs.
ROLES = ("hips", "spine", "neck", "head", *(f"{role}.{side}" for side in "LR" for role in _LIMB_ROLES))
# Without these there is no body to move.
NEEDED = ("hips", *(f"{role}.{side}" for side in "LR" for role in ("upper_arm", "forearm", "thigh", "shin", "foot")))
# What carries a part, the nearest first.
_ABOVE = {
    "spine": ("hips",),
    "neck": ("spine", "hips"),
    "head": ("neck", "spine", "hips"),
    "shoulder": ("spine", "hips"),
    "upper_arm": ("shoulder", "spine", "hips"),
    "forearm": ("upper_arm",),
    "hand": ("forearm",),
    "thigh": ("hips",),
    "shin": ("thigh",),
    "foot": ("shin",),
    "toe": ("foot",),
}


@dataclass(frozen=True)
class BoneMap:
    """The bones of one rig, or of a family of rigs.

    Attributes:
        title: for people: "Mixamo".
        bones: the bones of each role, parents first; roles that no bone plays are left out.
        settings: of a rig of controls, what its switches must be for the bones to follow only their own keys:
            for a bone's name, values of its custom properties.
    """

    title: str
    bones: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def first(self, role: str) -> str | None:
        """The bone whose head is the role's joint."""
        names = self.bones.get(role, ())
        return names[0] if names else None

    def carriers(self, role: str) -> tuple[str, ...]:
        """The bones of the nearest mapped part that carries `role`, none for the hips."""
        part, dot, side = role.partition(".")
        for above in _ABOVE.get(part, ()):
            for name in (f"{above}{dot}{side}", above):
                if name in self.bones:
                    return self.bones[name]
        return ()

    def carried(self) -> Iterator[tuple[str, str]]:
        """Each bone but the hips', and the one that it goes along with where it hangs from none: the map's order."""
        for role, names in self.bones.items():
            row = (*self.carriers(role)[-1:], *names)
            yield from ((name, carrier) for carrier, name in pairwise(row))

    def names(self) -> tuple[str, ...]:
        return tuple(name for names in self.bones.values() for name in names)


def save_map(bone_map: BoneMap, path: Path) -> None:
    """Write `bone_map` as JSON, as the rig families of the add-on are."""
    content: dict[str, object] = {
        "title": bone_map.title,
        "prefix": "^",
        "bones": {role: list(names) for role, names in bone_map.bones.items()},
    }
    if bone_map.settings:
        content["settings"] = {bone: dict(values) for bone, values in bone_map.settings.items()}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_map(path: Path) -> tuple[BoneMap, str]:
    """The map in a file, and the pattern of the prefix that its bones' names may carry.

    Raises:
        BadInput: the file is no bone map.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        bones = {str(role): tuple(str(name) for name in names) for role, names in content["bones"].items()}
        settings = {
            str(bone): {str(name): float(value) for name, value in values.items()}
            for bone, values in content.get("settings", {}).items()
        }
        bone_map, prefix = BoneMap(str(content["title"]), bones, settings), str(content["prefix"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path.name} is no bone map: {error}.", hint="Choose a file that IKOL saved.") from error
    unknown = sorted(set(bones) - set(ROLES))
    if unknown:
        raise BadInput(f"{path.name} names parts that no body has: {', '.join(unknown)}.", hint="Correct the file.")
    return bone_map, prefix
