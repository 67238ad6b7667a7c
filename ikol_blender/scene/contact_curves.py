"""When a take's feet stand, as F-curves of the armature object's own properties: steps that an animator may move."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import CONSTANT, Keys, plain_keys
from .compat import curves_of, existing_curves, strip_curves
from .cycles import cycles_of
from .keys import read_keys, write_keys
from .property_curves import float_property, property_curve, values_at

Array = NDArray[np.float64]

# Properties of the armature object, in the order of a take's contacts.
CONTACTS = ("contact_left_heel", "contact_left_toe", "contact_right_heel", "contact_right_toe")
PLANTED = 0.5  # planted where the value is above
_GROUP = "Contacts"
_NEAR = 1e-3


def read_contacts(
    armature: bpy.types.Object, frames: Array, strip: bpy.types.NlaStrip | None = None
) -> dict[str, Array] | None:
    """What the contact curves of `armature`'s active action, or of `strip`'s, say at the action's `frames` (T,).

    For each of CONTACTS: (T,), 0..1.
    None when the action has no contact curves; a single one that is missing reads as never planted.
    """
    curves = existing_curves(armature) if strip is None else strip_curves(strip)
    found = {} if curves is None else {name: curves.fcurves.find(_path(name)) for name in CONTACTS}
    found = {name: curve for name, curve in found.items() if curve is not None and len(curve.keyframe_points)}
    if not found:
        return None
    values = {name: np.zeros(len(frames)) for name in CONTACTS}
    for name, curve in found.items():
        values[name] = values_at(curve, frames)
    return values


def planted_contacts(armature: bpy.types.Object, frames: Array) -> dict[str, NDArray[np.bool_]] | None:
    """When each of CONTACTS stands at `frames` (T,) by the contact curves: (T,).

    None when there are no curves, or none of them ever says that a foot stands: then only the motion tells.
    """
    said = read_contacts(armature, frames)
    found = None if said is None else {name: values > PLANTED for name, values in said.items()}
    return None if found is None or not any(flags.any() for flags in found.values()) else found


def write_contacts(
    armature: bpy.types.Object, frames: Array, contacts: Mapping[str, Array], *, goes_round: bool = False
) -> None:
    """Put `contacts`, each (T,) at `frames` (T,) rising, on the curves of `armature`'s active action.

    Keys from the first to the last of `frames` are replaced; what the curves say later stays. There is a key wherever
    the value changes, none in between: that is a step to take hold of on the timeline.

    Args:
        goes_round: `frames` are one cycle, the last of them the first one again; the curves then go round as well.
    """
    curves = curves_of(armature)
    for name, values in contacts.items():
        if name not in CONTACTS:
            raise ValueError(f"{name} is none of {', '.join(CONTACTS)}")
        _make_property(armature, name)
        curve = property_curve(curves, _path(name), _GROUP)
        values = np.asarray(values, np.float64)
        steps = np.concatenate([[True], np.diff(values) != 0])
        if goes_round:
            # A curve repeats what lies from its first key to its last.
            values, steps[-1] = np.append(values[:-1], values[0]), True
        old = read_keys(curve)
        kept = old.where((old.co[:, 0] < frames[0] - _NEAR) | (old.co[:, 0] > frames[-1] + _NEAR))
        fresh = plain_keys(np.asarray(frames)[steps], values[steps], CONSTANT)
        if not goes_round:
            fresh = fresh.joined(_step_back(curve, float(frames[-1]), float(values[-1])))
        write_keys(curve, kept.joined(fresh))
        if goes_round and cycles_of(curve) is None:
            curve.modifiers.new("CYCLES")


def put_back_properties(armature: bpy.types.Object) -> None:
    """Make those of CONTACTS that curves of `armature`'s action or strips are of, where they are missing."""
    animation = armature.animation_data
    strips = [] if animation is None else [strip for track in animation.nla_tracks for strip in track.strips]
    for curves in (existing_curves(armature), *(strip_curves(strip) for strip in strips)):
        for name in CONTACTS:
            if curves is not None and curves.fcurves.find(_path(name)) is not None:
                _make_property(armature, name)


def close_contacts(armature: bpy.types.Object) -> None:
    """Let the contact curves of the active action, which lie over one cycle, end as they begin."""
    for curve in (curves_of(armature).fcurves.find(_path(name)) for name in CONTACTS):
        if curve is not None and len(curve.keyframe_points):
            keys = read_keys(curve)
            step = keys.co[0, 1] - keys.co[-1, 1]
            for points in (keys.co, keys.handle_left, keys.handle_right):
                points[-1, 1] += step
            write_keys(curve, keys)


def drop_contacts(armature: bpy.types.Object, frames: Array, *, whole: bool) -> bool:
    """Let the contact curves of the active action say nothing at `frames` (T,) rising, because feet slide there.

    Args:
        whole: `frames` are all of the motion: the curves go. Else they say there that no foot stands.

    Returns:
        Whether a foot stood.
    """
    said = read_contacts(armature, frames)
    if said is None:
        return False
    if whole:
        curves = curves_of(armature).fcurves
        for curve in [curve for name in CONTACTS if (curve := curves.find(_path(name))) is not None]:
            curves.remove(curve)
    else:
        keyed = [name for name in CONTACTS if curves_of(armature).fcurves.find(_path(name)) is not None]
        write_contacts(armature, frames, {name: np.zeros(len(frames)) for name in keyed})
    return any(bool((values > PLANTED).any()) for values in said.values())


def _make_property(armature: bpy.types.Object, name: str) -> None:
    float_property(armature, name, "1 while this part of the foot stands, else 0")


def _step_back(curve: bpy.types.FCurve, last: float, value: float) -> Keys:
    """What keeps an old curve as it was after the frame `last`, where it takes `value` now: a key, or none."""
    after = last + 1
    keyed = [point.co[0] for point in curve.keyframe_points]
    soon = any(last + _NEAR < frame < after + _NEAR for frame in keyed)
    needed = bool(keyed) and not soon and curve.evaluate(after) != value
    return plain_keys(np.array([after] * needed), np.array([curve.evaluate(after)] * needed), CONSTANT)


def _path(name: str) -> str:
    return f'["{name}"]'
