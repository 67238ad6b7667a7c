"""A strip along the time axis of the dope sheet and the graph editor: confidence in colours, contacts as four bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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

# Heights in units of the interface. What lies at the top and at the bottom of the region, and a row of keys:
_SCRUBBING, _SCROLLBAR, _MARKERS, _CHANNEL = 23.0, 18.0, 44.0, 18.0
_THIN_SCROLLBAR = 12.0
_BACKGROUND: Color = (0.06, 0.06, 0.06, 0.85)
_LETTERS: Color = (0.95, 0.95, 0.95, 0.9)
_LETTER_SIZE = 9.0


@dataclass(frozen=True)
class Layout:
    """Heights of a strip's parts, in units of the interface."""

    bar: float
    gap: float
    ribbon: float
    margin: float

    def bars(self, timeline: Timeline) -> float:
        """Of the contacts, with the gaps around them."""
        return 0.0 if timeline.planted is None else 4 * (self.bar + self.gap) + self.gap

    def height(self, timeline: Timeline) -> float:
        return 2 * self.margin + self.bars(timeline) + self.ribbon


FULL = Layout(bar=4.0, gap=1.0, ribbon=11.0, margin=2.0)
# The Timeline of Blender's own layout shows one row of keys; this fits in between it and the frame numbers.
THIN = Layout(bar=1.0, gap=0.0, ribbon=3.0, margin=0.0)


@dataclass(frozen=True)
class _Strip:
    """What is drawn of one timeline and one choice of bones; x in frames since the first, y in units."""

    timeline: Timeline
    columns: tuple[int, ...]
    batch: GPUBatch


class _Kept:
    """The strips as they were drawn last: while nothing but the view moves, nothing is built."""

    strips: ClassVar[dict[Layout, _Strip]] = {}


def forget_strip() -> None:
    _Kept.strips.clear()


def draw_strip() -> None:
    """Draw the strip into the region that Blender draws."""
    context = bpy.context
    if not context.scene.ikol.show_confidence:
        return
    found = active_timeline(context)
    if found is None:
        return
    armature, timeline = found
    region, scale = context.region, context.preferences.system.ui_scale
    placed = place_strip(timeline, region.height / scale, has_markers=len(context.scene.timeline_markers) > 0)
    if placed is None:
        return
    layout, bottom = placed[0], placed[1] * scale
    strip = _strip_of(timeline, chosen_columns(armature, timeline), layout)
    ends = (scene_frame(armature, float(timeline.frames[place])) for place in (0, -1))
    left, right = (region.view2d.view_to_region(frame, 0, clip=False)[0] for frame in ends)
    gpu.state.blend_set("ALPHA")
    with gpu.matrix.push_pop():
        gpu.matrix.translate((left, bottom))
        gpu.matrix.scale(((right - left) / max(len(timeline.frames) - 1, 1), scale))
        strip.batch.draw()
    if layout is FULL:
        _draw_letters(timeline, max(left, 0.0) + 3 * scale, bottom, scale)
    gpu.state.blend_set("NONE")


def place_strip(timeline: Timeline, height: float, *, has_markers: bool) -> tuple[Layout, float] | None:
    """Which strip goes into a region so high, and how far above its bottom, in units; None where not even a thin one.

    The full one lies at the bottom and leaves at least a row of keys in sight. The thin one lies right under the frame
    numbers; where markers are, which hide a low region's keys, under the markers.
    """
    bottom = _MARKERS if has_markers else _SCROLLBAR
    if height >= bottom + FULL.height(timeline) + _CHANNEL + _SCRUBBING:
        return FULL, bottom
    top = height - _SCRUBBING - THIN.height(timeline)
    return None if top < _THIN_SCROLLBAR else (THIN, _THIN_SCROLLBAR if has_markers else top)


def _strip_of(timeline: Timeline, columns: tuple[int, ...], layout: Layout) -> _Strip:
    kept = _Kept.strips.get(layout)
    if kept is None or kept.timeline is not timeline or kept.columns != columns:
        kept = _Kept.strips[layout] = _build(timeline, columns, layout)
    return kept


def _build(timeline: Timeline, columns: tuple[int, ...], layout: Layout) -> _Strip:
    positions, colors, _ = strip_triangles(timeline, columns, layout)
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    shape = {"pos": positions.astype(np.float32), "color": colors.astype(np.float32)}
    batch = batch_for_shader(shader, "TRIS", shape)
    batch.program_set(shader)
    return _Strip(timeline, columns, batch)


def strip_triangles(timeline: Timeline, columns: tuple[int, ...], layout: Layout = FULL) -> tuple[Array, Array, float]:
    """Corners of triangles (N, 3) in frames since the first and in units, their colours (N, 4), and the height."""
    end = max(len(timeline.frames) - 1, 1)
    bars, height = layout.bars(timeline), layout.height(timeline)
    parts = [_rectangles([(0, end)], 0.0, height, _BACKGROUND)]
    if timeline.planted is not None:
        for row, color in enumerate(CONTACT_COLORS):
            low = layout.margin + (3 - row) * (layout.bar + layout.gap)
            # A foot that stands at a sample stands until the next one.
            standing = [(first, min(after, end)) for first, after in spans(timeline.planted[:, row])]
            parts.append(_rectangles(standing, low, low + layout.bar, color))
    parts.append(
        _ribbon(timeline.confidence[:, list(columns)].min(axis=1), layout.margin + bars, height - layout.margin)
    )
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


def _draw_letters(timeline: Timeline, left: float, bottom: float, scale: float) -> None:
    words = [("Confidence", FULL.height(timeline) - FULL.margin - FULL.ribbon + 2.0)]
    if timeline.planted is not None:
        side = 2 * (FULL.bar + FULL.gap)
        words += [("L", FULL.margin + side + 1.0), ("R", FULL.margin + 1.0)]
    blf.size(0, _LETTER_SIZE * scale)
    blf.color(0, *_LETTERS)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 0.9)
    for word, height in words:
        blf.position(0, left, bottom + height * scale, 0)
        blf.draw(0, word)
    blf.disable(0, blf.SHADOW)
