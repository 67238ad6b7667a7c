"""The environments in the checkout: one for the solver and the tools, one for each Blender that tests run in.

An environment is ready when its stamp file says so. The stamp holds the hash of every requirements file that was
installed, so an edited pin installs again and an unchanged one costs a few milliseconds. While pip works, the
stamp says "incomplete": an interrupted installation is finished by the next command. An environment without a
stamp is adopted: pip checks what it holds and adds what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .failure import BuildFailure
from .find_python import find_python
from .installation import Step, run_together

ROOT = Path(__file__).resolve().parent.parent
STAMP = "ikol_stamp.json"
BLENDER = "4.5"
EVERY_BLENDER = ("4.2", "4.5", "5.0", "5.2")
_PYTHON_OF_BLENDER = {"4.2": "3.11", "4.5": "3.11", "5.0": "3.11", "5.2": "3.13"}


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the checkout.

    Attributes:
        title: what people read while it is made.
        folder: where it is.
        python: its Python, "3.11".
        requirements: requirements files that must be installed, relative to the checkout.
    """

    title: str
    folder: Path
    python: str
    requirements: tuple[str, ...]

    @property
    def interpreter(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def solver_environment(*, tools: bool) -> Environment:
    """The solver's environment, with pytest, ruff and pyright when `tools`."""
    extra = ("building/requirements-dev.txt",) if tools else ()
    return Environment("solver", ROOT / ".venv", "3.11", ("solver/requirements.txt", *extra))


def benchmark_environment() -> Environment:
    """The solver's and the tools' packages and the rivals that benchmarks run against."""
    requirements = (*solver_environment(tools=True).requirements, "benchmarks/requirements.txt")
    return Environment("benchmarks", ROOT / ".venv-bench", "3.11", requirements)


def blender_environment(version: str = BLENDER) -> Environment:
    """A `bpy` wheel of Blender `version` ("4.5") and pytest."""
    return Environment(
        f"Blender {version}",
        ROOT / f".venv-blender-{version}",
        _PYTHON_OF_BLENDER[version],
        (f"building/requirements-blender-{version}.txt",),
    )


def ensure(environments: Sequence[Environment]) -> None:
    """Make every environment ready, together; says nothing when they are.

    Raises:
        BuildFailure: no fitting Python, or pip failed.
    """
    pending = [environment for environment in environments if not is_ready(environment)]
    if not pending:
        return
    for environment in pending:
        _make_folder(environment)
        _write_stamp(environment, "incomplete")
    run_together([_installation_of(environment) for environment in pending])
    for environment in pending:
        _write_stamp(environment, "complete")


def is_ready(environment: Environment) -> bool:
    """Whether everything that `environment` asks for was installed from the files as they are now."""
    stamp = _read_stamp(environment)
    installed = stamp.get("installed")
    return (
        stamp.get("state") == "complete"
        and isinstance(installed, dict)
        and all(installed.get(name) == _digest(name) for name in environment.requirements)
        and environment.interpreter.exists()
    )


def _make_folder(environment: Environment) -> None:
    """An environment with pip and nothing else, unless one of the right Python stands there already."""
    if _runs(environment):
        return
    python = find_python(environment.python)
    print(f"Making the {environment.title} environment with {python}", flush=True)
    made = subprocess.run(
        [python, "-m", "venv", "--clear", str(environment.folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise BuildFailure(
            f"{environment.folder} could not be made: {_last_line(made.stdout + made.stderr)}",
            "Check that this folder is writable and that the disk has 4 GB free.",
        )


def _runs(environment: Environment) -> bool:
    """Whether the environment's Python starts, is of the right version and has pip."""
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([environment.interpreter, "-c", probe], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == environment.python


def _installation_of(environment: Environment) -> Step:
    command = [str(environment.interpreter), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off"]
    for name in environment.requirements:
        command += ["-r", str(ROOT / name)]
    return Step(f"{environment.title} environment", command, environment.folder / "ikol_install.log")


def _write_stamp(environment: Environment, state: str) -> None:
    installed = _read_stamp(environment).get("installed")
    known = installed if isinstance(installed, dict) else {}
    if state == "complete":
        known = {**known, **{name: _digest(name) for name in environment.requirements}}
    temporary = environment.folder / f".{STAMP}.{os.getpid()}.part"
    temporary.write_text(json.dumps({"state": state, "installed": known}, indent=1))
    temporary.replace(environment.folder / STAMP)


def _read_stamp(environment: Environment) -> dict[str, object]:
    try:
        stored = json.loads((environment.folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _digest(requirements: str) -> str:
    text = (ROOT / requirements).read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(text + sys.platform.encode()).hexdigest()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason given"
