"""Where a rig's bones are, by Blender's own evaluation of every frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import bpy
import numpy as np


def evaluated(rig: bpy.types.Object, bones: Sequence[str], frames: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """(T, K, 3) heads and (T, K, 3, 3) axes of `bones` in the world."""
    heads, turns = [], []
    for frame in frames:
        whole = int(np.floor(frame))
        bpy.context.scene.frame_set(whole, subframe=float(frame - whole))
        matrices = [np.array(rig.matrix_world @ rig.pose.bones[name].matrix) for name in bones]
        heads.append([m[:3, 3] for m in matrices])
        turns.append([m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in matrices])
    return np.array(heads), np.array(turns)
