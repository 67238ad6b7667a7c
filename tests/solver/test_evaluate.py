"""The figures of a take against its truth, on errors that are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from solver.body_file import JOINT_NAMES, read_body
from solver.errors import BadInput
from solver.evaluate import compare, format_figures, measure
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


def test_procrustes_forgives_turn_shift_and_scale_and_mpjpe_does_not():
    truth = moving_take()
    turn = Rotation.from_rotvec((0.3, -0.2, 0.5)).as_matrix()
    moved = replace(truth, keypoints3d=1.1 * truth.keypoints3d @ turn.T + (1, 2, 3))
    report = compare(moved, truth)
    assert report.pa_mpjpe == pytest.approx(0, abs=1e-9)
    assert report.mpjpe > 0.1
    assert 0.01 < report.root_aligned < report.mpjpe  # the turn is forgiven, the scale is not


def test_mpjpe_is_in_camera_axes():
    truth = moving_take()
    heading = Rotation.from_rotvec((0, 0, 1.0)).as_matrix()
    camera = replace(CAMERA, rotation=tuple(map(tuple, heading.tolist())))
    assert compare(replace(truth, keypoints3d=truth.keypoints3d @ heading.T, camera=camera), truth).mpjpe < 1e-9


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


def standing(count: int = 60) -> Take:
    """Somebody who stands still in the rest pose, soles on the floor, all four points planted."""
    body = read_body("open")
    poses = np.zeros((count, 72))
    poses[:, 0] = np.pi / 2
    rest = body.rest_joints(np.zeros(10))
    upright = Rotation.from_rotvec((np.pi / 2, 0, 0)).as_matrix()
    placed = (rest - rest[0]) @ upright.T + rest[0]
    lift = -(float(body.rest_vertices(np.zeros(10))[:, 1].min()) - rest[0, 1] + rest[0, 2])
    joints = np.broadcast_to(placed + np.array((0, 0, lift)), (count, 24, 3)).copy()
    trans = np.tile((0.0, 0.0, lift), (count, 1))
    return replace(moving_take(count=count), poses=poses, trans=trans, keypoints3d=joints, contacts=np.ones((count, 4)))


def test_who_stands_still_neither_slips_nor_sinks_nor_floats():
    figures = measure(standing(), read_body("open"))
    assert (figures["foot_slip_cm"], figures["foot_slip_cm_s"]) == pytest.approx((0, 0), abs=1e-9)
    assert (figures["penetration_cm"], figures["float_cm"]) == pytest.approx((0, 0), abs=1e-3)
    assert "foot_slip_cm         0.00" in format_figures(figures)


def test_feet_that_slide_sink_and_float_by_known_amounts():
    body, truth = read_body("open"), standing()
    sliding = truth.trans + np.linspace(0, 0.1, 60)[:, None] * (1, 0, 0)
    slid = measure(replace(truth, trans=sliding), body)
    assert slid["foot_slip_cm"] == pytest.approx(10)
    assert slid["foot_slip_cm_s"] == pytest.approx(10 / 59 * 30)
    assert measure(replace(truth, trans=truth.trans - (0, 0, 0.02)), body)["penetration_cm"] == pytest.approx(
        2, abs=1e-3
    )
    assert measure(replace(truth, trans=truth.trans + np.array((0, 0, 0.03))), body)["float_cm"] == pytest.approx(
        3, abs=1e-3
    )
    assert measure(replace(truth, contacts=np.zeros((60, 4))), body)["foot_slip_cm"] is None


def test_twist_and_swing_errors_are_told_apart():
    body, truth = read_body("open"), standing()
    rest = body.rest_joints(np.zeros(10))
    knee, ankle = JOINT_NAMES.index("left_knee"), JOINT_NAMES.index("left_ankle")
    axis = (rest[ankle] - rest[knee]) / np.linalg.norm(rest[ankle] - rest[knee])
    across = np.cross(axis, (0, 0, 1))
    inner = 18  # joints with a child, the root left out
    for vector, named, other in ((axis, "twist_deg", "swing_deg"), (across, "swing_deg", "twist_deg")):
        poses = truth.poses.copy()
        poses[:, 3 * knee : 3 * knee + 3] = 0.3 * vector / np.linalg.norm(vector)
        figures = measure(replace(truth, poses=poses), body, truth)
        assert figures[named] == pytest.approx(np.degrees(0.3) / inner, rel=1e-3)
        assert figures[other] == pytest.approx(0, abs=1e-3)


def test_swapped_legs_are_counted():
    truth = standing()
    joints = truth.keypoints3d.copy()
    left, right = (
        [JOINT_NAMES.index(f"{side}_{part}") for part in ("knee", "ankle", "foot")] for side in ("left", "right")
    )
    joints[10:25, left + right] = joints[10:25, right + left]
    assert measure(replace(truth, keypoints3d=joints), read_body("open"), truth)["swaps"] == 15
    assert measure(truth, read_body("open"), truth)["swaps"] == 0


def test_halved_speed_shows_in_both_ratios():
    truth = moving_take()
    slow = replace(
        truth, keypoints3d=truth.keypoints3d.mean(axis=0) + 0.5 * (truth.keypoints3d - truth.keypoints3d.mean(0))
    )
    figures = measure(slow, read_body("open"), truth)
    assert (figures["rms_speed_ratio"], figures["peak_speed_ratio"]) == pytest.approx((0.5, 0.5), rel=1e-6)


def test_a_world_with_another_heading_swaps_nothing():
    sides = np.array([name.startswith("left") - name.startswith("right") for name in JOINT_NAMES], float)
    standing = moving_take()
    truth = replace(standing, keypoints3d=standing.keypoints3d * 0.05 + sides[:, None] * (0.4, 0.0, 0.0))
    around = Rotation.from_rotvec((0, 0, np.pi)).as_matrix()
    camera = replace(CAMERA, rotation=tuple(map(tuple, around.tolist())))
    turned = replace(truth, keypoints3d=truth.keypoints3d @ around.T, camera=camera)
    assert measure(turned, read_body("open"), truth)["swaps"] == 0
