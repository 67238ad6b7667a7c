"""Rigify's rigs, made by the add-on that comes with Blender."""

from __future__ import annotations

import contextlib
import io

import addon_utils
import bpy


def generated(*, full: bool) -> bpy.types.Object:
    """The rig of controls that Rigify generates from its basic or full human metarig; the active object stays."""
    addon_utils.enable("rigify", default_set=True)
    before = bpy.context.view_layer.objects.active
    metarig = add_metarig(full=full)
    with contextlib.redirect_stdout(io.StringIO()):
        bpy.ops.pose.rigify_generate()
    rig = bpy.context.object
    assert rig != metarig
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.data.objects.remove(metarig)
    bpy.context.view_layer.objects.active = before
    return rig


def add_metarig(*, full: bool) -> bpy.types.Object:
    addon_utils.enable("rigify", default_set=True)
    (bpy.ops.object.armature_human_metarig_add if full else bpy.ops.object.armature_basic_human_metarig_add)()
    return bpy.context.object
