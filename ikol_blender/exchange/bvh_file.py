"""A skeleton's motion as a BVH file: Y up, facing +Z, centimetres.

Reference: Meredith and Maddock, Motion Capture File Formats Explained (2001): a hierarchy of offsets at rest, then one
line of channels a frame. With D_k the turn of bone k from its rest in the world, the channels hold D_pa^T D_k.
No bpy: every frame is known as numbers already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..cleanup import euler
from ..cleanup import quaternions as quat
from ..cleanup.motion import Motion
from ..contract import BadInput
from .refusal import unwritable

Array = NDArray[np.float64]

_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # from Blender's Z up, facing -Y
_CM = 100.0
_STILL = 1e-6
_ROTATIONS = "Zrotation Xrotation Yrotation"  # R = Rz Rx Ry, Blender's order "YXZ"
_POSITIONS = "Xposition Yposition Zposition "


@dataclass(frozen=True)
class _Joint:
    """One joint: its name, parent (-1 none), offset (3,), end (3,) or None, positions (T, 3) or None, turns (T, 3)."""

    name: str
    parent: int
    offset: Array
    end: Array | None
    positions: Array | None
    degrees: Array


def write_bvh(motion: Motion, path: Path) -> Path:
    """Write all of `motion`, at its own rate.

    Raises:
        BadInput: two bones would have the same name, or the file cannot be written.
    """
    joints = _joints(motion)
    names = [joint.name for joint in joints]
    if len(set(names)) < len(names):
        raise BadInput("Two bones have the same name once blanks are taken out.", hint="Rename one of them.")
    lines = ["HIERARCHY"]
    order = _write_joint(joints, 0, 0, lines)
    columns: list[Array] = []
    for index in order:
        joint = joints[index]
        columns += [] if joint.positions is None else [joint.positions]
        columns.append(joint.degrees[:, (2, 0, 1)])
    table = np.concatenate(columns, axis=1)
    lines += ["MOTION", f"Frames: {len(table)}", f"Frame Time: {1 / motion.rate_hz:.10f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in table]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise unwritable(path, str(error.strerror or error)) from error
    return path


def _joints(motion: Motion) -> list[_Joint]:
    """The bones as BVH sees them; several roots hang from one joint at the origin."""
    skeleton, posed = motion.skeleton, motion.posed()
    axes = (skeleton.world[:3, :3] / skeleton.scale) @ skeleton.rests[:, :3, :3]
    rest_heads = skeleton.rests[:, :3, 3] @ skeleton.world[:3, :3].T + skeleton.world[:3, 3]
    rest_tails = rest_heads + axes[..., 1] * (skeleton.lengths * skeleton.scale)[:, None]
    turns = _Y_UP @ (posed.turns @ np.swapaxes(axes, -1, -2)) @ _Y_UP.T
    heads, rest_heads, rest_tails = ((points @ _Y_UP.T) * _CM for points in (posed.heads, rest_heads, rest_tails))
    count, several = len(motion), sum(parent < 0 for parent in skeleton.parents) > 1
    still = np.zeros((count, 3))
    joints = [_Joint("Root", -1, np.zeros(3), None, still, still)] if several else []
    for bone, parent in enumerate(skeleton.parents):
        if parent < 0:
            own, offset, positions = turns[:, bone], rest_heads[bone], heads[:, bone]
        else:
            back = np.swapaxes(turns[:, parent], -1, -2)
            own, offset = back @ turns[:, bone], rest_heads[bone] - rest_heads[parent]
            positions = (back @ (heads[:, bone] - heads[:, parent])[..., None])[..., 0]
            if np.abs(positions - offset).max() < _STILL * _CM:
                positions = None
        angles = np.degrees(euler.from_quaternions(quat.continuous(quat.from_matrices(own)), "YXZ"))
        end = None if skeleton.children(bone) else rest_tails[bone] - rest_heads[bone]
        name = "_".join(skeleton.names[bone].split())
        joints.append(_Joint(name, parent + several, offset, end, positions, angles))
    return joints


def _write_joint(joints: list[_Joint], index: int, depth: int, lines: list[str]) -> list[int]:
    """Append the joint and what hangs from it; the joints in the order of their channels."""
    joint, inner = joints[index], "\t" * (depth + 1)
    count = 3 if joint.positions is None else 6
    positions = "" if joint.positions is None else _POSITIONS
    lines += ["\t" * depth + f"{'ROOT' if depth == 0 else 'JOINT'} {joint.name}", "\t" * depth + "{"]
    lines += [f"{inner}OFFSET {_numbers(joint.offset)}", f"{inner}CHANNELS {count} {positions}{_ROTATIONS}"]
    order = [index]
    for child, other in enumerate(joints):
        if child != index and other.parent == index:
            order += _write_joint(joints, child, depth + 1, lines)
    if joint.end is not None:
        lines += [f"{inner}End Site", inner + "{", f"{inner}\tOFFSET {_numbers(joint.end)}", inner + "}"]
    lines.append("\t" * depth + "}")
    return order


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.6f}" for value in values)
