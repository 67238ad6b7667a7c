"""Keys of an F-curve read at once and written at once."""

from __future__ import annotations

from dataclasses import fields

import bpy
import numpy as np

from ..cleanup.keys import Keys


def read_keys(curve: bpy.types.FCurve) -> Keys:
    points = curve.keyframe_points
    count = len(points)
    arrays = []
    for field in fields(Keys):
        wide = field.name in ("co", "handle_left", "handle_right")
        array = np.empty(2 * count if wide else count, np.float32 if wide else np.int32)
        points.foreach_get(field.name, array)
        arrays.append(array.reshape(-1, 2) if wide else array)
    return Keys(*arrays)


def write_keys(curve: bpy.types.FCurve, keys: Keys) -> None:
    """Make `keys` all that `curve` has."""
    points = curve.keyframe_points
    points.clear()
    points.add(len(keys))
    # Types before handles: they decide what Blender does to the handles on update.
    for name in ("co", "interpolation", "type", "handle_left_type", "handle_right_type", "handle_left", "handle_right"):
        points.foreach_set(name, np.ascontiguousarray(getattr(keys, name)).ravel())
    curve.update()
