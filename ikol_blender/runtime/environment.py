"""The solver's own Python environment: where it is and what state it is in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..contract import IkolError

_MARKER = "ikol_environment.json"
_READY, _INCOMPLETE = "ready", "incomplete"


class EnvironmentState(Enum):
    """What a panel says of the environment."""

    ABSENT = "Not installed"
    INCOMPLETE = "Installation was interrupted"
    OUTDATED = "Needs an update"
    READY = "Installed"


@dataclass(frozen=True)
class SolverEnvironment:
    """A virtual environment for the solver.

    Its marker file says "incomplete" from before the first step until after the last, so that an interrupted
    installation is never taken for a finished one, and holds the hash of the requirements that were installed.

    Attributes:
        folder: the environment; it need not exist.
        requirements: the pinned requirements file.
    """

    folder: Path
    requirements: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def state(self) -> EnvironmentState:
        """What is there now."""
        if not self.folder.exists():
            return EnvironmentState.ABSENT
        marker = self._marker()
        if marker.get("state") != _READY or not self.python.exists():
            return EnvironmentState.INCOMPLETE
        if marker.get("requirements_sha256") != self._digest():
            return EnvironmentState.OUTDATED
        return EnvironmentState.READY

    def mark_incomplete(self) -> None:
        """Before the first step of an installation.

        Raises:
            IkolError: the folder cannot be written.
        """
        self._mark(_INCOMPLETE)

    def mark_ready(self) -> None:
        """After the last step of an installation, verified.

        Raises:
            IkolError: the folder cannot be written.
        """
        self._mark(_READY)

    def remove(self) -> None:
        """Delete the environment.

        Raises:
            IkolError: a file is in use or protected; what is left is marked incomplete.
        """
        if not self.folder.exists():
            return
        self.mark_incomplete()
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise IkolError(
                f"The solver's environment could not be removed: {error.strerror or error}.",
                hint=f"Close programs that use it and delete the folder {self.folder} yourself.",
            ) from error

    def _marker(self) -> dict[str, str]:
        try:
            stored = json.loads((self.folder / _MARKER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def _mark(self, state: str) -> None:
        text = json.dumps({"state": state, "requirements_sha256": self._digest()})
        temporary = self.folder / f"{_MARKER}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.folder / _MARKER)
        except OSError as error:
            raise IkolError(
                f"Nothing can be written to {self.folder}: {error.strerror or error}.",
                hint="Free space on the disk, or choose a Python of your own for the solver.",
            ) from error

    def _digest(self) -> str:
        return hashlib.sha256(self.requirements.read_bytes()).hexdigest()


def is_installed(python: Path) -> bool:
    """Whether `python` is one that Install solver made, rather than one of the user's own."""
    return (python.parent.parent / _MARKER).is_file()
