"""The focal length, estimated from how a person walks; `motion/focal_fit.py` says why that tells it.

The clip is solved with the assumed focal length and then fitted with a few about it, on a thinned time base; a parabola
over the logarithm finds the least cost. How far off that may be was measured on rendered clips (docs/solving.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lens import FocalLength
from .lift import CorrectedLandmarks
from .motion.camera import Intrinsics
from .motion.focal_fit import Walk, count_steps, take_walk, try_focal, way_in_depth
from .person import PersonSolver, Track

Array = NDArray[Any]

_ENOUGH_HZ = 15.0  # steps are seen as well at this rate
_LONGEST_SECONDS = 10.0
_STEP, _FARTHEST = 0.3, 2  # between tried focal lengths, of the logarithm; and so many of them to each side
# Of who does not walk, or not towards the camera or away, the landmarks' own errors would be told.
_SHORTEST_WAY = 1.5  # m, in depth
_FEWEST_STEPS, _SLOWEST_STEPS = 5, 1.1  # steps, and steps a second
_SIGMA = 0.2  # of the estimate's logarithm
_LOOKS = 5  # at the clip, if all go well: how level it is, and with up to four focal lengths


def estimate_focal(
    assumed: FocalLength,
    solver: PersonSolver,
    track: Track,
    look: Callable[[float], tuple[CorrectedLandmarks, Intrinsics, Array]],
    on_progress: Callable[[float], None],
) -> FocalLength:
    """The assumed focal length and what the person's steps say of it, as sure as each is; or else the assumed one.

    Args:
        look: for a focal length in pixels the person's corrected landmarks, the camera as level as they and the
            background tell, and how sure that is (2, 2), as PersonSolver.find_floor_turn wants it.
        on_progress: hears the share that is done, 0..1, and may raise to stop.
    """
    on_progress(0.0)
    every = max(1, round(solver.rate_hz / _ENOUGH_HZ))
    first = _liveliest(track.observations.landmarks2d, solver.rate_hz)
    moments = slice(first, first + round(_LONGEST_SECONDS * solver.rate_hz), every)
    solver, track = replace(solver, rate_hz=solver.rate_hz / every), _some_moments(track, moments)
    image = track.observations.landmarks2d

    def heed(_share: float) -> None:  # parts of a look are too short to be told of
        solver.stop_if_cancelled()

    def thinned(focal_px: float) -> tuple[CorrectedLandmarks, Intrinsics]:
        corrected, camera, known = look(focal_px)
        level = camera.level if camera.level.ndim == 2 else camera.level[moments]
        kept = (values[moments] for values in (corrected.landmarks, corrected.keypoints, corrected.up))
        corrected = CorrectedLandmarks(*kept)
        floor = solver.find_floor_turn(track, corrected, replace(camera, level=level), heed, known)
        return corrected, replace(camera, level=floor @ level)

    corrected, camera = thinned(assumed.pixels)
    on_progress(1 / _LOOKS)
    solved = solver.solve(track, corrected, camera, heed)
    walk = take_walk(solved.fit, solved.keypoints, solver.body, solver.skeleton, camera, solver.rate_hz)
    if not _walks(walk):
        on_progress(1.0)
        return assumed
    trials = {0: try_focal(walk, None, solved.keypoints, image, solver.body, solver.skeleton, camera)}

    def attempt(step: int, near: int) -> None:
        on_progress((1 + len(trials)) / _LOOKS)
        corrected, camera = thinned(assumed.pixels * math.exp(_STEP * step))
        keypoints = solver.lift(track, corrected, camera)
        trials[step] = try_focal(walk, trials[near], keypoints, image, solver.body, solver.skeleton, camera)

    attempt(1, 0)
    attempt(-1, 0)
    least = min(trials, key=lambda step: trials[step].cost)
    if 0 < abs(least) < _FARTHEST:
        attempt(2 * least, least)
    on_progress(1.0)
    return combine(assumed, {step: trial.cost for step, trial in trials.items()})


def _walks(walk: Walk) -> bool:
    """Whether somebody walks or runs, and nearer or away."""
    steps, rate_hz = count_steps(walk.planted), walk.chain.frame_rate
    enough = max(_FEWEST_STEPS, _SLOWEST_STEPS * len(walk.planted) / rate_hz)
    return steps >= enough and way_in_depth(walk.fit.pelvis, rate_hz) >= _SHORTEST_WAY


def combine(assumed: FocalLength, costs: dict[int, float]) -> FocalLength:
    """The focal length from the costs at steps about the assumed one, and from that."""
    told = _STEP * least_cost(costs)
    trust = (assumed.sigma / _SIGMA) ** 2
    moved = told * trust / (1 + trust)
    return FocalLength(assumed.pixels * math.exp(moved), "estimated", assumed.sigma / math.sqrt(1 + trust))


def least_cost(costs: dict[int, float]) -> float:
    """The step at which a parabola through the least cost and its neighbours is lowest; of the tried ones at an end."""
    least = min(costs, key=lambda step: costs[step])
    middle = min(max(least, min(costs) + 1), max(costs) - 1)
    before, here, after = (costs[middle + side] for side in (-1, 0, 1))
    bend = before - 2 * here + after
    lowest = middle + (before - after) / 2 / bend if bend > 0 else least
    return float(np.clip(lowest, min(costs), max(costs)))


def _liveliest(landmarks2d: Array, rate_hz: float) -> int:
    """The moment that starts the seconds in which the person's size in the picture, of (T, 33, 3), changes most."""
    second = round(rate_hz)
    heights = np.ptp(landmarks2d[::second, :, 1], axis=1)
    change = np.abs(np.diff(np.log(np.maximum(heights, 1.0))))
    if len(change) <= _LONGEST_SECONDS:
        return 0
    return second * int(np.convolve(change, np.ones(round(_LONGEST_SECONDS)), "valid").argmax())


def _some_moments(track: Track, moments: slice) -> Track:
    """The track with these moments only."""
    seen = track.observations
    chosen = replace(
        seen,
        times=seen.times[moments],
        landmarks2d=seen.landmarks2d[moments],
        landmarks3d=seen.landmarks3d[moments],
        seen=seen.seen[moments],
    )
    return replace(track, observations=chosen)
