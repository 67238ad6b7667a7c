"""The body as a skinned mesh with one shape key for each beta."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import Body
from .armature import BONE_NAMES, RestBody
from .compat import new_material
from .rotations import ARMATURE_FROM_SMPL

Array = NDArray[np.float64]

_BETA_LIMIT = 10.0  # the most that Blender's shape keys take
_SKIN_COLOR = (0.76, 0.54, 0.44, 1.0)
_SKIN_NAME = "IKOL skin"


def build_body(
    name: str, body: Body, betas: Array, rest: RestBody, armature: bpy.types.Object, collection: bpy.types.Collection
) -> bpy.types.Object:
    """The body's mesh, shaped by `betas` (10,) through its shape keys and moved by `armature`."""
    mesh = bpy.data.meshes.new(name)
    basis = body.v_template @ ARMATURE_FROM_SMPL.T + rest.offset
    mesh.from_pydata(basis.astype(np.float32), [], body.faces)
    mesh.shade_smooth()
    _add_texture_coordinates(mesh, body)
    mesh.materials.append(_skin())
    thing = bpy.data.objects.new(name, mesh)
    collection.objects.link(thing)
    _add_shape_keys(thing, basis, body, betas)
    _add_weights(thing, body.weights)
    thing.parent = armature
    modifier = thing.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    return thing


def _add_shape_keys(thing: bpy.types.Object, basis: Array, body: Body, betas: Array) -> None:
    thing.shape_key_add(name="Basis", from_mix=False)
    for index, value in enumerate(betas):
        key = thing.shape_key_add(name=f"Shape{index:03}", from_mix=False)
        moved = basis + body.shapedirs[:, :, index] @ ARMATURE_FROM_SMPL.T
        key.data.foreach_set("co", moved.astype(np.float32).ravel())
        key.slider_min, key.slider_max = -_BETA_LIMIT, _BETA_LIMIT
        key.value = float(value)


def _add_weights(thing: bpy.types.Object, weights: Array) -> None:
    for joint, name in enumerate(BONE_NAMES):
        group = thing.vertex_groups.new(name=name)
        column = weights[:, joint]
        for vertex in np.flatnonzero(column > 0):
            group.add((int(vertex),), float(column[vertex]), "REPLACE")


def _add_texture_coordinates(mesh: bpy.types.Mesh, body: Body) -> None:
    if body.uv is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.uv.foreach_set("vector", body.uv.astype(np.float32).ravel())


def _skin() -> bpy.types.Material:
    """One skin for every imported body of a file."""
    material = bpy.data.materials.get(_SKIN_NAME)
    if material is not None:
        return material
    material, shader = new_material(_SKIN_NAME, _SKIN_COLOR)
    shader.inputs["Roughness"].default_value = 0.55
    shader.inputs["Subsurface Weight"].default_value = 0.1
    return material
