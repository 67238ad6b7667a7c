"""SMPL's 24 joints on MakeHuman's person: where they are, what they move, and how the skin tells where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from makehuman import MakeHuman
from numpy.typing import NDArray
from scipy.optimize import nnls

from solver.body_file import JOINT_NAMES, PARENTS

Array = NDArray[Any]

AT = {name: index for index, name in enumerate(JOINT_NAMES)}
MIRRORED = np.array(
    [AT[name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")] for name in JOINT_NAMES]
)
# The first joint of each pair of MakeHuman's bones, by the start of their names; the right one follows the left.
LIMBS = {
    "upperleg": "left_hip",
    "lowerleg": "left_knee",
    "foot": "left_ankle",
    "toe": "left_foot",
    "clavicle": "left_collar",
    "shoulder01": "left_collar",
    "upperarm": "left_shoulder",
    "lowerarm": "left_elbow",
    "wrist": "left_wrist",
    "metacarpal": "left_wrist",
    "finger1": "left_wrist",
    "finger": "left_hand",
}
# Half the height, metres, over which the trunk passes from one spine joint to the next.
SPINE_STEPS = (("spine1", 0.085), ("spine2", 0.065), ("spine3", 0.065))
LEAST_WEIGHT = 0.004


def place_joints(heads: dict[str, Array]) -> Array:
    """(24, 3) SMPL joints from the posed heads of MakeHuman's bones.

    The fractions are ours: they put the joints where SMPL's convention has them, hips low and medial, collars low in
    the chest, the chest joint forward, the knee a little under MakeHuman's.
    """
    joints = np.zeros((24, 3))
    up = heads["spine01"] - heads["spine02"]
    unit = float(np.linalg.norm(up))
    joints[AT["spine1"]] = heads["spine03"] + [0, 0, -0.07 * unit]
    joints[AT["spine2"]] = heads["spine02"] + 0.42 * up + [0, 0, 0.05 * unit]
    joints[AT["spine3"]] = heads["spine02"] + 0.79 * up + [0, 0, 0.2 * unit]
    joints[AT["neck"]] = heads["neck01"]
    joints[AT["head"]] = 0.36 * heads["neck01"] + 0.64 * heads["head"] + [0, 0, 0.17 * unit]
    for side, mark in (("left", "L"), ("right", "R")):
        limb = _limb_joints({name[:-2]: head for name, head in heads.items() if name.endswith(f".{mark}")}, unit)
        for name, place in limb.items():
            joints[AT[f"{side}_{name}"]] = place
    between = (joints[AT["left_hip"]] + joints[AT["right_hip"]]) / 2
    joints[AT["pelvis"]] = between + 0.46 * (joints[AT["spine1"]] - between) + [0, 0, 0.1 * unit]
    return joints


def _limb_joints(heads: dict[str, Array], unit: float) -> dict[str, Array]:
    hip, knee, ankle, wrist = (heads[name] for name in ("upperleg01", "lowerleg01", "foot", "wrist"))
    knuckles = 0.6 * heads["finger3-1"] + 0.1 * sum(heads[f"finger{finger}-1"] for finger in (2, 3, 4, 5))
    return {
        "hip": (hip + 0.11 * (knee - hip)) * [0.66, 1, 1],
        "knee": knee + 0.05 * (ankle - knee),
        "ankle": ankle,
        "foot": np.mean([heads[f"toe{toe}-1"] for toe in range(1, 6)], axis=0),
        "collar": 0.63 * heads["clavicle"] + 0.37 * heads["upperarm01"] + [0, -0.2 * unit, -0.24 * unit],
        "shoulder": heads["upperarm01"],
        "elbow": heads["lowerarm01"],
        "wrist": wrist,
        "hand": wrist + 0.84 * (knuckles - wrist),
    }


def gather_weights(makehuman: MakeHuman, rows: Array, vertices: Array, joints: Array) -> Array:
    """(V, 24) skinning weights: each bone's go to its joint, the trunk's are split along the spine by height."""
    weights, trunk = np.zeros((len(rows), 24)), np.zeros(len(rows))
    for column, bone in enumerate(makehuman.rig):
        moved = makehuman.weights[rows, column]
        joint = _joint_of_bone(bone)
        if joint is None:
            trunk += moved
        else:
            weights[:, joint] += moved
    above = np.ones(len(rows))
    below = "pelvis"
    for name, half_height in SPINE_STEPS:
        passed = above * _smooth_step((vertices[:, 1] - joints[AT[name], 1]) / (2 * half_height) + 0.5)
        weights[:, AT[below]] += trunk * (above - passed)
        above, below = passed, name
    weights[:, AT[below]] += trunk * above
    weights[weights < LEAST_WEIGHT] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def _joint_of_bone(bone: str) -> int | None:
    """The joint that a MakeHuman bone belongs to; None for the trunk, which several joints share."""
    name, right = bone.split(".")[0], not bone.endswith(".L")
    for start, left_joint in LIMBS.items():
        if name.startswith(start):
            return AT[left_joint] + right
    if name.startswith("neck"):
        return AT["neck"]
    if name in ("root", "pelvis", "breast") or name.startswith("spine"):
        return None
    return AT["head"]


def _smooth_step(rise: Array) -> Array:
    rise = np.clip(rise, 0, 1)
    return rise**2 * (3 - 2 * rise)


def fit_regressor(people: Array, joints: Array, weights: Array, mirror: Array) -> Array:
    """(24, V) sparse, non-negative rows that sum to 1 and give the joints of people (N, V, 3) with joints (N, 24, 3).

    MakeHuman's joint cubes drift against the skin by up to 2 to 3 cm under some targets (spine, knee), so the ring of
    skin around a joint, where its weights and its parent's overlap, defines the joint away from the mean.
    """
    rows = np.zeros((24, people.shape[1]))
    mean = people.mean(axis=0).astype(np.float64)
    for joint, twin in enumerate(MIRRORED):
        if twin < joint:
            rows[joint] = rows[twin][mirror]
            continue
        at_waist = np.abs(mean[:, 1] - joints[:, 0, 1].mean()) < 0.05
        parent = weights[:, PARENTS[joint]] if joint else weights[:, 0] * at_waist
        overlap = np.minimum(weights[:, joint], parent)
        rows[joint] = _fit_ring(people, joints[:, joint], overlap, mirror if twin == joint else None)
        if twin == joint:
            rows[joint] = (rows[joint] + rows[joint][mirror]) / 2
    return rows


def _fit_ring(people: Array, joints: Array, overlap: Array, mirror: Array | None) -> Array:
    """One row: exact at the mean shape, least squares over 60 people, drawn a little towards a uniform ring."""
    row = np.zeros(people.shape[1])
    mean, mean_joint = people.mean(axis=0).astype(np.float64), joints.mean(axis=0)
    for least in (0.15, 0.08, 0.03, 0.01):  # widen the ring until the joint is inside it
        ring = np.flatnonzero(overlap > least)
        if mirror is not None:
            ring = np.unique(np.concatenate([ring, mirror[ring]]))
        count = len(ring)
        offsets = people[:60, ring].astype(np.float64) - joints[:60, None]
        equations = offsets.transpose(0, 2, 1).reshape(-1, count)
        ridge = np.sqrt(0.03 / count) * np.eye(count)
        exact = 100 * np.concatenate([(mean[ring] - mean_joint).T, np.ones((1, count))])
        system = np.concatenate([equations / np.sqrt(len(equations) / 3), exact, ridge])
        wanted = np.concatenate([np.zeros(len(equations) + 3), [100], ridge.sum(axis=1) / count])
        shares, _ = nnls(system, wanted, maxiter=50000)
        shares[shares < 0.02 * shares.max()] = 0
        shares /= shares.sum()
        if np.linalg.norm(shares @ mean[ring] - mean_joint) < 0.002:
            break
    row[ring] = shares
    return row
