"""F-curves of custom properties that say something of a motion without moving anything."""

from __future__ import annotations

import bpy


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
