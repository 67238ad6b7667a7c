"""Captured motion as sources: DeepMimic's clips on IKOL armatures, CMU's as the BVH files that they are."""

from __future__ import annotations

from pathlib import Path

import bpy
from bl_ext.user_default.ikol.ikol_blender.exchange.skeletons import import_skeletons
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take

from solver.take import Take, write_take
from tests.ikol_blender.retarget.mocap import mocap_take
from tests.shared_data import shared

# Walking, kicking and jumping on a humanoid of 13 joints at 30 and 60 Hz; dance and basketball on 24 at 60 Hz, from
# files whose rest pose is none: every bone points up.
CLIPS = ("walk", "kick", "jump", "005_01", "006_10")


def load(clip: str, folder: Path, like: Take) -> bpy.types.Object:
    """The armature of `clip` in the open file; skips the test where the data is absent."""
    if clip[0].isdigit():
        return import_skeletons(bpy.context, shared(f"mocap/cmu_bvh/{clip}.bvh"), True)[0]
    path = write_take(mocap_take(clip, like), folder / f"{clip}.npz")
    return import_take(bpy.context, path).armature
