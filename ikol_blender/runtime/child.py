"""A child process with its whole tree: started apart, read without blocking, ended for certain."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

LOG_LINES = 500
_TERMINATE_GRACE_SECONDS = 1.0
# What would make the child's Python look for its modules in Blender's.
_FOREIGN_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONSAFEPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)


class Child:
    """A running program. Its output is read by threads, so no call here waits for it, except `wait`.

    Lines of standard output wait in a queue; lines of standard error are the log, of which the last LOG_LINES are kept.
    However it ends, what it started ends with it.
    """

    def __init__(self, command: Sequence[str | Path], folder: Path, *, merge_streams: bool = False) -> None:
        """Start `command` in `folder`; `merge_streams` sends its standard error the way of its standard output.

        Raises:
            OSError: the program cannot be started.
        """
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=clean_environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_streams else subprocess.PIPE,
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._stopping = threading.Event()
        streams = ((self._process.stdout, self._lines.put), (self._process.stderr, self._log.append))
        self._readers = [self._thread("reader", self._read, stream, keep) for stream, keep in streams if stream]
        self._watcher = self._thread("watcher", self._watch)

    def lines(self) -> list[str]:
        """The lines of standard output since the last call."""
        found: list[str] = []
        while True:
            try:
                found.append(self._lines.get_nowait())
            except queue.Empty:
                return found

    def log(self) -> list[str]:
        """The last lines of standard error."""
        return list(self._log)

    @property
    def ended(self) -> bool:
        """Whether the program has ended and all that it wrote was read."""
        return not self._watcher.is_alive()

    @property
    def exit_status(self) -> int | None:
        """What it ended with (minus the signal's number when killed by one); None while it runs."""
        return self._process.returncode if self.ended else None

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, line: str) -> None:
        """Write a line to its standard input; a program that has gone cannot be told and need not be."""
        stream = self._process.stdin
        if stream is None:
            return
        try:
            stream.write(line.encode() + b"\n")
            stream.flush()
        except (OSError, ValueError):
            return

    def stop(self, grace_s: float) -> None:
        """End it: give it `grace_s` to end by itself, then terminate its tree, then kill it. Returns at once."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread("stop", self._escalate, grace_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended; whether it has."""
        self._watcher.join(timeout_s)
        return self.ended

    def _escalate(self, grace_s: float) -> None:
        if not self._exits_within(grace_s):
            _signal_tree(self._process.pid, force=False)
            if not self._exits_within(_TERMINATE_GRACE_SECONDS):
                _signal_tree(self._process.pid, force=True)

    def _exits_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _watch(self) -> None:
        self._process.wait()
        # A grandchild that stayed behind would hold our pipes open and the machine busy.
        _signal_tree(self._process.pid, force=True)
        for reader in self._readers:
            reader.join()

    @staticmethod
    def _read(stream: IO[bytes], keep: Callable[[str], None]) -> None:
        with stream:
            for line in stream:
                keep(line.decode(errors="replace").rstrip("\r\n"))

    @staticmethod
    def _thread(name: str, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, name=f"ikol {name}", daemon=True)
        thread.start()
        return thread


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child whose Python is not Blender's."""
    kept = {name: value for name, value in variables.items() if name not in _FOREIGN_VARIABLES}
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def _signal_tree(pid: int, *, force: bool) -> None:
    """Ask the process `pid` and everything it started to end, or end it."""
    if os.name == "nt":
        flags = ["/F"] if force else []
        subprocess.run(
            ["taskkill", *flags, "/T", "/PID", str(pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,  # fails when it has ended already, which is what we want
        )
        return
    try:
        os.killpg(pid, signal.SIGKILL if force else signal.SIGTERM)
    except (ProcessLookupError, PermissionError):  # nobody is left; macOS says EPERM of a group of zombies
        return
