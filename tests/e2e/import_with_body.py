"""Run by a Blender environment: imports TAKE with BODY and prints the largest joint error, metres.

BLENDER_USER_RESOURCES must name a scratch folder.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path

import bpy
import numpy as np

from building.blender_session import MODULE, enable_extension


def largest_joint_error(take: Path, body: Path) -> float:
    """Bone heads against the take's keypoints, over all frames."""
    imported = enable_extension().import_take(bpy.context, take, body=body)
    names = importlib.import_module(f"{MODULE}.ikol_blender.scene.armature").BONE_NAMES
    truth = np.load(take)["keypoints3d"]
    errors = []
    for index in range(len(truth)):
        bpy.context.scene.frame_set(bpy.context.scene.frame_start + index)
        bones, world = imported.armature.pose.bones, imported.armature.matrix_world
        heads = np.array([world @ bones[name].head for name in names])
        errors.append(np.linalg.norm(heads - truth[index], axis=-1).max())
    return float(max(errors))


if __name__ == "__main__":
    status = 1
    try:
        print(f"ERROR {largest_joint_error(Path(sys.argv[1]), Path(sys.argv[2]))}", flush=True)
        status = 0
    except Exception:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # some Blender versions hang while the interpreter shuts down
