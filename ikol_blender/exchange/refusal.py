"""A file that cannot be written."""

from __future__ import annotations

from pathlib import Path

from ..contract import OutputUnwritable


def unwritable(path: Path, reason: str) -> OutputUnwritable:
    """The error for `path`, and what its user can do."""
    return OutputUnwritable(f"{path} could not be written: {reason}.", hint="Choose another folder.")
