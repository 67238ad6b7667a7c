"""A floor under a motion: the body as high as its standing feet say, and nothing below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .butterworth import low_pass
from .contact import FootContact
from .foot_plan import FootPath, Ground, Plan
from .gaps import cover
from .limbs import Leg
from .motion import Motion
from .skeleton import Posed, Skeleton

Array = NDArray[np.float64]

_RISE_HZ = 1.0  # the body is lifted and lowered no faster than this
_ARRIVE_S = 0.2  # who would sink begins to rise this long before
_LOWEST_PERCENT = 10


def bear(
    ground: Ground,
    motion: Motion,
    posed: Posed,
    legs: Sequence[Leg],
    paths: Sequence[FootPath],
    contacts: Sequence[FootContact],
) -> Array:
    """(T,) how far the body goes up, slowly, to stand on the ground with no joint below."""
    rise = _to_floor(ground, paths, contacts, motion.rate_hz)
    others = _above_feet(motion.skeleton, legs)
    lowest = posed.heads[:, others, 2].min(axis=1) + rise
    return rise + cover(np.maximum(ground.height - lowest, 0.0), max(1, round(_ARRIVE_S * motion.rate_hz)))


def keep_above(ground: Ground, path: FootPath, planned: Plan, contact: FootContact) -> Plan:
    """`planned` with the foot raised where, between contacts, its sole is below the ground."""
    sunk = np.maximum(ground.height - planned.path(path).lowest(), 0.0)
    ankle = planned.ankle.copy()
    ankle[:, 2] += np.where(contact.any, 0.0, sunk)
    return replace(planned, ankle=ankle)


def _to_floor(ground: Ground, paths: Sequence[FootPath], contacts: Sequence[FootContact], rate_hz: float) -> Array:
    heights, stands = [], []
    for path, contact in zip(paths, contacts, strict=True):
        heights += [path.heel()[:, 2], path.ball()[:, 2]]
        stands += [contact.heel, contact.toe]
    above, standing = np.stack(heights) - ground.height, np.stack(stands)
    if not standing.any():
        return np.zeros(above.shape[1])
    # A capture that stands on another floor altogether is put on this one first.
    lowest = float(np.percentile(above[standing], _LOWEST_PERCENT))
    whole = 0.0 if ground.bears(np.array(lowest + ground.height)) else lowest
    standing &= ground.bears(above - whole + ground.height)
    known = np.flatnonzero(standing.any(axis=0))
    if not len(known):
        return np.full(above.shape[1], -whole)
    mean = np.where(standing, above, 0.0).sum(axis=0)[known] / standing.sum(axis=0)[known]
    return -low_pass(np.interp(np.arange(above.shape[1]), known, mean), rate_hz, _RISE_HZ)


def _above_feet(skeleton: Skeleton, legs: Sequence[Leg]) -> list[int]:
    """The bones of the body that are neither feet nor carried by them, nor outside it as controls and props are."""
    chains = [skeleton.chain(bone) for bone in range(len(skeleton))]
    body = next((bone for bone in chains[legs[0].hip] if all(bone in chains[leg.hip] for leg in legs)), 0)
    feet = {leg.ankle for leg in legs}
    return [bone for bone, chain in enumerate(chains) if body in chain and not feet & set(chain)]
