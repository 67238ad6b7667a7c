"""The room the demo is filmed in, its light and its camera. Workbench draws it: quick, and it needs no display."""

from __future__ import annotations

import bpy
import numpy as np
from costume import COLOURS, Person
from mathutils import Matrix

from solver.take import Camera

PLANK = (0.16, 1.9)
FLOOR_TONES = ((0.50, 0.36, 0.24), (0.46, 0.33, 0.215), (0.53, 0.385, 0.26))
WALL_COLOUR = (0.56, 0.60, 0.60)
SKIRTING_COLOUR = (0.78, 0.77, 0.74)
WALL_Y = 2.6


def build_room() -> None:
    """A plank floor at z = 0 and a wall behind it with a skirting board."""
    tones = [_paint(f"plank{index}", tone) for index, tone in enumerate(FLOOR_TONES)]
    order = np.random.default_rng(7)
    width, length = PLANK
    vertices, faces, painted = [], [], []
    for row in range(-32, 32):
        start = -7.0 - order.uniform(0, length)
        for column in range(10):
            left, near = start + column * length, row * width + 0.02
            corner = len(vertices)
            gap = 0.004
            vertices += [(left + gap, near + gap, 0.0), (left + length - gap, near + gap, 0.0)]
            vertices += [(left + length - gap, near + width - gap, 0.0), (left + gap, near + width - gap, 0.0)]
            faces.append((corner, corner + 1, corner + 2, corner + 3))
            painted.append(int(order.integers(len(tones))))
    floor = _add("floor", vertices, faces)
    for tone in tones:
        floor.data.materials.append(tone)
    floor.data.polygons.foreach_set("material_index", painted)
    _panel("joints", (-9, 9), (-6, WALL_Y), -0.003, (0.30, 0.21, 0.14))
    _upright("wall", WALL_Y, 0.0, 4.0, WALL_COLOUR)
    _upright("skirting", WALL_Y - 0.02, 0.0, 0.11, SKIRTING_COLOUR)


def light_room(scene: bpy.types.Scene) -> None:
    """Studio light with a soft shadow under the person."""
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.render_aa = "FXAA"
    scene.display.light_direction = (-0.35, 0.45, 0.82)
    scene.display.shadow_shift = 0.1
    scene.display.shadow_focus = 0.6
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "MATERIAL"
    shading.show_shadows, shading.shadow_intensity = True, 0.35
    shading.show_cavity, shading.cavity_type = True, "WORLD"
    shading.cavity_ridge_factor, shading.cavity_valley_factor = 0.2, 1.0
    shading.show_specular_highlight = False
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.exposure = 0.55


def add_person(person: Person) -> bpy.types.Mesh:
    """Add the person to the scene, at rest; posing it is moving the mesh's vertices."""
    mesh = bpy.data.meshes.new("person")
    mesh.from_pydata(person.vertices.tolist(), [], person.faces.tolist())
    mesh.shade_smooth()
    names = list(COLOURS)
    for name in names:
        mesh.materials.append(_paint(name, COLOURS[name]))
    mesh.polygons.foreach_set("material_index", [names.index(name) for name in person.worn])
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("person", mesh))
    return mesh


def film_with(camera: Camera, scene: bpy.types.Scene) -> None:
    """The take's camera as the scene's."""
    width, height = camera.image_size
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = 36.0 * camera.focal_px / width
    filmed = bpy.data.objects.new("camera", data)
    # Blender's camera looks along -z with y up; the take's looks along z with y down.
    axes = np.asarray(camera.rotation) @ np.diag((1.0, -1.0, -1.0))
    placed = np.eye(4)
    placed[:3, :3], placed[:3, 3] = axes, camera.position
    filmed.matrix_world = Matrix(placed.tolist())
    scene.collection.objects.link(filmed)
    scene.camera = filmed
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100


def _upright(name: str, y: float, bottom: float, top: float, colour: tuple[float, float, float]) -> None:
    board = _add(name, [(-9, y, bottom), (9, y, bottom), (9, y, top), (-9, y, top)], [(0, 1, 2, 3)])
    board.data.materials.append(_paint(name, colour))


def _panel(
    name: str, x: tuple[float, float], y: tuple[float, float], z: float, colour: tuple[float, float, float]
) -> None:
    board = _add(name, [(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)], [(0, 1, 2, 3)])
    board.data.materials.append(_paint(name, colour))


def _add(name: str, vertices: list[tuple[float, ...]], faces: list[tuple[int, ...]]) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def _paint(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.diffuse_color, material.roughness = (*colour, 1.0), 0.7
    return material
