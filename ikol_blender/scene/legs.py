"""The legs of an armature, and the bone that carries its body."""

from __future__ import annotations

import bpy

from ..cleanup.limbs import Leg, find_legs, root_bone
from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from ..retarget.bone_map import BoneMap
from .body import body_maps
from .samples import Sampled


def legs_of(sampled: Sampled) -> tuple[Leg, Leg]:
    """Left and right, by the rig's map as Retarget has it, else by what the bones are called.

    Raises:
        BadInput: nothing tells where the legs are, or a bone of them does not turn with its parent.
    """
    skeleton = sampled.motion.skeleton
    legs = found_legs(sampled.armature, skeleton)
    if len(legs) != 2:
        if (gap := _loose_joint(sampled.armature, skeleton)) is not None:
            loose, carrier = gap
            raise BadInput(
                f"{loose} of {sampled.armature.name} does not hang from {carrier}: that leg cannot be bent as a chain.",
                hint="Edit the feet of the motion it was retargeted from, then retarget again (Plant feet keeps them "
                f"standing); or make {carrier} the parent of {loose}.",
            )
        raise BadInput(
            f"IKOL does not see which bones of {sampled.armature.name} are its legs.",
            hint="Map them in the Retarget panel, or name them L_Hip, L_Knee, L_Ankle or thigh.L, shin.L, foot.L.",
        )
    for bone in sorted({bone for leg in legs for bone in (leg.hip, leg.knee, leg.ankle, leg.toe) if bone >= 0}):
        name = skeleton.names[bone]
        if not sampled.armature.data.bones[name].use_inherit_rotation:
            raise BadInput(f"{name} does not inherit rotation.", hint="Switch Inherit Rotation on in its relations.")
    return legs


def carrier_of(sampled: Sampled) -> int:
    """The bone whose location moves the body: the nearest above the legs that the action moves.

    Without legs, the first that it moves; when it moves none, the one that everything hangs from.
    """
    skeleton = sampled.motion.skeleton
    above = [skeleton.chain(leg.hip)[1:] for leg in found_legs(sampled.armature, skeleton)]
    shared = [bone for bone in above[0] if all(bone in chain for chain in above)] if above else []
    moved = [bone for bone in shared if sampled.moved[bone]]
    return (moved or shared or [root_bone(skeleton, sampled.moved.tolist())])[0]


def found_legs(armature: bpy.types.Object, skeleton: Skeleton) -> tuple[Leg, ...]:
    """Left and right, as far as anything tells where they are."""
    for bone_map in body_maps(armature, skeleton):
        if len(legs := _mapped(skeleton, bone_map)) == 2:
            return legs
    return find_legs(skeleton)


def _mapped(skeleton: Skeleton, bone_map: BoneMap) -> tuple[Leg, ...]:
    found: list[Leg] = []
    for side in "LR":
        hip, knee, ankle, toe = _indices(skeleton, bone_map, side)
        # A leg that can be bent: each joint is carried by the one above it.
        if min(hip, knee, ankle) >= 0 and hip in skeleton.chain(knee) and knee in skeleton.chain(ankle):
            found.append(Leg(hip, knee, ankle, toe if toe >= 0 and ankle in skeleton.chain(toe) else -1))
    return tuple(found)


def _indices(skeleton: Skeleton, bone_map: BoneMap, side: str) -> tuple[int, int, int, int]:
    """Thigh, shin, foot and toe; -1 for what the map or the skeleton lacks."""
    index = {name: place for place, name in enumerate(skeleton.names)}
    thigh, shin, foot, toe = (bone_map.first(f"{role}.{side}") for role in ("thigh", "shin", "foot", "toe"))
    return (index.get(thigh or "", -1), index.get(shin or "", -1), index.get(foot or "", -1), index.get(toe or "", -1))


def _loose_joint(armature: bpy.types.Object, skeleton: Skeleton) -> tuple[str, str] | None:
    """A leg's bone that is known, and the one above it that is known too but does not carry it."""
    for bone_map in body_maps(armature, skeleton):
        for side in "LR":
            thigh, shin, foot, _ = _indices(skeleton, bone_map, side)
            for carrier, loose in ((thigh, shin), (shin, foot)):
                if min(carrier, loose) >= 0 and carrier not in skeleton.chain(loose):
                    return skeleton.names[loose], skeleton.names[carrier]
    return None
