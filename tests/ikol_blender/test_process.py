"""The solver's process: whatever a child does, the parent learns how it ended and nothing of it stays behind.

The children here are small scripts that speak the process protocol, or break it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import (
    SOLVER_REQUIREMENTS,
    Done,
    Failed,
    IkolError,
    Progress,
    TakeWritten,
)
from bl_ext.user_default.ikol.ikol_blender.runtime.environment import SolverEnvironment
from bl_ext.user_default.ikol.ikol_blender.runtime.job import SolveJob, clock, log_of
from bl_ext.user_default.ikol.ikol_blender.runtime.process import SolverProcess, follow

_LIMIT_SECONDS = 30


def _start(folder: Path, script: str) -> SolverProcess:
    path = folder / "child.py"
    path.write_text(textwrap.dedent(script), encoding="utf-8")
    return SolverProcess([sys.executable, path], folder)


def _events_until_end(process: SolverProcess) -> list:
    events = []
    limit = time.monotonic() + _LIMIT_SECONDS
    while not process.concluded and time.monotonic() < limit:
        events += process.poll()
        time.sleep(0.01)
    assert process.wait(_LIMIT_SECONDS)
    return events


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _pid_in(path: Path) -> int:
    limit = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < limit:
        if path.exists() and path.read_text().endswith("\n"):
            return int(path.read_text())
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")


def _wait_until_gone(pid: int) -> bool:
    limit = time.monotonic() + _LIMIT_SECONDS
    while _is_alive(pid) and time.monotonic() < limit:
        time.sleep(0.01)
    return not _is_alive(pid)


def test_events_come_in_order_through_foreign_output_and_a_truncated_line(tmp_path: Path) -> None:
    process = _start(
        tmp_path,
        """
        import os, sys
        print('W0000 a library says something')
        print('{"event": "progress", "stage": "detect", "done": 1, "total": 4, "eta_s": 3.0}')
        print('{"event": "of a newer solver", "x": 1}')
        sys.stdout.flush()
        os.write(1, b'\\xff\\xfe not text\\n')
        print('{"event": "take", "person": 1, "path": "/x/\\\\u9b5a.npz"}')
        print('{"event": "done"}')
        print('{"event": "prog', end='')
        """,
    )
    events = _events_until_end(process)
    assert events == [Progress("detect", 1, 4, 3.0), TakeWritten(1, "/x/魚.npz"), Done()]


def test_crash_is_told_with_the_last_words(tmp_path: Path) -> None:
    process = _start(tmp_path, "import sys; print('{\"event\": \"prog', end=''); sys.exit('the sky fell')")
    (event,) = _events_until_end(process)
    assert isinstance(event, Failed) and event.code == "internal"
    assert "exit status 1" in event.message and "the sky fell" in event.message
    assert "Python of your own" in event.hint, "it is not the one that Install solver made"


@pytest.mark.skipif(os.name == "nt", reason="the installed Python is a link here")
def test_crash_of_the_installed_solver_asks_to_install_again(tmp_path: Path) -> None:
    environment = SolverEnvironment(tmp_path / "solver", SOLVER_REQUIREMENTS)
    environment.mark_incomplete()
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    process = SolverProcess([environment.python, "-c", "raise ValueError('boom')"], tmp_path)
    (event,) = _events_until_end(process)
    assert event.hint.startswith("Press Install solver") and "of your own" not in event.hint


def test_log_tells_how_it_ended_and_what_was_said(tmp_path: Path) -> None:
    job = SolveJob(
        _start(tmp_path, "import sys; print('torch found no GPU', file=sys.stderr); sys.exit('the sky fell')")
    )
    while not job.advance().ended:
        time.sleep(0.01)
    first, *_, last = log_of(job).splitlines()
    assert "exit status 1" in first and last == "the sky fell" and "torch found no GPU" in log_of(job)
    assert log_of(SolveJob(_start(tmp_path, ""))) == "", "nothing was said, so there is nothing to copy"


def test_cancel_is_asked_for_first(tmp_path: Path) -> None:
    process = _start(
        tmp_path,
        """
        import sys, time
        print('{"event": "heartbeat", "elapsed_s": 1.0}', flush=True)
        if '"cancel"' in sys.stdin.readline():
            print('{"event": "error", "code": "cancelled", "message": "Stopped.", "hint": "-"}', flush=True)
        """,
    )
    while not process.poll():
        time.sleep(0.01)
    process.cancel()
    assert _events_until_end(process) == [Failed("cancelled", "Stopped.", "-")]


@pytest.mark.skipif(os.name == "nt", reason="ignores SIGTERM, which Windows does not have")
def test_silent_child_that_ignores_everything_is_killed_with_its_grandchild(tmp_path: Path) -> None:
    process = _start(
        tmp_path,
        """
        import pathlib, signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, '-c',
            'import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(1, flush=True); time.sleep(600)'],
            stdout=subprocess.PIPE)
        child.stdout.readline()
        pathlib.Path('grandchild').write_text(f'{child.pid}\\n')
        while True:
            time.sleep(600)
        """,
    )
    grandchild = _pid_in(tmp_path / "grandchild")
    assert _is_alive(grandchild)
    began = time.monotonic()
    process.cancel()
    assert time.monotonic() - began < 1.0, "cancel must return at once: Blender's window waits for it"
    (event,) = _events_until_end(process)
    assert isinstance(event, Failed) and event.code == "cancelled"
    assert _wait_until_gone(grandchild) and not _is_alive(process.pid)


@pytest.mark.skipif(os.name == "nt", reason="reads /proc")
def test_grandchild_left_behind_by_a_crash_ends_too(tmp_path: Path) -> None:
    process = _start(
        tmp_path,
        """
        import os, pathlib, subprocess, sys
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
        pathlib.Path('grandchild').write_text(f'{child.pid}\\n')
        os._exit(9)
        """,
    )
    grandchild = _pid_in(tmp_path / "grandchild")
    (event,) = _events_until_end(process)
    assert "exit status 9" in event.message
    assert _wait_until_gone(grandchild)


@pytest.mark.skipif(os.name == "nt", reason="reads /proc")
def test_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """The child's standard input ends with its parent, however the parent ends."""
    child = "import os, pathlib, sys; pathlib.Path('child').write_text(f'{os.getpid()}\\n'); sys.stdin.read()"
    source = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [
            sys.executable, "-c",
            f"import sys; sys.path.insert(0, {str(source)!r})\n"
            "from importlib.util import module_from_spec, spec_from_file_location\n"
            f"spec = spec_from_file_location('child', {str(source / 'ikol_blender/runtime/child.py')!r})\n"
            "module = module_from_spec(spec); spec.loader.exec_module(module)\n"
            "from pathlib import Path; import time\n"
            f"kept = module.Child([sys.executable, '-c', {child!r}], Path({str(tmp_path)!r}))\n"
            "time.sleep(600)",
        ],
    )  # fmt: skip
    pid = _pid_in(tmp_path / "child")
    parent.kill()
    parent.wait()
    assert _wait_until_gone(pid)


def test_solver_that_cannot_start_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(IkolError, match="could not be started") as caught:
        SolverProcess([tmp_path / "no python"], tmp_path)
    assert "Install solver" in caught.value.hint


def test_following_gives_the_takes_or_raises_the_solvers_own_error(tmp_path: Path) -> None:
    heard = []
    process = _start(
        tmp_path, """print('{"event": "take", "person": 1, "path": "a.npz"}'); print('{"event": "done"}')"""
    )
    assert follow(process, heard.append) == [Path("a.npz")]
    assert heard == [TakeWritten(1, "a.npz"), Done()]
    process = _start(
        tmp_path, """print('{"event": "error", "code": "no_person", "message": "Nobody.", "hint": "H"}')"""
    )
    with pytest.raises(IkolError, match="Nobody") as caught:
        follow(process, heard.append)
    assert (caught.value.code, caught.value.hint) == ("no_person", "H")


def test_childs_python_sees_nothing_of_blenders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/blender")
    monkeypatch.setenv("PYTHONHOME", "")
    process = _start(
        tmp_path,
        """
        import os
        print('{"event": "warning", "code": "x", "message": "%s"}' % ('PYTHONPATH' in os.environ))
        print('{"event": "done"}')
        """,
    )
    assert _events_until_end(process)[0].message == "False"


def test_job_tells_where_a_solve_stands(tmp_path: Path) -> None:
    job = SolveJob(
        _start(
            tmp_path,
            """
            print('{"event": "started", "version": 1, "solver": "0", "device": "cpu"}')
            print('{"event": "progress", "stage": "detect", "done": 30, "total": 120, "eta_s": 9.0}', flush=True)
            input()
            print('{"event": "warning", "code": "few", "message": "Few frames."}')
            print('{"event": "take", "person": 1, "path": "a.npz"}')
            print('{"event": "done"}')
            """,
        )
    )
    while job.advance().fraction == 0:
        time.sleep(0.01)
    status = job.status
    assert (status.text, status.fraction, status.remaining_s) == ("Finding the person", 0.25, 9.0)
    assert status.elapsed_s > 0 and not status.ended
    job.process._child.send("")
    while not job.advance().ended:
        time.sleep(0.01)
    assert (job.status.takes, job.status.notices, job.status.failure) == ((Path("a.npz"),), ("Few frames.",), None)


@pytest.mark.skipif(os.name == "nt", reason="ignores SIGTERM, which Windows does not have")
def test_cancelled_job_says_so_until_it_has_ended(tmp_path: Path) -> None:
    job = SolveJob(
        _start(
            tmp_path,
            """
            import itertools, signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for done in itertools.count(1):
                print('{"event": "progress", "stage": "detect", "done": %d, "total": 999999}' % done, flush=True)
                time.sleep(0.01)
            """,
        )
    )
    while job.advance().fraction == 0:
        time.sleep(0.01)
    job.cancel()
    told = set()
    while not job.advance().ended:
        told.add(job.status.text)
        time.sleep(0.02)
    assert told == {"Cancelling"} and job.status.failure is not None and job.status.failure.code == "cancelled"


def test_clock() -> None:
    assert [clock(0.2), clock(75), clock(3725)] == ["0:00", "1:15", "1:02:05"]
