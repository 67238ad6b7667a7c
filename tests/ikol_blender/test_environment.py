"""The solver's environment: never taken for finished before it is."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import IkolError
from bl_ext.user_default.ikol.ikol_blender.runtime.base_python import find_base_python, is_suitable
from bl_ext.user_default.ikol.ikol_blender.runtime.environment import EnvironmentState, SolverEnvironment
from bl_ext.user_default.ikol.ikol_blender.runtime.installation import Installation, Step, installation_steps
from bl_ext.user_default.ikol.ikol_blender.ui.environment_operators import look_after_installation
from bl_ext.user_default.ikol.ikol_blender.ui.session import SESSION

_LIMIT_SECONDS = 120


@pytest.fixture
def environment(tmp_path: Path) -> SolverEnvironment:
    """An environment whose requirements are none, so that pip needs no network."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# none\n", encoding="utf-8")
    return SolverEnvironment(tmp_path / "user data" / "solver", requirements)


def _run(installation: Installation) -> None:
    limit = time.monotonic() + _LIMIT_SECONDS
    while not installation.ended and time.monotonic() < limit:
        installation.advance()
        time.sleep(0.02)
    assert installation.ended


def test_real_environment_is_made_and_removed(environment: SolverEnvironment) -> None:
    assert environment.state() is EnvironmentState.ABSENT
    steps = installation_steps(environment, find_base_python())
    made, packages, checked = steps
    proof = Step(checked.title, (environment.python, "-c", "import sys; print(sys.prefix)"), checked.advice)
    installation = Installation(environment, [made, packages, proof])
    assert environment.state() is EnvironmentState.INCOMPLETE
    _run(installation)
    assert installation.failure is None, installation.log()
    assert environment.state() is EnvironmentState.READY
    assert str(environment.folder) in installation.log(), "the last step ran in the new environment"
    environment.requirements.write_text("# another pin\n", encoding="utf-8")
    assert environment.state() is EnvironmentState.OUTDATED
    environment.remove()
    assert environment.state() is EnvironmentState.ABSENT and not environment.folder.exists()


def test_failed_step_leaves_the_environment_incomplete_and_says_why(environment: SolverEnvironment) -> None:
    good = Step("First", (sys.executable, "-c", "print('fine')"), "-")
    bad = Step("Second", (sys.executable, "-c", "import sys; sys.exit('no space left')"), "Free some space.")
    installation = Installation(environment, [good, bad])
    _run(installation)
    assert installation.failure is not None
    assert (
        installation.failure.message == "Second failed: no space left"
        and installation.failure.hint == "Free some space."
    )
    assert installation.log() == ["== First", "fine", "== Second", "no space left"]
    assert environment.state() is EnvironmentState.INCOMPLETE


def test_cancelled_installation_ends_its_process_and_stays_incomplete(environment: SolverEnvironment) -> None:
    installation = Installation(
        environment, [Step("Sleep", (sys.executable, "-c", "import time; time.sleep(600)"), "-")]
    )
    installation.cancel()
    assert not installation.ended and installation.title == "Cancelling", "its process may still write"
    _run(installation)
    assert installation.wait(0)
    assert installation.failure is not None and "cancelled" in installation.failure.message
    assert environment.state() is EnvironmentState.INCOMPLETE


def test_blenders_timer_takes_an_installation_to_its_end_and_stops(environment: SolverEnvironment) -> None:
    assert look_after_installation() is None, "nothing runs"
    SESSION.installation = Installation(environment, [Step("Nap", (sys.executable, "-c", "input()"), "-")])
    assert look_after_installation() is not None and SESSION.is_installing
    SESSION.installation._child.send("")
    limit = time.monotonic() + _LIMIT_SECONDS
    while look_after_installation() is not None and time.monotonic() < limit:
        time.sleep(0.02)
    assert SESSION.installation.title == "The solver is installed" and not SESSION.is_installing
    SESSION.end()


def test_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("", encoding="utf-8")
    blocked = SolverEnvironment(requirements / "solver", requirements)
    with pytest.raises(IkolError, match="Nothing can be written"):
        Installation(blocked, [])


def test_unfit_pythons_are_passed_over(tmp_path: Path) -> None:
    assert not is_suitable(tmp_path / "missing")
    assert not is_suitable(Path("/bin/true"))
    assert find_base_python([tmp_path / "missing", Path(sys.executable)]) == Path(sys.executable)
    with pytest.raises(IkolError, match=r"No Python 3\.11"):
        find_base_python([tmp_path / "missing"])
