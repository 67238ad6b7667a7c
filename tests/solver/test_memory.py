"""Memory on long clips: a moment more costs little more than what is kept of it."""

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
import torch

from solver.detect import Observations
from solver.device import one_thread
from solver.ikol import Skeleton, sequence
from solver.ikol.sequence import ClipTermination
from solver.lift import CorrectedLandmarks, Keypoints, correct_landmarks, lift
from solver.motion import clip_fit
from solver.person import PersonSolver, Rotations, Track, place_before_camera, prepare_track, solve_rotations
from solver.stretches import LENGTH
from tests.solver.lift.seen_walk import BODY, CAMERA, seen_walk

RATE_HZ = 30.0
SKELETON = Skeleton.from_body("open")
WALK = seen_walk(60)[0]


def long_walk(count: int) -> Observations:
    order = np.arange(count) % len(WALK.times)
    return replace(
        WALK,
        times=np.arange(count) / RATE_HZ,
        landmarks2d=WALK.landmarks2d[order],
        landmarks3d=WALK.landmarks3d[order],
        seen=WALK.seen[order],
    )


def growth(peak: Callable[[int], int], fewer: int, more: int) -> float:
    """Bytes that each moment adds to the peak."""
    peak(100)  # what is made once and kept is made now
    return (peak(more) - peak(fewer)) / (more - fewer)


@pytest.fixture(autouse=True)
def traced():
    """Python's and numpy's bytes are counted, torch's are not."""
    tracemalloc.start()
    with one_thread():  # so few windows are open at once
        yield
    tracemalloc.stop()


def tensor_bytes() -> int:
    """What all tensors hold now, each storage once."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in gc.get_objects()
        if type(tensor) is torch.Tensor
    }
    return sum(storages.values())


R = TypeVar("R")


class AtOnce(Executor):
    """Runs what it is given before it goes on: nothing else is at work when the memory is looked at."""

    def __init__(self, _workers: int) -> None:
        pass

    def submit(self, fn: Callable[..., R], /, *args: object, **kwargs: object) -> Future[R]:
        future = Future[R]()
        future.set_result(fn(*args, **kwargs))
        return future


def begin(observed: Observations) -> tuple[Track, CorrectedLandmarks, Keypoints, Rotations, clip_fit.ClipFit]:
    """Everything before the fit over the clip, all that is kept of it."""
    track = prepare_track(observed, RATE_HZ)
    corrected = correct_landmarks(track.observations, CAMERA, RATE_HZ)
    keypoints = lift(track.observations, corrected, BODY, CAMERA, RATE_HZ)
    rotations = solve_rotations(keypoints, SKELETON, torch.device("cpu"), lambda: None)
    return (
        track,
        corrected,
        keypoints,
        rotations,
        place_before_camera(rotations, track.observations, BODY, CAMERA, RATE_HZ),
    )


def test_what_leads_to_the_fit_holds_little_of_each_moment():
    def peak(count: int) -> int:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        begin(long_walk(count))
        return tracemalloc.get_traced_memory()[1] - before

    assert growth(peak, LENGTH, 2 * LENGTH) < 6500


def test_the_fit_over_the_clip_holds_little_of_each_moment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sequence, "ThreadPoolExecutor", AtOnce)
    once = ClipTermination(max_iterations=1)
    monkeypatch.setattr(clip_fit, "_ROUNDS", [replace(r, termination=once) for r in clip_fit._ROUNDS])
    solver = PersonSolver(BODY, SKELETON, None, RATE_HZ, torch.device("cpu"), lambda: None)

    def peak(count: int) -> int:
        before, most = tracemalloc.get_traced_memory()[0] + tensor_bytes(), 0

        def look(share: float) -> None:
            nonlocal most
            if share > 0.0:  # what leads to the fit is another test's
                most = max(most, tracemalloc.get_traced_memory()[1] + tensor_bytes() - before)
            tracemalloc.reset_peak()

        track = prepare_track(long_walk(count), RATE_HZ)
        corrected = correct_landmarks(track.observations, CAMERA, RATE_HZ)
        solver.solve(track, corrected, CAMERA, look)
        look(1.0)
        return most

    assert growth(peak, 800, 1440) < 11_000  # both in windows of 160, inner ones among them
