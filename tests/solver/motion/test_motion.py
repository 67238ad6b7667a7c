"""Camera, floor, contacts and smoothing against motion that is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from solver.detect import Observations
from solver.motion.camera import intrinsics, level_by, locate, put_on_rays, view_rotations
from solver.motion.contacts import (
    FOOT_POINTS,
    beside_contacts,
    contact_probability,
    contacts_in_sight,
    in_line_with_contacts,
    step_haste,
)
from solver.motion.smoothing import bridge_rotations, fill_gaps, low_pass
from solver.motion.world import LEVEL, place_in_world, place_on_floor

RATE = 30.0


def seen_from_level_camera(pelvis: np.ndarray, points: np.ndarray) -> np.ndarray:
    body = points + pelvis[:, None]
    pixels = body[..., :2] / body[..., 2:] * 1500 + (640, 360)
    return np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], -1)


def body_points(count: int) -> tuple[np.ndarray, np.ndarray]:
    """33 points and two soles, 0.9 m under the pelvis, of a stiff body."""
    points = np.random.default_rng(1).normal(0, (0.2, 0.4, 0.1), (33, 3))
    soles = np.array([(0.1, 0.9, 0.0), (-0.1, 0.9, 0.1)])
    return np.broadcast_to(points, (count, 33, 3)), np.broadcast_to(soles, (count, 2, 3))


def test_locate_finds_a_body_that_was_projected():
    points, soles = body_points(90)
    truth = np.stack([np.linspace(-1, 1, 90), np.full(90, 0.2), np.linspace(5, 4, 90)], -1)
    landmarks = seen_from_level_camera(truth, points)
    found = locate(points, soles, landmarks, intrinsics((1280, 720), 1500.0), RATE)
    assert found.floor == pytest.approx(1.1, abs=1e-3)
    assert np.abs(found.pelvis - truth)[5:-5].max() < 0.005
    assert np.abs(found.pelvis - truth).max() < 0.03


def test_a_camera_that_looks_down_and_leans_sees_a_level_floor_once_its_tilt_is_known():
    points, soles = body_points(90)
    truth = np.stack([np.linspace(-1, 1, 90), np.full(90, 0.2), np.linspace(6, 4, 90)], -1)
    sway = Rotation.from_euler("xyz", np.linspace((14, 0, 5), (18, 3, 2), 90), degrees=True).as_matrix()
    inside = np.einsum("tji,tkj->tki", sway, points + truth[:, None])  # level camera axes into the picture's
    pixels = inside[..., :2] / inside[..., 2:] * 1500 + (640, 360)
    landmarks = np.concatenate([pixels, np.ones((90, 33, 1))], -1)
    blind = intrinsics((1280, 720), 1500.0)
    knowing = replace(blind, level=sway)
    found = locate(points, soles, landmarks, knowing, RATE)
    assert found.floor == pytest.approx(1.1, abs=1e-3)
    assert np.abs(found.pelvis - truth)[5:-5].max() < 0.005
    up = sway[0].T @ (0.0, -1.0, 0.0)
    np.testing.assert_allclose(level_by(2 * up) @ up, (0, -1, 0), atol=1e-12)
    assert abs(locate(points, soles, landmarks, blind, RATE).floor - 1.1) > 0.2


def test_the_floor_holds_the_feet_against_a_wrong_apparent_size():
    points, soles = body_points(90)
    truth = np.broadcast_to((0.0, 0.2, 4.0), (90, 3))
    landmarks = seen_from_level_camera(truth, points)
    swelling = (1 + 0.05 * np.sin(np.arange(90) / 10))[:, None, None]  # as if the person were 5 % larger or smaller
    found = locate(points * swelling, soles * swelling, landmarks, intrinsics((1280, 720), 1500.0), RATE)
    lowest = (found.pelvis[:, None] + soles * swelling)[..., 1].max(axis=1)
    assert np.abs(lowest - found.floor).max() < 0.02


def test_landmarks_move_sideways_onto_their_rays():
    points, _ = body_points(60)
    truth = np.broadcast_to((0.3, 0.2, 4.0), (60, 3))
    landmarks = seen_from_level_camera(truth, points)
    landmarks[:, 5, 2] = 0.0  # not seen
    blurred = points + np.random.default_rng(3).normal(0, (0.03, 0.03, 0.0), points.shape)
    found = put_on_rays(blurred, landmarks, intrinsics((1280, 720), 1500.0), RATE)
    seen = [index for index in range(33) if index != 5 and index not in FOOT_POINTS]
    offset = (found - points)[:, seen]
    assert np.linalg.norm(offset - offset.mean(axis=1, keepdims=True), axis=-1).mean() < 0.01
    np.testing.assert_array_equal(found[:, 5], blurred[:, 5])
    np.testing.assert_allclose(found[:, seen, 2], blurred[:, seen, 2], atol=1e-9)


def test_feet_that_are_seen_too_short_take_their_depth_from_the_floor():
    points, _ = (values.copy() for values in body_points(30))
    heel, toe = FOOT_POINTS[0], FOOT_POINTS[1]
    points[:, FOOT_POINTS, :] = ((0.1, 0.883, 0.05), (0.1, 0.9, -0.15), (-0.1, 0.883, 0.05), (-0.1, 0.9, -0.15))
    landmarks = seen_from_level_camera(np.broadcast_to((0.0, 0.2, 4.0), (30, 3)), points)
    short = points.copy()
    short[:, FOOT_POINTS[1::2], 2] = -0.05  # toes half as far in front as they are
    found = put_on_rays(short, landmarks, intrinsics((1280, 720), 1500.0), RATE)
    direction = (found[:, toe] - found[:, heel]).mean(axis=0)
    assert direction[2] < -0.15  # seen: 0.1, true: 0.2
    assert np.degrees(np.arctan2(direction[1], -direction[2])) < 12  # true: 5


def test_a_jump_stays_a_jump():
    times = np.arange(120) / RATE
    rise = np.where(np.abs(times - 2) < 0.25, 0.4 * (1 - ((times - 2) / 0.25) ** 2), 0)
    points, soles = body_points(120)
    truth = np.stack([0 * times, 0.2 - rise, 4 + 0 * times], -1)
    found = locate(points, soles, seen_from_level_camera(truth, points), intrinsics((1280, 720), 1500.0), RATE)
    height = found.floor - (found.pelvis[:, 1] + 0.9)
    assert height.max() == pytest.approx(0.4, abs=0.05)
    assert np.abs(height[np.abs(times - 2) > 0.4]).max() < 0.02


def test_the_view_turns_the_crop_towards_the_person():
    camera = intrinsics((1000, 1000), 1000.0)
    landmarks = np.ones((1, 33, 3)) * (1000, 500, 1)
    view = view_rotations(landmarks, camera)[0]
    expected = Rotation.from_euler("y", np.arctan2(500, 1000)).as_matrix()
    np.testing.assert_allclose(view, expected, atol=1e-9)


def test_the_person_starts_at_the_origin_facing_minus_y_on_the_floor():
    # In camera axes: upright (y down), walking away from the camera to the right, facing the camera's right.
    facing = np.diag((1.0, -1.0, -1.0)) @ Rotation.from_euler("y", 90, degrees=True).as_matrix()
    pelvis = np.stack([np.linspace(0, 2, 60), np.full(60, 0.1), np.linspace(4, 5, 60)], -1)
    placement = place_in_world(pelvis, np.broadcast_to(facing, (15, 3, 3)), 1.05)
    world = placement.move(pelvis)
    np.testing.assert_allclose(placement.rotation @ facing[:, 2], (0, -1, 0), atol=1e-9)
    np.testing.assert_allclose(world[:15].mean(axis=0)[:2], 0, atol=1e-9)
    np.testing.assert_allclose(world[:, 2], 0.95, atol=1e-9)
    np.testing.assert_allclose(placement.rotation @ (0, -1, 0), (0, 0, 1), atol=1e-12)
    assert np.linalg.det(LEVEL) == pytest.approx(1)


def test_people_of_a_clip_share_its_world_and_stand_on_its_floor_unless_on_a_roof():
    facing = np.broadcast_to(np.diag((1.0, -1.0, -1.0)), (15, 3, 3))
    clip = place_in_world(np.tile((1.0, 0.1, 4.0), (60, 1)), facing, 1.05)
    beside = place_on_floor(clip, 1.15)  # 10 cm of error in their floor
    np.testing.assert_allclose(beside.move(np.array((3.0, 1.15, 4.0))), (2, 0, 0), atol=1e-9)
    on_a_roof = place_on_floor(clip, -1.95)
    np.testing.assert_allclose(on_a_roof.move(np.array((3.0, -1.95, 4.0))), (2, 0, 3), atol=1e-9)


def test_contacts_are_low_and_slow():
    rate, times = 30.0, np.arange(90) / 30
    feet = np.zeros((90, 4, 3))
    feet[:, 1, 0] = times * 1.5  # slides fast
    feet[:, 2, 2] = 0.3  # hangs in the air
    probability = contact_probability(feet, rate)
    assert probability[:, 0].min() > 0.9
    assert probability[:, 1:3].max() < 0.05
    assert contact_probability(feet[:1], rate).shape == (1, 4)


def test_a_foot_at_rest_is_on_the_floor_from_higher_up_than_one_that_moves():
    feet = np.zeros((60, 4, 3))
    feet[..., 2] = (0.09, 0.09, 0.05, 0.18)
    feet[:, 1:3, 0] = 0.3 * np.arange(60)[:, None] / RATE  # m/s
    rests, moves, low, high = contact_probability(feet, RATE).mean(axis=0)
    assert rests > 0.7
    assert moves < 0.25
    assert low > 0.5
    assert high < 0.1


@pytest.mark.parametrize(
    ("height", "step", "before", "belongs"),
    [
        (0.0, 0.08, 0.25, True),
        (0.02, 0.08, 0.25, False),
        (0.0, 0.02, 0.25, False),
        (0.0, 0.2, 0.25, False),
        (0.0, 0.08, 0.08, False),
    ],
    ids=["slides fast", "is lifted", "slides slowly", "flies", "a walker's"],
)
def test_a_fast_slide_beside_a_contact_belongs_to_it(height: float, step: float, before: float, belongs: bool):
    """Metres in each moment: `step` in the last one before a foot stands, `before` in the others."""
    ways = np.array([before] * 14 + [step] + [0.0] * 14)
    feet = np.zeros((30, 4, 3))
    feet[:, :, 0] = np.concatenate(([0.0], np.cumsum(ways)))[:, None]
    feet[:15, :, 2] = height
    planted = (np.arange(30) >= 15)[:, None] * np.ones(4)
    beside = beside_contacts(feet, planted, RATE)
    assert (beside[14] > 0.5).all() == belongs
    assert beside[:14].max() < 1e-6
    assert beside[15:].max() < 1e-3  # a point that stands needs no such excuse


@pytest.mark.parametrize("rate", [24.0, 30.0, 60.0])
@pytest.mark.parametrize(
    ("velocity", "seconds", "other_speed", "stays"),
    [
        ((0.0, 0.0, 1.2), 0.2, 9.0, True),
        ((0.0, 0.0, -1.2), 0.2, 9.0, True),
        ((0.8, 0.0, 1.2), 0.2, 9.0, False),
        ((0.0, -0.8, 0.2), 0.2, 9.0, False),
        ((0.0, 0.0, -8.0), 0.2, 9.0, False),
        ((0.0, 0.0, 1.2), 0.05, 9.0, False),
        ((0.0, 0.0, 1.2), 0.2, 1.5, False),
    ],
    ids=[
        "goes away",
        "comes",
        "goes aside too",
        "heel rolls",
        "swings towards the camera",
        "leaves soon",
        "a walker's",
    ],
)
def test_a_foot_in_line_with_where_it_stood_stands_there(
    velocity: tuple[float, float, float], seconds: float, other_speed: float, stays: bool, rate: float
):
    """A foot stands for a second and then moves, m/s, z being along the line of sight; the other one is fast or not."""
    times = np.arange(round(2 * rate)) / rate
    last, end = round(rate) - 1, round((1 + seconds) * rate)
    stood = np.array((0.5, 1.2, 5.0))
    line = stood / np.linalg.norm(stood)
    side = np.array((line[2], 0.0, -line[0])) / np.hypot(line[0], line[2])
    gone = np.clip(times - times[last], 0, times[end - 1] - times[last])[:, None]
    left = (np.arange(len(times)) >= end)[:, None] * np.array((0.15, 0.0, 0.0))  # in the picture, and at once
    way = velocity[0] * side + velocity[1] * np.array((0.0, 1.0, 0.0)) + velocity[2] * line
    feet = np.empty((len(times), 4, 3))
    feet[:, :2] = (stood + gone * way + left)[:, None]
    feet[:, 2:] = np.array((-0.5, 1.2, 5.0)) + (other_speed * times)[:, None, None] * np.array((1.0, 0.0, 0.0))
    planted = np.zeros((len(times), 4))
    planted[: last + 1, :2] = 1.0
    hips, reach = feet[:, [0]].repeat(4, 1), np.full(4, 0.9)
    after = in_line_with_contacts(feet, planted, hips, reach, rate)
    before = in_line_with_contacts(feet[::-1], planted[::-1], hips[::-1], reach, rate)[::-1]
    np.testing.assert_allclose(after, before, atol=1e-9)
    moved = after[last + 1 : end, :2]
    assert moved.min() > 0.9 if stays else moved.max() == 0.0
    assert after[:, 2:].max() == after[: last + 1].max() == after[end:].max() == 0.0


@pytest.mark.parametrize(("speed", "stays"), [(0.5, True), (6.0, False)], ids=["stands over it", "runs on"])
def test_a_foot_that_its_leg_cannot_reach_any_more_does_not_stand_there(speed: float, stays: bool):
    """A foot goes along the line of sight for 0.2 s after a contact; the hips go sideways."""
    stood = np.array((0.0, 0.9, 5.0))
    feet = np.tile(stood, (40, 4, 1))
    feet[20:26, :2] += stood / np.linalg.norm(stood) * (np.arange(1, 7) * 0.05)[:, None, None]
    feet[26:, :2, 0] += 1.0
    feet[:, 2:, 0] += 9.0 * np.arange(40)[:, None] / RATE  # the other foot is fast
    hips = np.tile(stood - (0.0, 0.85, 0.0), (40, 4, 1))
    hips[20:, :, 0] += speed * np.arange(20)[:, None] / RATE
    planted = np.zeros((40, 4))
    planted[:20, :2] = 1.0
    held = in_line_with_contacts(feet, planted, hips, np.full(4, 0.9), RATE)[20:26, :2]
    assert held.min() > 0.9 if stays else held[3:].max() == 0.0


@pytest.mark.parametrize(("again", "goes_on"), [(1.02, True), (1.05, False)], ids=["same place", "a step further"])
def test_a_contact_lost_for_a_moment_in_the_line_of_sight_goes_on(again: float, goes_on: bool):
    feet = np.tile((0.5, 1.2, 5.0), (40, 4, 1))
    feet[20] *= 1.01
    feet[21:] *= again
    planted = np.repeat(((np.arange(40) != 20) * 1.0)[:, None], 4, axis=1)
    lost = in_line_with_contacts(feet, planted, feet, np.full(4, 0.9), RATE)
    assert lost[20].min() > 0.9 if goes_on else lost[20].max() == 0.0
    assert np.delete(lost, 20, axis=0).max() == 0.0


def test_feet_at_the_camera_and_behind_it_have_chances_too():
    feet = np.zeros((40, 4, 3))
    feet[:, 1] = (0.0, 0.0, -1.0)
    feet[20:, 2:, 0] = 9.0 * np.arange(20)[:, None] / RATE
    planted = np.zeros((40, 4))
    planted[:20] = 1.0
    assert np.isfinite(in_line_with_contacts(feet, planted, feet, np.full(4, 0.9), RATE)).all()
    for few in range(4):
        assert in_line_with_contacts(feet[:few], planted[:few], feet[:few], np.full(4, 0.9), RATE).shape == (few, 4)


def test_out_of_sight_only_those_stand_who_stood_before_and_stand_after_in_one_place():
    planted, seen = np.full((40, 4), 0.9), np.ones(40, bool)
    seen[10:20] = seen[35:] = False
    planted[12, 1] = planted[20:, 2] = 0.1  # one steps in between, one is gone when seen again
    feet = np.zeros((40, 4, 3))
    feet[:, 3, 0] = np.linspace(0, 0.3, 40).clip(0.07, 0.16)  # glides by 9 cm
    feet[:, 0, 0] = 2.0 * feet[:, 3, 0]
    kept = contacts_in_sight(feet, planted, seen)
    np.testing.assert_array_equal(kept[seen], planted[seen])
    np.testing.assert_array_equal(kept[10:20, 3], planted[10:20, 3])
    assert kept[10:20, :3].max() == kept[35:].max() == 0.0


def test_walkers_step_calmly_and_runners_fast():
    times = np.arange(90) / RATE
    for fastest, haste in ((3.5, 0.0), (5.0, 0.5), (8.0, 1.0)):
        feet = np.zeros((90, 4, 3))
        feet[..., 0] = (fastest / (2 * np.pi) * np.sin(2 * np.pi * times))[:, None]  # a step a second
        assert step_haste(feet, RATE)[20:70] == pytest.approx(haste, abs=0.05)
    assert step_haste(feet[:1], RATE).tolist() == [0.0]


def test_low_pass_keeps_motion_kills_jitter_and_leaves_slow_video_alone():
    rate, times = 60.0, np.arange(240) / 60
    motion, jitter = np.sin(2 * np.pi * times), 0.1 * np.sin(2 * np.pi * 25 * times)
    smooth = low_pass((motion + jitter)[:, None], rate, 6.0)[:, 0]
    assert np.abs(smooth - motion)[20:-20].max() < 0.01
    slow = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_array_equal(low_pass(slow, 5.0, 6.0), slow)


def test_gaps_are_bridged_with_no_confidence():
    landmarks2d, landmarks3d = np.ones((5, 33, 3)), np.zeros((5, 33, 3))
    landmarks3d[:, :, 0] = np.array((0, 9, 9, 9, 4))[:, None]
    seen = np.array((True, False, False, False, True))
    filled = fill_gaps(Observations(1, np.arange(5.0), landmarks2d, landmarks3d, seen, (10, 10)))
    np.testing.assert_allclose(filled.landmarks3d[:, 7, 0], (0, 1, 2, 3, 4))
    np.testing.assert_array_equal(filled.landmarks2d[:, 0, 2], (1, 0, 0, 0, 1))


def test_rotations_of_unseen_moments_turn_evenly_between_the_seen_ones():
    angles = np.array((0.0, 0.3, 9.0, 9.0, 9.0, 1.5, 1.4, 9.0))
    turns = Rotation.from_rotvec(angles[:, None] * (0.6, 0.0, 0.8)).as_matrix()[:, None].repeat(2, axis=1)
    seen = angles < 9
    bridged = Rotation.from_matrix(bridge_rotations(turns, seen).reshape(-1, 3, 3)).as_rotvec()
    found = bridged.reshape(8, 2, 3) @ (0.6, 0.0, 0.8)
    assert found == pytest.approx(np.array((0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.4, 1.4))[:, None].repeat(2, axis=1))
    assert bridge_rotations(turns, np.ones(8, bool)) is turns


def test_who_is_out_of_sight_is_between_where_they_were_seen():
    points, soles = body_points(90)
    truth = np.stack([np.linspace(-1, 1, 90), np.full(90, 0.2), np.linspace(5, 4, 90)], -1)
    hidden = seen_from_level_camera(truth, points)
    hidden[40:60, :, :2] = hidden[39, :, :2]
    hidden[40:60, :, 2] = 0.0
    found = locate(points, soles, hidden, intrinsics((1280, 720), 1500.0), RATE).pelvis
    assert np.abs(found - truth).max() < 0.05


def test_who_jumps_off_a_roof_lands_below_it():
    points, soles = body_points(90)
    truth = np.stack([np.linspace(-1, 1, 90), np.full(90, 0.2), np.full(90, 7.0)], -1)
    truth[60:, 1] += 1.9
    found = locate(points, soles, seen_from_level_camera(truth, points), intrinsics((1280, 720), 1500.0), RATE)
    assert found.floor == pytest.approx(1.1, abs=1e-2)
    assert np.abs(found.pelvis - truth)[[*range(55), *range(65, 90)]].max() < 0.15


def test_feet_far_under_the_floor_stand_on_another():
    feet = np.zeros((20, 4, 3))
    feet[:, :2, 2] = -1.5
    probability = contact_probability(feet, RATE)
    assert probability[:, :2].max() < 0.01
    assert probability[:, 2:].min() > 0.9
