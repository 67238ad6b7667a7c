"""Builds and validates the extension's zip with Blender's own tool, which the bpy wheel carries."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from .environments import BLENDER, ROOT, blender_environment
from .failure import BuildFailure
from .stage import manifest, stage_extension


def zip_path() -> Path:
    """Where `build_zip` writes."""
    return ROOT / "dist" / f"ikol_blender-{manifest()['version']}.zip"


def build_zip() -> Path:
    """Build `dist/ikol_blender-<version>.zip`, validated; a file that was there stays when the new one fails.

    Raises:
        BuildFailure: Blender's tool refuses the tree.
    """
    target = zip_path()
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ikol-zip-", dir=target.parent) as scratch:
        tree = stage_extension(Path(scratch, "ikol"), link=False)
        built = Path(scratch, target.name)
        _blender_tool("validate", str(tree))
        _blender_tool("build", "--source-dir", str(tree), "--output-filepath", str(built))
        _blender_tool("validate", str(built))
        shutil.move(built, target)
    return target


def _blender_tool(*arguments: str) -> None:
    environment = blender_environment()
    tools = list(environment.folder.glob(f"**/bpy/{BLENDER}/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not tools:
        raise BuildFailure(f"{environment.folder} lacks Blender's extension tool.", "Delete that folder and try again.")
    answer = subprocess.run(
        [environment.interpreter, str(tools[0]), *arguments], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        said = (answer.stdout + answer.stderr).strip()
        raise BuildFailure(f"Blender's extension tool refused the tree: {said}", "Correct blender_manifest.toml.")
