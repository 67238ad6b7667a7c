"""A Python on this machine from which the solver's environment can be made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..contract import IkolError
from .child import clean_environment

# What the solver's packages have wheels for.
SUPPORTED = ((3, 11), (3, 12), (3, 13))
_PROBE = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1], int(sys.maxsize > 2**32))"


def find_base_python(candidates: Iterable[Path] | None = None) -> Path:
    """The first of `candidates` (by default Blender's own Python, then the machine's) that can make the environment.

    Raises:
        IkolError: there is none; the hint says what to install.
    """
    for candidate in _candidates() if candidates is None else candidates:
        if is_suitable(candidate):
            return candidate
    raise IkolError(
        "No Python 3.11, 3.12 or 3.13 that can make environments was found on this machine.",
        hint="Install Python 3.11 (on Linux with its venv package), then press Install solver again.",
    )


def is_suitable(python: Path) -> bool:
    """Whether `python` runs, is 64-bit, of a supported version, and has venv and pip."""
    try:
        answer = subprocess.run(
            [str(python), "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            env=clean_environment(os.environ),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    words = answer.stdout.split()
    return (
        answer.returncode == 0 and len(words) == 3 and (int(words[0]), int(words[1])) in SUPPORTED and words[2] == "1"
    )


def _candidates() -> Iterator[Path]:
    if sys.executable:
        yield Path(sys.executable)
    for major, minor in SUPPORTED:
        for name in (f"python{major}.{minor}", f"python{major}.{minor}.exe"):
            found = shutil.which(name)
            if found:
                yield Path(found)
    for name in ("python3", "python"):
        found = shutil.which(name)
        if found:
            yield Path(found)
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(versions.glob("3.1[123].*/bin/python"))
    local = os.environ.get("LOCALAPPDATA")
    if local:
        yield from sorted(Path(local, "Programs", "Python").glob("Python31[123]/python.exe"))
