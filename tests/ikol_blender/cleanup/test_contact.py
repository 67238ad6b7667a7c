"""When feet stand, on paths of which one knows it. The same function serves Lock feet and Retarget."""

from __future__ import annotations

import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup.contact import standing
from bl_ext.user_default.ikol.ikol_blender.cleanup.gaps import spans
from bl_ext.user_default.ikol.ikol_blender.retarget.body_frame import rest_body
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import BoneMap
from bl_ext.user_default.ikol.ikol_blender.retarget.contact import by_motion
from bl_ext.user_default.ikol.ikol_blender.retarget.transfer import pose_source

from .mocap import deepmimic

_RATE, _LEG = 60.0, 0.85
_STEP = 0.6  # s that a foot stands, and swings


def _walker(seconds: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """Ankles (T, 2, 3) that stand and swing in turns, 0.7 m a step and 0.12 m high; when they stand, (T, 2)."""
    times = np.arange(0, seconds, 1 / _RATE)
    paths, stands = np.zeros((len(times), 2, 3)), np.zeros((len(times), 2), bool)
    for foot in range(2):
        phase = (times / _STEP + foot) % 2
        share = np.clip(phase - 1, 0, 1)
        paths[:, foot, 0] = 0.7 * ((times / _STEP + foot) // 2 + share**2 * (3 - 2 * share))
        paths[:, foot, 2] = 0.08 + 0.12 * np.sin(np.pi * share) ** 2
        stands[:, foot] = phase < 1
    return paths, stands


def _ankles(paths: np.ndarray) -> list[np.ndarray]:
    return standing([paths[:, 0], paths[:, 1]], [], _LEG, _RATE)[0]


@pytest.mark.parametrize("rise", [0.0, 0.3])
def test_steps_are_found_through_jitter_and_on_ground_that_drifts(rise: float) -> None:
    paths, stands = _walker()
    paths = paths + np.random.default_rng(1).normal(size=paths.shape) * 0.003
    paths[..., 2] += np.linspace(0, rise, len(paths))[:, None]
    for foot, found in enumerate(_ankles(paths)):
        assert (found == stands[:, foot]).mean() > 0.9
        assert len(spans(found)) == len(spans(stands[:, foot]))


def test_what_is_shorter_than_a_step_is_none() -> None:
    paths = np.zeros((120, 2, 3))
    paths[60:, :, 0] = 0.004  # a glitch: away in one frame by less than one would see
    assert all(found.all() for found in _ankles(paths))
    paths[60:, 0, 0] = 0.1  # slipped away in an instant: it stands before and after, with time between to be moved
    slipped, still = _ankles(paths)
    assert still.all()
    (first, start), (end, last) = spans(slipped)
    assert first == 0 and last == 120 and end - start >= round(0.2 * _RATE)


def test_no_joints_and_no_motion_stand_nowhere() -> None:
    assert standing([], [], _LEG, _RATE) == ([], [])
    heels, balls = standing([np.zeros((2, 3))], [np.zeros((2, 3))], _LEG, _RATE)
    assert not heels[0].any() and not balls[0].any()


def test_retarget_sees_what_lock_feet_sees() -> None:
    """On a walk that both read from a skeleton of their own."""
    motion = deepmimic("walk")
    names = {"hips": "Root", "neck": "Neck"}
    for side, word in (("L", "Left"), ("R", "Right")):
        names |= {f"thigh.{side}": f"{word}_Thigh", f"shin.{side}": f"{word}_Knee"}
        names |= {f"foot.{side}": f"{word}_Ankle", f"toe.{side}": f"{word}_Toe"}
    body = rest_body(motion.skeleton, BoneMap("humanoid", {role: (name,) for role, name in names.items()}))
    theirs = by_motion(body, pose_source(body, motion), motion.rate_hz)
    heads = motion.posed().heads
    joints = [[heads[:, body.index(f"{part}.{side}")] for side in "LR"] for part in ("foot", "toe")]
    heels, balls = standing(joints[0], joints[1], body.leg_length, motion.rate_hz)
    ours = dict(zip(("foot.L", "foot.R", "toe.L", "toe.R"), (*heels, *balls), strict=True))
    assert theirs.keys() == ours.keys()
    assert all((theirs[role] == ours[role]).mean() > 0.98 for role in ours)
    assert 0.2 < np.mean([flags.mean() for flags in ours.values()]) < 0.8
