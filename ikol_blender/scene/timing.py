"""When things happen: a take's time base and a scene's frames.

A take's moments are evenly spaced at its frame rate. Its first moment falls on frame 1 of the scene, and moment i on
frame 1 + i * (scene rate) / (take rate): on every whole frame when the scene has the take's rate.
"""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from .compat import has_strips

FIRST_FRAME = 1
_NTSC_RATES = (24, 30, 48, 60, 120)


def exact_rate(rate_hz: float) -> tuple[int, float]:
    """(fps, fps_base) with fps / fps_base = `rate_hz`; 29.97 and its kin become n * 1000 / 1001."""
    for rate in _NTSC_RATES:
        if abs(rate_hz - rate / 1.001) < 1e-3:
            return rate, 1.001
    fps = max(1, round(rate_hz))
    return fps, fps / rate_hz


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames per second of the scene."""
    return scene.render.fps / scene.render.fps_base


def last_frame(count: int, take_rate_hz: float, scene_rate_hz: float) -> int:
    """The scene's frame of the last of `count` moments, rounded up to a whole one."""
    return FIRST_FRAME + int(np.ceil((count - 1) * scene_rate_hz / take_rate_hz - 1e-3))


def key_frames(count: int, take_rate_hz: float, scene_rate_hz: float) -> NDArray[np.float64]:
    """(count,) frames of a take's moments; whole numbers when the rates agree."""
    ratio = scene_rate_hz / take_rate_hz
    # A scene stores its rate in single precision: what is left of the division is not a difference in rate.
    ratio = 1.0 if abs(ratio - 1) < 1e-5 else ratio
    return FIRST_FRAME + np.arange(count) * ratio


def fits(scene: bpy.types.Scene, count: int, take_rate_hz: float) -> bool:
    """Whether the scene already has the take's frame rate and range."""
    fps, base = exact_rate(take_rate_hz)
    same_rate = abs(scene_rate(scene) * base / fps - 1) < 1e-5
    last = last_frame(count, take_rate_hz, fps / base)
    return same_rate and (scene.frame_start, scene.frame_end) == (FIRST_FRAME, last)


def has_animation(scene: bpy.types.Scene) -> bool:
    """Whether a change of frame rate would change how something in the scene moves or sounds."""
    animated = any(
        block is not None
        and block.animation_data is not None
        and (block.animation_data.action or block.animation_data.nla_tracks)
        for thing in scene.objects
        for block in (thing, thing.data, getattr(thing.data, "shape_keys", None))
    )
    return animated or has_strips(scene)


def match_scene(scene: bpy.types.Scene, count: int, take_rate_hz: float) -> None:
    """Give the scene the take's frame rate and range."""
    scene.render.fps, scene.render.fps_base = exact_rate(take_rate_hz)
    scene.frame_start = FIRST_FRAME
    scene.frame_end = last_frame(count, take_rate_hz, scene_rate(scene))
