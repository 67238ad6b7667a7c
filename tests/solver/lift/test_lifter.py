"""Landmarks to keypoints: the regressor, the shape, and both together on a body that is known."""

import numpy as np
import pytest

from solver.body import joint_transforms, pose_vertices
from solver.body_file import JOINT_NAMES, PARENTS
from solver.lift import correct_landmarks, landmark_points, landmark_regressor, lift
from solver.lift.landmark_points import MIRRORED_JOINTS, MIRRORED_LANDMARKS
from solver.lift.shape import BONES, estimate_shape
from tests.solver.lift.seen_walk import BETAS, BODY, CAMERA, seen_walk, walking_poses


def test_rows_of_the_regressor_sum_to_one_and_mirror():
    regressor = landmark_regressor()
    assert regressor.shape == (24, 33)
    np.testing.assert_allclose(regressor.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(regressor, regressor[MIRRORED_JOINTS][:, MIRRORED_LANDMARKS], atol=1e-12)


def test_landmarks_fixed_to_parts_follow_the_skinned_surface():
    rotations = walking_poses(10)
    rest = BODY.rest_joints(BETAS)
    turned, placed = joint_transforms(rotations, rest)
    points = landmark_points(BODY, BETAS).place(turned, placed)
    surface = pose_vertices(BODY, rotations, BETAS, np.array([BODY.landmarks[n] for n in ("nose", "LHeel", "RBigToe")]))
    assert np.linalg.norm(points[:, [0, 29, 32]] - surface, axis=-1).max() < 0.02


def test_a_body_file_without_named_points_borrows_the_open_bodys():
    from dataclasses import replace

    nameless = replace(BODY, landmarks={})
    np.testing.assert_array_equal(landmark_points(nameless, BETAS).offset, landmark_points(BODY, np.zeros(10)).offset)


def test_lifted_keypoints_are_close_to_the_joints_of_an_unseen_walk():
    observations, truth = seen_walk(60)
    keypoints = lift(observations, correct_landmarks(observations, CAMERA, 30.0), BODY, CAMERA, 30.0)
    relative = keypoints.positions - keypoints.positions[:, :1]
    error = np.linalg.norm(relative - truth, axis=-1)
    assert error.mean() < 0.06
    assert keypoints.confidence.min() == pytest.approx(1)
    assert np.linalg.norm(keypoints.twist, axis=-1) == pytest.approx(1)


def told_joints(rest: np.ndarray) -> np.ndarray:
    """(24, 3) `rest` with bones as short as the lifter tells them on the average; all of the trunk as its sides."""
    limbs = {
        JOINT_NAMES.index(f"{side}_{bone.end}"): bone.shortened for bone in BONES[:4] for side in ("left", "right")
    }
    told = np.zeros_like(rest)
    for joint, parent in enumerate(PARENTS[1:], start=1):
        told[joint] = told[parent] + limbs.get(joint, BONES[4].shortened) * (rest[joint] - rest[parent])
    return told


def test_shape_believes_told_lengths_partly_and_obeys_a_given_height():
    true, mean = BODY.rest_joints(BETAS), BODY.rest_joints(np.zeros(10))
    keypoints, confidence = np.broadcast_to(told_joints(true), (20, 24, 3)), np.ones((20, 24))
    shape = estimate_shape(keypoints, confidence, BODY)
    found = BODY.rest_joints(shape.betas)
    for bone in BONES[:2]:
        lengths = [float(bone.lengths(joints).mean()) for joints in (mean, found, true)]
        assert lengths[0] < lengths[1] < lengths[2]  # a tall one's legs
    ratio = [shape.scale * bone.lengths(keypoints[0]).mean() / bone.lengths(found).mean() for bone in BONES]
    assert np.exp(np.mean(np.log(ratio))) == pytest.approx(1, abs=0.02)
    larger = estimate_shape(1.1 * keypoints, confidence, BODY)
    grown = np.ptp(BODY.rest_vertices(larger.betas)[:, 1]) / np.ptp(BODY.rest_vertices(shape.betas)[:, 1])
    assert 1.01 < grown < 1.05

    tall = estimate_shape(keypoints * 0.8, confidence, BODY, height=1.9)
    assert np.ptp(BODY.rest_vertices(tall.betas)[:, 1]) == pytest.approx(1.9, abs=0.01)
    assert tall.scale > 1.2


def test_of_the_mean_body_told_as_usual_the_shape_is_the_mean():
    keypoints = np.broadcast_to(told_joints(BODY.rest_joints(np.zeros(10))), (20, 24, 3))
    shape = estimate_shape(keypoints, np.ones((20, 24)), BODY)
    np.testing.assert_allclose(shape.betas, 0, atol=1e-3)
    assert 1 / BONES[2].shortened < shape.scale < 1 / BONES[4].shortened


def test_shape_of_nobody_seen_has_the_given_height():
    shape = estimate_shape(np.zeros((5, 24, 3)), np.ones((5, 24)), BODY, height=1.9)
    assert np.ptp(BODY.rest_vertices(shape.betas)[:, 1]) == pytest.approx(1.9, abs=0.01)
    assert shape.scale == 1


def test_shape_without_a_single_confident_bone_is_the_mean():
    shape = estimate_shape(np.zeros((5, 24, 3)), np.zeros((5, 24)), BODY)
    assert shape.scale == 1
    np.testing.assert_allclose(shape.betas, 0, atol=1e-6)
