"""How a solve speaks to whoever started it: JSON Lines for a parent process, a progress bar for a person."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TextIO

from tqdm import tqdm

from .events import (
    HEARTBEAT_SECONDS,
    Event,
    Failed,
    Heartbeat,
    Notice,
    Progress,
    Started,
    TakeWritten,
    is_cancel,
    to_line,
)


class EventWriter:
    """Writes events to a stream, one line each, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._stream.write(to_line(event) + "\n")
            self._stream.flush()


class ProgressBar:
    """Shows events to a person at a terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._advance(event)
        elif isinstance(event, Started):
            tqdm.write(f"IKOL solver {event.solver} on {event.device}", file=sys.stderr)
        elif isinstance(event, Notice):
            tqdm.write(f"Note: {event.message}", file=sys.stderr)
        elif isinstance(event, TakeWritten):
            tqdm.write(f"Wrote {event.path}", file=sys.stderr)
        elif isinstance(event, Failed):
            self.close()
            print(f"{event.message}\n{event.hint}", file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _advance(self, event: Progress) -> None:
        if self._bar is None or event.stage != self._stage:
            self.close()
            self._stage = event.stage
            self._bar = tqdm(total=event.total, desc=event.stage.capitalize(), unit="frame", file=sys.stderr)
        self._bar.total = event.total
        self._bar.update(event.done - self._bar.n)


@contextmanager
def heartbeat(emit: EventWriter) -> Generator[None]:
    """A heartbeat each second while the block runs."""
    stopped = threading.Event()
    began = time.monotonic()

    def beat() -> None:
        while not stopped.wait(HEARTBEAT_SECONDS):
            try:
                emit(Heartbeat(round(time.monotonic() - began, 1)))
            except OSError:  # nobody listens any more; standard input tells the solve to stop
                return

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def watch_commands(cancelled: threading.Event) -> None:
    """Set `cancelled` when a cancel command comes, or when standard input ends because the parent is gone.

    Reads the descriptor itself: a daemon thread blocked inside `sys.stdin` would hold its lock at exit.
    """

    def listen() -> None:
        pending = b""
        while chunk := os.read(0, 4096):
            *lines, pending = (pending + chunk).split(b"\n")
            if any(is_cancel(line.decode(errors="replace")) for line in lines):
                break
        cancelled.set()

    threading.Thread(target=listen, name="commands", daemon=True).start()
