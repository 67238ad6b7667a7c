"""What an animator has posed without a key: it stays while IKOL looks at other frames, and writes other motion.

Blender itself forgets such a pose as soon as it evaluates the animation again: at another frame, for a new action.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

Array = NDArray[np.float32]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_WIDTHS = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4, "scale": 3}
_SAME = 1e-5


@dataclass(frozen=True)
class _Pose:
    """Attributes:
    channels: (K, width) of each of the bones' own properties.
    bases: (K, 4, 4) what they come to.
    modes: (K,) the rotation modes that they are in.
    """

    channels: dict[str, Array]
    bases: Array
    modes: tuple[str, ...]


@contextmanager
def poses_kept(context: bpy.types.Context) -> Iterator[None]:
    """Whatever is evaluated meanwhile, the scene's armatures are then posed as they are now. No motion is changed."""
    # What has keys but was not evaluated yet is nobody's pose.
    context.view_layer.update()
    poses = [(thing, _pose(thing)) for thing in context.scene.objects if thing.pose is not None]
    try:
        yield
    finally:
        for armature, pose in poses:
            _put_back(armature, pose, range(len(pose.modes)))
        context.view_layer.update()


@contextmanager
def unkeyed_kept(
    context: bpy.types.Context, armature: bpy.types.Object, rewritten: Collection[str] = ()
) -> Iterator[None]:
    """Then `armature` shows its motion, and on it what is posed now without a key.

    Where its motion has become another at this frame, the new one is shown.

    Args:
        rewritten: bones that show the new motion in any case.
    """
    context.view_layer.update()
    posed = _pose(armature)
    show_motion(context, armature)
    before = _pose(armature)
    # Who edits is to find the armature as it was.
    _put_back(armature, posed, range(len(posed.modes)))
    try:
        yield
    finally:
        show_motion(context, armature)
        same = np.abs(_pose(armature).bases - before.bases).max(axis=(1, 2), initial=0.0) < _SAME
        away = np.abs(posed.bases - before.bases).max(axis=(1, 2), initial=0.0) >= _SAME
        bones = armature.pose.bones
        _put_back(armature, posed, [i for i in np.flatnonzero(same & away) if bones[int(i)].name not in rewritten])
        context.view_layer.update()


def keeps_unkeyed(
    edit: Callable[Concatenate[bpy.types.Context, _P], _R],
) -> Callable[Concatenate[bpy.types.Context, _P], _R]:
    """Of a function that writes motion of the active armature: it does so within `unkeyed_kept`."""

    @wraps(edit)
    def edit_and_keep(context: bpy.types.Context, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        armature = context.active_object
        if armature is None or armature.pose is None:
            return edit(context, *args, **kwargs)  # which refuses it in words
        with unkeyed_kept(context, armature):
            return edit(context, *args, **kwargs)

    return edit_and_keep


def _pose(armature: bpy.types.Object) -> _Pose:
    bones = armature.pose.bones
    return _Pose(
        {name: _values(bones, name, width) for name, width in _WIDTHS.items()},
        _values(bones, "matrix_basis", 16).reshape(-1, 4, 4),
        tuple(bone.rotation_mode for bone in bones),
    )


def _values(bones: bpy.types.bpy_prop_collection, name: str, width: int) -> Array:
    """(K, width)"""
    values = np.empty(width * len(bones), np.float32)
    bones.foreach_get(name, values)
    return values.reshape(-1, width)


def _put_back(armature: bpy.types.Object, pose: _Pose, chosen: Sequence[int]) -> None:
    """Give the bones with these numbers their pose; of a bone in another rotation mode now, what it comes to."""
    now = _pose(armature)
    away = np.array([mode != before for mode, before in zip(now.modes, pose.modes, strict=True)], bool)
    for name, values in pose.channels.items():
        away |= (values != now.channels[name]).any(axis=1)
    for index in np.intersect1d(np.flatnonzero(away), np.array(chosen, np.int64)):
        bone = armature.pose.bones[int(index)]
        if now.modes[index] != pose.modes[index]:
            # Blender's matrices lie in memory column by column.
            bone.matrix_basis = Matrix(pose.bases[index].T.tolist())
            continue
        for name, values in pose.channels.items():
            if (values[index] != now.channels[name][index]).any():
                setattr(bone, name, values[index].tolist())


def show_motion(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Let `armature` show its motion at this frame, and nothing that is posed on it without a key."""
    armature.update_tag(refresh={"TIME"})
    context.view_layer.update()
