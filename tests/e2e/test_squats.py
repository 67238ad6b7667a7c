"""A real woman squatting, from the video to a .blend file that a second Blender process opens and measures."""

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from building.blender import run_session
from building.environments import ROOT
from solver.take import Take, read_take
from tests.e2e.solving import solve
from tests.shared_data import shared


def measure(blend: Path, blender_python: Path, resources: Path) -> dict[str, Any]:
    """What a fresh Blender with factory settings finds in `blend`."""
    done = subprocess.run(
        [blender_python, ROOT / "tests" / "e2e" / "measure_blend.py", blend],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(resources)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("MEASURED ")]
    return json.loads(line.removeprefix("MEASURED "))


@pytest.fixture(scope="module")
def squats(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, dict[str, Any]]:
    """The take of the squats, and what its .blend file holds."""
    clip, folder = shared("clips/squats.mp4"), tmp_path_factory.mktemp("squats")
    ended = solve(clip, folder)
    assert ended.status == 0, ended.stderr
    blend = folder / "take.blend"
    run_session("demo", clip, folder / "take_p1.npz", blend, folder / "stills", log=folder / "blender.log")
    resources = tmp_path_factory.mktemp("resources")
    return read_take(folder / "take_p1.npz"), measure(blend, blender_python, resources)


def test_action_has_a_key_per_moment_on_every_curve(squats: tuple[Take, dict[str, Any]]) -> None:
    take, found = squats
    assert (found["rotated_bones"], found["rotation_curves"], found["location_curves"]) == (24, 96, 3)
    assert found["key_counts"] == [len(take)]
    assert found["same_frames"]
    np.testing.assert_array_equal(np.diff(found["frames"]), 1.0)
    assert found["finite"]


def test_no_quaternion_changes_its_sign(squats: tuple[Take, dict[str, Any]]) -> None:
    assert squats[1]["least_quaternion_dot"] > 0


def test_frame_rate_and_range_are_the_clips(squats: tuple[Take, dict[str, Any]]) -> None:
    take, found = squats
    assert take.framerate == pytest.approx(5.0)
    assert found["rate_hz"] == pytest.approx(take.framerate, rel=1e-6)
    length = (found["frame_end"] - found["frame_start"]) / found["rate_hz"]
    assert length == pytest.approx(take.timestamps[-1] - take.timestamps[0], abs=1e-3)
    assert [found["frames"][0], found["frames"][-1]] == [found["frame_start"], found["frame_end"]]


def test_scene_holds_body_camera_footage_and_floor(squats: tuple[Take, dict[str, Any]]) -> None:
    found = squats[1]
    assert found["footage"] == ["squats.mp4"]
    assert found["objects"] == ["ARMATURE", "CAMERA", "MESH", "MESH"]


def test_knees_bend_in_every_squat(squats: tuple[Take, dict[str, Any]]) -> None:
    for side, angles in squats[1]["knee_angles"].items():
        assert np.ptp(angles) > 70, side
        low, high = min(angles) + 25, max(angles) - 25
        # A squat is a way from stretched to bent; the clip shows several.
        states = [angle < low for angle in angles if angle < low or angle > high]
        assert sum(bent and not before for before, bent in itertools.pairwise(states)) >= 2, side


def test_feet_stay_on_the_floor(squats: tuple[Take, dict[str, Any]]) -> None:
    for side, heights in squats[1]["lowest"].items():
        assert np.abs(heights).max() < 0.05, (side, min(heights), max(heights))


def test_left_and_right_never_swap(squats: tuple[Take, dict[str, Any]]) -> None:
    for part, distances in squats[1]["left_minus_right_x"].items():
        assert min(distances) > 0 or max(distances) < 0, part
