"""The command line: `python -m solver solve|evaluate|overlay|convert|doctor`.

Exit status: 0 done, 2 bad input, 3 no person, 130 cancelled, 1 our fault.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .errors import BadInput, Cancelled, IkolError
from .events import DETECTORS, DEVICES, ESTIMATE, Done, Event, Failed, Notice, SolveRequest, TakeWritten
from .reporting import EventWriter, ProgressBar, heartbeat, watch_commands


class _Parser(argparse.ArgumentParser):
    """Raises instead of exiting, so that a wrong option reaches the parent as an event like any other error."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:]}.", hint=f"See {self.prog} --help.")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the process's exit status."""
    # Known before parsing, because a wrong option must be reported the way the caller listens.
    emit = EventWriter(sys.stdout) if "--events" in arguments else ProgressBar()
    try:
        return _run(arguments, emit)
    except BrokenPipeError:  # the parent closed our output: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Cancelled.exit_status


def _run(arguments: Sequence[str], emit: EventWriter | ProgressBar) -> int:
    try:
        options = _parser().parse_args(arguments)
        return options.run(options, emit)
    except IkolError as error:
        return _report(emit, error)
    except KeyboardInterrupt:
        return _report(emit, Cancelled("The solve was cancelled; nothing was written."))
    except BrokenPipeError:
        raise
    except Exception as error:
        traceback.print_exc()
        return _report(emit, IkolError(f"The solver failed: {type(error).__name__}: {error}"))


def _report(emit: Callable[[Event], None], error: IkolError) -> int:
    emit(Failed(error.code, error.message, error.hint))
    return error.exit_status


def _solve(options: argparse.Namespace, emit: EventWriter | ProgressBar) -> int:
    from .pipeline import Job, solve  # torch takes seconds to import: not for --help

    request = SolveRequest(
        video=options.video,
        out=options.out,
        start=options.start,
        end=options.end,
        model=options.model,
        detector=options.detector,
        device=options.device,
        focal_px=None if options.focal == ESTIMATE else options.focal,
        estimate_focal=options.focal == ESTIMATE,
        height_cm=options.height,
        rate_hz=options.fps,
        person_box=None if options.person_box is None else tuple(options.person_box),
        person_at=options.person_at,
    )
    cancelled = threading.Event()

    def cancel(_signal: int, _frame: FrameType | None) -> None:
        cancelled.set()

    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, cancel)
    with ExitStack() as running:
        if isinstance(emit, EventWriter):
            watch_commands(cancelled)
            running.enter_context(heartbeat(emit))
        else:
            running.callback(emit.close)
        solve(request, Job(emit, cancelled.is_set))
    emit(Done())
    return 0


def _evaluate(options: argparse.Namespace, emit: Callable[[Event], None]) -> int:
    from .body_file import read_body
    from .evaluate import format_figures, measure
    from .take import read_take

    truth = None if options.truth is None else read_take(Path(options.truth))
    figures = measure(read_take(Path(options.take)), read_body(options.model), truth)
    print(json.dumps(figures) if options.json else format_figures(figures))
    return 0


def _overlay(options: argparse.Namespace, emit: Callable[[Event], None]) -> int:
    from .overlay import draw_overlay
    from .take import read_take

    draw_overlay(Path(options.video), read_take(Path(options.take)), Path(options.out))
    return 0


def _convert(options: argparse.Namespace, emit: EventWriter | ProgressBar) -> int:
    from .body_file import read_body
    from .convert.run import convert

    rate_hz: float | None = options.fps
    written = convert(Path(options.source), Path(options.out), read_body(options.model), rate_hz)
    for person, (path, warnings) in enumerate(written, start=1):
        for warning in warnings:
            emit(Notice("converted", warning))
        emit(TakeWritten(person, str(path)))
    emit(Done())
    return 0


def _doctor(options: argparse.Namespace, emit: Callable[[Event], None]) -> int:
    from .doctor import examine

    findings = examine()
    for finding in findings:
        print(f"{'ok  ' if finding.works else 'FAIL'}  {finding.name}: {finding.detail}")
    return 0 if all(finding.works for finding in findings) else 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m solver", description="IKOL: a video of a person becomes animation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    solve = commands.add_parser("solve", help="a video to takes")
    solve.add_argument("video")
    solve.add_argument("--out", required=True, metavar="DIR", help="folder for take_p1.npz, take_p2.npz, ...")
    solve.add_argument("--start", type=_seconds, metavar="S", help="in point, seconds from the first frame")
    solve.add_argument("--end", type=_seconds, metavar="S", help="out point, seconds from the first frame")
    solve.add_argument("--model", default="open", metavar="open|PATH", help="the open body, or an SMPL .npz or .pkl")
    solve.add_argument("--detector", default="heavy", choices=DETECTORS)
    solve.add_argument("--device", default="auto", choices=DEVICES)
    solve.add_argument(
        "--focal",
        type=_focal,
        metavar=f"PX|{ESTIMATE}",
        help="focal length in pixels; else the file's, or assumed, or estimated from a walk where the file tells none",
    )
    solve.add_argument("--height", type=_positive, metavar="CM", help="the person's height")
    solve.add_argument("--fps", type=_positive, metavar="HZ", help="time base of the take; the video's own by default")
    solve.add_argument(
        "--person-box",
        type=float,
        nargs=4,
        metavar=("LEFT", "TOP", "WIDTH", "HEIGHT"),
        help="solve only the person in this box, pixels of the upright picture",
    )
    solve.add_argument(
        "--person-at", type=_seconds, metavar="S", help="when that person is there; the in point if not given"
    )
    solve.add_argument(
        "--events", action="store_true", help="JSON Lines on standard output, commands on standard input"
    )
    solve.set_defaults(run=_solve)

    evaluate = commands.add_parser("evaluate", help="a take's quality, by itself or against its truth")
    evaluate.add_argument("take")
    evaluate.add_argument("--truth", metavar="FILE", help="a take of what really happened")
    evaluate.add_argument("--model", default="open", help='"open" or an SMPL file (default: open)')
    evaluate.add_argument("--json", action="store_true", help="one JSON object")
    evaluate.set_defaults(run=_evaluate)

    overlay = commands.add_parser("overlay", help="landmarks and the solved skeleton drawn on the video")
    overlay.add_argument("video")
    overlay.add_argument("take")
    overlay.add_argument("--out", required=True, metavar="FILE")
    overlay.set_defaults(run=_overlay)

    convert = commands.add_parser("convert", help="motion of another tool to takes")
    convert.add_argument("source", help="AMASS .npz, WHAM or 4D-Humans .pkl, GVHMR .pt, ROMP .npz, and others")
    convert.add_argument("--out", required=True, metavar="TAKE", help="take.npz; more people go to take_p2.npz, ...")
    convert.add_argument("--model", default="open", metavar="open|PATH", help="the open body, or an SMPL .npz or .pkl")
    convert.add_argument("--fps", type=_positive, metavar="HZ", help="frames a second, where the file does not say")
    convert.add_argument("--events", action="store_true", help="JSON Lines on standard output")
    convert.set_defaults(run=_convert)

    doctor = commands.add_parser("doctor", help="what works on this machine")
    doctor.set_defaults(run=_doctor)
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _focal(text: str) -> float | str:
    return text if text == ESTIMATE else _positive(text)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a moment of the clip")
    return value
