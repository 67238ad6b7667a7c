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
                if path.suffix not in _UNWANTED_SUFFIXES and not _is_only_for_the_checkout(path):
                    yield path


def _is_only_for_the_checkout(path: Path) -> bool:
    """The demo clip and the scripts that make assets: the extension needs neither."""
    assets = ROOT / "addon_assets"
    return path.is_relative_to(assets / "demo") or (path.is_relative_to(assets) and path.suffix == ".py")
