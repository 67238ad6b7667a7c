"""The process protocol: what a job needs, what the solver says, what it is told. Standard library only.

Events go to the solver's stdout as JSON Lines, flushed; commands come to its stdin the same way.
Blender reads this same module, so the two sides cannot disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

PROTOCOL_VERSION = 1
HEARTBEAT_SECONDS = 1.0
CANCEL_GRACE_SECONDS = 2.0
DETECTORS = ("heavy", "full", "lite")
ESTIMATE = "estimate"  # in place of a focal length
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class SolveRequest:
    """Everything that one solve needs.

    Attributes:
        video: path of the clip.
        out: folder for the takes.
        start, end: part of the clip, seconds from its first frame; None is the clip's own limit.
        model: "open", or the path of an SMPL .npz or .pkl file.
        detector: one of DETECTORS.
        device: one of DEVICES.
        focal_px: focal length in pixels of the upright image; None takes the file's, or else assumes one.
        estimate_focal: where it would be assumed, let the steps of the first person correct it.
        height_cm: the person's height; None lets the proportions decide.
        rate_hz: time base of the take; None keeps the video's own.
        person_box: left, top, width and height, px of the upright image, of the one person to solve; None solves all.
        person_at: seconds from the clip's first frame at which that person is there; None is the in point.
    """

    video: str
    out: str
    start: float | None = None
    end: float | None = None
    model: str = "open"
    detector: str = "heavy"
    device: str = "auto"
    focal_px: float | None = None
    estimate_focal: bool = False
    height_cm: float | None = None
    rate_hz: float | None = None
    person_box: tuple[float, float, float, float] | None = None
    person_at: float | None = None

    def to_arguments(self) -> list[str]:
        """The command line of `python -m solver` for this job, events on."""
        options = {
            "--start": self.start,
            "--end": self.end,
            "--focal": self.focal_px,
            "--height": self.height_cm,
            "--fps": self.rate_hz,
            "--person-at": self.person_at,
        }
        line = ["solve", self.video, "--out", self.out, "--events", "--model", self.model]
        line += ["--detector", self.detector, "--device", self.device]
        for name, value in options.items():
            if value is not None:
                line += [name, repr(float(value))]
        if self.estimate_focal and self.focal_px is None:
            line += ["--focal", ESTIMATE]
        if self.person_box is not None:
            line += ["--person-box", *(repr(float(side)) for side in self.person_box)]
        return line


@dataclass(frozen=True)
class Started:
    kind: ClassVar[str] = "started"
    version: int
    solver: str
    device: str


@dataclass(frozen=True)
class Progress:
    kind: ClassVar[str] = "progress"
    stage: str
    done: int
    total: int
    eta_s: float | None = None


@dataclass(frozen=True)
class Preview:
    """Landmarks of one person on one frame: [[x px, y px, visibility], ...]."""

    kind: ClassVar[str] = "preview"
    frame: int
    landmarks: list[list[float]]


@dataclass(frozen=True)
class Notice:
    """Something the user should know that did not stop the solve."""

    kind: ClassVar[str] = "warning"
    code: str
    message: str


@dataclass(frozen=True)
class TakeWritten:
    kind: ClassVar[str] = "take"
    person: int
    path: str


@dataclass(frozen=True)
class Failed:
    kind: ClassVar[str] = "error"
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Heartbeat:
    """Sent every HEARTBEAT_SECONDS, so that the parent can tell slow from hung."""

    kind: ClassVar[str] = "heartbeat"
    elapsed_s: float


@dataclass(frozen=True)
class Done:
    kind: ClassVar[str] = "done"


Event = Started | Progress | Preview | Notice | TakeWritten | Failed | Heartbeat | Done

_EVENT_TYPES: dict[str, type[Event]] = {
    event_type.kind: event_type
    for event_type in (Started, Progress, Preview, Notice, TakeWritten, Failed, Heartbeat, Done)
}


def to_line(event: Event) -> str:
    """One JSON object without line breaks, to be followed by a newline."""
    return json.dumps({"event": event.kind, **asdict(event)}, ensure_ascii=True)


def from_line(line: str) -> Event | None:
    """The event on `line`; None for foreign output, a truncated line or an event of a newer solver.

    Unknown fields of a known event are ignored, so that an older reader survives a newer solver.
    """
    stored = _object_in(line)
    event_type = _EVENT_TYPES.get(str(stored.pop("event", "")))
    if event_type is None:
        return None
    known = {entry.name for entry in fields(event_type)}
    try:
        return event_type(**{name: value for name, value in stored.items() if name in known})
    except TypeError:
        return None


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """The events among `lines`, in order."""
    for line in lines:
        event = from_line(line)
        if event is not None:
            yield event


def cancel_line() -> str:
    """The command that asks the solver to stop."""
    return json.dumps({"command": "cancel"})


def is_cancel(line: str) -> bool:
    """Whether `line` asks the solver to stop."""
    return _object_in(line).get("command") == "cancel"


def _object_in(line: str) -> dict[str, Any]:
    try:
        stored = json.loads(line)
    except ValueError:
        return {}
    return stored if isinstance(stored, dict) else {}
