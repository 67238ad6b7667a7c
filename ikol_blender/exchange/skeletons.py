"""BVH and FBX files as sources: Blender's own importers, and an armature of a person's size.

Blender 4.2 to 5.2 all carry import_anim.bvh and import_scene.fbx. Both take the scene's rate without its base where
they scale time: 29.97 Hz as 30. So each imports at the file's own rate, and the keys are moved here: the first moment
onto frame 1, as of all other files. Where an FBX file's first moment lies is up to its program: at 0 s, at the time of
frame 1 (Blender), of frame 101.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..contract import SourceUnreadable
from ..scene import timing
from ..scene.compat import curves_of, every_curve
from ..scene.placing import leave_modes, select_only

# BVH has no unit and few FBX files mean theirs: nobody is taller than 5 m or, in centimetres, smaller than 50.
_TALLEST_M, _SMALLEST_M = 5.0, 0.5
_UNITS = (1.0, 0.01, 0.0254, 0.001)
_FASTEST_HZ = 10_000


def import_skeletons(context: bpy.types.Context, path: Path, match_scene: bool) -> list[bpy.types.Object]:
    """The animated armatures of a .bvh or .fbx file, in metres, standing up.

    Args:
        match_scene: give the scene the file's frame rate and range.

    Raises:
        SourceUnreadable: missing, damaged, or without a moving armature.
    """
    if not path.is_file():
        raise SourceUnreadable(f"There is no file at {path}.", hint="Choose a .bvh or .fbx file.")
    leave_modes(context)
    present, known = set(bpy.data.objects), set(bpy.data.actions)
    scene = context.scene
    time = (scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end)
    wanted_hz = timing.scene_rate(scene)
    keeps_time = True
    try:
        keys_hz = _import(path, scene)
        armatures = _moving(set(bpy.data.objects) - present)
        _require_sense(armatures, keys_hz)
        if match_scene:
            wanted_hz = timing.scene_rate(scene)
            keeps_time = False
    except SourceUnreadable as error:
        _remove(set(bpy.data.objects) - present)
        raise SourceUnreadable(f"{path.name} {error.message}", error.hint) from error
    except Exception as error:  # the importers raise almost anything of damaged files
        _remove(set(bpy.data.objects) - present)
        raise SourceUnreadable(f"Blender cannot read {path.name}: it is damaged, or not what its name says.") from error
    finally:
        if keeps_time:
            scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end = time
    first = min(armature.animation_data.action.frame_range[0] for armature in armatures)
    # What carries or accompanies the armatures keeps step.
    for action in set(bpy.data.actions) - known:
        _retime(action, first, wanted_hz / keys_hz)
    for armature in armatures:
        timing.note_rate(armature.animation_data.action, wanted_hz)
        _to_metres(armature)
    if match_scene:
        _show_all(scene, armatures)
    context.view_layer.update()  # or matrix_world would tell of the old scale
    select_only(context, armatures[0])
    return armatures


def _import(path: Path, scene: bpy.types.Scene) -> float:
    """Import at the file's own rate, which the scene then has; how many of the keys' frames are a second."""
    if path.suffix.lower() == ".bvh":
        bpy.ops.import_anim.bvh(filepath=str(path), rotate_mode="QUATERNION", update_scene_fps=True)
        return timing.scene_rate(scene)
    bpy.ops.import_scene.fbx(filepath=str(path))
    return float(scene.render.fps)


def _moving(things: set[bpy.types.Object]) -> list[bpy.types.Object]:
    """The animated armatures among them, by name.

    Raises:
        SourceUnreadable: there is none.
    """
    found = [thing for thing in things if thing.type == "ARMATURE" and _moves(thing)]
    if not found:
        raise SourceUnreadable("holds no armature that moves.", hint="Export it with its animation.")
    return sorted(found, key=lambda thing: thing.name)


def _require_sense(armatures: list[bpy.types.Object], rate_hz: float) -> None:
    """Raises:
    SourceUnreadable: Blender's importers take what no recording has.
    """
    hint = "Export it again from where it was made."
    if not 0 < rate_hz <= _FASTEST_HZ:
        raise SourceUnreadable(f"says that it has {rate_hz:,.0f} frames a second.", hint)
    for armature in armatures:
        for curve in curves_of(armature).fcurves:
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get("co", points)
            if not np.isfinite(points).all():
                raise SourceUnreadable("holds values that are not numbers.", hint)


def _retime(action: bpy.types.Action, first: float, ratio: float) -> None:
    """Move every key to where its moment falls when the frame `first` becomes the scene's first one."""
    for curve in every_curve(action):
        for name in ("co", "handle_left", "handle_right"):
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get(name, points)
            points[::2] = timing.FIRST_FRAME + (points[::2] - first) * ratio
            curve.keyframe_points.foreach_set(name, points)
        curve.update()


def _moves(armature: bpy.types.Object) -> bool:
    animation = armature.animation_data
    return animation is not None and animation.action is not None


def _to_metres(armature: bpy.types.Object) -> None:
    """Scale the object by the first unit in which a person has a person's size."""
    heads = np.array([armature.matrix_world @ bone.head_local for bone in armature.data.bones])
    size = float(np.ptp(heads, axis=0).max())
    for unit in _UNITS:
        if _SMALLEST_M <= size * unit <= _TALLEST_M:
            armature.scale = armature.scale * unit
            return


def _show_all(scene: bpy.types.Scene, armatures: list[bpy.types.Object]) -> None:
    ranges = [armature.animation_data.action.frame_range for armature in armatures]
    scene.frame_start = int(np.floor(min(start for start, _ in ranges)))
    scene.frame_end = int(np.ceil(max(end for _, end in ranges)))


def _remove(things: set[bpy.types.Object]) -> None:
    for thing in things:
        bpy.data.objects.remove(thing)
