"""What clean-up knows of a rig's body: by the map that people keep with it, else by the names and the shape."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..cleanup.limbs import Limb, limb_of, mirror_pairs
from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from ..retarget.bone_map import BoneMap
from ..retarget.bone_tree import bone_tree
from ..retarget.families import detect
from ..retarget.recognise import UNSURE, recognise
from ..retarget.stored_map import listed_bones
from ..retarget.structure import guess
from ..retarget.symmetry import find_symmetry

_LIMBS = {
    **dict.fromkeys(("hips", "spine"), Limb.TRUNK),
    **dict.fromkeys(("neck", "head"), Limb.HEAD),
    **dict.fromkeys(("shoulder", "upper_arm", "forearm"), Limb.ARM),
    "hand": Limb.HAND,
    **dict.fromkeys(("thigh", "shin"), Limb.LEG),
    **dict.fromkeys(("foot", "toe"), Limb.FOOT),
}


def body_maps(armature: bpy.types.Object, skeleton: Skeleton) -> Iterator[BoneMap]:
    """What is known of which bones of `armature` play which part, the most trustworthy first; none for no body.

    Here a map of the legs alone is enough, and bones that `skeleton` lacks are left out.
    """
    listed = listed_bones(armature)
    if listed:
        names = set(skeleton.names)
        bones = {role: tuple(name for name in row if name in names) for role, row in listed.items()}
        yield BoneMap("By hand", {role: row for role, row in bones.items() if row})
    try:
        yield recognise(skeleton).bone_map if _is_named(skeleton) else _surely_shaped(skeleton)
    except BadInput:
        return


def _is_named(skeleton: Skeleton) -> bool:
    try:
        detect(skeleton.names)
    except BadInput:
        return False
    return True


def _surely_shaped(skeleton: Skeleton) -> BoneMap:
    """Without the parts that are a mere guess: who looks at the map can tell, clean-up cannot."""
    guessed = guess(skeleton)
    bones = {role: row for role, row in guessed.bone_map.bones.items() if guessed.sure[role] >= UNSURE}
    return BoneMap(guessed.bone_map.title, bones)


def mirror_partners(armature: bpy.types.Object, skeleton: Skeleton) -> tuple[int, ...]:
    """For each bone the index of the one on the other side; its own for bones in the middle or without a partner.

    Raises:
        BadInput: nothing tells left from right.
    """
    partners, own = list(mirror_pairs(skeleton.names)), list(range(len(skeleton)))
    maps = body_maps(armature, skeleton)
    # Where names tell the sides, only what people say comes before them.
    pairs = _pairs(skeleton, next(maps)) if listed_bones(armature) else []
    if partners == own:
        pairs = pairs or next((found for bone_map in maps if (found := _pairs(skeleton, bone_map))), [])
        # Fingers, eyes and clothes: no map has them.
        pairs += _mirror_images(skeleton, {bone for pair in pairs for bone in pair}) if pairs else []
    for first, second in pairs:
        for bone in (first, second):
            other = partners[bone]
            partners[bone] = bone
            if partners[other] == bone:
                partners[other] = other
        partners[first], partners[second] = second, first
    if partners == own:
        raise BadInput(
            f"IKOL does not see which bones of {armature.name} are left and right.",
            hint="Map its bones in the Retarget panel, or name them with their sides, such as hand.L and hand.R.",
        )
    return tuple(partners)


def limbs_of(armature: bpy.types.Object, skeleton: Skeleton) -> tuple[Limb, ...]:
    """The part of the body that each bone belongs to: by the kept map, else by its name, else by the body's shape.

    What no map has, as fingers, goes along with what carries it.
    """
    limbs = [limb_of(name) for name in skeleton.names]
    tells = any(limb is not Limb.TRUNK for limb in limbs)
    if not listed_bones(armature) and tells:
        return tuple(limbs)
    mapped: dict[str, str] = {}
    for bone_map in reversed(list(body_maps(armature, skeleton))):
        mapped |= {name: role for role, row in bone_map.bones.items() for name in row}
    for bone, name in enumerate(skeleton.names):
        above = skeleton.parents[bone]
        if name in mapped:
            limbs[bone] = _LIMBS[mapped[name].split(".")[0]]
        elif limbs[bone] is Limb.TRUNK and above >= 0 and limbs[above] in (Limb.HAND, Limb.FOOT, Limb.HEAD):
            limbs[bone] = limbs[above]
    return tuple(limbs)


def _pairs(skeleton: Skeleton, bone_map: BoneMap) -> list[tuple[int, int]]:
    index = {name: place for place, name in enumerate(skeleton.names)}
    return [
        (index[left], index[right])
        for role, names in bone_map.bones.items()
        if role.endswith(".L")
        for left, right in zip(names, bone_map.bones.get(f"{role[:-1]}R", ()), strict=False)
        if left != right
    ]


def _mirror_images(skeleton: Skeleton, taken: set[int]) -> list[tuple[int, int]]:
    """Pairs of bones, none of them `taken`, that lie at rest as each other's mirror image."""
    tree = bone_tree(skeleton)
    symmetry = find_symmetry(tree)
    if symmetry is None:
        return []
    index = [skeleton.names.index(name) for name in tree.names]
    found = ((index[bone], index[other]) for bone, other in enumerate(symmetry.partners) if other > bone)
    return [pair for pair in found if not taken & set(pair)]
