"""A file of another tool becomes take files."""

from __future__ import annotations

from pathlib import Path

from ..body_file import Body
from ..take import write_take
from .place import to_takes
from .recognise import read_source


def convert(source: Path, out: Path, body: Body, rate_hz: float | None = None) -> list[tuple[Path, list[str]]]:
    """Write a take for each person in `source`: `out`, then "out_p2.npz", "out_p3.npz" beside it.

    Args:
        body: whose takes they become; a shape of SMPL needs an SMPL body.
        rate_hz: moments per second, where the file does not say; 30 when None.

    Returns:
        The files, each with what the user should know of it.

    Raises:
        SourceUnreadable: of no tool that is known, damaged or hostile.
        OutputUnwritable: a take cannot be written.
    """
    written: list[tuple[Path, list[str]]] = []
    for number, take in enumerate(to_takes(read_source(source), body, rate_hz), start=1):
        path = out if number == 1 else out.with_name(f"{out.stem}_p{number}{out.suffix}")
        written.append((write_take(take, path), list(take.meta["warnings"])))
    return written
