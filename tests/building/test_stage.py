"""The extension's tree: complete, without the checkout's own things, and never at the cost of the sources."""

import os
from pathlib import Path

import pytest

from building.environments import ROOT
from building.stage import manifest, stage_extension

SHARED = ("solver/take.py", "solver/events.py", "solver/errors.py", "solver/body_file.py")


def files_in(tree: Path) -> set[str]:
    return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}


def test_copy_holds_the_extension_and_nothing_of_the_checkout(tmp_path: Path) -> None:
    files = files_in(stage_extension(tmp_path / "ikol", link=False))
    expected = {
        "__init__.py",
        "blender_manifest.toml",
        "LICENSE",
        "ikol_blender/__init__.py",
        "solver/requirements.txt",
    }
    assert expected.union(SHARED) <= files
    assert {"addon_assets/body/open_body.npz", "addon_assets/blazepose/pose_landmark_heavy.tflite"} <= files
    assert not [name for name in files if "__pycache__" in name or name.endswith((".pyc", ".part", ".mp4"))]
    assert not [name for name in files if name.startswith("addon_assets/") and name.endswith(".py")]
    assert not [name for name in files if name.startswith(("tests", "building", ".", "docs", "benchmarks"))]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_restaging_over_links_leaves_the_sources(tmp_path: Path) -> None:
    target = tmp_path / "ikol"
    stage_extension(target, link=True)
    assert (target / "solver").resolve() == ROOT / "solver"
    stage_extension(target, link=False)
    assert not (target / "solver").is_symlink()
    assert (ROOT / "solver" / "take.py").exists()
    assert (ROOT / "blender_manifest.toml").exists()


def test_manifest_names_the_extension() -> None:
    stored = manifest()
    assert (stored["id"], stored["type"], stored["blender_version_min"]) == ("ikol", "add-on", "4.2.0")
