"""The demo clip against the truth that it was rendered from."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from building.environments import ROOT
from solver.evaluate import compare
from solver.take import read_take
from tests.e2e.solving import DEMO_FOLDER, solver_command

TRUTH = DEMO_FOLDER / "demo_truth.npz"


def test_demo_is_near_its_truth(demo_take: Path) -> None:
    report = compare(read_take(demo_take), read_take(TRUTH))
    assert report.pa_mpjpe <= 0.060
    assert 0.75 <= report.speed_ratio <= 1.25


def test_evaluate_prints_the_figures(demo_take: Path) -> None:
    command = solver_command("evaluate", demo_take, "--truth", TRUTH, "--json")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert figures["pa_mpjpe_mm"] <= 60.0
    assert figures["swaps"] == 0
    assert figures["foot_slip_cm"] < 2.0


def test_demo_covers_its_clip(demo_take: Path) -> None:
    take, truth = read_take(demo_take), read_take(TRUTH)
    assert take.framerate == pytest.approx(truth.framerate, rel=1e-3)
    assert len(take) == len(truth)
    np.testing.assert_allclose(take.timestamps, truth.timestamps, atol=1e-3)
    assert take.camera.image_size == truth.camera.image_size


def test_demo_tells_that_its_focal_length_was_assumed(demo_take: Path) -> None:
    take = read_take(demo_take)
    assert take.meta["focal_source"] == "assumed"
    assert 0.0 < take.meta["focal_sigma"] < 0.3


def test_solved_body_lies_on_the_person(demo_take: Path) -> None:
    """Projected by the take's camera, the solved joints fall on the true ones: 4 % of the person's height in pixels."""
    take, truth = read_take(demo_take), read_take(TRUTH)
    ours, theirs = take.camera.project(take.keypoints3d), truth.camera.project(truth.keypoints3d)
    height = np.ptp(theirs[..., 1], axis=1)[:, None]
    distance = np.linalg.norm(ours - theirs, axis=-1) / height
    assert float(np.median(distance)) <= 0.04
