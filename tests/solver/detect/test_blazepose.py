"""The detector's geometry piece by piece, and the whole on real people."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from solver.detect import LANDMARK_NAMES, BlazePose, gather_observations
from solver.detect.networks import (
    DetectionNetwork,
    anchor_centers,
    decode_boxes,
    merge_overlapping,
    refine_by_heatmap,
    squares,
)
from solver.detect.region import Region
from solver.video import Frame, probe_video, read_frames
from tests.shared_data import shared

AT = {name: index for index, name in enumerate(LANDMARK_NAMES)}


def test_anchors_fill_the_three_grids():
    anchors = anchor_centers()
    assert anchors.shape == (2254, 2)
    np.testing.assert_allclose(anchors[0], (0.5 / 28, 0.5 / 28))
    np.testing.assert_allclose(anchors[2], (1.5 / 28, 0.5 / 28))  # two anchors a cell, x first
    np.testing.assert_allclose(anchors[-1], (6.5 / 7, 6.5 / 7))


def test_a_decoded_box_surrounds_its_anchor():
    raw = np.zeros((1, 12))
    raw[0, 2:4] = (112, 56)
    raw[0, 4:6] = (22.4, 0)
    box = decode_boxes(raw, np.array(((0.5, 0.5),)))[0]
    np.testing.assert_allclose(box[:4], (0.25, 0.375, 0.75, 0.625))
    np.testing.assert_allclose(box[4:8], (0.6, 0.5, 0.5, 0.5))


def test_overlapping_boxes_merge_by_score_and_others_stay():
    boxes = np.zeros((3, 12))
    boxes[:, :4] = ((0, 0, 0.4, 0.4), (0.04, 0, 0.44, 0.4), (0.6, 0.6, 0.9, 0.9))
    merged = merge_overlapping(boxes, np.array((0.6, 0.9, 0.8)))
    assert len(merged) == 2
    assert merged[0][0] == pytest.approx(0.04 * 0.9 / 1.5)
    assert merged[1][0] == pytest.approx(0.6)
    assert merge_overlapping(boxes[:0], np.zeros(0)) == []


def test_a_region_points_up_at_its_edge_and_maps_back():
    region = Region.around(np.array((100.0, 80.0)), np.array((140.0, 80.0)))  # lies on its side, head to the right
    assert region.size == pytest.approx(2 * 40 * 1.25)
    assert region.angle == pytest.approx(np.pi / 2)
    to_picture = region.to_picture(256)
    np.testing.assert_allclose(to_picture[:, :2] @ (128, 128) + to_picture[:, 2], (100, 80))
    np.testing.assert_allclose(to_picture[:, :2] @ (128, 0) + to_picture[:, 2], (150, 80))


def test_a_crop_shows_what_lies_in_the_region():
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[70:90, 130:150] = 255
    crop = Region(np.array((140.0, 80.0)), 40.0, 0.3).crop(picture, 64)
    assert crop.shape == (64, 64, 3)
    assert crop[28:36, 28:36].min() == 255
    assert crop[:4, :4].max() == 0


def test_heatmaps_refine_by_their_centre_of_mass_and_only_where_clear():
    heatmaps = np.full((64, 64, 3), -20.0)
    heatmaps[31, 33:35, 0] = 5.0
    heatmaps[10, 10, 1] = -1.0  # no peak
    heatmaps[62, 62, 2] = 5.0
    points = np.array(((0.5, 0.5), (10.2 / 64, 10.2 / 64), (1.2, 0.9)))
    refined = refine_by_heatmap(points, heatmaps)
    np.testing.assert_allclose(refined[0], (33.5 / 64, 31 / 64), atol=1e-6)
    np.testing.assert_array_equal(refined[1:], points[1:])


def test_an_empty_picture_holds_nobody():
    assert BlazePose("lite").observe(np.full((480, 640, 3), 90, np.uint8), 0.0) == []


def test_a_woman_squatting_is_one_person_whose_left_stays_left():
    clip = shared("clips/squats.mp4")
    people = gather_observations(read_frames(clip), BlazePose("heavy"), probe_video(clip).image_size)
    assert len(people) == 1
    seen = people[0]
    assert seen.seen.all()
    world = seen.landmarks3d
    # Crop axes: she faces the camera, so her left is at the picture's right in every frame.
    assert (world[:, AT["left_shoulder"], 0] > world[:, AT["right_shoulder"], 0]).all()
    assert (world[:, AT["left_knee"], 0] > world[:, AT["right_knee"], 0]).all()
    thigh = world[:, AT["left_knee"]] - world[:, AT["left_hip"]]
    assert np.linalg.norm(thigh, axis=-1).mean() == pytest.approx(0.38, abs=0.08)
    hip_height = seen.landmarks2d[:, AT["left_hip"], 1]
    assert np.ptp(hip_height) > 150  # px of 1280: she does squat


def test_who_is_hidden_for_a_moment_is_found_again_soon_and_is_the_same_person():
    frame = next(iter(read_frames(shared("clips/squats.mp4")))).rgb
    both = np.concatenate((frame, frame), axis=1)
    hidden = np.concatenate((frame, np.full_like(frame, 120)), axis=1)
    pictures = [Frame(index / 30, hidden if 10 <= index < 16 else both) for index in range(40)]
    people = gather_observations(pictures, BlazePose("lite"), (both.shape[1], both.shape[0]))
    assert [person.person for person in people] == [1, 2]
    left, right = sorted(people, key=lambda person: person.landmarks2d[0, 0, 0])
    assert left.seen.all()
    assert right.seen[:10].all() and not right.seen[11:16].any()
    assert right.seen[24:].all()  # within half a second of the loss


def test_the_picture_is_covered_by_squares_that_overlap():
    assert squares(640, 360, 1) == [(0, -140, 640)]
    for width, height in ((640, 360), (360, 640), (1000, 1000)):
        side = max(width, height) / 2
        small = squares(width, height, 2)[1:]
        assert {size for _, _, size in small} == {side}
        for x, y in ((1, 1), (width - 1, height - 1), (width / 2, height / 2), (1, height - 1)):
            assert any(left <= x <= left + side and top <= y <= top + side for left, top, _ in small)
        # Whoever is half a square wide or less is whole in one of them.
        starts = sorted({left for left, _, _ in small})
        assert all(later - earlier <= side / 2 + 1e-9 for earlier, later in pairwise(starts))


def test_somebody_small_is_found():
    frame = next(iter(read_frames(shared("clips/squats.mp4")))).rgb
    far = np.full((720, 1280, 3), 110, np.uint8)
    small = cv2.resize(frame, (135, 240), interpolation=cv2.INTER_AREA)
    far[300:540, 900:1035] = small
    assert len(BlazePose("lite").observe(far, 0.0)) == 1
    assert DetectionNetwork(1).find(far, 4, zoom=1) == []


def test_two_people_are_told_apart():
    clip = shared("clips/two_people.mp4")
    people = gather_observations(read_frames(clip), BlazePose("lite"), probe_video(clip).image_size)
    assert len(people) == 2
    first, second = people[:2]
    both = first.seen & second.seen
    assert both.sum() > 30
    apart = first.landmarks2d[both][:, AT["left_hip"], :2] - second.landmarks2d[both][:, AT["left_hip"], :2]
    assert np.hypot(*apart.T).min() > 100
    # The man on the roof jumps off it and walks away; the woman walks past below.
    man, woman = sorted(people, key=lambda person: int(np.flatnonzero(person.seen)[0]))
    assert man.seen[:100].all() and man.seen[200:220].all()
    assert man.landmarks2d[50, AT["left_hip"], 1] < 400 < man.landmarks2d[210, AT["left_hip"], 1]
    steps = np.diff(woman.landmarks2d[woman.seen][:, AT["left_hip"], 0])
    assert steps.mean() < -5 and woman.seen.sum() > 140
