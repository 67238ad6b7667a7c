"""Installing the solver's environment, step by step, in a child process that can be stopped."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract import SOLVER_HOME, Cancelled, IkolError
from .child import LOG_LINES, Child
from .environment import SolverEnvironment

_STOP_GRACE_SECONDS = 0.5


@dataclass(frozen=True)
class Step:
    """One program of an installation.

    Attributes:
        title: what the user reads while it runs.
        command: program and arguments.
        advice: what to do when it fails.
    """

    title: str
    command: tuple[str | Path, ...]
    advice: str


def installation_steps(environment: SolverEnvironment, base_python: Path) -> list[Step]:
    """An empty environment, then the pinned packages, then the proof that the solver works."""
    return [
        Step(
            "Making an environment",
            (base_python, "-m", "venv", "--clear", environment.folder),
            "Free space on the disk, or install Python 3.11 with its venv package.",
        ),
        Step(
            "Downloading and installing packages",
            (
                environment.python,
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-input",
                "--progress-bar",
                "off",
                "--only-binary",
                ":all:",
                "-r",
                environment.requirements,
            ),
            "Check the connection and the free space (4 GB), then press Install solver again.",
        ),
        Step(
            "Checking the solver",
            (environment.python, "-m", "solver", "doctor"),
            "The log says which part does not work; report it with the log.",
        ),
    ]


class Installation:
    """A running installation. `advance` starts the next step when one ends; it never waits."""

    def __init__(self, environment: SolverEnvironment, steps: Sequence[Step]) -> None:
        """Mark the environment incomplete and start the first of `steps`.

        Raises:
            IkolError: the environment's folder cannot be written, or the first program cannot be started.
        """
        self._environment = environment
        self._steps = list(steps)
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._number = 0
        environment.mark_incomplete()
        self._child = self._start()
        self._cancelled = False
        self.failure: IkolError | None = None
        self.ended = False

    @property
    def title(self) -> str:
        """What is being done, or how it ended."""
        if self.failure is not None:
            return self.failure.message
        if self._cancelled:
            return "Cancelling"
        return "The solver is installed" if self.ended else self._steps[self._number].title

    @property
    def fraction(self) -> float:
        """0..1, by steps."""
        return 1.0 if self.ended and self.failure is None else self._number / len(self._steps)

    def log(self) -> list[str]:
        """The last lines that the steps wrote."""
        return list(self._log)

    def advance(self) -> None:
        """Read what was written, and go on when a step has ended."""
        if self.ended:
            return
        ended = self._child.ended
        self._log.extend(self._child.lines())
        if not ended:
            return
        if self._cancelled:
            self._fail(Cancelled("The installation was cancelled.", "Press Install solver to start again."))
            return
        step = self._steps[self._number]
        if self._child.exit_status != 0:
            words = [line for line in self.log() if line.strip()]
            self._fail(IkolError(f"{step.title} failed: {words[-1] if words else 'no reason was given'}", step.advice))
            return
        self._number += 1
        try:
            if self._number == len(self._steps):
                self._environment.mark_ready()
                self.ended = True
                return
            # venv --clear emptied the folder, the marker with it.
            self._environment.mark_incomplete()
            self._child = self._start()
        except IkolError as error:
            self._fail(error)

    def cancel(self) -> None:
        """Stop; the environment stays marked incomplete. Returns at once; `advance` tells when it has stopped.

        Until then it is not ended: pip still writes where the next installation, or Remove, would begin.
        """
        self._cancelled = True
        self._child.stop(_STOP_GRACE_SECONDS)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the step that runs has ended; whether it has."""
        return self._child.wait(timeout_s)

    def _start(self) -> Child:
        step = self._steps[self._number]
        self._log.append(f"== {step.title}")
        try:
            return Child(step.command, SOLVER_HOME, merge_streams=True)
        except OSError as error:
            raise IkolError(f"{step.title} failed: {error.strerror or error}.", step.advice) from error

    def _fail(self, error: IkolError) -> None:
        self.failure = error
        self.ended = True
