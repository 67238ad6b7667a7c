"""The lifter's training: what is drawn from films of different length, errors borrowed, networks written and joined."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

LIFTER = Path(__file__).resolve().parents[2] / "addon_assets" / "lifter"


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(LIFTER))
    monkeypatch.setattr(sys, "path", list(sys.path))  # the scripts add to it themselves


def two_films():
    """A film of 80 moments and one of 60, their ends padded with nan; a landmark's x tells film, moment and side."""
    from films import Errors, Films, Seen

    from solver.detect.person_landmarks import LANDMARK_NAMES

    lengths = torch.tensor((80, 60))
    side = torch.tensor([(-1.0 if "left" in n else 1.0) * (0.0 if n == "nose" else 1.0) for n in LANDMARK_NAMES])
    moments = torch.arange(80.0)[None, :, None] + 100 * torch.arange(1.0, 3.0)[:, None, None]
    told = torch.where(torch.arange(80)[None, :, None] < lengths[:, None, None], moments, torch.nan)
    seen = told.expand(2, 80, 33)
    flat = torch.stack((side * told, seen), -1)
    space = torch.cat((flat, seen[..., None]), -1)
    points = torch.cat((space, torch.zeros(2, 80, 24, 3) + told[..., None]), 2)
    up = torch.stack((told[..., 0] * 0, -told[..., 0] / told[..., 0], told[..., 0] * 0), -1)
    return Films(["one", "other"], Seen(flat, seen, space, points, up), Errors(flat, space, seen), lengths)


def test_stretches_are_drawn_from_within_the_films_and_mirrored_whole():
    from films import MOMENTS

    torch.manual_seed(0)
    errors = two_films().draw_errors(200)
    assert errors.space.shape == (200, MOMENTS, 33, 3)
    assert torch.isfinite(errors.space).all() and torch.isfinite(errors.picture).all()
    told = errors.visibility[..., 0]
    assert (told.diff(dim=1) == 1).all()
    assert {int(film) for film in told[:, 0] // 100} == {1, 2}
    # The left is at the left, whether mirrored or not: both, sides and x, change.
    left, right = errors.space[:, :, 11, 0], errors.space[:, :, 12, 0]
    torch.testing.assert_close(left, -told)
    torch.testing.assert_close(right, told)


def test_filmed_stretches_keep_truth_and_sight_together():
    torch.manual_seed(0)
    seen = two_films().draw(50)
    for values in (seen.rays, seen.visibility, seen.landmarks, seen.points, seen.up):
        assert torch.isfinite(values).all()
    # The same moment in all of them: the pelvis's z is not varied, the landmarks' only a little.
    torch.testing.assert_close(seen.points[:, :, 33, 2], seen.visibility[:, :, 0])
    share = seen.landmarks[:, :, 0, 2] / seen.visibility[:, :, 0]
    assert (share - 1).abs().max() < 0.4


def test_borrowed_errors_leave_the_films_as_they_are():
    from simulate import Pool, shaped_points, simulate

    from solver.body_file import read_body

    torch.manual_seed(0)
    films, count = two_films(), 120
    quiet = type(films)(
        films.names,
        films.seen,
        type(films.errors)(*(torch.zeros_like(part) for part in vars(films.errors).values())),
        films.lengths,
    )
    pool = Pool(
        torch.eye(3).expand(count, 24, 3, 3).contiguous(),
        torch.zeros(count, 3),
        torch.tensor((0,)),
        torch.tensor((count,)),
    )
    stretches = simulate(pool, shaped_points(read_body("open")), quiet, 8)
    assert all(not part.any() for part in vars(quiet.errors).values())
    assert torch.isfinite(stretches.landmarks).all()
    heights = [points[..., 1].amax(-1) - points[..., 1].amin(-1) for points in (stretches.landmarks, stretches.points)]
    assert (heights[0] / heights[1] - 0.97).abs().max() < 0.25  # what is told of heights, and its noise


def test_networks_are_read_as_they_were_written_and_averaged(tmp_path: Path):
    from train_lifter import join_networks, read_network, write_network

    from solver.lift import correct_landmarks
    from solver.lift.learned import read_networks
    from solver.lift.network import LiftNetwork
    from solver.lift.regressor import landmark_regressor
    from tests.solver.lift.seen_walk import CAMERA, seen_walk

    paths = [tmp_path / f"{number}.npz" for number in range(2)]
    for number, path in enumerate(paths):
        torch.manual_seed(number)
        network = LiftNetwork(torch.tensor(landmark_regressor(), dtype=torch.float32))
        torch.nn.init.normal_(network.exit.weight, std=0.02)
        write_network(network, [f"film {number}"], path)
        assert read_network(path)[1] == [f"film {number}"]
    join_networks(paths, tmp_path / "joined.npz")
    both = read_networks(tmp_path / "joined.npz")
    assert len(both) == 2
    observations, _ = seen_walk(40)
    alone = [
        correct_landmarks(observations, CAMERA, 30.0, (network,)).keypoints
        for network in (read_network(paths[0])[0], both[1])
    ]
    assert np.abs(alone[0] - alone[1]).max() > 0.005
    together = correct_landmarks(observations, CAMERA, 30.0, both).keypoints
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=1e-5)


def test_the_measuring_script_loads():
    import measure_bones

    assert callable(measure_bones.told_lengths)
