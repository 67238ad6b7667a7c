"""A floor to stand on."""

from __future__ import annotations

import bpy

from .compat import new_material

_HALF_SIZE = 4.0
_COLOR = (0.32, 0.34, 0.36, 1.0)


def build_floor(collection: bpy.types.Collection) -> bpy.types.Object:
    """A square of 8 m at z = 0 around the origin."""
    mesh = bpy.data.meshes.new("Floor")
    corners = [(x * _HALF_SIZE, y * _HALF_SIZE, 0.0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    mesh.materials.append(new_material("IKOL floor", _COLOR)[0])
    thing = bpy.data.objects.new("Floor", mesh)
    collection.objects.link(thing)
    return thing
