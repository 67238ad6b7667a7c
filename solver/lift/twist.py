"""Twist and end rotations from geometry: what bone directions alone cannot tell.

A bone's direction leaves its rotation about itself open. A bent elbow or knee closes it with its hinge, the line
from index to little finger closes the forearm, the foot closes the leg, ears and nose close the head. Where no cue
is strong (a straight arm), the twist leans towards none, the rest pose's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from ..body_file import JOINT_NAMES, PARENTS
from ..detect.person_landmarks import LANDMARK_NAMES
from ..stretches import stretches
from .landmark_points import LandmarkPoints

Array = NDArray[Any]

LEAVES = tuple(JOINT_NAMES.index(name) for name in ("head", "left_hand", "right_hand", "left_foot", "right_foot"))
FIRST_CHILD = tuple(next((c for c in range(24) if PARENTS[c] == joint), -1) for joint in range(24))
_SETTLE_SECONDS = 0.1  # twist cues are noisier than bone directions: average them over this
_SETTLED_JOINTS = 4  # one below the other, at most: collar, shoulder, elbow, wrist
_REST_PULL = 0.05  # weight of "no twist", against cues of weight 0..1
_HINGE_STRAIGHT, _HINGE_BENT = np.sin(np.radians((12.0, 40.0)))
# From palms down, a forearm supinates about 160 degrees and pronates 20: the middle of that range, by elbow, radians.
_PRONATION = {JOINT_NAMES.index("left_elbow"): -np.radians(70), JOINT_NAMES.index("right_elbow"): np.radians(70)}
_HEAD_LANDMARKS = [LANDMARK_NAMES.index(n) for n in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]


@dataclass(frozen=True)
class Cues:
    """Directions that a joint's body part should show, T moments.

    Attributes:
        rest: (3,) direction in the rest pose, unit.
        seen: (T, 3) the same direction as seen, unit.
        weight: (T,) trust, 0..1.
    """

    rest: Array
    seen: Array
    weight: Array


def twist_and_leaves(
    keypoints: Array, landmarks: Array, rest_joints: Array, points: LandmarkPoints, rate_hz: float
) -> tuple[Array, Array]:
    """Twist of every joint and the rotations of head, hands and feet.

    Args:
        keypoints: (T, 24, 3) in any right-handed frame, metres.
        landmarks: (T, 33, 3) in the same frame.
        rest_joints: (24, 3) of the shaped body.
        points: the landmarks on that body.
        rate_hz: time base.

    Returns:
        (T, 23, 2) cos and sin of joint k's rotation about its rest bone, applied before the swing, in row k - 1; and
        (T, 5, 3, 3) rotations of LEAVES relative to their parents.
    """
    count = len(keypoints)
    twist, leaves = np.empty((count, 23, 2), np.float32), np.empty((count, len(LEAVES), 3, 3), np.float32)
    for stretch in stretches(count, _SETTLED_JOINTS * _settle_reach(rate_hz)):
        reach = stretch.reach
        found = _twist_and_leaves(keypoints[reach], landmarks[reach], rest_joints, points, rate_hz)
        twist[stretch.kept], leaves[stretch.kept] = (values[stretch.inner] for values in found)
    return twist, leaves


def _twist_and_leaves(
    keypoints: Array, landmarks: Array, rest_joints: Array, points: LandmarkPoints, rate_hz: float
) -> tuple[Array, Array]:
    keypoints, landmarks = keypoints.astype(np.float64), landmarks.astype(np.float64)
    turned = np.empty((len(keypoints), 24, 3, 3))
    turned[:, 0] = _align(rest_joints[[1, 2, 3]] - rest_joints[0], keypoints[:, [1, 2, 3]] - keypoints[:, :1])
    chest = _align(rest_joints[[12, 13, 14]] - rest_joints[9], keypoints[:, [12, 13, 14]] - keypoints[:, 9:10])
    head = _align(_centred(points.offset[_HEAD_LANDMARKS]), _centred(landmarks[:, _HEAD_LANDMARKS]))
    cues = _limb_cues(keypoints, landmarks)
    twist = np.zeros((len(keypoints), 24, 2))
    twist[..., 0] = 1.0
    for joint, parent in enumerate(PARENTS[1:], start=1):
        if joint in LEAVES:
            continue
        child = FIRST_CHILD[joint]
        bone = rest_joints[child] - rest_joints[joint]
        axis = bone / np.linalg.norm(bone)
        aim = np.einsum("tji,tj->ti", turned[:, parent], keypoints[:, child] - keypoints[:, joint])
        swing = _shortest_turn(axis, aim)
        if joint in (3, 6):  # the chest's turn against the pelvis, a third in each vertebra
            twist[:, joint] = _share_of_twist(
                _transpose(turned[:, parent]) @ chest, axis, 1 / 3 if joint == 3 else 1 / 2
            )
        elif joint == 9:
            turned[:, joint] = chest
            continue
        elif joint == 12:  # the neck takes half of the head's turn
            twist[:, joint] = _share_of_twist(_transpose(turned[:, parent]) @ head, axis, 1 / 2)
        elif joint in cues:
            twist[:, joint] = _twist_from_cues(cues[joint], turned[:, parent] @ swing, axis)
        if joint in _PRONATION:  # the forearm turns along its length: half at the elbow, the rest at the wrist
            twist[:, joint] = _halve(twist[:, joint], _PRONATION[joint])
        twist[:, joint] = _settle(twist[:, joint], rate_hz)
        turned[:, joint] = turned[:, parent] @ swing @ _about(axis, twist[:, joint])
    leaves = np.broadcast_to(np.eye(3), (len(keypoints), len(LEAVES), 3, 3)).copy()
    leaves[:, 0] = _transpose(turned[:, PARENTS[LEAVES[0]]]) @ head
    return twist[:, 1:], leaves


def _limb_cues(keypoints: Array, landmarks: Array) -> dict[int, list[Cues]]:
    """The cues of upper arms, forearms, wrists, thighs and shanks."""
    cues: dict[int, list[Cues]] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        at = {n: JOINT_NAMES.index(f"{side}_{n}") for n in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")}
        mark = {n: LANDMARK_NAMES.index(f"{side}_{n}") for n in ("index", "pinky", "heel", "foot_index")}
        upper, fore = _bones(keypoints, at["shoulder"], at["elbow"], at["wrist"])
        hinge = np.cross(upper, fore)
        elbow = Cues(np.array((0.0, -sign, 0.0)), _unit(hinge), _bend_weight(hinge))
        across = _unit(landmarks[:, mark["index"]] - landmarks[:, mark["pinky"]])
        cues[at["shoulder"]] = [elbow]
        palm = Cues(np.array((0.0, 0.0, 1.0)), across, np.full(len(across), 1.0))
        cues[at["elbow"]] = cues[at["wrist"]] = [palm]
        thigh, shank = _bones(keypoints, at["hip"], at["knee"], at["ankle"])
        hinge = np.cross(thigh, shank)
        knee = Cues(np.array((1.0, 0.0, 0.0)), _unit(hinge), _bend_weight(hinge))
        forward = _unit(landmarks[:, mark["foot_index"]] - landmarks[:, mark["heel"]])
        toes = Cues(np.array((0.0, 0.0, 1.0)), forward, np.full(len(forward), 0.3))
        cues[at["hip"]] = [knee, toes]
        cues[at["knee"]] = [knee, toes]
    return cues


def _twist_from_cues(cues: list[Cues], swung: Array, axis: Array) -> Array:
    """(T, 2) the twist about `axis`, applied inside the frame `swung` (T, 3, 3), that shows the cues best."""
    total = np.zeros((len(swung), 2))
    total[:, 0] = _REST_PULL
    for cue in cues:
        rest = cue.rest - axis * (cue.rest @ axis)
        seen = np.einsum("tji,tj->ti", swung, cue.seen)
        # |seen| perpendicular to the axis weighs the cue: along the bone it says nothing.
        cosine = seen @ rest
        sine = np.cross(rest, seen) @ axis
        total += cue.weight[:, None] * np.stack((cosine, sine), -1)
    return _unit(total)


def _share_of_twist(rotation: Array, axis: Array, share: float) -> Array:
    """(T, 2) `share` of the twist of `rotation` (T, 3, 3) about `axis`."""
    quaternion = Rotation.from_matrix(rotation).as_quat()
    angle = np.angle(np.exp(2j * np.arctan2(quaternion[:, :3] @ axis, quaternion[:, 3])))
    return np.stack((np.cos(share * angle), np.sin(share * angle)), -1)


def _halve(twist: Array, middle: float) -> Array:
    """(T, 2) half of each angle, counted within half a turn of `middle` (radians) so that it never jumps there."""
    angle = middle + np.angle(np.exp(1j * (np.arctan2(twist[:, 1], twist[:, 0]) - middle)))
    return np.stack((np.cos(angle / 2), np.sin(angle / 2)), -1)


def _settle(twist: Array, rate_hz: float) -> Array:
    reach = _settle_reach(rate_hz)
    return _unit(gaussian_filter1d(twist, _SETTLE_SECONDS * rate_hz, axis=0, mode="nearest", radius=reach))


def _settle_reach(rate_hz: float) -> int:
    """Moments before and after that a settled twist is a mean of."""
    return round(4 * _SETTLE_SECONDS * rate_hz)


def _bones(keypoints: Array, start: int, middle: int, end: int) -> tuple[Array, Array]:
    return _unit(keypoints[:, middle] - keypoints[:, start]), _unit(keypoints[:, end] - keypoints[:, middle])


def _bend_weight(hinge: Array) -> Array:
    """0 for a straight limb, 1 for a clearly bent one."""
    ratio = (np.linalg.norm(hinge, axis=-1) - _HINGE_STRAIGHT) / (_HINGE_BENT - _HINGE_STRAIGHT)
    ratio = np.clip(ratio, 0, 1)
    return ratio * ratio * (3 - 2 * ratio)


def _align(rest: Array, seen: Array) -> Array:
    """(T, 3, 3) rotation that turns the vectors `rest` (N, 3) onto `seen` (T, N, 3) best (Kabsch)."""
    left, _, right = np.linalg.svd(np.einsum("tni,nj->tij", seen, rest))
    sign = np.ones((len(seen), 3))
    sign[:, 2] = np.linalg.det(left @ right)
    return (left * sign[:, None, :]) @ right


def _shortest_turn(axis: Array, aim: Array) -> Array:
    """(T, 3, 3) the rotation of the unit vector `axis` (3,) onto the direction of `aim` (T, 3)."""
    aim = _unit(aim)
    normal = np.cross(axis, aim)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    angle = np.arctan2(length[:, 0], aim @ axis)
    return Rotation.from_rotvec(normal / np.maximum(length, 1e-9) * angle[:, None]).as_matrix()


def _about(axis: Array, twist: Array) -> Array:
    return Rotation.from_rotvec(np.arctan2(twist[:, 1], twist[:, 0])[:, None] * axis).as_matrix()


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _centred(vectors: Array) -> Array:
    return vectors - vectors.mean(axis=-2, keepdims=True)


def _transpose(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)
