"""Where a foot goes so that it stands still, from contact to contact. World frame, metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .bell import bell_mean
from .contact import FootContact
from .gaps import Flags, bridge, spans
from .limbs import Leg
from .motion import fade
from .skeleton import Posed
from .soles import Sole

Array = NDArray[np.float64]

# A foot eases from what holds it to its own motion over this long; its speed at the edge is measured over the other.
_EASE_S, _SLOPE_S = 0.4, 0.05
# Feet tilted more than this (cosine) while they stand are not flat on the floor: they stay as they are.
_TILTED = 0.5
# What stands farther from the floor than this, in leg lengths, stands on something else.
_ELSEWHERE = 0.3
_MOST_ROLL = np.radians(30)
_SOFT_S = 0.1
UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Ground:
    """Attributes:
    height: of the floor, world, m.
    size: length of the legs that stand on it, m.
    """

    height: float
    size: float

    def bears(self, heights: Array) -> Flags:
        """Whether what stands at `heights` (...) is meant to stand on this floor."""
        return np.abs(heights - self.height) < _ELSEWHERE * self.size


@dataclass(frozen=True)
class Reach:
    """How far a leg gets.

    Attributes:
        hip: (T, 3) where it starts.
        length: (T,) from there, m.
    """

    hip: Array
    length: Array


@dataclass(frozen=True)
class FootPath:
    """Attributes:
    ankle: (T, 3)
    foot: (T, 4) the foot bone's axes, continuous.
    toe: (T, 4) the toe bone's axes; the foot's own where there is none.
    sole: its points.
    """

    ankle: Array
    foot: Array
    toe: Array
    sole: Sole

    def heel(self) -> Array:
        """(T, 3)"""
        return self.ankle + quat.rotate(self.foot, self.sole.heel)

    def ball(self) -> Array:
        """(T, 3)"""
        return self.ankle + quat.rotate(self.foot, self.sole.ball)

    def lowest(self) -> Array:
        """(T,) height of the sole's lowest point."""
        heights = [self.heel()[:, 2], self.ball()[:, 2]]
        if self.sole.tip is not None:
            joint = self.ankle + quat.rotate(self.foot, self.sole.joint)
            heights.append((joint + quat.rotate(self.toe, self.sole.tip))[:, 2])
        return np.min(heights, axis=0)


@dataclass(frozen=True)
class Plan:
    """What a foot does instead.

    Attributes:
        ankle: (T, 3) where the ankle goes.
        foot: (T, 4) how the foot turns in the world from where it was.
        toe: (T, 4) how the toes turn in the world from where they were.
    """

    ankle: Array
    foot: Array
    toe: Array

    def weighted(self, path: FootPath, weights: Array) -> Plan:
        """A part of the way from `path` to the plan: none where `weights` (T,) is 0."""
        return Plan(
            path.ankle + weights[:, None] * (self.ankle - path.ankle),
            quat.exp(weights[:, None] * quat.log(self.foot)),
            quat.exp(weights[:, None] * quat.log(self.toe)),
        )

    def path(self, before: FootPath) -> FootPath:
        """What becomes of `before`."""
        foot, toe = quat.multiply(self.foot, before.foot), quat.multiply(self.toe, before.toe)
        return FootPath(self.ankle, foot, toe, before.sole)


def foot_path(posed: Posed, leg: Leg, sole: Sole) -> FootPath:
    foot, toe = (
        quat.continuous(quat.from_matrices(posed.turns[:, bone]))
        for bone in (leg.ankle, leg.toe if leg.toe >= 0 else leg.ankle)
    )
    return FootPath(posed.heads[:, leg.ankle], foot, toe, sole)


def plan(path: FootPath, contact: FootContact, reach: Reach, rate_hz: float, ground: Ground | None, hold: bool) -> Plan:
    """The foot stands still while `contact` says so.

    Args:
        reach: where the leg gets.
        ground: what it stands on; None leaves heights and tilts as they are.
        hold: False only puts it on the ground, where it may slide.
    """
    ease, over = max(1, round(_EASE_S * rate_hz)), max(1, round(_SLOPE_S * rate_hz))
    foot = quat.exp(bridge(_stilled(path.foot, path.sole.up, contact.flat, ground, hold), contact.flat, ease, over))
    if ground is not None:
        pitch = bridge(_pitch(quat.multiply(foot, path.foot), path.sole, contact), contact.any, ease, over)
        foot = quat.multiply(quat.exp(pitch), foot)
    if path.sole.toe_up is None:
        toe = foot
    else:
        toe = quat.exp(bridge(_stilled(path.toe, path.sole.toe_up, contact.toe, ground, hold), contact.toe, ease, over))
    anchored = _anchored if hold else _grounded
    offset = anchored(path, quat.multiply(foot, path.foot), contact, ground)
    if hold:
        roll = _roll(path.ankle + offset, quat.multiply(foot, path.foot), path.sole, contact, reach)
        roll = _softened(roll, contact.any, contact.heel != contact.toe, max(1, round(_SOFT_S * rate_hz)))
        foot = quat.multiply(quat.exp(bridge(roll, contact.any, ease, over)), foot)
        offset = anchored(path, quat.multiply(foot, path.foot), contact, ground)
    return Plan(path.ankle + bridge(offset, contact.any, ease, over), foot, toe)


def _stilled(turns: Array, up: Array, flat: Flags, ground: Ground | None, hold: bool) -> Array:
    """(T, 3) rotation vectors, world, that keep what is `flat` from turning, and level it with the ground."""
    found = np.zeros((len(turns), 3))
    for start, end in spans(flat):
        inside = turns[start:end]
        wanted = np.broadcast_to(quat.normalized(inside.mean(axis=0)), inside.shape) if hold else inside
        if ground is not None:
            ups = quat.rotate(wanted, up)
            level = quat.between(ups, np.broadcast_to(UP, ups.shape))
            wanted = np.where(ups[:, 2:] > _TILTED, quat.multiply(level, wanted), wanted)
        found[start:end] = quat.log(quat.multiply(wanted, quat.inverse(inside)))
    return found


def _pitch(turned: Array, sole: Sole, contact: FootContact) -> Array:
    """(T, 3) rotation vectors, world, that keep the ball above the ground while the heel stands alone, and so on."""
    along = quat.rotate(turned, sole.ball - sole.heel)
    sunk = np.where(contact.heel, along[:, 2] < 0, along[:, 2] > 0) & (contact.heel != contact.toe)
    return np.where(sunk[:, None], quat.log(quat.between(along, along * (1.0, 1.0, 0.0))), 0.0)


def _roll(ankle: Array, turned: Array, sole: Sole, contact: FootContact, reach: Reach) -> Array:
    """(T, 3) rotation vectors, world, that roll a foot over the ball, or the heel, that stands alone, towards the hip
    as far as the leg is too short: as one walks off a foot."""
    arm = -quat.rotate(turned, np.where(contact.heel[:, None], sole.heel, sole.ball))
    to_hip = reach.hip - (ankle - arm)
    radius, away = np.linalg.norm(arm, axis=1), np.linalg.norm(to_hip, axis=1)
    within = (away**2 + radius**2 - reach.length**2) / np.maximum(2 * away * radius, 1e-9)
    axis = quat.cross(arm, to_hip)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, (arm * to_hip).sum(axis=1)) - np.arccos(np.clip(within, -1, 1))
    rolls = (contact.heel != contact.toe) & (angle > 0)
    return axis * np.where(rolls, np.minimum(angle, _MOST_ROLL) / np.maximum(sine, 1e-9), 0.0)[:, None]


def _softened(roll: Array, stands: Flags, alone: Flags, reach: int) -> Array:
    """`roll` (T, 3) without sudden changes within each contact; it begins and ends where `alone` does."""
    found = np.zeros_like(roll)
    for start, end in spans(stands):
        weights = np.zeros(end - start)
        for first, last in spans(alone[start:end]):
            weights += fade(end - start, first, last - 1, reach)
        found[start:end] = bell_mean(roll[start:end], reach) * weights[:, None]
    return found


def _anchored(path: FootPath, turned: Array, contact: FootContact, ground: Ground | None) -> Array:
    """(T, 3) what puts the ankle where heel and ball, or the one of them that stands, stay where they landed."""
    offset = np.zeros_like(path.ankle)
    to_heel, to_ball = quat.rotate(turned, path.sole.heel), quat.rotate(turned, path.sole.ball)
    for start, end in spans(contact.any):
        heel: Array | None = None
        ball: Array | None = None
        at = start
        while at < end:
            stop = at + _same_for(contact, at, end)
            length = to_ball[at] - to_heel[at]
            heel = heel if contact.heel[at] else None
            ball = ball if contact.toe[at] else None
            if contact.flat[at]:
                if heel is None and ball is None:
                    middle = _landed((path.heel() + path.ball()) / 2, slice(at, stop), ground)
                    heel = middle - length / 2
                elif heel is None and ball is not None:
                    heel = ball - length
                ball = heel + length if heel is not None and ball is None else ball
            elif contact.heel[at] and heel is None:
                heel = _landed(path.heel(), slice(at, at + _run(contact.heel, at, end)), ground)
            elif contact.toe[at] and ball is None:
                ball = _landed(path.ball(), slice(at, at + _run(contact.toe, at, end)), ground)
            held, arm = (heel, to_heel) if heel is not None else (ball, to_ball)
            assert held is not None
            offset[at:stop] = held - arm[at:stop] - path.ankle[at:stop]
            at = stop
    return offset


def _grounded(path: FootPath, turned: Array, contact: FootContact, ground: Ground | None) -> Array:
    """(T, 3) what puts standing feet on the ground without holding them."""
    offset = np.zeros_like(path.ankle)
    if ground is None:
        return offset
    arms = np.where(contact.heel[:, None], quat.rotate(turned, path.sole.heel), quat.rotate(turned, path.sole.ball))
    heights = path.ankle[:, 2] + arms[:, 2]
    offset[:, 2] = np.where(ground.bears(heights), ground.height - heights, 0.0)
    return offset


def _landed(points: Array, span: slice, ground: Ground | None) -> Array:
    """(3,) the middle of `points` over the span; on the ground, if that is what bears them."""
    middle = points[span].mean(axis=0)
    if ground is not None and ground.bears(middle[2]):
        middle[2] = ground.height
    return middle


def _same_for(contact: FootContact, at: int, end: int) -> int:
    """How many samples from `at` on heel and toe both do what they do there."""
    other = (contact.heel[at:end] != contact.heel[at]) | (contact.toe[at:end] != contact.toe[at])
    return int(other.argmax()) if other.any() else end - at


def _run(flags: Flags, at: int, end: int) -> int:
    return int((~flags[at:end]).argmax()) if not flags[at:end].all() else end - at
