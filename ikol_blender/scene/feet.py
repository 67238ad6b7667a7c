"""Feet of the active armature: when they stand, locked there, and on the floor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.contact import FootContact, detect_contacts
from ..cleanup.feet import LockedFeet, Standing
from ..cleanup.feet import lock_feet as lock
from ..cleanup.limbs import Leg
from ..contract import BadInput
from .compat import copy_action
from .contact_curves import CONTACTS, planted_contacts, write_contacts
from .edits import frames_in_cycle, in_the_round, range_weights
from .legs import carrier_of, legs_of
from .places import refuse_misplaced
from .samples import Sampled, active_armature, sample
from .unkeyed import keeps_unkeyed
from .writing import edited_name, write_motion


class Source(Enum):
    """Where it is known from that a foot stands: the contact curves, if there are any, or how the feet move."""

    CURVES = "CURVES"
    MOTION = "MOTION"


@dataclass(frozen=True)
class Locked:
    """Attributes:
    action: the new action, active on the armature; the one before it is kept.
    before, after: how well the feet stood, and stand within the frame range.
    by_curves: whether the contact curves said when.
    """

    action: bpy.types.Action
    before: Standing
    after: Standing
    by_curves: bool


@keeps_unkeyed
def lock_feet(
    context: bpy.types.Context,
    *,
    source: Source = Source.CURVES,
    floor: bool = True,
    floor_height: float = 0.0,
    strength: float = 1.0,
) -> Locked:
    """Hold feet where they stand, within the frame range: both, or in Pose mode those whose bones are selected.

    Args:
        floor: put standing feet on the floor, and let nothing sink below it.
        floor_height: above the armature's origin, world, m.

    Raises:
        BadInput: there is no motion, no legs are found, or no foot stands.
    """
    return _edit(context, "feet locked", source, floor_height if floor else None, True, strength)


@keeps_unkeyed
def fix_floor(
    context: bpy.types.Context, *, source: Source = Source.CURVES, floor_height: float = 0.0, strength: float = 1.0
) -> Locked:
    """Put standing feet on the floor and let nothing sink below it, within the frame range; feet may go on sliding.

    Raises:
        BadInput: there is no motion, no legs are found, or no foot stands.
    """
    return _edit(context, "on the floor", source, floor_height, False, strength)


@keeps_unkeyed
def write_detected_contacts(context: bpy.types.Context) -> tuple[bpy.types.Action, int]:
    """Contact curves by how the feet move, within the frame range, in a new action; and how many contacts they have.

    Raises:
        BadInput: there is no motion, or no legs are found.
    """
    sampled = sample(context, active_armature(context))
    legs = legs_of(sampled)
    refuse_misplaced(context, sampled, _bones_of(legs))
    wide, own = in_the_round(sampled)
    found = detect_contacts(wide.motion, legs)
    flags = [part[own][sampled.ranged] for foot in found for part in (foot.heel, foot.toe)]
    action = copy_action(sampled.armature, edited_name(sampled.armature, "contacts"))
    write_contacts(
        sampled.armature,
        sampled.frames[sampled.ranged],
        {name: part.astype(np.float64) for name, part in zip(CONTACTS, flags, strict=True)},
        goes_round=sampled.goes_round,
    )
    return action, sum(int((np.diff(part.astype(np.int8), prepend=0) > 0).sum()) for part in flags)


def _edit(
    context: bpy.types.Context, label: str, source: Source, floor_height: float | None, hold: bool, strength: float
) -> Locked:
    sampled = sample(context, active_armature(context))
    legs = legs_of(sampled)
    refuse_misplaced(context, sampled, _bones_of(legs))
    wide, own = in_the_round(sampled)
    contacts, by_curves = contacts_of(wide, legs, source, frames_in_cycle(sampled, wide, own))
    if not any(foot.any[wide.ranged].any() for foot in contacts):
        raise BadInput(
            "No foot stands in the frame range.",
            hint="Edit the contact curves, or choose to go by how the feet move." if by_curves else "",
        )
    contacts = tuple(
        foot if free else FootContact(np.zeros_like(foot.heel), np.zeros_like(foot.toe))
        for foot, free in zip(contacts, _asked_for(sampled, legs), strict=True)
    )
    origin = float(sampled.motion.skeleton.world[2, 3])
    done: LockedFeet = lock(
        wide.motion,
        legs,
        carrier_of(sampled),
        contacts,
        strength * range_weights(wide),
        floor=None if floor_height is None else origin + floor_height,
        hold=hold,
    )
    edited = done.motion.part(own.start, own.stop - 1)
    return Locked(write_motion(sampled, edited, label), done.before, done.after, by_curves)


def _asked_for(sampled: Sampled, legs: tuple[Leg, Leg]) -> tuple[bool, bool]:
    """Which legs have a chosen bone; both when none has."""
    left, right = (
        any(sampled.chosen[bone] for bone in (leg.hip, leg.knee, leg.ankle, leg.toe) if bone >= 0) for leg in legs
    )
    return (left, right) if left or right else (True, True)


def contacts_of(
    sampled: Sampled, legs: tuple[Leg, Leg], source: Source = Source.CURVES, frames: NDArray[np.float64] | None = None
) -> tuple[tuple[FootContact, ...], bool]:
    """Of the left and the right foot, and whether the curves told.

    Args:
        frames: (T,) where to look up each sample on the curves; None is the samples' own frames.
    """
    frames = sampled.frames if frames is None else frames
    curves = planted_contacts(sampled.armature, frames) if source is Source.CURVES else None
    if curves is None:
        return detect_contacts(sampled.motion, legs), False
    planted = [curves[name] for name in CONTACTS]
    return (FootContact(planted[0], planted[1]), FootContact(planted[2], planted[3])), True


def _bones_of(legs: tuple[Leg, Leg]) -> set[int]:
    return {bone for leg in legs for bone in (leg.hip, leg.knee, leg.ankle, leg.toe) if bone >= 0}
