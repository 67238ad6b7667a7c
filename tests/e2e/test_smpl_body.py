"""A user's own SMPL file, from the solve to the armature. The file is of SMPL's format, made here."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from building.environments import ROOT
from solver.body_file import OPEN_BODY_PATH
from solver.take import read_take
from tests.e2e.solving import solve

_KEPT = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")


@pytest.fixture(scope="module")
def smpl_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMPL's arrays and nothing else, on a body 3 % taller than the open one."""
    path = tmp_path_factory.mktemp("smpl") / "SMPL_FEMALE.npz"
    with np.load(OPEN_BODY_PATH) as stored:
        arrays = {name: stored[name] for name in _KEPT}
    arrays["v_template"] = arrays["v_template"] * 1.03
    np.savez(path, **arrays)
    return path


def test_solve_and_import_with_an_smpl_file(
    smpl_file: Path, demo_clip: Path, blender_python: Path, tmp_path: Path
) -> None:
    ended = solve(demo_clip, tmp_path, "--model", smpl_file, "--detector", "lite", "--start", "2", "--end", "3")
    assert ended.status == 0, ended.stderr
    take = read_take(tmp_path / "take_p1.npz")
    assert (take.model, take.gender, len(take)) == ("smpl", "female", 31)
    assert take.meta["settings"]["model"] == smpl_file.name
    done = subprocess.run(
        [blender_python, "-m", "tests.e2e.import_with_body", tmp_path / "take_p1.npz", smpl_file],
        cwd=ROOT,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "resources")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ERROR ")]
    assert float(line.removeprefix("ERROR ")) < 1e-3
