"""The solver as a child process: a request goes in, events come out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..contract import (
    CANCEL_GRACE_SECONDS,
    SOLVER_HOME,
    Cancelled,
    Done,
    Event,
    Failed,
    IkolError,
    SolveRequest,
    TakeWritten,
    cancel_line,
    from_line,
)
from .child import Child
from .environment import is_installed

_POLL_SECONDS = 0.05
_AGAIN = "Press Install solver in the add-on's preferences once more."
_CORRECT = "Correct Python of your own in the add-on's preferences, or clear it and press Install solver there."
_FURNISH = (
    "Clear or correct Python of your own in the add-on's preferences, which comes before the installed solver; or "
    "install the solver's packages in it."
)


class SolverProcess:
    """A running solve. `poll` gives what it said since the last call and never waits."""

    def __init__(self, command: Sequence[str | Path], folder: Path) -> None:
        """Start a program that speaks the process protocol. `start_solve` starts the solver.

        Raises:
            IkolError: it cannot be started.
        """
        self._python = Path(command[0])
        try:
            self._child = Child(command, folder)
        except OSError as error:
            raise IkolError(
                f"The solver could not be started: {error.strerror or error}.",
                hint=_AGAIN if is_installed(self._python) else _CORRECT,
            ) from error
        self._last_word = time.monotonic()
        self._concluded = False
        self._cancelled = False

    def poll(self) -> list[Event]:
        """The events since the last call. The last one of a solve is always Done or Failed.

        A solver that ends without a word, because it crashed or was cancelled the hard way, is given its Failed here.
        """
        if self._concluded:
            return []
        ended = self._child.ended  # before reading: lines that come later belong to the next call
        lines = self._child.lines()
        if lines:
            self._last_word = time.monotonic()
        events: list[Event] = []
        for line in lines:
            event = from_line(line)
            if event is not None:
                events.append(event)
            if isinstance(event, (Done, Failed)):
                self._concluded = True
                return events
        if ended:
            self._concluded = True
            events.append(self._last_event())
        return events

    def cancel(self) -> None:
        """Ask it to stop; after CANCEL_GRACE_SECONDS terminate, then kill it and all it started. Returns at once."""
        self._cancelled = True
        self._child.send(cancel_line())
        self._child.stop(CANCEL_GRACE_SECONDS)

    def kill(self) -> None:
        """End it now: nobody is left to hear its events."""
        self._cancelled = True
        self._child.stop(0.0)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the process has ended; whether it has."""
        return self._child.wait(timeout_s)

    @property
    def concluded(self) -> bool:
        """Whether `poll` has given the last event."""
        return self._concluded

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._child.began

    @property
    def silent_s(self) -> float:
        """Seconds since it last said anything; it says something every second unless it hangs or starts."""
        return time.monotonic() - self._last_word

    @property
    def pid(self) -> int:
        return self._child.pid

    def log(self) -> list[str]:
        """The last lines of its standard error."""
        return self._child.log()

    def _last_event(self) -> Failed:
        if self._cancelled:
            return Failed(Cancelled.code, "The solve was cancelled.", Cancelled.hint)
        words = [line.strip() for line in self.log() if line.strip()]
        reason = f": {words[-1].rstrip('.')}" if words else ""
        return Failed(
            IkolError.code,
            f"The solver stopped unexpectedly (exit status {self._child.exit_status}){reason}.",
            f"{_AGAIN if is_installed(self._python) else _FURNISH} If that does not help, report it with the log.",
        )


def start_solve(request: SolveRequest, python: Path) -> SolverProcess:
    """Start `python -m solver solve ...`.

    Raises:
        IkolError: `python` cannot be started.
    """
    # -m finds `solver` in the working directory: the extension's folder, or the checkout.
    return SolverProcess([python, "-m", "solver", *request.to_arguments()], SOLVER_HOME)


def follow(process: SolverProcess, on_event: Callable[[Event], None]) -> list[Path]:
    """Wait for a solve to end, telling `on_event` each event; the takes that it wrote.

    Raises:
        IkolError: the solve failed or was cancelled; `code` says why.
    """
    takes: list[Path] = []
    try:
        while not process.concluded:
            for event in process.poll():
                on_event(event)
                if isinstance(event, TakeWritten):
                    takes.append(Path(event.path))
                elif isinstance(event, Failed):
                    raise error_of(event)
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        process.cancel()
        raise
    finally:
        # A solver that has said its last word may still be closing its files.
        if not process.wait(CANCEL_GRACE_SECONDS):
            process.kill()
            process.wait()
    return takes


def solve_blocking(request: SolveRequest, python: Path, on_event: Callable[[Event], None]) -> list[Path]:
    """Solve and wait; the takes written.

    Raises:
        IkolError: the solve failed; `code` says why.
    """
    return follow(start_solve(request, python), on_event)


def error_of(event: Failed) -> IkolError:
    """The error that a Failed event tells of, with the solver's own code."""
    error = IkolError(event.message, event.hint)
    error.code = event.code
    return error
