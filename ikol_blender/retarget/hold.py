"""A hand held at a point over a range of frames, by the arm alone; the hand keeps its turn in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..contract import BadInput
from ..scene.places import refuse_misplaced
from ..scene.samples import active_armature, sample
from ..scene.timing import visited
from ..scene.unkeyed import keeps_unkeyed
from ..scene.writing import write_motion
from . import bending
from .body_frame import RestBody, rest_body
from .bone_map import BoneMap
from .run import chosen_map
from .transfer import pose_source

Array = NDArray[np.float64]

_CALM_S = 0.2


@dataclass(frozen=True)
class Held:
    """Attributes:
    action: the armature's new active action; the one before it is kept in the file.
    missed: m, the farthest that the hand stays off its point while it is held: the arm is too short then.
    """

    action: bpy.types.Action
    missed: float


@keeps_unkeyed
def hold_hand(
    context: bpy.types.Context,
    side: str,
    first: float,
    last: float,
    *,
    at: bpy.types.Object | tuple[float, float, float] | None = None,
    ease_s: float = 0.3,
    bone_map: BoneMap | None = None,
) -> Held:
    """Hold a hand of the active armature, its wrist, from frame `first` to `last`.

    Args:
        side: "L" or "R".
        at: an object, followed where it moves, or a point of the world; None is where the wrist is at `first`.
        ease_s: how long the hand takes to come and to go, s.
        bone_map: None takes the map that is kept with the armature, or else finds it.

    Raises:
        BadInput: there is no motion, no such arm, or the frames lie outside the motion; or something beside the keys
            places the arm.
    """
    armature = active_armature(context)
    sampled = sample(context, armature)
    motion, frames = sampled.motion, sampled.frames
    body = rest_body(motion.skeleton, chosen_map(armature, bone_map)[0])
    limb = _arm(body, side)
    refuse_misplaced(context, sampled, (body.index(role) for role in (limb.upper, limb.lower, limb.end)))
    inside = (frames >= first - 1e-3) & (frames <= last + 1e-3)
    if not inside.any():
        raise BadInput(
            f"The motion lies from frame {frames[0]:.0f} to {frames[-1]:.0f}.", hint="Choose frames within it."
        )
    posed = pose_source(body, motion)
    hand = body.bone(limb.end)
    goal = np.tile(posed.heads[int(np.argmax(inside)), hand], (len(frames), 1))
    weights = _eased(frames, first, last, ease_s * motion.rate_hz * (frames[1] - frames[0]) if len(frames) > 1 else 0.0)
    if isinstance(at, bpy.types.Object):
        moved = weights > 0
        goal[moved] = _places(context, at, frames[moved])
    elif at is not None:
        goal[:] = at
    turns, heads = posed.turns.copy(order="K"), posed.heads.copy(order="K")
    bending.bend(body, turns, heads, limb, goal, weights, round(_CALM_S * motion.rate_hz))
    rotations = motion.rotations.copy()
    # Bones between these three hang on them as they did.
    carried = quat.multiply(turns, quat.inverse(posed.turns))
    above: int | None = None
    for role in (limb.upper, limb.lower, limb.end):
        bone = body.bone(role)
        parent = body.skeleton.parents[bone]
        parent_turn, parent_rest = posed.turns[:, parent], body.turns[parent]
        if parent < 0:
            parent_turn = parent_rest = np.array([1.0, 0.0, 0.0, 0.0])
        if above is not None:
            parent_turn = quat.multiply(carried[:, above], parent_turn)
        relative = quat.multiply(quat.inverse(body.turns[bone]), parent_rest)
        own = quat.multiply(quat.multiply(relative, quat.inverse(parent_turn)), turns[:, bone])
        rotations[weights > 0, bone] = own[weights > 0]
        above = bone
    missed = np.linalg.norm(heads[inside, hand] - goal[inside], axis=1).max()
    edited = motion.with_rotations(quat.continuous(rotations))
    # These frames were asked for: the scene's range does not cut them.
    whole = replace(sampled, first=0, last=len(frames) - 1)
    return Held(write_motion(whole, edited, "hand held"), float(missed))


def _arm(body: RestBody, side: str) -> bending.Limb:
    if any(f"{role}.{side}" not in body.bone_map.bones for role in ("upper_arm", "forearm", "hand")):
        raise BadInput("The rig has no such arm with a hand.", hint="Check its bone map.")
    limb = bending.arm(body, side)
    for role, carrier in ((limb.lower, limb.upper), (limb.end, limb.lower)):
        if body.bone(carrier) not in body.skeleton.chain(body.bone(role)):
            raise BadInput("The rig's hand does not hang from its arm.", hint="Move the control that holds it instead.")
    return limb


def _eased(frames: Array, first: float, last: float, ease: float) -> Array:
    """(T,) 1 from `first` to `last`, rising and falling smoothly within `ease` frames outside."""
    outside = np.maximum(np.maximum(first - frames, frames - last), 0.0)
    share = np.clip(1 - outside / max(ease, 1e-3), 0, 1)
    return share * share * (3 - 2 * share)


def _places(context: bpy.types.Context, thing: bpy.types.Object, frames: Array) -> Array:
    """(T, 3) where `thing` is; the scene's frame stays as it was."""
    found = np.empty((len(frames), 3))
    for index in visited(context, frames):
        found[index] = thing.matrix_world.translation
    return found
