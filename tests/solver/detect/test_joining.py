"""Pieces of tracks become people again: after a gap, a glimpse, a jump, and where two cross."""

from dataclasses import replace

import numpy as np
import pytest

from solver.detect import PersonLandmarks
from solver.detect.appearance import torso_colour
from solver.detect.joining import join_pieces
from solver.detect.person_landmarks import LANDMARK_NAMES

RATE = 30.0


def stand(number: int, x: float, height: float, y: float = 200.0) -> PersonLandmarks:
    image = np.ones((33, 3), np.float32)
    image[:, 0] = x + np.linspace(-0.15, 0.15, 33) * height
    image[:, 1] = y + np.linspace(-0.5, 0.5, 33) * height
    return PersonLandmarks(number, image, np.zeros((33, 3), np.float32), 1.0)


def walk(number: int, moments: range, height: float, start: float, speed: float):
    """Sightings of somebody who is at x = start + speed * t, px."""
    return [(index, stand(number, start + speed * index / RATE, height)) for index in moments]


def joined(*pieces):
    """(first and last picture, numbers of the pieces) of each person."""
    by_number = {piece[0][1].person: piece for piece in pieces}
    last = max(piece[-1][0] for piece in pieces)
    people = join_pieces(by_number, np.arange(last + 1) / RATE)
    return [(person[0][0], person[-1][0], tuple(dict.fromkeys(seen.person for _, seen in person))) for person in people]


def test_nobody_is_nobody():
    assert join_pieces({}, np.arange(3) / RATE) == []


def test_who_comes_back_where_they_would_be_is_the_same():
    assert joined(walk(1, range(40), 180, 100, 90), walk(2, range(70, 110), 180, 100, 90)) == [(0, 109, (1, 2))]


def test_who_comes_back_too_late_too_far_or_of_another_size_is_somebody_else():
    before = walk(1, range(40), 180, 100, 90)
    assert len(joined(before, walk(2, range(120, 150), 180, 100, 90))) == 2
    assert len(joined(before, walk(2, range(60, 100), 180, 900, 90))) == 2
    assert len(joined(before, walk(2, range(60, 100), 50, 100, 90))) == 2


def test_two_who_cross_keep_their_ways_when_the_tracker_goes_on_with_the_wrong_one():
    far, near = walk(1, range(50), 135, 500, -90), walk(2, range(50), 200, 200, 90)
    survivor = walk(3, range(50, 150), 200, 200, 90)  # the near one, under a new number
    again = walk(4, range(80, 150), 135, 500, -90)
    people = joined(far, near, survivor, again)
    assert sorted(numbers for _, _, numbers in people) == [(1, 4), (2, 3)]


def test_the_end_of_a_piece_beside_somebody_is_not_trusted():
    """In its last moments the far one's track lies on the near one already."""
    far, near = walk(1, range(50), 135, 500, -90), walk(2, range(50), 200, 200, 90)
    far[-4:] = [(index, stand(1, 200 + 90 * index / RATE, 200)) for index in range(46, 50)]
    people = join_pieces({1: far, 2: near}, np.arange(50) / RATE)
    own = next(person for person in people if person[0][1].person == 1)
    assert own[-1][0] <= 45


def test_a_glimpse_joins_nothing():
    people = joined(
        walk(1, range(40), 180, 100, 90), walk(2, range(41, 44), 90, 260, -300), walk(3, range(46, 90), 180, 100, 90)
    )
    assert people == [(0, 89, (1, 3))]


def test_a_jump_from_a_roof_is_one_person():
    still = [(index, stand(1, 400, 200, 150)) for index in range(40)]
    fall = 150 + 0.5 * 1800 * (np.arange(12) / RATE) ** 2
    below = [(52 + index, stand(2, 480, 170, float(fall[-1]) + 20)) for index in range(40)]
    assert joined(still, below) == [(0, 91, (1, 2))]


def test_two_who_turn_back_where_they_meet_are_told_apart_by_their_clothes():
    """By place and velocity alone it looks as if they had crossed."""
    red, blue = np.array((0.7, 0.1, 0.1)), np.array((0.1, 0.2, 0.7))

    def dressed(piece, colour):
        return [(index, replace(person, colour=colour)) for index, person in piece]

    left, right = walk(1, range(50), 180, 100, 90), walk(2, range(50), 180, 500, -90)
    left_again, right_again = walk(3, range(70, 120), 180, 500, -90), walk(4, range(70, 120), 180, 100, 90)
    plain = joined(left, right, left_again, right_again)
    assert sorted(numbers for _, _, numbers in plain) == [(1, 4), (2, 3)]
    told = joined(dressed(left, red), dressed(right, blue), dressed(left_again, red), dressed(right_again, blue))
    assert sorted(numbers for _, _, numbers in told) == [(1, 3), (2, 4)]


def test_a_track_that_began_on_another_gives_its_beginning_up():
    red, blue = np.array((0.7, 0.1, 0.1)), np.array((0.1, 0.2, 0.7))
    piece = [
        (index, replace(person, colour=red if index < 8 else blue))
        for index, person in walk(1, range(60), 180, 100, 90)
    ]
    (alone,) = join_pieces({1: piece}, np.arange(60) / RATE)
    assert alone[0][0] == 0, "light may change; nobody else has that colour"
    other = [(index, replace(person, colour=red)) for index, person in walk(2, range(60), 180, 600, -90)]
    own = next(person for person in join_pieces({1: piece, 2: other}, np.arange(60) / RATE) if person[0][1].person == 1)
    assert own[0][0] == 8 and own[-1][0] == 59


def test_an_arm_before_the_trunk_is_no_other_person():
    red, white, skin = (np.array(rgb) for rgb in ((0.6, 0.2, 0.2), (0.65, 0.65, 0.65), (0.7, 0.55, 0.5)))
    piece = [
        (index, replace(person, colour=skin if index in (50, 51) else red))
        for index, person in walk(1, range(60), 180, 100, 90)
    ]
    other = [(index, replace(person, colour=white)) for index, person in walk(2, range(60), 180, 900, -90)]
    own = next(person for person in join_pieces({1: piece, 2: other}, np.arange(60) / RATE) if person[0][1].person == 1)
    assert own[-1][0] == 59


def test_who_crosses_in_other_clothes_is_believed_to_the_end():
    red, white = np.array((0.6, 0.2, 0.2)), np.array((0.65, 0.65, 0.65))
    first = [(index, replace(person, colour=red)) for index, person in walk(1, range(50), 180, 100, 90)]
    second = [(index, replace(person, colour=white)) for index, person in walk(2, range(60), 180, 330, -90)]
    people = join_pieces({1: first, 2: second}, np.arange(60) / RATE)
    assert {person[0][1].person: person[-1][0] for person in people} == {1: 49, 2: 59}


def test_colour_is_that_of_the_torso():
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[60:140, 80:120] = (200, 100, 50)
    image = np.ones((33, 3), np.float32)
    for name, place in (
        ("left_shoulder", (118, 62)),
        ("right_shoulder", (82, 62)),
        ("left_hip", (114, 138)),
        ("right_hip", (86, 138)),
    ):
        image[LANDMARK_NAMES.index(name), :2] = place
    assert torso_colour(rgb, image) * 255 == pytest.approx((200, 100, 50))
    assert np.isnan(torso_colour(rgb, image + np.array((1000, 0, 0)))).all()
