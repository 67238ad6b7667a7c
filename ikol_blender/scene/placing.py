"""Where new objects go, and what is selected once they are there: as Blender's own importers do it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import bpy


def parent_collection(context: bpy.types.Context) -> bpy.types.Collection:
    """The active collection, as for anything new; the scene's own when that one is another file's or out of sight."""
    layer = context.view_layer.active_layer_collection
    theirs = layer.collection.library is not None or layer.collection.override_library is not None
    return context.scene.collection if theirs or not layer.is_visible else layer.collection


def leave_modes(context: bpy.types.Context) -> None:
    """Leave edit and pose mode."""
    active = context.view_layer.objects.active
    if active is not None and active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")


def select_only(context: bpy.types.Context, thing: bpy.types.Object) -> None:
    """Select `thing` alone, and make it active."""
    for other in context.view_layer.objects:
        other.select_set(False)
    thing.select_set(True)
    context.view_layer.objects.active = thing


@contextmanager
def keeping_pose_mode(context: bpy.types.Context) -> Generator[None]:
    """Whoever poses bones goes on afterwards: the same armatures in Pose mode, the same objects selected and active."""
    layer = context.view_layer
    active = layer.objects.active
    posed = {thing for thing in layer.objects if thing.mode == "POSE"}
    selected = {thing for thing in layer.objects if thing.select_get()}
    try:
        yield
    finally:
        if context.mode != "POSE":
            for thing in layer.objects:
                thing.select_set(thing in posed)
            layer.objects.active = active
            bpy.ops.object.mode_set(mode="POSE")  # of all that are selected
            for thing in layer.objects:
                thing.select_set(thing in selected)
