"""Video to takes: every stage in order, each a function that can be called alone.

video -> observations -> keypoints -> rotations -> take. The data flows one way.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import __version__
from .assemble import SolvedPerson, assemble_takes
from .body_file import Body, read_body
from .detect import BlazePose, Observations, PersonLandmarks, choose_person, gather_observations
from .device import choose_device
from .errors import BadInput, Cancelled, NoPersonFound, OutputUnwritable
from .events import PROTOCOL_VERSION, Event, Notice, Preview, Progress, SolveRequest, Started, TakeWritten
from .focal import estimate_focal
from .ikol import Skeleton
from .lens import focal_length
from .lift import CorrectedLandmarks, correct_landmarks
from .motion.background import BackgroundFollower, CameraTurns
from .motion.camera import Intrinsics, intrinsics, level_by
from .motion.segments import Segments, SegmentWatcher
from .motion.verticals import find_upright
from .person import PersonSolver, Track, prepare_track
from .take import write_take
from .video import VideoInfo, probe_video, read_frames, uniform_rate

Array = NDArray[Any]

_PREVIEW_SECONDS = 0.25
_PROGRESS_SECONDS = 0.1
_DAMAGE_SECONDS = 1.0  # files say their length only roughly


@dataclass(frozen=True)
class Job:
    """What a running solve needs to speak and to stop.

    Attributes:
        emit: takes each event as it happens.
        cancelled: whether the user asked to stop.
    """

    emit: Callable[[Event], None]
    cancelled: Callable[[], bool]

    def stop_if_cancelled(self) -> None:
        """Raise Cancelled when the user asked to stop."""
        if self.cancelled():
            raise Cancelled("The solve was cancelled; nothing was written.")


@dataclass(frozen=True)
class _StageProgress:
    """Tells how far a stage is with one person among all: `done` moments before, `own` of `total`."""

    job: Job
    stage: str
    done: int
    own: int
    total: int

    def __call__(self, share: float) -> None:
        self.job.stop_if_cancelled()
        self.job.emit(Progress(self.stage, self.done + round(share * self.own), self.total))


def solve(request: SolveRequest, job: Job) -> list[Path]:
    """Solve the request's clip and write one take per person.

    Raises:
        BadInput: a file or an option cannot be used.
        NoPersonFound: nobody in the chosen part of the clip.
        Cancelled: the user asked to stop.
    """
    video = probe_video(Path(request.video))
    body = read_body(request.model)
    device = choose_device(request.device)
    with _output_folder(Path(request.out)) as folder:
        job.emit(Started(version=PROTOCOL_VERSION, solver=__version__, device=str(device)))
        return _solve_into(folder, request, job, video, body, device)


def _solve_into(
    folder: Path, request: SolveRequest, job: Job, video: VideoInfo, body: Body, device: torch.device
) -> list[Path]:
    """The takes, written into `folder`."""
    background, segments = BackgroundFollower(), SegmentWatcher()
    people = _observe(video, request, background, segments, job)
    if not people:
        raise NoPersonFound(f"Nobody was found in {Path(request.video).name}.")
    chosen = people
    if request.person_box is not None:
        moment = float(people[0].times[0]) if request.person_at is None else request.person_at
        chosen = [choose_person(people, request.person_box, moment)]
    rate_hz = request.rate_hz or uniform_rate(people[0].times)
    skeleton = Skeleton.from_body(request.model)
    height = None if request.height_cm is None else request.height_cm / 100
    solver = PersonSolver(body, skeleton, height, rate_hz, device, job.stop_if_cancelled)
    tracks = [prepare_track(observed, rate_hz) for observed in chosen]
    moments = [int(track.observations.seen.sum()) for track in tracks]
    focal = focal_length(video.path, video.image_size, request.focal_px)
    if request.estimate_focal and focal.source == "assumed":
        view = _View(video.image_size, people, background, segments, solver.rate_hz)
        looking = _StageProgress(job, "focal", 0, moments[0], moments[0])
        focal = estimate_focal(focal, solver, tracks[0], partial(view.look, tracks[0]), looking)
        if focal.source == "assumed":
            job.emit(Notice("focal_assumed", "Nobody walks nearer or away; the focal length is assumed."))
    settings = {
        **_describe(video, request, device),
        "in_point_s": float(people[0].times[0]),
        "focal_source": focal.source,
        "focal_sigma": focal.sigma,
    }
    camera = intrinsics(video.image_size, focal.pixels)
    lifting = _StageProgress(job, "lift", 0, moments[0], moments[0])
    lifting(0.0)
    corrected = [correct_landmarks(track.observations, camera, rate_hz) for track in tracks]
    turns = background.turns(people, camera)
    edges = segments.background(people, camera, turns)
    del background, segments, people, chosen  # corners and raw landmarks: of no more use, and kilobytes a moment
    cameras = _stand_cameras(camera, turns, edges, focal.sigma, solver, tracks, corrected, lifting)
    solved: list[SolvedPerson] = []
    for number, (track, landmarks, camera) in enumerate(zip(tracks, corrected, cameras, strict=True)):
        progress = _StageProgress(job, "solve", sum(moments[:number]), moments[number], sum(moments))
        solved.append(solver.solve(track, landmarks, camera, progress))
        for warning in solved[-1].warnings:
            job.emit(Notice("out_of_sight", warning))
    takes = assemble_takes(solved, body, rate_hz, settings)
    job.emit(Progress("solve", sum(moments), sum(moments), 0.0))
    job.stop_if_cancelled()  # from here on all takes are written or, when one cannot be, the user is told
    paths: list[Path] = []
    for number, take in enumerate(takes, start=1):
        paths.append(write_take(take, folder / f"take_p{number}.npz"))
        job.emit(TakeWritten(person=number, path=str(paths[-1])))
    _remove_leftovers(folder, len(paths))
    return paths


@dataclass(frozen=True)
class _View:
    """What the clip looks like to a camera whose focal length is not known yet."""

    image_size: tuple[int, int]
    people: list[Observations]
    background: BackgroundFollower
    segments: SegmentWatcher
    rate_hz: float

    def look(self, track: Track, focal_px: float) -> tuple[CorrectedLandmarks, Intrinsics, Array]:
        """A person's corrected landmarks, the camera as level as they and the background tell, and how sure that is."""
        camera = intrinsics(self.image_size, focal_px)
        corrected = correct_landmarks(track.observations, camera, self.rate_hz)
        turns = self.background.turns(self.people, camera)
        edges = self.segments.background(self.people, camera, turns)
        level, known = _level(turns, edges, 0.0, [track], [corrected])
        return corrected, replace(camera, level=level @ turns.at(track.observations.times)), known


def _observe(
    video: VideoInfo, request: SolveRequest, background: BackgroundFollower, segments: SegmentWatcher, job: Job
) -> list[Observations]:
    """Everybody in the chosen part of the clip, at the video's own moments."""
    start, end = request.start or 0.0, request.end if request.end is not None else video.duration_s
    if start >= end:
        raise BadInput(
            f"The chosen part is empty: it starts at {start:g} s and ends at {end:g} s.",
            hint="Set the out point after the in point, within the clip.",
        )
    total = max(1, round((min(end, video.duration_s) - start) * video.rate_hz))
    began = time.monotonic()
    next_progress = next_preview = began
    last_s = -1.0

    def on_frame(index: int, time_s: float, people: list[PersonLandmarks]) -> None:
        nonlocal next_progress, next_preview, last_s
        job.stop_if_cancelled()
        last_s = time_s
        now = time.monotonic()
        done = index + 1
        if now >= next_progress:
            remaining = max(0, total - done) * (now - began) / done
            job.emit(Progress("detect", done, max(total, done), round(remaining, 1)))
            next_progress = now + _PROGRESS_SECONDS
        if people and now >= next_preview:
            landmarks = [[round(float(value), 1) for value in row] for row in people[0].image]
            job.emit(Preview(frame=index, landmarks=landmarks))
            next_preview = now + _PREVIEW_SECONDS

    detector = BlazePose(request.detector)
    with closing(read_frames(video.path, request.start, request.end)) as frames:
        watched = background.watch(segments.watch(frames))
        people = gather_observations(watched, detector, video.image_size, on_frame=on_frame)
    job.emit(Progress("detect", total, total, 0.0))
    missing = min(end, video.duration_s - video.first_s) - last_s
    if last_s >= 0 and missing > _DAMAGE_SECONDS:
        job.emit(Notice("video_damaged", f"The last {missing:.0f} s of {video.path.name} could not be read."))
    return people


def _stand_cameras(
    camera: Intrinsics,
    turns: CameraTurns,
    edges: Segments,
    focal_sigma: float,
    solver: PersonSolver,
    tracks: list[Track],
    corrected: list[CorrectedLandmarks],
    on_progress: Callable[[float], None],
) -> list[Intrinsics]:
    """The camera at each person's moments: still as the background says, level as people, edges and feet say."""
    level, known = _level(turns, edges, focal_sigma, tracks, corrected)
    own = [turns.at(track.observations.times) for track in tracks]
    floor = solver.find_floor_turn(tracks[0], corrected[0], replace(camera, level=level @ own[0]), on_progress, known)
    return [replace(camera, level=floor @ level @ turn) for turn in own]


def _level(
    turns: CameraTurns, edges: Segments, focal_sigma: float, tracks: list[Track], corrected: list[CorrectedLandmarks]
) -> tuple[Array, Array]:
    """(3, 3) levels the camera as people and edges say, and (2, 2) how sure they are."""
    own = [turns.at(track.observations.times) for track in tracks]
    told = sum(
        (np.einsum("tij,tj->i", turn, one.up) for turn, one in zip(own, corrected, strict=True)), start=np.zeros(3)
    )
    upright = find_upright(told, edges, focal_sigma)
    level = level_by(upright.up)
    return level, upright.level_information(level)


@contextmanager
def _output_folder(folder: Path) -> Generator[Path]:
    """Make the folder, and take away what was made of it and stayed empty, however the solve ends.

    Finds out that nothing can be written there before an hour of solving, not after.
    """
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(4096))
        except OSError as error:
            raise OutputUnwritable(f"Nothing can be written to {folder}: {error.strerror or error}.") from error
        yield folder
    finally:
        with suppress(OSError):  # of the first that holds something, or was not even made
            for path in missing:
                path.rmdir()


def _remove_leftovers(folder: Path, count: int) -> None:
    """Take away the takes that an earlier solve into this folder numbered beyond this one's."""
    for path in folder.glob("take_p*.npz"):
        number = path.stem.removeprefix("take_p")
        if number.isdigit() and int(number) > count:
            path.unlink()


def _describe(video: VideoInfo, request: SolveRequest, device: torch.device) -> dict[str, Any]:
    """What a take remembers of how it was made."""
    with open(video.path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "clip": Path(video.path).name,
        "clip_sha256": digest,
        "video": str(Path(video.path).resolve()),
        "versions": {"ikol": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
        "device": str(device),
        "settings": {
            "start": request.start,
            "end": request.end,
            "model": Path(request.model).name,
            "detector": request.detector,
            "focal_px": request.focal_px,
            "estimate_focal": request.estimate_focal,
            "height_cm": request.height_cm,
            "rate_hz": request.rate_hz,
        },
    }
