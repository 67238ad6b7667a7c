"""Runs `building.blender_session` in a Blender environment and passes on what it says."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from .environments import BLENDER, ROOT, blender_environment
from .failure import BuildFailure

SPOKEN = "ikol: "


def run_session(task: str, *arguments: Path, log: Path, version: str = BLENDER) -> None:
    """Run one task of `building.blender_session` in Blender `version`, with preferences and extensions of its own.

    Blender's own chatter goes to `log`; what the task says to people is printed.

    Raises:
        BuildFailure: the task failed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ikol-blender-") as resources, open(log, "w", encoding="utf-8") as kept:
        process = subprocess.Popen(
            [blender_environment(version).interpreter, "-m", "building.blender_session", task, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "BLENDER_USER_RESOURCES": resources},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            last = "it said nothing"
            for line in process.stdout or ():
                kept.write(line)
                last = line.strip() or last
                if line.startswith(SPOKEN):
                    print(f"      {line.removeprefix(SPOKEN).rstrip()}", flush=True)
            status = process.wait()
        finally:
            process.kill()
    if status != 0:
        raise BuildFailure(f"Blender stopped with status {status}: {last}", f"Read {log}.")
