"""Run by a fresh Blender on a .blend file: prints what its armature's action holds, as one line of JSON.

Knows nothing of the extension, which is not enabled here: what is measured is in the file.
"""

import json
import math
import os
import sys
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FOOT_BONES = {"left": ("L_Ankle", "L_Foot"), "right": ("R_Ankle", "R_Foot")}
KNEES = {"left": ("L_Hip", "L_Knee", "L_Ankle"), "right": ("R_Hip", "R_Knee", "R_Ankle")}


def curves_of(action: Any) -> list[Any]:
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
    return [curve for bag in bags for curve in bag.fcurves]


def keys_of(curve: Any) -> Array:
    """(K, 2) frame and value of each key."""
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    return flat.reshape(-1, 2)


def describe_curves(action: Any) -> dict[str, Any]:
    rotations: dict[str, dict[int, Array]] = {}
    locations = []
    for curve in curves_of(action):
        if curve.data_path.endswith("rotation_quaternion"):
            rotations.setdefault(curve.data_path, {})[curve.array_index] = keys_of(curve)
        elif curve.data_path.endswith("location"):
            locations.append(keys_of(curve))
    keys = [curve for bone in rotations.values() for curve in bone.values()] + locations
    quaternions = np.stack([np.stack([bone[axis][:, 1] for axis in range(4)], -1) for bone in rotations.values()])
    return {
        "rotation_curves": sum(len(bone) for bone in rotations.values()),
        "rotated_bones": len(rotations),
        "location_curves": len(locations),
        "key_counts": sorted({len(curve) for curve in keys}),
        "frames": keys[0][:, 0].tolist(),
        "same_frames": all(np.array_equal(curve[:, 0], keys[0][:, 0]) for curve in keys),
        "finite": all(bool(np.isfinite(curve).all()) for curve in keys),
        "least_quaternion_dot": float((quaternions[:, 1:] * quaternions[:, :-1]).sum(-1).min()),
    }


def describe_motion(armature: Any, mesh: Any) -> dict[str, Any]:
    """Knee angles (degrees), lowest point of each foot (m) and the hips' and ankles' order, frame by frame."""
    scene = bpy.context.scene
    names = [group.name for group in mesh.vertex_groups]
    heaviest = [max(vertex.groups, key=lambda member: member.weight).group for vertex in mesh.data.vertices]
    feet = {
        side: np.array([index for index, group in enumerate(heaviest) if names[group] in bones])
        for side, bones in FOOT_BONES.items()
    }
    angles: dict[str, list[float]] = {side: [] for side in KNEES}
    lowest: dict[str, list[float]] = {side: [] for side in FOOT_BONES}
    side_of: dict[str, list[float]] = {"Hip": [], "Knee": [], "Ankle": []}
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        heads = {bone.name: np.array(armature.matrix_world @ bone.head) for bone in armature.pose.bones}
        for side, chain in KNEES.items():
            hip, knee, ankle = (heads[name] for name in chain)
            cosine = (hip - knee) @ (ankle - knee) / np.linalg.norm(hip - knee) / np.linalg.norm(ankle - knee)
            angles[side].append(math.degrees(math.acos(float(np.clip(cosine, -1, 1)))))
        for part, values in side_of.items():
            values.append(float((heads[f"L_{part}"] - heads[f"R_{part}"])[0]))
        points = world_points(mesh)
        for side, indices in feet.items():
            lowest[side].append(float(points[indices, 2].min()))
    return {"knee_angles": angles, "lowest": lowest, "left_minus_right_x": side_of}


def world_points(mesh: Any) -> Array:
    """(V, 3) the vertices as the armature moves them now."""
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    world = np.array(evaluated.matrix_world)
    return flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def main() -> None:
    bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
    scene = bpy.context.scene
    (armature,) = [thing for thing in scene.objects if thing.type == "ARMATURE"]
    (mesh,) = [thing for thing in scene.objects if thing.type == "MESH" and thing.parent == armature]
    backgrounds = scene.camera.data.background_images
    report = {
        "rate_hz": scene.render.fps / scene.render.fps_base,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "footage": [os.path.basename(entry.image.filepath) for entry in backgrounds if entry.image],  # noqa: PTH119
        "objects": sorted(thing.type for thing in scene.objects),
        **describe_curves(armature.animation_data.action),
        **describe_motion(armature, mesh),
    }
    print("MEASURED " + json.dumps(report), flush=True)


if __name__ == "__main__":
    status = 1
    try:
        main()
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # some Blender versions hang or crash while the interpreter shuts down
