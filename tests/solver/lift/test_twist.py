"""Twist from geometry gives back the rotations of bent limbs that it was made from."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from solver.body import joint_transforms
from solver.body_file import JOINT_NAMES, PARENTS, read_body
from solver.lift.landmark_points import landmark_points
from solver.lift.twist import FIRST_CHILD, LEAVES, twist_and_leaves

COUNT = 100
BODY = read_body("open")
REST = BODY.rest_joints(np.zeros(10))
AT = {name: index for index, name in enumerate(JOINT_NAMES)}


def bent_poses() -> NDArray[np.float64]:
    """(N, 24, 3, 3) people with bent elbows and knees, turned every way."""
    random = np.random.default_rng(7)
    angles = np.zeros((COUNT, 24, 3))
    angles[:, 0] = random.normal(0, 1, (COUNT, 3))
    for side, sign in (("left", 1), ("right", -1)):
        angles[:, AT[f"{side}_shoulder"]] = random.normal(0, 0.5, (COUNT, 3)) - (0, 0, sign * 0.7)
        angles[:, AT[f"{side}_elbow"], 1] = -sign * random.uniform(0.8, 2, COUNT)
        angles[:, AT[f"{side}_hip"]] = random.normal(0, 0.4, (COUNT, 3))
        angles[:, AT[f"{side}_knee"], 0] = random.uniform(0.8, 2, COUNT)
    angles[:, AT["neck"], 1] = angles[:, AT["head"], 1] = random.normal(0, 0.3, COUNT)
    return Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(COUNT, 24, 3, 3)


def rebuild(keypoints, twist, leaves, chest):
    """Swing and twist back to global rotations, joint by joint: R = swing twist."""
    turned = np.empty((len(keypoints), 24, 3, 3))
    turned[:, 0] = Rotation.align_vectors(np.eye(3), np.eye(3))[0].as_matrix()
    for sample, points in enumerate(keypoints):
        turned[sample, 0] = Rotation.align_vectors(points[[1, 2, 3]] - points[0], REST[[1, 2, 3]] - REST[0])[
            0
        ].as_matrix()
    for joint in range(1, 24):
        above, child = turned[:, PARENTS[joint]], FIRST_CHILD[joint]
        if joint == AT["spine3"]:
            turned[:, joint] = chest
        elif child < 0:
            turned[:, joint] = above @ leaves[:, LEAVES.index(joint)]
        else:
            axis = (REST[child] - REST[joint]) / np.linalg.norm(REST[child] - REST[joint])
            aim = np.einsum("tji,tj->ti", above, keypoints[:, child] - keypoints[:, joint])
            for sample in range(len(keypoints)):
                swing, _ = Rotation.align_vectors([aim[sample]], [axis])  # the shortest turn
                cosine, sine = twist[sample, joint - 1]
                about = Rotation.from_rotvec(np.arctan2(sine, cosine) * axis)
                turned[sample, joint] = above[sample] @ (swing * about).as_matrix()
    return turned


def test_twist_and_leaves_rebuild_the_pose():
    rotations = bent_poses()
    points = landmark_points(BODY, np.zeros(10))
    truth, keypoints = joint_transforms(rotations, REST - REST[0])
    # One moment a second: neighbours are different poses and must not be averaged together.
    twist, leaves = twist_and_leaves(keypoints, points.place(truth, keypoints), REST, points, rate_hz=0.001)
    rebuilt = rebuild(keypoints, twist, leaves, truth[:, AT["spine3"]])
    between = Rotation.from_matrix((np.swapaxes(truth, -1, -2) @ rebuilt).reshape(-1, 3, 3))
    error = np.degrees(between.magnitude()).reshape(COUNT, 24).mean(axis=0)
    for part, degrees in (("shoulder", 5), ("elbow", 5), ("wrist", 3), ("hip", 8), ("knee", 10)):
        for side in ("left", "right"):
            assert error[AT[f"{side}_{part}"]] < degrees, part
    assert error[AT["head"]] < 0.1


@pytest.mark.parametrize("degrees", [-150, -90, -45, 15])
def test_a_turned_palm_turns_forearm_and_wrist_by_half_each(degrees):
    rotations = np.broadcast_to(np.eye(3), (30, 24, 3, 3)).copy()
    forearm = REST[AT["left_wrist"]] - REST[AT["left_elbow"]]
    turn = Rotation.from_rotvec(np.radians(degrees) * forearm / np.linalg.norm(forearm)).as_matrix()
    rotations[:, AT["left_wrist"]] = turn
    points = landmark_points(BODY, np.zeros(10))
    truth, keypoints = joint_transforms(rotations, REST - REST[0])
    twist, _ = twist_and_leaves(keypoints, points.place(truth, keypoints), REST, points, rate_hz=30.0)
    angles = np.degrees(np.arctan2(twist[15, :, 1], twist[15, :, 0]))
    assert angles[AT["left_elbow"] - 1] == pytest.approx(degrees / 2, abs=5)
    assert angles[AT["left_wrist"] - 1] == pytest.approx(degrees / 2, abs=8)
    assert abs(angles[AT["right_elbow"] - 1]) < 5
