"""Landmarks to keypoints: the regressor, the shape, and both together on a body that is known."""

import numpy as np
import pytest

from solver.body import joint_transforms, pose_vertices
from solver.lift import correct_landmarks, landmark_points, landmark_regressor, lift
from solver.lift.landmark_points import MIRRORED_JOINTS, MIRRORED_LANDMARKS
from solver.lift.shape import estimate_shape
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


def test_shape_recovers_proportions_and_obeys_a_given_height():
    rest = BODY.rest_joints(BETAS)
    keypoints = np.broadcast_to(rest - rest[0], (20, 24, 3))
    confidence = np.ones((20, 24))
    shape = estimate_shape(keypoints, confidence, BODY)
    found = BODY.rest_joints(shape.betas)
    thigh = [np.linalg.norm(joints[4] - joints[1]) for joints in (rest, found)]
    assert thigh[1] == pytest.approx(thigh[0], rel=0.02)
    assert shape.scale == pytest.approx(1, abs=0.02)

    tall = estimate_shape(keypoints * 0.8, confidence, BODY, height=1.9)
    assert np.ptp(BODY.rest_vertices(tall.betas)[:, 1]) == pytest.approx(1.9, abs=0.01)
    assert tall.scale > 1.2


def test_shape_without_a_single_confident_bone_is_the_mean():
    shape = estimate_shape(np.zeros((5, 24, 3)), np.zeros((5, 24)), BODY)
    assert shape.scale == 1
    np.testing.assert_allclose(shape.betas, 0, atol=1e-6)
