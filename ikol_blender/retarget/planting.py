"""Feet that stand still on the target where the source's stand: two-bone IK on top of the transferred rotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..cleanup.bell import bell_mean
from ..cleanup.gaps import cover, spans
from . import bending
from .body_frame import RestBody
from .foot_path import ankle_path, eased
from .hips_follow import follow
from .transfer import Posed

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# A swinging leg that should be longer than it can be gives in this long before and after it stands.
_YIELD_S = 0.1
# Hips begin to sink this long before a leg is too short.
_SINK_S = 0.2
# Jitter of this kind is taken out of a standing foot's turns and of a straight leg's length; the latter by at most
# this share of the leg. Squared cosine of half the knee's bend that counts as nearly straight, off 1.
_CALM_S, _SLACK, _NEARLY_STRAIGHT = 0.075, 0.002, 0.03


@dataclass(frozen=True)
class Planted:
    """Attributes:
    posed: the target with its feet planted.
    slip_before, slip_after: m, the farthest apart that a standing joint is from itself within one contact.
    """

    posed: Posed
    slip_before: float
    slip_after: float


def plant_feet(
    source: RestBody, theirs: Posed, target: RestBody, ours: Posed, contacts: Mapping[str, Flags], rate_hz: float
) -> Planted:
    """Hold ankles and the balls of the feet as long as they stand; the hips give way where a leg is nearly straight.

    Args:
        contacts: (T,) whether it stands, for "foot.L" (the ankle), "toe.L" (the ball) and the right ones.
    """
    turns, heads = ours.turns.copy(order="K"), ours.heads.copy(order="K")
    none = np.zeros(len(heads), bool)
    flags = {
        f"{part}.{side}": contacts.get(f"{part}.{side}", none) if f"{part}.{side}" in target.bone_map.bones else none
        for side in "LR"
        for part in ("foot", "toe")
    }
    if not any(stands.any() for stands in flags.values()):
        return Planted(ours, 0.0, 0.0)
    for side in "LR":
        _calm(target, turns, heads, flags, side, rate_hz)
        _rest_soles(target, turns, heads, flags, side, rate_hz)
        _rest_toes(target, turns, flags, side, rate_hz)
    stands = np.stack([flags[f"foot.{side}"] | flags[f"toe.{side}"] for side in "LR"], axis=1)
    level = Posed(turns, heads)
    goals = [
        ankle_path(target, level, flags, levels(source, theirs, target, f"foot.{side}"),
                   levels(source, theirs, target, f"toe.{side}"), side, rate_hz)
        for side in "LR"
    ]  # fmt: skip
    legs = [bending.leg(target, side) for side in "LR"]
    roots = heads[:, [target.index(leg.upper) for leg in legs]]
    lengths = np.linalg.norm(heads[:, [target.index(leg.end) for leg in legs]] - roots, axis=-1)
    reaches = np.array([leg.reach for leg in legs])
    shift = follow(roots, np.stack(goals, axis=1), lengths, reaches, stands, rate_hz)
    heads += _sunk(roots + shift[:, None], goals, reaches, stands, shift, rate_hz)[:, None]
    for index, (leg, goal) in enumerate(zip(legs, goals, strict=True)):
        root = heads[:, target.index(leg.upper)]
        reached = _leg_goal(root, goal, lengths[:, index], leg, stands[:, index], rate_hz)
        before = heads[:, target.index(leg.end)].copy()
        bending.bend(target, turns, heads, leg, reached)
        if (toe := target.bone(f"toe.{leg.end[-1]}")) is not None:
            heads[:, toe] += heads[:, target.index(leg.end)] - before
    found = Posed(turns, heads)
    return Planted(found, slip(target, ours, flags), slip(target, found, flags))


def levels(source: RestBody, theirs: Posed, target: RestBody, role: str) -> Array | None:
    """(T,) how high the target's joint would stand: as at rest, and by leg length as much higher as the source's."""
    ours, other = target.bone(role), source.bone(role)
    if ours is None or other is None:
        return None
    ratio = target.leg_length / source.leg_length
    raised = theirs.heads[:, other, 2] - source.floor[2] - source.height(role)
    return target.floor[2] + target.height(role) + ratio * raised


def slip(target: RestBody, posed: Posed, contacts: Mapping[str, Flags]) -> float:
    """m, the farthest apart that a standing joint is from itself within one contact."""
    worst = 0.0
    for role, flags in contacts.items():
        bone = target.bone(role)
        for start, end in spans(flags):
            path = posed.heads[start:end, bone]
            # The box around the path bounds it from above.
            worst = max(worst, float(np.linalg.norm(np.ptp(path, axis=0))))
    return worst


def _calm(
    target: RestBody, turns: Array, heads: Array, contacts: Mapping[str, Flags], side: str, rate_hz: float
) -> None:
    """Take the jitter out of the turns, in place, of a foot that stands by its ball alone: its ankle would shake.

    In a motion that was captured the ankle is quiet and the ball shakes about it; held by the ball it is the reverse.
    """
    ankle, toe = target.index(f"foot.{side}"), target.bone(f"toe.{side}")
    half = round(_CALM_S * rate_hz)
    if toe is None or half < 1 or not contacts[f"toe.{side}"].any():
        return
    before = quat.continuous(turns[:, ankle])
    smooth = bell_mean(before, half)
    near = _around(contacts[f"toe.{side}"], half)
    change = quat.exp(near[:, None] * quat.log(quat.multiply(quat.normalized(smooth), quat.inverse(before))))
    for bone in (*target.bones(f"foot.{side}"), *target.bones(f"toe.{side}")):
        turns[:, bone] = quat.multiply(change, turns[:, bone])
    heads[:, toe] = heads[:, ankle] + quat.rotate(change, heads[:, toe] - heads[:, ankle])


def _rest_soles(
    target: RestBody, turns: Array, heads: Array, contacts: Mapping[str, Flags], side: str, rate_hz: float
) -> None:
    """Keep feet from turning, in place, while ankle and ball both stand."""
    ankle, toe = target.index(f"foot.{side}"), target.bone(f"toe.{side}")
    flat = contacts[f"foot.{side}"] & contacts[f"toe.{side}"]
    if toe is None or not flat.any():
        return
    sole = heads[:, toe] - heads[:, ankle]
    swing = np.zeros_like(sole)
    for start, end in spans(flat):
        swing[start:end] = quat.log(quat.between(sole[start:end], sole[start:end].mean(axis=0)))
    change = quat.exp(eased(swing, flat, rate_hz))
    for bone in (*target.bones(f"foot.{side}"), *target.bones(f"toe.{side}")):
        turns[:, bone] = quat.multiply(change, turns[:, bone])
    heads[:, toe] = heads[:, ankle] + quat.rotate(change, sole)


def _rest_toes(target: RestBody, turns: Array, contacts: Mapping[str, Flags], side: str, rate_hz: float) -> None:
    """Keep toes flat, in place, while their ball stands and the heel rises: few motions turn the toes by themselves."""
    ball = contacts[f"toe.{side}"]
    flat = ball & contacts[f"foot.{side}"]
    toes = target.bones(f"toe.{side}")
    held, swing = np.zeros_like(ball), np.zeros((len(ball), 3))
    up = np.array([0.0, 0.0, 1.0])
    for start, end in spans(ball):
        if (stands := start + np.flatnonzero(flat[start:end])).size:
            level = turns[stands[len(stands) // 2], toes[0]]
            normals = quat.rotate(quat.multiply(turns[start:end, toes[0]], quat.inverse(level)), up)
            held[start:end], swing[start:end] = True, quat.log(quat.between(normals, np.tile(up, (end - start, 1))))
    if held.any():
        change = quat.exp(eased(swing, held, rate_hz))
        for bone in toes:
            turns[:, bone] = quat.multiply(change, turns[:, bone])


def _sunk(
    roots: Array, goals: list[Array], reaches: Array, stands: NDArray[np.bool_], shift: Array, rate_hz: float
) -> Array:
    """`shift` lowered, smoothly, by what is still missing for the standing legs to reach."""
    need = np.zeros(len(roots))
    for index, goal in enumerate(goals):
        to_goal = goal - roots[:, index]
        room = np.sqrt(np.maximum(reaches[index] ** 2 - (to_goal[:, :2] ** 2).sum(axis=1), 0.0))
        need = np.maximum(need, np.where(stands[:, index], np.maximum(-to_goal[:, 2] - room, 0.0), 0.0))
    return shift - cover(need, max(1, round(_SINK_S * rate_hz)))[:, None] * np.array([0.0, 0.0, 1.0])


def _leg_goal(roots: Array, goal: Array, lengths: Array, limb: bending.Limb, stands: Flags, rate_hz: float) -> Array:
    """(T, 3) `goal` for a leg of `lengths` (T,) in the transferred motion, without what would make its knee snap.

    A swinging leg is not stretched straight that was not. A leg that is nearly straight changes its length smoothly,
    to within a millimetre of the goal: that is several degrees at the knee.
    """
    away = goal - roots
    far = np.linalg.norm(away, axis=1)
    room = np.maximum(limb.reach - lengths, 1e-6)
    soft = np.where(far > lengths, lengths + room * (1 - np.exp(-np.maximum(far - lengths, 0) / room)), far)
    exact = _around(stands, max(1, round(_YIELD_S * rate_hz)))
    length = exact * far + (1 - exact) * soft
    change = length - lengths
    missed = bell_mean(change, max(1, round(_CALM_S * rate_hz))) - change
    straight = np.exp(-(1 - np.minimum(length / limb.reach, 1.0) ** 2) / _NEARLY_STRAIGHT)
    slack = np.maximum(_SLACK * limb.reach * straight, 1e-9)
    length = np.minimum(length + slack * np.tanh(missed / slack), np.maximum(limb.reach, length))
    return roots + away * (length / np.maximum(far, 1e-9))[:, None]


def _around(flags: Flags, half: int) -> Array:
    """(T,) 1 where `flags` are set, falling smoothly to 0 within 2 * `half` samples."""
    return cover(flags.astype(np.float64), half)
