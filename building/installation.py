"""Runs installations side by side and says, in words, how far each is."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .failure import BuildFailure

_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 10.0
_NETWORK_ERRORS = (
    "ConnectionError",
    "NewConnectionError",
    "Temporary failure",
    "timed out",
    "No matching distribution",
)


@dataclass(frozen=True)
class Step:
    """One pip at work.

    Attributes:
        title: what people read.
        command: the command line.
        log: where its output is kept.
    """

    title: str
    command: list[str]
    log: Path


class _Running:
    """A started step: its process, its log and the last thing it said."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.doing = "starting"
        self.process = subprocess.Popen(
            step.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        return self._reader.is_alive() or self.process.poll() is None

    def _read(self) -> None:
        with open(self.step.log, "w", encoding="utf-8") as log:
            for line in self.process.stdout or ():
                log.write(line)
                self.doing = _in_words(line) or self.doing


def run_together(steps: Sequence[Step]) -> None:
    """Run every step at once and show progress until the last has ended.

    Raises:
        BuildFailure: a step failed; the others are stopped.
    """
    began = time.monotonic()
    running = [_Running(step) for step in steps]
    try:
        failed = _show_until_done(running, began)
    finally:
        for one in running:
            if one.process.poll() is None:
                one.process.terminate()
                one.process.wait()
    if failed is not None:
        raise _failure_of(failed.step)


def _show_until_done(running: Sequence[_Running], began: float) -> _Running | None:
    """The first that failed, while others may still run; None when all have ended well."""
    live = sys.stdout.isatty()
    next_words = time.monotonic() if live else time.monotonic() + 1
    open_ones = list(running)
    while open_ones:
        time.sleep(0.1)
        now = time.monotonic()
        ended = [one for one in open_ones if not one.alive]
        for one in ended:
            open_ones.remove(one)
            result = "ready" if one.process.returncode == 0 else "failed"
            print(f"{_clear(live)}{one.step.title}: {result} after {now - began:.0f} s", flush=True)
        failed = next((one for one in ended if one.process.returncode != 0), None)
        if failed is not None:
            return failed
        if open_ones and now >= next_words:
            words = " | ".join(f"{one.step.title}: {one.doing}" for one in open_ones)
            print(f"{_clear(live)}[{now - began:4.0f} s] {words[:150]}", end="" if live else "\n", flush=True)
            next_words = now + (_TERMINAL_SECONDS if live else _LOG_SECONDS)
    return None


def _clear(live: bool) -> str:
    return "\r\x1b[2K" if live else ""


def _in_words(line: str) -> str | None:
    """What a line of pip's output says, for people; None when it says nothing new."""
    line = line.strip()
    if match := re.match(r"Collecting (\S+)", line):
        return f"fetching {match.group(1)}"
    if match := re.match(r"Downloading (\S+?)(-\d\S*)?(?:\.metadata)? \(([^)]+)\)", line):
        return f"downloading {match.group(1).rsplit('/', 1)[-1]} ({match.group(3)})"
    if line.startswith("Installing collected packages"):
        return f"unpacking {line.count(',') + 1} packages"
    if line.startswith("Requirement already satisfied"):
        return "checking what is there"
    return None


def _failure_of(step: Step) -> BuildFailure:
    text = step.log.read_text(encoding="utf-8", errors="replace")
    errors = [line for line in text.splitlines() if line.startswith("ERROR")] or text.splitlines()[-1:]
    reason = errors[-1] if errors else "pip said nothing"
    if "No space left" in text:
        hint = "Free 4 GB on this disk and run the command again; it goes on where it stopped."
    elif any(sign in text for sign in _NETWORK_ERRORS):
        hint = "Check the network connection and run the command again; it goes on where it stopped."
    else:
        hint = f"Read {step.log}, then run the command again."
    return BuildFailure(f"The {step.title} could not be installed: {reason}", hint)
