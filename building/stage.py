"""The extension's tree, as Blender sees it: from the checkout, by links or as a copy."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .environments import ROOT

ENTRY = """from .ikol_blender import register, unregister

__all__ = ["register", "unregister"]
"""
_PARTS = ("blender_manifest.toml", "LICENSE", "ikol_blender", "solver", "addon_assets")
_UNWANTED_SUFFIXES = (".pyc", ".part")
# What makes the assets, and the demo clip, are for the checkout: the extension needs neither.
_ONLY_IN_CHECKOUT = (
    "addon_assets/demo",
    "addon_assets/body/make_open_body.py",
    "addon_assets/body/makehuman.py",
    "addon_assets/body/people.py",
    "addon_assets/body/rest_pose.py",
    "addon_assets/body/smpl_skeleton.py",
)


def manifest() -> dict[str, object]:
    """The extension's manifest."""
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))


def stage_extension(target: Path, *, link: bool) -> Path:
    """Lay the extension's tree out in `target`, which is emptied first.

    Args:
        target: the folder of the package, for example <scratch>/extensions/user_default/ikol.
        link: link to the checkout's files, for tests and development; else copy what the zip holds.

    Returns:
        `target`.
    """
    _empty(target)
    target.mkdir(parents=True)
    (target / "__init__.py").write_text(ENTRY, encoding="utf-8")
    if link:
        for part in _PARTS:
            (target / part).symlink_to(ROOT / part, target_is_directory=(ROOT / part).is_dir())
        return target
    for source in _files_of_extension():
        copy = target / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return target


def _empty(target: Path) -> None:
    """Remove an earlier stage; links are unlinked, what they point to stays."""
    if target.is_symlink():
        target.unlink()
    elif target.is_dir():
        for entry in target.iterdir():
            if entry.is_symlink() or entry.is_file():
                entry.unlink()
            else:
                shutil.rmtree(entry)
        target.rmdir()


def _files_of_extension() -> Iterator[Path]:
    for part in _PARTS:
        if (ROOT / part).is_file():
            yield ROOT / part
            continue
        for folder, folders, files in os.walk(ROOT / part):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
            for name in sorted(files):
                path = Path(folder, name)
                relative = path.relative_to(ROOT).as_posix()
                if path.suffix not in _UNWANTED_SUFFIXES and not relative.startswith(_ONLY_IN_CHECKOUT):
                    yield path
