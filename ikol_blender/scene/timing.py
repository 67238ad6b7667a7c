"""When things happen: a take's time base and a scene's frames.

The start of what was solved of a clip falls on frame 1 of the scene. A take begins there or when its person enters:
moment i falls on frame 1 + (entrance * (take rate) + i) * (scene rate) / (take rate), on every whole frame when the
scene has the take's rate. Several people of one clip keep their times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import Take
from .compat import has_strips
from .unkeyed import poses_kept

FIRST_FRAME = 1
_NTSC_RATES = (24, 30, 48, 60, 120)
# Of an action: the frames a second at which its keys have the speed of what was recorded.
_RATE = "ikol_frame_rate"


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


def note_rate(action: bpy.types.Action, rate_hz: float) -> None:
    """Let `action` know at which frames a second its motion is as fast as it was; edits of it go on knowing."""
    action[_RATE] = float(rate_hz)


def noted_rate(action: bpy.types.Action | None) -> float | None:
    """What `note_rate` noted; None of motion that IKOL did not import."""
    return None if action is None or _RATE not in action else float(action[_RATE])


def changed_rate(scene: bpy.types.Scene, armature: bpy.types.Object) -> str | None:
    """What to tell and to advise when the scene's rate is not the one that `armature`'s motion was made for."""
    animation = armature.animation_data
    own, now = noted_rate(None if animation is None else animation.action), scene_rate(scene)
    if own is None or abs(now / own - 1) < 1e-4:
        return None
    how = "faster" if now > own else "slower"
    return (
        f"{armature.name}'s motion is made for {_fps(own)} fps and the scene has {_fps(now)}: it is {how} than it was. "
        f"Set the scene's frame rate to {_fps(own)} fps in Output properties to have its own speed."
    )


def _fps(rate_hz: float) -> str:
    return f"{rate_hz:.2f}".rstrip("0").rstrip(".")


def shown_range(scene: bpy.types.Scene) -> tuple[int, int]:
    """The first and the last frame of the scene's range, of its preview range when that is on."""
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    return scene.frame_start, scene.frame_end


def visited(context: bpy.types.Context, frames: Iterable[float]) -> Iterator[int]:
    """The index of each of `frames` while the scene is there; then it is back where it was, armatures as posed."""
    scene = context.scene
    here = (scene.frame_current, scene.frame_subframe)
    with poses_kept(context):
        try:
            for index, frame in enumerate(frames):
                whole = int(np.floor(frame))
                scene.frame_set(whole, subframe=float(frame - whole))
                yield index
        finally:
            scene.frame_set(here[0], subframe=here[1])


def last_frame(take: Take, scene_rate_hz: float) -> int:
    """The scene's frame of the take's last moment, rounded up to a whole one."""
    return int(np.ceil(key_frames(take, scene_rate_hz)[-1] - 1e-3))


def key_frames(take: Take, scene_rate_hz: float) -> NDArray[np.float64]:
    """(T,) frames of the take's moments; whole numbers when the rates agree."""
    ratio = scene_rate_hz / take.framerate
    # A scene stores its rate in single precision: what is left of the division is not a difference in rate.
    ratio = 1.0 if abs(ratio - 1) < 1e-5 else ratio
    # The people of a clip share one time base, so nobody enters between two moments.
    return FIRST_FRAME + (round(take.entrance_s * take.framerate) + np.arange(len(take))) * ratio


def fits(scene: bpy.types.Scene, take: Take) -> bool:
    """Whether the scene already has the take's frame rate, and its range in view."""
    fps, base = exact_rate(take.framerate)
    same_rate = abs(scene_rate(scene) * base / fps - 1) < 1e-5
    return same_rate and scene.frame_start == FIRST_FRAME and scene.frame_end >= last_frame(take, fps / base)


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


def match_scene(scene: bpy.types.Scene, take: Take) -> None:
    """Give the scene the take's frame rate and range."""
    scene.render.fps, scene.render.fps_base = exact_rate(take.framerate)
    scene.frame_start = FIRST_FRAME
    scene.frame_end = last_frame(take, scene_rate(scene))
