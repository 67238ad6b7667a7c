"""CMU's motion capture as rotations of the SMPL skeleton.

Two forms: ASF/AMC, whose bones are given in a T-pose much like SMPL's, and BVH on a Character Creator skeleton, whose
bones lie along their own Y axis with the hinges' axes to be found. A bone's global turn is the source's times the
constant turn between the two rest poses.

The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF
EIA-0196217.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from solver.body_file import JOINT_NAMES, PARENTS, Body

Array = NDArray[Any]

AMC_RATE_HZ = 120.0
_INCHES = 0.0254 / 0.45  # the skeleton's unit, m
_ASF_BONES = {
    "pelvis": "root",
    "spine1": "lowerback",
    "spine2": "upperback",
    "spine3": "thorax",
    "neck": "lowerneck",
    "head": "head",
}
_ASF_LIMBS = {
    "hip": "femur",
    "knee": "tibia",
    "ankle": "foot",
    "foot": "toes",
    "collar": "clavicle",
    "shoulder": "humerus",
    "elbow": "radius",
    "wrist": "hand",
    "hand": "hand",
}
_BVH_BONES = {
    "pelvis": "Pelvis",
    "spine1": "Waist",
    "spine2": "Spine01",
    "spine3": "Spine02",
    "neck": "NeckTwist01",
    "head": "Head",
}
_BVH_LIMBS = {
    "hip": "Thigh",
    "knee": "Calf",
    "ankle": "Foot",
    "foot": "ToeBase",
    "collar": "Clavicle",
    "shoulder": "Upperarm",
    "elbow": "Forearm",
    "wrist": "Hand",
    "hand": "Hand",
}
_BVH_CHILD = {
    "Thigh": "Calf",
    "Calf": "Foot",
    "Foot": "ToeBase",
    "ToeBase": "MidToe1",
    "Clavicle": "Upperarm",
    "Upperarm": "Forearm",
    "Forearm": "Hand",
    "Hand": "Mid1",
}
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "left_collar", "right_collar")


@dataclass(frozen=True)
class Motion:
    """A person's motion, Y up.

    Attributes:
        rotations: (T, 24, 3, 3) relative to the parent; joint 0 in the room.
        pelvis: (T, 3) its path, metres, for legs as long as the open body's.
        rate_hz: time base.
    """

    name: str
    rotations: Array
    pelvis: Array
    rate_hz: float


def read_motions(folder: Path, body: Body) -> list[Motion]:
    """Every take of `folder`/cmu_asfamc and `folder`/cmu_bvh."""
    joints = body.rest_joints(np.zeros(10))
    amc = [_read_amc(path, joints) for path in sorted((folder / "cmu_asfamc").glob("*.amc"))]
    return amc + [_read_bvh(path, joints) for path in sorted((folder / "cmu_bvh").glob("*.bvh"))]


def _read_amc(path: Path, joints: Array) -> Motion:
    bones, order = _read_asf(path.with_name(f"{path.stem.split('_')[0]}.asf"))
    frames: list[dict[str, list[float]]] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
        elif frames and words:
            frames[-1][words[0]] = [float(word) for word in words[1:]]
    root = np.array([frame["root"] for frame in frames])
    turns = {"root": Rotation.from_euler("xyz", root[:, 3:], degrees=True).as_matrix()}
    for name, parent in order:
        bone = bones[name]
        angles = np.zeros((len(frames), 3))
        for column, axis in enumerate(bone.axes):
            angles[:, "xyz".index(axis)] = [frame[name][column] for frame in frames]
        own = bone.frame @ Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ bone.frame.T
        turns[name] = turns[parent] @ own
    directions = {name: bone.direction for name, bone in bones.items()}
    world = np.empty((len(frames), 24, 3, 3))
    for joint, name in enumerate(JOINT_NAMES):
        source = _source_name(name, _ASF_BONES, {part: f"{{}}{bone}" for part, bone in _ASF_LIMBS.items()}, ("l", "r"))
        align = np.eye(3) if name in _TRUNK else _shortest_turn(_rest_direction(joint, joints), directions[source])
        world[:, joint] = turns[source] @ align
    leg = (bones["lfemur"].length + bones["ltibia"].length) * _INCHES
    return _motion(path.stem, world, root[:, :3] * _INCHES * _leg(joints) / leg, AMC_RATE_HZ)


@dataclass(frozen=True)
class _Bone:
    direction: Array
    length: float
    frame: Array
    axes: list[str]


def _read_asf(path: Path) -> tuple[dict[str, _Bone], list[tuple[str, str]]]:
    """The bones, and (bone, parent) in kinematic order."""
    text = path.read_text()
    bones: dict[str, _Bone] = {}
    for block in re.findall(r"begin\s+id(.*?)\send", text.split(":bonedata")[1].split(":hierarchy")[0], re.DOTALL):
        words = {row.split()[0]: row.split()[1:] for row in block.splitlines() if len(row.split()) > 1}
        bones[words["name"][0]] = _Bone(
            np.array(words["direction"], float),
            float(words["length"][0]),
            Rotation.from_euler("xyz", [float(word) for word in words["axis"][:3]], degrees=True).as_matrix(),
            [axis[1] for axis in words.get("dof", [])],
        )
    order: list[tuple[str, str]] = []
    for row in text.split(":hierarchy")[1].splitlines():
        words = row.split()
        order += [(child, words[0]) for child in words[1:]]
    return bones, order


def _read_bvh(path: Path, joints: Array) -> Motion:
    header, table = path.read_text().split("MOTION")
    names, parents, offsets, channels = _read_hierarchy(header)
    rows = table.split("\n")
    rate = 1 / float(rows[2].split()[-1])
    values = np.array([row.split() for row in rows[3:] if row.strip()], float)
    turns: dict[str, Array] = {}
    places: dict[str, Array] = {}
    column = 0
    for name, parent, offset, kinds in zip(names, parents, offsets, channels, strict=True):
        own = values[:, column : column + len(kinds)]
        column += len(kinds)
        turning = [index for index, kind in enumerate(kinds) if kind.endswith("rotation")]
        moving = [index for index, kind in enumerate(kinds) if kind.endswith("position")]
        order = "".join(kinds[index][0] for index in turning)
        turn = Rotation.from_euler(order, own[:, turning], degrees=True).as_matrix()
        place = own[:, moving] if moving else np.broadcast_to(offset, (len(own), 3))
        turns[name] = turns[parent] @ turn if parent else turn
        places[name] = places[parent] + np.einsum("tij,tj->ti", turns[parent], place) if parent else place
    world = np.empty((len(values), 24, 3, 3))
    offset_of = dict(zip(names, offsets, strict=True))
    hinges = {side: _bvh_hinges(turns, side) for side in ("L", "R")}
    for joint, name in enumerate(JOINT_NAMES):
        limbs = {part: f"CC_Base_{{}}_{bone}" for part, bone in _BVH_LIMBS.items()}
        trunk = {part: f"CC_Base_{bone}" for part, bone in _BVH_BONES.items()}
        source = _source_name(name, trunk, limbs, ("L", "R"))
        if name in trunk:
            world[:, joint] = turns[source]
            continue
        bone, side = source.rsplit("_", 1)[1], source.split("_")[2]
        direction = offset_of[source.replace(bone, _BVH_CHILD[bone])]
        leg = bone in ("Thigh", "Calf", "Foot", "ToeBase")
        bending = (1.0, 0.0, 0.0) if leg else (0.0, -1.0 if side == "L" else 1.0, 0.0)
        world[:, joint] = turns[source] @ _two_axis_turn(
            _rest_direction(joint, joints), np.array(bending), direction, hinges[side]["leg" if leg else "arm"]
        )
    at = lambda bone: places[f"CC_Base_L_{bone}"]  # noqa: E731
    leg = (
        np.linalg.norm(at("Calf") - at("Thigh"), axis=1).mean() + np.linalg.norm(at("Foot") - at("Calf"), axis=1).mean()
    )
    return _motion(path.stem, world, places["CC_Base_Pelvis"] * _leg(joints) / leg, rate)


def _read_hierarchy(header: str) -> tuple[list[str], list[str], list[Array], list[list[str]]]:
    """Names, parents' names (root: ""), offsets and channels, in the order of the columns."""
    names: list[str] = []
    parents: list[str] = []
    offsets: list[Array] = []
    channels: list[list[str]] = []
    stack: list[str] = []
    current = ""
    for row in header.splitlines():
        words = row.split()
        if not words:
            continue
        if words[0] in ("ROOT", "JOINT"):
            current = words[1]
            names.append(current)
            parents.append(stack[-1] if stack else "")
        elif words[0] == "End":
            current = ""
        elif words[0] == "{":
            stack.append(current)
        elif words[0] == "}":
            stack.pop()
        elif words[0] == "OFFSET" and stack[-1]:
            offsets.append(np.array(words[1:], float))
        elif words[0] == "CHANNELS":
            channels.append(words[2:])
    return names, parents, offsets, channels


def _bvh_hinges(turns: dict[str, Array], side: str) -> dict[str, Array]:
    """Unit axes, in the bones' own frames, about which knee and elbow bend: where their turns' vectors point."""
    found: dict[str, Array] = {}
    for limb, upper, lower in (("leg", "Thigh", "Calf"), ("arm", "Upperarm", "Forearm")):
        above, below = (turns[f"CC_Base_{side}_{bone}"] for bone in (upper, lower))
        bends = Rotation.from_matrix(np.swapaxes(above, -1, -2) @ below).as_rotvec()
        total = bends.sum(axis=0)
        found[limb] = total / np.linalg.norm(total)
    return found


def _motion(name: str, world: Array, pelvis: Array, rate_hz: float) -> Motion:
    relative = world.copy()
    relative[:, 1:] = np.swapaxes(world[:, PARENTS[1:]], -1, -2) @ world[:, 1:]
    return Motion(name, relative, pelvis, rate_hz)


def _source_name(joint: str, trunk: dict[str, str], limbs: dict[str, str], sides: tuple[str, str]) -> str:
    if joint in trunk:
        return trunk[joint]
    side, part = joint.split("_")
    return limbs[part].format(sides[0] if side == "left" else sides[1])


def _rest_direction(joint: int, joints: Array) -> Array:
    """Unit direction of a limb's bone in SMPL's rest pose; hands and toes go on as what carries them."""
    child = next((other for other in range(24) if PARENTS[other] == joint), joint)
    bone = joints[child] - joints[joint] if child != joint else joints[joint] - joints[PARENTS[joint]]
    if JOINT_NAMES[joint].endswith("_foot"):
        bone = np.array((0.0, 0.0, 1.0))
    return bone / np.linalg.norm(bone)


def _leg(joints: Array) -> float:
    hip, knee, ankle = (JOINT_NAMES.index(f"left_{part}") for part in ("hip", "knee", "ankle"))
    return float(np.linalg.norm(joints[knee] - joints[hip]) + np.linalg.norm(joints[ankle] - joints[knee]))


def _shortest_turn(start: Array, end: Array) -> Array:
    """(3, 3) the rotation of one direction onto another."""
    end = end / np.linalg.norm(end)
    normal = np.cross(start, end)
    length = float(np.linalg.norm(normal))
    return Rotation.from_rotvec(normal / max(length, 1e-12) * np.arctan2(length, start @ end)).as_matrix()


def _two_axis_turn(start: Array, start_side: Array, end: Array, end_side: Array) -> Array:
    """(3, 3) the rotation of one direction onto another and, as far as it can be, of a second onto a second."""

    def basis(along: Array, side: Array) -> Array:
        along = along / np.linalg.norm(along)
        side = side - along * (side @ along)
        side = side / np.linalg.norm(side)
        return np.stack((along, side, np.cross(along, side)), axis=-1)

    return basis(end, end_side) @ basis(start, start_side).T
