"""Mirror and in place of the active armature's motion, each as a new action."""

from __future__ import annotations

import bpy
import numpy as np

from ..cleanup.limbs import other_side
from ..cleanup.mirror import mirror as mirrored
from ..cleanup.travel import move_over_ground, path_of_travel
from .compat import curves_of
from .contact_curves import drop_contacts
from .edits import Edited, edit_motion
from .keys import read_keys, write_keys
from .legs import carrier_of
from .marks import Marked, clear_pins_between
from .samples import Sampled, active_armature, sample, write_motion

_NEAR = 1e-3


def mirror(context: bpy.types.Context) -> Edited:
    """Left for right, all bones, within the frame range; contacts, confidence and other properties of a side go along.

    Raises:
        BadInput: there is no armature, or no motion to edit.
    """
    done = edit_motion(context, lambda sampled: mirrored(sampled.motion), "mirrored", every_bone=True)
    _swap_sides(done.before)
    return done


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


def _swap_sides(sampled: Sampled) -> None:
    """Exchange what the curves of custom properties say within the range with those of the other side."""
    first, last = float(sampled.frames[sampled.first]), float(sampled.frames[sampled.last])
    whole = sampled.first == 0 and sampled.last == len(sampled.frames) - 1
    curves = {curve.data_path: curve for curve in curves_of(sampled.armature).fcurves if curve.data_path.endswith('"]')}
    for path, curve in curves.items():
        partner = curves.get(other_side(path))
        if partner is None or partner.data_path <= path:  # each pair once
            continue
        if not whole:
            # What lies outside must not change with its neighbours.
            for each in (curve, partner):
                for frame in (first, last, last + 1):
                    each.keyframe_points.insert(frame, each.evaluate(frame))
        both = [read_keys(each) for each in (curve, partner)]
        inside = [
            np.full(len(keys), whole) | ((keys.co[:, 0] > first - _NEAR) & (keys.co[:, 0] < last + _NEAR))
            for keys in both
        ]
        for each, own, theirs in ((curve, 0, 1), (partner, 1, 0)):
            write_keys(each, both[own].where(~inside[own]).joined(both[theirs].where(inside[theirs])))
