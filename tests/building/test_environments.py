"""The environments: made from nothing, left alone when nothing changed, finished after an interruption."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from building.environments import STAMP, Environment, ensure, is_ready
from building.failure import BuildFailure
from building.find_python import find_python


def make_wheel(folder: Path, version: str) -> Path:
    """A package `ikol_probe` of one module, without a network."""
    wheel = folder / f"ikol_probe-{version}-py3-none-any.whl"
    info = f"ikol_probe-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ikol_probe.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: ikol-probe\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"ikol_probe.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return wheel


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One for all tests here, each of which leaves it ready: making one takes seconds."""
    folder = tmp_path_factory.mktemp("environment")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{make_wheel(folder, '1.0')}\n")
    return Environment("probe", folder / "env", "3.11", (str(requirements),))


def installed_version(environment: Environment) -> str:
    command = [environment.interpreter, "-c", "import ikol_probe; print(ikol_probe.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_made_then_silent_then_renewed(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    ensure([environment])
    assert installed_version(environment) == "1.0"
    assert "probe environment: ready" in capsys.readouterr().out

    made = (environment.folder / STAMP).stat().st_mtime_ns
    ensure([environment])
    assert capsys.readouterr().out == ""
    assert (environment.folder / STAMP).stat().st_mtime_ns == made

    requirements = Path(environment.requirements[0])
    requirements.write_text(f"{make_wheel(requirements.parent, '2.0')}\n")
    assert not is_ready(environment)
    ensure([environment])
    assert installed_version(environment) == "2.0"


def test_failed_installation_stays_incomplete_and_can_be_finished(environment: Environment) -> None:
    requirements = Path(environment.requirements[0])
    good = requirements.read_text()
    requirements.write_text("./no-such-wheel-1.0-py3-none-any.whl\n")
    with pytest.raises(BuildFailure, match="probe environment could not be installed") as caught:
        ensure([environment])
    assert caught.value.hint
    assert json.loads((environment.folder / STAMP).read_text())["state"] == "incomplete"
    assert not is_ready(environment)

    requirements.write_text(good)
    ensure([environment])
    assert is_ready(environment)


def test_half_written_stamp_and_missing_interpreter_are_not_ready(environment: Environment) -> None:
    (environment.folder / STAMP).write_text('{"state": "comp')
    assert not is_ready(environment)
    ensure([environment])
    assert is_ready(environment)
    environment.interpreter.unlink()
    assert not is_ready(environment)
    ensure([environment])
    assert installed_version(environment) == "2.0"


def test_finds_this_python_and_names_the_package_for_another() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = subprocess.run([find_python(version), "--version"], capture_output=True, text=True, check=True)
    assert found.stdout.startswith(f"Python {version}.")
    with pytest.raises(BuildFailure, match=r"Python 3\.99 was not found") as caught:
        find_python("3.99")
    assert "3.99" in caught.value.hint
