"""A solve that is told to stop in the middle: it stops, writes nothing and leaves no process behind."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from building.environments import ROOT
from solver.events import Failed, Progress, cancel_line, from_line
from tests.e2e.solving import solver_command

pytestmark = pytest.mark.skipif(os.name == "nt", reason="asks for the process group, which POSIX systems have")


def ask(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write(cancel_line() + "\n")
    process.stdin.flush()


def hang_up(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def terminate(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("stop", [ask, hang_up, terminate, interrupt])
def test_stops_in_mid_solve(stop: Callable[[subprocess.Popen[str]], None], demo_clip: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        solver_command("solve", demo_clip, "--out", tmp_path / "new", "--events", "--detector", "heavy"),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    progress = next(event for event in map(from_line, process.stdout) if isinstance(event, Progress))
    assert progress.done < progress.total / 2
    stop(process)
    events = [event for event in map(from_line, process.stdout) if event is not None]
    status = process.wait(timeout=30)
    assert status == 130, process.stderr.read()
    assert [event.code for event in events if isinstance(event, Failed)] == ["cancelled"]
    assert not [event for event in events if event.kind in ("take", "done")]
    assert not list(tmp_path.iterdir())
    with pytest.raises(ProcessLookupError):  # nobody is left in the solver's process group
        os.killpg(process.pid, 0)
