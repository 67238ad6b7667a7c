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
        goal: where its joints are.
        rotations: (T, K, 4) that the curves give.
        locations: (T, K, 3) that the curves give.
        posed: where they put the joints.
        shifts: (T, K, 3) from where the joints should be, metres.
        angles: (T, K) radians that the bones' own rotations are off.
        turn_errors: (T, K, 3) the same as rotation vectors in the world.
        place_errors: (T, K, 3) how far off the bones' own locations put their heads in the world, metres.
    """

    truth: Motion
    goal: Posed
    rotations: Array
    locations: Array
    posed: Posed
    shifts: Array
    angles: Array
    turn_errors: Array
    place_errors: Array

    def put(self, track: Track, values: Array, first: int = 0) -> None:
        """The track's values (n, C) from sample `first` on; `measure` afterwards."""
        span = slice(first, first + len(values))
        if track.turn is None:
            self.locations[span, track.bone] = values
        else:
            self.rotations[span, track.bone] = track.turn(values)

    def measure(self) -> None:
        """Pose the skeleton by the curves and compare."""
        self.posed = pose(self.truth.skeleton, self.rotations, self.locations)
        self.shifts = self.posed.heads - self.goal.heads
        errors = quat.log(quat.multiply(quat.inverse(self.truth.rotations), self.rotations))
        self.angles = np.sqrt((errors * errors).sum(axis=-1))
        self.turn_errors = (self.posed.turns @ errors[..., None])[..., 0]
        moved = self.locations - self.truth.locations
        self.place_errors = np.zeros_like(moved)
        for bone in np.flatnonzero(np.abs(moved).max(axis=(0, 2)) > 0):
            axes = self._location_axes(int(bone), slice(None))
            self.place_errors[:, bone] = (axes @ moved[:, bone, :, None])[..., 0]

    def preview(self, track: Track, first: int, values: Array, joints: Indices) -> tuple[Array, float]:
        """What `values` (n, C) from sample `first` on would do: the new shifts (n, J, 3) of `joints`, to first order,
        and the most that the bone's own rotation would be off, radians."""
        span, bone = slice(first, first + len(values)), track.bone
        if track.turn is None:
            steps = (self._location_axes(bone, span) @ (values - self.locations[span, bone])[..., None])[:, None, :, 0]
            return self.shifts[span][:, joints] + steps, 0.0
        turned = track.turn(values)
        off = quat.angle_between(self.truth.rotations[span, bone], turned)
        turns = quat.log(quat.multiply(quat.inverse(self.rotations[span, bone]), turned))
        world = (self.posed.turns[span, bone] @ turns[..., None])[..., 0]
        arms = self.posed.heads[span][:, joints] - self.posed.heads[span, bone, None]
        return self.shifts[span][:, joints] + quat.cross(world[:, None], arms), float(off.max())

    def pushes(self, joint: int, samples: Indices, bones: Indices) -> tuple[Array, Array]:
        """Metres that the errors of each of `bones` (B,) move `joint` by along the way it is off at `samples` (S,).

        Those of their rotations and those of their locations, (S, B) each.
        """
        ways = self.shifts[samples, joint]
        ways = (ways / np.linalg.norm(ways, axis=1, keepdims=True))[:, None]
        arms = self.posed.heads[samples, joint][:, None] - self.posed.heads[samples[:, None], bones]
        turning = quat.cross(self.turn_errors[samples[:, None], bones], arms)
        return (ways * turning).sum(axis=-1), (ways * self.place_errors[samples[:, None], bones]).sum(axis=-1)

    def _location_axes(self, bone: int, span: slice) -> Array:
        """(n, 3, 3) where a bone's own location takes its head in the world, m."""
        skeleton = self.truth.skeleton
        parent = skeleton.parents[bone]
        if parent < 0:
            count = len(range(*span.indices(len(self.rotations))))
            return np.repeat((skeleton.world[:3, :3] @ skeleton.rests[bone][:3, :3])[None], count, axis=0)
        rest = (np.linalg.inv(skeleton.rests[parent]) @ skeleton.rests[bone])[:3, :3]
        return skeleton.scale * self.posed.turns[span, parent] @ rest


def begin(motion: Motion) -> Attempt:
    """Nothing off yet."""
    goal = motion.posed()
    none = np.zeros_like(goal.heads)
    return Attempt(motion, goal, motion.rotations.copy(), motion.locations.copy(), goal, none, none[..., 0], none, none)
