"""F-curves of custom properties that say something of a motion without moving anything."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import CONSTANT, LINEAR

Array = NDArray[np.float64]


def float_property(owner: bpy.types.Object | bpy.types.PoseBone, name: str, description: str) -> None:
    """Give `owner` the property `name`, a number from 0 to 1, unless it has it."""
    if name not in owner:
        owner[name] = 0.0
        owner.id_properties_ui(name).update(min=0.0, max=1.0, description=description)


def property_curve(
    curves: bpy.types.Action | bpy.types.ActionChannelbag, path: str, group_name: str
) -> bpy.types.FCurve:
    """The curve of `path`; a new one lies in the group `group_name`, apart from the bones' own channels."""
    curve = curves.fcurves.find(path)
    if curve is None:
        curve = curves.fcurves.new(path)
        curve.group = curves.groups.get(group_name) or curves.groups.new(group_name)
    return curve


def values_at(curve: bpy.types.FCurve, frames: Array) -> Array:
    """(T,) what the curve says at `frames` (T,). As written by import, it is read from its keys at once."""
    points, count = curve.keyframe_points, len(curve.keyframe_points)
    kinds = np.empty(count, np.int32)
    points.foreach_get("interpolation", kinds)
    plain = count and (kinds == kinds[0]).all() and kinds[0] in (CONSTANT, LINEAR)
    if not plain or curve.modifiers or curve.extrapolation != "CONSTANT":
        return np.array([curve.evaluate(float(frame)) for frame in frames])
    co = np.empty(2 * count, np.float32)
    points.foreach_get("co", co)
    times, values = co[::2].astype(np.float64), co[1::2].astype(np.float64)
    if kinds[0] == LINEAR:
        return np.interp(frames, times, values)
    # A whole frame may be kept as a hair before the key that falls on it.
    return values[np.clip(np.searchsorted(times, np.asarray(frames) + 1e-4, side="right") - 1, 0, count - 1)]
