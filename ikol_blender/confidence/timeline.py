"""What an armature's motion says of confidence and contacts, frame by frame: sampled once, until the motion changes.

That is its active action, or, when that has no confidence, as on an offset layer, the uppermost NLA strip that has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from bpy.app.handlers import persistent
from numpy.typing import NDArray

from ..scene.confidence_curves import confidence_curves, read_confidence
from ..scene.contact_curves import CONTACTS, PLANTED, read_contacts
from ..scene.nla import playing_strips

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Timeline:
    """Attributes:
    frames: (T,) whole frames without gaps, of the active action, or of the scene where a strip has the confidence.
    bones: (K,) names of the bones that have confidence.
    confidence: (T, K) 0..1.
    planted: (T, 4) whether left heel, left toe, right heel, right toe stands; None when nobody knows.
    """

    frames: Array
    bones: tuple[str, ...]
    confidence: Array
    planted: NDArray[np.bool_] | None

    def at(self, frame: float) -> Array:
        """(K,) confidence at any frame; at the ends it stays."""
        place = np.clip(frame - self.frames[0], 0, len(self.frames) - 1)
        before = int(place)
        after = min(before + 1, len(self.frames) - 1)
        return self.confidence[before] + (place - before) * (self.confidence[after] - self.confidence[before])


def sample_timeline(armature: bpy.types.Object) -> Timeline | None:
    """Of `armature`'s motion; None when it has no confidence."""
    strip, curves = None, confidence_curves(armature)
    for below in () if curves else reversed(playing_strips(armature.animation_data)):
        if curves := confidence_curves(armature, below):
            strip = below
            break
    if not curves:
        return None
    ends = [(curve.keyframe_points[0].co[0], curve.keyframe_points[-1].co[0]) for curve in curves.values()]
    first, last = min(start for start, _ in ends), max(end for _, end in ends)
    if strip is not None:
        first, last = strip.frame_start, strip.frame_end
    frames = np.arange(np.floor(first + 1e-3), np.ceil(last - 1e-3) + 1)
    times = frames if strip is None else _times(strip, frames)
    confidence = read_confidence(armature, times, strip)
    contacts = read_contacts(armature, times, strip)
    planted = None if contacts is None else np.stack([contacts[name] > PLANTED for name in CONTACTS], axis=1)
    return Timeline(frames, tuple(confidence), np.stack(list(confidence.values()), axis=1), planted)


def _times(strip: bpy.types.NlaStrip, frames: Array) -> Array:
    """(T,) which frames of its action a strip plays at the scene's `frames` (T,)."""
    length = strip.action_frame_end - strip.action_frame_start
    played = (np.clip(frames, strip.frame_start, strip.frame_end) - strip.frame_start) / strip.scale
    # At its very end a strip shows its action's end, not its start once more.
    played = np.where(played < length * strip.repeat - 1e-3, np.mod(played, max(length, 1.0)), length)
    return strip.action_frame_end - played if strip.use_reverse else strip.action_frame_start + played


class _Kept:
    """The last sampled timeline. Blender draws the same one in several editors, many times a second."""

    key: tuple[object, ...] | None = None
    timeline: Timeline | None = None


def timeline_of(armature: bpy.types.Object) -> Timeline | None:
    """As `sample_timeline`, which is asked again only when the action, or a strip, has changed."""
    animation = armature.animation_data
    if animation is None:
        return None
    strips = [_mark(strip) for strip in playing_strips(animation)]
    key = (armature.session_uid, _uid(animation.action), getattr(animation, "action_slot_handle", 0), *strips)
    if key != _Kept.key:
        _Kept.timeline = sample_timeline(armature)
        _Kept.key = key
    return _Kept.timeline


def _mark(strip: bpy.types.NlaStrip) -> tuple[object, ...]:
    """What differs once the strip plays something else, or elsewhere."""
    played = (strip.action_frame_start, strip.action_frame_end, strip.scale, strip.repeat, strip.use_reverse)
    slot = getattr(strip, "action_slot_handle", 0)
    return (_uid(strip.action), slot, strip.frame_start, strip.frame_end, *played)


def _uid(action: bpy.types.Action | None) -> int:
    return 0 if action is None else action.session_uid


def forget_timeline() -> None:
    _Kept.key = _Kept.timeline = None


@persistent
def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    # Nothing kept, nothing to compare: without strip and tint this is all that happens.
    if _Kept.key is not None and any(isinstance(update.id, bpy.types.Action) for update in depsgraph.updates):
        forget_timeline()


@persistent
def _after_replacement(*_: object) -> None:
    """Another file was opened, or an undo put other data in place."""
    forget_timeline()


def _handlers() -> tuple[tuple[list, object], ...]:
    handlers = bpy.app.handlers
    replaced = (handlers.load_post, handlers.undo_post, handlers.redo_post)
    return ((handlers.depsgraph_update_post, _after_update), *((of, _after_replacement) for of in replaced))


def watch_changes() -> None:
    for handlers, function in _handlers():
        handlers.append(function)


def stop_watching() -> None:
    for handlers, function in _handlers():
        if function in handlers:
            handlers.remove(function)
    forget_timeline()
