"""Runs all tests: the solver's and the end-to-end ones in .venv, Blender's in its own environment."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .environments import EVERY_BLENDER, ROOT, Environment, blender_environment, ensure, solver_environment

_SOLVER_TESTS = ("tests/building", "tests/solver", "tests/addon_assets", "tests/e2e")
_BLENDER_TESTS = ("tests/ikol_blender",)


@dataclass(frozen=True)
class Tally:
    """How one pytest ended."""

    ran: int
    failed: int
    skipped: int
    exit_status: int


def run_tests(*, every_blender: bool) -> int:
    """Set up, run every test, say how many ran; 0 when all that ran passed and some ran."""
    blenders = [blender_environment()]
    if every_blender:
        blenders += [blender_environment(version) for version in EVERY_BLENDER if version != "4.5"]
    solver = solver_environment(tools=True)
    ensure([solver, *blenders])
    tallies = [_pytest(solver, _SOLVER_TESTS, every_blender=every_blender)]
    tallies += [_pytest(blender, _BLENDER_TESTS, every_blender=False) for blender in blenders]
    ran, failed, skipped = (sum(getattr(tally, name) for tally in tallies) for name in ("ran", "failed", "skipped"))
    print(f"\n{ran + skipped} tests in all:\n{ran - failed} passed, {failed} failed, {skipped} skipped", flush=True)
    return exit_status_of(tallies)


def exit_status_of(tallies: Sequence[Tally]) -> int:
    """The status of the first pytest that failed or crashed; else 1 when nothing ran, and 0 when all is well.

    A crash is a signal's number below zero, as Python says it, and 128 above it, as shells do.
    """
    failed = next((tally.exit_status for tally in tallies if tally.exit_status != 0), None)
    if failed is None:
        return int(sum(tally.ran for tally in tallies) == 0)
    return failed if failed > 0 else 128 - failed


def _pytest(environment: Environment, folders: tuple[str, ...], *, every_blender: bool) -> Tally:
    present = [folder for folder in folders if (ROOT / folder).is_dir()]
    if not present:
        return Tally(0, 0, 0, 1)
    print(f"\n== Tests in the {environment.title} environment: {' '.join(present)}", flush=True)
    variables = {**os.environ, "IKOL_EVERY_BLENDER": "1"} if every_blender else dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="ikol-tests-") as scratch:
        results = Path(scratch, "results.xml")
        command = [environment.interpreter, "-m", "pytest", *present, f"--junit-xml={results}", "--durations=8"]
        status = subprocess.call([str(part) for part in command], cwd=ROOT, env=variables)
        return _tally(results, status)


def _tally(results: Path, status: int) -> Tally:
    if not results.exists():
        return Tally(0, 0, 0, status or 1)
    suites = ElementTree.parse(results).getroot().iter("testsuite")
    figures = [
        {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")} for suite in suites
    ]
    tests, failures, errors, skipped = (sum(row[name] for row in figures) for name in figures[0])
    return Tally(tests - skipped, failures + errors, skipped, status)
