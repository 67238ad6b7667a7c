"""What key reduction works on: the curves of a bone's property, which share their keys, and how far off they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import quaternions as quat
from .motion import Motion
from .skeleton import Posed, pose

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Track:
    """The curves of a bone's rotation or location.

    Attributes:
        bone: index in the skeleton.
        samples: (T, C) as the curves have them.
        turn: from (T, C) values to quaternions (T, 4); None for a location.
        kept: (T,) moments that must be keys: extremes, contacts.
    """

    bone: int
    samples: Array
    turn: Callable[[Array], Array] | None
    kept: NDArray[np.bool_]

    def part(self, first: int, last: int) -> Track:
        """Samples `first` to `last`, both included."""
        return Track(self.bone, self.samples[first : last + 1], self.turn, self.kept[first : last + 1])


@dataclass(frozen=True)
class Tolerance:
    """Attributes:
    angle: radians that a bone's own rotation may be off.
    distance: metres that a joint may be off in the world.
    """

    angle: float
    distance: float


@dataclass
class Attempt:
    """Curves that stand for a motion, and how far off they are. Functions that improve it change it in place.

    Attributes:
        truth: the motion.
        backwards: (T, K, 4) its rotations, inverted.
        goal: where its joints are.
        rotations: (T, K, 4) that the curves give.
        locations: (T, K, 3) that the curves give.
        posed: where they put the joints.
        shifts: (T, K, 3) from where the joints should be, metres.
        angles: (T, K) radians that the bones' own rotations are off.
        errors: (T, K, 3) the same as rotation vectors in the bones' own axes.
        turn_errors: (T, K, 3) and in the world.
        place_errors: (T, K, 3) how far off the bones' own locations put their heads in the world, metres.
    """

    truth: Motion
    backwards: Array
    goal: Posed
    rotations: Array
    locations: Array
    posed: Posed
    shifts: Array
    angles: Array
    errors: Array
    turn_errors: Array
    place_errors: Array

    def put(self, track: Track, values: Array, rows: Indices | None = None) -> None:
        """The track's values (n, C) at the samples `rows` (n,), or at all; `measure` afterwards."""
        rows = np.arange(len(values)) if rows is None else rows
        if track.turn is None:
            self.locations[rows, track.bone] = values
        else:
            turned = track.turn(values)
            self.rotations[rows, track.bone] = turned
            self.errors[rows, track.bone] = self._turn_errors(track.bone, rows, turned)

    def measure(self) -> None:
        """Pose the skeleton by the curves and compare."""
        self.posed = pose(self.truth.skeleton, self.rotations, self.locations)
        self.shifts = self.posed.heads - self.goal.heads
        self.angles = np.sqrt(np.einsum("tkc,tkc->tk", self.errors, self.errors))
        self.turn_errors = (self.posed.turns @ self.errors[..., None])[..., 0]
        moved = self.locations - self.truth.locations
        self.place_errors = np.zeros_like(moved)
        for bone in np.flatnonzero(np.abs(moved).max(axis=(0, 2)) > 0):
            axes = self._location_axes(int(bone), np.arange(len(moved)))
            self.place_errors[:, bone] = (axes @ moved[:, bone, :, None])[..., 0]

    def preview(
        self, track: Track, rows: Indices, values: Array, joints: Indices, tolerance: Tolerance
    ) -> tuple[Array, Array]:
        """What `values` (n, C) at the samples `rows` (n,) would do.

        Returns:
            (n,) how far the worst of it is off, 1 being all of the tolerance; and the new shifts (n, J, 3) of
            `joints`, to first order.
        """
        bone = track.bone
        if track.turn is None:
            moved = values - self.locations[rows, bone]
            steps = (self._location_axes(bone, rows) @ moved[..., None])[:, None, :, 0]
            angles = np.zeros(len(values))
        else:
            errors = self._turn_errors(bone, rows, track.turn(values))
            angles = np.sqrt(np.einsum("nc,nc->n", errors, errors)) / tolerance.angle
            # The difference of small rotation vectors is, to first order, that of the rotations.
            world = (self.posed.turns[rows, bone] @ (errors - self.errors[rows, bone])[..., None])[..., 0]
            heads = self.posed.heads[rows]
            steps = quat.cross(world[:, None], heads[:, joints] - heads[:, bone, None])
        shifts = self.shifts[rows[:, None], joints] + steps
        distances = np.sqrt(np.einsum("njc,njc->nj", shifts, shifts).max(axis=1)) / tolerance.distance
        return np.maximum(angles, distances), shifts

    def pushes(self, joint: int, samples: Indices, bones: Indices) -> tuple[Array, Array]:
        """Metres that the errors of each of `bones` (B,) move `joint` by along the way it is off at `samples` (S,).

        Those of their rotations and those of their locations, (S, B) each.
        """
        ways = self.shifts[samples, joint]
        ways = (ways / np.linalg.norm(ways, axis=1, keepdims=True))[:, None]
        arms = self.posed.heads[samples, joint][:, None] - self.posed.heads[samples[:, None], bones]
        turning = quat.cross(self.turn_errors[samples[:, None], bones], arms)
        return (ways * turning).sum(axis=-1), (ways * self.place_errors[samples[:, None], bones]).sum(axis=-1)

    def _turn_errors(self, bone: int, rows: Indices, turned: Array) -> Array:
        """(n, 3) how far `turned` (n, 4) at `rows` (n,) is off, in the bone's own axes.

        The series of the rotation vector in the sine of half the angle: good to 1e-6 of it below 30 degrees, and too
        large for any tolerance above.
        """
        off = quat.multiply(self.backwards[rows, bone], turned)
        axis = off[:, 1:] * np.where(off[:, :1] < 0, -1.0, 1.0)
        square = np.einsum("nc,nc->n", axis, axis)[:, None]
        return axis * (2 + square * (1 / 3 + square * (3 / 20 + square * (5 / 56 + square * 35 / 576))))

    def _location_axes(self, bone: int, rows: Indices) -> Array:
        """(n, 3, 3) where a bone's own location takes its head in the world, m, at the samples `rows` (n,)."""
        skeleton = self.truth.skeleton
        parent = skeleton.parents[bone]
        if parent < 0:
            return np.repeat((skeleton.world[:3, :3] @ skeleton.rests[bone][:3, :3])[None], len(rows), axis=0)
        rest = (np.linalg.inv(skeleton.rests[parent]) @ skeleton.rests[bone])[:3, :3]
        return skeleton.scale * self.posed.turns[rows, parent] @ rest


def begin(motion: Motion) -> Attempt:
    """Nothing off yet."""
    goal = motion.posed()
    none = np.zeros_like(goal.heads)
    return Attempt(
        truth=motion,
        backwards=quat.inverse(motion.rotations),
        goal=goal,
        rotations=motion.rotations.copy(),
        locations=motion.locations.copy(),
        posed=goal,
        shifts=none,
        angles=none[..., 0],
        errors=none.copy(),
        turn_errors=none,
        place_errors=none,
    )
