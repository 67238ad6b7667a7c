"""Feet that stand still on the target where the source's stand: two-bone IK on top of the transferred rotations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from .body_frame import RestBody
from .contact import spans, standing
from .transfer import Posed

Array = NDArray[np.float64]

# A leg is never pulled straighter than this share of its length: nearer to 1 the knee snaps.
_STRAIGHTEST = 0.9995


@dataclass(frozen=True)
class Planted:
    """Attributes:
    posed: the target with its feet planted.
    slip_before, slip_after: m, the farthest that a standing joint strays from the middle of its contact.
    """

    posed: Posed
    slip_before: float
    slip_after: float


def plant_feet(source: RestBody, theirs: Posed, target: RestBody, ours: Posed, rate_hz: float) -> Planted:
    """Hold ankles, then the balls of the feet, as long as the source's stand; hips sink if a leg is short."""
    turns, heads = ours.turns.copy(), ours.heads.copy()
    contacts = {
        role: standing(source, theirs, role, rate_hz)
        for side in "LR"
        for role in (f"foot.{side}", f"toe.{side}")
        if role in target.bone_map.bones
    }
    for side in "LR":
        _rest_soles(target, turns, heads, contacts, side)
    level = Posed(turns.copy(), heads.copy())
    goals = {side: _ankle_path(target, level, contacts, side) for side in "LR"}
    _sink_hips(target, heads, goals, contacts, rate_hz)
    for side, goal in goals.items():
        _bend(target, turns, heads, side, goal)
    found = Posed(turns, heads)
    return Planted(found, _slip(target, ours, contacts), _slip(target, found, contacts))


def _rest_soles(
    target: RestBody, turns: Array, heads: Array, contacts: dict[str, NDArray[np.bool_]], side: str
) -> None:
    """Keep feet from turning, in place, while ankle and ball both stand."""
    ankle, toe = target.bone(f"foot.{side}"), target.bone(f"toe.{side}")
    if toe is None or not (flat := contacts[f"foot.{side}"] & contacts[f"toe.{side}"]).any():
        return
    sole = heads[:, toe] - heads[:, ankle]
    swing = np.zeros_like(sole)
    for start, end in spans(flat):
        swing[start:end] = quat.log(quat.between(sole[start:end], sole[start:end].mean(axis=0)))
    _bridge(swing, flat)
    change = quat.exp(swing)
    for bone in (*target.bones(f"foot.{side}"), *target.bones(f"toe.{side}")):
        turns[:, bone] = quat.multiply(change, turns[:, bone])
    heads[:, toe] = heads[:, ankle] + quat.rotate(change, sole)


def _ankle_path(target: RestBody, ours: Posed, contacts: dict[str, NDArray[np.bool_]], side: str) -> Array:
    """(T, 3) where the ankle goes: with the transferred motion, moved by an offset that is smooth between contacts."""
    ankle = target.bone(f"foot.{side}")
    path = ours.heads[:, ankle]
    heel = contacts[f"foot.{side}"]
    toe = contacts.get(f"toe.{side}", np.zeros(len(path), bool))
    offset = np.zeros_like(path)
    ball = ours.heads[:, target.bone(f"toe.{side}")] if toe.any() else path
    for start, end in spans(heel | toe):
        at = start
        while at < end:
            stop = at + int(np.argmin(np.append(toe[at:end] == toe[at], False)))
            held = ball if toe[at] else path
            anchor = held[at:stop].mean(axis=0)
            if at > start:  # what stood before goes on standing where it was
                stays = path if heel[at - 1] and heel[at] else ball
                anchor = held[at] + stays[at - 1] + offset[at - 1] - stays[at]
            offset[at:stop] = anchor - held[at:stop]
            at = stop
    _bridge(offset, heel | toe)
    return path + offset


def _bridge(offset: Array, set_: NDArray[np.bool_]) -> None:
    """Cubic paths through the gaps of `offset`, with the speeds that it has at their edges."""
    for start, end in spans(~set_):
        before, after = start > 0, end < len(offset)
        if not before and not after:
            return
        p0 = offset[start - 1] if before else offset[end]
        p1 = offset[end] if after else offset[start - 1]
        v0 = offset[start - 1] - offset[start - 2] if before and start > 1 and set_[start - 2] else 0.0
        v1 = offset[end + 1] - offset[end] if after and end + 1 < len(offset) and set_[end + 1] else 0.0
        length = end - start + 1
        s = (np.arange(1, length) / length)[:, None]
        v0, v1 = (v0 * length if before and after else 0.0), (v1 * length if before and after else 0.0)
        curve = (2 * s**3 - 3 * s**2 + 1) * p0 + (3 * s**2 - 2 * s**3) * p1
        offset[start:end] = curve + (s**3 - 2 * s**2 + s) * v0 + (s**3 - s**2) * v1


def _sink_hips(
    target: RestBody,
    heads: Array,
    goals: dict[str, Array],
    contacts: dict[str, NDArray[np.bool_]],
    rate_hz: float,
) -> None:
    """Lower the whole body, smoothly, by what the standing legs need to reach."""
    need = np.zeros(len(heads))
    for side, goal in goals.items():
        stands = contacts[f"foot.{side}"] | contacts.get(f"toe.{side}", np.zeros(len(heads), bool))
        to_goal = goal - heads[:, target.bone(f"thigh.{side}")]
        reach = sum(_lengths(target, side)) * _STRAIGHTEST
        room = np.sqrt(np.maximum(reach**2 - (to_goal[:, :2] ** 2).sum(axis=1), 0.0))
        need = np.maximum(need, np.where(stands, np.maximum(-to_goal[:, 2] - room, 0.0), 0.0))
    half = max(1, round(0.2 * rate_hz))
    held = np.lib.stride_tricks.sliding_window_view(np.pad(need, half, "edge"), 2 * half + 1).max(axis=1)
    bell = np.hanning(2 * half + 3)[1:-1]
    heads[..., 2] -= np.convolve(np.pad(held, half, "edge"), bell / bell.sum(), "valid")[:, None]


def _bend(target: RestBody, turns: Array, heads: Array, side: str, goal: Array) -> None:
    """Put the ankle on `goal`, the knee on the side where it was, in place."""
    hip, knee, ankle = (target.bone(f"{role}.{side}") for role in ("thigh", "shin", "foot"))
    thigh, shin = _lengths(target, side)
    a, k, old = heads[:, hip], heads[:, knee].copy(), heads[:, ankle].copy()
    reach = np.linalg.norm(goal - a, axis=1)
    far = np.clip(reach, abs(thigh - shin) + 1e-6, (thigh + shin) * _STRAIGHTEST)
    along = (goal - a) / np.maximum(reach, 1e-9)[:, None]
    turn = quat.between(old - a, along)
    # A straight leg has no side: the thigh's own front, against the body's back, tells where its knee goes.
    rest_front = -target.axes[:, 1]
    front = quat.rotate(quat.multiply(turns[:, hip], quat.inverse(target.turns[hip])), rest_front)
    side_way = quat.rotate(turn, k - a + 0.01 * thigh * front)
    side_way -= along * (side_way * along).sum(axis=1, keepdims=True)
    side_way /= np.maximum(np.linalg.norm(side_way, axis=1, keepdims=True), 1e-12)
    cosine = np.clip((thigh**2 + far**2 - shin**2) / (2 * thigh * far), -1.0, 1.0)
    new_knee = a + thigh * (cosine[:, None] * along + np.sqrt(1 - cosine**2)[:, None] * side_way)
    new_ankle = a + far[:, None] * along
    for role, was, now in (
        ("thigh", k - a, new_knee - a),
        ("shin", old - k, new_ankle - new_knee),
    ):
        first = quat.multiply(turn, turns[:, target.bone(f"{role}.{side}")])
        swing = quat.between(quat.rotate(turn, was), now)
        change = quat.multiply(quat.multiply(swing, first), quat.inverse(turns[:, target.bone(f"{role}.{side}")]))
        for bone in target.bones(f"{role}.{side}"):
            turns[:, bone] = quat.multiply(change, turns[:, bone])
    moved = new_ankle - old
    heads[:, knee], heads[:, ankle] = new_knee, new_ankle
    toe = target.bone(f"toe.{side}")
    if toe is not None:
        heads[:, toe] += moved


def _lengths(target: RestBody, side: str) -> tuple[float, float]:
    hip, knee, ankle = (target.joint(f"{role}.{side}") for role in ("thigh", "shin", "foot"))
    return float(np.linalg.norm(knee - hip)), float(np.linalg.norm(ankle - knee))


def _slip(target: RestBody, posed: Posed, contacts: dict[str, NDArray[np.bool_]]) -> float:
    worst = 0.0
    for role, flags in contacts.items():
        path = posed.heads[:, target.bone(role)]
        for start, end in spans(flags):
            worst = max(worst, float(np.linalg.norm(path[start:end] - path[start:end].mean(axis=0), axis=1).max()))
    return worst
