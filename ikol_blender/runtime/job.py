"""What a panel shows of a running solve, kept up to date by its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..contract import Done, Event, Failed, Notice, Progress, Started, TakeWritten
from .process import SolverProcess

# The solver says something each second once it runs; loading its libraries may take longer than that.
_HUNG_SECONDS = 20.0
_WORDS = {
    "detect": "Finding the person",
    "focal": "Finding the focal length",
    "lift": "Lifting to 3D",
    "solve": "Solving the motion",
}


@dataclass(frozen=True)
class JobStatus:
    """One moment of a solve.

    Attributes:
        text: what it is doing, in words.
        fraction: 0..1 of this stage.
        elapsed_s: seconds since it was started.
        remaining_s: seconds left of this stage; None when not known.
        takes: written so far.
        notices: what the user should know.
        failure: why it ended, when it failed or was cancelled.
        ended: whether the last event has come.
    """

    text: str = "Starting the solver"
    fraction: float = 0.0
    elapsed_s: float = 0.0
    remaining_s: float | None = None
    takes: tuple[Path, ...] = ()
    notices: tuple[str, ...] = ()
    failure: Failed | None = None
    ended: bool = False


class SolveJob:
    """A solver process and where it stands."""

    def __init__(self, process: SolverProcess) -> None:
        self.process = process
        self.status = JobStatus()
        self._cancelled = False

    def advance(self) -> JobStatus:
        """Take in what the solver said since the last call; never waits."""
        for event in self.process.poll():
            self.status = after_event(self.status, event)
        self.status = replace(self.status, elapsed_s=self.process.elapsed_s)
        if self.status.ended:
            return self.status
        if self._cancelled:  # the solver may tell of its progress until it hears of it
            self.status = replace(self.status, text="Cancelling", remaining_s=None)
        elif self.process.silent_s > _HUNG_SECONDS:
            silence = f"No word from the solver for {self.process.silent_s:.0f} s"
            self.status = replace(self.status, text=silence, remaining_s=None)
        return self.status

    def note(self, notice: str) -> None:
        """Something more that the user should know."""
        self.status = replace(self.status, notices=(*self.status.notices, notice))

    def cancel(self) -> None:
        """Ask the solver to stop; `advance` tells when it has."""
        self._cancelled = True
        self.process.cancel()
        self.status = replace(self.status, text="Cancelling", remaining_s=None)


def log_of(job: SolveJob) -> str:
    """What to send with a report: how the solve ended, and the last lines of the solver's log; "" without a log."""
    lines = job.process.log()
    failure = job.status.failure
    ending = [failure.message, ""] if failure is not None else []
    return "\n".join([*ending, *lines]) if any(line.strip() for line in lines) else ""


def after_event(status: JobStatus, event: Event) -> JobStatus:
    """The status once `event` has come."""
    match event:
        case Started():
            return replace(status, text=f"Solver ready on {event.device}")
        case Progress():
            return replace(
                status,
                text=_WORDS.get(event.stage, event.stage.capitalize()),
                fraction=min(1.0, event.done / event.total) if event.total > 0 else 0.0,
                remaining_s=event.eta_s,
            )
        case Notice():
            return replace(status, notices=(*status.notices, event.message))
        case TakeWritten():
            return replace(status, takes=(*status.takes, Path(event.path)))
        case Failed():
            return replace(status, text=event.message, failure=event, ended=True, remaining_s=None)
        case Done():
            return replace(status, text="Done", fraction=1.0, ended=True, remaining_s=None)
        case _:
            return status


def clock(seconds: float) -> str:
    """75 -> "1:15"."""
    whole = int(seconds + 0.5)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )
