"""Finds a Python of the wanted version that can make environments. Runs on any Python 3: no newer syntax here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .failure import BuildFailure

_PROBE = "import sys, venv, ensurepip; print('%d.%d|%s' % (sys.version_info[0], sys.version_info[1], sys.executable))"


def find_python(version: str) -> str:
    """The path of a Python `version` ("3.11") which has the modules venv and ensurepip.

    Raises:
        BuildFailure: there is none on this machine; the hint names the package to install.
    """
    for command in _candidates(version):
        executable = _executable_of(command, version)
        if executable:
            return executable
    raise BuildFailure("Python {} was not found on this machine.".format(version), _advice(version))


def _candidates(version: str) -> "list[list[str]]":
    name = "python" + version
    commands = [[sys.executable]] if sys.executable else []
    # A shim of pyenv stands on PATH even when it refuses to run; the versions behind it are tried too.
    if shutil.which(name):
        commands.append([name])
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    commands += [[str(path)] for path in sorted(pyenv.glob("versions/{}.*/bin/{}".format(version, name)))]
    commands += [[folder + name] for folder in ("/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/")]
    if shutil.which("py"):
        commands.append(["py", "-" + version])
    return commands


def _executable_of(command: "list[str]", version: str) -> "str | None":
    """The interpreter that `command` runs, when it is of `version` and can make environments."""
    try:
        answer = subprocess.run(
            [*command, "-c", _PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            universal_newlines=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found, _, executable = answer.stdout.strip().partition("|")
    return executable if answer.returncode == 0 and found == version else None


def _advice(version: str) -> str:
    """Which package to install, in the words of the machine's own package manager."""
    if sys.platform == "win32":
        return "Install it with: winget install Python.Python.{}".format(version)
    if sys.platform == "darwin":
        return "Install it with: brew install python@{}".format(version)
    packages = {
        "apt-get": "sudo apt-get install python{0} python{0}-venv".format(version),
        "dnf": "sudo dnf install python{}".format(version),
        "pacman": "yay -S python{}".format(version.replace(".", "")),
        "zypper": "sudo zypper install python{}".format(version.replace(".", "")),
    }
    for manager, command in packages.items():
        if shutil.which(manager):
            return "Install it with: {} (or, where that has no such package: pyenv install {})".format(command, version)
    return "Install the package python{0} of your system, or run: pyenv install {0}".format(version)
