"""The zip: built, valid, and installed, used and removed in a fresh Blender as a user does it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pytest

from building.environments import BLENDER, EVERY_BLENDER, ROOT, blender_environment, is_ready
from building.extension_zip import build_zip
from solver.take import read_take
from solver.video import probe_video, read_frames

OTHERS = tuple(version for version in EVERY_BLENDER if version != BLENDER)


@pytest.fixture(scope="module")
def package(blender_python: Path) -> Path:
    return build_zip()


def test_zip_holds_what_the_extension_needs(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
    assert {"blender_manifest.toml", "__init__.py", "LICENSE", "ikol_blender/contract.py"} <= names
    assert {"solver/cli.py", "solver/requirements.txt", "addon_assets/body/open_body.npz"} <= names
    assert "addon_assets/blazepose/pose_landmark_heavy.tflite" in names
    assert not [name for name in names if name.endswith(".pyc") or name.startswith(("tests/", "building/"))]
    assert package.stat().st_size < 60e6


@pytest.mark.parametrize("version", [BLENDER, *OTHERS])
def test_installs_solves_imports_and_leaves_without_a_trace(
    version: str, package: Path, demo_take: Path, demo_clip: Path, tmp_path: Path
) -> None:
    environment = blender_environment(version)
    if version in OTHERS and not os.environ.get("IKOL_EVERY_BLENDER"):
        pytest.skip("run with: python3 build.py test --every-blender")
    if not is_ready(environment):
        pytest.skip(f"Blender {version} is not installed here")
    resources = tmp_path / "resources"
    resources.mkdir()
    clip = short_clip(demo_clip, tmp_path / "clip" / "short.mp4")
    done = subprocess.run(
        [environment.interpreter, ROOT / "tests/e2e/zip_session.py", package, demo_take, clip, sys.executable],
        cwd=tmp_path,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(resources)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    report = json.loads(line.removeprefix("REPORT "))
    assert report["blender"].startswith(version)
    assert report["installed_files"] > 50
    assert report["registered"] > 10
    assert report["imported"] == {"rotation_curves": 96, "location_curves": 3, "keys": len(read_take(demo_take))}
    assert report["takes"] == ["take_p1.npz"]
    assert report["registered_after"] == report["registered_before"] == []
    assert report["traces"] == []


def short_clip(source: Path, target: Path) -> Path:
    """A copy of the demo clip's first second in a folder of its own: the operator writes beside the clip."""
    target.parent.mkdir()
    video = probe_video(source)
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), video.rate_hz, video.image_size)
    for frame in read_frames(source, 0.0, 1.0):
        writer.write(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return target
