"""The figures of a take against its truth, on errors that are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from solver.errors import BadInput
from solver.evaluate import compare, format_report
from solver.take import Camera, Take

CAMERA = Camera(1000.0, (320.0, 240.0), (640, 480), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (0.0, 0.0, 0.0))


def moving_take(rate: float = 30.0, count: int = 60) -> Take:
    times = np.arange(count) / rate
    random = np.random.default_rng(4)
    rest = random.normal(0, 0.4, (24, 3))
    swing = 0.2 * np.sin(2 * np.pi * times)[:, None, None] * random.normal(0, 1, (24, 3))
    joints = rest + swing + np.stack([times, 0 * times, 0 * times], -1)[:, None]
    return Take(
        poses=np.zeros((count, 72)),
        trans=np.zeros((count, 3)),
        betas=np.zeros(10),
        gender="neutral",
        model="open",
        framerate=rate,
        timestamps=times,
        keypoints3d=joints,
        confidence=np.ones((count, 24)),
        contacts=np.zeros((count, 4)),
        landmarks2d=np.zeros((count, 33, 3)),
        camera=CAMERA,
    )


def test_a_take_equals_itself():
    report = compare(moving_take(), moving_take())
    assert (report.mpjpe, report.pa_mpjpe, report.world, report.acceleration_error) == pytest.approx(
        (0, 0, 0, 0), abs=1e-9
    )
    assert report.speed_ratio == pytest.approx(1)
    assert "PA-MPJPE            0.0 mm" in format_report(report)


def test_procrustes_forgives_turn_shift_and_scale_and_mpjpe_does_not():
    truth = moving_take()
    turn = Rotation.from_rotvec((0.3, -0.2, 0.5)).as_matrix()
    moved = replace(truth, keypoints3d=1.1 * truth.keypoints3d @ turn.T + (1, 2, 3))
    report = compare(moved, truth)
    assert report.pa_mpjpe == pytest.approx(0, abs=1e-9)
    assert report.mpjpe > 0.1
    assert 0.01 < report.root_aligned < report.mpjpe  # the turn is forgiven, the scale is not


def test_the_world_figure_forgives_only_a_heading():
    truth = moving_take()
    about_z = Rotation.from_rotvec((0, 0, 1.0)).as_matrix()
    assert compare(replace(truth, keypoints3d=truth.keypoints3d @ about_z.T + (5, 0, 1)), truth).world < 1e-9
    tilted = Rotation.from_rotvec((0.2, 0, 0)).as_matrix()
    assert compare(replace(truth, keypoints3d=truth.keypoints3d @ tilted.T), truth).world > 0.02


def test_one_joint_off_by_a_known_distance_is_averaged_over_all():
    truth = moving_take()
    joints = truth.keypoints3d.copy()
    joints[:, 20, 0] += 0.24
    assert compare(replace(truth, keypoints3d=joints), truth).mpjpe == pytest.approx(0.01)


def test_other_rates_compare_at_common_moments_and_a_frozen_pose_shows():
    truth = moving_take(60.0, 120)
    frozen = moving_take(30.0, 60)
    frozen = replace(frozen, keypoints3d=np.broadcast_to(frozen.keypoints3d[:1], frozen.keypoints3d.shape))
    report = compare(frozen, truth)
    assert report.moments == 60
    assert report.speed_ratio < 1e-6


def test_takes_of_other_times_are_refused():
    late = replace(moving_take(), timestamps=moving_take().timestamps + 100)
    with pytest.raises(BadInput):
        compare(late, moving_take())
