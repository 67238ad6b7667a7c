"""The truth of the rendered set is what quality is measured against: its feet, floors and paths must be right."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from solver.body_file import read_body
from solver.evaluate import measure
from solver.take import Take, read_take
from tests.shared_data import shared

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def truths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Take]]:
    shared("mocap/deepmimic/humanoid3d_walk.txt")
    folder = tmp_path_factory.mktemp("rendered_set")
    subprocess.run([sys.executable, ROOT / "benchmarks" / "rendered_set" / "write_truths.py", folder], check=True)
    return {path.name: [read_take(take) for take in sorted(path.glob("*.npz")) if "truth" in take.name]
            for path in sorted(folder.iterdir())}  # fmt: skip


def test_feet_stand_still_on_the_floor_and_never_below(truths: dict[str, list[Take]]):
    body = read_body("open")
    assert len(truths) >= 12
    for name, takes in truths.items():
        for take in takes:
            figures = measure(take, body)
            assert figures["foot_slip_cm"] is not None, name
            assert figures["foot_slip_cm"] < 0.8, name
            assert figures["penetration_cm"] == pytest.approx(0, abs=0.1), name
            assert figures["float_cm"] is not None, name
            assert figures["float_cm"] < 1.0, name


def test_the_walk_is_straight_and_about_six_metres(truths: dict[str, list[Take]]):
    pelvis = truths["walk_6m"][0].keypoints3d[:, 0, :2].astype(float)
    direct = np.linalg.norm(pelvis[-1] - pelvis[0])
    assert direct == pytest.approx(6.0, abs=0.15)
    assert np.linalg.norm(np.diff(pelvis, axis=0), axis=1).sum() < 1.03 * direct


def test_people_cross_turn_leave_and_lie(truths: dict[str, list[Take]]):
    left, right = (take.keypoints3d[:, 0, 0] for take in truths["two_cross"])
    assert (left - right)[0] * (left - right)[-1] < 0
    inside = truths["leave_and_return"][0].landmarks2d[..., 2].mean(axis=1)
    assert inside[0] == inside[-1] == 1
    assert inside.min() == 0
    facing = truths["turn_away"][0].keypoints3d
    across = facing[:, 1, 0] - facing[:, 2, 0]  # left hip beyond the right one in the picture: seen from the front
    assert across[0] > 0.1
    assert across[-1] < -0.1
    assert truths["get_up_from_back"][0].keypoints3d[0, :, 2].max() < 0.5


def test_landmarks_are_the_body_seen_by_the_camera(truths: dict[str, list[Take]]):
    for name, takes in truths.items():
        for take in takes:
            seen = take.landmarks2d[0, :, 2] > 0
            inside = (take.landmarks2d[0, :, :2] > 0).all(axis=1) & (
                take.landmarks2d[0, :, :2] < take.camera.image_size
            ).all(axis=1)
            assert (seen == inside).all(), name
            drawn = take.camera.project(take.keypoints3d[0, [7, 8]])
            assert np.abs(drawn - take.landmarks2d[0, [27, 28], :2]).max() < 1.0, name
