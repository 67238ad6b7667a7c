"""Upright edges tell pitch and roll, and how well; clutter tells nothing."""

import cv2
import numpy as np
import pytest

from solver.detect import Observations
from solver.motion.background import CameraTurns
from solver.motion.camera import intrinsics, level_by
from solver.motion.segments import Segments, SegmentWatcher
from solver.motion.verticals import find_upright as find_upright_by
from solver.video import Frame

SIZE = (1280, 720)
CAMERA = intrinsics(SIZE, 1400.0)
END_SIGMA = 0.4 / CAMERA.focal_px
TOLD_SIGMA = np.radians((5.0, 3.0))


def find_upright(told, segments):
    return find_upright_by(told, segments, 0.0)


def up_of(pitch, roll):
    """Up in the axes of a camera that looks up by `pitch` and leans so that up goes to the right by `roll`, degrees."""
    pitch, roll = np.radians((pitch, roll))
    return np.array((np.sin(roll), -np.cos(roll) * np.cos(pitch), np.cos(roll) * np.sin(pitch)))


def angles(up):
    return np.degrees(np.array((np.arctan2(up[2], -up[1]), np.arctan2(up[0], -up[1]))))


def sides(up):
    """(2, 3) forwards and to the right, square to up."""
    forwards = np.array((0.0, 0.0, 1.0)) - up[2] * up
    forwards /= np.linalg.norm(forwards)
    return np.stack((forwards, np.cross(forwards, up)))


def seen(edges, up, random):
    """Segments of edges (n, 2, 3), metres in world axes (right, forwards, up), as far as they are in the picture."""
    forwards, right = sides(up)
    rays: list[np.ndarray] = []
    for start, end in np.reshape(edges, (-1, 2, 3)):
        along = (start + np.linspace(0, 1, 100)[:, None] * (end - start)) @ np.stack((right, forwards, up))
        along = along[along[:, 2] > 0.2]
        marks = along[:, :2] / along[:, 2:]
        marks = marks[(np.abs(marks) < np.array(SIZE) / 2 / CAMERA.focal_px).all(axis=1)]
        if len(marks) > 1 and np.linalg.norm(marks[-1] - marks[0]) > 0.03:
            ends = marks[[0, -1]] + random.normal(0, END_SIGMA, (2, 2))
            rays.append(np.concatenate((ends, np.ones((2, 1))), axis=1))
    found = np.reshape(rays, (-1, 2, 3))
    found = found / np.linalg.norm(found, axis=2, keepdims=True)
    return Segments(found[:, 0], found[:, 1], END_SIGMA)


def together(*parts):
    return Segments(
        np.concatenate([part.starts for part in parts]), np.concatenate([part.ends for part in parts]), END_SIGMA
    )


def poles(random, count, lean=0.5, width=0.4):
    """(count, 2, 3) edges that are upright but for `lean` degrees; `width` of their depth, to both sides."""
    away = random.uniform(2.5, 9, count)
    start = np.stack((random.uniform(-width, width, count) * away, away, random.uniform(-1.5, 0.5, count)), axis=1)
    rise = np.concatenate((random.normal(0, np.radians(lean), (count, 2)), np.ones((count, 1))), axis=1)
    return np.stack((start, start + rise * random.uniform(0.5, 2.0, (count, 1))), axis=1)


def planks(random, count):
    """Edges on the floor, all in one direction away from the camera."""
    aside = random.uniform(-0.5, 0.5)
    start = np.stack((random.uniform(-3, 3, count), random.uniform(1, 4, count), np.full(count, -1.5)), axis=1)
    run = np.array((np.sin(aside), np.cos(aside), 0)) * random.uniform(0.5, 3, (count, 1))
    return np.stack((start, start + run), axis=1)


def rail(random, count):
    """Parallel bars at one place, that lean by up to 30 degrees."""
    lean, way = np.radians(random.uniform(0, 30)), random.uniform(0, 2 * np.pi)
    along = np.array((np.sin(lean) * np.cos(way), np.sin(lean) * np.sin(way), np.cos(lean)))
    start = np.array((random.uniform(-1.5, 1.5), 5, 0)) + random.uniform(-1, 1, (count, 3)) * (1, 0, 0.7)
    return np.stack((start, start + along * random.uniform(0.5, 2, (count, 1))), axis=1)


def scraps(random, count):
    """Short segments anywhere, any way."""
    middle = random.uniform(-0.5, 0.5, (count, 2)) * SIZE / CAMERA.focal_px
    way, half = random.uniform(0, np.pi, count), (0.03 + random.exponential(0.04, count)) / 2
    aside = half[:, None] * np.stack((np.sin(way), np.cos(way)), axis=1)
    ends = [np.concatenate((middle + sign * aside, np.ones((count, 1))), axis=1) for sign in (-1, 1)]
    starts, ends = (end / np.linalg.norm(end, axis=1, keepdims=True) for end in ends)
    return Segments(starts, ends, END_SIGMA)


def told_near(up, random):
    return up + sides(up).T @ random.normal(0, TOLD_SIGMA)


@pytest.mark.parametrize("pitch, roll", [(-9.0, 2.0), (4.0, -3.0), (0.0, 0.0)])
def test_poles_tell_pitch_and_roll(pitch, roll):
    random, up = np.random.default_rng(1), up_of(pitch, roll)
    clutter = together(seen(planks(random, 15), up, random), scraps(random, 30))
    found = find_upright(up_of(-2, 0), together(seen(poles(random, 16), up, random), clutter))
    off = angles(found.up) - (pitch, roll)
    assert abs(off[0]) < 1.5
    assert abs(off[1]) < 0.5


def test_without_upright_edges_all_stays_as_it_was_told():
    random, told = np.random.default_rng(2), up_of(-3, 1) * 7
    nothing = Segments(np.empty((0, 3)), np.empty((0, 3)), END_SIGMA)
    floor, two = seen(planks(random, 30), up_of(-8, 0), random), seen(poles(random, 2), up_of(-8, 0), random)
    for segments in (nothing, floor, two):
        found = find_upright(told, segments)
        assert np.array_equal(found.up, told)
        assert not found.information.any()


def test_poles_near_the_middle_tell_roll_alone():
    random, up = np.random.default_rng(3), up_of(-6, 2)
    found = find_upright(up_of(0, 0), seen(poles(random, 40, width=0.1), up, random))
    assert abs(angles(found.up)[1] - 2) < 0.5
    pitch, roll = np.diag(found.level_information(level_by(found.up)))[::-1]
    assert roll > 20 * pitch > 0


def test_one_pole_seen_a_hundred_times_is_one_pole():
    random, up = np.random.default_rng(4), up_of(-6, 2)
    pole = poles(random, 1)
    often = together(*(seen(pole, up, random) for _ in range(100)))
    assert len(often) == 100
    assert not find_upright(up_of(0, 0), often).information.any()


@pytest.mark.parametrize("clutter", [0, 30])
def test_the_sureness_is_honest(clutter):
    errors: list[np.ndarray] = []
    for seed in range(150):
        random = np.random.default_rng(seed)
        up = up_of(*random.normal((-4, 0), (5, 3)))
        told = told_near(up, random)
        found = find_upright(told, together(seen(poles(random, 12), up, random), scraps(random, clutter)))
        if found.information.any():
            axes = sides(found.up)
            known = axes @ found.information @ axes.T + np.diag(TOLD_SIGMA**-2)
            errors.append(axes @ up / np.sqrt(np.diag(np.linalg.inv(known))))
    assert len(errors) > 105
    spread = np.sqrt(np.mean(np.square(errors), axis=0))
    assert (spread < 1.1).all()
    assert (spread > 0.35).all()
    assert (np.abs(errors) < 3.5).all()


def test_a_doubtful_focal_length_makes_pitch_doubtful_and_roll_not():
    """Through a lens a fifth longer than the true one, the edges tell a larger pitch."""
    random, up, told = np.random.default_rng(6), up_of(-12, 2), up_of(-7, 0)
    true = seen(poles(random, 30), up, random)
    longer = np.array((1 / 1.2, 1 / 1.2, 1.0))
    starts, ends = (rays * longer / np.linalg.norm(rays * longer, axis=1)[:, None] for rays in (true.starts, true.ends))
    edges = Segments(starts, ends, END_SIGMA / 1.2)
    sure, doubtful = find_upright_by(told, edges, 0.0), find_upright_by(told, edges, 0.15)
    errors = [angles(found.up) - (-12, 2) for found in (sure, doubtful)]
    assert errors[0][0] < -1.5
    assert abs(errors[1][0]) < abs(errors[0][0]) - 0.2
    assert abs(errors[1][1]) < 0.5
    known = sides(doubtful.up) @ doubtful.information @ sides(doubtful.up).T
    sigma = np.degrees(np.sqrt(np.diag(np.linalg.inv(known + np.diag(TOLD_SIGMA**-2)))))
    assert abs(errors[1][0]) < 2 * sigma[0]
    assert sigma[1] < 0.6


def locked_wrong(scene, seeds=100):
    """Share of the scenes in which up becomes worse by more than 2 degrees; `scene`: (random, up) -> segments."""
    worse = 0
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        up = up_of(*random.normal((-4, 0), (5, 3)))
        told = told_near(up, random)
        found = find_upright(told, scene(random, up))
        before, after = (np.linalg.norm(sides(up) @ one / np.linalg.norm(one)) for one in (told, found.up))
        worse += after - before > np.radians(2)
    return worse / seeds


def test_scraps_and_planks_mislead_nobody():
    assert locked_wrong(lambda random, up: scraps(random, 100)) == 0
    assert locked_wrong(lambda random, up: together(seen(planks(random, 30), up, random), scraps(random, 30))) == 0


def test_leaning_trees_rarely_mislead():
    assert locked_wrong(lambda random, up: seen(poles(random, 12, lean=5.0), up, random)) <= 0.06


def test_slanted_bars_rarely_mislead():
    """Bars that lean by less than 18 degrees, and nothing else, look just like poles; only what was told speaks
    against them."""
    assert locked_wrong(lambda random, up: seen(rail(random, 20), up, random)) <= 0.12


def test_slanted_bars_do_not_outvote_poles():
    def scene(random, up):
        return together(seen(poles(random, 16), up, random), seen(rail(random, 8), up, random))

    assert locked_wrong(scene) <= 0.02


def wall():
    """Windows on a plain wall, grey."""
    wall = np.full((1400, 2400, 3), 150, np.uint8)
    for left in range(150, 2300, 330):
        cv2.rectangle(wall, (left, 350), (left + 170, 750), (70, 80, 90), cv2.FILLED)
        cv2.rectangle(wall, (left + 20, 370), (left + 150, 730), (200, 190, 180), cv2.FILLED)
    return wall


def film(up, turns, slash=False):
    """The wall, 60 px a degree or so, by a camera with `up` that turns; and somebody with slanted stripes."""
    onto = np.array(((CAMERA.focal_px, 0, 640), (0, CAMERA.focal_px, 360), (0, 0, 1.0)))
    shift = np.array(((1, 0, -1200), (0, 1, -600), (0, 0, CAMERA.focal_px)))
    noise = np.random.default_rng(3)
    for index, turn in enumerate(turns):
        seen = cv2.warpPerspective(wall(), onto @ turn.T @ level_by(up).T @ shift, SIZE)
        for stripe in range(12 if slash else 0):
            cv2.line(seen, (400 + 20 * stripe, 600), (440 + 20 * stripe, 200), (20, 20, 200), 6)
        picture = np.clip(seen + noise.normal(0, 2, seen.shape), 0, 255).astype(np.uint8)
        for twentieth in range(20):
            yield Frame(index + twentieth / 20, picture)


@pytest.mark.parametrize("pitch, roll", [(-8.0, 2.0), (3.0, -1.0)])
def test_windows_in_a_film_tell_which_way_is_up(pitch, roll):
    up = up_of(pitch, roll)
    turns = np.stack([level_by(np.array((np.sin(angle), -np.cos(angle), 0))) for angle in np.radians((0, 1, 3, 2, 0))])
    watcher = SegmentWatcher()
    assert sum(1 for _ in watcher.watch(film(up, turns))) == 100
    segments = watcher.background([], CAMERA, CameraTurns(np.arange(100) / 20, np.repeat(turns, 20, axis=0)))
    assert len(segments) > 20
    off = angles(find_upright(up_of(-2, 0), segments).up) - (pitch, roll)
    assert abs(off[0]) < 1.0
    assert abs(off[1]) < 0.3


def test_edges_on_people_are_left_out():
    marks = np.zeros((60, 33, 3), np.float32)
    marks[..., 0] = np.linspace(400, 680, 33)
    marks[..., 1] = np.linspace(200, 600, 33)
    marks[..., 2] = 1
    times, nowhere = np.arange(60) / 20, np.zeros((60, 33, 3), np.float32)
    person = Observations(1, times, marks, nowhere, np.ones(60, bool), SIZE)
    still = CameraTurns(times, np.tile(np.eye(3), (60, 1, 1)))
    watcher = SegmentWatcher()
    list(watcher.watch(film(up_of(0, 0), still.turns[::20], slash=True)))
    rays = watcher.background([person], CAMERA, still)
    middle = (rays.starts + rays.ends)[:, :2] / (rays.starts + rays.ends)[:, 2:] * CAMERA.focal_px + (640, 360)
    inside = ((middle > (400, 200)) & (middle < (680, 600))).all(axis=1)
    assert len(rays) > 10
    assert not inside.any()
    everything = watcher.background([], CAMERA, still)
    assert len(everything) > len(rays) + 10
