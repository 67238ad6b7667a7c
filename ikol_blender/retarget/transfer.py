"""Rotations of one rig as rotations of another, all frames at once. World frame, metres, radians."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..cleanup.motion import Motion
from .body_frame import RestBody, alignments, spine_top

Array = NDArray[np.float64]


class Root(Enum):
    """How the body travels: by its leg's length, as far as the source in metres, or on the spot."""

    SCALED = "SCALED"
    WORLD = "WORLD"
    IN_PLACE = "IN_PLACE"


@dataclass(frozen=True)
class Posed:
    """Attributes:
    turns: (T, K, 4) the bones' axes in the world.
    heads: (T, K, 3) world, m.
    """

    turns: Array
    heads: Array


def bones_apart(count: int, bones: int, width: int) -> Array:
    """An array (count, bones, width) to fill, each bone's numbers in one piece of memory: we work bone by bone."""
    return np.empty((bones, count, width)).swapaxes(0, 1)


def pose_source(source: RestBody, motion: Motion) -> Posed:
    """Where the source's bones are at every frame, by forward kinematics on quaternions."""
    count, bones = len(motion.rotations), len(source.skeleton)
    turns, heads = bones_apart(count, bones, 4), bones_apart(count, bones, 3)
    for bone, parent in enumerate(source.skeleton.parents):
        # Relative to rest in the world: D = D_parent B R B^-1.
        rest = source.turns[bone]
        own = quat.multiply(quat.multiply(rest, motion.rotations[:, bone]), quat.inverse(rest))
        moved = quat.rotate(rest, motion.locations[:, bone]) * source.skeleton.scale
        if parent < 0:
            turns[:, bone], heads[:, bone] = own, source.heads[bone] + moved
        else:
            offset = source.heads[bone] - source.heads[parent] + moved
            turns[:, bone] = quat.multiply(turns[:, parent], own)
            heads[:, bone] = heads[:, parent] + quat.rotate(turns[:, parent], offset)
    return Posed(quat.multiply(turns, source.turns), heads)


def transfer(source: RestBody, posed: Posed, target: RestBody, root: Root) -> Posed:
    """The target's bones in the world; its skeleton holds mapped bones, parents first, and maybe a root at rest."""
    aligned = alignments(source, target)
    turns = bones_apart(len(posed.turns), len(target.skeleton), 4)
    turns[:] = target.turns
    for role, names in target.bone_map.bones.items():
        for place, bone in enumerate(target.bones(role)):
            delta = _source_delta(source, posed, role, (place + 1) / len(names))
            turns[:, bone] = quat.multiply(delta, quat.multiply(aligned[role], target.turns[bone]))
    start = np.zeros((len(turns), 3))
    turns = _with_spine_line(source, posed, target, turns)
    heads = _heads(target, turns, start)
    shift = _pelvis_path(source, posed, target, root) - _mid_hip(target, heads)
    return Posed(turns, heads + shift[:, None])


def own_rotations(target: RestBody, posed: Posed) -> Array:
    """(T, K, 4) what turns each bone from its rest relative to its parent: the pose bones' own rotation."""
    found = bones_apart(len(posed.turns), len(target.skeleton), 4)
    for bone, parent in enumerate(target.skeleton.parents):
        local = quat.inverse(target.turns[bone])
        if parent >= 0:
            rest = quat.multiply(local, target.turns[parent])
            local = quat.multiply(rest, quat.inverse(posed.turns[:, parent]))
        found[:, bone] = quat.multiply(local, posed.turns[:, bone])
    return found


def own_location(target: RestBody, posed: Posed, bone: int) -> Array:
    """(T, 3) the pose bone's own location, in the armature's units, that puts its head where `posed` has it."""
    parent = target.skeleton.parents[bone]
    if parent < 0:
        delta = posed.heads[:, bone] - target.heads[bone]
    else:
        carried = quat.multiply(posed.turns[:, parent], quat.inverse(target.turns[parent]))
        natural = posed.heads[:, parent] + quat.rotate(carried, target.heads[bone] - target.heads[parent])
        delta = quat.rotate(quat.inverse(carried), posed.heads[:, bone] - natural)
    return quat.rotate(quat.inverse(target.turns[bone]), delta) / target.skeleton.scale


def _source_delta(source: RestBody, posed: Posed, role: str, share: float) -> Array:
    """(T, 4) how far the source's `role` has turned from rest, at `share` of the way along it.

    A role of several bones is a curve of rotations that starts where its parent ends; other roles turn as a whole.
    """
    bones = source.bones(role)
    if role not in ("spine", "neck"):
        bones = bones[:1] if bones else _standing_in(source, role)
        return _turned(source, posed, bones[0])
    start = _standing_in(source, role)[0]
    stations = [start, *bones]
    at = share * (len(stations) - 1)
    low = min(int(at + 1e-9), len(stations) - 1)
    high = min(low + 1, len(stations) - 1)
    first = _turned(source, posed, stations[low])
    return first if at - low < 1e-6 else quat.slerp(first, _turned(source, posed, stations[high]), at - low)


def _standing_in(source: RestBody, role: str) -> tuple[int, ...]:
    """The nearest mapped part that carries `role`."""
    part, _, side = role.partition(".")
    carriers = {"toe": ("foot.", "shin."), "shoulder": ("spine",), "head": ("neck", "spine"), "neck": ("spine",)}
    for name in carriers.get(part, ()):
        if bones := source.bones(name + side if name.endswith(".") else name):
            return bones[-1:]
    return source.bones("hips")[-1:]


def _turned(source: RestBody, posed: Posed, bone: int) -> Array:
    return quat.multiply(posed.turns[:, bone], quat.inverse(source.turns[bone]))


def _heads(body: RestBody, turns: Array, start: Array, only: Collection[int] | None = None) -> Array:
    """(T, K, 3) from the world rotations, the first bone's head at `start` (T, 3); of `only` these bones when given."""
    found = bones_apart(len(turns), turns.shape[1], 3)
    for bone, parent in enumerate(body.carriers):
        if only is not None and bone not in only:
            continue
        if parent < 0:
            found[:, bone] = start
        else:
            carried = quat.multiply(turns[:, parent], quat.inverse(body.turns[parent]))
            found[:, bone] = found[:, parent] + quat.rotate(carried, body.heads[bone] - body.heads[parent])
    return found


def _with_spine_line(source: RestBody, posed: Posed, target: RestBody, turns: Array) -> Array:
    """`turns` with the spine leaning as the source's does: other lengths of the same bends give another line."""
    bones = target.bones("spine")
    if not bones or "spine" not in source.bone_map.bones:
        return turns
    wanted = _line(source, posed.heads)
    corrected = turns.copy(order="K")
    above = _carrying(target, _line_ends(target))
    for _ in range(3):  # hips do not turn along, so each round leaves a small rest
        line = _line(target, _heads(target, corrected, np.zeros((len(turns), 3)), above))
        swing = quat.between(line, wanted)
        for bone in bones:
            corrected[:, bone] = quat.multiply(swing, corrected[:, bone])
    return corrected


def _line(body: RestBody, heads: Array) -> Array:
    top, other, _, _ = _line_ends(body)
    return (heads[:, top] + heads[:, other]) / 2 - _mid_hip(body, heads)


def _carrying(body: RestBody, bones: Iterable[int]) -> set[int]:
    """`bones` and all that carry them."""
    found: set[int] = set()
    carriers = body.carriers
    for bone in bones:
        at = bone
        while at >= 0 and at not in found:
            found.add(at)
            at = carriers[at]
    return found


def _line_ends(body: RestBody) -> tuple[int, int, int, int]:
    """The bones whose heads are the ends of the spine's line: two at the top, perhaps the same, and both thighs."""
    top = spine_top(body)
    other = top[:-1] + "R" if top.endswith(".L") else top
    return body.index(top), body.index(other), body.index("thigh.L"), body.index("thigh.R")


def _mid_hip(body: RestBody, heads: Array) -> Array:
    return (heads[:, body.index("thigh.L")] + heads[:, body.index("thigh.R")]) / 2


def _pelvis_path(source: RestBody, posed: Posed, target: RestBody, root: Root) -> Array:
    """(T, 3) where the middle of the target's hip joints goes.

    Heights count from the ankles' height at rest, so that straight legs stand on the floor whatever the soles.
    """
    ratio = target.leg_length / source.leg_length
    path = _mid_hip(source, posed.heads)
    ankle_source, ankle_target = (np.mean([body.height("foot.L"), body.height("foot.R")]) for body in (source, target))
    height = target.floor[2] + ankle_target + ratio * (path[:, 2] - source.floor[2] - ankle_source)
    if root is Root.SCALED:
        flat = target.floor[:2] + ratio * (path[:, :2] - source.floor[:2])
    elif root is Root.WORLD:
        flat = path[:, :2]
    else:
        flat = np.tile(target.floor[:2], (len(path), 1))
    return np.column_stack([flat, height])
