"""A strip along the time axis of the dope sheet and the graph editor: confidence in colours, contacts as four bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ..cleanup.gaps import spans
from .chosen import active_timeline, chosen_columns, scene_frame
from .colors import CONTACT_COLORS, Color, confidence_colors
from .timeline import Timeline

if TYPE_CHECKING:
    from gpu.types import GPUBatch

Array = NDArray[np.float64]

# Heights in units of the interface, from the strip's bottom upwards.
_BAR, _GAP, _RIBBON, _MARGIN = 4.0, 1.0, 11.0, 2.0
_SCROLLBAR, _MARKERS = 18.0, 44.0  # what lies at the bottom of the region
_BACKGROUND: Color = (0.06, 0.06, 0.06, 0.85)
_LETTERS: Color = (0.95, 0.95, 0.95, 0.9)
_LETTER_SIZE = 9.0
# A region too low for the strip and a few channels goes without.
_LEAST_HEIGHT = 2.2


@dataclass(frozen=True)
class _Strip:
    """What is drawn of one timeline and one choice of bones; x in frames since the first, y in units."""

    timeline: Timeline
    columns: tuple[int, ...]
    batch: GPUBatch
    height: float
    has_contacts: bool


class _Kept:
    """The strip as it was drawn last: while nothing but the view moves, nothing is built."""

    strip: _Strip | None = None


def forget_strip() -> None:
    _Kept.strip = None


def draw_strip() -> None:
    """Draw the strip into the region that Blender draws."""
    context = bpy.context
    if not context.scene.ikol.show_confidence:
        return
    found = active_timeline(context)
    if found is None:
        return
    armature, timeline = found
    strip = _strip_of(timeline, chosen_columns(armature, timeline))
    region, scale = context.region, context.preferences.system.ui_scale
    if region.height < _LEAST_HEIGHT * strip.height * scale:
        return
    ends = (scene_frame(armature, float(timeline.frames[place])) for place in (0, -1))
    left, right = (region.view2d.view_to_region(frame, 0, clip=False)[0] for frame in ends)
    bottom = scale * (_MARKERS if context.scene.timeline_markers else _SCROLLBAR)
    gpu.state.blend_set("ALPHA")
    with gpu.matrix.push_pop():
        gpu.matrix.translate((left, bottom))
        gpu.matrix.scale(((right - left) / max(len(timeline.frames) - 1, 1), scale))
        strip.batch.draw()
    _draw_letters(strip, max(left, 0.0) + 3 * scale, bottom, scale)
    gpu.state.blend_set("NONE")


def _strip_of(timeline: Timeline, columns: tuple[int, ...]) -> _Strip:
    kept = _Kept.strip
    if kept is None or kept.timeline is not timeline or kept.columns != columns:
        kept = _Kept.strip = _build(timeline, columns)
    return kept


def _build(timeline: Timeline, columns: tuple[int, ...]) -> _Strip:
    positions, colors, height = strip_triangles(timeline, columns)
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    shape = {"pos": positions.astype(np.float32), "color": colors.astype(np.float32)}
    batch = batch_for_shader(shader, "TRIS", shape)
    batch.program_set(shader)
    return _Strip(timeline, columns, batch, height, timeline.planted is not None)


def strip_triangles(timeline: Timeline, columns: tuple[int, ...]) -> tuple[Array, Array, float]:
    """Corners of triangles (N, 3) in frames since the first and in units, their colours (N, 4), and the height."""
    end = max(len(timeline.frames) - 1, 1)
    bars = 0.0 if timeline.planted is None else 4 * (_BAR + _GAP) + _GAP
    height = 2 * _MARGIN + bars + _RIBBON
    parts = [_rectangles([(0, end)], 0.0, height, _BACKGROUND)]
    if timeline.planted is not None:
        for row, color in enumerate(CONTACT_COLORS):
            low = _MARGIN + (3 - row) * (_BAR + _GAP)
            # A foot that stands at a sample stands until the next one.
            standing = [(first, min(after, end)) for first, after in spans(timeline.planted[:, row])]
            parts.append(_rectangles(standing, low, low + _BAR, color))
    parts.append(_ribbon(timeline.confidence[:, list(columns)].min(axis=1), _MARGIN + bars, height - _MARGIN))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]), height


def _rectangles(ranges: list[tuple[int, int]], low: float, high: float, color: Color) -> tuple[Array, Array]:
    corners = [
        (x, y, 0.0) for a, b in ranges for x, y in ((a, low), (b, low), (b, high), (a, low), (b, high), (a, high))
    ]
    return np.array(corners, np.float64).reshape(-1, 3), np.tile(np.array(color), (len(corners), 1))


def _ribbon(confidence: Array, low: float, high: float) -> tuple[Array, Array]:
    """A rectangle between each two frames, whose colours run from one to the other."""
    values = confidence if len(confidence) > 1 else np.repeat(confidence, 2)
    x, colors = np.arange(len(values), dtype=np.float64), confidence_colors(values)
    starts, ends = np.arange(len(values) - 1), np.arange(1, len(values))
    order = np.stack([starts, ends, ends, starts, ends, starts], axis=1).ravel()
    heights = np.tile([low, low, high, low, high, high], len(starts))
    return np.stack([x[order], heights, np.zeros(len(order))], axis=1), colors[order]


def _draw_letters(strip: _Strip, left: float, bottom: float, scale: float) -> None:
    words = [("Confidence", strip.height - _MARGIN - _RIBBON + 2.0)]
    if strip.has_contacts:
        side = 2 * (_BAR + _GAP)
        words += [("L", _MARGIN + side + 1.0), ("R", _MARGIN + 1.0)]
    blf.size(0, _LETTER_SIZE * scale)
    blf.color(0, *_LETTERS)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 0.9)
    for word, height in words:
        blf.position(0, left, bottom + height * scale, 0)
        blf.draw(0, word)
    blf.disable(0, blf.SHADOW)
