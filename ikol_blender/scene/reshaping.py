"""Mirror and in place of the active armature's motion, each as a new action."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..cleanup.keys import plain_keys
from ..cleanup.limbs import other_side
from ..cleanup.mirror import mirror as mirrored
from ..cleanup.motion import Motion
from ..cleanup.travel import move_over_ground, path_of_travel
from .body import mirror_partners
from .compat import curves_of
from .contact_curves import drop_contacts
from .edits import edit_motion
from .keys import read_keys, write_keys
from .legs import carrier_of
from .marks import Marked, clear_pins_between
from .property_curves import property_curve
from .samples import Sampled, active_armature, sample
from .unkeyed import keeps_unkeyed
from .writing import write_motion

_NEAR = 1e-3


@keeps_unkeyed
def mirror(context: bpy.types.Context) -> Marked:
    """Left for right within the frame range: each chosen bone does what its partner did.

    When all are, contacts, confidence and other properties of a side change sides too. Pins of the range are cleared.

    Raises:
        BadInput: there is no armature, or no motion to edit, or nothing tells left from right.
    """
    found: list[int] = []

    def edit(sampled: Sampled) -> Motion:
        found.extend(mirror_partners(sampled.armature, sampled.motion.skeleton))
        return mirrored(sampled.motion, found)

    done = edit_motion(context, edit, "mirrored")
    sampled = done.before
    if sampled.chosen.all():
        _swap_sides(sampled, found)
    first, last = sampled.frames[sampled.first], sampled.frames[sampled.last]
    return Marked(done.action, pins_cleared=clear_pins_between(sampled.armature, float(first), float(last)))


@keeps_unkeyed
def in_place(context: bpy.types.Context, *, strength: float = 1.0) -> Marked:
    """Take the travel over the ground away, within the frame range; sway and height stay. Later motion goes on from
    where the range ends. Feet slide then: contacts of the range are dropped, and pins of all that moved.

    Args:
        strength: the share of the travel that goes.

    Raises:
        BadInput: there is no armature, or no motion to edit.
    """
    sampled = sample(context, active_armature(context))
    carrier = carrier_of(sampled)
    way = path_of_travel(sampled.motion, carrier)
    index = np.clip(np.arange(len(way)), sampled.first, sampled.last)
    edited = move_over_ground(sampled.motion, carrier, strength * (way[sampled.first] - way[index]))
    action = write_motion(sampled, edited, "in place", to_the_end=True)
    if strength == 0:
        return Marked(action)
    frames = sampled.frames[sampled.ranged]
    dropped = drop_contacts(sampled.armature, frames, whole=len(frames) == len(way))
    return Marked(action, dropped, clear_pins_between(sampled.armature, float(frames[0]), np.inf))


def _swap_sides(sampled: Sampled, partners: Sequence[int]) -> None:
    """Exchange what the curves of custom properties say within the range with those of the other side."""
    last_sample = len(sampled.frames) - 1
    whole = sampled.first == 0 and sampled.last == last_sample
    curves = {curve.data_path: curve for curve in curves_of(sampled.armature).fcurves if curve.data_path.endswith('"]')}
    others = {path: _other_path(path, sampled.motion.skeleton.names, partners) for path in curves}
    pairs = {(min(pair), max(pair)) for pair in others.items() if pair[0] != pair[1]}
    for path, other in sorted(pairs):
        if path in curves and other in curves:
            _exchange(sampled, curves[path], curves[other], whole)
            continue
        lone, missing = (path, other) if path in curves else (other, path)
        if not _has_property(sampled.armature, missing, lone):
            continue
        if whole:
            curves[lone].data_path = missing
        else:
            _exchange(sampled, curves[lone], _still(sampled, curves[lone], missing), whole)


def _other_path(path: str, names: Sequence[str], partners: Sequence[int]) -> str:
    """Of the same property on the other side."""
    for name, partner in zip(names, partners, strict=True):
        start = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        if path.startswith(start) and names[partner] != name:
            return f'pose.bones["{bpy.utils.escape_identifier(names[partner])}"]' + path[len(start) :]
    return other_side(path)


def _exchange(sampled: Sampled, curve: bpy.types.FCurve, partner: bpy.types.FCurve, whole: bool) -> None:
    # A motion whose samples lie between whole frames has its next one not on the next frame.
    first, last = float(sampled.frames[sampled.first]), float(sampled.frames[sampled.last])
    edges = (first, last, *sampled.frames[sampled.last + 1 : sampled.last + 2].tolist())
    if not whole:
        # What lies outside must not change with its neighbours.
        for each in (curve, partner):
            for frame in edges:
                each.keyframe_points.insert(frame, each.evaluate(frame))
    both = [read_keys(each) for each in (curve, partner)]
    inside = [
        np.full(len(keys), whole) | ((keys.co[:, 0] > first - _NEAR) & (keys.co[:, 0] < last + _NEAR)) for keys in both
    ]
    for each, own, theirs in ((curve, 0, 1), (partner, 1, 0)):
        write_keys(each, both[own].where(~inside[own]).joined(both[theirs].where(inside[theirs])))


def _has_property(armature: bpy.types.Object, path: str, like: str) -> bool:
    """Whether the property at `path` exists, or could be made: a number, as the one at `like`."""
    owner_path, _, name = path.rpartition('["')
    name = name.removesuffix('"]')
    try:
        owner = armature.path_resolve(owner_path) if owner_path else armature
        value = armature.path_resolve(like)
    except ValueError:
        return False
    if name not in owner:
        if not isinstance(value, (bool, int, float)):
            return False
        owner[name] = type(value)()
    return True


def _still(sampled: Sampled, like: bpy.types.FCurve, path: str) -> bpy.types.FCurve:
    """A curve of the property at `path` that says all the time what the property is."""
    curve = property_curve(curves_of(sampled.armature), path, like.group.name if like.group else "Mirrored")
    value = float(sampled.armature.path_resolve(path))
    write_keys(curve, plain_keys(sampled.frames[:1], np.array([value]), int(read_keys(like).interpolation[0])))
    return curve
