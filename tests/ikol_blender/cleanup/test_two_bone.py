"""A limb's end on its goal, its middle joint on its side: on limbs of every bend, and through straight ones."""

from __future__ import annotations

import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.two_bone import STRAIGHTEST, bend, kept_side

Points = tuple[np.ndarray, np.ndarray, np.ndarray]
_STILL = np.array([1.0, 0.0, 0.0, 0.0])


def _random_legs(count: int) -> Points:
    rng = np.random.default_rng(3)
    hip, knee = np.zeros((count, 3)), np.array([0.0, -0.2, -0.4]) + rng.normal(size=(count, 3)) * 0.05
    return hip, knee, knee + np.array([0.0, 0.2, -0.35]) + rng.normal(size=(count, 3)) * 0.05


def _leg(bend_deg: np.ndarray) -> tuple[Points, np.ndarray]:
    """Legs of 0.4 and 0.4 m whose knees bend towards -Y, about X; and the thighs' turns."""
    half = np.radians(bend_deg) / 2
    turns = quat.exp(np.stack([-half, 0 * half, 0 * half], axis=1))
    knee = quat.rotate(turns, np.array([0.0, 0.0, -0.4]))
    return (0 * knee, knee, knee + knee * (1.0, -1.0, 1.0)), turns


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=1)


def test_the_end_reaches_its_goal_by_the_turns_told() -> None:
    hip, knee, ankle = _random_legs(200)
    goal = ankle + np.random.default_rng(4).normal(size=(200, 3)) * 0.08
    found = bend(hip, knee, ankle, goal, np.tile([0.0, -1.0, 0.0], (200, 1)))
    assert np.abs(hip + quat.rotate(found.upper, knee - hip) - found.middle).max() < 1e-9
    assert np.abs(found.middle + quat.rotate(found.lower, ankle - knee) - found.end).max() < 1e-9
    within = _length(goal - hip) < 0.999 * (_length(knee - hip) + _length(ankle - knee))
    assert within.mean() > 0.8 and np.abs(found.end - goal)[within].max() < 1e-6


def test_out_of_reach_is_met_in_direction_and_never_quite_straight() -> None:
    joints, _ = _leg(np.array([40.0, 40.0]))
    found = bend(*joints, np.array([[3.0, 0.0, 0.0], [1e-12, 0.0, 0.0]]), np.tile([0.0, -1.0, 0.0], (2, 1)))
    assert np.abs(found.end[0] - [0.8 * STRAIGHTEST, 0, 0]).max() < 1e-9
    assert np.isfinite(found.middle).all() and _length(found.end)[1] < 1e-5


def test_a_limb_on_its_goal_stays() -> None:
    joints, turns = _leg(np.linspace(0, 120, 60))
    _, knee, ankle = joints
    side = kept_side(*joints, ankle, turns, weight=np.zeros(60))
    side[0] = (0.0, -1.0, 0.0)  # the straight one has none
    found = bend(*joints, ankle, side)
    assert np.abs(found.middle - knee).max() < 1e-6 and np.abs(found.end - ankle).max() < 1e-9
    assert quat.angle_between(found.upper, _STILL).max() < 1e-6


def test_the_middle_joint_keeps_its_side_through_straight() -> None:
    """A leg swings through straight, a little beyond as captures do, and is shortened: its knee never turns back."""
    degrees = 20 * np.cos(np.linspace(0, 2 * np.pi, 90)) + 18  # down to 2 degrees backwards
    joints, turns = _leg(degrees)
    goal = joints[2] * 0.97
    found = bend(*joints, goal, kept_side(*joints, goal, turns))
    assert (found.middle[:, 1] < -0.05).all()
    assert np.abs(np.diff(found.middle, axis=0)).max() < 0.02


def test_the_front_at_rest_tells_where_the_motion_does_not() -> None:
    joints, turns = _leg(np.zeros(5))
    goal = joints[2] * 0.9
    found = bend(*joints, goal, kept_side(*joints, goal, turns, front=np.array([0.0, -1.0, 0.0])))
    assert (found.middle[:, 1] < -0.1).all()


@pytest.mark.parametrize("ease", [0, 5])
@pytest.mark.parametrize("beyond", [-1.0, -6.0])
def test_straight_limbs_outside_tell_no_side_inside(beyond: float, ease: int) -> None:
    """Knees stand a little beyond straight for long; where they bend for a moment, legs are shortened."""
    inside = beyond + 20 * (1 - np.cos(np.linspace(0, 2 * np.pi, 30)))
    joints, turns = _leg(np.concatenate([np.full(50, beyond), inside, np.full(50, beyond)]))
    weight = np.zeros(130)
    weight[50:80] = 1.0
    weight = np.convolve(weight, np.ones(ease + 1) / (ease + 1), "same")
    goal = joints[2] * (1 - 0.03 * weight)[:, None]
    knee = bend(*joints, goal, kept_side(*joints, goal, turns, weight=weight)).middle
    assert (knee[weight > 0.9, 1] < -0.09).all()
    assert knee[:, 1].max() < joints[1][:, 1].max() + 1e-9, "never farther back than it was"
    assert np.abs(np.diff(knee[weight > 0.9], axis=0)).max() < 0.02
    assert np.abs(knee - joints[1])[weight == 0].max() < 1e-6


def test_a_limb_that_never_bends_reaches_its_goal() -> None:
    joints, turns = _leg(np.linspace(0.5, 1.0, 20))
    goal = joints[2] * 0.95
    found = bend(*joints, goal, kept_side(*joints, goal, turns))
    assert np.abs(joints[0] + quat.rotate(found.upper, joints[1]) - found.middle).max() < 1e-9
    assert (found.middle[:, 1] < -0.1).all()
