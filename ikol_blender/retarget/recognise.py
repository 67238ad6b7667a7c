"""Which bones of any rig play which part: by their names where a family of rigs is known, else by their shape."""

from __future__ import annotations

from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from .bone_map import BoneMap
from .families import Detection, detect
from .structure import guess

# Below this the list in the panel marks a part for a look.
UNSURE = 0.7
# A bone with the right name in the wrong place of the tree.
_ODD = 0.5


def recognise(skeleton: Skeleton) -> Detection:
    """The map of a rig, without a click.

    Raises:
        BadInput: neither do the names belong to a family of rigs, nor is there a body among the bones.
    """
    try:
        found = detect(skeleton.names)
    except BadInput:
        guessed = guess(skeleton)
        return Detection(guessed.bone_map, sum(guessed.sure.values()) / len(guessed.sure), guessed.sure)
    if found.bone_map.settings:  # controls hang from one another by constraints
        return found
    bone_map = _on_the_way(skeleton, found.bone_map)
    odd = {role: _ODD for role in bone_map.bones if not _hangs_right(skeleton, bone_map, role)}
    return Detection(bone_map, found.score, {role: odd.get(role, 1.0) for role in bone_map.bones})


def unsure(found: Detection) -> tuple[str, ...]:
    """The roles that somebody should look at."""
    return tuple(role for role, value in found.sure.items() if value < UNSURE)


def _on_the_way(skeleton: Skeleton, bone_map: BoneMap) -> BoneMap:
    """Without those bones of split limbs that the limb's last bone does not hang from: they only twist beside it."""
    place = {name: index for index, name in enumerate(skeleton.names)}
    bones = {
        role: tuple(name for name in names if "." not in role or place[name] in skeleton.chain(place[names[-1]]))
        for role, names in bone_map.bones.items()
    }
    return BoneMap(bone_map.title, bones, bone_map.settings)


def _hangs_right(skeleton: Skeleton, bone_map: BoneMap, role: str) -> bool:
    above = bone_map.carriers(role)
    first = skeleton.names.index(bone_map.bones[role][0])
    return not above or any(skeleton.names[bone] in above for bone in skeleton.chain(first))
