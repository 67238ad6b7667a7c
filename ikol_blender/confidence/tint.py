"""Doubtful bones in colour, drawn over the viewport's own bones: the user's bone colours stay what they are."""

from __future__ import annotations

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..scene.compat import is_bone_shown
from .chosen import action_frame, active_timeline
from .colors import doubt_colors

_WIDTH = 7.0  # pixels, in units of the interface


def draw_tint() -> None:
    """Tint what the viewport being drawn shows of the active armature."""
    context = bpy.context
    settings = context.scene.ikol
    if not settings.tint_doubtful:
        return
    overlay = context.space_data.overlay
    if not (overlay.show_overlays and overlay.show_bones):
        return
    found = active_timeline(context)
    if found is None or found[0].mode == "EDIT" or not found[0].visible_get():
        return
    armature, timeline = found
    confidence = timeline.at(action_frame(armature, context.scene.frame_current_final))
    colors = doubt_colors(confidence, settings.doubt_threshold)
    places: list[tuple[float, float, float]] = []
    shades: list[np.ndarray] = []
    world = armature.matrix_world
    for bone_name, color in zip(timeline.bones, colors, strict=True):
        bone = armature.pose.bones.get(bone_name)
        if color[3] > 0 and bone is not None and is_bone_shown(bone):
            places += [(world @ bone.head).to_tuple(), (world @ bone.tail).to_tuple()]
            shades += [color, color]
    if places:
        _draw_lines(places, shades, hidden_by_others=not armature.show_in_front)


def _draw_lines(places: list[tuple[float, float, float]], shades: list[np.ndarray], hidden_by_others: bool) -> None:
    shader = gpu.shader.from_builtin("POLYLINE_SMOOTH_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": places, "color": np.array(shades, np.float32)})
    scale = bpy.context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("LESS_EQUAL" if hidden_by_others else "NONE")
    shader.bind()
    shader.uniform_float("lineWidth", _WIDTH * scale)
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    batch.draw(shader)
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("NONE")
