"""Feet that stand still while they stand, heel and ball each where it landed, on the floor if one is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .contact import FootContact, leg_length
from .floor import bear, keep_above
from .foot_plan import UP, Ground, Plan, Reach, foot_path, plan
from .gaps import cover, spans
from .leg_placing import place_feet
from .limbs import Leg
from .motion import Motion
from .skeleton import Posed
from .soles import Sole, find_soles
from .travel import move_body
from .two_bone import STRAIGHTEST

Array = NDArray[np.float64]

# How fast hips sink where a standing leg is too short: the hips begin this long before.
_SINK_S = 0.2
# A bent leg is pulled no straighter than this share of its length; one that was straighter stays so.
_STRAIGHT = 0.985


@dataclass(frozen=True)
class Standing:
    """How well feet stand, m.

    Attributes:
        slip: the farthest that a heel or ball strays along the ground from the middle of a contact.
        floating: the farthest that one is above the floor while it stands; 0 without a floor.
        sunk: the farthest that a sole is below the floor, at any moment; 0 without a floor.
    """

    slip: float
    floating: float
    sunk: float


@dataclass(frozen=True)
class LockedFeet:
    """Attributes:
    motion: with its feet locked.
    before, after: how well they stood and stand where the weights are 1.
    """

    motion: Motion
    before: Standing
    after: Standing


def lock_feet(
    motion: Motion,
    legs: Sequence[Leg],
    root: int,
    contacts: Sequence[FootContact],
    weights: Array,
    *,
    floor: float | None = 0.0,
    hold: bool = True,
) -> LockedFeet:
    """Hold heels and balls of the feet while they stand, by two-bone IK with the knees' directions kept.

    Args:
        root: the bone that carries the body.
        contacts: when each of `legs` stands.
        weights: (T,) 0 leaves the motion, 1 locks.
        floor: height of the floor that feet stand on, and that nothing sinks below; world, m. None: as they are.
        hold: False moves feet onto the floor but lets them slide on it.
    """
    posed = motion.posed()
    soles = find_soles(motion, posed, legs, contacts)
    stood = _standing(motion, legs, soles, contacts, floor, weights)
    paths = [foot_path(posed, leg, sole) for leg, sole in zip(legs, soles, strict=True)]
    ground = None if floor is None else Ground(floor, leg_length(motion, legs[0]))
    rise = np.zeros(len(motion)) if ground is None else bear(ground, motion, posed, legs, paths, contacts)
    plans: list[Plan] = []
    for leg, path, contact in zip(legs, paths, contacts, strict=True):
        lifted = replace(path, ankle=path.ankle + rise[:, None] * UP)
        reach = Reach(posed.heads[:, leg.hip] + rise[:, None] * UP, _longest(motion, posed, leg))
        planned = plan(lifted, contact, reach, motion.rate_hz, ground, hold)
        if ground is not None:
            planned = keep_above(ground, path, planned, contact)
        plans.append(planned.weighted(path, weights))
    carried = move_body(motion, root, (weights * rise)[:, None] * UP)
    sink = _sink(motion, carried.posed(), legs, plans, contacts)
    done = place_feet(move_body(carried, root, -sink[:, None] * UP), legs, plans, weights)
    return LockedFeet(done, stood, _standing(done, legs, soles, contacts, floor, weights))


def _sink(
    motion: Motion, posed: Posed, legs: Sequence[Leg], plans: Sequence[Plan], contacts: Sequence[FootContact]
) -> Array:
    """(T,) how far the whole body goes down, smoothly, so that standing legs reach without a snap of the knee."""
    need = np.zeros(len(motion))
    for leg, planned, contact in zip(legs, plans, contacts, strict=True):
        to_goal = planned.ankle - posed.heads[:, leg.hip]
        room = np.sqrt(np.maximum(_longest(motion, posed, leg) ** 2 - (to_goal[:, :2] ** 2).sum(axis=1), 0.0))
        need = np.maximum(need, np.where(contact.any, np.maximum(-to_goal[:, 2] - room, 0.0), 0.0))
    return cover(need, max(1, round(_SINK_S * motion.rate_hz)))


def _longest(motion: Motion, posed: Posed, leg: Leg) -> Array:
    """(T,) how long the leg may be from hip to ankle, m: no straighter than it was, unless that is quite bent."""
    length = leg_length(motion, leg)
    stretched = np.linalg.norm(posed.heads[:, leg.ankle] - posed.heads[:, leg.hip], axis=1)
    return np.clip(stretched, _STRAIGHT * length, STRAIGHTEST * length)


def _standing(
    motion: Motion,
    legs: Sequence[Leg],
    soles: Sequence[Sole],
    contacts: Sequence[FootContact],
    floor: float | None,
    weights: Array,
) -> Standing:
    posed, counts = motion.posed(), weights >= weights.max(initial=0.0) * (1 - 1e-6)
    slip = floating = sunk = 0.0
    for leg, sole, contact in zip(legs, soles, contacts, strict=True):
        path = foot_path(posed, leg, sole)
        for points, flags in ((path.heel(), contact.heel), (path.ball(), contact.toe)):
            for start, end in spans(flags & counts):
                inside = points[start:end]
                slip = max(slip, float(np.linalg.norm((inside - inside.mean(axis=0))[:, :2], axis=1).max()))
                if floor is not None:
                    floating = max(floating, float(inside[:, 2].max()) - floor)
        if floor is not None:
            sunk = max(sunk, floor - float(path.lowest()[counts].min()))
    return Standing(slip, floating, sunk)
