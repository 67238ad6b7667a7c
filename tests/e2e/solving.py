"""Runs the real solver in its own process, as Blender does."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from building.environments import ROOT
from solver.events import Event, read_events

DEMO_FOLDER = ROOT / "addon_assets" / "demo"


@dataclass(frozen=True)
class Ended:
    """A solver process that has ended."""

    status: int
    events: list[Event]
    stderr: str

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


def solver_command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "solver", *(str(argument) for argument in arguments)]


def solve(video: Path | str, out: Path | str, *options: object, prefix: tuple[str, ...] = ()) -> Ended:
    """Run `python -m solver solve VIDEO --out DIR --events ...` to its end; stdin stays open, as Blender keeps it."""
    command = [*prefix, *solver_command("solve", video, "--out", out, "--events", *options)]
    reader, writer = os.pipe()
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=reader, capture_output=True, text=True, encoding="utf-8", timeout=400
        )
    finally:
        os.close(reader)
        os.close(writer)
    return Ended(done.returncode, list(read_events(done.stdout.splitlines())), done.stderr)
