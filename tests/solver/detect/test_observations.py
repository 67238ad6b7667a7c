"""Gathering people over a clip and resampling them in time."""

import numpy as np
import pytest

from solver.detect import (
    LANDMARK_NAMES,
    Observations,
    PersonLandmarks,
    choose_person,
    gather_observations,
    resample_observations,
)
from solver.errors import NoPersonFound
from solver.video import Frame


class Script:
    """A detector that sees whom the script says, each person at a height of their own."""

    def __init__(self, people_at: list[list[int]]) -> None:
        self._people_at = iter(people_at)

    def observe(self, rgb, time_s):
        def stand(person: int) -> PersonLandmarks:
            image = np.ones((33, 3)) * time_s
            image[:, 0] = 300 * person
            image[:, 1] = np.linspace(0, 100 / person, 33)
            return PersonLandmarks(person, image, np.zeros((33, 3)), 1.0)

        return [stand(person) for person in next(self._people_at)]


def frames(count: int, rate: float = 10.0) -> list[Frame]:
    return [Frame(index / rate, np.zeros((4, 4, 3), np.uint8)) for index in range(count)]


def test_the_most_prominent_person_comes_first_and_passers_by_are_dropped():
    script = [[2] if index < 5 else [2, 1] for index in range(40)]
    script[7].append(3)  # for a tenth of a second
    people = gather_observations(frames(40), Script(script), (100, 100))
    assert [person.person for person in people] == [1, 2]
    assert people[0].seen.sum() == 35
    assert not people[0].seen[:5].any()
    assert people[0].times.shape == (40,)


def test_nobody_and_no_frames_give_no_one():
    assert gather_observations(frames(10), Script([[]] * 10), (100, 100)) == []
    assert gather_observations([], Script([]), (100, 100)) == []


def test_every_frame_is_reported():
    told: list[tuple[int, float, int]] = []
    gather_observations(
        frames(3), Script([[], [1], [1]]), (9, 9), lambda i, t, people: told.append((i, t, len(people)))
    )
    assert told == [(0, 0.0, 0), (1, 0.1, 1), (2, 0.2, 1)]


def observed(times: list[float]) -> Observations:
    moments = np.array(times)
    values = np.broadcast_to(moments[:, None, None], (len(times), 33, 3)).astype(np.float32)
    return Observations(1, moments, values, 2 * values, np.ones(len(times), bool), (9, 9))


def test_resampling_is_linear_and_exact_where_moments_coincide():
    source = observed([0.0, 0.1, 0.25, 0.3])
    result = resample_observations(source, np.array((0.0, 0.05, 0.1, 0.2, 0.3)))
    np.testing.assert_allclose(result.landmarks2d[:, 4, 1], (0, 0.05, 0.1, 0.2, 0.3), atol=1e-6)
    np.testing.assert_allclose(result.landmarks3d[:, 4, 1], (0, 0.1, 0.2, 0.4, 0.6), atol=1e-6)
    np.testing.assert_array_equal(result.landmarks2d[2], source.landmarks2d[1])
    assert result.seen.all()


def test_long_gaps_and_moments_outside_are_not_seen():
    result = resample_observations(observed([0.0, 0.1, 1.0, 1.1]), np.array((-0.2, 0.05, 0.5, 1.05, 2.0)))
    np.testing.assert_array_equal(result.seen, (False, True, False, True, False))
    assert result.landmarks2d[2].max() == 0


def test_five_hertz_video_stays_seen():
    source = observed(list(np.arange(20) / 5))
    assert resample_observations(source, np.arange(20) / 5 + 2e-4).seen.all()


def test_there_are_33_landmarks():
    assert len(LANDMARK_NAMES) == len(set(LANDMARK_NAMES)) == 33
    assert LANDMARK_NAMES.index("left_hip") == 23


def test_resampling_somebody_who_was_never_seen_gives_nothing():
    source = observed([0.0, 0.1])
    absent = Observations(1, source.times, source.landmarks2d, source.landmarks3d, np.zeros(2, bool), (9, 9))
    assert not resample_observations(absent, np.array((0.0, 0.1))).seen.any()
    assert pytest.approx(0) == resample_observations(absent, np.array((0.0,))).landmarks2d.max()


def test_the_person_in_a_box_is_chosen():
    people = gather_observations(frames(40), Script([[2] if index < 20 else [2, 1] for index in range(40)]), (900, 100))
    tall, small = sorted(people, key=lambda person: -float(person.landmarks2d[30, :, 1].max()))
    for person in people:
        person.landmarks2d[..., 0] += np.linspace(-10, 10, 33)
    assert choose_person(people, (280, 0, 40, 110), 3.0) is tall
    assert choose_person(people, (590, 0, 20, 50), 3.0) is small
    for box, moment in (((280, 0, 40, 110), 1.0), ((0, 0, 20, 20), 3.0), ((280, 0, 40, 110), 99.0)):
        with pytest.raises(NoPersonFound, match="Nobody was found at"):
            choose_person(people, box, moment)
    with pytest.raises(NoPersonFound):
        choose_person([], (0, 0, 10, 10), 0.0)
