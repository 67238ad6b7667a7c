"""The people of the training set: which motion, which body, filmed how. Seeded, so that both scripts see the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "rendered_set")]

from plans import Actor, ClipPlan  # noqa: E402  (the paths above make these importable)

Array = NDArray[Any]

PARTS, CLIPS_OF_A_PART = 2, 84
SECONDS = 4.0
_SEED = 2026
_LYING = 0.15  # share of the clips whose person is laid down: the motion capture at hand hardly ever lies


@dataclass(frozen=True)
class Casting:
    """One clip of the training set.

    Attributes:
        plan: how it is filmed; its actor's motion names no file.
        motion: number of the take in the motion capture, and the share of it that is over when the clip starts.
        legs_from: number of another take whose legs move below this one's trunk, or -1.
        betas: (10,) the actor's shape.
        tilt: (3,) rotation vector, radians, that lays the person down; zero for the others.
    """

    plan: ClipPlan
    motion: tuple[int, float]
    legs_from: int
    betas: Array
    tilt: Array


def cast(motions: int) -> list[Casting]:
    """The clips, each of one of so many takes; a part added later leaves the earlier ones as they are."""
    castings: list[Casting] = []
    for part in range(PARTS):
        random = np.random.default_rng(_SEED + part)
        order = random.permutation(np.arange(CLIPS_OF_A_PART) % motions)
        first = part * CLIPS_OF_A_PART
        castings += [_cast_one(first + number, int(motion), motions, random) for number, motion in enumerate(order)]
    return castings


def _cast_one(number: int, motion: int, motions: int, random: np.random.Generator) -> Casting:
    def colour() -> tuple[float, float, float]:
        red, green, blue = (float(value) for value in random.uniform(0.02, 0.75, 3) ** 1.5)
        return red, green, blue

    heading = float(random.uniform(-180, 180))
    actor = Actor("motion capture", heading, shirt=colour(), trousers=colour())
    height = float(random.uniform(0.4, 2.4))
    around, down = np.radians(random.uniform((-80, 20), (80, 60)))
    plan = ClipPlan(
        name=f"clip_{number:03d}",
        actors=(actor,),
        distance=float(random.uniform(3.6, 7.0)),
        height=height,
        aim=float(np.clip(height + random.normal(0, 0.5), 0.5, 1.2)),
        focal=float(np.exp(random.normal(np.log(1.1), 0.2))),
        wall=colour(),
        light=(float(np.sin(around) * np.sin(down)), float(np.cos(around) * np.sin(down)), float(np.cos(down))),
        exposure=float(random.uniform(0.2, 1.0)),
    )
    tilt = np.zeros(3)
    lying = random.random() < _LYING
    if lying:
        about = random.uniform(-np.pi, np.pi)
        tilt = np.pi / 2 * np.array((np.cos(about), np.sin(about), 0.0)) + random.normal(0, 0.2, 3)
        plan = replace(plan, aim=0.4, distance=min(plan.distance, 5.5))
    legs_from = int(random.integers(motions)) if random.random() < 0.25 else -1
    betas = np.zeros(10)
    betas[:4] = random.normal(0, (0.9, 0.9, 0.6, 0.6))
    return Casting(plan, (motion, float(random.uniform(0, 1))), legs_from, betas, tilt)
